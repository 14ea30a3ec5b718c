//! The real program, end to end: its commands, what it prints, its exit codes, and what it survives.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod ask;
mod backup;
mod backup_failures;
mod cluster;
mod cluster_backup;
mod cluster_place;
mod crash;
mod disk;
mod doctor;
mod errors;
mod eval;
mod formats;
mod help;
mod ingest;
mod kept_copies;
mod keys;
mod logs;
mod mcp;
mod members;
mod migrate_data;
mod model;
mod monitoring;
mod moving;
mod passwords;
mod place;
mod privacy;
mod real_model;
mod reindex;
mod scans;
mod search;
mod server;
mod stop;
mod traces;
mod upgrade;
mod version;
mod visible;
mod wait;
mod watch;
mod web;
