//! Accepting a file: document, version and job come to be in one transaction.

use ids_core::document::{Acceptance, AcceptedAs, UploadState};
use ids_core::id::{DocumentId, JobId};
use ids_core::job::{JobRef, QueueName};
use ids_core::ports::Accepted;
use ids_core::scope::Scope;
use rusqlite::params;

use crate::database::WriteTx;
use crate::documents;
use crate::error::{DbError, DbResult};
use crate::jobs;
use crate::rows::{Id, as_integer};
use crate::uploads::{self, Announced};
use crate::versions;

/// `JobStore::accept`.
pub(crate) fn accept(tx: &mut WriteTx<'_>, scope: &Scope, acceptance: &Acceptance) -> DbResult<Accepted> {
    let (document_id, filename) = match &acceptance.accepted_as {
        AcceptedAs::NewDocument { details, source } => {
            uploads::create_document(
                tx,
                scope,
                &Announced {
                    document_id: acceptance.document_id,
                    details,
                    source: source.as_ref().map(|source| source.0.as_str()),
                    content_type: acceptance.content_type.as_str(),
                    file_size: acceptance.file_size,
                    status: "uploaded",
                },
            )?;
            (acceptance.document_id, details.filename.clone())
        }
        AcceptedAs::FurtherVersion { filename } => {
            documents::find(tx, scope, acceptance.document_id)?.ok_or(DbError::NOT_FOUND)?;
            (acceptance.document_id, filename.clone())
        }
        AcceptedAs::Upload(upload_id) => {
            let upload = uploads::find(tx, scope, *upload_id)?.ok_or(DbError::NOT_FOUND)?;
            match upload.state {
                UploadState::Awaiting => return Err(DbError::CONFLICT),
                UploadState::Processed { job_id } => {
                    return Ok(accepted(scope, upload.document_id, job_id, false));
                }
                UploadState::Received { .. } => {}
            }
            tx.execute(
                "update uploads set state = 'processed', job_id = ?2 where upload_id = ?1",
                params![upload_id.to_blob(), acceptance.job_id.to_blob()],
            )?;
            (upload.document_id, upload.filename)
        }
    };
    cancel_running(tx, document_id)?;
    insert_version_and_job(tx, scope, acceptance, document_id, &filename)?;
    Ok(accepted(scope, document_id, acceptance.job_id, true))
}

fn accepted(scope: &Scope, document_id: DocumentId, job_id: JobId, is_new: bool) -> Accepted {
    Accepted {
        document_id,
        job: JobRef {
            organization: scope.organization,
            job_id,
        },
        is_new,
    }
}

/// The newer file is what counts: what is being made of an older one ends.
fn cancel_running(tx: &mut WriteTx<'_>, document_id: DocumentId) -> DbResult<()> {
    let open: Vec<[u8; 16]> = tx
        .prepare_cached(
            "select job_id from jobs where document_id = ?1 and status in ('queued', 'started', 'deferred')",
        )?
        .query_map([document_id.to_blob()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for job_id in open {
        jobs::end_cancelled(tx, JobId::from_blob(job_id))?;
    }
    Ok(())
}

fn insert_version_and_job(
    tx: &mut WriteTx<'_>,
    scope: &Scope,
    acceptance: &Acceptance,
    document_id: DocumentId,
    filename: &str,
) -> DbResult<()> {
    let now = tx.now().as_micros();
    tx.prepare_cached(
        "insert into versions (version_id, organization_id, document_id, blob_key, filename, content_type, file_size,
             file_hash, stage, created_at, kept_hash)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'accepted', ?9, ?10)",
    )?
    .execute(params![
        acceptance.version_id.to_blob(),
        scope.organization.to_blob(),
        document_id.to_blob(),
        acceptance.blob.0,
        filename,
        acceptance.content_type.as_str(),
        as_integer(acceptance.file_size),
        acceptance.file_hash.as_bytes(),
        now,
        acceptance.kept_hash.as_ref().map(|hash| hash.as_bytes()),
    ])?;
    let version_no = tx.last_insert_rowid();
    tx.prepare_cached(
        "insert into jobs (job_id, organization_id, document_id, version_id, version_no, queue, status, available_at,
             current_step, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, 'queued', ?7, 'uploaded', ?7)",
    )?
    .execute(params![
        acceptance.job_id.to_blob(),
        scope.organization.to_blob(),
        document_id.to_blob(),
        acceptance.version_id.to_blob(),
        version_no,
        QueueName::DocumentProcessing.as_str(),
        now,
    ])?;
    tx.prepare_cached(
        "update documents set newest_version_no = ?2, job_id = ?3, status = 'uploaded', duplicate_of = null,
             failure_code = null, failure_message = null, failure_retry = null
         where document_id = ?1",
    )?
    .execute(params![
        document_id.to_blob(),
        version_no,
        acceptance.job_id.to_blob()
    ])?;
    versions::refresh_shown(tx, document_id)
}
