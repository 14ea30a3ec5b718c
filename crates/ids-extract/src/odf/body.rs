//! Text and presentations: paragraphs, lists, tables, notes; pages as marked, or a page for each slide.

use ids_core::page::BlockKind;
use quick_xml::events::{BytesStart, Event};

use super::is_left_out;
use super::styles::Styles;
use crate::builder::push_rows;
use crate::output::{Output, ParseError};
use crate::pages::Pages;
use crate::xml::{attribute, reference};

/// Paragraphs inside paragraphs (text boxes, notes) that are followed; deeper ones join the text around them.
const NESTED_PARAGRAPHS: usize = 50;
/// Spaces that one element may stand for, and cells.
const REPEATED: usize = 1_000;

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PagesOf {
    /// What lies between two marks.
    Text,
    /// A slide.
    Presentation,
}

/// Gathers pages from the events of the text part.
pub(super) struct Body<'a> {
    styles: Styles,
    pages_of: PagesOf,
    pages: Pages<'a>,
    has_body: bool,
    /// How many elements of those that are left out are open.
    left_out: u32,
    paragraphs: Vec<Paragraph>,
    list_items: u32,
    /// How many notes are open, and the text of the outermost.
    notes: u32,
    note: String,
    /// How many tables are open; rows are kept of the outermost.
    tables: u32,
    rows: Vec<Vec<String>>,
    is_in_row: bool,
    /// A page break inside a row of a table waits for its end.
    break_after_row: bool,
    slides: u32,
    /// The title of a slide is open.
    is_in_title: bool,
}

/// A paragraph that is open.
#[derive(Default)]
struct Paragraph {
    text: String,
    kind: Option<BlockKind>,
    breaks_after: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(styles: Styles, pages_of: PagesOf, output: &'a mut dyn Output) -> Self {
        Self {
            styles,
            pages_of,
            pages: Pages::new(output),
            has_body: false,
            left_out: 0,
            paragraphs: Vec::new(),
            list_items: 0,
            notes: 0,
            note: String::new(),
            tables: 0,
            rows: Vec::new(),
            is_in_row: false,
            break_after_row: false,
            slides: 0,
            is_in_title: false,
        }
    }

