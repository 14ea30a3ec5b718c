//! The real program, end to end: its commands, what it prints, its exit codes, and what it survives.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod ask;
mod cluster;
mod cluster_place;
mod crash;
mod disk;
mod errors;
mod eval;
mod formats;
mod help;
mod ingest;
mod keys;
mod migrate_data;
mod model;
mod moving;
mod place;
mod search;
mod server;
mod stop;
mod visible;
mod wait;
