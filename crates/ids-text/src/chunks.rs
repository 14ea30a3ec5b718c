//! Borders of chunks: units that are never cut, and how many of them make one passage (design.md 4, row "chunks").
//!
//! A text becomes [`Unit`]s first: its sentences, or pieces of a sentence too long for a chunk. [`pack`] then only
//! counts: it works on indices, so a caller that keeps pages, headings or character ranges per unit maps them by index.

use std::ops::Range;

use crate::sentences::sentences;

/// Counts tokens as the embedding model will.
pub trait TokenCounter {
    /// Tokens of `text`, without the model's special tokens.
    fn count(&self, text: &str) -> usize;
}

/// A part of a text that a border never cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// First character, in Unicode scalar values of the text.
    pub start: usize,
    /// End, exclusive.
    pub end: usize,
    /// Its tokens.
    pub tokens: usize,
    /// Index of its paragraph.
    pub paragraph: usize,
}

/// A word is first cut into blocks of this many characters per allowed token, so that cutting one of a megabyte stays linear.
const BLOCK_CHARS_PER_TOKEN: usize = 8;

/// Cuts the `paragraphs` (ranges of characters, in order, not overlapping) of `text` into units.
///
/// The units hold every character of the paragraphs that is not white space exactly once, in order. A unit has at most
/// `max_tokens` (0 counts as 1) unless it is a single character. Never fails: ranges past the end are cut to the text.
pub fn units(
    text: &str,
    paragraphs: &[(usize, usize)],
    max_tokens: usize,
    counter: &dyn TokenCounter,
) -> Vec<Unit> {
    let mut cutter = Cutter {
        max_tokens: max_tokens.max(1),
        counter,
        units: Vec::new(),
        paragraph: 0,
    };
    let mut walk = CharWalk {
        text,
        byte: 0,
        position: 0,
    };
    for (paragraph, &(start, end)) in paragraphs.iter().enumerate() {
        walk.advance_to(start);
        let (from, position) = (walk.byte, walk.position);
        walk.advance_to(end);
        cutter.paragraph = paragraph;
        cutter.cut_paragraph(&text[from..walk.byte], position);
    }
    cutter.units
}

/// Groups units into chunks: ranges of indices into `units`, in order, never empty, together all units.
///
/// A chunk holds at most `size` tokens unless it is one larger unit. It ends at the border of a paragraph when it is at
/// least half full there and the next paragraph does not fit whole. Where a border cuts a paragraph, the next chunk begins with
/// the last units of the cut paragraph, worth at most `overlap` tokens, as far as they leave room for something new.
/// Each chunk ends after the one before it. Never fails.
pub fn pack(units: &[Unit], size: usize, overlap: usize) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    let mut start = 0;
    while start < units.len() {
        let end = chunk_end(units, start, size);
        chunks.push(start..end);
        start = next_start(units, start, end, size, overlap);
    }
    chunks
}

fn chunk_end(units: &[Unit], start: usize, size: usize) -> usize {
    let mut end = start + 1;
    let mut tokens = units[start].tokens;
    // The last border between paragraphs inside the chunk, and the tokens before it.
    let mut border = None;
    while let Some(next) = units.get(end) {
        if next.paragraph != units[end - 1].paragraph {
            border = Some((end, tokens));
        }
        if tokens + next.tokens > size {
            break;
        }
        tokens += next.tokens;
        end += 1;
    }
    match border {
        Some((at, before)) if end < units.len() && 2 * before >= size => at,
        _ => end,
    }
}

fn next_start(units: &[Unit], start: usize, end: usize, size: usize, overlap: usize) -> usize {
    let Some(new) = units.get(end) else { return end };
    if new.tokens > size {
        return end;
    }
    let room = overlap.min(size - new.tokens);
    let mut first = end;
    let mut tokens = 0;
    while first > start + 1 && units[first - 1].paragraph == new.paragraph {
        tokens += units[first - 1].tokens;
        if tokens > room {
            break;
        }
        first -= 1;
    }
    first
}

/// Finds bytes for ascending character positions in one pass.
struct CharWalk<'a> {
    text: &'a str,
    byte: usize,
    position: usize,
}

