//! The records of an XLS workbook ([MS-XLS] 2.1.4), made harmless before `calamine` reads them: it makes room for every cell
//! between the first and the last of a sheet, and for as many as the sheet says it has. So rows that hold nothing are taken
//! out (the way back is kept), what a sheet says of its size is struck, and cells beyond a limit are, too.

use crate::ole::{u16_at, u32_at};
use crate::output::ParseError;

/// Places for cells in all sheets together; each takes some 60 bytes, once for its value and once for its formula.
const PLACES: usize = 5_000_000;
/// Rows of a sheet.
const ROWS: usize = 65_536;
/// A type of record that nobody knows, so that it is passed over.
const STRUCK: [u8; 2] = [0xff, 0xff];

const BEGIN: u16 = 0x0809;
const END: u16 = 0x000a;
const PASSWORD: u16 = 0x002f;
const SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const FORMULA: u16 = 0x0006;
const FORMULA_TEXT: u16 = 0x0207;
const SEVERAL_NUMBERS: u16 = 0x00bd;
/// Records of one cell: number, label, rich label, truth or error, short number, shared label, formula.
const CELLS: [u16; 7] = [0x0203, 0x0204, 0x00d6, 0x0205, 0x027e, 0x00fd, FORMULA];

/// What was done to a sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tamed {
    /// Where it begins in the stream.
    place: usize,
    /// For each row that is left, what row it was.
    pub(super) rows: Vec<u32>,
    /// Cells were struck.
    pub(super) is_cut: bool,
}

/// Changes the stream of a workbook; gives its sheets in their order. Nothing is done to one that is encrypted.
///
/// # Errors
/// CORRUPT where a sheet lies outside of the stream.
pub(super) fn tame(stream: &mut [u8]) -> Result<Vec<Tamed>, ParseError> {
    let mut places = Vec::new();
    for record in Records::at(stream, 0) {
        match record.kind {
            END => break,
            PASSWORD if u16_at(stream, record.data) != Some(0) => return Ok(Vec::new()),
            SHEET => places.push(u32_at(stream, record.data).unwrap_or(u32::MAX) as usize),
            _ => {}
        }
    }
    let mut sheets: Vec<Tamed> = Vec::with_capacity(places.len());
    let mut left = PLACES;
    for place in places {
        if place >= stream.len() {
            return Err(ParseError::Corrupt("its workbook is damaged"));
        }
        let sheet = match sheets.iter().find(|sheet| sheet.place == place) {
            Some(same) => same.clone(),
            None => tame_sheet(stream, place, &mut left),
        };
        sheets.push(sheet);
    }
    Ok(sheets)
}

fn tame_sheet(stream: &mut [u8], place: usize, left: &mut usize) -> Tamed {
    let records = records_of_sheet(stream, place);
    let mut used = vec![false; ROWS];
    let (mut first, mut last) = (u16::MAX, 0);
    for record in records.iter().filter(|record| record.is_cell()) {
        if let Some((row, from, to)) = record.cells(stream) {
            used[usize::from(row)] = true;
            (first, last) = (first.min(from), last.max(to));
        }
    }
    let columns = usize::from(last.saturating_sub(first)) + 1;
    let most_rows = *left / columns;
    let mut ranks = vec![0_u16; ROWS];
    let mut rows = Vec::new();
    for (row, _) in used.iter().enumerate().filter(|(_, is_used)| **is_used) {
        // Both are below `ROWS`.
        ranks[row] = rows.len() as u16;
        rows.push(row as u32);
    }
    let is_cut = rows.len() > most_rows;
    rows.truncate(most_rows);
    *left -= rows.len() * columns;
    let mut is_formula_struck = false;
    for record in records {
        let row = u16_at(stream, record.data).map(usize::from);
        let is_struck = match record.kind {
            DIMENSIONS => true,
            FORMULA_TEXT => is_formula_struck,
            _ if record.is_cell() => row.is_none_or(|row| usize::from(ranks[row]) >= rows.len()),
            _ => continue,
        };
        if record.kind == FORMULA {
            is_formula_struck = is_struck;
        }
        if is_struck {
            stream[record.head..record.head + 2].copy_from_slice(&STRUCK);
        } else if record.is_cell()
            && let Some(row) = row
        {
            stream[record.data..record.data + 2].copy_from_slice(&ranks[row].to_le_bytes());
        }
    }
    Tamed { place, rows, is_cut }
}

