//! Documents stored as they were elsewhere, for the port `LibraryArchive`.

use std::collections::HashMap;

use ids_core::id::{ChunkId, DocumentId, OrganizationId, VersionId};
use ids_core::job::Job;
use ids_core::moving::{DocumentRecord, VersionRecord};
use ids_core::scope::Scope;
use ids_core::time::Timestamp;

use crate::error::{DbError, DbResult};
use crate::models;
use crate::rows::{Id, as_integer, as_number, folded, retry_name, stage_name, storable};
use crate::transaction::Tx;
use crate::{chunks, collections, documents, pages, postings, signatures, uploads};

/// `LibraryArchive::put_document`; the models of its vectors are known.
pub(crate) async fn put(
    tx: &Tx<'_>,
    organization: OrganizationId,
    record: &DocumentRecord,
) -> DbResult<Vec<Option<ChunkId>>> {
    if !record.versions.iter().all(VersionRecord::is_sound) {
        return Err(DbError::INTERNAL);
    }
    // A long document is thousands of rows, each vector with its way into the index.
    tx.be_patient().await?;
    let document_id = record.document.document_id;
    documents::lock(tx, organization, document_id).await?;
    let scope = Scope::organization(organization);
    if documents::find(tx, &scope, document_id).await?.is_some() {
        // Not what came in it: that is moved on its own, and may be here already.
        documents::remove(tx, organization, document_id).await?;
    }
    let collection_no = collections::ensure(tx, organization, &record.document.collection).await?;
    insert_document(tx, organization, collection_no, record).await?;
    uploads::write_tags(tx, organization, document_id, &record.document.tags).await?;
    let mut numbers = HashMap::new();
    let mut firsts = Vec::with_capacity(record.versions.len());
    for version in &record.versions {
        let (version_no, first) = insert_version(tx, organization, document_id, version).await?;
        if record.visible == Some(version.version_id) {
            postings::show(tx, organization, version_no).await?;
        }
        numbers.insert(version.version_id, version_no);
        firsts.push(first.map(ChunkId));
    }
    let number_of = |version: Option<VersionId>| version.and_then(|id| numbers.get(&id).copied());
    tx.execute(
        "update documents set visible_version_no = $3, newest_version_no = $4
         where organization_id = $1 and document_id = $2",
        &[
            &organization.to_uuid(),
            &document_id.to_uuid(),
            &number_of(record.visible),
            &number_of(record.newest),
        ],
    )
    .await?;
    for job in &record.jobs {
        // 0 is the number of no version: that of an old job may be gone.
        let version_no = number_of(Some(job.version_id)).unwrap_or(0);
        insert_job(tx, organization, document_id, version_no, job).await?;
    }
    Ok(firsts)
}

async fn insert_document(
    tx: &Tx<'_>,
    organization: OrganizationId,
    collection_no: i64,
    record: &DocumentRecord,
) -> DbResult<()> {
    let document = &record.document;
    let failure = document.failure.as_ref();
    tx.execute(
        "insert into documents (document_id, organization_id, collection_no, source_path, title_given, description, title,
             title_folded, filename, filename_folded, content_type, file_size, file_hash, status, job_id, duplicate_of,
             failure_code, failure_message, failure_retry, created_at, updated_at, parent_id, parent_version_id, path)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)",
        &[
            &document.document_id.to_uuid(),
            &organization.to_uuid(),
            &collection_no,
            &record.source.as_ref().map(|source| storable(&source.0)),
            &record.title_given.as_deref().map(storable),
            &document.description.as_deref().map(storable),
            &storable(&document.title),
            &storable(&folded(&document.title)),
            &storable(&document.filename),
            &storable(&folded(&document.filename)),
            &document.content_type.as_str(),
            &as_integer(document.file_size),
            &document.file_hash.as_ref().map(|hash| hash.as_bytes().as_slice()),
            &document.status.as_str(),
            &document.job_id.map(Id::to_uuid),
            &document.duplicate_of.map(Id::to_uuid),
            &failure.map(|failure| failure.code.as_str()),
            &failure.map(|failure| storable(&failure.message)),
            &failure.map(|failure| retry_name(failure.retry)),
            &document.created_at.as_micros(),
            &document.updated_at.as_micros(),
            &document.parent_id.map(Id::to_uuid),
            &record.parent_version.map(Id::to_uuid),
            &document.path.as_deref().map(storable),
        ],
    )
    .await?;
    Ok(())
}

