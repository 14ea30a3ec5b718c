//! The adapters, a folder and a bucket: their contract, and what only one of them can get wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod folder;
mod s3;
mod signing;
mod support;
