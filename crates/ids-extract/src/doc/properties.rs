//! Pages of properties: for each run of bytes of the text, what its paragraph or its letters are ([MS-DOC] 2.9.33, 2.9.174).

use crate::ole::{u16_at, u32_at};

/// Bytes of a page.
const PAGE_BYTES: usize = 512;

/// What matters of a paragraph, or of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Properties {
    /// The number of its style; 1 to 9 are the headings.
    pub(super) style: u16,
    /// From 0.
    pub(super) outline_level: Option<u8>,
    pub(super) is_list_item: bool,
    pub(super) is_in_table: bool,
    /// It ends a row of a table.
    pub(super) ends_row: bool,
    /// Letters: hidden, or deleted while changes were tracked.
    pub(super) is_left_out: bool,
}

/// Runs of bytes, in order, with their properties.
pub(super) struct PropertyPages(Vec<(u32, u32, Properties)>);

impl PropertyPages {
    /// The properties of paragraphs. Damaged pages are left out: they cost structure, not text.
    pub(super) fn of_paragraphs(document: &[u8], table: &[u8]) -> Self {
        Self::read(document, table, 13, |page, place| {
            let start = usize::from(*page.get(place)?) * 2;
            let length = usize::from(*page.get(start)?);
            // A length of 0 says that the next byte tells it, in units of two bytes.
            let (from, length) = match length {
                0 => (start + 2, usize::from(*page.get(start + 1)?) * 2),
                length => (start + 1, length * 2 - 1),
            };
            let bytes = page.get(from..(from + length).min(PAGE_BYTES))?;
            let mut properties = Properties {
                style: u16_at(bytes, 0)?,
                ..Properties::default()
            };
            apply(bytes.get(2..)?, &mut properties);
            Some(properties)
        })
    }

    /// The properties of letters.
    pub(super) fn of_runs(document: &[u8], table: &[u8]) -> Self {
        Self::read(document, table, 1, |page, place| {
            let start = usize::from(*page.get(place)?) * 2;
            let mut properties = Properties::default();
            if start > 0 {
                let length = usize::from(*page.get(start)?);
                let bytes = page.get(start + 1..(start + 1 + length).min(PAGE_BYTES))?;
                apply(bytes, &mut properties);
            }
            Some(properties)
        })
    }

    /// Reads the pages that `table` lists; `place_bytes` is the size of what stands for a run after the offsets of a page.
    fn read(
        document: &[u8],
        table: &[u8],
        place_bytes: usize,
        properties: impl Fn(&[u8], usize) -> Option<Properties>,
    ) -> Self {
        let count = table.len().saturating_sub(4) / 8;
        let mut runs = Vec::new();
        for number in 0..count {
            let Some(page) = u32_at(table, (count + 1) * 4 + number * 4) else {
                break;
            };
            let from = (page & 0x3f_ffff) as usize * PAGE_BYTES;
            let Some(page) = document.get(from..from + PAGE_BYTES) else {
                continue;
            };
            let in_page = usize::from(page[PAGE_BYTES - 1]);
            for run in 0..in_page {
                let (Some(start), Some(end)) = (u32_at(page, run * 4), u32_at(page, run * 4 + 4)) else {
                    break;
                };
                let place = (in_page + 1) * 4 + run * place_bytes;
                if start < end
                    && place < PAGE_BYTES
                    && let Some(found) = properties(page, place)
                {
                    runs.push((start, end, found));
                }
            }
        }
        runs.sort_by_key(|&(start, _, _)| start);
        Self(runs)
    }

    /// The properties of what lies at that byte.
    pub(super) fn at(&self, offset: u32) -> Properties {
        let after = self.0.partition_point(|&(start, _, _)| start <= offset);
        match after.checked_sub(1).map(|index| self.0[index]) {
            Some((_, end, properties)) if offset < end => properties,
            _ => Properties::default(),
        }
    }
}

/// Applies changes, one after the other ([MS-DOC] 2.6, 2.9.240).
fn apply(mut changes: &[u8], properties: &mut Properties) {
    while let Some(code) = u16_at(changes, 0) {
        let operand = &changes[2..];
        let size = match code >> 13 {
            0 | 1 => 1,
            2 | 4 | 5 => 2,
            3 => 4,
            7 => 3,
            _ => match code {
                // A table's definition tells its length in two bytes, one more than it is.
                0xd608 => match u16_at(operand, 0) {
                    Some(length) => usize::from(length) + 1,
                    None => return,
                },
                _ => match operand.first() {
                    // Changed tabs may be too long for their length; nothing after them matters here.
                    Some(255) if code == 0xc615 => return,
                    Some(&length) => usize::from(length) + 1,
                    None => return,
                },
            },
        };
        let Some(value) = operand.get(..size) else { return };
        match code {
            0x4600 => properties.style = u16_at(value, 0).unwrap_or(properties.style),
            0x2640 => properties.outline_level = Some(value[0]).filter(|&level| level < 9),
            0x460b => {
                properties.is_list_item = u16_at(value, 0).is_some_and(|list| list != 0 && list != 0xf801)
            }
            0x2416 => properties.is_in_table = value[0] == 1,
            0x2417 => properties.ends_row = value[0] == 1,
            // Hidden, and deleted while changes were tracked.
            0x083c | 0x0800 => properties.is_left_out |= value[0] == 1,
            _ => {}
        }
        changes = &operand[size..];
    }
}

#[cfg(test)]
mod tests {
    use super::{Properties, apply};

    #[test]
    fn changes_of_any_size_are_stepped_over() {
        let mut properties = Properties::default();
        let changes = [
            0x08, 0xd6, 0x03, 0x00, 9, 9, // a table's definition
            0x16, 0x24, 1, // in a table
            0x0d, 0xc6, 2, 9, 9, // of any length
            0x40, 0x26, 1, // second level
            0x0b, 0x46, 5, 0, // in a list
        ];
        apply(&changes, &mut properties);
        assert!(properties.is_in_table && properties.is_list_item);
        assert_eq!(properties.outline_level, Some(1));
        apply(&[0x08, 0xd6, 0xff], &mut properties);
    }
}
