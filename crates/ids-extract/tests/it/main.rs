//! Tests of extraction: whole documents through the real child.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod archives;
mod contract;
mod corpus;
mod formats;
mod fuzz;
mod limits;
mod mails;
mod mutations;
mod ocr;
mod open_document;
mod others;
mod passwords;
mod pdf_structure;
mod pictures;
mod sheets;
mod slides;
mod support;
mod tiny_pdf;
mod wait;
mod word;
