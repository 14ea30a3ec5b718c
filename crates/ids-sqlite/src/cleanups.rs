//! The port `CleanupStore`: jobs without a document.

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
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::{Durability, WriteTx};
use crate::error::{DbError, DbResult};
use crate::library::SqliteLibrary;
use crate::organizations;
use crate::rows::{Columns, Id, as_integer, retry_name, set_count};

const SELECT: &str =
    "select job_id, task, older_than_micros, status, attempts, removed, failure_code, failure_message,
        failure_retry, created_at, started_at, ended_at
     from cleanup_jobs";

fn read(columns: &mut Columns<'_, '_>) -> DbResult<CleanupJob> {
    Ok(CleanupJob {
        job_id: columns.id()?,
        task: columns.word(CleanupTask::from_name)?,
        older_than: Duration::from_micros(columns.count()?),
        status: columns.job_status()?,
        attempts: columns.get()?,
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

fn accept(tx: &WriteTx<'_>, scope: &Scope, cleanup: &NewCleanup) -> DbResult<Option<JobRef>> {
    organizations::require(tx, scope.organization)?;
    let made = tx
        .prepare_cached(
            "insert into cleanup_jobs (job_id, organization_id, task, older_than_micros, slot, status, available_at,
                 created_at)
             values (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?6)
             on conflict (organization_id, task, slot) where slot is not null do nothing",
        )?
        .execute(params![
            cleanup.job_id.to_blob(),
            scope.organization.to_blob(),
            cleanup.task.as_str(),
            as_integer(cleanup.older_than.as_micros()),
            cleanup.slot,
            tx.now().as_micros(),
        ])?;
    Ok((made == 1).then(|| job_ref(scope, cleanup.job_id)))
}

fn claim(tx: &WriteTx<'_>, job: &JobRef, worker: &str) -> DbResult<Option<ClaimedCleanup>> {
    let now = tx.now();
    tx.prepare_cached(include_str!("../queries/claim_cleanup.sql"))?
        .query_row(
            params![
                job.job_id.to_blob(),
                job.organization.to_blob(),
                now.as_micros(),
                now.plus(LEASE).as_micros(),
                worker,
            ],
            |row| Ok(claimed(&mut Columns::new(row, "cleanup_jobs"), *job)),
        )
        .optional()?
        .transpose()
}

fn claimed(columns: &mut Columns<'_, '_>, job: JobRef) -> DbResult<ClaimedCleanup> {
    Ok(ClaimedCleanup {
        lease: CleanupLease {
            job,
            token: columns.get()?,
            attempt: columns.get()?,
        },
        task: columns.word(CleanupTask::from_name)?,
        older_than: Duration::from_micros(columns.count()?),
    })
}

fn renew(tx: &WriteTx<'_>, lease: &CleanupLease) -> DbResult<()> {
    let renewed = tx
        .prepare_cached(
            "update cleanup_jobs set lease_expires_at = ?4
             where job_id = ?1 and organization_id = ?2 and lease_token = ?3 and status = 'started'",
        )?
        .execute(params![
            lease.job.job_id.to_blob(),
            lease.job.organization.to_blob(),
            lease.token,
            tx.now().plus(LEASE).as_micros(),
        ])?;
    held(renewed)
}

fn end(tx: &WriteTx<'_>, lease: &CleanupLease, end: &CleanupEnd) -> DbResult<()> {
    let now = tx.now();
    let (status, removed, failure, due): (_, u64, Option<&Failure>, Option<Timestamp>) = match end {
        CleanupEnd::Done { removed } => (JobStatus::Finished, *removed, None, None),
        CleanupEnd::Again { failure, pause } => {
            (JobStatus::Deferred, 0, Some(failure), Some(now.plus(*pause)))
        }
        CleanupEnd::Failed { failure } => (JobStatus::Failed, 0, Some(failure), None),
    };
    let ended = tx
        .prepare_cached(include_str!("../queries/end_cleanup.sql"))?
        .execute(params![
            lease.job.job_id.to_blob(),
            lease.job.organization.to_blob(),
            lease.token,
            status.as_str(),
            as_integer(removed),
            failure.map(|failure| failure.code.as_str()),
            failure.map(|failure| &failure.message),
            failure.map(|failure| retry_name(failure.retry)),
            due.map(Timestamp::as_micros),
            now.as_micros(),
        ])?;
    held(ended)?;
    if status.is_end() {
        remove_deliveries(tx, lease.job.job_id)?;
    }
    Ok(())
}

/// One row under the lease, or it is lost.
fn held(changed: usize) -> DbResult<()> {
    if changed == 1 {
        Ok(())
    } else {
        Err(DbError::LEASE_LOST)
    }
}

/// No delivery of what has ended stays in line.
fn remove_deliveries(tx: &Connection, job_id: JobId) -> DbResult<()> {
    tx.prepare_cached("delete from deliveries where job_id = ?1")?
        .execute([job_id.to_blob()])?;
    Ok(())
}

fn cancel(tx: &WriteTx<'_>, scope: &Scope, job_id: JobId) -> DbResult<()> {
    let job = find(tx, scope, job_id)?.ok_or(DbError::NOT_FOUND)?;
    if job.status.is_end() {
        return Err(DbError::CONFLICT);
    }
    tx.execute(
        "update cleanup_jobs set status = 'cancelled', lease_token = lease_token + 1, lease_expires_at = null,
             worker = null, ended_at = ?3
         where job_id = ?1 and organization_id = ?2",
        params![
            job_id.to_blob(),
            scope.organization.to_blob(),
            tx.now().as_micros()
        ],
    )?;
    remove_deliveries(tx, job_id)
}

fn retry(tx: &WriteTx<'_>, scope: &Scope, job_id: JobId) -> DbResult<JobRef> {
    let job = find(tx, scope, job_id)?.ok_or(DbError::NOT_FOUND)?;
    if !matches!(job.status, JobStatus::Failed | JobStatus::Cancelled) {
        return Err(DbError::CONFLICT);
    }
    tx.execute(
        "update cleanup_jobs set status = 'queued', attempts = 0, lease_token = lease_token + 1, available_at = ?3,
             failure_code = null, failure_message = null, failure_retry = null, ended_at = null
         where job_id = ?1 and organization_id = ?2",
        params![
            job_id.to_blob(),
            scope.organization.to_blob(),
            tx.now().as_micros()
        ],
    )?;
    Ok(job_ref(scope, job_id))
}

fn find(tx: &Connection, scope: &Scope, job_id: JobId) -> DbResult<Option<CleanupJob>> {
    tx.prepare_cached(&format!("{SELECT} where job_id = ?1 and organization_id = ?2"))?
        .query_row(params![job_id.to_blob(), scope.organization.to_blob()], |row| {
            Ok(read(&mut Columns::new(row, "cleanup_jobs")))
        })
        .optional()?
        .transpose()
}

fn list(
    tx: &Connection,
    scope: &Scope,
    status: Option<JobStatus>,
    limit: usize,
    offset: usize,
) -> DbResult<Vec<CleanupJob>> {
    let sql = format!(
        "{SELECT} where organization_id = ?1 and (?2 is null or status = ?2)
         order by created_at desc, job_id desc limit ?3 offset ?4"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        scope.organization.to_blob(),
        status.map(JobStatus::as_str),
        as_integer(limit),
        as_integer(offset)
    ])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(read(&mut Columns::new(row, "cleanup_jobs"))?);
    }
    Ok(jobs)
}

