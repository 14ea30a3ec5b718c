//! Reading jobs: one, a list, how many stand where, and those that the queue should know.

use std::time::Duration;

use ids_core::id::{DocumentId, JobId};
use ids_core::job::{Job, JobCounts, JobRef, JobStatus, QueueName};
use ids_core::ports::Reconciled;
use ids_core::scope::Scope;
use ids_core::time::Timestamp;
use tokio_postgres::Row;

use crate::error::DbResult;
use crate::rows::{Columns, as_integer, lane_of};
use crate::scope_sql::{Conditions, uuid, value};
use crate::transaction::Tx;

const SELECT: &str = "select j.job_id, j.queue, j.document_id, j.version_id, j.status, j.attempts, j.progress,
        j.current_step, j.failure_code, j.failure_message, j.failure_retry, j.created_at, j.started_at, j.ended_at
     from jobs j join documents d on d.document_id = j.document_id
     join collections c on c.collection_no = d.collection_no";

fn read(row: &Row) -> DbResult<Job> {
    let mut columns = Columns::new(row, "jobs");
    Ok(Job {
        job_id: columns.id()?,
        queue: columns.queue()?,
        document_id: columns.id()?,
        version_id: columns.id()?,
        status: columns.job_status()?,
        attempts: columns.number()?,
        progress: columns.number()?,
        current_step: columns.get()?,
        failure: columns.failure()?,
        created_at: columns.time()?,
        started_at: columns.optional_time()?,
        ended_at: columns.optional_time()?,
    })
}

/// `JobStore::find_job`.
pub(crate) async fn find(tx: &Tx<'_>, scope: &Scope, job_id: JobId) -> DbResult<Option<Job>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("j.job_id = ?", [uuid(job_id)]);
    let sql = format!("{SELECT} where {}", conditions.sql());
    let row = tx.query_opt(&sql, &conditions.values()).await?;
    row.as_ref().map(read).transpose()
}

/// All jobs of a document, oldest first.
pub(crate) async fn of_document(tx: &Tx<'_>, scope: &Scope, document_id: DocumentId) -> DbResult<Vec<Job>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("j.document_id = ?", [uuid(document_id)]);
    let sql = format!(
        "{SELECT} where {} order by j.created_at, j.job_id",
        conditions.sql()
    );
    let rows = tx.query(&sql, &conditions.values()).await?;
    rows.iter().map(read).collect()
}

pub(crate) async fn list(
    tx: &Tx<'_>,
    scope: &Scope,
    status: Option<JobStatus>,
    limit: usize,
    offset: usize,
) -> DbResult<Vec<Job>> {
    let mut conditions = Conditions::in_scope(scope);
    // Named on the job too: its index begins with it.
    conditions.and("j.organization_id = ?", [uuid(scope.organization)]);
    if let Some(status) = status {
        conditions.and("j.status = ?", [value(status.as_str())]);
    }
    let limit = conditions.bind(value(as_integer(limit)));
    let offset = conditions.bind(value(as_integer(offset)));
    let sql = format!(
        "{SELECT} where {} order by j.created_at desc, j.job_id desc limit {limit} offset {offset}",
        conditions.sql()
    );
    let rows = tx.query(&sql, &conditions.values()).await?;
    rows.iter().map(read).collect()
}

/// No job in a queue.
pub(crate) const fn no_jobs(queue: QueueName) -> JobCounts {
    JobCounts {
        queue,
        queued: 0,
        started: 0,
        deferred: 0,
        finished: 0,
        failed: 0,
        cancelled: 0,
    }
}

/// Notes how many stand there.
pub(crate) fn count_into(counts: &mut JobCounts, status: JobStatus, count: u64) {
    match status {
        JobStatus::Queued => counts.queued = count,
        JobStatus::Started => counts.started = count,
        JobStatus::Deferred => counts.deferred = count,
        JobStatus::Finished => counts.finished = count,
        JobStatus::Failed => counts.failed = count,
        JobStatus::Cancelled => counts.cancelled = count,
    }
}

pub(crate) async fn counts(tx: &Tx<'_>, scope: &Scope) -> DbResult<Vec<JobCounts>> {
    let mut counts = QueueName::ALL.map(no_jobs);
    let conditions = Conditions::in_scope(scope);
    let sql = format!(
        "select j.queue, j.status, count(*) from jobs j join documents d on d.document_id = j.document_id
         join collections c on c.collection_no = d.collection_no where {} group by j.queue, j.status",
        conditions.sql()
    );
    for row in &tx.query(&sql, &conditions.values()).await? {
        let mut columns = Columns::new(row, "jobs");
        let (queue, status, count) = (columns.queue()?, columns.job_status()?, columns.count()?);
        count_into(&mut counts[queue as usize], status, count);
    }
    Ok(counts.into())
}

pub(crate) async fn list_undelivered(tx: &Tx<'_>, scope: &Scope, limit: usize) -> DbResult<Vec<Reconciled>> {
    let now = tx.now();
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("j.organization_id = ?", [uuid(scope.organization)]);
    conditions.and(
        "j.status in ('queued', 'started', 'deferred') and (j.status <> 'started' or j.lease_expires_at <= ?)",
        [value(now.as_micros())],
    );
    let limit = conditions.bind(value(as_integer(limit)));
    let sql = format!(
        "select j.job_id, j.queue, v.stage, q.rank, j.status, j.available_at, v.file_size, (v.chunk_count - v.embedded_count)::int8
         from jobs j join versions v on v.version_no = j.version_no join documents d on d.document_id = j.document_id
         join collections c on c.collection_no = d.collection_no
         left join deliveries q on q.job_id = j.job_id and q.queue = j.queue
             and q.lane = case when v.stage in ('chunked', 'completed') then 'embed' else 'prepare' end
         where {} order by j.available_at, j.job_id limit {limit}",
        conditions.sql()
    );
    let rows = tx.query(&sql, &conditions.values()).await?;
    let mut jobs = Vec::new();
    for row in &rows {
        let mut columns = Columns::new(row, "jobs");
        let job = JobRef {
            organization: scope.organization,
            job_id: columns.id()?,
        };
        let (queue, stage, rank) = (columns.queue()?, columns.stage()?, columns.get()?);
        let (status, due) = (columns.job_status()?, columns.time()?);
        jobs.push(Reconciled {
            job,
            queue,
            lane: lane_of(stage),
            rank,
            due,
            file_size: columns.count()?,
            chunks_left: columns.count()?,
            delay: delay_of(status, due, now),
        });
    }
    Ok(jobs)
}

/// How long a job is still to wait; whose worker is dead waits no longer.
pub(crate) fn delay_of(status: JobStatus, due: Timestamp, now: Timestamp) -> Duration {
    if status == JobStatus::Started {
        Duration::ZERO
    } else {
        due.since(now)
    }
}

pub(crate) async fn oldest_waiting(tx: &Tx<'_>, scope: &Scope) -> DbResult<Option<Timestamp>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("j.organization_id = ?", [uuid(scope.organization)]);
    let sql = format!(
        "select min(j.created_at) from jobs j join documents d on d.document_id = j.document_id
         join collections c on c.collection_no = d.collection_no
         where {} and j.status in ('queued', 'deferred')",
        conditions.sql()
    );
    let row = tx.query_one(&sql, &conditions.values()).await?;
    Columns::new(&row, "jobs").optional_time()
}
