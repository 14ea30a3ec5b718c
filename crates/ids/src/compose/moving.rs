//! Both ends of a library that is moved: SQLite with its folder in the data directory, PostgreSQL with a bucket or a folder.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use ids_core::access::OrganizationName;
use ids_core::id::OrganizationId;
use ids_core::moving::End;
use ids_core::ports::{BlobStore, Clock, LibraryArchive, RegisteredWorker};
use ids_core::scope::Scope;

use super::blobs;
use super::stores::{Outage, Stores};
use crate::config::Config;
use crate::system::SystemClock;

/// One end, open.
pub struct MovingEnd {
    /// Where its bytes lie.
    pub blobs: Arc<dyn BlobStore>,
    stores: Stores,
    clock: Arc<dyn Clock>,
}

impl MovingEnd {
    /// The library of the data directory, which the caller owns.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn embedded(config: &Config, data_dir: &Path) -> anyhow::Result<Self> {
        let config = Config {
            data_dir: data_dir.to_owned(),
            postgres: None,
            redis: None,
            s3: None,
            ..config.clone()
        };
        Self::open(&config).await
    }

    /// The library in PostgreSQL; its bytes in the bucket, or in the folder of `data_dir`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn server(config: &Config, data_dir: &Path) -> anyhow::Result<Self> {
        let config = Config {
            data_dir: data_dir.to_owned(),
            ..config.clone()
        };
        Self::open(&config).await
    }

    async fn open(config: &Config) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let stores = Stores::open(config, &clock, Outage::Fails).await?;
        let blobs = blobs::open(config, &clock)?;
        Ok(Self { blobs, stores, clock })
    }

    /// It as one end of a move of `organization`.
    pub fn end(&self, organization: OrganizationId) -> End {
        let archive: Arc<dyn LibraryArchive> = self.stores.archive();
        End {
            archive,
            documents: self.stores.documents(),
            ledger: self.stores.ledger(),
            organization,
        }
    }

    /// All organizations with their names.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn organizations(&self) -> anyhow::Result<Vec<(OrganizationId, OrganizationName)>> {
        let unread = "the organizations cannot be read";
        let mut named = Vec::new();
        for id in self
            .stores
            .documents()
            .list_organizations()
            .await
            .context(unread)?
        {
            let scope = Scope::organization(id);
            let found = self.stores.organizations().find_organization(&scope).await;
            named.extend(found.context(unread)?.map(|organization| (id, organization.name)));
        }
        Ok(named)
    }

    /// Workers that are alive.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn workers(&self) -> anyhow::Result<Vec<RegisteredWorker>> {
        let since = self.clock.now().minus(ids_core::limits::HEARTBEAT_LASTS);
        let workers = self.stores.workers().list_workers(since).await;
        workers.context("the list of workers cannot be read")
    }

    /// Finishes what is being written and closes the database.
    pub async fn close(self) {
        self.stores.close().await;
    }
}