fn counts(tx: &Connection, scope: &Scope) -> DbResult<JobCounts> {
    let mut counts = JobCounts {
        queue: QueueName::CleanupTasks,
        queued: 0,
        started: 0,
        deferred: 0,
        finished: 0,
        failed: 0,
        cancelled: 0,
    };
    let mut statement = tx.prepare_cached(
        "select status, count(*) from cleanup_jobs where organization_id = ?1 group by status",
    )?;
    let mut rows = statement.query([scope.organization.to_blob()])?;
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "cleanup_jobs");
        set_count(&mut counts, columns.job_status()?, columns.count()?);
    }
    Ok(counts)
}

fn list_undelivered(
    tx: &Connection,
    scope: &Scope,
    now: Timestamp,
    limit: usize,
) -> DbResult<Vec<Reconciled>> {
    let mut statement = tx.prepare_cached(
        "select j.job_id, q.rank, j.status, j.available_at
         from cleanup_jobs j
         left join deliveries q on q.job_id = j.job_id and q.queue = ?2 and q.lane = ?3
         where j.organization_id = ?1 and j.status in ('queued', 'started', 'deferred')
           and (j.status <> 'started' or j.lease_expires_at <= ?4)
         order by j.available_at, j.job_id limit ?5",
    )?;
    let mut rows = statement.query(params![
        scope.organization.to_blob(),
        QueueName::CleanupTasks.as_str(),
        Lane::Prepare.as_str(),
        now.as_micros(),
        as_integer(limit)
    ])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
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
            delay: if status == JobStatus::Started {
                Duration::ZERO
            } else {
                due.since(now)
            },
        });
    }
    Ok(jobs)
}

