//! Announced uploads, and the documents that everything starts with.

use ids_core::document::{
    BlobKey, ContentHash, Document, DocumentDetails, NewUpload, Upload, UploadState, title_from_filename,
};
use ids_core::error::StoreErrorKind;
use ids_core::id::{DocumentId, OrganizationId, UploadId};
use ids_core::scope::{Scope, Tag};
use ids_core::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::database::WriteTx;
use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, as_integer, folded};
use crate::scope_sql::{Conditions, blob};
use crate::{collections, documents};

/// What is known of a document before a version of it was accepted.
pub(crate) struct Announced<'a> {
    pub(crate) document_id: DocumentId,
    pub(crate) details: &'a DocumentDetails,
    pub(crate) source: Option<&'a str>,
    pub(crate) content_type: &'a str,
    pub(crate) file_size: u64,
    pub(crate) status: &'static str,
}

/// Makes a document, and its collection where there is none.
pub(crate) fn create_document(
    tx: &mut WriteTx<'_>,
    scope: &Scope,
    announced: &Announced<'_>,
) -> DbResult<()> {
    let details = announced.details;
    if !scope.allows(&details.collection) {
        return Err(DbError::NOT_FOUND);
    }
    let collection_no = collections::ensure_number(tx, scope.organization, &details.collection)?;
    let title = details
        .title
        .clone()
        .unwrap_or_else(|| title_from_filename(&details.filename));
    tx.prepare_cached(
        "insert into documents (document_id, organization_id, collection_no, source_path, title_given, description,
             title, title_folded, filename, filename_folded, content_type, file_size, status, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14)",
    )?
    .execute(params![
        announced.document_id.to_blob(),
        scope.organization.to_blob(),
        collection_no,
        announced.source,
        details.title,
        details.description,
        title,
        folded(&title),
        details.filename,
        folded(&details.filename),
        announced.content_type,
        as_integer(announced.file_size),
        announced.status,
        tx.now().as_micros(),
    ])?;
    write_tags(tx, scope.organization, announced.document_id, &details.tags)
}

/// Replaces the tags of a document.
pub(crate) fn write_tags(
    tx: &Connection,
    organization: OrganizationId,
    document_id: DocumentId,
    tags: &[Tag],
) -> DbResult<()> {
    tx.execute(
        "delete from document_tags where document_id = ?1",
        [document_id.to_blob()],
    )?;
    let mut insert = tx.prepare_cached(
        "insert or ignore into document_tags (document_id, organization_id, position, tag) values (?1, ?2, ?3, ?4)",
    )?;
    for (position, tag) in tags.iter().enumerate() {
        insert.execute(params![
            document_id.to_blob(),
            organization.to_blob(),
            as_integer(position),
            tag.as_str()
        ])?;
    }
    Ok(())
}

/// `DocumentStore::create_upload`.
pub(crate) fn create(tx: &mut WriteTx<'_>, scope: &Scope, upload: &NewUpload) -> DbResult<Document> {
    if upload.is_new_document {
        create_document(
            tx,
            scope,
            &Announced {
                document_id: upload.document_id,
                details: &upload.details,
                source: None,
                content_type: upload.content_type.as_str(),
                file_size: upload.file_size,
                status: "awaiting_upload",
            },
        )?;
    }
    let document = documents::find(tx, scope, upload.document_id)?.ok_or(DbError::NOT_FOUND)?;
    tx.prepare_cached(
        "insert into uploads (upload_id, organization_id, document_id, is_new_document, content_type, file_size,
             filename, blob_key, expires_at, state, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'awaiting', ?10)",
    )?
    .execute(params![
        upload.upload_id.to_blob(),
        scope.organization.to_blob(),
        upload.document_id.to_blob(),
        upload.is_new_document,
        upload.content_type.as_str(),
        as_integer(upload.file_size),
        upload.details.filename,
        upload.blob.0,
        upload.expires_at.as_micros(),
        tx.now().as_micros(),
    ])?;
    Ok(document)
}

const SELECT: &str = "select u.upload_id, u.document_id, u.content_type, u.file_size, u.filename, u.blob_key,
        u.expires_at, u.state, u.file_hash, u.job_id, u.is_new_document
     from uploads u join documents d on d.document_id = u.document_id
     join collections c on c.collection_no = d.collection_no";

