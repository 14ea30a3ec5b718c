//! Pages to chunks: by structure, about [`ChunkSettings::size`] tokens each, overlapping only where a paragraph is cut
//! (design.md 4, "chunks").

mod law;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::mem;
use std::ops::Range;
use std::task::Poll;

use ids_text::{Term, TokenCounter, Unit, legal};

use self::law::Law;
use super::embed::title_of;
use super::{StepError, progress};
use crate::chunk::NewChunk;
use crate::error::{ErrorCode, Failure};
use crate::job::JobStep;
use crate::library::Library;
use crate::limits;
use crate::page::{BlockKind, Page};
use crate::ports::{ClaimedJob, Replaced, Tokenizer};
use crate::span::{CharIndex, CharSpan, PageSpan};

/// How long chunks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkSettings {
    /// Tokens of a chunk's content (`CHUNK_SIZE`).
    pub size: usize,
    /// Tokens shared with the chunk before, where a paragraph is cut (`CHUNK_OVERLAP`).
    pub overlap: usize,
}

/// Stores the chunks of the version; says how many there are.
pub(super) async fn run(library: &Library, claimed: &ClaimedJob) -> Result<(Replaced, u32), StepError> {
    let pages = library.ports.documents.load_pages(&claimed.lease).await?;
    let settings = ChunkSettings {
        size: library.settings.chunk_size,
        overlap: library.settings.chunk_overlap,
    };
    let chunks = chunk_pages(
        &pages,
        &title_of(&claimed.version),
        settings,
        &*library.ports.tokenizer,
    )
    .await;
    if chunks.is_empty() {
        let message = format!("no text was found in `{}`", claimed.version.filename);
        return Err(Failure::of_input(ErrorCode::NoText, message).into());
    }
    let half_way = (progress::CHUNKING + progress::EMBEDDING) / 2;
    progress::note(library, &claimed.lease, JobStep::Chunking, half_way).await?;
    let replaced = library.ports.chunks.replace(&claimed.lease, &chunks).await?;
    Ok((replaced, chunks.len() as u32))
}

/// Cuts pages into chunks.
///
/// The chunks cover the body text (running headers and footers left out) and nothing else, in order; each one's
/// `content` is its spans' texts joined by one line feed. Footnotes make chunks of their own, behind those of their section: they would
/// part a sentence that runs over the page. No chunk crosses a heading of the top level. In a text of law the
/// parts of an article are paragraphs, and a chunk's last heading is how it is cited (`ids_text::legal`). A long document takes
/// seconds: after each page and each chunk others get their turn, above all the renewal of the job's lease.
pub async fn chunk_pages(
    pages: &[Page],
    title: &str,
    settings: ChunkSettings,
    tokenizer: &dyn Tokenizer,
) -> Vec<NewChunk> {
    let texts: Vec<CharIndex<'_>> = pages.iter().map(|page| CharIndex::new(&page.text)).collect();
    let law = Law::of(title, pages, &texts);
    let outline = Outline::of(pages, &texts, &law, settings, tokenizer).await;
    let mut terms = TermCounter::new(title);
    let mut chunks = Vec::new();
    for section in &outline.sections {
        let units = &outline.units[section.clone()];
        for packed in ids_text::pack(units, settings.size, settings.overlap) {
            let range = section.start + packed.start..section.start + packed.end;
            let spans = outline.spans(range.clone(), pages);
            let content = content_of(&spans, &outline, range.start, pages, &texts);
            let heading = outline.heading(range.clone(), &law, pages, &texts);
            let (terms, length) = terms.count(heading.as_deref(), &content);
            let chunk_index = chunks.len() as u32;
            chunks.push(NewChunk {
                chunk_index,
                content,
                heading,
                spans,
                terms,
                length,
            });
            give_way().await;
        }
    }
    chunks
}