fn prune(tx: &Connection, scope: &Scope, before: Timestamp) -> DbResult<u64> {
    let removed = tx.execute(
        "delete from cleanup_jobs where organization_id = ?1 and ended_at < ?2",
        params![scope.organization.to_blob(), before.as_micros()],
    )?;
    Ok(as_integer(removed).unsigned_abs())
}

#[async_trait]
impl CleanupStore for SqliteLibrary {
    async fn accept_cleanup(
        &self,
        scope: &Scope,
        cleanup: &NewCleanup,
    ) -> Result<Option<JobRef>, StoreError> {
        let (scope, cleanup) = (scope.clone(), cleanup.clone());
        self.database
            .write(Durability::Machine, move |tx| accept(tx, &scope, &cleanup))
            .await
    }

    async fn claim_cleanup(&self, job: &JobRef, worker: &str) -> Result<Option<ClaimedCleanup>, StoreError> {
        let (job, worker) = (*job, worker.to_owned());
        self.database
            .write(Durability::Process, move |tx| claim(tx, &job, &worker))
            .await
    }

    async fn renew_cleanup(&self, lease: &CleanupLease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.database
            .write(Durability::Process, move |tx| renew(tx, &lease))
            .await
    }

    async fn end_cleanup(&self, lease: &CleanupLease, ended: &CleanupEnd) -> Result<(), StoreError> {
        let (lease, ended) = (lease.clone(), ended.clone());
        self.database
            .write(Durability::Machine, move |tx| end(tx, &lease, &ended))
            .await
    }

    async fn cancel_cleanup(&self, scope: &Scope, job_id: JobId) -> Result<(), StoreError> {
        let scope = scope.clone();
        self.database
            .write(Durability::Machine, move |tx| cancel(tx, &scope, job_id))
            .await
    }

    async fn retry_cleanup(&self, scope: &Scope, job_id: JobId) -> Result<JobRef, StoreError> {
        let scope = scope.clone();
        self.database
            .write(Durability::Machine, move |tx| retry(tx, &scope, job_id))
            .await
    }

    async fn find_cleanup(&self, scope: &Scope, job_id: JobId) -> Result<Option<CleanupJob>, StoreError> {
        let scope = scope.clone();
        self.database.read(move |tx| find(tx, &scope, job_id)).await
    }

    async fn list_cleanups(
        &self,
        scope: &Scope,
        status: Option<JobStatus>,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<CleanupJob>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| list(tx, &scope, status, limit, offset))
            .await
    }

    async fn cleanup_counts(&self, scope: &Scope) -> Result<JobCounts, StoreError> {
        let scope = scope.clone();
        self.database.read(move |tx| counts(tx, &scope)).await
    }

    async fn list_undelivered_cleanups(
        &self,
        scope: &Scope,
        limit: usize,
    ) -> Result<Vec<Reconciled>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| {
                let now = tx.shared.clock.now();
                list_undelivered(tx, &scope, now, limit)
            })
            .await
    }

    async fn prune_cleanups(&self, scope: &Scope, before: Timestamp) -> Result<u64, StoreError> {
        let scope = scope.clone();
        self.database
            .write(Durability::Process, move |tx| prune(tx, &scope, before))
            .await
    }
}
