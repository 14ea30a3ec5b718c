//! What keeps documents, jobs and conversations: SQLite in the data directory, or PostgreSQL.

use std::sync::Arc;

use anyhow::Context;
use ids_core::ports::{
    ChunkIndex, CleanupStore, Clock, DocumentStore, JobQueue, JobStore, LibraryArchive, OrganizationStore,
    SessionStore, WorkerRegistry,
};
use ids_postgres::PostgresLibrary;
use ids_sqlite::SqliteLibrary;

use crate::config::Config;

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
    pub(super) async fn open(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        match &config.postgres {
            Some(settings) => {
                let opened = PostgresLibrary::open(settings, Arc::clone(clock)).await;
                let store = opened.with_context(|| {
                    format!("PostgreSQL at {}:{} cannot be used", settings.host, settings.port)
                })?;
                Ok(Self::Postgres(store))
            }
            None => {
                let store = SqliteLibrary::open_in(&config.data_dir, Arc::clone(clock))
                    .context("the library in the data directory cannot be opened")?;
                Ok(Self::Sqlite(store))
            }
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
        archive: LibraryArchive;
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
