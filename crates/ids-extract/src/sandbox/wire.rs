//! What child and parent say to each other. Request: one JSON argument. Answer: frames on the child's standard output,
//! each a length (4 bytes, little endian) and that much JSON; the last one is [`Frame::End`] or [`Frame::Failed`]. A picture
//! is a frame of its own: the bytes of the PNG, whose first one no JSON begins with; so is a piece of a member, behind a zero.
//!
//! The child reads foreign bytes, so the parent believes nothing: see [`super::validate`].

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ids_core::member::SkipReason;
use ids_core::page::{Block, BlockKind, ExtractionNote, LineBox, NoteKind, Page};
use ids_core::span::CharSpan;
use serde::{Deserialize, Serialize};

use super::confine::Layers;
use super::scanned;
use crate::members::Part;
use crate::ocr::Prepared;
use crate::output::{Output, ParseError, ParsedPage};

/// The longest frame: a page may hold a whole document (plain text), up to four bytes a character, and its blocks.
pub(crate) const FRAME_BYTES: u32 = 384 * 1_024 * 1_024;

/// What a piece of an unprotected copy begins with; no JSON and no PNG does.
pub(crate) const COPY: u8 = 0;
/// Bytes of such a piece.
const COPY_BYTES: usize = 96 * 1_024;

/// What the parent asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// What to do.
    pub(crate) task: Task,
    /// A MIME type that [`crate::detect`] gives.
    pub(crate) content_type: String,
    /// The PDF engine's library.
    pub(crate) pdfium: PathBuf,
    /// The most address space, in bytes.
    pub(crate) address_space_bytes: u64,
    /// The most computing time, in seconds.
    pub(crate) cpu_seconds: u64,
}

/// What a child does with its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Write its text.
    Extract,
    /// Write a copy that needs no password. File and password come as [`super::handover`] says.
    Unlock,
    /// Write its text, and what comes in it.
    Unpack,
    /// Draw one page.
    Draw {
        /// From 1.
        page_number: u32,
        /// How wide.
        width_pixels: u32,
    },
    /// Draw one page to be read.
    Scan {
        /// From 1.
        page_number: u32,
    },
    /// Say what it took from itself.
    Report,
}

/// One thing the child says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Frame {
    Details {
        title: Option<String>,
        author: Option<String>,
    },
    Total {
        pages: u32,
    },
    Page(WirePage),
    Note {
        page_number: Option<u32>,
        kind: String,
        text: String,
    },
    /// A member begins.
    Member {
        path: String,
    },
    /// It is whole.
    MemberEnd,
    /// It was passed over; one that began is worth nothing.
    Skipped {
        path: String,
        reason: String,
    },
    /// The document has no page of the number that was to be drawn.
    NoSuchPage,
    /// What the child took from itself.
    Layers(Layers),
    End,
    Failed {
        reason: Reason,
        text: String,
    },
}

/// Why the child gave up; the parent has the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reason {
    Encrypted,
    Corrupt,
    ExpandsTooFar,
    TooLarge,
    Internal,
}

/// A page. Tuples keep the frames short: a page of a book has 50 lines.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WirePage {
    pub(crate) number: u32,
    pub(crate) size: Option<(f32, f32)>,
    pub(crate) text: String,
    /// Role, level (0 where there is none), start, end.
    pub(crate) blocks: Vec<(String, u8, u32, u32)>,
    /// Start, end, x, y, width, height.
    pub(crate) lines: Vec<(u32, u32, f32, f32, f32, f32)>,
    pub(crate) font_sizes: Vec<f32>,
    /// Whether OCR should look at it.
    #[serde(default)]
    pub(crate) needs_ocr: bool,
}

impl From<ParsedPage> for WirePage {
    fn from(parsed: ParsedPage) -> Self {
        let page = parsed.page;
        let blocks = page.blocks.iter().map(|block| {
            (
                block.kind.as_str().to_owned(),
                block.kind.level().unwrap_or(0),
                block.span.start,
                block.span.end,
            )
        });
        let lines = page.lines.iter().map(|line| {
            let span = line.span;
            (
                span.start,
                span.end,
                short(line.x),
                short(line.y),
                short(line.width),
                short(line.height),
            )
        });
        Self {
            number: page.number,
            size: page.width.zip(page.height),
            blocks: blocks.collect(),
            lines: lines.collect(),
            font_sizes: parsed.sizes,
            needs_ocr: parsed.needs_ocr,
            text: page.text,
        }
    }
}

impl WirePage {
    /// The page as the domain knows it; `None` for a role that is none.
    pub(crate) fn into_parsed(self) -> Option<ParsedPage> {
        let blocks = self.blocks.iter().map(|(kind, level, start, end)| {
            let kind = BlockKind::from_name(kind, Some(*level).filter(|&level| level > 0))?;
            Some(Block {
                kind,
                span: CharSpan::new(*start, *end),
            })
        });
        let lines = self
            .lines
            .iter()
            .map(|&(start, end, x, y, width, height)| LineBox {
                span: CharSpan::new(start, end),
                x,
                y,
                width,
                height,
            });
        let page = Page {
            number: self.number,
            width: self.size.map(|size| size.0),
            height: self.size.map(|size| size.1),
            blocks: blocks.collect::<Option<_>>()?,
            lines: lines.collect(),
            text: self.text,
            words: Vec::new(),
        };
        Some(ParsedPage {
            page,
            sizes: self.font_sizes,
            needs_ocr: self.needs_ocr,
        })
    }
}

/// A hundredth of a point is enough, and half as many digits.
fn short(points: f32) -> f32 {
    (points * 100.0).round() / 100.0
}

/// What a piece of a member begins with, which neither JSON nor a PNG does.
pub(crate) const MEMBER_PIECE: u8 = 0;

