//! Foreign bytes to pages of text. Every parser runs in a short-lived child process with limits; this process only
//! looks at the first bytes ([`Extractor::detect`](ids_core::ports::Extractor::detect)) and checks what the
//! child says.
//!
//! Entry points: [`SandboxedExtractor`] in the parent, [`child_main`] in the child. One module a format, each writing
//! to `output::Output`; `builder` keeps the promises of [`ids_core::page::Page`] for all of them; `furniture` and
//! `pdf::structure` find what needs all pages (running headers, headings by size), in the parent, over checked data.

mod builder;
mod detect;
mod docx;
mod encoding;
mod furniture;
mod html;
mod markdown;
mod output;
mod pdf;
mod plain;
#[cfg(test)]
mod properties;
mod sandbox;
mod words;

pub use crate::sandbox::{
    ChildCommand, ChildLimits, ExtractorConfig, SandboxedExtractor, child_main, child_main_with, find_pdfium,
    landlock_is_available,
};
