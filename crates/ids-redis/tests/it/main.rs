//! The contracts of its ports over a real server, and what is particular to Redis.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod alike;
mod connect;
mod contract;
mod delivery;
mod faults;
mod queue_fixture;
mod session_fixture;
mod sessions;
mod slow_line;

use std::sync::Arc;

use ids_core::ports::{Clock, JobQueue, SessionStore};
use ids_redis::{CachedSessions, Redis, RedisConfig, RedisJobQueue};
use ids_sqlite::SqliteLibrary;
use ids_testkit::services::{redis, unique_name};
use ids_testkit::{ManualClock, SequentialIds, Stores};

/// The shared server with a key prefix that no other test has; a second connection gets the same keys.
pub fn config() -> RedisConfig {
    RedisConfig::from_dsn(&redis().dsn)
        .unwrap()
        .under(&unique_name("test-"))
        .unwrap()
}

/// A connection to the shared server.
pub async fn connect() -> Redis {
    Redis::connect(&config()).await.expect("the server is there")
}

/// A library in a folder of its own.
pub fn library(clock: &Arc<ManualClock>) -> (SqliteLibrary, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let library = SqliteLibrary::open_in(folder.path(), Arc::clone(clock) as Arc<dyn Clock>);
    (library.expect("the library opens"), folder)
}

/// SQLite for the truth, Redis for deliveries and copies of conversations.
pub async fn stores() -> Stores {
    let clock = Arc::new(ManualClock::default());
    let (library, folder) = library(&clock);
    let redis = connect().await;
    let inner: Arc<dyn SessionStore> = Arc::new(library.clone());
    Stores {
        documents: Arc::new(library.clone()),
        chunks: Arc::new(library.clone()),
        jobs: Arc::new(library.clone()),
        queue: Arc::new(RedisJobQueue::new(
            redis.clone(),
            Arc::clone(&clock) as Arc<dyn Clock>,
        )),
        sessions: Arc::new(CachedSessions::new(inner, redis)),
        ledger: Arc::new(library.clone()),
        organizations: Arc::new(library.clone()),
        cleanups: Arc::new(library.clone()),
        workers: Arc::new(library.clone()),
        backups: Arc::new(library.clone()),
        archive: Arc::new(library.clone()),
        clock,
        ids: Arc::new(SequentialIds::default()),
        keep: Box::new((folder, library)),
    }
}

/// The queue that SQLite keeps for the same jobs.
pub fn sqlite_queue(stores: &Stores) -> Arc<dyn JobQueue> {
    let kept: Option<&(tempfile::TempDir, SqliteLibrary)> = stores.keep.downcast_ref();
    Arc::new(kept.expect("made by `stores`").1.clone())
}