/// Stores a version with all it holds; gives its number and the id of its first chunk.
async fn insert_version(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
    version: &VersionRecord,
) -> DbResult<(i64, Option<i64>)> {
    let row = tx
        .query_one(
            "insert into versions (version_id, organization_id, document_id, blob_key, filename, content_type, file_size,
                 file_hash, title_own, author, text_hash, stage, page_count, characters, created_at, kept_hash)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) returning version_no",
            &[
                &version.version_id.to_uuid(),
                &organization.to_uuid(),
                &document_id.to_uuid(),
                &version.blob.as_ref().map(|key| key.0.as_str()),
                &storable(&version.filename),
                &version.content_type.as_str(),
                &as_integer(version.file_size),
                &version.file_hash.as_bytes().as_slice(),
                &version.title_own.as_deref().map(storable),
                &version.author.as_deref().map(storable),
                &version.text_hash.as_ref().map(|hash| hash.as_bytes().as_slice()),
                &stage_name(version.stage),
                &version.page_count.map(as_number::<i32>),
                &version.characters.map(as_integer),
                &version.created_at.as_micros(),
                &version.kept_hash.as_ref().map(|hash| hash.as_bytes().as_slice()),
            ],
        )
        .await?;
    let version_no: i64 = row.try_get(0)?;
    pages::insert(tx, organization, version_no, &version.pages).await?;
    pages::insert_notes(tx, organization, version_no, &version.notes).await?;
    if let Some(signature) = &version.signature {
        signatures::insert(tx, organization, version_no, signature).await?;
    }
    if version.chunks.is_empty() {
        return Ok((version_no, None));
    }
    let first = chunks::insert(tx, organization, version_no, &version.chunks).await?;
    insert_embeddings(tx, organization, version_no, first, version).await?;
    tx.execute(
        "update versions set first_chunk_id = $3, chunk_count = $4, embedded_count = $5
         where organization_id = $1 and version_no = $2",
        &[
            &organization.to_uuid(),
            &version_no,
            &first,
            &as_number::<i32>(version.chunks.len()),
            &as_number::<i32>(version.embedded_count()),
        ],
    )
    .await?;
    Ok((version_no, Some(first)))
}

async fn insert_embeddings(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
    first: i64,
    version: &VersionRecord,
) -> DbResult<()> {
    for by_model in &version.embeddings {
        let known = models::get(tx, &by_model.model).await?;
        let sql = format!(
            "insert into embeddings (chunk_id, model_no, organization_id, version_no, vector)
             select g.chunk_id, $3::int4, $1::uuid, $2::int8, g.vector
             from unnest($4::int8[], $5::{}[]) as g (chunk_id, vector)",
            known.precision.type_name()
        );
        for some in by_model.vectors.chunks(chunks::ROWS) {
            let chunk_ids: Vec<i64> = some.iter().map(|(index, _)| first + i64::from(*index)).collect();
            let vectors = known.precision.values(some.iter().map(|(_, vector)| vector));
            tx.execute(
                &sql,
                &[
                    &organization.to_uuid(),
                    &version_no,
                    &known.model_no,
                    &chunk_ids,
                    &*vectors,
                ],
            )
            .await?;
        }
    }
    Ok(())
}

async fn insert_job(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
    version_no: i64,
    job: &Job,
) -> DbResult<()> {
    let failure = job.failure.as_ref();
    tx.execute(
        "insert into jobs (job_id, organization_id, document_id, version_id, version_no, queue, status, attempts,
             available_at, progress, current_step, failure_code, failure_message, failure_retry, created_at, started_at,
             ended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $9, $15, $16)",
        &[
            &job.job_id.to_uuid(),
            &organization.to_uuid(),
            &document_id.to_uuid(),
            &job.version_id.to_uuid(),
            &version_no,
            &job.queue.as_str(),
            &job.status.as_str(),
            &as_number::<i32>(job.attempts),
            &job.created_at.as_micros(),
            &i32::from(job.progress),
            &storable(&job.current_step),
            &failure.map(|failure| failure.code.as_str()),
            &failure.map(|failure| storable(&failure.message)),
            &failure.map(|failure| retry_name(failure.retry)),
            &job.started_at.map(Timestamp::as_micros),
            &job.ended_at.map(Timestamp::as_micros),
        ],
    )
    .await?;
    Ok(())
}
