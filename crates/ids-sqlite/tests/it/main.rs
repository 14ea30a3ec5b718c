//! The contracts of its eight ports, and what is particular to SQLite.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod access;
mod archive;
mod contract;
mod crash;
mod file;
mod snapshot;
mod statistics;
mod terms;
mod vectors;

use std::path::Path;
use std::sync::Arc;

use ids_core::ports::Clock;
use ids_sqlite::SqliteLibrary;
use ids_testkit::{ManualClock, SequentialIds, Stores};

/// A library in a folder of its own, as the stores of one test.
pub async fn stores() -> Stores {
    library().0
}

/// The same, with the library itself and its folder.
pub fn library() -> (Stores, SqliteLibrary, Arc<tempfile::TempDir>) {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let clock = Arc::new(ManualClock::default());
    let library = open(folder.path(), &clock);
    (
        stores_over(&library, &clock, Arc::clone(&folder)),
        library,
        folder,
    )
}

/// Opens the library of a folder.
pub fn open(folder: &Path, clock: &Arc<ManualClock>) -> SqliteLibrary {
    SqliteLibrary::open_in(folder, Arc::clone(clock) as Arc<dyn Clock>).expect("the library opens")
}

/// The library as all stores of a test.
pub fn stores_over(
    library: &SqliteLibrary,
    clock: &Arc<ManualClock>,
    folder: Arc<tempfile::TempDir>,
) -> Stores {
    Stores {
        documents: Arc::new(library.clone()),
        chunks: Arc::new(library.clone()),
        jobs: Arc::new(library.clone()),
        queue: Arc::new(library.clone()),
        sessions: Arc::new(library.clone()),
        ledger: Arc::new(library.clone()),
        organizations: Arc::new(library.clone()),
        cleanups: Arc::new(library.clone()),
        workers: Arc::new(library.clone()),
        backups: Arc::new(library.clone()),
        archive: Arc::new(library.clone()),
        clock: Arc::clone(clock),
        ids: Arc::new(SequentialIds::default()),
        keep: Box::new(folder),
    }
}
