//! The embedded store: documents, chunks, embeddings, jobs and deliveries in one SQLite file.
//!
//! | module | what it does |
//! |---|---|
//! | `database` | one writer thread, a few readers, bounded channels: all of SQLite leaves the runtime |
//! | `migrate` | brings a file to the schema of this binary, after copying it |
//! | `uploads`, `documents`, `document_reads`, `collections`, `pages`, `library_reads` | the port `DocumentStore` |
//! | `accept`, `jobs`, `job_reads`, `leases`, `versions` | the port `JobStore`, and what the life of a version writes |
//! | `queue` | the port `JobQueue` |
//! | `chunks`, `postings`, `lexical`, `vectors` | the port `ChunkIndex` |
//! | `sessions`, `messages` | the port `SessionStore` |
//! | `organizations` | the port `OrganizationStore` |
//! | `cleanups` | the port `CleanupStore` |
//! | `workers` | the port `WorkerRegistry` |
//! | `backups`, `snapshot` | the port `BackupRegistry`, and a library as it is at one moment |
//! | `archive`, `archive_reads`, `archive_writes`, `archive_people`, `chunk_rows` | the port `LibraryArchive` |
//!
//! **Invariants.** Every table of data has `organization_id` and every query names it; nothing is written for an organization
//! that is not there. Postings and statistics know visible chunks
//! only, and change in the transaction that shows or hides a version. The chunks of a version have consecutive ids, so
//! a scope is a short list of id ranges (`ranges`). What is held in memory (`vectors`) is a function of the file, and
//! changes only after a commit. No ranking is done here: see `ids-core`.

mod accept;
mod archive;
mod archive_people;
mod archive_reads;
mod archive_writes;
mod backups;
mod chunk_rows;
mod chunks;
mod cleanups;
mod collections;
mod database;
mod document_reads;
mod documents;
mod error;
mod job_reads;
mod jobs;
mod leases;
mod ledger;
mod lexical;
mod library;
mod library_reads;
mod members;
mod messages;
mod migrate;
mod notices;
mod organizations;
mod pages;
mod postings;
mod queue;
mod ranges;
mod reindex;
mod rows;
mod scope_sql;
mod sessions;
mod signatures;
mod snapshot;
mod sources;
mod uploads;
mod usage_rows;
mod vectors;
mod versions;
mod workers;

pub use error::OpenError;
use ids_rows::codec;
pub use library::{Options, SqliteLibrary};
pub use migrate::known_version as schema_version;
pub use postings::StatisticsDifference;
pub use snapshot::{RowCounts, SqliteSnapshot, fold_log, record_beside};

/// The version of SQLite that is compiled in.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