fn read(columns: &mut Columns<'_, '_>) -> DbResult<(Upload, bool)> {
    let upload_id: UploadId = columns.id()?;
    let document_id = columns.id()?;
    let content_type = columns.content_type()?;
    let file_size = columns.count()?;
    let filename = columns.get()?;
    let blob = BlobKey(columns.get()?);
    let expires_at = columns.time()?;
    let state: String = columns.get()?;
    let file_hash = columns.optional_hash()?;
    let job_id = columns.optional_id()?;
    let state = match (state.as_str(), file_hash, job_id) {
        ("awaiting", _, _) => UploadState::Awaiting,
        ("received", Some(file_hash), _) => UploadState::Received { file_hash },
        ("processed", _, Some(job_id)) => UploadState::Processed { job_id },
        _ => return Err(DbError::row("uploads", upload_id)),
    };
    let is_new_document = columns.get()?;
    Ok((
        Upload {
            upload_id,
            document_id,
            content_type,
            file_size,
            filename,
            blob,
            expires_at,
            state,
        },
        is_new_document,
    ))
}

/// `DocumentStore::find_upload`.
pub(crate) fn find(tx: &Connection, scope: &Scope, upload_id: UploadId) -> DbResult<Option<Upload>> {
    Ok(find_with_origin(tx, scope, upload_id)?.map(|(upload, _)| upload))
}

/// An upload, and whether it announced a new document.
pub(crate) fn find_with_origin(
    tx: &Connection,
    scope: &Scope,
    upload_id: UploadId,
) -> DbResult<Option<(Upload, bool)>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("u.upload_id = ?", [blob(upload_id)]);
    let mut statement = tx.prepare_cached(&format!("{SELECT} where {}", conditions.sql()))?;
    statement
        .query_row(params_from_iter(conditions.values_with([])), |row| {
            Ok(read(&mut Columns::new(row, "uploads")))
        })
        .optional()?
        .transpose()
}

/// `DocumentStore::mark_received`.
pub(crate) fn mark_received(
    tx: &mut WriteTx<'_>,
    scope: &Scope,
    upload_id: UploadId,
    blob: &BlobKey,
    file_hash: ContentHash,
) -> DbResult<()> {
    let upload = find(tx, scope, upload_id)?.ok_or(DbError::NOT_FOUND)?;
    if upload.state != UploadState::Awaiting {
        return Err(DbError::CONFLICT);
    }
    tx.execute(
        "update uploads set state = 'received', file_hash = ?2, blob_key = ?3 where upload_id = ?1",
        params![upload_id.to_blob(), file_hash.as_bytes(), blob.0],
    )?;
    tx.execute(
        "update documents set file_hash = ?2, updated_at = ?3 where document_id = ?1 and newest_version_no is null",
        params![upload.document_id.to_blob(), file_hash.as_bytes(), tx.now().as_micros()],
    )?;
    Ok(())
}

/// `DocumentStore::list_expired_uploads`.
pub(crate) fn list_expired(
    tx: &Connection,
    scope: &Scope,
    before: Timestamp,
    limit: usize,
) -> DbResult<Vec<Upload>> {
    let mut conditions = Conditions::in_scope(scope);
    // The organization is named on the upload too: its index begins with it.
    conditions.and("u.organization_id = ?", [blob(scope.organization)]);
    conditions.and(
        "u.state <> 'processed' and u.expires_at <= ?",
        [Value::Integer(before.as_micros())],
    );
    let sql = format!(
        "{SELECT} where {} order by u.expires_at, u.upload_id limit ?",
        conditions.sql()
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(
        conditions.values_with([Value::Integer(as_integer(limit))]),
    ))?;
    let mut uploads = Vec::new();
    while let Some(row) = rows.next()? {
        uploads.push(read(&mut Columns::new(row, "uploads"))?.0);
    }
    Ok(uploads)
}

/// `DocumentStore::delete_upload`.
pub(crate) fn delete(tx: &mut WriteTx<'_>, scope: &Scope, upload_id: UploadId) -> DbResult<()> {
    let Some((upload, is_new_document)) = find_with_origin(tx, scope, upload_id)? else {
        return Ok(());
    };
    if matches!(upload.state, UploadState::Processed { .. }) {
        return Err(DbError::Store(StoreErrorKind::Conflict));
    }
    tx.execute("delete from uploads where upload_id = ?1", [upload_id.to_blob()])?;
    if is_new_document {
        tx.execute(
            "delete from documents where document_id = ?1 and newest_version_no is null
             and not exists (select 1 from uploads u where u.document_id = ?1)",
            [upload.document_id.to_blob()],
        )?;
    }
    Ok(())
}
