//! Reading jobs: one, a list, how many stand where, and those that the queue should know.

use std::time::Duration;

use ids_core::id::{DocumentId, JobId};
use ids_core::job::{Job, JobCounts, JobRef, JobStatus, QueueName};
use ids_core::ports::Reconciled;
use ids_core::scope::Scope;
use ids_core::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::error::DbResult;
use crate::rows::{Columns, as_integer, lane_of, set_count};
use crate::scope_sql::{Conditions, blob};

const SELECT: &str = "select j.job_id, j.queue, j.document_id, j.version_id, j.status, j.attempts, j.progress,
        j.current_step, j.failure_code, j.failure_message, j.failure_retry, j.created_at, j.started_at, j.ended_at
     from jobs j join documents d on d.document_id = j.document_id
     join collections c on c.collection_no = d.collection_no";

fn read(columns: &mut Columns<'_, '_>) -> DbResult<Job> {
    Ok(Job {
        job_id: columns.id()?,
        queue: columns.queue()?,
        document_id: columns.id()?,
        version_id: columns.id()?,
        status: columns.job_status()?,
        attempts: columns.get()?,
        progress: columns.get()?,
        current_step: columns.get()?,
        failure: columns.failure()?,
        created_at: columns.time()?,
        started_at: columns.optional_time()?,
        ended_at: columns.optional_time()?,
    })
}

/// `JobStore::find_job`.
pub(crate) fn find(tx: &Connection, scope: &Scope, job_id: JobId) -> DbResult<Option<Job>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("j.job_id = ?", [blob(job_id)]);
    tx.prepare_cached(&format!("{SELECT} where {}", conditions.sql()))?
        .query_row(params_from_iter(conditions.values_with([])), |row| {
            Ok(read(&mut Columns::new(row, "jobs")))
        })
        .optional()?
        .transpose()
}

/// All jobs of a document, oldest first.
pub(crate) fn of_document(tx: &Connection, scope: &Scope, document_id: DocumentId) -> DbResult<Vec<Job>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("j.document_id = ?", [blob(document_id)]);
    let sql = format!(
        "{SELECT} where {} order by j.created_at, j.job_id",
        conditions.sql()
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.values_with([])))?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(read(&mut Columns::new(row, "jobs"))?);
    }
    Ok(jobs)
}

pub(crate) fn list(
    tx: &Connection,
    scope: &Scope,
    status: Option<JobStatus>,
    limit: usize,
    offset: usize,
) -> DbResult<Vec<Job>> {
    let mut conditions = Conditions::in_scope(scope);
    if let Some(status) = status {
        conditions.and("j.status = ?", [Value::Text(status.as_str().to_owned())]);
    }
    let sql = format!(
        "{SELECT} where {} order by j.created_at desc, j.job_id desc limit ? offset ?",
        conditions.sql()
    );
    let page = [
        Value::Integer(as_integer(limit)),
        Value::Integer(as_integer(offset)),
    ];
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.values_with(page)))?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(read(&mut Columns::new(row, "jobs"))?);
    }
    Ok(jobs)
}

pub(crate) fn counts(tx: &Connection, scope: &Scope) -> DbResult<Vec<JobCounts>> {
    let mut counts = QueueName::ALL.map(|queue| JobCounts {
        queue,
        queued: 0,
        started: 0,
        deferred: 0,
        finished: 0,
        failed: 0,
        cancelled: 0,
    });
    let conditions = Conditions::in_scope(scope);
    let sql = format!(
        "select j.queue, j.status, count(*) from jobs j join documents d on d.document_id = j.document_id
         join collections c on c.collection_no = d.collection_no where {} group by j.queue, j.status",
        conditions.sql()
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.values_with([])))?;
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "jobs");
        let (queue, status, count) = (columns.queue()?, columns.job_status()?, columns.count()?);
        set_count(&mut counts[queue as usize], status, count);
    }
    Ok(counts.into())
}

pub(crate) fn list_undelivered(
    tx: &Connection,
    scope: &Scope,
    now: Timestamp,
    limit: usize,
) -> DbResult<Vec<Reconciled>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("j.organization_id = ?", [blob(scope.organization)]);
    conditions.and(
        "j.status in ('queued', 'started', 'deferred') and (j.status <> 'started' or j.lease_expires_at <= ?)",
        [Value::Integer(now.as_micros())],
    );
    let sql = format!(
        "select j.job_id, j.queue, v.stage, q.rank, j.status, j.available_at, v.file_size, v.chunk_count - v.embedded_count
         from jobs j join versions v on v.version_no = j.version_no join documents d on d.document_id = j.document_id
         join collections c on c.collection_no = d.collection_no
         left join deliveries q on q.job_id = j.job_id and q.queue = j.queue
             and q.lane = case when v.stage in ('chunked', 'completed') then 'embed' else 'prepare' end
         where {} order by j.available_at, j.job_id limit ?",
        conditions.sql()
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(
        conditions.values_with([Value::Integer(as_integer(limit))]),
    ))?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "jobs");
        let job_id = columns.id()?;
        let (queue, stage, rank) = (columns.queue()?, columns.stage()?, columns.get()?);
        let (status, due) = (columns.job_status()?, columns.time()?);
        jobs.push(Reconciled {
            job: JobRef {
                organization: scope.organization,
                job_id,
            },
            queue,
            lane: lane_of(stage),
            rank,
            due,
            file_size: columns.count()?,
            chunks_left: columns.count()?,
            delay: if status == JobStatus::Started {
                Duration::ZERO
            } else {
                due.since(now)
            },
        });
    }
    Ok(jobs)
}

pub(crate) fn oldest_waiting(tx: &Connection, scope: &Scope) -> DbResult<Option<Timestamp>> {
    let conditions = Conditions::in_scope(scope);
    let sql = format!(
        "select min(j.created_at) from jobs j join documents d on d.document_id = j.document_id
         join collections c on c.collection_no = d.collection_no
         where {} and j.status in ('queued', 'deferred')",
        conditions.sql()
    );
    let oldest: Option<i64> = tx
        .prepare_cached(&sql)?
        .query_row(params_from_iter(conditions.values_with([])), |row| row.get(0))?;
    Ok(oldest.map(Timestamp::from_micros))
}
