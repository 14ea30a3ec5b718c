//! One transaction, in the name of one organization.

use std::marker::PhantomData;

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
    env: PhantomData<&'env ()>,
}

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
    ) -> DbResult<Self> {
        let tx = Self {
            client: Some(client),
            now,
            env: PhantomData,
        };
        let client = tx.client()?;
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
        Ok(tx)
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
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query(&statement, values).await?)
    }

    /// The one row, if there is one.
    pub(crate) async fn query_opt(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> DbResult<Option<Row>> {
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query_opt(&statement, values).await?)
    }

    /// The one row, which must be there.
    pub(crate) async fn query_one(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> DbResult<Row> {
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query_one(&statement, values).await?)
    }

    /// Runs a statement and gives the number of rows it touched.
    pub(crate) async fn execute(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> DbResult<u64> {
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.execute(&statement, values).await?)
    }

    pub(crate) async fn commit(mut self) -> DbResult<()> {
        self.client()?.batch_execute("commit").await?;
        // Back to the pool.
        drop(self.client.take());
        Ok(())
    }

    /// Undoes everything; a connection that cannot even do that is closed.
    pub(crate) async fn rollback(mut self) {
        let Ok(client) = self.client() else { return };
        if client.batch_execute("rollback").await.is_ok() {
            drop(self.client.take());
        }
    }
}
