//! Foreign bytes to pages of text. Every parser runs in a short-lived child process with limits; this process only
//! looks at the first bytes ([`Extractor::detect`](ids_core::ports::Extractor::detect)) and checks what the
//! child says.
//!
//! Entry points: [`SandboxedExtractor`] in the parent, [`child_main`] in the child. One module a format, each writing
//! to `output::Output`; `builder` keeps the promises of [`ids_core::page::Page`] for all of them; `furniture` and
//! `pdf::structure` find what needs all pages (running headers, headings by size), in the parent, over checked data.

mod archive;
mod archive_names;
mod builder;
mod dates;
mod detect;
mod doc;
mod docx;
mod encoding;
mod epub;
mod formats;
mod furniture;
#[doc(hidden)]
pub mod fuzzing;
mod html;
mod mail;
mod markdown;
mod members;
mod ocr;
mod odf;
mod ole;
mod output;
mod package;
mod pages;
mod pdf;
mod picture;
mod plain;
mod pptx;
#[cfg(test)]
mod promises;
mod properties;
mod rtf;
mod sandbox;
mod sheet;
mod unlock;
mod words;
mod xml;
mod xml_text;

pub use crate::sandbox::{
    ChildCommand, ChildLimits, ExtractorConfig, Layers, NoTesseract, OcrConfig, OcrLimits, OcrSource,
    SandboxedExtractor, Tesseract, child_main, child_main_with, find_pdfium, landlock_is_available, ocr_main,
};
