//! Documents stored as they were elsewhere, for the port `LibraryArchive`.

use std::collections::HashMap;

use ids_core::document::{Document, SourcePath};
use ids_core::id::{ChunkId, DocumentId, OrganizationId, VersionId};
use ids_core::job::Job;
use ids_core::moving::{DocumentRecord, VersionRecord};
use ids_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::WriteTx;
use crate::error::{DbError, DbResult};
use crate::rows::{Id, as_integer, folded, retry_name, stage_name};
use crate::vectors::StoredVector;
use crate::{chunk_rows, chunks, collections, documents, pages, postings, signatures, uploads};

/// `LibraryArchive::put_document`.
pub(crate) fn put(
    tx: &mut WriteTx<'_>,
    organization: OrganizationId,
    record: &DocumentRecord,
) -> DbResult<Vec<Option<ChunkId>>> {
    if !record.versions.iter().all(VersionRecord::is_sound) {
        return Err(DbError::INTERNAL);
    }
    let document_id = record.document.document_id;
    remove_former(tx, organization, document_id)?;
    let collection_no = collections::ensure_number(tx, organization, &record.document.collection)?;
    insert_document(tx, organization, collection_no, record)?;
    uploads::write_tags(tx, organization, document_id, &record.document.tags)?;
    let mut numbers = HashMap::new();
    let mut firsts = Vec::with_capacity(record.versions.len());
    for version in &record.versions {
        let (version_no, first) = insert_version(tx, organization, document_id, version)?;
        if record.visible == Some(version.version_id)
            && let Some(first) = first
        {
            postings::show(tx, organization, first..first + as_integer(version.chunks.len()))?;
        }
        numbers.insert(version.version_id, version_no);
        firsts.push(first.map(ChunkId));
    }
    let number_of = |version: Option<VersionId>| version.and_then(|id| numbers.get(&id).copied());
    tx.execute(
        "update documents set visible_version_no = ?2, newest_version_no = ?3 where document_id = ?1",
        params![
            document_id.to_blob(),
            number_of(record.visible),
            number_of(record.newest)
        ],
    )?;
    for job in &record.jobs {
        // 0 is the number of no version: that of an old job may be gone.
        let version_no = number_of(Some(job.version_id)).unwrap_or(0);
        insert_job(tx, organization, document_id, version_no, job)?;
    }
    tx.ranges_changed();
    Ok(firsts)
}

fn remove_former(
    tx: &mut WriteTx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
) -> DbResult<()> {
    let owner: Option<[u8; 16]> = tx
        .prepare_cached("select organization_id from documents where document_id = ?1")?
        .query_row([document_id.to_blob()], |row| row.get(0))
        .optional()?;
    match owner {
        None => Ok(()),
        Some(owner) if owner == organization.to_blob() => documents::remove(tx, document_id).map(drop),
        Some(_) => Err(DbError::CONFLICT),
    }
}

fn insert_document(
    tx: &Connection,
    organization: OrganizationId,
    collection_no: i64,
    record: &DocumentRecord,
) -> DbResult<()> {
    let document: &Document = &record.document;
    let failure = document.failure.as_ref();
    tx.prepare_cached(
        "insert into documents (document_id, organization_id, collection_no, source_path, title_given, description, title,
             title_folded, filename, filename_folded, content_type, file_size, file_hash, status, job_id, duplicate_of,
             failure_code, failure_message, failure_retry, created_at, updated_at, parent_id, parent_version_id, path)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
    )?
    .execute(params![
        document.document_id.to_blob(),
        organization.to_blob(),
        collection_no,
        record.source.as_ref().map(|SourcePath(path)| path),
        record.title_given,
        document.description,
        document.title,
        folded(&document.title),
        document.filename,
        folded(&document.filename),
        document.content_type.as_str(),
        as_integer(document.file_size),
        document.file_hash.as_ref().map(|hash| hash.as_bytes()),
        document.status.as_str(),
        document.job_id.map(Id::to_blob),
        document.duplicate_of.map(Id::to_blob),
        failure.map(|failure| failure.code.as_str()),
        failure.map(|failure| &failure.message),
        failure.map(|failure| retry_name(failure.retry)),
        document.created_at.as_micros(),
        document.updated_at.as_micros(),
        document.parent_id.map(Id::to_blob),
        record.parent_version.map(Id::to_blob),
        document.path,
    ])?;
    Ok(())
}

