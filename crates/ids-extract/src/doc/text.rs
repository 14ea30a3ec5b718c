//! Characters to blocks: paragraphs, cells and fields are told by control characters ([MS-DOC] 2.4.1).

use std::ops::Range;

use ids_core::page::BlockKind;

use super::pieces::{Piece, Pieces};
use super::properties::{Properties, PropertyPages};
use crate::builder::{PageBuilder, push_rows};
use crate::encoding::of_code_page;
use crate::output::ParseError;

/// Fields inside fields; deeper ones are left out.
const FIELDS: usize = 100;

/// Reads stories.
pub(super) struct TextReader<'a> {
    document: &'a [u8],
    paragraphs: &'a PropertyPages,
    runs: &'a PropertyPages,
    text: String,
    /// For each open field, whether its instructions are open: they are not shown.
    fields: Vec<bool>,
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    high_surrogate: Option<u16>,
}

impl<'a> TextReader<'a> {
    pub(super) const fn new(
        document: &'a [u8],
        paragraphs: &'a PropertyPages,
        runs: &'a PropertyPages,
    ) -> Self {
        Self {
            document,
            paragraphs,
            runs,
            text: String::new(),
            fields: Vec::new(),
            rows: Vec::new(),
            row: Vec::new(),
            high_surrogate: None,
        }
    }

    /// Adds the blocks of a story; all of `kind` where one is given.
    pub(super) fn push(
        &mut self,
        pieces: &Pieces,
        story: Range<u32>,
        kind: Option<BlockKind>,
        builder: &mut PageBuilder,
    ) -> Result<(), ParseError> {
        for piece in &pieces.0 {
            let from = piece.characters.start.max(story.start);
            let to = piece.characters.end.min(story.end);
            if from < to {
                self.push_piece(piece, from..to, kind, builder)?;
            }
        }
        self.end_paragraph(Properties::default(), kind, builder)?;
        self.fields.clear();
        self.end_table(builder)
    }

    fn push_piece(
        &mut self,
        piece: &Piece,
        characters: Range<u32>,
        kind: Option<BlockKind>,
        builder: &mut PageBuilder,
    ) -> Result<(), ParseError> {
        let width = if piece.is_compressed { 1 } else { 2 };
        let first = u64::from(piece.offset) + u64::from(characters.start - piece.characters.start) * width;
        for index in 0..u64::from(characters.end - characters.start) {
            let offset = first + index * width;
            let Some(c) = self.character(piece, offset) else {
                continue;
            };
            // Past the end of the stream there is nothing more: a count may lie.
            let Ok(offset) = u32::try_from(offset) else { break };
            if offset as usize >= self.document.len() {
                break;
            }
            self.take(c, offset, kind, builder)?;
        }
        Ok(())
    }

    /// The character at that byte; `None` for the first half of one of two units, and past the end.
    fn character(&mut self, piece: &Piece, offset: u64) -> Option<char> {
        let at = usize::try_from(offset).ok()?;
        if piece.is_compressed {
            let byte = *self.document.get(at)?;
            return match byte {
                0..=0x7f => Some(char::from(byte)),
                _ => of_code_page(1_252)
                    .decode_without_bom_handling(&[byte])
                    .0
                    .chars()
                    .next(),
            };
        }
        let unit = u16::from_le_bytes(self.document.get(at..at + 2)?.try_into().ok()?);
        match (self.high_surrogate.take(), unit) {
            (_, 0xd800..=0xdbff) => {
                self.high_surrogate = Some(unit);
                None
            }
            (Some(high), 0xdc00..=0xdfff) => char::decode_utf16([high, unit]).flatten().next(),
            _ => char::from_u32(u32::from(unit)),
        }
    }

    fn take(
        &mut self,
        c: char,
        offset: u32,
        kind: Option<BlockKind>,
        builder: &mut PageBuilder,
    ) -> Result<(), ParseError> {
        match c {
            '\u{13}' if self.fields.len() < FIELDS => self.fields.push(true),
            '\u{14}' => {
                if let Some(is_instruction) = self.fields.last_mut() {
                    *is_instruction = false;
                }
            }
            '\u{15}' => drop(self.fields.pop()),
            '\r' | '\u{c}' => {
                let properties = self.paragraphs.at(offset);
                if properties.is_in_table {
                    self.text.push('\n');
                } else {
                    self.end_paragraph(properties, kind, builder)?;
                }
            }
            '\u{7}' => self.end_cell(offset),
            _ if self.fields.contains(&true) || self.runs.at(offset).is_left_out => {}
            '\u{b}' => self.text.push('\n'),
            '\u{1e}' => self.text.push('-'),
            // Tabs part words; pictures, references to notes and soft hyphens are no text.
            '\t' | '\u{a0}' => self.text.push(' '),
            c if c < ' ' || c == '\u{1f}' => {}
            c => self.text.push(c),
        }
        Ok(())
    }

    /// Ends a cell, or a row: both by the same character, told apart by the paragraph's properties.
    fn end_cell(&mut self, offset: u32) {
        if self.paragraphs.at(offset).ends_row {
            let row = std::mem::take(&mut self.row);
            self.rows.push(row);
            self.text.clear();
        } else {
            let cell = std::mem::take(&mut self.text);
            self.row.push(cell);
        }
    }

    fn end_paragraph(
        &mut self,
        properties: Properties,
        kind: Option<BlockKind>,
        builder: &mut PageBuilder,
    ) -> Result<(), ParseError> {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return Ok(());
        }
        self.end_table(builder)?;
        builder.push(kind.unwrap_or_else(|| kind_of(properties)), &text)
    }

    fn end_table(&mut self, builder: &mut PageBuilder) -> Result<(), ParseError> {
        if !self.row.is_empty() {
            let row = std::mem::take(&mut self.row);
            self.rows.push(row);
        }
        push_rows(builder, &std::mem::take(&mut self.rows))
    }
}

fn kind_of(properties: Properties) -> BlockKind {
    let level = match (properties.outline_level, properties.style) {
        (Some(level), _) => Some(level + 1),
        // The first nine styles are the headings in every file.
        (None, style @ 1..=9) => Some(style as u8),
        _ => None,
    };
    match level {
        Some(level) => BlockKind::Heading { level: level.min(6) },
        None if properties.is_list_item => BlockKind::ListItem,
        None => BlockKind::Paragraph,
    }
}
