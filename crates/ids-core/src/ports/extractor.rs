//! Foreign bytes to text, never in this process.

use std::path::Path;

use async_trait::async_trait;

use crate::document::ContentType;
use crate::error::{ErrorCode, Failure};
use crate::member::MemberPath;
use crate::page::ExtractedDocument;
use crate::page_image::PageImage;
use crate::password::Password;

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

/// A piece of what comes in a document, in order: a beginning, its bytes, an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberPart {
    /// A member begins.
    Begin(MemberPath),
    /// Its next bytes.
    Bytes(Vec<u8>),
    /// It is whole.
    End,
    /// It will not be whole: what came of it is worth nothing, and the document's notes say why.
    Broken,
}

/// Whoever takes members wants no more; it knows why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkClosed;

/// Takes the members of a document while it is read.
#[async_trait]
pub trait MemberSink: Send {
    /// Takes the next piece.
    ///
    /// # Errors
    /// When no more is wanted: the reading ends.
    async fn take(&mut self, part: MemberPart) -> Result<(), SinkClosed>;
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

/// What to open.
#[derive(Debug, Clone, Copy)]
pub struct UnlockRequest<'a> {
    /// The bytes.
    pub file: &'a Path,
    /// The file's name as it was given, for texts that people read.
    pub filename: &'a str,
    /// The type found by [`Extractor::detect`]; `None` where that said `ENCRYPTED`.
    pub content_type: Option<&'a ContentType>,
    /// What opens it.
    pub password: &'a Password,
}

/// An unprotected copy, piece by piece. Dropped, it is gone.
#[async_trait]
pub trait UnlockedBytes: Send {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// `INTERNAL`.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure>;
}

/// Reads documents in a child process with limits.
///
/// Clauses: (1) any bytes end in pages or a [`Failure`], within the limits of time and memory; (2) pages are numbered
/// from 1 without gaps, blocks do not overlap and cover all but white space; (3) the type is found from the content,
/// the name only decides between kinds of text; (4) dropping the future ends the child; (5) a page is drawn in
/// its own shape as a PNG within the limits of [`PageImage`], and any bytes end in one, in none, or in a [`Failure`], as in (1);
/// (6) a copy needs no password and is of the same kind, what needs none has no copy, and a wrong password is `ENCRYPTED` without being repeated;
/// (7) the members of a document come whole and in order, each at a path of its own, no more of them and no more bytes than the limits;
/// what is not given is among the notes, and the text is that of [`Extractor::extract`] but for these.
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

    /// Reads the text, and gives what came in the document to `members`.
    ///
    /// # Errors
    /// Those of [`Extractor::extract`]; a [`Failure`] without meaning after the sink was closed.
    async fn extract_with_members(
        &self,
        request: ExtractRequest<'_>,
        progress: &dyn ExtractProgress,
        members: &mut dyn MemberSink,
    ) -> Result<ExtractedDocument, Failure> {
        // A reader that knows of none gives none.
        let _ = members;
        self.extract(request, progress).await
    }

    /// Draws one page on white, as large as [`PageImage::size_of`] says. `None` for a type whose pages have no look of their
    /// own, and for a page that the file does not have.
    ///
    /// # Errors
    /// Those of [`Extractor::extract`].
    async fn render_page(&self, request: RenderRequest<'_>) -> Result<Option<PageImage>, Failure>;

    /// Writes a copy of a file that needs no password; `None` where the file itself needs none.
    ///
    /// # Errors
    /// `ENCRYPTED` for a wrong password; else those of [`Extractor::extract`].
    async fn unlock(&self, request: UnlockRequest<'_>) -> Result<Option<Box<dyn UnlockedBytes>>, Failure> {
        let name = request.filename;
        let message = format!("`{name}` is password protected, and nothing here opens it");
        Err(Failure::of_input(ErrorCode::Encrypted, message))
    }
}
