//! The store of the server shape: documents, chunks, embeddings, jobs and conversations in PostgreSQL with pgvector.
//!
//! | module | what it does |
//! |---|---|
//! | `config`, `tls` | where the server is, and how the way to it is encrypted |
//! | `database`, `transaction` | a bounded pool; every unit of work is one transaction in the name of one organization |
//! | `migrate`, `capability` | brings a schema to the one of this binary, and looks what the server can do |
//! | `document_store`, `uploads`, `documents`, `pages`, `collections`, `library_reads` | the port `DocumentStore` |
//! | `job_store`, `accept`, `jobs`, `job_reads`, `leases`, `versions` | the port `JobStore`, and what the life of a version writes |
//! | `cleanups` | the port `CleanupStore` |
//! | `keys`, `organizations` | the port `OrganizationStore` |
//! | `workers` | the port `WorkerRegistry` |
//! | `backups` | the port `BackupRegistry` |
//! | `backup_tables`, `snapshot`, `restore` | all rows of one moment, and a library from them |
//! | `queue` | the port `JobQueue` |
//! | `chunk_index`, `chunks`, `postings`, `statistics`, `search_scope`, `lexical`, `models`, `vectors` | the port `ChunkIndex` |
//! | `session_store`, `sessions`, `messages` | the port `SessionStore` |
//! | `archive`, `archive_reads`, `archive_writes`, `archive_people` | the port `LibraryArchive` |
//!
//! **Invariants.** Every row of a tenant has its `organization_id` or `organization_no`; every query names it, and row level security, forced on the
//! tables' owner too, refuses what a query forgets (`tests/it/rls.rs`). Locks are taken in one order: the document, then
//! its job or upload, then the rest; whoever writes for a job checks its lease under those locks. Postings and statistics
//! know visible chunks only, and change in the transaction that shows or hides a version. Nothing is held in memory that the
//! database does not say: any number of processes may have one library open. No ranking is done here: see `ids-core`.

mod accept;
mod archive;
mod archive_people;
mod archive_reads;
mod archive_writes;
mod backup_tables;
mod backups;
mod capability;
mod chunk_index;
mod chunks;
mod cleanups;
mod collections;
mod config;
mod database;
mod document_store;
mod documents;
mod error;
mod examine;
mod job_reads;
mod job_store;
mod jobs;
mod keys;
mod leases;
mod ledger;
mod lexical;
mod library;
mod library_reads;
mod members;
mod messages;
mod migrate;
mod models;
mod notices;
mod organizations;
mod pages;
mod postings;
mod queue;
mod reindex;
mod restore;
mod rows;
mod scope_sql;
mod search_scope;
mod session_store;
mod sessions;
mod signatures;
mod snapshot;
mod sources;
mod statistics;
mod tls;
mod transaction;
mod uploads;
mod usage_ledger;
mod usage_rows;
mod vectors;
mod versions;
mod workers;

pub use backup_tables::{BackupTable, Belongs};
pub use capability::Capabilities;
pub use config::{PostgresConfig, SslMode};
pub use error::OpenError;
pub use examine::ServerState;
pub use ids_net::{Secret, TrustedRoots};
use ids_rows::codec;
pub use library::PostgresLibrary;
pub use migrate::known_version as schema_version;
pub use restore::{PostgresRestore, RowCounts, RowSink};
pub use snapshot::{Contents, PostgresSnapshot, RowStream, SequenceState, SnapshotOrganization};
pub use statistics::StatisticsDifference;
