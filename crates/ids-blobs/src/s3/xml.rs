//! The XML of S3's replies as a tree. Names are compared without their namespaces, which servers do not agree on.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::error::CallError;

/// Elements inside each other; S3's rules have 6.
const DEEPEST: usize = 32;

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub name: String,
    /// What stands directly in it, entities resolved.
    pub text: String,
    pub children: Vec<Element>,
    /// Where it stands in the document, from `<` to `>`.
    pub place: Range<usize>,
    /// Where its end tag begins; `None` of `<this/>`.
    pub end_tag: Option<usize>,
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    /// `Unusable`.
    pub(super) fn parse(document: &str) -> Result<Self, CallError> {
        let mut reader = Reader::from_str(document);
        let mut open: Vec<Self> = Vec::new();
        loop {
            let from = position(&reader);
            let event = reader.read_event().map_err(|_| no_xml())?;
            let to = position(&reader);
            let closed = match event {
                Event::Start(start) => {
                    if open.len() >= DEEPEST {
                        return Err(no_xml());
                    }
                    open.push(Self::begin(&start, from));
                    continue;
                }
                Event::Empty(start) => Self {
                    place: from..to,
                    ..Self::begin(&start, from)
                },
                Event::End(_) => {
                    let mut element = open.pop().ok_or_else(no_xml)?;
                    element.place.end = to;
                    element.end_tag = Some(from);
                    element
                }
                Event::Eof => return Err(no_xml()),
                other => {
                    if let Some(element) = open.last_mut() {
                        element.take_text(&other)?;
                    }
                    continue;
                }
            };
            match open.last_mut() {
                Some(parent) => parent.children.push(closed),
                None => return Ok(closed),
            }
        }
    }

    fn begin(start: &BytesStart<'_>, from: usize) -> Self {
        Self {
            name: start.local_name().as_ref().to_owned(),
            place: from..from,
            ..Self::default()
        }
    }

    fn take_text(&mut self, event: &Event<'_>) -> Result<(), CallError> {
        match event {
            Event::Text(text) => self.text.push_str(&text.xml10_content()),
            Event::CData(text) => self.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(|_| no_xml())? {
                Some(character) => self.text.push(character),
                None => {
                    let name = reference.xml10_content();
                    self.text
                        .push_str(resolve_predefined_entity(&name).ok_or_else(no_xml)?);
                }
            },
            _ => {}
        }
        Ok(())
    }

    /// The children of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first child of a name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of a name.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }
}

/// Writes text between tags.
pub(super) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn no_xml() -> CallError {
    CallError::Unusable("it is no XML of S3")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree_that_knows_its_places() {
        let document = "<?xml version=\"1.0\"?>\n<!-- x --><a:R xmlns:a=\"u\"><K>a&amp;b&#60;<![CDATA[<c>]]> ç</K><E/></a:R>";
        let root = Element::parse(document).unwrap();
        assert_eq!(root.name, "R");
        assert_eq!(root.text_of("K"), Some("a&b<<c> ç"));
        assert_eq!(&document[root.child("E").unwrap().place.clone()], "<E/>");
        assert_eq!(&document[root.end_tag.unwrap()..root.place.end], "</a:R>");
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(1_000_000);
        for document in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a>&unknown;</a>",
            "<a>&#xFFFFFFFF;</a>",
            &deep,
        ] {
            assert!(Element::parse(document).is_err());
        }
    }
}
