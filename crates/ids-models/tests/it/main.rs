//! The clients over real connections to a server that says what a test wrote down.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod embeddings;
mod examine;
mod limits;
mod replies;
mod support;
mod tls;
mod tries;
mod webhook;
