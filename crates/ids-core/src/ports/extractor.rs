//! Foreign bytes to text, never in this process.

use std::path::Path;

use async_trait::async_trait;

use crate::document::ContentType;
use crate::error::Failure;
use crate::page::ExtractedDocument;
use crate::page_image::PageImage;

/// What to read.
#[derive(Debug, Clone, Copy)]
pub struct ExtractRequest<'a> {
    /// The bytes.
    pub file: &'a Path,
    /// The file's name as it was given: a hint only.
    pub filename: &'a str,
    /// The type found by [`Extractor::detect`].
    pub content_type: &'a ContentType,
}

/// Told how far extraction is.
pub trait ExtractProgress: Send + Sync {
    /// `done` pages of `total`, where that is known.
    fn pages(&self, done: u32, total: Option<u32>);

    /// So many pages more were read by OCR, which takes seconds a page: a document of hundreds is long at it and is not stuck.
    fn recognized(&self, pages: u32) {
        let _ = pages;
    }
}

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct RenderRequest<'a> {
    /// The bytes.
    pub file: &'a Path,
    /// The file's name as it was given, for texts that people read.
    pub filename: &'a str,
    /// The type found by [`Extractor::detect`].
    pub content_type: &'a ContentType,
    /// The page, from 1.
    pub page_number: u32,
    /// How wide the picture is to be.
    pub width_pixels: u32,
}

/// Reads documents in a child process with limits.
///
/// Clauses: (1) any bytes end in pages or a [`Failure`], within the limits of time and memory; (2) pages are numbered
/// from 1 without gaps, blocks do not overlap and cover all but white space; (3) the type is found from the content,
/// the name only decides between kinds of text; (4) dropping the future ends the child; (5) a page is drawn in
/// its own shape as a PNG within the limits of [`PageImage`], and any bytes end in one, in none, or in a [`Failure`], as in (1).
#[async_trait]
pub trait Extractor: Send + Sync {
    /// Finds the type by looking at the first bytes and the name, without parsing.
    ///
    /// # Errors
    /// `EMPTY_FILE`, `UNSUPPORTED_TYPE`, `ENCRYPTED` (an encrypted Office file is of another kind), `INTERNAL`.
    async fn detect(&self, file: &Path, filename: &str) -> Result<ContentType, Failure>;

    /// Reads the text.
    ///
    /// # Errors
    /// The codes that end a job (design.md 3.3).
    async fn extract(
        &self,
        request: ExtractRequest<'_>,
        progress: &dyn ExtractProgress,
    ) -> Result<ExtractedDocument, Failure>;

    /// Draws one page on white, as large as [`PageImage::size_of`] says. `None` for a type whose pages have no look of their
    /// own, and for a page that the file does not have.
    ///
    /// # Errors
    /// Those of [`Extractor::extract`].
    async fn render_page(&self, request: RenderRequest<'_>) -> Result<Option<PageImage>, Failure>;
}