impl CharWalk<'_> {
    fn advance_to(&mut self, position: usize) {
        for c in self.text[self.byte..]
            .chars()
            .take(position.saturating_sub(self.position))
        {
            self.byte += c.len_utf8();
            self.position += 1;
        }
    }
}

/// Cuts paragraphs into units.
struct Cutter<'a> {
    max_tokens: usize,
    counter: &'a dyn TokenCounter,
    units: Vec<Unit>,
    paragraph: usize,
}

impl Cutter<'_> {
    /// Cuts a paragraph that starts at character `offset` of the whole text.
    fn cut_paragraph(&mut self, text: &str, offset: usize) {
        let mut walk = CharWalk {
            text,
            byte: 0,
            position: 0,
        };
        for (start, end) in sentences(text) {
            walk.advance_to(start);
            let from = walk.byte;
            walk.advance_to(end);
            self.cut_sentence(&text[from..walk.byte], offset + start, offset + end);
        }
    }

    fn cut_sentence(&mut self, text: &str, start: usize, end: usize) {
        let tokens = self.counter.count(text);
        if tokens <= self.max_tokens {
            self.push(start, end, tokens);
            return;
        }
        let words = words(text);
        let mut first = 0;
        let mut sum = 0;
        for (at, word) in words.iter().enumerate() {
            let tokens = self.counter.count(word.text);
            if at > first && sum + tokens > self.max_tokens {
                self.cut_words(text, &words[first..at], start);
                (first, sum) = (at, 0);
            }
            sum += tokens;
        }
        self.cut_words(text, &words[first..], start);
    }

    /// Makes one unit of `words` of the sentence `text`, or of halves of them: counts of words do not always add up.
    fn cut_words(&mut self, text: &str, words: &[WordSpan<'_>], offset: usize) {
        let [first, .., last] = words else {
            if let [word] = words {
                self.cut_word(word, offset);
            }
            return;
        };
        let tokens = self.counter.count(&text[first.byte..last.byte + last.text.len()]);
        if tokens <= self.max_tokens {
            self.push(offset + first.start, offset + last.start + last.chars, tokens);
            return;
        }
        let (left, right) = words.split_at(words.len() / 2);
        self.cut_words(text, left, offset);
        self.cut_words(text, right, offset);
    }

    fn cut_word(&mut self, word: &WordSpan<'_>, offset: usize) {
        let block = self.max_tokens.saturating_mul(BLOCK_CHARS_PER_TOKEN);
        let mut rest = word.text;
        let mut start = offset + word.start;
        while !rest.is_empty() {
            let (head, chars) = match rest.char_indices().nth(block) {
                Some((byte, _)) => (&rest[..byte], block),
                None => (rest, rest.chars().count()),
            };
            self.cut_block(head, chars, start);
            rest = &rest[head.len()..];
            start += chars;
        }
    }

    fn cut_block(&mut self, text: &str, chars: usize, start: usize) {
        let tokens = self.counter.count(text);
        let middle = text.char_indices().nth(chars / 2);
        let Some((byte, _)) = middle.filter(|_| chars > 1 && tokens > self.max_tokens) else {
            return self.push(start, start + chars, tokens);
        };
        self.cut_block(&text[..byte], chars / 2, start);
        self.cut_block(&text[byte..], chars - chars / 2, start + chars / 2);
    }

    fn push(&mut self, start: usize, end: usize, tokens: usize) {
        self.units.push(Unit {
            start,
            end,
            tokens,
            paragraph: self.paragraph,
        });
    }
}

/// A run without white space inside a sentence.
struct WordSpan<'a> {
    text: &'a str,
    byte: usize,
    start: usize,
    chars: usize,
}

fn words(text: &str) -> Vec<WordSpan<'_>> {
    let mut words = Vec::new();
    let mut walk = CharWalk {
        text,
        byte: 0,
        position: 0,
    };
    for word in text.split_whitespace() {
        // `split_whitespace` hands out slices of `text`: their distance is their place.
        let byte = word.as_ptr() as usize - text.as_ptr() as usize;
        let before = text[walk.byte..byte].chars().count();
        walk.position += before;
        let chars = word.chars().count();
        words.push(WordSpan {
            text: word,
            byte,
            start: walk.position,
            chars,
        });
        walk.byte = byte + word.len();
        walk.position += chars;
    }
    words
}

#[cfg(test)]
mod tests;