/// Stores a version with all it holds; gives its number and the id of its first chunk.
fn insert_version(
    tx: &mut WriteTx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
    version: &VersionRecord,
) -> DbResult<(i64, Option<i64>)> {
    tx.prepare_cached(
        "insert into versions (version_id, organization_id, document_id, blob_key, filename, content_type, file_size,
             file_hash, title_own, author, text_hash, stage, page_count, characters, created_at, kept_hash)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?
    .execute(params![
        version.version_id.to_blob(),
        organization.to_blob(),
        document_id.to_blob(),
        version.blob.as_ref().map(|key| &key.0),
        version.filename,
        version.content_type.as_str(),
        as_integer(version.file_size),
        version.file_hash.as_bytes(),
        version.title_own,
        version.author,
        version.text_hash.as_ref().map(|hash| hash.as_bytes()),
        stage_name(version.stage),
        version.page_count,
        version.characters.map(as_integer),
        version.created_at.as_micros(),
        version.kept_hash.as_ref().map(|hash| hash.as_bytes()),
    ])?;
    let version_no = tx.last_insert_rowid();
    pages::insert(tx, organization, version_no, &version.pages)?;
    pages::insert_notes(tx, organization, version_no, &version.notes)?;
    if let Some(signature) = &version.signature {
        signatures::insert(tx, organization, version_no, signature)?;
    }
    let first = chunk_rows::insert(tx, organization, version_no, &version.chunks)?;
    tx.prepare_cached(
        "update versions set first_chunk_id = ?2, chunk_count = ?3, embedded_count = ?4 where version_no = ?1",
    )?
    .execute(params![
        version_no,
        first,
        as_integer(version.chunks.len()),
        version.embedded_count()
    ])?;
    if let Some(first) = first {
        insert_embeddings(tx, organization, first, version)?;
    }
    Ok((version_no, first))
}

fn insert_embeddings(
    tx: &mut WriteTx<'_>,
    organization: OrganizationId,
    first: i64,
    version: &VersionRecord,
) -> DbResult<()> {
    for by_model in &version.embeddings {
        let model_no = chunks::ensure_model(tx, &by_model.model)?;
        let mut stored = Vec::with_capacity(by_model.vectors.len());
        {
            let mut insert = tx.prepare_cached(
                "insert into embeddings (chunk_id, model_no, organization_id, vector) values (?1, ?2, ?3, ?4)",
            )?;
            for (index, vector) in &by_model.vectors {
                let chunk_id = first + i64::from(*index);
                insert.execute(params![
                    chunk_id,
                    model_no,
                    organization.to_blob(),
                    vector.to_le_bytes()
                ])?;
                stored.push(StoredVector {
                    chunk_id,
                    values: vector.to_f32(),
                });
            }
        }
        tx.vectors_stored(model_no, stored);
    }
    Ok(())
}

fn insert_job(
    tx: &Connection,
    organization: OrganizationId,
    document_id: DocumentId,
    version_no: i64,
    job: &Job,
) -> DbResult<()> {
    let failure = job.failure.as_ref();
    tx.prepare_cached(
        "insert into jobs (job_id, organization_id, document_id, version_id, version_no, queue, status, attempts,
             available_at, progress, current_step, failure_code, failure_message, failure_retry, created_at, started_at, ended_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )?
    .execute(params![
        job.job_id.to_blob(),
        organization.to_blob(),
        document_id.to_blob(),
        job.version_id.to_blob(),
        version_no,
        job.queue.as_str(),
        job.status.as_str(),
        job.attempts,
        job.created_at.as_micros(),
        job.progress,
        job.current_step,
        failure.map(|failure| failure.code.as_str()),
        failure.map(|failure| &failure.message),
        failure.map(|failure| retry_name(failure.retry)),
        job.created_at.as_micros(),
        job.started_at.map(Timestamp::as_micros),
        job.ended_at.map(Timestamp::as_micros),
    ])?;
    Ok(())
}
