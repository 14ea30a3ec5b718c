//! What parsers write to: pages and notes, one after the other, so that no parser holds a whole document.

use std::io;

use ids_core::page::{ExtractionNote, NoteKind, Page};

use crate::members::Part;

/// Why a parser stopped. The words a person reads are put together by the parent, which knows the file's name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParseError {
    /// It needs a password.
    #[error("needs a password")]
    Encrypted,
    /// It cannot be read; the text says what is wrong, as a clause.
    #[error("{0}")]
    Corrupt(&'static str),
    /// It unpacks to far more than it is.
    #[error("unpacks too far")]
    ExpandsTooFar,
    /// More pages or characters than the limits; the text says which, as a clause.
    #[error("{0}")]
    TooLarge(&'static str),
    /// Nobody reads the answer any more, or it could not be written.
    #[error("the answer could not be written")]
    Output(#[source] io::Error),
    /// The file could not be read from the disk.
    #[error("the file could not be read from the disk")]
    Input(#[source] io::Error),
    /// A fault of ours: a missing library, a wrong request.
    #[error("{0}")]
    Internal(String),
}

/// A page as a parser found it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ParsedPage {
    /// The page.
    pub(crate) page: Page,
    /// The font size of each block in points, parallel to the page's blocks; empty where it is not known.
    pub(crate) sizes: Vec<f32>,
    /// Whether OCR should look at it: there is no text, or none that can be used.
    pub(crate) needs_ocr: bool,
}

/// Takes what a parser finds, in the order of the document.
pub(crate) trait Output {
    /// The file's own title and author. Called at most once, before the first page.
    fn details(&mut self, title: Option<String>, author: Option<String>) -> Result<(), ParseError>;

    /// How many pages there will be, where that is known before they are read.
    fn total(&mut self, pages: u32) -> Result<(), ParseError>;

    /// The next page; numbers go up from 1 without gaps.
    fn page(&mut self, page: ParsedPage) -> Result<(), ParseError>;

    /// Something a reader should know.
    fn note(&mut self, note: ExtractionNote) -> Result<(), ParseError>;

    /// Whether what comes in the document is wanted.
    fn takes_members(&self) -> bool {
        false
    }

    /// A piece of what comes in the document, where that is wanted.
    fn member(&mut self, part: Part<'_>) -> Result<(), ParseError> {
        let _ = part;
        Ok(())
    }
}

/// The most notes of one document; a reader stops reading long before.
pub(crate) const NOTES: usize = 1_000;
/// Notes on top of those, which tell facts: its dates.
pub(crate) const FACTS: usize = 10;

/// A note about one page.
pub(crate) fn page_note(page_number: u32, kind: NoteKind, text: String) -> ExtractionNote {
    ExtractionNote {
        page_number: Some(page_number),
        kind,
        text,
    }
}
