//! What extraction gives: pages of text with blocks and, where known, the place of each line.

pub use ids_text::minhash::Signature;

use crate::document::ContentType;
use crate::span::CharSpan;

/// A document's text as its extractor found it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExtractedDocument {
    /// The file's own title.
    pub title: Option<String>,
    /// Its author.
    pub author: Option<String>,
    /// The type found in the content.
    pub content_type: Option<ContentType>,
    /// Its pages, in order, numbered from 1 without gaps.
    pub pages: Vec<Page>,
    /// What a reader should know: a broken page, a page without text. Plain sentences.
    pub notes: Vec<ExtractionNote>,
    /// By what texts that are nearly the same are found: made by the domain of all pages, stored with them. `None` of a text too short
    /// for that.
    pub signature: Option<Signature>,
}

/// Something that did not go as it should, on a page or in the whole document, or a fact of the document: see
/// [`NoteKind::is_fact`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractionNote {
    /// The page, from 1; `None` for the document.
    pub page_number: Option<u32>,
    /// What kind of thing it is.
    pub kind: NoteKind,
    /// What a person reads.
    pub text: String,
}

/// Kinds of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoteKind {
    /// The page has no text of its own; it needs OCR.
    NeedsOcr,
    /// The page could not be read; the others were.
    BrokenPage,
    /// Something was cut at a limit.
    Truncated,
    /// A member that did not become a document: [`Skipped`](crate::member::Skipped) reads its text.
    Skipped,
    /// Anything else worth saying.
    Other,
    /// A fact: the language the text is in, as `pt`, `en`, `other` or `mixed`.
    Language,
    /// A fact: when the file says that it was made, as in RFC 3339, or without the parts it lacks.
    Created,
    /// A fact: when the file says that it was changed last.
    Modified,
}

impl NoteKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::NeedsOcr,
        Self::BrokenPage,
        Self::Truncated,
        Self::Skipped,
        Self::Other,
        Self::Language,
        Self::Created,
        Self::Modified,
    ];

    /// The word in stores and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeedsOcr => "needs_ocr",
            Self::BrokenPage => "broken_page",
            Self::Truncated => "truncated",
            Self::Skipped => "skipped",
            Self::Other => "other",
            Self::Language => "language",
            Self::Created => "created",
            Self::Modified => "modified",
        }
    }

    /// The kind of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it tells a fact of the document, and nothing that went wrong. Facts travel as notes so that whatever keeps,
    /// moves or backs up an extraction keeps them too.
    pub const fn is_fact(self) -> bool {
        matches!(self, Self::Language | Self::Created | Self::Modified)
    }
}

/// One page (or slide, sheet, section): its text, and what stands where in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Width in points; `None` where pages have no size.
    pub width: Option<f32>,
    /// Height in points.
    pub height: Option<f32>,
    /// The text. Lines end with one line feed; blocks are parted by a blank line.
    pub text: String,
    /// Blocks in reading order; their spans do not overlap and cover all text but white space.
    pub blocks: Vec<Block>,
    /// The place of each line of text, where known.
    pub lines: Vec<LineBox>,
    /// Where the text was recognized in a picture: its words in order, with how sure that is. Empty for text of the file's own.
    pub words: Vec<RecognizedWord>,
}

/// A word that was recognized in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecognizedWord {
    /// Its range in the page's text.
    pub span: CharSpan,
    /// How sure the recognition is: 0 to 100.
    pub confidence: u8,
}

impl RecognizedWord {
    /// Below this a reader should look at the picture. Measured (docs/quality.md): of words below it most are wrong, above it one in a
    /// hundred on clean pages and five on noisy ones.
    pub const SURE: u8 = 70;

    /// Whether a reader should look at the picture.
    pub const fn is_doubtful(self) -> bool {
        self.confidence < Self::SURE
    }
}

impl Page {
    /// How sure the recognition is of the whole page, by the lengths of its words: 0 to 100. `None` for text of the file's own.
    pub fn confidence(&self) -> Option<u8> {
        let weighed = |word: &RecognizedWord| u64::from(word.confidence) * u64::from(word.span.len());
        let sum: u64 = self.words.iter().map(weighed).sum();
        let length: u64 = self.words.iter().map(|word| u64::from(word.span.len())).sum();
        sum.checked_div(length).and_then(|mean| u8::try_from(mean).ok())
    }

    /// The lines that a range of the text touches; none of an empty one.
    pub fn lines_in(&self, range: CharSpan) -> impl Iterator<Item = &LineBox> {
        self.lines.iter().filter(move |line| {
            !range.is_empty() && line.span.start < range.end && range.start < line.span.end
        })
    }
}

/// A part of a page with one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its role.
    pub kind: BlockKind,
    /// Its range in the page's text.
    pub span: CharSpan,
}

/// The roles of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// A heading; level 1 is the highest, 6 the lowest.
    Heading {
        /// 1 to 6.
        level: u8,
    },
    /// Running text.
    Paragraph,
    /// An item of a list.
    ListItem,
    /// A table, as Markdown rows.
    Table,
    /// The caption of a figure or table.
    Caption,
    /// A footnote.
    Footnote,
    /// A running header: kept out of chunks.
    Header,
    /// A running footer or page number: kept out of chunks.
    Footer,
}

impl BlockKind {
    /// The word in stores and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Heading { .. } => "heading",
            Self::Paragraph => "paragraph",
            Self::ListItem => "list_item",
            Self::Table => "table",
            Self::Caption => "caption",
            Self::Footnote => "footnote",
            Self::Header => "header",
            Self::Footer => "footer",
        }
    }

    /// The level of a heading.
    pub const fn level(self) -> Option<u8> {
        match self {
            Self::Heading { level } => Some(level),
            _ => None,
        }
    }

    /// The kind of that word; `level` counts for headings only.
    pub fn from_name(name: &str, level: Option<u8>) -> Option<Self> {
        Some(match name {
            "heading" => Self::Heading {
                level: level.unwrap_or(1).clamp(1, 6),
            },
            "paragraph" => Self::Paragraph,
            "list_item" => Self::ListItem,
            "table" => Self::Table,
            "caption" => Self::Caption,
            "footnote" => Self::Footnote,
            "header" => Self::Header,
            "footer" => Self::Footer,
            _ => return None,
        })
    }

    /// Whether it belongs to the text that is searched.
    pub const fn is_body(self) -> bool {
        !matches!(self, Self::Header | Self::Footer)
    }
}

/// The place of one line of text, in points from the page's top left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineBox {
    /// The line's range in the page's text.
    pub span: CharSpan,
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}
