//! The table of pieces: which characters lie where ([MS-DOC] 2.9.38, 2.9.177).

use std::ops::Range;

use crate::ole::{u16_at, u32_at};
use crate::output::ParseError;

/// A run of characters that lie together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Which characters.
    pub(super) characters: Range<u32>,
    /// Where the first of them lies, in bytes.
    pub(super) offset: u32,
    /// One byte a character, in Windows-1252; else two, in UTF-16.
    pub(super) is_compressed: bool,
}

/// All pieces, in order.
pub(super) struct Pieces(pub(super) Vec<Piece>);

impl Pieces {
    /// Reads the table.
    ///
    /// # Errors
    /// CORRUPT where there is none.
    pub(super) fn read(mut clx: &[u8]) -> Result<Self, ParseError> {
        let damaged = || ParseError::Corrupt("the table of its text is damaged");
        // Changes that pieces refer to stand before the table.
        while let [1, rest @ ..] = clx {
            let length = usize::from(u16_at(rest, 0).ok_or_else(damaged)?);
            clx = rest.get(2 + length..).ok_or_else(damaged)?;
        }
        let [2, rest @ ..] = clx else {
            return Err(damaged());
        };
        let table = rest.get(4..).ok_or_else(damaged)?;
        let length = u32_at(rest, 0).ok_or_else(damaged)? as usize;
        let table = &table[..table.len().min(length)];
        let count = table.len().saturating_sub(4) / 12;
        let mut pieces = Vec::with_capacity(count);
        for number in 0..count {
            let (Some(from), Some(to)) = (u32_at(table, number * 4), u32_at(table, number * 4 + 4)) else {
                break;
            };
            let place = u32_at(table, (count + 1) * 4 + number * 8 + 2).ok_or_else(damaged)?;
            let is_compressed = place & 0x4000_0000 != 0;
            let offset = place & 0x3fff_ffff;
            // Pieces are in order and do not overlap; one that is not is damage.
            let follows = pieces
                .last()
                .is_none_or(|last: &Piece| last.characters.end <= from);
            if from < to && follows {
                pieces.push(Piece {
                    characters: from..to,
                    offset: if is_compressed { offset / 2 } else { offset },
                    is_compressed,
                });
            }
        }
        match pieces.is_empty() {
            true => Err(damaged()),
            false => Ok(Self(pieces)),
        }
    }
}
