//! What an Office file or e-book says of itself: title and author.

use quick_xml::events::Event;

use crate::output::ParseError;
use crate::package::Package;
use crate::xml::reference;

/// Title and author.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    pub(crate) title: Option<String>,
    pub(crate) author: Option<String>,
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

/// Takes title and author out of the events of a part.
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
                    "title" | "creator" | "initial-creator"
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
                match element.local_name().as_ref() {
                    "title" if self.found.title.is_none() => self.found.title = value,
                    // OpenDocument names who wrote it first and who saved it last: the first wrote it.
                    "initial-creator" if value.is_some() => self.found.author = value,
                    "creator" if self.found.author.is_none() => self.found.author = value,
                    _ => {}
                }
            }
            _ => {}
        }
    }
}
