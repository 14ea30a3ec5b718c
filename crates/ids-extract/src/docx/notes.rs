//! The small parts beside the text: title and author, footnotes and endnotes.

use std::collections::HashMap;

use quick_xml::events::Event;

use super::package::Package;
use super::xml::{attribute, reference};
use crate::output::ParseError;

/// Title and author.
#[derive(Default)]
pub(crate) struct Details {
    pub(crate) title: Option<String>,
    pub(crate) author: Option<String>,
}

/// Reads `docProps/core.xml`.
pub(crate) fn details(package: &mut Package) -> Result<Details, ParseError> {
    let mut details = Details::default();
    let mut text: Option<String> = None;
    read_optional(package, "docProps/core.xml", |event| {
        match event {
            Event::Start(element) if matches!(element.local_name().as_ref(), "title" | "creator") => {
                text = Some(String::new());
            }
            Event::Text(piece) => {
                if let Some(text) = &mut text {
                    text.push_str(&piece);
                }
            }
            Event::GeneralRef(entity) => {
                if let Some(text) = &mut text {
                    text.extend(reference(&entity));
                }
            }
            Event::End(element) => {
                let value = text
                    .take()
                    .map(|text| text.trim().to_owned())
                    .filter(|text| !text.is_empty());
                match element.local_name().as_ref() {
                    "title" => details.title = value,
                    "creator" => details.author = value,
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(details)
}

/// The texts of footnotes and endnotes, by id.
#[derive(Default)]
pub(crate) struct Notes {
    footnotes: HashMap<String, String>,
    endnotes: HashMap<String, String>,
}

impl Notes {
    /// Takes the text of a note out: it is written once, where it is first referred to.
    pub(crate) fn take(&mut self, reference_element: &str, id: &str) -> Option<String> {
        let notes = if reference_element == "endnoteReference" {
            &mut self.endnotes
        } else {
            &mut self.footnotes
        };
        notes.remove(id)
    }
}

/// Reads both kinds of notes.
pub(crate) fn read(package: &mut Package) -> Result<Notes, ParseError> {
    Ok(Notes {
        footnotes: read_part(package, "word/footnotes.xml", "footnote")?,
        endnotes: read_part(package, "word/endnotes.xml", "endnote")?,
    })
}

fn read_part(
    package: &mut Package,
    part: &str,
    element_name: &'static str,
) -> Result<HashMap<String, String>, ParseError> {
    let mut notes = HashMap::new();
    let mut open: Option<(String, String)> = None;
    let mut is_text = false;
    let mut deleted = 0_u32;
    read_optional(package, part, |event| {
        match event {
            Event::Start(element) => match element.local_name().as_ref() {
                // Separators carry a type; notes do not.
                name if name == element_name => {
                    let id = attribute(&element, "id").filter(|_| attribute(&element, "type").is_none());
                    open = id.map(|id| (id, String::new()));
                }
                "del" | "moveFrom" => deleted += 1,
                "t" => is_text = deleted == 0,
                _ => {}
            },
            Event::End(element) => match element.local_name().as_ref() {
                name if name == element_name => notes.extend(open.take()),
                "del" | "moveFrom" => deleted = deleted.saturating_sub(1),
                "t" => is_text = false,
                "p" => {
                    if let Some((_, text)) = &mut open {
                        text.push('\n');
                    }
                }
                _ => {}
            },
            Event::Empty(element) if matches!(element.local_name().as_ref(), "tab" | "br") => {
                if let Some((_, text)) = &mut open {
                    text.push(' ');
                }
            }
            Event::Text(piece) if is_text => {
                if let Some((_, text)) = &mut open {
                    text.push_str(&piece);
                }
            }
            Event::GeneralRef(entity) if is_text => {
                if let Some((_, text)) = &mut open {
                    text.extend(reference(&entity));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(notes)
}

/// Reads a part that may be missing or damaged without harm to the text.
fn read_optional(
    package: &mut Package,
    part: &str,
    take: impl FnMut(Event<'_>) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    if !package.has(part) {
        return Ok(());
    }
    match package.read(part, take) {
        Err(ParseError::Corrupt(_)) => Ok(()),
        result => result,
    }
}
