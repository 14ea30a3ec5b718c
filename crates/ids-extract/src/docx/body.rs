//! The text part: paragraphs, tables, page breaks.

use ids_core::page::BlockKind;
use quick_xml::events::{BytesStart, Event};

use super::notes::Notes;
use super::styles::Styles;
use crate::builder::push_rows;
use crate::output::{Output, ParseError};
use crate::pages::Pages;
use crate::xml::{attribute, is_on, reference};

/// Elements whose content is not part of the text: what was deleted, how properties were before a change, the second
/// form of what an older program cannot show.
const LEFT_OUT: [&str; 9] = [
    "del",
    "moveFrom",
    "Fallback",
    "pPrChange",
    "rPrChange",
    "sectPrChange",
    "tblPrChange",
    "tcPrChange",
    "trPrChange",
];
/// Paragraphs inside paragraphs (text boxes) that are followed; deeper ones join the text around them.
const NESTED_PARAGRAPHS: usize = 50;

/// Gathers pages from the events of the text part.
pub(crate) struct Body<'a> {
    styles: Styles,
    notes: Notes,
    pages: Pages<'a>,
    /// The element that holds the text was seen.
    has_body: bool,
    /// How many elements of [`LEFT_OUT`] are open.
    left_out: u32,
    is_text: bool,
    paragraphs: Vec<Paragraph>,
    /// How many tables are open; rows are kept of the outermost.
    tables: u32,
    rows: Vec<Vec<String>>,
    /// A page break inside a table waits for the end of the row.
    break_after_row: bool,
    /// The last thing seen was a hard page break: the break that Word notes right after it is the same one.
    after_hard_break: bool,
}

/// A paragraph that is open.
#[derive(Default)]
struct Paragraph {
    text: String,
    kind: Option<BlockKind>,
    is_list_item: bool,
}

impl<'a> Body<'a> {
    pub(crate) fn new(styles: Styles, notes: Notes, output: &'a mut dyn Output) -> Self {
        Self {
            styles,
            notes,
            pages: Pages::new(output),
            has_body: false,
            left_out: 0,
            is_text: false,
            paragraphs: Vec::new(),
            tables: 0,
            rows: Vec::new(),
            break_after_row: false,
            after_hard_break: false,
        }
    }

    pub(crate) fn take(&mut self, event: Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::Start(element) => {
                if self.left_out > 0 || LEFT_OUT.contains(&element.local_name().as_ref()) {
                    self.left_out += 1;
                    return Ok(());
                }
                self.open(&element)
            }
            Event::End(element) => {
                if self.left_out > 0 {
                    self.left_out -= 1;
                    return Ok(());
                }
                self.close(element.local_name().as_ref())
            }
            _ if self.left_out > 0 => Ok(()),
            Event::Empty(element) => {
                self.open(&element)?;
                self.close(element.local_name().as_ref())
            }
            Event::Text(text) if self.is_text => {
                self.push_str(&text);
                Ok(())
            }
            Event::CData(text) if self.is_text => {
                self.push_str(&text);
                Ok(())
            }
            Event::GeneralRef(entity) if self.is_text => {
                if let Some(c) = reference(&entity) {
                    self.push_str(c.encode_utf8(&mut [0; 4]));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Writes the last page.
    pub(crate) fn finish(mut self) -> Result<(), ParseError> {
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
            "p" if self.paragraphs.len() < NESTED_PARAGRAPHS => self.paragraphs.push(Paragraph::default()),
            "pStyle" => {
                let kind = attribute(element, "val").and_then(|id| self.styles.kind(&id));
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.kind = paragraph.kind.or(kind);
                }
            }
            "outlineLvl" => {
                let level = attribute(element, "val").and_then(|level| level.parse::<u8>().ok());
                if let (Some(level), Some(paragraph)) =
                    (level.filter(|&level| level < 9), self.paragraphs.last_mut())
                {
                    paragraph.kind = Some(BlockKind::Heading {
                        level: (level + 1).min(6),
                    });
                }
            }
            "numId" => {
                // Number 0 takes a paragraph out of its style's list.
                let is_numbered = attribute(element, "val").is_some_and(|id| id != "0");
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.is_list_item = is_numbered;
                    if !is_numbered && paragraph.kind == Some(BlockKind::ListItem) {
                        paragraph.kind = None;
                    }
                }
            }
            "t" => self.is_text = true,
            "tab" | "ptab" => self.push_str(" "),
            "cr" => self.push_str("\n"),
            "noBreakHyphen" => self.push_str("-"),
            "br" => match attribute(element, "type").as_deref() {
                Some("page") => {
                    self.break_page()?;
                    self.after_hard_break = true;
                }
                _ => self.push_str("\n"),
            },
            "pageBreakBefore" if is_on(element) && (!self.pages.builder.is_empty() || self.tables > 0) => {
                self.break_page()?;
                self.after_hard_break = true;
            }
            "lastRenderedPageBreak" if !std::mem::take(&mut self.after_hard_break) => self.break_page()?,
            name @ ("footnoteReference" | "endnoteReference") => {
                let text = attribute(element, "id").and_then(|id| self.notes.take(name, &id));
                if let Some(text) = text {
                    self.pages.add_footnote(text);
                }
            }
            "tbl" => self.tables += 1,
            "tr" if self.tables == 1 => self.rows.push(Vec::new()),
            "tc" if self.tables == 1 => {
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
            "p" => self.end_paragraph(),
            "t" => {
                self.is_text = false;
                Ok(())
            }
            "tr" if self.tables == 1 && self.break_after_row => {
                self.break_after_row = false;
                self.write_rows()?;
                self.pages.end_page()
            }
            "tbl" if self.tables == 1 => self.end_table(),
            "tbl" => {
                self.tables = self.tables.saturating_sub(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn push_str(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.after_hard_break = false;
        }
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn end_paragraph(&mut self) -> Result<(), ParseError> {
        let Some(paragraph) = self.paragraphs.pop() else {
            return Ok(());
        };
        if self.tables > 0 {
            if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
                if !cell.is_empty() {
                    cell.push('\n');
                }
                cell.push_str(&paragraph.text);
            }
            return Ok(());
        }
        let list_item = paragraph.is_list_item.then_some(BlockKind::ListItem);
        // A numbered heading is a heading.
        let kind = paragraph.kind.or(list_item).unwrap_or(BlockKind::Paragraph);
        self.pages.builder.push(kind, &paragraph.text)
    }

    /// Ends the page here: inside a table after the row, inside a paragraph by cutting it in two.
    fn break_page(&mut self) -> Result<(), ParseError> {
        if self.tables > 0 {
            self.break_after_row = true;
            return Ok(());
        }
        if let Some(paragraph) = self.paragraphs.last_mut() {
            let text = std::mem::take(&mut paragraph.text);
            if !text.trim().is_empty() {
                let kind = paragraph.kind.unwrap_or(BlockKind::Paragraph);
                self.pages.builder.push(kind, &text)?;
            }
        }
        self.pages.end_page()
    }

    fn end_table(&mut self) -> Result<(), ParseError> {
        self.tables = 0;
        self.write_rows()?;
        if std::mem::take(&mut self.break_after_row) {
            self.pages.end_page()
        } else {
            Ok(())
        }
    }

    fn write_rows(&mut self) -> Result<(), ParseError> {
        push_rows(&mut self.pages.builder, &std::mem::take(&mut self.rows))
    }
}
