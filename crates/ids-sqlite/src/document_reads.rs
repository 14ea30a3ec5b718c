//! Reading one document beyond what a list shows: by its source, its status, its original.

use ids_core::document::{BlobKey, ContentType, SourcePath};
use ids_core::id::DocumentId;
use ids_core::ports::{SourceRecord, StatusRecord};
use ids_core::scope::{CollectionName, Scope};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::error::DbResult;
use crate::rows::{Columns, Id};
use crate::scope_sql::{Conditions, blob};
use crate::{documents, job_reads};

/// `DocumentStore::find_source`.
pub(crate) fn find_source(
    tx: &Connection,
    scope: &Scope,
    collection: &CollectionName,
    source: &SourcePath,
) -> DbResult<Option<SourceRecord>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and(
        "c.name = ? and d.source_path = ?",
        [
            Value::Text(collection.as_str().to_owned()),
            Value::Text(source.0.clone()),
        ],
    );
    let sql = format!(
        "select d.document_id, v.file_hash, d.status from documents d
         join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = d.newest_version_no where {}",
        conditions.sql()
    );
    tx.prepare_cached(&sql)?
        .query_row(params_from_iter(conditions.values_with([])), |row| {
            let mut columns = Columns::new(row, "documents");
            Ok((|| {
                Ok(SourceRecord {
                    document_id: columns.id()?,
                    file_hash: columns.hash()?,
                    status: columns.document_status()?,
                })
            })())
        })
        .optional()?
        .transpose()
}

/// `DocumentStore::find_status`.
pub(crate) fn find_status(
    tx: &Connection,
    scope: &Scope,
    document_id: DocumentId,
) -> DbResult<Option<StatusRecord>> {
    let Some(document) = documents::find(tx, scope, document_id)? else {
        return Ok(None);
    };
    let job = match document.job_id {
        Some(job_id) => job_reads::find(tx, scope, job_id)?,
        None => None,
    };
    let newest: Option<(u32, u32, bool)> = tx
        .prepare_cached(
            "select v.embedded_count, v.chunk_count, v.stage = 'completed' or v.blob_key is null from documents d
             join versions v on v.version_no = case
                 when d.status in ('failed', 'duplicate', 'cancelled') then coalesce(d.visible_version_no, d.newest_version_no)
                 else coalesce(d.newest_version_no, d.visible_version_no) end
             where d.document_id = ?1",
        )?
        .query_row([document_id.to_blob()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let (chunks_processed, total_chunks, temporary_removed) = newest.unwrap_or_default();
    Ok(Some(StatusRecord {
        document,
        job,
        chunks_processed,
        total_chunks,
        temporary_removed,
    }))
}

/// `DocumentStore::find_original`.
pub(crate) fn find_original(
    tx: &Connection,
    scope: &Scope,
    document_id: DocumentId,
) -> DbResult<Option<(BlobKey, String, ContentType)>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and(
        "d.document_id = ? and v.blob_key is not null",
        [blob(document_id)],
    );
    let sql = format!(
        "select v.blob_key, v.filename, v.content_type from documents d
         join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = coalesce(d.visible_version_no, d.newest_version_no) where {}",
        conditions.sql()
    );
    tx.prepare_cached(&sql)?
        .query_row(params_from_iter(conditions.values_with([])), |row| {
            let mut columns = Columns::new(row, "versions");
            Ok((|| {
                Ok((BlobKey(columns.get()?), columns.get()?, columns.content_type()?))
            })())
        })
        .optional()?
        .transpose()
}