    pub(super) fn take(&mut self, event: &Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::Start(element) => {
                if self.left_out > 0 || is_left_out(element) {
                    self.left_out += 1;
                    return Ok(());
                }
                self.open(element)
            }
            Event::End(element) => {
                if self.left_out > 0 {
                    self.left_out -= 1;
                    return Ok(());
                }
                self.close(element.local_name().as_ref())
            }
            _ if self.left_out > 0 => Ok(()),
            Event::Empty(element) if is_left_out(element) => Ok(()),
            Event::Empty(element) => {
                self.open(element)?;
                self.close(element.local_name().as_ref())
            }
            Event::Text(text) => {
                self.push_folded(text);
                Ok(())
            }
            Event::CData(text) => {
                self.push_folded(text);
                Ok(())
            }
            Event::GeneralRef(entity) => {
                if let Some(c) = reference(entity) {
                    self.push_str(c.encode_utf8(&mut [0; 4]));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Writes the last page.
    pub(super) fn finish(mut self) -> Result<(), ParseError> {
        if !self.has_body {
            return Err(ParseError::Corrupt("it has no text part"));
        }
        while !self.paragraphs.is_empty() {
            self.end_paragraph()?;
        }
        self.end_table()?;
        self.pages.end_page()
    }

    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), ParseError> {
        match element.local_name().as_ref() {
            "body" => self.has_body = true,
            "p" | "h" if self.has_body && self.paragraphs.len() < NESTED_PARAGRAPHS => {
                self.begin_paragraph(element)?;
            }
            "s" => {
                let count = attribute(element, "c")
                    .and_then(|count| count.parse().ok())
                    .unwrap_or(1);
                self.push_str(&" ".repeat(count.min(REPEATED)));
            }
            "tab" => self.push_str(" "),
            "line-break" => self.push_str("\n"),
            "soft-page-break" if self.pages_of == PagesOf::Text => self.break_page()?,
            "list-item" => self.list_items += 1,
            "note" => self.notes += 1,
            "page" if self.pages_of == PagesOf::Presentation => {
                if self.slides > 0 {
                    self.pages.end_page()?;
                }
                self.slides += 1;
            }
            "frame" => self.is_in_title = attribute(element, "class").is_some_and(|class| class == "title"),
            "table" => self.tables += 1,
            "table-row" if self.tables == 1 => {
                self.is_in_row = true;
                self.rows.push(Vec::new());
            }
            "table-cell" | "covered-table-cell" if self.tables == 1 => {
                if let Some(row) = self.rows.last_mut() {
                    row.push(String::new());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), ParseError> {
        match name {
            "p" | "h" => self.end_paragraph()?,
            "list-item" => self.list_items = self.list_items.saturating_sub(1),
            "note" => {
                self.notes = self.notes.saturating_sub(1);
                if self.notes == 0 {
                    self.pages.add_footnote(std::mem::take(&mut self.note));
                }
            }
            "frame" => self.is_in_title = false,
            "table-row" if self.tables == 1 => {
                self.is_in_row = false;
                if std::mem::take(&mut self.break_after_row) {
                    self.write_rows()?;
                    self.pages.end_page()?;
                }
            }
            "table" if self.tables == 1 => self.end_table()?,
            "table" => self.tables = self.tables.saturating_sub(1),
            _ => {}
        }
        Ok(())
    }

    fn begin_paragraph(&mut self, element: &BytesStart<'_>) -> Result<(), ParseError> {
        let style = attribute(element, "style-name").unwrap_or_default();
        let (before, after) = self.styles.breaks(&style);
        let is_flowing = self.pages_of == PagesOf::Text && self.paragraphs.is_empty() && self.tables == 0;
        if before && is_flowing && !self.pages.builder.is_empty() {
            self.pages.end_page()?;
        }
        let kind = if element.local_name().as_ref() == "h" {
            let level = attribute(element, "outline-level").and_then(|level| level.parse::<u8>().ok());
            Some(BlockKind::Heading {
                level: level.unwrap_or(1).clamp(1, 6),
            })
        } else if self.is_in_title {
            Some(BlockKind::Heading { level: 1 })
        } else {
            self.styles.kind(&style)
        };
        self.paragraphs.push(Paragraph {
            text: String::new(),
            kind,
            breaks_after: after && is_flowing,
        });
        Ok(())
    }

    /// Adds text of the file, in which white space counts once (OpenDocument 1.3, part 3, 6.1.2).
    fn push_folded(&mut self, text: &str) {
        let Some(paragraph) = self.paragraphs.last_mut() else {
            return;
        };
        for c in text.chars() {
            if !matches!(c, ' ' | '\t' | '\n' | '\r') {
                paragraph.text.push(c);
            } else if !paragraph.text.ends_with([' ', '\n']) {
                paragraph.text.push(' ');
            }
        }
    }

    fn push_str(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn end_paragraph(&mut self) -> Result<(), ParseError> {
        let Some(paragraph) = self.paragraphs.pop() else {
            return Ok(());
        };
        if self.notes > 0 {
            self.note.push_str(&paragraph.text);
            self.note.push('\n');
            return Ok(());
        }
        if self.tables > 0 {
            if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
                if !cell.is_empty() {
                    cell.push('\n');
                }
                cell.push_str(&paragraph.text);
            }
            return Ok(());
        }
        self.pages
            .builder
            .push(self.kind_of(&paragraph), &paragraph.text)?;
        if paragraph.breaks_after {
            self.pages.end_page()?;
        }
        Ok(())
    }

    fn kind_of(&self, paragraph: &Paragraph) -> BlockKind {
        let list_item = (self.list_items > 0).then_some(BlockKind::ListItem);
        paragraph.kind.or(list_item).unwrap_or(BlockKind::Paragraph)
    }

    /// Ends the page here: inside a row of a table after it, inside a paragraph by cutting it in two.
    fn break_page(&mut self) -> Result<(), ParseError> {
        if self.notes > 0 {
            return Ok(());
        }
        if self.tables > 0 {
            if self.is_in_row || self.tables > 1 {
                self.break_after_row = true;
                return Ok(());
            }
            self.write_rows()?;
        }
        if let [paragraph] = self.paragraphs.as_mut_slice() {
            let text = std::mem::take(&mut paragraph.text);
            let first_part = Paragraph {
                kind: paragraph.kind,
                ..Paragraph::default()
            };
            let kind = self.kind_of(&first_part);
            self.pages.builder.push(kind, &text)?;
        }
        self.pages.end_page()
    }

    fn end_table(&mut self) -> Result<(), ParseError> {
        self.tables = 0;
        self.is_in_row = false;
        self.break_after_row = false;
        self.write_rows()
    }

    fn write_rows(&mut self) -> Result<(), ParseError> {
        push_rows(&mut self.pages.builder, &std::mem::take(&mut self.rows))
    }
}
