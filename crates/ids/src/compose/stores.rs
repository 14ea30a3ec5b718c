//! What keeps documents, jobs and conversations: SQLite in the data directory, or PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ids_core::ports::{
    BackupRegistry, ChunkIndex, CleanupStore, Clock, DocumentStore, JobQueue, JobStore, LibraryArchive,
    OrganizationStore, SessionStore, UsageLedger, WorkerRegistry,
};
use ids_postgres::{OpenError, PostgresLibrary};
use ids_sqlite::SqliteLibrary;

use crate::config::Config;

/// How soon a database that is not there is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// What an absent dependency means at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// A person waits: they are told.
    Fails,
    /// A service waits until it is over, and says meanwhile that it is starting.
    IsWaitedFor,
}

/// One of the two stores.
pub(super) enum Stores {
    /// In the data directory.
    Sqlite(SqliteLibrary),
    /// On a server.
    Postgres(PostgresLibrary),
}

macro_rules! as_port {
    ($($name:ident: $port:ident;)*) => {
        $(
            pub(super) fn $name(&self) -> Arc<dyn $port> {
                match self {
                    Self::Sqlite(store) => Arc::new(store.clone()),
                    Self::Postgres(store) => Arc::new(store.clone()),
                }
            }
        )*
    };
}

impl Stores {
    pub(super) async fn open(
        config: &Config,
        clock: &Arc<dyn Clock>,
        outage: Outage,
    ) -> anyhow::Result<Self> {
        let Some(settings) = &config.postgres else {
            let store = SqliteLibrary::open_in(&config.data_dir, Arc::clone(clock))
                .context("the library in the data directory cannot be opened")?;
            return Ok(Self::Sqlite(store));
        };
        loop {
            let error = match PostgresLibrary::open(settings, Arc::clone(clock)).await {
                Ok(store) => return Ok(Self::Postgres(store)),
                Err(error) => error,
            };
            if outage == Outage::Fails || !matches!(error, OpenError::Unavailable { .. }) {
                return Err(error).with_context(|| {
                    format!("PostgreSQL at {}:{} cannot be used", settings.host, settings.port)
                });
            }
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "PostgreSQL is not there; trying again"
            );
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    as_port! {
        documents: DocumentStore;
        chunks: ChunkIndex;
        jobs: JobStore;
        queue: JobQueue;
        sessions: SessionStore;
        organizations: OrganizationStore;
        cleanups: CleanupStore;
        workers: WorkerRegistry;
        backups: BackupRegistry;
        archive: LibraryArchive;
        ledger: UsageLedger;
    }

    pub(super) async fn close(self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close(),
        }
    }

    /// Removes a throw-away store; SQLite's goes with its folder.
    pub(super) async fn remove(self, config: &Config) -> anyhow::Result<()> {
        self.close().await;
        match &config.postgres {
            None => Ok(()),
            Some(settings) => PostgresLibrary::remove_schema(settings)
                .await
                .context("a schema in PostgreSQL is left behind"),
        }
    }
}