/// Frames wait until there are so many bytes of them, or the last ones were passed on so long ago: each time wakes the reader, which for
/// pages of few lines costs as much as reading them (`bench/formats`).
const WAITING_BYTES: usize = 64 * 1_024;
const WAITING_TIME: Duration = Duration::from_millis(100);

/// Writes frames as a parser finds things.
pub(crate) struct FrameWriter<W: Write> {
    out: BufWriter<W>,
    passed_on: Instant,
    /// Whether what comes in the document is asked for.
    pub(crate) gives_members: bool,
}

impl<W: Write> FrameWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out: BufWriter::with_capacity(WAITING_BYTES, out),
            passed_on: Instant::now(),
            gives_members: false,
        }
    }

    /// Writes the frame that ends the answer.
    pub(crate) fn finish(&mut self, result: Result<(), ParseError>) -> io::Result<()> {
        let failed = |reason, text: &str| Frame::Failed {
            reason,
            text: text.to_owned(),
        };
        let frame = match result {
            Ok(()) => Frame::End,
            Err(ParseError::Encrypted) => failed(Reason::Encrypted, ""),
            Err(ParseError::Corrupt(text)) => failed(Reason::Corrupt, text),
            Err(ParseError::ExpandsTooFar) => failed(Reason::ExpandsTooFar, ""),
            Err(ParseError::TooLarge(text)) => failed(Reason::TooLarge, text),
            Err(ParseError::Internal(text)) => failed(Reason::Internal, &text),
            Err(ParseError::Input(error)) => failed(Reason::Internal, &error.kind().to_string()),
            Err(ParseError::Output(error)) => return Err(error),
        };
        self.write(&frame)?;
        self.out.flush()
    }

    /// Writes the picture of a page, or that there is no such page.
    pub(crate) fn picture(&mut self, png: Option<&[u8]>) -> Result<(), ParseError> {
        match png {
            Some(png) => self.write_bytes(png),
            None => self.write(&Frame::NoSuchPage),
        }
        .map_err(ParseError::Output)
    }

    /// Writes an unprotected copy, or nothing where none is needed.
    pub(crate) fn copy(&mut self, bytes: Option<&[u8]>) -> Result<(), ParseError> {
        for piece in bytes.unwrap_or_default().chunks(COPY_BYTES) {
            let frame = [&[COPY], piece].concat();
            self.write_bytes(&frame).map_err(ParseError::Output)?;
        }
        Ok(())
    }

    /// Writes a page that is to be read, or that there is no such page.
    pub(crate) fn scan(&mut self, page: Option<&Prepared>) -> Result<(), ParseError> {
        match page {
            Some(page) => self.write_bytes(&scanned::to_bytes(page)),
            None => self.write(&Frame::NoSuchPage),
        }
        .map_err(ParseError::Output)
    }

    /// Writes what was taken away.
    pub(crate) fn layers(&mut self, layers: Layers) -> Result<(), ParseError> {
        self.write(&Frame::Layers(layers)).map_err(ParseError::Output)
    }

    fn write(&mut self, frame: &Frame) -> io::Result<()> {
        let json = serde_json::to_vec(frame).map_err(io::Error::other)?;
        self.write_bytes(&json)
    }

    fn write_bytes(&mut self, frame: &[u8]) -> io::Result<()> {
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(frame)?;
        self.pass_on_in_time()
    }

    fn write_piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len() + 1).map_err(io::Error::other)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&[MEMBER_PIECE])?;
        self.out.write_all(bytes)?;
        self.pass_on_in_time()
    }

    /// What is too much for the buffer leaves it by itself; what has waited leaves it here, since the reader shows how far it is.
    fn pass_on_in_time(&mut self) -> io::Result<()> {
        if self.passed_on.elapsed() < WAITING_TIME {
            return Ok(());
        }
        self.passed_on = Instant::now();
        self.out.flush()
    }
}

impl<W: Write> Output for FrameWriter<W> {
    fn details(&mut self, title: Option<String>, author: Option<String>) -> Result<(), ParseError> {
        self.write(&Frame::Details { title, author })
            .map_err(ParseError::Output)
    }

    fn total(&mut self, pages: u32) -> Result<(), ParseError> {
        self.write(&Frame::Total { pages }).map_err(ParseError::Output)
    }

    fn page(&mut self, page: ParsedPage) -> Result<(), ParseError> {
        self.write(&Frame::Page(page.into())).map_err(ParseError::Output)
    }

    fn note(&mut self, note: ExtractionNote) -> Result<(), ParseError> {
        let frame = Frame::Note {
            page_number: note.page_number,
            kind: note.kind.as_str().to_owned(),
            text: note.text,
        };
        self.write(&frame).map_err(ParseError::Output)
    }

    fn takes_members(&self) -> bool {
        self.gives_members
    }

    fn member(&mut self, part: Part<'_>) -> Result<(), ParseError> {
        if !self.gives_members {
            return Ok(());
        }
        let skipped = |path: &str, reason: SkipReason| Frame::Skipped {
            path: path.to_owned(),
            reason: reason.as_str().to_owned(),
        };
        match part {
            Part::Begin(path) => self.write(&Frame::Member {
                path: path.to_owned(),
            }),
            Part::Bytes(bytes) => self.write_piece(bytes),
            Part::End => self.write(&Frame::MemberEnd),
            Part::Skipped(path, reason) => self.write(&skipped(path, reason)),
        }
        .map_err(ParseError::Output)
    }
}

/// A note from its frame; `None` for a kind that is none.
pub(crate) fn note(page_number: Option<u32>, kind: &str, text: String) -> Option<ExtractionNote> {
    Some(ExtractionNote {
        page_number,
        kind: NoteKind::from_name(kind)?,
        text,
    })
}
