//! The port `CleanupStore`: jobs without a document. Each write is one statement, so that the row's own lock is enough.

use std::time::Duration;

use async_trait::async_trait;
use ids_core::cleanup::{ClaimedCleanup, CleanupEnd, CleanupJob, CleanupLease, CleanupTask, NewCleanup};
use ids_core::error::{Failure, StoreError};
use ids_core::id::JobId;
use ids_core::job::{JobCounts, JobRef, JobStatus, Lane, QueueName};
use ids_core::limits::LEASE;
use ids_core::ports::{CleanupStore, Reconciled};
use ids_core::scope::Scope;
use ids_core::time::Timestamp;
use tokio_postgres::Row;

use crate::error::{DbError, DbResult};
use crate::job_reads::{count_into, delay_of, no_jobs};
use crate::library::PostgresLibrary;
use crate::organizations;
use crate::rows::{Columns, Id, as_integer, retry_name};
use crate::transaction::Tx;

const SELECT: &str =
    "select job_id, task, older_than_micros, status, attempts, removed, failure_code, failure_message,
        failure_retry, created_at, started_at, ended_at
     from cleanup_jobs";

fn read(row: &Row) -> DbResult<CleanupJob> {
    let mut columns = Columns::new(row, "cleanup_jobs");
    Ok(CleanupJob {
        job_id: columns.id()?,
        task: columns.word(CleanupTask::from_name)?,
        older_than: Duration::from_micros(columns.count()?),
        status: columns.job_status()?,
        attempts: columns.number()?,
        removed: columns.count()?,
        failure: columns.failure()?,
        created_at: columns.time()?,
        started_at: columns.optional_time()?,
        ended_at: columns.optional_time()?,
    })
}

const fn job_ref(scope: &Scope, job_id: JobId) -> JobRef {
    JobRef {
        organization: scope.organization,
        job_id,
    }
}

async fn accept(tx: &Tx<'_>, scope: &Scope, cleanup: &NewCleanup) -> DbResult<Option<JobRef>> {
    organizations::require(tx, scope.organization).await?;
    let made = tx
        .execute(
            "insert into cleanup_jobs (job_id, organization_id, task, older_than_micros, slot, status, available_at,
                 created_at)
             values ($1, $2, $3, $4, $5, 'queued', $6, $6)
             on conflict (organization_id, task, slot) where slot is not null do nothing",
            &[
                &cleanup.job_id.to_uuid(),
                &scope.organization.to_uuid(),
                &cleanup.task.as_str(),
                &as_integer(cleanup.older_than.as_micros()),
                &cleanup.slot,
                &tx.now().as_micros(),
            ],
        )
        .await?;
    Ok((made == 1).then(|| job_ref(scope, cleanup.job_id)))
}

