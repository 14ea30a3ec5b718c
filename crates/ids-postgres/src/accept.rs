//! Accepting a file: document, version and job come to be in one transaction.

use ids_core::document::{Acceptance, AcceptedAs, UploadState};
use ids_core::id::{DocumentId, JobId};
use ids_core::job::{JobRef, QueueName};
use ids_core::ports::Accepted;
use ids_core::scope::Scope;

use crate::documents;
use crate::error::{DbError, DbResult};
use crate::jobs;
use crate::rows::{Columns, Id, as_integer, storable};
use crate::transaction::Tx;
use crate::uploads::{self, Announced};
use crate::versions;

/// `JobStore::accept`.
pub(crate) async fn accept(tx: &Tx<'_>, scope: &Scope, acceptance: &Acceptance) -> DbResult<Accepted> {
    let (document_id, filename) = match &acceptance.accepted_as {
        AcceptedAs::NewDocument { details, source } => {
            let announced = Announced {
                document_id: acceptance.document_id,
                details,
                source: source.as_ref().map(|source| source.0.as_str()),
                content_type: acceptance.content_type.as_str(),
                file_size: acceptance.file_size,
                status: "uploaded",
            };
            uploads::create_document(tx, scope, &announced).await?;
            (acceptance.document_id, details.filename.clone())
        }
        AcceptedAs::FurtherVersion { filename } => {
            documents::lock(tx, scope.organization, acceptance.document_id).await?;
            documents::find(tx, scope, acceptance.document_id)
                .await?
                .ok_or(DbError::NOT_FOUND)?;
            (acceptance.document_id, filename.clone())
        }
        AcceptedAs::Upload(upload_id) => {
            // Whoever processes the same upload at the same time waits here, and then reads that it is done.
            uploads::lock(tx, scope, *upload_id).await?;
            let upload = uploads::find(tx, scope, *upload_id)
                .await?
                .ok_or(DbError::NOT_FOUND)?;
            match upload.state {
                UploadState::Awaiting => return Err(DbError::CONFLICT),
                UploadState::Processed { job_id } => {
                    return Ok(accepted(scope, upload.document_id, job_id, false));
                }
                UploadState::Received { .. } => {}
            }
            tx.execute(
                "update uploads set state = 'processed', job_id = $3 where organization_id = $1 and upload_id = $2",
                &[
                    &scope.organization.to_uuid(),
                    &upload_id.to_uuid(),
                    &acceptance.job_id.to_uuid(),
                ],
            )
            .await?;
            (upload.document_id, upload.filename)
        }
    };
    cancel_running(tx, scope, document_id).await?;
    insert_version_and_job(tx, scope, acceptance, document_id, &filename).await?;
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
async fn cancel_running(tx: &Tx<'_>, scope: &Scope, document_id: DocumentId) -> DbResult<()> {
    let open = tx
        .query(
            "select job_id from jobs
             where organization_id = $1 and document_id = $2 and status in ('queued', 'started', 'deferred')
             order by job_id for no key update",
            &[&scope.organization.to_uuid(), &document_id.to_uuid()],
        )
        .await?;
    for row in open {
        jobs::end_cancelled(tx, scope.organization, Columns::new(&row, "jobs").id()?).await?;
    }
    Ok(())
}

async fn insert_version_and_job(
    tx: &Tx<'_>,
    scope: &Scope,
    acceptance: &Acceptance,
    document_id: DocumentId,
    filename: &str,
) -> DbResult<()> {
    let now = tx.now().as_micros();
    let organization = scope.organization.to_uuid();
    let row = tx
        .query_one(
            "insert into versions (version_id, organization_id, document_id, blob_key, filename, content_type, file_size,
                 file_hash, stage, created_at, kept_hash)
             values ($1, $2, $3, $4, $5, $6, $7, $8, 'accepted', $9, $10) returning version_no",
            &[
                &acceptance.version_id.to_uuid(),
                &organization,
                &document_id.to_uuid(),
                &acceptance.blob.0,
                &storable(filename),
                &acceptance.content_type.as_str(),
                &as_integer(acceptance.file_size),
                &acceptance.file_hash.as_bytes().as_slice(),
                &now,
                &acceptance.kept_hash.as_ref().map(|hash| hash.as_bytes().as_slice()),
            ],
        )
        .await?;
    let version_no: i64 = row.try_get(0)?;
    tx.execute(
        "insert into jobs (job_id, organization_id, document_id, version_id, version_no, queue, status, available_at,
             current_step, created_at)
         values ($1, $2, $3, $4, $5, $6, 'queued', $7, 'uploaded', $7)",
        &[
            &acceptance.job_id.to_uuid(),
            &organization,
            &document_id.to_uuid(),
            &acceptance.version_id.to_uuid(),
            &version_no,
            &QueueName::DocumentProcessing.as_str(),
            &now,
        ],
    )
    .await?;
    tx.execute(
        "update documents set newest_version_no = $3, job_id = $4, status = 'uploaded', duplicate_of = null,
             failure_code = null, failure_message = null, failure_retry = null
         where organization_id = $1 and document_id = $2",
        &[
            &organization,
            &document_id.to_uuid(),
            &version_no,
            &acceptance.job_id.to_uuid(),
        ],
    )
    .await?;
    versions::refresh_shown(tx, scope.organization, document_id).await
}
