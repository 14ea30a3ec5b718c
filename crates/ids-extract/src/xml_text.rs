//! XML of any kind as text: a line `name: value` for each element or attribute that holds text, a paragraph for each element that
//! holds such lines. Electronic invoices are the XML that municipalities keep.

use ids_core::page::BlockKind;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::builder::PageBuilder;
use crate::output::{Output, ParseError};
use crate::xml::reference;

/// Elements inside elements; deeper ones join those around them.
const DEPTH: usize = 1_000;

/// Writes the one page of an XML file.
pub(crate) fn parse(text: &str, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut lines = Lines {
        builder: PageBuilder::new(1),
        open: Vec::new(),
        too_deep: 0,
        paragraph: String::new(),
    };
    let mut has_element = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                has_element = true;
                lines.begin(&element)?;
            }
            Ok(Event::End(_)) => lines.end()?,
            Ok(Event::Empty(element)) => {
                lines.begin(&element)?;
                lines.end()?;
            }
            Ok(Event::Text(text)) => lines.push_str(&text),
            Ok(Event::CData(text)) => lines.push_str(&text),
            Ok(Event::GeneralRef(entity)) => {
                if let Some(c) = reference(&entity) {
                    lines.push_str(c.encode_utf8(&mut [0; 4]));
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            // What was read up to the damage is text.
            Err(_) if has_element => break,
            Err(_) => return Err(ParseError::Corrupt("its XML is damaged")),
        }
    }
    while !lines.open.is_empty() {
        lines.end()?;
    }
    lines.end_paragraph()?;
    output.total(1)?;
    output.page(lines.builder.finish())
}

struct Lines {
    builder: PageBuilder,
    open: Vec<Open>,
    too_deep: usize,
    paragraph: String,
}

/// An element that is open.
struct Open {
    name: String,
    text: String,
    /// Lines of its attributes; they stand with its first text, or with what its elements say.
    attributes: String,
    has_children: bool,
}

impl Lines {
    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), ParseError> {
        if self.open.len() >= DEPTH {
            self.too_deep += 1;
            return Ok(());
        }
        if let Some(parent) = self.open.last_mut()
            && !std::mem::replace(&mut parent.has_children, true)
        {
            // The lines of an element stand apart from those before it.
            self.end_paragraph()?;
        }
        self.write_own();
        let mut attributes = String::new();
        for attribute in element.attributes().flatten() {
            let key = attribute.key.as_ref();
            if !key.starts_with("xmlns") && !key.ends_with("schemaLocation") {
                let value = attribute
                    .normalized_value(XmlVersion::Implicit1_0)
                    .unwrap_or_default();
                push_line(&mut attributes, attribute.key.local_name().as_ref(), &value);
            }
        }
        self.open.push(Open {
            name: element.local_name().as_ref().to_owned(),
            text: String::new(),
            attributes,
            has_children: false,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), ParseError> {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return Ok(());
        }
        self.write_own();
        match self.open.pop() {
            Some(element) if element.has_children => self.end_paragraph(),
            _ => Ok(()),
        }
    }

    fn push_str(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut() {
            element.text.push_str(text);
        }
    }

    /// Writes what the innermost element says itself.
    fn write_own(&mut self) {
        if let Some(element) = self.open.last_mut() {
            self.paragraph.push_str(&std::mem::take(&mut element.attributes));
            push_line(
                &mut self.paragraph,
                &element.name,
                &std::mem::take(&mut element.text),
            );
        }
    }

    fn end_paragraph(&mut self) -> Result<(), ParseError> {
        self.builder.push(BlockKind::Paragraph, &self.paragraph)?;
        self.paragraph.clear();
        Ok(())
    }
}

fn push_line(lines: &mut String, name: &str, value: &str) {
    let value = value.trim();
    if !value.is_empty() {
        lines.extend([name, ": ", value, "\n"]);
    }
}
