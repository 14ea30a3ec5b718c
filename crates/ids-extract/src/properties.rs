//! What a file says of itself: title, author, dates.

use ids_core::page::{ExtractionNote, NoteKind};
use quick_xml::events::Event;

use crate::dates;
use crate::output::{Output, ParseError};
use crate::package::Package;
use crate::xml::reference;

/// Title and author, and when it was made and changed last.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    pub(crate) title: Option<String>,
    pub(crate) author: Option<String>,
    /// As [`dates`] writes it.
    pub(crate) created: Option<String>,
    /// As [`dates`] writes it.
    pub(crate) modified: Option<String>,
}

impl Properties {
    /// Gives them to `output`, before the first page.
    pub(crate) fn write(self, output: &mut dyn Output) -> Result<(), ParseError> {
        output.details(self.title, self.author)?;
        let facts = [
            (NoteKind::Created, self.created),
            (NoteKind::Modified, self.modified),
        ];
        for (kind, date) in facts {
            if let Some(text) = date {
                output.note(ExtractionNote {
                    page_number: None,
                    kind,
                    text,
                })?;
            }
        }
        Ok(())
    }
}

/// Reads a part that speaks Dublin Core: `docProps/core.xml`, `meta.xml`, the package file of an e-book. Nothing where there is none.
pub(crate) fn read(package: &mut Package, part: &str) -> Result<Properties, ParseError> {
    let mut reader = PropertyReader::default();
    package.read_optional(part, |event| {
        reader.take(&event);
        Ok(())
    })?;
    Ok(reader.found)
}

/// Takes properties out of the events of a part.
#[derive(Default)]
pub(crate) struct PropertyReader {
    pub(crate) found: Properties,
    text: Option<String>,
}

impl PropertyReader {
    pub(crate) fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(element) => {
                let is_property = matches!(
                    element.local_name().as_ref(),
                    "title"
                        | "creator"
                        | "initial-creator"
                        | "created"
                        | "creation-date"
                        | "modified"
                        | "date"
                );
                if is_property {
                    self.text = Some(String::new());
                }
            }
            Event::Text(piece) => {
                if let Some(text) = &mut self.text {
                    text.push_str(piece);
                }
            }
            Event::GeneralRef(entity) => {
                if let Some(text) = &mut self.text {
                    text.extend(reference(entity));
                }
            }
            Event::End(element) => {
                let value = self
                    .text
                    .take()
                    .map(|text| text.trim().to_owned())
                    .filter(|text| !text.is_empty());
                let found = &mut self.found;
                match element.local_name().as_ref() {
                    "title" if found.title.is_none() => found.title = value,
                    // OpenDocument names who wrote it first and who saved it last: the first wrote it.
                    "initial-creator" if value.is_some() => found.author = value,
                    "creator" if found.author.is_none() => found.author = value,
                    "created" | "creation-date" if found.created.is_none() => {
                        found.created = value.and_then(|text| dates::of_xml(&text));
                    }
                    // OpenDocument's `dc:date` is when it was saved last, an e-book's when it was published.
                    "modified" | "date" if found.modified.is_none() => {
                        found.modified = value.and_then(|text| dates::of_xml(&text));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}
