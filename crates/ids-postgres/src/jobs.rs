//! The truth about jobs: what the methods of `JobStore` write.
//!
//! Locks are taken in one order, the document before its job; `claim` takes the job's alone.

use std::time::Duration;

use ids_core::document::{BlobKey, DocumentStatus, Removed, Version, VersionStage};
use ids_core::error::{ErrorCode, Failure};
use ids_core::id::{DocumentId, JobId, OrganizationId};
use ids_core::job::{Job, JobRef, JobStatus, Lease, Progress};
use ids_core::limits::{JOB_ATTEMPTS, LEASE};
use ids_core::ports::ClaimedJob;
use ids_core::scope::Scope;
use ids_core::time::Timestamp;

use crate::error::{DbError, DbResult};
use crate::leases::{HeldVersion, hold_version};
use crate::rows::{Columns, Id, retry_name};
use crate::transaction::Tx;
use crate::{documents, job_reads, members, versions};

pub(crate) async fn claim(tx: &Tx<'_>, job: &JobRef, worker: &str) -> DbResult<Option<ClaimedJob>> {
    let now = tx.now();
    let row = tx
        .query_opt(
            include_str!("../queries/claim_job.sql"),
            &[
                &job.job_id.to_uuid(),
                &job.organization.to_uuid(),
                &now.as_micros(),
                &now.plus(LEASE).as_micros(),
                &worker,
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row, "jobs");
    let (token, attempt, progress) = (columns.get()?, columns.number()?, columns.number()?);
    let version = Version {
        version_id: columns.id()?,
        document_id: columns.id()?,
        blob: columns.get::<Option<String>>()?.map(BlobKey),
        filename: columns.get()?,
        content_type: columns.content_type()?,
        file_size: columns.count()?,
        file_hash: columns.hash()?,
        title: columns.get()?,
        stage: columns.stage()?,
        page_count: columns.optional_number()?,
        chunk_count: columns.number()?,
        embedded_count: columns.number()?,
    };
    let lease = Lease {
        job: *job,
        token,
        document_id: version.document_id,
        version_id: version.version_id,
        attempt,
    };
    Ok(Some(ClaimedJob {
        lease,
        version,
        progress,
    }))
}

pub(crate) async fn renew(tx: &Tx<'_>, lease: &Lease) -> DbResult<()> {
    hold_version(tx, lease).await?;
    tx.execute(
        "update jobs set lease_expires_at = $3 where organization_id = $1 and job_id = $2",
        &[
            &lease.job.organization.to_uuid(),
            &lease.job.job_id.to_uuid(),
            &tx.now().plus(LEASE).as_micros(),
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn advance(tx: &Tx<'_>, lease: &Lease, progress: &Progress) -> DbResult<()> {
    let held = hold_version(tx, lease).await?;
    tx.execute(
        "update jobs set progress = greatest(progress, $3), current_step = $4 where organization_id = $1 and job_id = $2",
        &[
            &lease.job.organization.to_uuid(),
            &lease.job.job_id.to_uuid(),
            &i32::from(progress.percent.min(100)),
            &progress.detail,
        ],
    )
    .await?;
    set_status(
        tx,
        held.organization,
        held.document_id,
        DocumentStatus::from(progress.step),
    )
    .await
}

async fn set_status(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
    status: DocumentStatus,
) -> DbResult<()> {
    tx.execute(
        "update documents set status = $3, updated_at = $4
         where organization_id = $1 and document_id = $2 and status <> $3",
        &[
            &organization.to_uuid(),
            &document_id.to_uuid(),
            &status.as_str(),
            &tx.now().as_micros(),
        ],
    )
    .await?;
    Ok(())
}

/// Gives the job back to the line: not a try. Of those before, `forgiven` are forgotten.
async fn put_back(
    tx: &Tx<'_>,
    lease: &Lease,
    status: JobStatus,
    due: Timestamp,
    forgiven: i32,
) -> DbResult<()> {
    hold_version(tx, lease).await?;
    tx.execute(
        "update jobs set status = $3, attempts = greatest(attempts - 1 - $5::int4, 0), lease_token = lease_token + 1,
             lease_expires_at = null, worker = null, available_at = $4
         where organization_id = $1 and job_id = $2",
        &[
            &lease.job.organization.to_uuid(),
            &lease.job.job_id.to_uuid(),
            &status.as_str(),
            &due.as_micros(),
            &forgiven,
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn release(tx: &Tx<'_>, lease: &Lease) -> DbResult<()> {
    let all_before = JOB_ATTEMPTS.cast_signed();
    put_back(tx, lease, JobStatus::Queued, tx.now(), all_before).await
}

pub(crate) async fn postpone(tx: &Tx<'_>, lease: &Lease, failure: &Failure, delay: Duration) -> DbResult<()> {
    put_back(tx, lease, JobStatus::Deferred, tx.now().plus(delay), 0).await?;
    note_failure(tx, lease.job.organization, lease.job.job_id, failure).await
}

pub(crate) async fn complete(tx: &Tx<'_>, lease: &Lease, original: Option<&BlobKey>) -> DbResult<Removed> {
    let held = hold_version(tx, lease).await?;
    if held.stage < VersionStage::Chunked {
        return Err(DbError::INTERNAL);
    }
    let organization = held.organization;
    tx.execute(
        "update versions set stage = 'completed', blob_key = $3 where organization_id = $1 and version_no = $2",
        &[
            &organization.to_uuid(),
            &held.version_no,
            &original.map(|key| &key.0),
        ],
    )
    .await?;
    if !held.is_visible() {
        if let Some(former) = held.visible_version_no {
            versions::hide(tx, organization, former).await?;
        }
        versions::show(tx, organization, held.version_no).await?;
    }
    let removed = versions::remove_older(tx, organization, held.document_id, held.version_no).await?;
    end_well(tx, &held, lease.job.job_id, DocumentStatus::Completed).await?;
    Ok(removed)
}

pub(crate) async fn end_as_duplicate(tx: &Tx<'_>, lease: &Lease, original: DocumentId) -> DbResult<()> {
    let held = hold_version(tx, lease).await?;
    let organization = held.organization;
    versions::strip(tx, organization, held.version_no).await?;
    tx.execute(
        "update versions set blob_key = null where organization_id = $1 and version_no = $2",
        &[&organization.to_uuid(), &held.version_no],
    )
    .await?;
    tx.execute(
        "update documents set duplicate_of = $3 where organization_id = $1 and document_id = $2",
        &[
            &organization.to_uuid(),
            &held.document_id.to_uuid(),
            &original.to_uuid(),
        ],
    )
    .await?;
    end_well(tx, &held, lease.job.job_id, DocumentStatus::Duplicate).await
}

/// Ends the job as finished, the document in `status`, whose word is the job's last step.
async fn end_well(tx: &Tx<'_>, held: &HeldVersion, job_id: JobId, status: DocumentStatus) -> DbResult<()> {
    end_job(tx, held.organization, job_id, JobStatus::Finished, None).await?;
    tx.execute(
        "update jobs set progress = 100, current_step = $3 where organization_id = $1 and job_id = $2",
        &[&held.organization.to_uuid(), &job_id.to_uuid(), &status.as_str()],
    )
    .await?;
    set_status(tx, held.organization, held.document_id, status).await
}

pub(crate) async fn fail(
    tx: &Tx<'_>,
    lease: &Lease,
    failure: &Failure,
    retry_after: Option<Duration>,
) -> DbResult<()> {
    let held = hold_version(tx, lease).await?;
    let (organization, job_id) = (held.organization, lease.job.job_id);
    // The claim has counted this try, and its lease still holds: nobody has counted since.
    let row = tx
        .query_one(
            "select attempts from jobs where organization_id = $1 and job_id = $2",
            &[&organization.to_uuid(), &job_id.to_uuid()],
        )
        .await?;
    let attempts: u32 = Columns::new(&row, "jobs").number()?;
    if let Some(pause) = retry_after.filter(|_| attempts < JOB_ATTEMPTS) {
        tx.execute(
            "update jobs set status = 'deferred', lease_token = lease_token + 1, lease_expires_at = null,
                 worker = null, available_at = $3, progress = 0
             where organization_id = $1 and job_id = $2",
            &[
                &organization.to_uuid(),
                &job_id.to_uuid(),
                &tx.now().plus(pause).as_micros(),
            ],
        )
        .await?;
        return note_failure(tx, organization, job_id, failure).await;
    }
    let keeps_words = failure.code == ErrorCode::EmbeddingFailed
        && held.is_visible()
        && held.stage >= VersionStage::Chunked;
    if !keeps_words {
        versions::strip(tx, organization, held.version_no).await?;
    }
    end_job(tx, organization, job_id, JobStatus::Failed, Some(failure)).await?;
    tx.execute(
        "update documents set failure_code = $3, failure_message = $4, failure_retry = $5
         where organization_id = $1 and document_id = $2",
        &[
            &organization.to_uuid(),
            &held.document_id.to_uuid(),
            &failure.code.as_str(),
            &failure.message,
            &retry_name(failure.retry),
        ],
    )
    .await?;
    set_status(tx, organization, held.document_id, DocumentStatus::Failed).await
}

async fn note_failure(
    tx: &Tx<'_>,
    organization: OrganizationId,
    job_id: JobId,
    failure: &Failure,
) -> DbResult<()> {
    tx.execute(
        "update jobs set failure_code = $3, failure_message = $4, failure_retry = $5
         where organization_id = $1 and job_id = $2",
        &[
            &organization.to_uuid(),
            &job_id.to_uuid(),
            &failure.code.as_str(),
            &failure.message,
            &retry_name(failure.retry),
        ],
    )
    .await?;
    Ok(())
}

/// Ends a job: whoever still holds its lease has lost it, and no delivery of it stays in line.
async fn end_job(
    tx: &Tx<'_>,
    organization: OrganizationId,
    job_id: JobId,
    status: JobStatus,
    failure: Option<&Failure>,
) -> DbResult<()> {
    tx.execute(
        "update jobs set status = $3, lease_token = lease_token + 1, lease_expires_at = null, worker = null,
             ended_at = $4, failure_code = null, failure_message = null, failure_retry = null
         where organization_id = $1 and job_id = $2",
        &[
            &organization.to_uuid(),
            &job_id.to_uuid(),
            &status.as_str(),
            &tx.now().as_micros(),
        ],
    )
    .await?;
    if let Some(failure) = failure {
        note_failure(tx, organization, job_id, failure).await?;
    }
    tx.execute(
        "delete from deliveries where organization_id = $1 and job_id = $2",
        &[&organization.to_uuid(), &job_id.to_uuid()],
    )
    .await?;
    Ok(())
}

/// Ends an open job, whose document is locked, as cancelled; its version keeps only its bytes, so that a retry is possible.
pub(crate) async fn end_cancelled(
    tx: &Tx<'_>,
    organization: OrganizationId,
    job_id: JobId,
) -> DbResult<Removed> {
    let row = tx
        .query_one(
            "select version_no, document_id from jobs where organization_id = $1 and job_id = $2",
            &[&organization.to_uuid(), &job_id.to_uuid()],
        )
        .await?;
    let mut columns = Columns::new(&row, "jobs");
    let (version_no, document_id) = (columns.get()?, columns.id()?);
    let removed = versions::strip(tx, organization, version_no).await?;
    end_job(tx, organization, job_id, JobStatus::Cancelled, None).await?;
    set_status(tx, organization, document_id, DocumentStatus::Cancelled).await?;
    Ok(removed)
}

/// A job in scope, read after its document and it were locked.
async fn lock(tx: &Tx<'_>, scope: &Scope, job_id: JobId) -> DbResult<Job> {
    let job = job_reads::find(tx, scope, job_id)
        .await?
        .ok_or(DbError::NOT_FOUND)?;
    documents::lock(tx, scope.organization, job.document_id).await?;
    tx.execute(
        "select 1 from jobs where organization_id = $1 and job_id = $2 for no key update",
        &[&scope.organization.to_uuid(), &job_id.to_uuid()],
    )
    .await?;
    job_reads::find(tx, scope, job_id)
        .await?
        .ok_or(DbError::NOT_FOUND)
}

pub(crate) async fn cancel(tx: &Tx<'_>, scope: &Scope, job_id: JobId) -> DbResult<Removed> {
    let job = lock(tx, scope, job_id).await?;
    let mut removed = Removed::default();
    if !job.status.is_end() {
        removed = end_cancelled(tx, scope.organization, job_id).await?;
    }
    let (was_open, below) = members::cancel_below(tx, scope.organization, job.document_id).await?;
    if job.status.is_end() && !was_open {
        return Err(DbError::CONFLICT);
    }
    versions::add(&mut removed, below);
    Ok(removed)
}

pub(crate) async fn retry(tx: &Tx<'_>, scope: &Scope, job_id: JobId) -> DbResult<JobRef> {
    let job = lock(tx, scope, job_id).await?;
    if !matches!(job.status, JobStatus::Failed | JobStatus::Cancelled) {
        return Err(DbError::CONFLICT);
    }
    let organization = scope.organization.to_uuid();
    // Only of the newest version: an older one was overtaken, and its bytes may be gone.
    let newest = tx
        .query_opt(
            "select 1 from jobs j join documents d on d.document_id = j.document_id
             join versions v on v.version_no = j.version_no
             where j.organization_id = $1 and j.job_id = $2 and d.newest_version_no = j.version_no
                 and v.blob_key is not null",
            &[&organization, &job_id.to_uuid()],
        )
        .await?;
    if newest.is_none() {
        return Err(DbError::CONFLICT);
    }
    tx.execute(
        "update jobs set status = 'queued', attempts = 0, lease_token = lease_token + 1, available_at = $3,
             progress = 0, current_step = 'uploaded', failure_code = null, failure_message = null,
             failure_retry = null, ended_at = null
         where organization_id = $1 and job_id = $2",
        &[&organization, &job_id.to_uuid(), &tx.now().as_micros()],
    )
    .await?;
    tx.execute(
        "update documents set failure_code = null, failure_message = null, failure_retry = null, job_id = $3
         where organization_id = $1 and document_id = $2",
        &[&organization, &job.document_id.to_uuid(), &job_id.to_uuid()],
    )
    .await?;
    set_status(tx, scope.organization, job.document_id, DocumentStatus::Uploaded).await?;
    Ok(JobRef {
        organization: scope.organization,
        job_id,
    })
}
