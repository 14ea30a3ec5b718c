//! Ranges of text, in one unit: Unicode scalar values of a page's text, end exclusive.

/// A range of Unicode scalar values in one text (a page's, or a chunk's content), end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CharSpan {
    /// Where it begins.
    pub start: u32,
    /// Where it ends, exclusive.
    pub end: u32,
}

impl CharSpan {
    /// A span from `start` to `end`; an end before the start gives an empty span at `start`.
    pub const fn new(start: u32, end: u32) -> Self {
        Self {
            start,
            end: if end < start { start } else { end },
        }
    }

    /// Its length in Unicode scalar values.
    pub const fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether it covers nothing.
    pub const fn is_empty(self) -> bool {
        self.end == self.start
    }

    /// The part of `text` it covers; what lies past the text's end is left out.
    pub fn slice(self, text: &str) -> &str {
        let mut borders = text
            .char_indices()
            .map(|(at, _)| at)
            .chain(std::iter::once(text.len()));
        let Some(from) = borders.by_ref().nth(self.start as usize) else {
            return "";
        };
        if self.is_empty() {
            return "";
        }
        let to = borders.nth(self.len() as usize - 1).unwrap_or(text.len());
        &text[from..to]
    }
}

/// A range on one page. A chunk that runs over a page's end has one per page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageSpan {
    /// The page's number, from 1.
    pub page_number: u32,
    /// The range in the page's text.
    pub span: CharSpan,
}

/// Cuts many spans out of one text: finds a character's byte in constant time after one pass over the text.
#[derive(Debug)]
pub struct CharIndex<'a> {
    text: &'a str,
    /// The byte at which each [`STRIDE`]th character begins.
    checkpoints: Vec<usize>,
    chars: usize,
}

/// Characters between two checkpoints: a text of sixty million characters costs four megabytes of index.
const STRIDE: usize = 128;

impl<'a> CharIndex<'a> {
    /// Indexes `text`.
    pub fn new(text: &'a str) -> Self {
        let mut checkpoints = Vec::with_capacity(text.len() / STRIDE + 1);
        let mut chars = 0;
        for (byte, _) in text.char_indices() {
            if chars % STRIDE == 0 {
                checkpoints.push(byte);
            }
            chars += 1;
        }
        Self {
            text,
            checkpoints,
            chars,
        }
    }

    /// Characters of the text.
    pub fn len(&self) -> usize {
        self.chars
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.chars == 0
    }

    /// The part of the text that `span` covers; what lies past the end is left out.
    pub fn slice(&self, span: CharSpan) -> &'a str {
        &self.text[self.byte_of(span.start as usize)..self.byte_of(span.end as usize)]
    }

    fn byte_of(&self, position: usize) -> usize {
        let Some(&checkpoint) = self.checkpoints.get(position / STRIDE) else {
            return self.text.len();
        };
        self.text[checkpoint..]
            .char_indices()
            .nth(position % STRIDE)
            .map_or(self.text.len(), |(byte, _)| checkpoint + byte)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CharIndex, CharSpan};

    proptest! {
        #[test]
        fn the_index_cuts_as_the_span_does(text in "(\\PC|ç|\n){0,400}", start in 0u32..420, length in 0u32..420) {
            let span = CharSpan::new(start, start + length);
            let index = CharIndex::new(&text);
            prop_assert_eq!(index.slice(span), span.slice(&text));
            prop_assert_eq!(index.len(), text.chars().count());
        }
    }

    #[test]
    fn a_span_counts_scalar_values_and_not_bytes() {
        let text = "ação é";
        assert_eq!(CharSpan::new(0, 4).slice(text), "ação");
        assert_eq!(CharSpan::new(5, 6).slice(text), "é");
        assert_eq!(CharSpan::new(5, 99).slice(text), "é");
        assert_eq!(CharSpan::new(6, 9).slice(text), "");
        assert_eq!(CharSpan::new(99, 100).slice(text), "");
        assert_eq!(CharSpan::new(2, 2).slice(text), "");
    }
}