async fn claim(tx: &Tx<'_>, job: &JobRef, worker: &str) -> DbResult<Option<ClaimedCleanup>> {
    let now = tx.now();
    let row = tx
        .query_opt(
            include_str!("../queries/claim_cleanup.sql"),
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
    let mut columns = Columns::new(&row, "cleanup_jobs");
    let lease = CleanupLease {
        job: *job,
        token: columns.get()?,
        attempt: columns.number()?,
    };
    Ok(Some(ClaimedCleanup {
        lease,
        task: columns.word(CleanupTask::from_name)?,
        older_than: Duration::from_micros(columns.count()?),
    }))
}

async fn renew(tx: &Tx<'_>, lease: &CleanupLease) -> DbResult<()> {
    let renewed = tx
        .execute(
            "update cleanup_jobs set lease_expires_at = $4
             where job_id = $1 and organization_id = $2 and lease_token = $3 and status = 'started'",
            &[
                &lease.job.job_id.to_uuid(),
                &lease.job.organization.to_uuid(),
                &lease.token,
                &tx.now().plus(LEASE).as_micros(),
            ],
        )
        .await?;
    held(renewed)
}

async fn end(tx: &Tx<'_>, lease: &CleanupLease, end: &CleanupEnd) -> DbResult<()> {
    let now = tx.now();
    let (status, removed, failure, due): (_, u64, Option<&Failure>, Option<Timestamp>) = match end {
        CleanupEnd::Done { removed } => (JobStatus::Finished, *removed, None, None),
        CleanupEnd::Again { failure, pause } => {
            (JobStatus::Deferred, 0, Some(failure), Some(now.plus(*pause)))
        }
        CleanupEnd::Failed { failure } => (JobStatus::Failed, 0, Some(failure), None),
    };
    let ended = tx
        .execute(
            include_str!("../queries/end_cleanup.sql"),
            &[
                &lease.job.job_id.to_uuid(),
                &lease.job.organization.to_uuid(),
                &lease.token,
                &status.as_str(),
                &as_integer(removed),
                &failure.map(|failure| failure.code.as_str()),
                &failure.map(|failure| &failure.message),
                &failure.map(|failure| retry_name(failure.retry)),
                &due.map(Timestamp::as_micros),
                &now.as_micros(),
            ],
        )
        .await?;
    held(ended)?;
    if status.is_end() {
        remove_deliveries(tx, &lease.job).await?;
    }
    Ok(())
}

/// One row under the lease, or it is lost.
fn held(changed: u64) -> DbResult<()> {
    if changed == 1 {
        Ok(())
    } else {
        Err(DbError::LEASE_LOST)
    }
}

/// No delivery of what has ended stays in line.
async fn remove_deliveries(tx: &Tx<'_>, job: &JobRef) -> DbResult<()> {
    tx.execute(
        "delete from deliveries where organization_id = $1 and job_id = $2",
        &[&job.organization.to_uuid(), &job.job_id.to_uuid()],
    )
    .await?;
    Ok(())
}

/// Why a statement found no row to change: there is none in scope, or not in a state for it.
async fn refuse<T>(tx: &Tx<'_>, scope: &Scope, job_id: JobId) -> DbResult<T> {
    match find(tx, scope, job_id).await? {
        Some(_) => Err(DbError::CONFLICT),
        None => Err(DbError::NOT_FOUND),
    }
}

async fn cancel(tx: &Tx<'_>, scope: &Scope, job_id: JobId) -> DbResult<()> {
    let cancelled = tx
        .execute(
            "update cleanup_jobs set status = 'cancelled', lease_token = lease_token + 1, lease_expires_at = null,
                 worker = null, ended_at = $3
             where job_id = $1 and organization_id = $2 and status in ('queued', 'started', 'deferred')",
            &[
                &job_id.to_uuid(),
                &scope.organization.to_uuid(),
                &tx.now().as_micros(),
            ],
        )
        .await?;
    if cancelled == 0 {
        return refuse(tx, scope, job_id).await;
    }
    remove_deliveries(tx, &job_ref(scope, job_id)).await
}

async fn retry(tx: &Tx<'_>, scope: &Scope, job_id: JobId) -> DbResult<JobRef> {
    let queued = tx
        .execute(
            "update cleanup_jobs set status = 'queued', attempts = 0, lease_token = lease_token + 1, available_at = $3,
                 failure_code = null, failure_message = null, failure_retry = null, ended_at = null
             where job_id = $1 and organization_id = $2 and status in ('failed', 'cancelled')",
            &[
                &job_id.to_uuid(),
                &scope.organization.to_uuid(),
                &tx.now().as_micros(),
            ],
        )
        .await?;
    if queued == 0 {
        return refuse(tx, scope, job_id).await;
    }
    Ok(job_ref(scope, job_id))
}

async fn find(tx: &Tx<'_>, scope: &Scope, job_id: JobId) -> DbResult<Option<CleanupJob>> {
    let row = tx
        .query_opt(
            &format!("{SELECT} where job_id = $1 and organization_id = $2"),
            &[&job_id.to_uuid(), &scope.organization.to_uuid()],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

async fn list(
    tx: &Tx<'_>,
    scope: &Scope,
    status: Option<JobStatus>,
    limit: usize,
    offset: usize,
) -> DbResult<Vec<CleanupJob>> {
    let sql = format!(
        "{SELECT} where organization_id = $1 and ($2::text is null or status = $2)
         order by created_at desc, job_id desc limit $3 offset $4"
    );
    let rows = tx
        .query(
            &sql,
            &[
                &scope.organization.to_uuid(),
                &status.map(JobStatus::as_str),
                &as_integer(limit),
                &as_integer(offset),
            ],
        )
        .await?;
    rows.iter().map(read).collect()
}

async fn counts(tx: &Tx<'_>, scope: &Scope) -> DbResult<JobCounts> {
    let rows = tx
        .query(
            "select status, count(*) from cleanup_jobs where organization_id = $1 group by status",
            &[&scope.organization.to_uuid()],
        )
        .await?;
    let mut counts = no_jobs(QueueName::CleanupTasks);
    for row in &rows {
        let mut columns = Columns::new(row, "cleanup_jobs");
        count_into(&mut counts, columns.job_status()?, columns.count()?);
    }
    Ok(counts)
}

async fn list_undelivered(tx: &Tx<'_>, scope: &Scope, limit: usize) -> DbResult<Vec<Reconciled>> {
    let now = tx.now();
    let rows = tx
        .query(
            "select j.job_id, q.rank, j.status, j.available_at
             from cleanup_jobs j
             left join deliveries q on q.job_id = j.job_id and q.queue = $2 and q.lane = $3
             where j.organization_id = $1 and j.status in ('queued', 'started', 'deferred')
               and (j.status <> 'started' or j.lease_expires_at <= $4)
             order by j.available_at, j.job_id limit $5",
            &[
                &scope.organization.to_uuid(),
                &QueueName::CleanupTasks.as_str(),
                &Lane::Prepare.as_str(),
                &now.as_micros(),
                &as_integer(limit),
            ],
        )
        .await?;
    let mut jobs = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut columns = Columns::new(row, "cleanup_jobs");
        let job = job_ref(scope, columns.id()?);
        let rank = columns.get()?;
        let (status, due) = (columns.job_status()?, columns.time()?);
        jobs.push(Reconciled {
            job,
            queue: QueueName::CleanupTasks,
            lane: Lane::Prepare,
            rank,
            due,
            file_size: 0,
            chunks_left: 0,
            delay: delay_of(status, due, now),
        });
    }
    Ok(jobs)
}

async fn prune(tx: &Tx<'_>, scope: &Scope, before: Timestamp) -> DbResult<u64> {
    tx.execute(
        "delete from cleanup_jobs where organization_id = $1 and ended_at < $2",
        &[&scope.organization.to_uuid(), &before.as_micros()],
    )
    .await
}

#[async_trait]
impl CleanupStore for PostgresLibrary {
    async fn accept_cleanup(
        &self,
        scope: &Scope,
        cleanup: &NewCleanup,
    ) -> Result<Option<JobRef>, StoreError> {
        self.database
            .write(scope.organization, move |tx| Box::pin(accept(tx, scope, cleanup)))
            .await
    }

    async fn claim_cleanup(&self, job: &JobRef, worker: &str) -> Result<Option<ClaimedCleanup>, StoreError> {
        self.database
            .write(job.organization, move |tx| Box::pin(claim(tx, job, worker)))
            .await
    }

    async fn renew_cleanup(&self, lease: &CleanupLease) -> Result<(), StoreError> {
        self.database
            .write(lease.job.organization, move |tx| Box::pin(renew(tx, lease)))
            .await
    }

    async fn end_cleanup(&self, lease: &CleanupLease, ended: &CleanupEnd) -> Result<(), StoreError> {
        self.database
            .write(lease.job.organization, move |tx| Box::pin(end(tx, lease, ended)))
            .await
    }

    async fn cancel_cleanup(&self, scope: &Scope, job_id: JobId) -> Result<(), StoreError> {
        self.database
            .write(scope.organization, move |tx| Box::pin(cancel(tx, scope, job_id)))
            .await
    }

    async fn retry_cleanup(&self, scope: &Scope, job_id: JobId) -> Result<JobRef, StoreError> {
        self.database
            .write(scope.organization, move |tx| Box::pin(retry(tx, scope, job_id)))
            .await
    }

    async fn find_cleanup(&self, scope: &Scope, job_id: JobId) -> Result<Option<CleanupJob>, StoreError> {
        self.database
            .read(scope.organization, move |tx| Box::pin(find(tx, scope, job_id)))
            .await
    }

    async fn list_cleanups(
        &self,
        scope: &Scope,
        status: Option<JobStatus>,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<CleanupJob>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(list(tx, scope, status, limit, offset))
            })
            .await
    }

    async fn cleanup_counts(&self, scope: &Scope) -> Result<JobCounts, StoreError> {
        self.database
            .read(scope.organization, move |tx| Box::pin(counts(tx, scope)))
            .await
    }

    async fn list_undelivered_cleanups(
        &self,
        scope: &Scope,
        limit: usize,
    ) -> Result<Vec<Reconciled>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(list_undelivered(tx, scope, limit))
            })
            .await
    }

    async fn prune_cleanups(&self, scope: &Scope, before: Timestamp) -> Result<u64, StoreError> {
        self.database
            .write(scope.organization, move |tx| Box::pin(prune(tx, scope, before)))
            .await
    }
}
