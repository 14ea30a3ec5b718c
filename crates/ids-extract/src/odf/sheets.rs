//! Spreadsheets: cells as they are shown, row by row.

use quick_xml::events::{BytesStart, Event};

use super::is_left_out;
use crate::output::{Output, ParseError};
use crate::sheet::{Sheet, check_sheet_count};
use crate::xml::{attribute, reference};

/// How often a cell, or a row, that is repeated is written: people repeat a few, files that mean harm millions.
const REPEATED: u32 = 100;

/// Gathers sheets from the events of the content.
pub(super) struct Sheets<'a> {
    output: &'a mut dyn Output,
    sheet: Option<Sheet>,
    sheets: usize,
    /// How many tables are open: a cell may hold a table of its own, whose text is the cell's.
    tables: u32,
    has_body: bool,
    left_out: u32,
    row: u32,
    row_repeated: u32,
    /// The cells of the row that hold something, by column.
    cells: Vec<(u32, String)>,
    column: u32,
    cell: Option<Cell>,
    paragraphs: u32,
}

struct Cell {
    text: String,
    /// What is told where a program wrote no text.
    value: Option<String>,
    repeated: u32,
}

impl<'a> Sheets<'a> {
    pub(super) fn new(output: &'a mut dyn Output) -> Self {
        Self {
            output,
            sheet: None,
            sheets: 0,
            tables: 0,
            has_body: false,
            left_out: 0,
            row: 0,
            row_repeated: 1,
            cells: Vec::new(),
            column: 0,
            cell: None,
            paragraphs: 0,
        }
    }

    pub(super) fn take(&mut self, event: &Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::Start(element) => {
                if self.left_out > 0 || is_left_out(element) {
                    self.left_out += 1;
                    return Ok(());
                }
                self.open(element)?;
            }
            Event::End(element) => {
                if self.left_out > 0 {
                    self.left_out -= 1;
                    return Ok(());
                }
                self.close(element.local_name().as_ref())?;
            }
            _ if self.left_out > 0 => {}
            Event::Empty(element) if is_left_out(element) => {}
            Event::Empty(element) => {
                self.open(element)?;
                self.close(element.local_name().as_ref())?;
            }
            Event::Text(text) => self.push_str(text),
            Event::CData(text) => self.push_str(text),
            Event::GeneralRef(entity) => {
                if let Some(c) = reference(entity) {
                    self.push_str(c.encode_utf8(&mut [0; 4]));
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), ParseError> {
        self.end_sheet()?;
        match (self.has_body, self.sheets) {
            (true, 1..) => Ok(()),
            _ => Err(ParseError::Corrupt("it has no sheets")),
        }
    }

    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), ParseError> {
        match element.local_name().as_ref() {
            "spreadsheet" => self.has_body = true,
            "table" if self.has_body => {
                if self.tables == 0 {
                    self.end_sheet()?;
                    self.sheets += 1;
                    let page_number = check_sheet_count(self.sheets)?;
                    let name = attribute(element, "name").unwrap_or_default();
                    self.sheet = Some(Sheet::new(page_number, name));
                    self.row = 0;
                }
                self.tables += 1;
            }
            "table-row" if self.tables == 1 => {
                self.column = 0;
                self.cells.clear();
                self.row_repeated = repeated(element, "number-rows-repeated");
            }
            "table-cell" | "covered-table-cell" if self.tables == 1 => {
                let value = ["string-value", "date-value", "time-value", "value"]
                    .into_iter()
                    .find_map(|name| attribute(element, name));
                self.cell = Some(Cell {
                    text: String::new(),
                    value,
                    repeated: repeated(element, "number-columns-repeated"),
                });
            }
            "p" => {
                if let Some(cell) = &mut self.cell
                    && !cell.text.is_empty()
                {
                    cell.text.push(' ');
                }
                self.paragraphs += 1;
            }
            "s" | "tab" | "line-break" => self.push_str(" "),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), ParseError> {
        match name {
            "p" => self.paragraphs = self.paragraphs.saturating_sub(1),
            "table-cell" | "covered-table-cell" if self.tables == 1 => self.end_cell(),
            "table-row" if self.tables == 1 => self.end_row()?,
            "table" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0 {
                    self.end_sheet()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn push_str(&mut self, text: &str) {
        if self.paragraphs > 0
            && let Some(cell) = &mut self.cell
        {
            cell.text.push_str(text);
        }
    }

    fn end_cell(&mut self) {
        let Some(cell) = self.cell.take() else { return };
        let text = match cell.text.trim() {
            "" => cell.value.unwrap_or_default(),
            text => text.to_owned(),
        };
        if !text.is_empty() {
            for column in 0..cell.repeated.min(REPEATED) {
                self.cells
                    .push((self.column.saturating_add(column), text.clone()));
            }
        }
        self.column = self.column.saturating_add(cell.repeated);
    }

    fn end_row(&mut self) -> Result<(), ParseError> {
        let Some(sheet) = &mut self.sheet else {
            return Ok(());
        };
        if !self.cells.is_empty() {
            for row in 0..self.row_repeated.min(REPEATED) {
                for (column, text) in &self.cells {
                    sheet.cell(self.row.saturating_add(row), *column, text)?;
                }
            }
        }
        self.cells.clear();
        self.row = self.row.saturating_add(self.row_repeated);
        Ok(())
    }

    fn end_sheet(&mut self) -> Result<(), ParseError> {
        match self.sheet.take() {
            Some(sheet) => sheet.finish(&mut *self.output),
            None => Ok(()),
        }
    }
}

fn repeated(element: &BytesStart<'_>, name: &str) -> u32 {
    attribute(element, name)
        .and_then(|count| count.parse().ok())
        .unwrap_or(1)
        .max(1)
}
