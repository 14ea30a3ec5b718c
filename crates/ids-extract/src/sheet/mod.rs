//! Spreadsheets: a page for each sheet, cells that stand together as a table. Only cells that hold something are ever kept, so
//! neither a sheet's declared size nor a lone cell in its far corner costs anything.

mod biff;
mod csv;
mod excel;

use std::collections::BTreeSet;

use ids_core::limits;
use ids_core::page::{BlockKind, NoteKind};

pub(crate) use self::csv::parse as parse_csv;
pub(crate) use self::excel::{parse_xls, parse_xlsx};
use crate::builder::{PageBuilder, markdown_table};
use crate::output::{Output, ParseError, page_note};

/// Characters of one sheet; the rest of a longer one is left out, and said so: 100,000 rows of ten columns.
const SHEET_CHARS: usize = 10_000_000;
/// Cells of one sheet that hold something; each takes some 60 bytes beside its text.
const SHEET_CELLS: usize = 2_000_000;
/// Columns of a table; wider ones are written row by row.
const TABLE_COLUMNS: usize = 1_000;
/// How many places of a table may stand for one cell that holds something; in sparser ones most of the text would be bars.
const PLACES_PER_CELL: usize = 8;

/// A sheet being written: cells row by row.
pub(crate) struct Sheet {
    builder: PageBuilder,
    page_number: u32,
    name: String,
    /// Rows that stand together, each with its number and its cells by column.
    rows: Vec<(u32, Vec<(u32, String)>)>,
    cells: usize,
    chars: usize,
    is_cut: bool,
    is_broken: bool,
}

impl Sheet {
    /// An empty sheet.
    pub(crate) fn new(page_number: u32, name: String) -> Self {
        Self {
            builder: PageBuilder::new(page_number),
            page_number,
            name,
            rows: Vec::new(),
            cells: 0,
            chars: 0,
            is_cut: false,
            is_broken: false,
        }
    }

    /// The one sheet of a file that has no names for them.
    pub(crate) fn without_name(page_number: u32) -> Self {
        Self::new(page_number, String::new())
    }

    /// Notes that the rest of the sheet could not be read.
    pub(crate) const fn mark_broken(&mut self) {
        self.is_broken = true;
    }

    /// Notes that cells of the sheet were left out.
    pub(crate) const fn mark_cut(&mut self) {
        self.is_cut = true;
    }

    /// Whether nothing further is taken.
    pub(crate) const fn is_full(&self) -> bool {
        self.is_cut
    }

    /// Adds a cell; rows come in order, and cells of a row. Empty ones are left out.
    ///
    /// # Errors
    /// [`ParseError::TooLarge`] past [`limits::DOCUMENT_CHARS`].
    pub(crate) fn cell(&mut self, row: u32, column: u32, text: &str) -> Result<(), ParseError> {
        let text = text.trim();
        if text.is_empty() || self.is_cut {
            return Ok(());
        }
        self.cells += 1;
        self.chars += text.len();
        if self.cells > SHEET_CELLS || self.chars > SHEET_CHARS {
            self.is_cut = true;
            return Ok(());
        }
        match self.rows.last_mut() {
            Some((last, cells)) if *last == row => cells.push((column, text.to_owned())),
            Some((last, _)) if row == last.saturating_add(1) => {
                self.rows.push((row, vec![(column, text.to_owned())]));
            }
            _ => {
                self.end_rows()?;
                self.rows.push((row, vec![(column, text.to_owned())]));
            }
        }
        Ok(())
    }

    /// Writes the sheet as a page.
    ///
    /// # Errors
    /// Those of the output, and [`ParseError::TooLarge`].
    pub(crate) fn finish(mut self, output: &mut dyn Output) -> Result<(), ParseError> {
        self.end_rows()?;
        output.page(self.builder.finish())?;
        let name = match self.name.as_str() {
            "" => "the table".to_owned(),
            name => format!("sheet `{name}`"),
        };
        if self.is_cut {
            let text = format!(
                "{name} is too long; only its first {SHEET_CELLS} cells or {SHEET_CHARS} characters were read"
            );
            output.note(page_note(self.page_number, NoteKind::Truncated, text))?;
        }
        if self.is_broken {
            let text = format!("{name} is damaged; only a part of it was read");
            output.note(page_note(self.page_number, NoteKind::BrokenPage, text))?;
        }
        Ok(())
    }

    /// Writes the rows that stand together: lone cells above a table (its title) as paragraphs, the rest as a table.
    fn end_rows(&mut self) -> Result<(), ParseError> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        if self.builder.is_empty() {
            self.builder.push(BlockKind::Heading { level: 1 }, &self.name)?;
        }
        let lone = rows.iter().take_while(|(_, cells)| cells.len() == 1).count();
        let (above, table) = rows.split_at(lone);
        for (_, text) in above.iter().flat_map(|(_, cells)| cells) {
            self.builder.push(BlockKind::Paragraph, text)?;
        }
        self.write_table(table)
    }

    fn write_table(&mut self, rows: &[(u32, Vec<(u32, String)>)]) -> Result<(), ParseError> {
        let used: BTreeSet<u32> = rows
            .iter()
            .flat_map(|(_, cells)| cells)
            .map(|&(column, _)| column)
            .collect();
        let columns: Vec<u32> = used.into_iter().collect();
        let filled: usize = rows.iter().map(|(_, cells)| cells.len()).sum();
        let is_sparse = rows.len().saturating_mul(columns.len()) > filled.saturating_mul(PLACES_PER_CELL);
        if rows.len() < 2 || columns.len() > TABLE_COLUMNS || is_sparse {
            for (_, cells) in rows {
                let texts: Vec<&str> = cells.iter().map(|(_, text)| text.as_str()).collect();
                self.builder.push(BlockKind::Paragraph, &texts.join(" | "))?;
            }
            return Ok(());
        }
        let dense: Vec<Vec<String>> = rows
            .iter()
            .map(|(_, cells)| {
                let mut row = vec![String::new(); columns.len()];
                for (column, text) in cells {
                    if let Ok(at) = columns.binary_search(column) {
                        row[at].clone_from(text);
                    }
                }
                row
            })
            .collect();
        self.builder.push(BlockKind::Table, &markdown_table(&dense))
    }
}

/// Fails without a sheet, and past the number of pages that a document may have.
pub(crate) fn check_sheet_count(sheets: usize) -> Result<u32, ParseError> {
    if sheets == 0 {
        return Err(ParseError::Corrupt("it has no sheets"));
    }
    u32::try_from(sheets)
        .ok()
        .filter(|&sheets| sheets <= limits::DOCUMENT_PAGES)
        .ok_or(ParseError::TooLarge("it has more pages than can be indexed"))
}
