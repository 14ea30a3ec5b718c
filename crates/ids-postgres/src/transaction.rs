//! One transaction, in the name of one organization.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Client, Object};
use futures_util::future;
use ids_core::id::OrganizationId;
use ids_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::error::{DbError, DbResult};

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Read one snapshot.
    Read,
    /// Write; each statement sees what is committed when it begins.
    Write,
}

/// An open transaction. Dropped half way (its future was), it takes its connection with it: the server rolls back when that closes.
///
/// `'env` is the time for which the borrowed arguments of a unit of work live; it lets the future of the work borrow them.
pub(crate) struct Tx<'env> {
    /// Taken when it ends.
    client: Option<Client>,
    now: Timestamp,
    patience: Duration,
    is_patient: AtomicBool,
    env: PhantomData<&'env ()>,
}

/// For the few statements whose time grows with what an organization has.
const LONG: Duration = Duration::from_secs(1_800);

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

impl Tx<'_> {
    pub(crate) async fn begin(
        client: Client,
        organization: Option<OrganizationId>,
        mode: Mode,
        now: Timestamp,
        patience: Duration,
    ) -> DbResult<Self> {
        let tx = Self {
            client: Some(client),
            now,
            patience,
            is_patient: AtomicBool::new(false),
            env: PhantomData,
        };
        tx.answered(tx.start(organization, mode)).await?;
        Ok(tx)
    }

    async fn start(&self, organization: Option<OrganizationId>, mode: Mode) -> DbResult<()> {
        let client = self.client()?;
        let begin = match mode {
            Mode::Read => "begin isolation level repeatable read, read only",
            Mode::Write => "begin isolation level read committed, read write",
        };
        let name = organization.map_or_else(String::new, |organization| organization.to_string());
        let set = client
            .prepare_cached("select set_config('ids.organization', $1, true)")
            .await?;
        // Both are sent at once; the server runs them in this order.
        let values: [&(dyn ToSql + Sync); 1] = [&name];
        let (begun, set) = future::join(client.batch_execute(begin), client.query_one(&set, &values)).await;
        begun?;
        set?;
        Ok(())
    }

    /// The answer, or that there was none in time: a server that is frozen, or a way to it that is cut, says nothing at all.
    async fn answered<T>(&self, answer: impl Future<Output = DbResult<T>>) -> DbResult<T> {
        let patience = if self.is_patient.load(Ordering::Relaxed) {
            LONG.saturating_mul(3) / 2
        } else {
            self.patience
        };
        tokio::time::timeout(patience, answer)
            .await
            .unwrap_or(Err(DbError::Silent))
    }

    /// Lets the statements of this transaction take half an hour each.
    pub(crate) async fn be_patient(&self) -> DbResult<()> {
        let sql = format!("set local statement_timeout = {}", LONG.as_millis());
        self.client()?.batch_execute(&sql).await?;
        self.is_patient.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The time of this transaction.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The connection, for what the methods below cannot do: copying in, pipelines of other kinds.
    pub(crate) fn client(&self) -> DbResult<&Client> {
        // Taken only by what consumes the transaction.
        self.client.as_ref().ok_or(DbError::INTERNAL)
    }

    /// Runs a statement and gives its rows. It is prepared once a connection: the text must be one of few, values are bound.
    pub(crate) async fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> DbResult<Vec<Row>> {
        self.answered(async {
            let client = self.client()?;
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, values).await?)
        })
        .await
    }

    /// Prepares a statement that is run later, unless this connection has prepared it before.
    pub(crate) async fn prepare(&self, sql: &str) -> DbResult<()> {
        self.answered(async {
            self.client()?.prepare_cached(sql).await?;
            Ok(())
        })
        .await
    }

    /// The one row, if there is one.
    pub(crate) async fn query_opt(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> DbResult<Option<Row>> {
        self.answered(async {
            let client = self.client()?;
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query_opt(&statement, values).await?)
        })
        .await
    }

    /// The one row, which must be there.
    pub(crate) async fn query_one(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> DbResult<Row> {
        self.answered(async {
            let client = self.client()?;
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query_one(&statement, values).await?)
        })
        .await
    }

    /// Runs a statement and gives the number of rows it touched.
    pub(crate) async fn execute(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> DbResult<u64> {
        self.answered(async {
            let client = self.client()?;
            let statement = client.prepare_cached(sql).await?;
            Ok(client.execute(&statement, values).await?)
        })
        .await
    }

    pub(crate) async fn commit(mut self) -> DbResult<()> {
        self.answered(async { Ok(self.client()?.batch_execute("commit").await?) })
            .await?;
        // Back to the pool.
        drop(self.client.take());
        Ok(())
    }

    /// Undoes everything; a connection that cannot even do that is closed.
    pub(crate) async fn rollback(mut self) {
        let undone = self.answered(async { Ok(self.client()?.batch_execute("rollback").await?) });
        if undone.await.is_ok() {
            drop(self.client.take());
        }
    }
}
