//! The adapters, a folder and a bucket: their contract, and what only one of them can get wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod folder;
mod signing;
mod support;
