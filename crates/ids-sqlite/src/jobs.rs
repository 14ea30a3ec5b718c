//! The truth about jobs: the port `JobStore`.

use std::time::Duration;

use async_trait::async_trait;
use ids_core::document::{Acceptance, BlobKey, DocumentStatus, Removed, Version, VersionStage};
use ids_core::error::{ErrorCode, Failure, StoreError};
use ids_core::id::{DocumentId, JobId};
use ids_core::job::{Job, JobCounts, JobRef, JobStatus, Lease, Progress};
use ids_core::limits::{JOB_ATTEMPTS, LEASE};
use ids_core::member::{MemberAcceptance, MemberAccepted};
use ids_core::ports::{Accepted, ClaimedJob, JobStore, Reconciled};
use ids_core::scope::Scope;
use ids_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::{Durability, WriteTx};
use crate::error::{DbError, DbResult};
use crate::leases::{HeldVersion, held_version};
use crate::library::SqliteLibrary;
use crate::rows::{Columns, Id, retry_name};
use crate::versions;
use crate::{accept, job_reads, members};

fn claim(tx: &mut WriteTx<'_>, job: &JobRef, worker: &str) -> DbResult<Option<ClaimedJob>> {
    let now = tx.now();
    let claimed: Option<(i64, u32, u8)> = tx
        .prepare_cached(include_str!("../queries/claim_job.sql"))?
        .query_row(
            params![
                job.job_id.to_blob(),
                job.organization.to_blob(),
                now.as_micros(),
                now.plus(LEASE).as_micros(),
                worker,
            ],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let Some((token, attempt, progress)) = claimed else {
        return Ok(None);
    };
    let version = tx
        .prepare_cached(include_str!("../queries/job_version.sql"))?
        .query_row([job.job_id.to_blob()], |row| {
            Ok(read_version(&mut Columns::new(row, "versions")))
        })??;
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

fn read_version(columns: &mut Columns<'_, '_>) -> DbResult<Version> {
    Ok(Version {
        version_id: columns.id()?,
        document_id: columns.id()?,
        blob: columns.get::<Option<String>>()?.map(BlobKey),
        filename: columns.get()?,
        content_type: columns.content_type()?,
        file_size: columns.count()?,
        file_hash: columns.hash()?,
        title: columns.get()?,
        stage: columns.stage()?,
        page_count: columns.get()?,
        chunk_count: columns.get()?,
        embedded_count: columns.get()?,
    })
}

fn renew(tx: &mut WriteTx<'_>, lease: &Lease) -> DbResult<()> {
    held_version(tx, lease)?;
    tx.prepare_cached("update jobs set lease_expires_at = ?2 where job_id = ?1")?
        .execute(params![
            lease.job.job_id.to_blob(),
            tx.now().plus(LEASE).as_micros()
        ])?;
    Ok(())
}

fn advance(tx: &mut WriteTx<'_>, lease: &Lease, progress: &Progress) -> DbResult<()> {
    let held = held_version(tx, lease)?;
    tx.prepare_cached("update jobs set progress = max(progress, ?2), current_step = ?3 where job_id = ?1")?
        .execute(params![
            lease.job.job_id.to_blob(),
            progress.percent.min(100),
            progress.detail
        ])?;
    set_status(tx, held.document_id, DocumentStatus::from(progress.step))
}

fn set_status(tx: &WriteTx<'_>, document_id: DocumentId, status: DocumentStatus) -> DbResult<()> {
    tx.prepare_cached(
        "update documents set status = ?2, updated_at = ?3 where document_id = ?1 and status <> ?2",
    )?
    .execute(params![
        document_id.to_blob(),
        status.as_str(),
        tx.now().as_micros()
    ])?;
    Ok(())
}

/// Gives the job back to the line: not a try. Of those before, `forgiven` are forgotten.
fn put_back(
    tx: &mut WriteTx<'_>,
    lease: &Lease,
    status: JobStatus,
    due: Timestamp,
    forgiven: u32,
) -> DbResult<HeldVersion> {
    let held = held_version(tx, lease)?;
    tx.prepare_cached(
        "update jobs set status = ?2, attempts = max(attempts - 1 - ?4, 0), lease_token = lease_token + 1,
             lease_expires_at = null, worker = null, available_at = ?3
         where job_id = ?1",
    )?
    .execute(params![
        lease.job.job_id.to_blob(),
        status.as_str(),
        due.as_micros(),
        forgiven
    ])?;
    Ok(held)
}

fn complete(tx: &mut WriteTx<'_>, lease: &Lease, original: Option<&BlobKey>) -> DbResult<Removed> {
    let held = held_version(tx, lease)?;
    if held.stage < VersionStage::Chunked {
        return Err(DbError::INTERNAL);
    }
    tx.execute(
        "update versions set stage = 'completed', blob_key = ?2 where version_no = ?1",
        params![held.version_no, original.map(|key| &key.0)],
    )?;
    if !held.is_visible() {
        if let Some(former) = held.visible_version_no {
            versions::hide(tx, former)?;
        }
        versions::show(tx, held.version_no)?;
    }
    let removed = versions::remove_older(tx, held.document_id, held.version_no)?;
    end_job(tx, lease.job.job_id, JobStatus::Finished, None)?;
    tx.execute(
        "update jobs set progress = 100, current_step = 'completed' where job_id = ?1",
        [lease.job.job_id.to_blob()],
    )?;
    set_status(tx, held.document_id, DocumentStatus::Completed)?;
    Ok(removed)
}

fn end_as_duplicate(tx: &mut WriteTx<'_>, lease: &Lease, original: DocumentId) -> DbResult<()> {
    let held = held_version(tx, lease)?;
    versions::strip(tx, held.version_no)?;
    tx.execute(
        "update versions set blob_key = null where version_no = ?1",
        [held.version_no],
    )?;
    end_job(tx, lease.job.job_id, JobStatus::Finished, None)?;
    tx.execute(
        "update jobs set progress = 100, current_step = 'duplicate' where job_id = ?1",
        [lease.job.job_id.to_blob()],
    )?;
    tx.execute(
        "update documents set duplicate_of = ?2 where document_id = ?1",
        params![held.document_id.to_blob(), original.to_blob()],
    )?;
    set_status(tx, held.document_id, DocumentStatus::Duplicate)
}

fn fail(
    tx: &mut WriteTx<'_>,
    lease: &Lease,
    failure: &Failure,
    retry_after: Option<Duration>,
) -> DbResult<()> {
    let held = held_version(tx, lease)?;
    let job_id = lease.job.job_id;
    // The claim has counted this try.
    let attempts: u32 = tx.query_row(
        "select attempts from jobs where job_id = ?1",
        [job_id.to_blob()],
        |row| row.get(0),
    )?;
    if let Some(pause) = retry_after.filter(|_| attempts < JOB_ATTEMPTS) {
        tx.execute(
            "update jobs set status = 'deferred', lease_token = lease_token + 1, lease_expires_at = null,
                 worker = null, available_at = ?2, progress = 0
             where job_id = ?1",
            params![job_id.to_blob(), tx.now().plus(pause).as_micros()],
        )?;
        return note_failure(tx, job_id, failure);
    }
    let keeps_words = failure.code == ErrorCode::EmbeddingFailed
        && held.is_visible()
        && held.stage >= VersionStage::Chunked;
    if !keeps_words {
        versions::strip(tx, held.version_no)?;
    }
    end_job(tx, job_id, JobStatus::Failed, Some(failure))?;
    tx.execute(
        "update documents set failure_code = ?2, failure_message = ?3, failure_retry = ?4 where document_id = ?1",
        params![held.document_id.to_blob(), failure.code.as_str(), failure.message, retry_name(failure.retry)],
    )?;
    set_status(tx, held.document_id, DocumentStatus::Failed)
}

fn note_failure(tx: &Connection, job_id: JobId, failure: &Failure) -> DbResult<()> {
    tx.prepare_cached(
        "update jobs set failure_code = ?2, failure_message = ?3, failure_retry = ?4 where job_id = ?1",
    )?
    .execute(params![
        job_id.to_blob(),
        failure.code.as_str(),
        failure.message,
        retry_name(failure.retry)
    ])?;
    Ok(())
}

/// Ends a job: whoever still holds its lease has lost it, and no delivery of it stays in line.
fn end_job(tx: &WriteTx<'_>, job_id: JobId, status: JobStatus, failure: Option<&Failure>) -> DbResult<()> {
    tx.prepare_cached(
        "update jobs set status = ?2, lease_token = lease_token + 1, lease_expires_at = null, worker = null,
             ended_at = ?3, failure_code = null, failure_message = null, failure_retry = null
         where job_id = ?1",
    )?
    .execute(params![job_id.to_blob(), status.as_str(), tx.now().as_micros()])?;
    if let Some(failure) = failure {
        note_failure(tx, job_id, failure)?;
    }
    tx.prepare_cached("delete from deliveries where job_id = ?1")?
        .execute([job_id.to_blob()])?;
    Ok(())
}

/// Ends an open job as cancelled; its version keeps only its bytes, so that a retry is possible.
pub(crate) fn end_cancelled(tx: &mut WriteTx<'_>, job_id: JobId) -> DbResult<Removed> {
    let (version_no, document_id): (i64, [u8; 16]) = tx.query_row(
        "select version_no, document_id from jobs where job_id = ?1",
        [job_id.to_blob()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let removed = versions::strip(tx, version_no)?;
    end_job(tx, job_id, JobStatus::Cancelled, None)?;
    set_status(tx, DocumentId::from_blob(document_id), DocumentStatus::Cancelled)?;
    Ok(removed)
}

fn cancel(tx: &mut WriteTx<'_>, scope: &Scope, job_id: JobId) -> DbResult<Removed> {
    let job = job_reads::find(tx, scope, job_id)?.ok_or(DbError::NOT_FOUND)?;
    let mut removed = Removed::default();
    if !job.status.is_end() {
        removed = end_cancelled(tx, job_id)?;
    }
    let (was_open, below) = members::cancel_below(tx, job.document_id)?;
    if job.status.is_end() && !was_open {
        return Err(DbError::CONFLICT);
    }
    versions::add(&mut removed, below);
    Ok(removed)
}

fn retry(tx: &mut WriteTx<'_>, scope: &Scope, job_id: JobId) -> DbResult<JobRef> {
    let job = job_reads::find(tx, scope, job_id)?.ok_or(DbError::NOT_FOUND)?;
    if !matches!(job.status, JobStatus::Failed | JobStatus::Cancelled) {
        return Err(DbError::CONFLICT);
    }
    // Only of the newest version: an older one was overtaken, and its bytes may be gone.
    let is_newest: bool = tx
        .query_row(
            "select d.newest_version_no = j.version_no and v.blob_key is not null from jobs j join documents d on d.document_id = j.document_id
             join versions v on v.version_no = j.version_no where j.job_id = ?1",
            [job_id.to_blob()],
            |row| row.get(0),
        )
        .optional()?
        .unwrap_or(false);
    if !is_newest {
        return Err(DbError::CONFLICT);
    }
    tx.execute(
        "update jobs set status = 'queued', attempts = 0, lease_token = lease_token + 1, available_at = ?2,
             progress = 0, current_step = 'uploaded', failure_code = null, failure_message = null,
             failure_retry = null, ended_at = null
         where job_id = ?1",
        params![job_id.to_blob(), tx.now().as_micros()],
    )?;
    tx.execute(
        "update documents set failure_code = null, failure_message = null, failure_retry = null, job_id = ?2
         where document_id = ?1",
        params![job.document_id.to_blob(), job_id.to_blob()],
    )?;
    set_status(tx, job.document_id, DocumentStatus::Uploaded)?;
    Ok(JobRef {
        organization: scope.organization,
        job_id,
    })
}

#[async_trait]
impl JobStore for SqliteLibrary {
    async fn accept(&self, scope: &Scope, acceptance: &Acceptance) -> Result<Accepted, StoreError> {
        let (scope, acceptance) = (scope.clone(), acceptance.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                accept::accept(tx, &scope, &acceptance)
            })
            .await
    }

    async fn accept_member(
        &self,
        lease: &Lease,
        member: &MemberAcceptance,
    ) -> Result<MemberAccepted, StoreError> {
        let (lease, member) = (lease.clone(), member.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                members::accept(tx, &lease, &member)
            })
            .await
    }

    async fn claim(&self, job: &JobRef, worker: &str) -> Result<Option<ClaimedJob>, StoreError> {
        let (job, worker) = (*job, worker.to_owned());
        self.database
            .write(Durability::Process, move |tx| claim(tx, &job, &worker))
            .await
    }

    async fn renew(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.database
            .write(Durability::Process, move |tx| renew(tx, &lease))
            .await
    }

    async fn advance(&self, lease: &Lease, progress: &Progress) -> Result<(), StoreError> {
        let (lease, progress) = (lease.clone(), progress.clone());
        self.database
            .write(Durability::Process, move |tx| advance(tx, &lease, &progress))
            .await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.database
            .write(Durability::Process, move |tx| {
                put_back(tx, &lease, JobStatus::Queued, tx.now(), JOB_ATTEMPTS).map(drop)
            })
            .await
    }

    async fn complete(&self, lease: &Lease, original: Option<&BlobKey>) -> Result<Removed, StoreError> {
        let (lease, original) = (lease.clone(), original.cloned());
        self.database
            .write(Durability::Machine, move |tx| {
                complete(tx, &lease, original.as_ref())
            })
            .await
    }

    async fn end_as_duplicate(&self, lease: &Lease, original: DocumentId) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.database
            .write(Durability::Machine, move |tx| {
                end_as_duplicate(tx, &lease, original)
            })
            .await
    }

    async fn fail(
        &self,
        lease: &Lease,
        failure: &Failure,
        retry_after: Option<Duration>,
    ) -> Result<(), StoreError> {
        let (lease, failure) = (lease.clone(), failure.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                fail(tx, &lease, &failure, retry_after)
            })
            .await
    }

    async fn postpone(&self, lease: &Lease, failure: &Failure, delay: Duration) -> Result<(), StoreError> {
        let (lease, failure) = (lease.clone(), failure.clone());
        self.database
            .write(Durability::Process, move |tx| {
                let due = tx.now().plus(delay);
                put_back(tx, &lease, JobStatus::Deferred, due, 0)?;
                note_failure(tx, lease.job.job_id, &failure)
            })
            .await
    }

    async fn cancel(&self, scope: &Scope, job_id: JobId) -> Result<Removed, StoreError> {
        let scope = scope.clone();
        self.database
            .write(Durability::Machine, move |tx| cancel(tx, &scope, job_id))
            .await
    }

    async fn retry(&self, scope: &Scope, job_id: JobId) -> Result<JobRef, StoreError> {
        let scope = scope.clone();
        self.database
            .write(Durability::Machine, move |tx| retry(tx, &scope, job_id))
            .await
    }

    async fn find_job(&self, scope: &Scope, job_id: JobId) -> Result<Option<Job>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| job_reads::find(tx, &scope, job_id))
            .await
    }

    async fn list_jobs(
        &self,
        scope: &Scope,
        status: Option<JobStatus>,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<Job>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| job_reads::list(tx, &scope, status, limit, offset))
            .await
    }

    async fn job_counts(&self, scope: &Scope) -> Result<Vec<JobCounts>, StoreError> {
        let scope = scope.clone();
        self.database.read(move |tx| job_reads::counts(tx, &scope)).await
    }

    async fn list_undelivered(&self, scope: &Scope, limit: usize) -> Result<Vec<Reconciled>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| job_reads::list_undelivered(tx, &scope, tx.shared.clock.now(), limit))
            .await
    }

    async fn oldest_waiting(&self, scope: &Scope) -> Result<Option<Timestamp>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| job_reads::oldest_waiting(tx, &scope))
            .await
    }
}
