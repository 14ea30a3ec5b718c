//! The API over a real store (SQLite, a folder of blobs, real workers). Only reading files and computing meaning are
//! scripted: those two are slow, and belong to other crates.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod budget;
mod chat;
mod conversations;
mod documents;
mod embedding_budget;
mod errors;
mod events;
mod injections;
mod keys;
mod mcp;
mod openai;
mod page_images;
mod privacy;
mod rewriting;
mod search;
mod server;
mod shield;
mod snapshots;
mod support;
mod tcp;
mod uploads;
