//! The port `WorkerRegistry`: who works, and who of them has a role.

use std::time::Duration;

use async_trait::async_trait;
use ids_core::error::StoreError;
use ids_core::job::QueueName;
use ids_core::ports::{RegisteredWorker, WorkerRegistry};
use ids_core::time::Timestamp;

use crate::error::{DbError, DbResult};
use crate::library::PostgresLibrary;
use crate::rows::Columns;
use crate::transaction::Tx;

async fn beat(tx: &Tx<'_>, worker: &str, queues: &[QueueName]) -> DbResult<()> {
    let queues: Vec<&str> = queues.iter().map(|queue| queue.as_str()).collect();
    // Its beginning stays where it is.
    tx.execute(
        "insert into workers (name, queues, started_at, seen_at) values ($1, $2, $3, $3)
         on conflict (name) do update set queues = excluded.queues, seen_at = greatest(workers.seen_at, excluded.seen_at)",
        &[&worker, &queues, &tx.now().as_micros()],
    )
    .await?;
    Ok(())
}

async fn leave(tx: &Tx<'_>, worker: &str) -> DbResult<()> {
    tx.execute("delete from workers where name = $1", &[&worker])
        .await?;
    Ok(())
}

async fn list(tx: &Tx<'_>, since: Timestamp) -> DbResult<Vec<RegisteredWorker>> {
    let rows = tx
        .query(
            "select name, queues, started_at, seen_at from workers where seen_at >= $1 order by name",
            &[&since.as_micros()],
        )
        .await?;
    let mut workers = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut columns = Columns::new(row, "workers");
        workers.push(RegisteredWorker {
            name: columns.get()?,
            queues: read_queues(columns.get()?)?,
            started_at: columns.time()?,
            seen_at: columns.time()?,
        });
    }
    Ok(workers)
}

fn read_queues(names: Vec<String>) -> DbResult<Vec<QueueName>> {
    names
        .into_iter()
        .map(|name| QueueName::from_name(&name).ok_or_else(|| DbError::row("workers", name)))
        .collect()
}

async fn forget(tx: &Tx<'_>, before: Timestamp) -> DbResult<()> {
    tx.execute("delete from workers where seen_at < $1", &[&before.as_micros()])
        .await?;
    Ok(())
}

/// The row changes only for who has the role, or when its time has run out.
async fn lead(tx: &Tx<'_>, role: &str, worker: &str, time: Duration) -> DbResult<bool> {
    let changed = tx
        .execute(
            "insert into leaderships (role, worker, expires_at) values ($1, $2, $3)
             on conflict (role) do update set worker = excluded.worker, expires_at = excluded.expires_at
             where leaderships.worker = excluded.worker or leaderships.expires_at <= $4",
            &[
                &role,
                &worker,
                &tx.now().plus(time).as_micros(),
                &tx.now().as_micros(),
            ],
        )
        .await?;
    Ok(changed == 1)
}

async fn step_down(tx: &Tx<'_>, role: &str, worker: &str) -> DbResult<()> {
    tx.execute(
        "delete from leaderships where role = $1 and worker = $2",
        &[&role, &worker],
    )
    .await?;
    Ok(())
}

#[async_trait]
impl WorkerRegistry for PostgresLibrary {
    async fn beat(&self, worker: &str, queues: &[QueueName]) -> Result<(), StoreError> {
        self.database
            .write_shared(move |tx| Box::pin(beat(tx, worker, queues)))
            .await
    }

    async fn leave(&self, worker: &str) -> Result<(), StoreError> {
        self.database
            .write_shared(move |tx| Box::pin(leave(tx, worker)))
            .await
    }

    async fn list_workers(&self, since: Timestamp) -> Result<Vec<RegisteredWorker>, StoreError> {
        self.database
            .read_shared(move |tx| Box::pin(list(tx, since)))
            .await
    }

    async fn forget_workers(&self, before: Timestamp) -> Result<(), StoreError> {
        self.database
            .write_shared(move |tx| Box::pin(forget(tx, before)))
            .await
    }

    async fn lead(&self, role: &str, worker: &str, time: Duration) -> Result<bool, StoreError> {
        self.database
            .write_shared(move |tx| Box::pin(lead(tx, role, worker, time)))
            .await
    }

    async fn step_down(&self, role: &str, worker: &str) -> Result<(), StoreError> {
        self.database
            .write_shared(move |tx| Box::pin(step_down(tx, role, worker)))
            .await
    }
}
