//! The port `WorkerRegistry`: who works, and who of them has a role.

use std::time::Duration;

use async_trait::async_trait;
use ids_core::error::StoreError;
use ids_core::job::QueueName;
use ids_core::ports::{RegisteredWorker, WorkerRegistry};
use ids_core::time::Timestamp;
use rusqlite::{Connection, params};

use crate::database::{Durability, WriteTx};
use crate::error::DbResult;
use crate::library::SqliteLibrary;
use crate::rows::{Columns, joined};

fn beat(tx: &WriteTx<'_>, worker: &str, queues: &[QueueName]) -> DbResult<()> {
    tx.prepare_cached(
        "insert into workers (name, queues, started_at, seen_at) values (?1, ?2, ?3, ?3)
         on conflict (name) do update set queues = excluded.queues, seen_at = excluded.seen_at",
    )?
    .execute(params![
        worker,
        joined(queues.iter().map(|queue| queue.as_str())),
        tx.now().as_micros()
    ])?;
    Ok(())
}

fn list(tx: &Connection, since: Timestamp) -> DbResult<Vec<RegisteredWorker>> {
    let mut statement = tx.prepare_cached(
        "select name, queues, started_at, seen_at from workers where seen_at >= ?1 order by name",
    )?;
    let mut rows = statement.query([since.as_micros()])?;
    let mut workers = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "workers");
        workers.push(RegisteredWorker {
            name: columns.get()?,
            queues: columns.words(QueueName::from_name)?,
            started_at: columns.time()?,
            seen_at: columns.time()?,
        });
    }
    Ok(workers)
}

/// The row changes only for who has the role, or when its time has run out.
fn lead(tx: &WriteTx<'_>, role: &str, worker: &str, time: Duration) -> DbResult<bool> {
    let changed = tx
        .prepare_cached(
            "insert into leaderships (role, worker, expires_at) values (?1, ?2, ?3)
             on conflict (role) do update set worker = excluded.worker, expires_at = excluded.expires_at
             where leaderships.worker = excluded.worker or leaderships.expires_at <= ?4",
        )?
        .execute(params![
            role,
            worker,
            tx.now().plus(time).as_micros(),
            tx.now().as_micros()
        ])?;
    Ok(changed == 1)
}

#[async_trait]
impl WorkerRegistry for SqliteLibrary {
    async fn beat(&self, worker: &str, queues: &[QueueName]) -> Result<(), StoreError> {
        let (worker, queues) = (worker.to_owned(), queues.to_vec());
        self.database
            .write(Durability::Process, move |tx| beat(tx, &worker, &queues))
            .await
    }

    async fn leave(&self, worker: &str) -> Result<(), StoreError> {
        let worker = worker.to_owned();
        self.database
            .write(Durability::Process, move |tx| {
                tx.execute("delete from workers where name = ?1", [worker])?;
                Ok(())
            })
            .await
    }

    async fn list_workers(&self, since: Timestamp) -> Result<Vec<RegisteredWorker>, StoreError> {
        self.database.read(move |tx| list(tx, since)).await
    }

    async fn forget_workers(&self, before: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(Durability::Process, move |tx| {
                tx.execute("delete from workers where seen_at < ?1", [before.as_micros()])?;
                Ok(())
            })
            .await
    }

    async fn lead(&self, role: &str, worker: &str, time: Duration) -> Result<bool, StoreError> {
        let (role, worker) = (role.to_owned(), worker.to_owned());
        self.database
            .write(Durability::Process, move |tx| lead(tx, &role, &worker, time))
            .await
    }

    async fn step_down(&self, role: &str, worker: &str) -> Result<(), StoreError> {
        let (role, worker) = (role.to_owned(), worker.to_owned());
        self.database
            .write(Durability::Process, move |tx| {
                tx.execute(
                    "delete from leaderships where role = ?1 and worker = ?2",
                    params![role, worker],
                )?;
                Ok(())
            })
            .await
    }
}