/// The records of a sheet, without those of charts inside it.
fn records_of_sheet(stream: &[u8], place: usize) -> Vec<Record> {
    let mut records = Vec::new();
    let mut depth = 0_usize;
    let mut has_begun = false;
    for record in Records::at(stream, place) {
        match record.kind {
            BEGIN if has_begun => depth += 1,
            BEGIN => has_begun = true,
            END if depth > 0 => depth -= 1,
            END => break,
            _ if depth == 0 => records.push(record),
            _ => {}
        }
    }
    records
}

#[derive(Debug, Clone, Copy)]
struct Record {
    kind: u16,
    /// Where its type stands.
    head: usize,
    /// Where its content stands, and ends.
    data: usize,
    end: usize,
}

impl Record {
    fn is_cell(&self) -> bool {
        self.kind == SEVERAL_NUMBERS || CELLS.contains(&self.kind)
    }

    /// Row, first and last column.
    fn cells(&self, stream: &[u8]) -> Option<(u16, u16, u16)> {
        let (row, column) = (u16_at(stream, self.data)?, u16_at(stream, self.data + 2)?);
        let last = match self.kind {
            SEVERAL_NUMBERS => u16_at(stream, self.end.checked_sub(2)?)?,
            _ => column,
        };
        Some((row, column, last.max(column)))
    }
}

/// Walks over records; ends where one is cut.
struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    fn at(stream: &'a [u8], at: usize) -> Self {
        Self { stream, at }
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let (head, data) = (self.at, self.at + 4);
        let (kind, length) = (u16_at(self.stream, head)?, u16_at(self.stream, head + 2)?);
        let end = data + usize::from(length);
        if end > self.stream.len() {
            return None;
        }
        self.at = end;
        Some(Record {
            kind,
            head,
            data,
            end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{PLACES, Tamed, tame};

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend((data.len() as u16).to_le_bytes());
        bytes.extend(data);
        bytes
    }

    fn number(row: u16, column: u16) -> Vec<u8> {
        let mut data = [row.to_le_bytes(), column.to_le_bytes(), [0, 0]].concat();
        data.extend(1.5_f64.to_le_bytes());
        record(0x0203, &data)
    }

    fn workbook(cells: &[(u16, u16)]) -> Vec<u8> {
        let globals = |place: u32| {
            [
                record(0x0809, &[0; 4]),
                record(0x0085, &place.to_le_bytes()),
                record(0x0a, &[]),
            ]
            .concat()
        };
        let mut stream = globals(globals(0).len() as u32);
        stream.extend(record(0x0809, &[0; 4]));
        stream.extend(record(0x0200, &[0xff; 14]));
        stream.extend(cells.iter().flat_map(|&(row, column)| number(row, column)));
        stream.extend(record(0x0a, &[]));
        stream
    }

    #[test]
    fn a_lone_cell_in_the_far_corner_takes_no_room() {
        let mut stream = workbook(&[(0, 0), (3, 1), (65_535, 255)]);
        let place = stream.windows(2).rposition(|pair| pair == [0x09, 0x08]).unwrap();
        let sheets = tame(&mut stream).unwrap();
        assert_eq!(
            sheets,
            [Tamed {
                place,
                rows: vec![0, 3, 65_535],
                is_cut: false
            }]
        );
        // The rows are counted anew, and the declared size is struck.
        let mut expected = workbook(&[(0, 0), (1, 1), (2, 255)]);
        let at = expected.windows(2).position(|pair| pair == [0x00, 0x02]).unwrap();
        expected[at..at + 2].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(stream, expected);
    }

    #[test]
    fn a_sheet_that_is_full_to_its_corner_is_cut() {
        let cells: Vec<(u16, u16)> = (0..=u16::MAX).flat_map(|row| [(row, 0), (row, 255)]).collect();
        let sheets = tame(&mut workbook(&cells)).unwrap();
        assert!(sheets[0].is_cut);
        assert_eq!(sheets[0].rows.len(), PLACES / 256);
    }

    #[test]
    fn a_sheet_outside_of_the_stream_is_damage() {
        let mut stream = workbook(&[(0, 0)]);
        stream.truncate(20);
        let place = stream.windows(2).position(|pair| pair == [0x85, 0x00]).unwrap();
        stream[place + 4..place + 8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(tame(&mut stream).is_err());
    }
}
