//! The open library.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use ids_core::error::StoreError;
use ids_core::id::OrganizationId;
use ids_core::ports::Clock;
use ids_core::time::Timestamp;
use rusqlite::{Connection, params};

use crate::database::{Database, Shared, connect, prepare_writer};
use crate::error::{DbResult, OpenError};
use crate::postings::StatisticsDifference;
use crate::rows::Id;
use crate::{migrate, postings, vectors};

/// What may be set of a library; the defaults suit two cores and a few people.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Threads that read, each with its own connection; at least 1.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        // 3: a long search, a list, and one left for /health; more only compete for two cores.
        Self { readers: 3 }
    }
}

/// One library in one SQLite file: the adapter of [`DocumentStore`], [`ChunkIndex`], [`JobStore`], [`JobQueue`],
/// [`SessionStore`], [`OrganizationStore`], [`CleanupStore`], [`WorkerRegistry`] and [`BackupRegistry`].
///
/// Cheap to clone; all clones are the same library. One process at a time may have it open: memory holds vectors that
/// follow this process's writes only.
///
/// [`DocumentStore`]: ids_core::ports::DocumentStore
/// [`ChunkIndex`]: ids_core::ports::ChunkIndex
/// [`JobStore`]: ids_core::ports::JobStore
/// [`JobQueue`]: ids_core::ports::JobQueue
/// [`SessionStore`]: ids_core::ports::SessionStore
/// [`OrganizationStore`]: ids_core::ports::OrganizationStore
/// [`CleanupStore`]: ids_core::ports::CleanupStore
/// [`WorkerRegistry`]: ids_core::ports::WorkerRegistry
/// [`BackupRegistry`]: ids_core::ports::BackupRegistry
#[derive(Clone)]
pub struct SqliteLibrary {
    pub(crate) database: Arc<Database>,
}

/// Lets go of what the process before had in hand. One process has a library open at a time, so whoever held a lease, a
/// delivery or a role is gone: without this, a restart after a crash would wait until they run out.
fn release_all(writer: &Connection, now: Timestamp) -> DbResult<()> {
    let past = now.as_micros() - 1;
    writer.execute(
        "update jobs set lease_expires_at = ?1 where lease_expires_at > ?1",
        params![past],
    )?;
    writer.execute(
        "update cleanup_jobs set lease_expires_at = ?1 where lease_expires_at > ?1",
        params![past],
    )?;
    writer.execute("delete from workers", [])?;
    writer.execute("delete from leaderships", [])?;
    writer.execute(
        "update deliveries set held_until = ?1 where held_until > ?1",
        params![past],
    )?;
    Ok(())
}

impl SqliteLibrary {
    /// The library's file inside a data directory.
    pub const FILE_NAME: &'static str = "library.db";

    /// Opens the library in the file `path`, makes it where there is none, and brings it to the schema of this binary,
    /// after a copy of an older file. Reads all vectors once. Blocks: call it off the runtime.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was changed when the schema is newer than this binary.
    pub fn open(path: &Path, clock: Arc<dyn Clock>, options: Options) -> Result<Self, OpenError> {
        let failed = |error| OpenError::of(path, error);
        let now = clock.now();
        let mut writer = connect(path).map_err(failed)?;
        migrate::check(&writer, path)?;
        prepare_writer(&writer).map_err(failed)?;
        migrate::migrate(&mut writer, path, now)?;
        writer
            .execute(
                "insert or ignore into organizations (organization_id, name, created_at) values (?1, 'default', ?2)",
                params![OrganizationId::DEFAULT.to_blob(), now.as_micros()],
            )
            .map_err(|error| failed(error.into()))?;
        release_all(&writer, now).map_err(failed)?;
        let shared = Arc::new(Shared::new(clock));
        *shared.vectors.write().unwrap_or_else(PoisonError::into_inner) =
            vectors::load(&writer).map_err(failed)?;
        let database = Database::start(path, writer, shared, options.readers.max(1)).map_err(failed)?;
        Ok(Self {
            database: Arc::new(database),
        })
    }

    /// Opens the library of a data directory, with the default options.
    ///
    /// # Errors
    /// As [`SqliteLibrary::open`].
    pub fn open_in(directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open(&Self::path_in(directory), clock, Options::default())
    }

    /// Where the library of a data directory lies.
    pub fn path_in(directory: &Path) -> PathBuf {
        directory.join(Self::FILE_NAME)
    }

    /// Finishes the work in line, folds the log into the file and ends all threads. Later calls are `Unavailable`.
    /// A library that is dropped instead is as safe, and leaves its log to the next start.
    pub async fn close(&self) {
        self.database.stop().await;
    }

    /// Counts N, lengths and document frequencies again from the chunks, and names each one that is kept wrong: an empty
    /// list is the good answer. Reads every visible chunk.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn verify_statistics(&self) -> Result<Vec<StatisticsDifference>, StoreError> {
        self.database.read(|tx| postings::verify(tx)).await
    }

    /// A copy of the whole library as it is now, in a new file; work goes on meanwhile.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    pub async fn copy_to(&self, path: PathBuf) -> Result<(), StoreError> {
        self.database
            .read(move |tx| -> DbResult<()> {
                crate::database::copy_file(tx, &path)?;
                Ok(())
            })
            .await
    }
}
