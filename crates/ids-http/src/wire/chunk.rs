//! Chunks and ranges.

use ids_core::chunk::ChunkDetail;
use ids_core::ports::ChunkPage;
use ids_core::span::{CharSpan, PageSpan};
use serde::Serialize;
use utoipa::ToSchema;

/// A range of Unicode scalar values, end exclusive.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct RangeBody {
    /// Where it begins.
    start: u32,
    /// Where it ends, exclusive.
    end: u32,
}

impl From<CharSpan> for RangeBody {
    fn from(span: CharSpan) -> Self {
        Self {
            start: span.start,
            end: span.end,
        }
    }
}

/// A range on one page, in Unicode scalar values of the page's text, end exclusive.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct SpanBody {
    /// The page, from 1.
    page: u32,
    /// Where it begins.
    start: u32,
    /// Where it ends, exclusive.
    end: u32,
}

impl From<&PageSpan> for SpanBody {
    fn from(span: &PageSpan) -> Self {
        Self {
            page: span.page_number,
            start: span.span.start,
            end: span.span.end,
        }
    }
}

/// Where a chunk stands.
pub(crate) struct PlaceBody {
    pub(crate) page: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) spans: Vec<SpanBody>,
}

impl From<&ChunkDetail> for PlaceBody {
    fn from(chunk: &ChunkDetail) -> Self {
        // A chunk always has a span; should one ever lack it, page 1 is where a reader looks first.
        let first = chunk.spans.first().map_or(
            SpanBody {
                page: 1,
                start: 0,
                end: 0,
            },
            SpanBody::from,
        );
        Self {
            page: first.page,
            start: first.start,
            end: first.end,
            spans: chunk.spans.iter().map(SpanBody::from).collect(),
        }
    }
}

/// A chunk of a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChunkBody {
    /// Its id.
    chunk_id: String,
    /// From 0, in reading order.
    chunk_index: u32,
    /// Its text.
    content: String,
    /// The headings it stands under, outermost first.
    heading: Option<String>,
    /// How it is cited, in a text of law: the parts it runs over.
    #[schema(example = "Lei 14.133/2021, art. 75, I a III")]
    reference: Option<String>,
    /// The page where it begins, from 1.
    page: u32,
    /// Where it begins in that page's text.
    start: u32,
    /// Where its part on that page ends, exclusive.
    end: u32,
    /// All its parts, one for each page.
    spans: Vec<SpanBody>,
}

impl From<&ChunkDetail> for ChunkBody {
    fn from(chunk: &ChunkDetail) -> Self {
        let PlaceBody {
            page,
            start,
            end,
            spans,
        } = PlaceBody::from(chunk);
        Self {
            chunk_id: chunk.chunk_id.to_string(),
            chunk_index: chunk.chunk_index,
            content: chunk.content.clone(),
            heading: chunk.headings().map(str::to_owned),
            reference: chunk.reference().map(str::to_owned),
            page,
            start,
            end,
            spans,
        }
    }
}

/// A page of chunks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChunkListBody {
    /// The chunks asked for.
    chunks: Vec<ChunkBody>,
    /// How many there are.
    total: u64,
    /// Whether more come after these.
    has_more: bool,
}

impl ChunkListBody {
    pub(crate) fn new(list: &ChunkPage, offset: usize) -> Self {
        let seen = offset as u64 + list.chunks.len() as u64;
        Self {
            chunks: list.chunks.iter().map(ChunkBody::from).collect(),
            total: list.total,
            has_more: seen < list.total,
        }
    }
}
