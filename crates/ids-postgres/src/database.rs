//! A bounded pool of connections, and units of work: each is one transaction in the name of one organization.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use futures_util::future::BoxFuture;
use ids_core::error::StoreError;
use ids_core::id::OrganizationId;
use ids_core::job::{Lane, QueueName};
use ids_core::ports::Clock;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::capability::Capabilities;
use crate::config::{PostgresConfig, SslMode};
use crate::error::{DbError, DbResult, OpenError};
use crate::tls;
use crate::transaction::{Mode, Tx};

/// How long a new connection may take, TLS and password included.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Tries of a transaction that was in another's way.
const TRIES: u32 = 5;

/// Sets up each connection, with its statement timeout: these end what hangs, and what a dead process left open. Every statement
/// is planned for its own values, for some tenths of a millisecond: organizations differ by orders of magnitude, and a plan for
/// the average one reads all of the large ones' rows for the small one (`tests/it/plans.rs`).
const SESSION: &str = "set lock_timeout = '10s'; set idle_in_transaction_session_timeout = '60s'; \
     set client_min_messages = warning; set timezone = 'UTC'; set plan_cache_mode = force_custom_plan";

/// The pool, and what all units of work share.
pub(crate) struct Database {
    pool: Pool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) capabilities: Capabilities,
    /// How long the answer to one statement is waited for.
    patience: Duration,
    /// Where connections live.
    home: Handle,
    arrivals: [[Notify; 2]; 2],
}

/// What connections to a library are called.
pub(crate) fn application_name(config: &PostgresConfig) -> String {
    format!("ids {}", config.schema())
}

/// Connections to the server, each with `schema` first in its search path.
///
/// One pool serves one schema: prepared statements are remembered by their text.
pub(crate) fn pool(config: &PostgresConfig, size: usize, path: &[&str]) -> Result<Pool, OpenError> {
    let mut server = tokio_postgres::Config::new();
    server
        .host(&config.host)
        .port(config.port)
        .user(&config.user)
        .dbname(&config.database)
        // By it an operator tells libraries apart in `pg_stat_activity`.
        .application_name(application_name(config))
        .connect_timeout(CONNECT_WAIT)
        // A server that vanished is noticed within a minute, not after two hours.
        .keepalives_idle(Duration::from_secs(30))
        .keepalives_interval(Duration::from_secs(10))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(60))
        .ssl_mode(match config.ssl_mode {
            SslMode::Disable => tokio_postgres::config::SslMode::Disable,
            SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                tokio_postgres::config::SslMode::Require
            }
        });
    if let Some(password) = &config.password {
        server.password(password.expose());
    }
    let recycling = ManagerConfig {
        // The first statement of each transaction finds out whether the connection lives (`Database::begin`), which saves
        // the round trip of asking before.
        recycling_method: RecyclingMethod::Fast,
    };
    let connector = tls::connector(config.ssl_mode, &config.roots)?;
    let path: Vec<String> = path.iter().map(|schema| format!("\"{schema}\"")).collect();
    let session = format!(
        "{SESSION}; set statement_timeout = {}; set search_path = {}",
        config.statement_timeout.as_millis(),
        path.join(", ")
    );
    let setup = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
        let session = session.clone();
        Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
    });
    Pool::builder(Manager::from_config(server, connector, recycling))
        .max_size(size.max(1))
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts {
            wait: Some(config.pool_wait),
            create: Some(CONNECT_WAIT),
            recycle: Some(config.pool_wait),
        })
        .post_create(setup)
        .build()
        .map_err(|error| OpenError::Unavailable {
            host: config.host.clone(),
            port: config.port,
            source: error.into(),
        })
}

impl Database {
    pub(crate) fn new(
        pool: Pool,
        clock: Arc<dyn Clock>,
        capabilities: Capabilities,
        config: &PostgresConfig,
    ) -> Self {
        Self {
            pool,
            clock,
            capabilities,
            patience: config.statement_timeout.saturating_mul(3) / 2,
            home: Handle::current(),
            arrivals: Default::default(),
        }
    }

    /// Wakes one receiver of that lane in this process.
    pub(crate) fn arrival(&self, queue: QueueName, lane: Lane) -> &Notify {
        &self.arrivals[queue as usize][lane as usize]
    }

