//! Compact forms of lists that are only ever read whole: terms of a chunk, spans, blocks, lines and recognized words of a page.
//!
//! Everything is unsigned LEB128 (seven bits a byte, lowest first); places of lines are f32, little-endian. A decoder gives
//! `None` for bytes that its encoder cannot have written.

use ids_core::page::{Block, BlockKind, LineBox, RecognizedWord};
use ids_core::span::{CharSpan, PageSpan};
use ids_text::Term;

fn push_number(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Reads what `push_number` wrote.
struct Numbers<'a> {
    rest: &'a [u8],
}

impl<'a> Numbers<'a> {
    fn next(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn next_u32(&mut self) -> Option<u32> {
        u32::try_from(self.next()?).ok()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn next_f32(&mut self) -> Option<f32> {
        let bytes: [u8; 4] = self.take(4)?.try_into().ok()?;
        Some(f32::from_le_bytes(bytes))
    }
}

/// Terms with their frequencies, ordered by term: shared prefix with the one before, rest, frequency.
pub fn encode_terms(terms: &[(Term, u32)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(terms.len() * 8);
    let mut before: &[u8] = &[];
    for (term, frequency) in terms {
        let term = term.as_str().as_bytes();
        let shared = before.iter().zip(term).take_while(|(a, b)| a == b).count();
        push_number(&mut bytes, shared as u64);
        push_number(&mut bytes, (term.len() - shared) as u64);
        bytes.extend_from_slice(&term[shared..]);
        push_number(&mut bytes, u64::from(*frequency));
        before = term;
    }
    bytes
}

/// Calls `each` with every term and its frequency, in order; `None` when the bytes are broken.
pub fn walk_terms(bytes: &[u8], mut each: impl FnMut(&[u8], u32)) -> Option<()> {
    let mut numbers = Numbers { rest: bytes };
    let mut term: Vec<u8> = Vec::with_capacity(ids_text::term::MAX_LEN);
    while !numbers.rest.is_empty() {
        let shared = numbers.next()? as usize;
        if shared > term.len() {
            return None;
        }
        let length = numbers.next()? as usize;
        let rest = numbers.take(length)?;
        term.truncate(shared);
        term.extend_from_slice(rest);
        each(&term, numbers.next_u32()?);
    }
    Some(())
}

/// Frequencies of the asked terms, which are ordered, by a merge of both lists; `None` when the bytes are broken.
pub fn frequencies_of(bytes: &[u8], sorted: &[(&[u8], usize)], found: &mut [u32]) -> Option<()> {
    let mut next = 0;
    walk_terms(bytes, |term, frequency| {
        while next < sorted.len() && sorted[next].0 < term {
            next += 1;
        }
        let mut same = next;
        while same < sorted.len() && sorted[same].0 == term {
            found[sorted[same].1] = frequency;
            same += 1;
        }
    })
}

/// The parts of pages that a chunk is made of.
pub fn encode_spans(spans: &[PageSpan]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(spans.len() * 6);
    for span in spans {
        push_number(&mut bytes, span.page_number.into());
        push_number(&mut bytes, span.span.start.into());
        push_number(&mut bytes, span.span.len().into());
    }
    bytes
}

/// What `encode_spans` wrote.
pub fn decode_spans(bytes: &[u8]) -> Option<Vec<PageSpan>> {
    let mut numbers = Numbers { rest: bytes };
    let mut spans = Vec::new();
    while !numbers.rest.is_empty() {
        spans.push(PageSpan {
            page_number: numbers.next_u32()?,
            span: next_span(&mut numbers)?,
        });
    }
    (!spans.is_empty()).then_some(spans)
}

fn next_span(numbers: &mut Numbers<'_>) -> Option<CharSpan> {
    let start = numbers.next_u32()?;
    let length = numbers.next_u32()?;
    Some(CharSpan::new(start, start.checked_add(length)?))
}

fn push_span(bytes: &mut Vec<u8>, span: CharSpan) {
    push_number(bytes, span.start.into());
    push_number(bytes, span.len().into());
}

/// The number of a kind in stored blocks. Numbers may be added, never changed.
const fn kind_number(kind: BlockKind) -> u64 {
    match kind {
        BlockKind::Heading { level } => 10 + level as u64,
        BlockKind::Paragraph => 1,
        BlockKind::ListItem => 2,
        BlockKind::Table => 3,
        BlockKind::Caption => 4,
        BlockKind::Footnote => 5,
        BlockKind::Header => 6,
        BlockKind::Footer => 7,
    }
}

fn kind_of(number: u64) -> Option<BlockKind> {
    Some(match number {
        1 => BlockKind::Paragraph,
        2 => BlockKind::ListItem,
        3 => BlockKind::Table,
        4 => BlockKind::Caption,
        5 => BlockKind::Footnote,
        6 => BlockKind::Header,
        7 => BlockKind::Footer,
        10..=265 => BlockKind::Heading {
            level: (number - 10) as u8,
        },
        _ => return None,
    })
}

/// The blocks of a page.
pub fn encode_blocks(blocks: &[Block]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(blocks.len() * 5);
    for block in blocks {
        push_number(&mut bytes, kind_number(block.kind));
        push_span(&mut bytes, block.span);
    }
    bytes
}

/// What `encode_blocks` wrote.
pub fn decode_blocks(bytes: &[u8]) -> Option<Vec<Block>> {
    let mut numbers = Numbers { rest: bytes };
    let mut blocks = Vec::new();
    while !numbers.rest.is_empty() {
        blocks.push(Block {
            kind: kind_of(numbers.next()?)?,
            span: next_span(&mut numbers)?,
        });
    }
    Some(blocks)
}

/// The lines of a page, with their places.
pub fn encode_lines(lines: &[LineBox]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.len() * 20);
    for line in lines {
        push_span(&mut bytes, line.span);
        for value in [line.x, line.y, line.width, line.height] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
    bytes
}

/// What `encode_lines` wrote.
pub fn decode_lines(bytes: &[u8]) -> Option<Vec<LineBox>> {
    let mut numbers = Numbers { rest: bytes };
    let mut lines = Vec::new();
    while !numbers.rest.is_empty() {
        lines.push(LineBox {
            span: next_span(&mut numbers)?,
            x: numbers.next_f32()?,
            y: numbers.next_f32()?,
            width: numbers.next_f32()?,
            height: numbers.next_f32()?,
        });
    }
    Some(lines)
}

/// Words that were recognized: how far each begins behind the end of the one before, its length, how sure it is.
pub fn encode_words(words: &[RecognizedWord]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(words.len() * 3);
    let mut end = 0;
    for word in words {
        push_number(&mut bytes, word.span.start.saturating_sub(end).into());
        push_number(&mut bytes, word.span.len().into());
        bytes.push(word.confidence);
        end = word.span.end;
    }
    bytes
}

/// What `encode_words` wrote.
pub fn decode_words(bytes: &[u8]) -> Option<Vec<RecognizedWord>> {
    let mut numbers = Numbers { rest: bytes };
    let mut words = Vec::new();
    let mut end = 0_u32;
    while !numbers.rest.is_empty() {
        let start = end.checked_add(numbers.next_u32()?)?;
        end = start.checked_add(numbers.next_u32()?)?;
        let &[confidence @ 0..=100] = numbers.take(1)? else {
            return None;
        };
        words.push(RecognizedWord {
            span: CharSpan::new(start, end),
            confidence,
        });
    }
    Some(words)
}

/// Positions in a list.
pub fn encode_indexes(indexes: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(indexes.len());
    for &index in indexes {
        push_number(&mut bytes, index.into());
    }
    bytes
}

/// What `encode_indexes` wrote.
pub fn decode_indexes(bytes: &[u8]) -> Option<Vec<u32>> {
    let mut numbers = Numbers { rest: bytes };
    let mut indexes = Vec::new();
    while !numbers.rest.is_empty() {
        indexes.push(numbers.next_u32()?);
    }
    Some(indexes)
}

/// Ids that rise, of which none is below `first`: how far each stands behind the one before.
pub fn encode_gaps(first: i64, ids: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ids.len() + 1);
    let mut before = first;
    for &id in ids {
        push_number(&mut bytes, id.abs_diff(before));
        before = id;
    }
    bytes
}

/// What `encode_gaps` wrote.
pub fn decode_gaps(first: i64, bytes: &[u8]) -> Option<Vec<i64>> {
    let mut numbers = Numbers { rest: bytes };
    let mut ids = Vec::with_capacity(bytes.len());
    let mut before = first;
    while !numbers.rest.is_empty() {
        before = before.checked_add_unsigned(numbers.next()?)?;
        ids.push(before);
    }
    Some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_come_back_with_their_frequencies() {
        let terms: Vec<(Term, u32)> = ["paca", "pacao", "pacar", "rz2fz"]
            .into_iter()
            .zip([1, 300, 2, 70_000])
            .map(|(term, frequency)| (Term::from_encoded(term).unwrap(), frequency))
            .collect();
        let bytes = encode_terms(&terms);

        let mut seen = Vec::new();
        walk_terms(&bytes, |term, frequency| {
            seen.push((String::from_utf8(term.to_vec()).unwrap(), frequency))
        })
        .unwrap();
        let expected: Vec<(String, u32)> = terms.iter().map(|(term, tf)| (term.to_string(), *tf)).collect();
        assert_eq!(seen, expected);

        let asked: [(&[u8], usize); 4] = [(b"paca", 2), (b"pacao", 0), (b"pb", 1), (b"rz2fz", 3)];
        let mut found = [0; 4];
        frequencies_of(&bytes, &asked, &mut found).unwrap();
        assert_eq!(found, [300, 0, 1, 70_000]);
    }

    #[test]
    fn broken_bytes_are_refused() {
        assert_eq!(walk_terms(&[5, 1, b'a', 1], |_, _| {}), None);
        assert_eq!(walk_terms(&[0, 9, b'a'], |_, _| {}), None);
        assert_eq!(decode_spans(&[1, 2]), None);
        assert_eq!(decode_spans(&[]), None);
        assert_eq!(decode_blocks(&[9, 0, 0]), None);
        assert_eq!(decode_lines(&[0, 1, 0, 0]), None);
        assert_eq!(decode_spans(&[0xff; 20]), None);
        assert_eq!(decode_indexes(&[0x80]), None);
    }

    #[test]
    fn rising_ids_come_back_from_their_gaps() {
        let first = 7 << 20;
        for ids in [
            vec![],
            vec![first],
            vec![first + 1, first + 2, first + 1_000, first + 1_023],
        ] {
            assert_eq!(decode_gaps(first, &encode_gaps(first, &ids)), Some(ids));
        }
        assert_eq!(encode_gaps(first, &[first + 3, first + 4]), [3, 1]);
        assert_eq!(decode_gaps(first, &[0x80]), None);
        assert_eq!(decode_gaps(i64::MAX, &[1]), None);
    }

    #[test]
    fn pages_come_back_as_they_were() {
        let blocks = vec![
            Block {
                kind: BlockKind::Heading { level: 2 },
                span: CharSpan::new(0, 300),
            },
            Block {
                kind: BlockKind::Footer,
                span: CharSpan::new(301, 70_000),
            },
        ];
        assert_eq!(decode_blocks(&encode_blocks(&blocks)), Some(blocks));
        let lines = vec![LineBox {
            span: CharSpan::new(3, 9),
            x: 1.5,
            y: -2.0,
            width: 100.25,
            height: 12.0,
        }];
        assert_eq!(decode_lines(&encode_lines(&lines)), Some(lines));
        let words: Vec<RecognizedWord> = [(0, 3, 100), (4, 300, 0), (301, 70_000, 61)]
            .map(|(start, end, confidence)| RecognizedWord {
                span: CharSpan::new(start, end),
                confidence,
            })
            .into();
        assert_eq!(decode_words(&encode_words(&words)), Some(words));
        assert_eq!(decode_words(&[]), Some(Vec::new()));
        assert_eq!(decode_words(&[0, 3, 101]), None);
        assert_eq!(decode_words(&[0, 3]), None);
        let spans = vec![PageSpan {
            page_number: 12,
            span: CharSpan::new(5, 1_000_000),
        }];
        assert_eq!(decode_spans(&encode_spans(&spans)), Some(spans));
    }
}
