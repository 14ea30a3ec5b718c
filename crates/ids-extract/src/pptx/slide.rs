//! One slide, its notes or a diagram on it: shapes with paragraphs, tables.

use ids_core::page::BlockKind;
use quick_xml::events::{BytesStart, Event};

use crate::builder::{PageBuilder, push_rows};
use crate::output::ParseError;
use crate::xml::{attribute, reference};

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// What is shown.
    Slide,
    /// A diagram on a slide.
    Diagram,
    /// What the speaker reads.
    Notes,
}

/// What a shape stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    List,
    Title,
    Footer,
    /// The number of the slide, and the small slide on a page of notes.
    LeftOut,
}

/// Gathers blocks from the events of a part.
pub(super) struct Slide<'a> {
    role: Role,
    builder: &'a mut PageBuilder,
    shape: Shape,
    text: String,
    is_text: bool,
    /// The second form of what an older program cannot show.
    fallback: u32,
    rows: Vec<Vec<String>>,
    is_in_table: bool,
}

impl<'a> Slide<'a> {
    pub(super) const fn new(role: Role, builder: &'a mut PageBuilder) -> Self {
        Self {
            role,
            builder,
            shape: Shape::Text,
            text: String::new(),
            is_text: false,
            fallback: 0,
            rows: Vec::new(),
            is_in_table: false,
        }
    }

    pub(super) fn take(&mut self, event: &Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::Start(element) => {
                if self.fallback > 0 || element.local_name().as_ref() == "Fallback" {
                    self.fallback += 1;
                    return Ok(());
                }
                self.open(element);
            }
            Event::End(element) => {
                if self.fallback > 0 {
                    self.fallback -= 1;
                    return Ok(());
                }
                self.close(element.local_name().as_ref())?;
            }
            _ if self.fallback > 0 => {}
            Event::Empty(element) => {
                self.open(element);
                self.close(element.local_name().as_ref())?;
            }
            Event::Text(text) if self.is_text => self.text.push_str(text),
            Event::CData(text) if self.is_text => self.text.push_str(text),
            Event::GeneralRef(entity) if self.is_text => self.text.extend(reference(entity)),
            _ => {}
        }
        Ok(())
    }

    /// Writes what is still open, after damage.
    pub(super) fn finish(&mut self) -> Result<(), ParseError> {
        self.end_paragraph()?;
        self.end_table()
    }

    fn open(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            "sp" => self.shape = Shape::Text,
            "ph" => self.shape = self.shape_of(element),
            "t" => self.is_text = true,
            "br" => self.text.push('\n'),
            "tbl" => self.is_in_table = true,
            "tr" => self.rows.push(Vec::new()),
            "tc" => {
                if let Some(row) = self.rows.last_mut() {
                    row.push(String::new());
                }
            }
            _ => {}
        }
    }

    /// What a placeholder stands for, by its type; one without is the body of the slide.
    fn shape_of(&self, element: &BytesStart<'_>) -> Shape {
        match (self.role, attribute(element, "type").as_deref()) {
            (_, Some("sldNum" | "sldImg")) => Shape::LeftOut,
            (_, Some("ftr" | "dt" | "hdr")) => Shape::Footer,
            (Role::Slide, Some("title" | "ctrTitle")) => Shape::Title,
            (Role::Slide, None | Some("body" | "obj")) => Shape::List,
            _ => Shape::Text,
        }
    }

    fn close(&mut self, name: &str) -> Result<(), ParseError> {
        match name {
            "t" => self.is_text = false,
            "p" => self.end_paragraph()?,
            "tbl" => self.end_table()?,
            "sp" => self.shape = Shape::Text,
            _ => {}
        }
        Ok(())
    }

    fn end_paragraph(&mut self) -> Result<(), ParseError> {
        let text = std::mem::take(&mut self.text);
        if self.is_in_table {
            if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
                cell.push_str(&text);
                cell.push('\n');
            }
            return Ok(());
        }
        let kind = match self.shape {
            Shape::LeftOut => return Ok(()),
            Shape::Title => BlockKind::Heading { level: 1 },
            Shape::Footer => BlockKind::Footer,
            Shape::List => BlockKind::ListItem,
            Shape::Text => BlockKind::Paragraph,
        };
        self.builder.push(kind, &text)
    }

    fn end_table(&mut self) -> Result<(), ParseError> {
        self.is_in_table = false;
        push_rows(self.builder, &std::mem::take(&mut self.rows))
    }
}
