//! All that a child said of a document, before what needs all pages at once is looked for in it.

use ids_core::page::{ExtractedDocument, LineBox, RecognizedWord};
use ids_core::span::CharSpan;

use super::recognize::{Scan, notes};
use crate::furniture;
use crate::ocr;
use crate::output::{NOTES, ParsedPage};
use crate::pdf::structure;

/// Pages as they came.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(super) document: ExtractedDocument,
    /// The font sizes of each page's blocks, where known.
    pub(super) sizes: Vec<Vec<f32>>,
    /// Numbers of the pages that are to be read by OCR, rising.
    pub(super) needs_ocr: Vec<u32>,
}

impl Gathered {
    /// How many pages there are.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.document.pages.len()).unwrap_or(u32::MAX)
    }

    /// The pages that are to be read.
    pub(super) fn scans(&self) -> Vec<Scan> {
        let pages = self.needs_ocr.iter().filter_map(|&number| {
            let page = self.document.pages.get(number as usize - 1)?;
            Some(Scan {
                number,
                width: page.width.filter(|side| *side > 0.0)?,
                height: page.height.filter(|side| *side > 0.0)?,
                usable: ocr::judge(&page.text),
                letters: page.text.chars().filter(|c| c.is_alphanumeric()).count(),
            })
        });
        pages.collect()
    }

    /// Puts a page that was read into its place.
    pub(super) fn replace(&mut self, number: u32, read: ParsedPage) {
        let index = number as usize - 1;
        if let (Some(page), Some(sizes)) = (self.document.pages.get_mut(index), self.sizes.get_mut(index)) {
            *page = read.page;
            *sizes = read.sizes;
        }
        self.settle(number);
    }

    /// Notes that a page needs nothing more.
    pub(super) fn settle(&mut self, number: u32) {
        self.needs_ocr.retain(|&other| other != number);
    }

    /// The document, with what needs all of its pages: running headers and footers, headings, captions, footnotes.
    pub(crate) fn finish(mut self) -> ExtractedDocument {
        let room = NOTES.saturating_sub(self.document.notes.len());
        self.document
            .notes
            .extend(notes(self.needs_ocr.iter().copied(), room));
        let lines: Vec<Option<Vec<LineBox>>> = self
            .document
            .pages
            .iter()
            .map(|page| (!page.words.is_empty()).then(|| page.lines.clone()))
            .collect();
        furniture::mark(&mut self.document.pages, &mut self.sizes);
        structure::mark(&mut self.document.pages, &self.sizes);
        for (page, before) in self.document.pages.iter_mut().zip(lines) {
            if let Some(before) = before {
                page.words = moved(&page.words, &before, &page.lines);
            }
        }
        self.document
    }
}

/// Words of lines that may stand elsewhere in the text now, in their new places. Lines keep their order.
fn moved(words: &[RecognizedWord], before: &[LineBox], after: &[LineBox]) -> Vec<RecognizedWord> {
    if before.len() != after.len() {
        return Vec::new();
    }
    let mut kept = Vec::with_capacity(words.len());
    let mut lines = before.iter().zip(after).peekable();
    for word in words {
        while lines
            .next_if(|(before, _)| before.span.end <= word.span.start)
            .is_some()
        {}
        let Some((before, after)) = lines.peek() else {
            break;
        };
        let is_inside = before.span.start <= word.span.start && word.span.end <= before.span.end;
        if !is_inside || before.span.len() != after.span.len() {
            continue;
        }
        let start = word.span.start - before.span.start + after.span.start;
        kept.push(RecognizedWord {
            span: CharSpan::new(start, start + word.span.len()),
            ..*word
        });
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{CharSpan, LineBox, RecognizedWord, moved};

    #[test]
    fn words_follow_their_lines() {
        let line = |start, end| LineBox {
            span: CharSpan::new(start, end),
            x: 0.0,
            y: 0.0,
            width: 1.0,
            height: 1.0,
        };
        let word = |start, end| RecognizedWord {
            span: CharSpan::new(start, end),
            confidence: 50,
        };
        let words = [word(0, 3), word(4, 6), word(7, 9)];
        let before = [line(0, 6), line(7, 9)];
        assert_eq!(moved(&words, &before, &before), words);
        let after = [line(1, 7), line(20, 22)];
        assert_eq!(
            moved(&words, &before, &after),
            [word(1, 4), word(5, 7), word(20, 22)]
        );
        assert_eq!(moved(&words, &before, &after[..1]), []);
    }
}
