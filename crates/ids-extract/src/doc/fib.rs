//! The block at the beginning that tells where everything is ([MS-DOC] 2.5).

use std::ops::Range;

use crate::ole::{u16_at, u32_at};
use crate::output::ParseError;

/// Where the place of a part is told: offset in the block.
pub(super) type Part = usize;
/// The table of pieces.
pub(super) const CLX: Part = 0x1a2;
/// The pages of properties of paragraphs.
pub(super) const PARAGRAPHS: Part = 0x102;
/// The pages of properties of runs.
pub(super) const RUNS: Part = 0xfa;

/// What the block tells.
pub(super) struct Fib {
    /// Word 6 or 95.
    pub(super) is_old: bool,
    /// The text of an old file, where it is one run.
    pub(super) old_text: Option<Range<usize>>,
    pub(super) uses_table_1: bool,
    /// The lengths of the stories, in characters, in the order they lie in: body, footnotes, headers, macros, comments, endnotes, text
    /// boxes.
    lengths: [u32; 7],
    /// Offset and length of each part, by where they are told.
    parts: [(Part, usize, usize); 3],
}

/// Ranges of characters.
pub(super) struct Stories {
    pub(super) body: Range<u32>,
    pub(super) footnotes: Range<u32>,
    pub(super) endnotes: Range<u32>,
    pub(super) text_boxes: Range<u32>,
}

impl Fib {
    /// Reads the block.
    ///
    /// # Errors
    /// ENCRYPTED; CORRUPT for what is no Word file.
    pub(super) fn read(document: &[u8]) -> Result<Self, ParseError> {
        let damaged = ParseError::Corrupt("the beginning of its text part is damaged");
        let (Some(magic), Some(version), Some(flags)) =
            (u16_at(document, 0), u16_at(document, 2), u16_at(document, 10))
        else {
            return Err(damaged);
        };
        if !matches!(magic, 0xa5ec | 0xa5dc | 0xa59b | 0xa59c) {
            return Err(damaged);
        }
        if flags & 0x0100 != 0 {
            return Err(ParseError::Encrypted);
        }
        let is_old = version < 0xc1;
        let number = |at| u32_at(document, at);
        let range = number(0x18).zip(number(0x1c));
        let was_saved_in_pieces = flags & 0x4 != 0;
        let mut lengths = [0; 7];
        for (length, at) in lengths.iter_mut().zip((0x4c..).step_by(4)) {
            *length = number(at).filter(|&length| length < 0x4000_0000).unwrap_or(0);
        }
        let place = |part: Part| {
            let (at, length) = (number(part).unwrap_or(0), number(part + 4).unwrap_or(0));
            (part, at as usize, length as usize)
        };
        Ok(Self {
            is_old,
            old_text: range
                .filter(|(from, to)| from < to && !was_saved_in_pieces)
                .map(|(from, to)| from as usize..to as usize),
            uses_table_1: flags & 0x0200 != 0,
            lengths,
            parts: [CLX, PARAGRAPHS, RUNS].map(place),
        })
    }

    /// The bytes of a part of the table stream; none where it is not there.
    pub(super) fn part<'a>(&self, table: &'a [u8], part: Part) -> &'a [u8] {
        let place = self.parts.iter().find(|(own, _, _)| *own == part);
        place
            .and_then(|&(_, at, length)| table.get(at..at.checked_add(length)?))
            .unwrap_or_default()
    }

    pub(super) fn stories(&self) -> Stories {
        let mut start = 0_u32;
        let ranges = self.lengths.map(|length| {
            let from = start;
            start = start.saturating_add(length);
            from..start
        });
        let [body, footnotes, _, _, _, endnotes, text_boxes] = ranges;
        Stories {
            body,
            footnotes,
            endnotes,
            text_boxes,
        }
    }
}