    /// Runs `work` in one transaction that sees and writes the rows of `organization` only, and commits what it did.
    ///
    /// May run it again: after a deadlock, or when the connection turns out to be closed before anything was done. Reads are of
    /// what is committed at each statement: what must not change in between is locked.
    pub(crate) async fn write<'env, T: Send>(
        &self,
        organization: OrganizationId,
        work: impl for<'tx> Fn(&'tx Tx<'env>) -> BoxFuture<'tx, DbResult<T>> + Send + Sync,
    ) -> Result<T, StoreError> {
        self.run(Some(organization), Mode::Write, work).await
    }

    /// Runs `work` in one snapshot of the rows of `organization`; nothing can be written.
    pub(crate) async fn read<'env, T: Send>(
        &self,
        organization: OrganizationId,
        work: impl for<'tx> Fn(&'tx Tx<'env>) -> BoxFuture<'tx, DbResult<T>> + Send + Sync,
    ) -> Result<T, StoreError> {
        self.run(Some(organization), Mode::Read, work).await
    }

    /// As [`Database::write`], in no organization's name: tables with row level security are empty and refuse rows.
    pub(crate) async fn write_shared<'env, T: Send>(
        &self,
        work: impl for<'tx> Fn(&'tx Tx<'env>) -> BoxFuture<'tx, DbResult<T>> + Send + Sync,
    ) -> Result<T, StoreError> {
        self.run(None, Mode::Write, work).await
    }

    /// As [`Database::read`], in no organization's name.
    pub(crate) async fn read_shared<'env, T: Send>(
        &self,
        work: impl for<'tx> Fn(&'tx Tx<'env>) -> BoxFuture<'tx, DbResult<T>> + Send + Sync,
    ) -> Result<T, StoreError> {
        self.run(None, Mode::Read, work).await
    }

    async fn run<'env, T: Send>(
        &self,
        organization: Option<OrganizationId>,
        mode: Mode,
        work: impl for<'tx> Fn(&'tx Tx<'env>) -> BoxFuture<'tx, DbResult<T>> + Send + Sync,
    ) -> Result<T, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let tx = self.begin(organization, mode).await?;
            let done = match work(&tx).await {
                Ok(value) => tx.commit().await.map(|()| value),
                Err(error) => {
                    tx.rollback().await;
                    Err(error)
                }
            };
            match done {
                Err(error) if error.is_passing() && tries < TRIES => tokio::time::sleep(pause(tries)).await,
                Err(error) if error.is_stale_plan() && tries < TRIES => {
                    // Another process has migrated: what was prepared before is prepared anew, on all connections.
                    self.pool.manager().statement_caches.clear();
                }
                other => return Ok(other?),
            }
        }
    }

    /// A transaction on a connection that lives. A pooled one may have been closed by the server since: then the next is taken,
    /// in the end a new one.
    async fn begin<'env>(&self, organization: Option<OrganizationId>, mode: Mode) -> DbResult<Tx<'env>> {
        let mut pooled = self.pool.status().max_size;
        loop {
            let client = self.client().await?;
            match Tx::begin(client, organization, mode, self.clock.now(), self.patience).await {
                Err(error) if error.is_disconnect() && pooled > 0 => pooled -= 1,
                other => return other,
            }
        }
    }

    /// A connection, made by the runtime that opened the library: a connection lives in the runtime it was made in, and those of workers stand still
    /// while a worker computes, and end with it.
    async fn client(&self) -> DbResult<deadpool_postgres::Client> {
        let pool = self.pool.clone();
        let got = self.home.spawn(async move { pool.get().await }).await;
        // Only a runtime that ends drops its tasks.
        got.unwrap_or(Err(PoolError::Closed)).map_err(DbError::from)
    }

    /// Ends the connections that nobody uses, the others when they come back. Later calls are `Unavailable`.
    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// A connection for what comes before there is a [`Database`].
pub(crate) async fn connect(pool: &Pool) -> DbResult<deadpool_postgres::Client> {
    pool.get().await.map_err(|error| match error {
        PoolError::PostCreateHook(HookError::Backend(source)) => DbError::Postgres(source),
        other => DbError::Pool(other),
    })
}

/// 5 to 10 ms, doubled with each try: those who were in each other's way must not meet again.
fn pause(tries: u32) -> Duration {
    let jitter = RandomState::new().hash_one(tries) % 5_000;
    Duration::from_micros((5_000 + jitter) << tries.min(6).saturating_sub(1))
}
