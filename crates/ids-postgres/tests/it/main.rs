//! PostgreSQL with pgvector, held against a real server: the contracts of the ports, and what is particular to it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod archive;
mod backup;
mod connection;
mod contract;
mod indexes;
mod jobs;
mod library;
mod migrate;
mod plans;
mod ranking;
mod rls;
mod search;
mod shapes;
mod statistics;
mod tls;

use library::{Library, stores};
