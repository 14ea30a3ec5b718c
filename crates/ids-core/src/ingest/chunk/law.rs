//! The parts of a text of law among the blocks of its pages.

use ids_text::legal::{self, LegalPath, Skeleton};

use crate::page::Page;
use crate::span::{CharIndex, CharSpan};

/// A piece of a block that a border between chunks may not cut without need: the block, or a part of the law in it.
pub(super) struct Piece {
    /// Index of its block on the page.
    pub(super) block: usize,
    /// Where it stands in the page's text.
    pub(super) span: CharSpan,
    /// Index of its part of the law, where the text is one of law.
    pub(super) part: Option<usize>,
}

/// The parts of a text of law, in order, with the place where each begins; none of any other text.
pub(super) struct Law(Vec<Part>);

struct Part {
    page: usize,
    start: u32,
    path: LegalPath,
}

impl Law {
    /// Looks through the lines of the body text.
    pub(super) fn of(title: &str, pages: &[Page], texts: &[CharIndex<'_>]) -> Self {
        let mut places = Vec::new();
        let mut lines = Vec::new();
        for (page_index, page) in pages.iter().enumerate() {
            for block in page.blocks.iter().filter(|block| block.kind.is_body()) {
                let mut start = block.span.start;
                for line in texts[page_index].slice(block.span).split('\n') {
                    places.push((page_index, start));
                    lines.push(line);
                    start += line.chars().count() as u32 + 1;
                }
            }
        }
        let skeleton = Skeleton::of(title, lines);
        let part = |part: legal::LegalPart| {
            let (page, start) = places[part.line];
            Part {
                page,
                start,
                path: part.path,
            }
        };
        Self(skeleton.parts.into_iter().map(part).collect())
    }

    /// The body blocks of a page, in order, cut where a part of the law begins.
    pub(super) fn pieces(&self, page_index: usize, page: &Page) -> Vec<Piece> {
        let first = self.0.partition_point(|part| part.page < page_index);
        let mut next = first;
        let mut pieces = Vec::new();
        for (index, block) in page.blocks.iter().enumerate() {
            if !block.kind.is_body() {
                continue;
            }
            let mut start = block.span.start;
            while let Some(part) = self.0.get(next)
                && part.page == page_index
                && part.start < block.span.end
            {
                if start < part.start {
                    pieces.push(Piece {
                        block: index,
                        span: CharSpan::new(start, part.start),
                        part: next.checked_sub(1),
                    });
                }
                start = part.start;
                next += 1;
            }
            pieces.push(Piece {
                block: index,
                span: CharSpan::new(start, block.span.end),
                part: next.checked_sub(1),
            });
        }
        pieces
    }

    /// How a passage is cited that begins in one part and ends in another.
    pub(super) fn reference(&self, first: Option<usize>, last: Option<usize>) -> Option<String> {
        let nowhere = LegalPath::default();
        let path = |part: Option<usize>| part.and_then(|part| self.0.get(part)).map(|part| &part.path);
        let last = path(last)?;
        legal::reference(path(first).unwrap_or(&nowhere), last)
    }
}
