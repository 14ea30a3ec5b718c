//! Footnotes and endnotes: small parts beside the text.

use std::collections::HashMap;

use quick_xml::events::Event;

use crate::output::ParseError;
use crate::package::Package;
use crate::xml::{attribute, reference};

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
    package.read_optional(part, |event| {
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
