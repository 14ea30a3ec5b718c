//! EPUB: the chapters in the order of reading, each an HTML text, on one page (an e-book has no pages of its own). Not by
//! `rbook`, which unpacks without a limit.

use quick_xml::events::Event;

use std::collections::HashMap;
use std::fs::File;

use ids_core::page::{ExtractionNote, NoteKind};

use crate::builder::PageBuilder;
use crate::html;
use crate::output::{Output, ParseError};
use crate::package::{Package, resolved};
use crate::properties::{Properties, PropertyReader};
use crate::xml::attribute;

/// Chapters of one book, and parts its list may name.
const PARTS: usize = 20_000;

/// Writes the one page of an e-book.
pub(crate) fn parse(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut package = Package::open(file)?;
    if has_encrypted_text(&mut package)? {
        return Err(ParseError::Encrypted);
    }
    let book = Book::read(&mut package)?;
    let mut builder = PageBuilder::new(1);
    let mut broken = 0;
    for chapter in &book.chapters {
        match package.bytes(chapter) {
            Ok(bytes) => html::push_chapter(bytes, &mut builder)?,
            Err(ParseError::Corrupt(_)) => broken += 1,
            Err(error) => return Err(error),
        }
    }
    if broken == book.chapters.len() {
        return Err(ParseError::Corrupt("none of its chapters can be read"));
    }
    book.properties.write(output)?;
    output.total(1)?;
    output.page(builder.finish())?;
    if broken > 0 {
        let text = format!("{broken} of its {} chapters are damaged", book.chapters.len());
        output.note(ExtractionNote {
            page_number: None,
            kind: NoteKind::BrokenPage,
            text,
        })?;
    }
    Ok(())
}

/// Whether something beside fonts is encrypted: fonts often are, and do not matter.
fn has_encrypted_text(package: &mut Package) -> Result<bool, ParseError> {
    let mut is_encrypted = false;
    package.read_optional("META-INF/encryption.xml", |event| {
        if let Event::Start(element) | Event::Empty(element) = &event
            && element.local_name().as_ref() == "CipherReference"
        {
            let part = attribute(element, "URI").unwrap_or_default().to_lowercase();
            is_encrypted |= [".xhtml", ".html", ".htm", ".xml"]
                .iter()
                .any(|ending| part.ends_with(ending));
        }
        Ok(())
    })?;
    Ok(is_encrypted)
}

struct Book {
    properties: Properties,
    /// Parts in the order of reading.
    chapters: Vec<String>,
}

impl Book {
    fn read(package: &mut Package) -> Result<Self, ParseError> {
        let list = list_part(package)?;
        let folder = list.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut parts: HashMap<String, String> = HashMap::new();
        let mut order = Vec::new();
        let mut properties = PropertyReader::default();
        package.read(&list, |event| {
            properties.take(&event);
            if let Event::Start(element) | Event::Empty(element) = &event {
                match element.local_name().as_ref() {
                    "item" if parts.len() < PARTS => {
                        if let (Some(id), Some(href)) = (attribute(element, "id"), attribute(element, "href"))
                        {
                            parts.insert(id, resolved(folder, &percent_decoded(&href)));
                        }
                    }
                    "itemref" if order.len() < PARTS => order.extend(attribute(element, "idref")),
                    _ => {}
                }
            }
            Ok(())
        })?;
        let chapters: Vec<String> = order.iter().filter_map(|id| parts.remove(id)).collect();
        if chapters.is_empty() {
            return Err(ParseError::Corrupt("it has no chapters"));
        }
        Ok(Self {
            properties: properties.found,
            chapters,
        })
    }
}

/// The part that lists all others, which the container names.
fn list_part(package: &mut Package) -> Result<String, ParseError> {
    let mut list = None;
    package.read_optional("META-INF/container.xml", |event| {
        if let Event::Start(element) | Event::Empty(element) = &event
            && element.local_name().as_ref() == "rootfile"
            && list.is_none()
        {
            list = attribute(element, "full-path");
        }
        Ok(())
    })?;
    list.filter(|list| package.has(list))
        .ok_or(ParseError::Corrupt("it has no list of its chapters"))
}

/// `cap%C3%ADtulo%201.xhtml` as it is named in the ZIP.
fn percent_decoded(href: &str) -> String {
    let href = href.split('#').next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(href.len());
    let mut rest = href.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::percent_decoded;

    #[test]
    fn names_are_decoded() {
        assert_eq!(percent_decoded("cap%C3%ADtulo%201.xhtml#a"), "capítulo 1.xhtml");
        assert_eq!(percent_decoded("100%.html%4"), "100%.html%4");
    }
}