/// Lets whatever else runs on this thread have its turn.
async fn give_way() {
    let mut is_back = false;
    poll_fn(|context| {
        if mem::replace(&mut is_back, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// All units of a document in order, with their places, cut into sections.
struct Outline {
    units: Vec<Unit>,
    places: Vec<Place>,
    sections: Vec<Range<usize>>,
}

/// The footnotes of a section, until it ends.
#[derive(Default)]
struct Notes {
    units: Vec<Unit>,
    places: Vec<Place>,
    paragraph: usize,
}

/// Where a unit stands.
#[derive(Clone)]
struct Place {
    /// Index into the pages.
    page: usize,
    /// Index of its block on the page.
    block: usize,
    heading: Option<String>,
    /// Index of its part of the law.
    part: Option<usize>,
}

struct Counter<'a>(&'a dyn Tokenizer);

impl TokenCounter for Counter<'_> {
    fn count(&self, text: &str) -> usize {
        self.0.count(text)
    }
}

impl Outline {
    async fn of(
        pages: &[Page],
        texts: &[CharIndex<'_>],
        law: &Law,
        settings: ChunkSettings,
        tokenizer: &dyn Tokenizer,
    ) -> Self {
        let mut outline = Self {
            units: Vec::new(),
            places: Vec::new(),
            sections: Vec::new(),
        };
        let mut headings = Headings::default();
        let mut notes = Notes::default();
        let mut section_start = 0;
        let mut paragraph = 0;
        let mut after_heading = false;
        for (page_index, page) in pages.iter().enumerate() {
            let body = law.pieces(page_index, page);
            let ranges: Vec<(usize, usize)> = body
                .iter()
                .map(|piece| (piece.span.start as usize, piece.span.end as usize))
                .collect();
            let units = ids_text::units(&page.text, &ranges, settings.size, &Counter(tokenizer));
            let mut units = units.into_iter().peekable();
            for (position, piece) in body.iter().enumerate() {
                let block = page.blocks[piece.block];
                let is_heading = matches!(block.kind, BlockKind::Heading { .. });
                if let BlockKind::Heading { level } = block.kind
                    && piece.span.start == block.span.start
                {
                    headings.enter(level, texts[page_index].slice(block.span));
                    if level == 1 {
                        outline.end_section(&mut section_start, &mut notes);
                    }
                }
                if block.kind == BlockKind::Footnote {
                    notes.paragraph += 1;
                    while let Some(unit) = units.next_if(|unit| unit.paragraph == position) {
                        notes.units.push(Unit {
                            paragraph: notes.paragraph,
                            ..unit
                        });
                        notes.places.push(Place {
                            page: page_index,
                            block: piece.block,
                            heading: headings.path(),
                            part: piece.part,
                        });
                    }
                    continue;
                }
                // A heading belongs to the paragraph that follows it: a border between chunks falls before it.
                if !after_heading {
                    paragraph += 1;
                }
                after_heading = is_heading;
                let heading = headings.path();
                let mut own: Vec<Unit> = Vec::new();
                while let Some(unit) = units.next_if(|unit| unit.paragraph == position) {
                    own.push(Unit { paragraph, ..unit });
                }
                if block.kind == BlockKind::Table {
                    own = whole_where_it_fits(own, settings.size);
                }
                for unit in own {
                    outline.units.push(unit);
                    outline.places.push(Place {
                        page: page_index,
                        block: piece.block,
                        heading: heading.clone(),
                        part: piece.part,
                    });
                }
            }
            give_way().await;
        }
        outline.end_section(&mut section_start, &mut notes);
        outline
    }

    /// Closes the section that began at `start`, and puts its footnotes behind it.
    fn end_section(&mut self, start: &mut usize, notes: &mut Notes) {
        let close = |outline: &mut Self, start: &mut usize| {
            if *start < outline.units.len() {
                outline.sections.push(*start..outline.units.len());
                *start = outline.units.len();
            }
        };
        close(self, start);
        self.units.append(&mut notes.units);
        self.places.append(&mut notes.places);
        close(self, start);
    }

    /// The headings over some units, and how a text of law is cited there.
    fn heading(
        &self,
        units: Range<usize>,
        law: &Law,
        pages: &[Page],
        texts: &[CharIndex<'_>],
    ) -> Option<String> {
        let headings = self.headings(units.start, pages, texts);
        let part = |index: usize| self.places[index].part;
        match law.reference(part(units.start), part(units.end - 1)) {
            Some(reference) => Some(legal::with_reference(headings.as_deref(), &reference)),
            None => headings,
        }
    }

    /// The headings over a unit; below the first row of a table that row too, which says what the values in it are.
    fn headings(&self, index: usize, pages: &[Page], texts: &[CharIndex<'_>]) -> Option<String> {
        let (unit, place) = (&self.units[index], &self.places[index]);
        let block = pages[place.page].blocks[place.block];
        let path = place.heading.clone();
        if block.kind != BlockKind::Table || unit.start <= block.span.start as usize {
            return path;
        }
        let first_row = texts[place.page]
            .slice(block.span)
            .lines()
            .next()
            .unwrap_or_default();
        let names: Vec<&str> = first_row
            .split('|')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        let names: String = names
            .join(" | ")
            .chars()
            .take(limits::CHUNK_CONTEXT_CHARS)
            .collect();
        match path {
            _ if names.is_empty() => path,
            Some(path) => Some(format!("{path} › {names}")),
            None => Some(names),
        }
    }

    /// The spans of some units: one a page, or more where a running header or footer, or a footnote, lies between two units.
    fn spans(&self, range: Range<usize>, pages: &[Page]) -> Vec<PageSpan> {
        let mut spans: Vec<PageSpan> = Vec::new();
        for index in range.clone() {
            let (unit, place) = (&self.units[index], &self.places[index]);
            let page = &pages[place.page];
            let span = CharSpan::new(unit.start as u32, unit.end as u32);
            let is_note = page.blocks[place.block].kind == BlockKind::Footnote;
            let joins = index > range.start && {
                let before = &self.places[index - 1];
                before.page == place.page
                    && page.blocks[before.block..=place.block]
                        .iter()
                        .all(|block| block.kind.is_body() && (block.kind == BlockKind::Footnote) == is_note)
            };
            match spans.last_mut() {
                Some(last) if joins => last.span.end = span.end,
                _ => spans.push(PageSpan {
                    page_number: page.number,
                    span,
                }),
            }
        }
        spans
    }
}

/// A table that fits into a chunk is never cut.
fn whole_where_it_fits(units: Vec<Unit>, size: usize) -> Vec<Unit> {
    let tokens = units.iter().map(|unit| unit.tokens).sum();
    match (units.first(), units.last()) {
        (Some(first), Some(last)) if tokens <= size => vec![Unit {
            end: last.end,
            tokens,
            ..*first
        }],
        _ => units,
    }
}

/// The texts of spans, joined by one line feed. Pages are looked up from the first unit's on: spans ascend.
fn content_of(
    spans: &[PageSpan],
    outline: &Outline,
    first_unit: usize,
    pages: &[Page],
    texts: &[CharIndex<'_>],
) -> String {
    let mut page = outline.places[first_unit].page;
    let mut parts = Vec::with_capacity(spans.len());
    for span in spans {
        while pages[page].number != span.page_number {
            page += 1;
        }
        parts.push(texts[page].slice(span.span));
    }
    parts.join("\n")
}

/// The headings that are open, outermost first.
#[derive(Default)]
struct Headings {
    open: Vec<(u8, String)>,
}

impl Headings {
    fn enter(&mut self, level: u8, text: &str) {
        self.open.retain(|(open_level, _)| *open_level < level);
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.open
            .push((level, line.chars().take(limits::CHUNK_CONTEXT_CHARS).collect()));
    }

    fn path(&self) -> Option<String> {
        if self.open.is_empty() {
            return None;
        }
        Some(
            self.open
                .iter()
                .map(|(_, text)| text.as_str())
                .collect::<Vec<_>>()
                .join(" › "),
        )
    }
}

/// Counts index terms; those of the title and of the last heading are counted once and kept.
struct TermCounter {
    title: Vec<Term>,
    heading: (Option<String>, Vec<Term>),
}

impl TermCounter {
    fn new(title: &str) -> Self {
        Self {
            title: ids_text::index_terms(title),
            heading: (None, Vec::new()),
        }
    }

    fn count(&mut self, heading: Option<&str>, content: &str) -> (Vec<(Term, u32)>, u32) {
        if self.heading.0.as_deref() != heading {
            self.heading = (
                heading.map(str::to_owned),
                heading.map(ids_text::index_terms).unwrap_or_default(),
            );
        }
        let own = ids_text::index_terms(content);
        let mut counts: BTreeMap<Term, u32> = BTreeMap::new();
        let mut length = 0;
        for term in self.title.iter().chain(&self.heading.1).cloned().chain(own) {
            *counts.entry(term).or_default() += 1;
            length += 1;
        }
        (counts.into_iter().collect(), length)
    }
}

#[cfg(test)]
mod tests;
