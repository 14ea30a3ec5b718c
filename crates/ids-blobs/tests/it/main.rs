//! The folder adapter: its contract, and what only a folder can get wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod folder;
mod signing;
mod support;
