//! Tests of extraction: whole documents through the real child.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod corpus;
mod formats;
mod limits;
mod mutations;
mod pictures;
mod support;
mod tiny_pdf;
