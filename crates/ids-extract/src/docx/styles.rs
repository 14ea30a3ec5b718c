//! Paragraph styles: which of them are headings, list items, captions.

use std::collections::HashMap;

use ids_core::page::BlockKind;
use quick_xml::events::{BytesStart, Event};

use crate::output::ParseError;
use crate::package::Package;
use crate::xml::attribute;

/// How far the chain of styles that are based on one another is followed.
const CHAIN: usize = 10;
/// Styles that are kept; Word itself has some 400.
const STYLES: usize = 10_000;

/// The paragraph styles of a document, by id.
#[derive(Default)]
pub(crate) struct Styles(HashMap<String, Style>);

#[derive(Default)]
struct Style {
    /// Lower case.
    name: String,
    based_on: Option<String>,
    /// From 0, as in the file; 9 is running text.
    outline_level: Option<u8>,
    has_numbering: bool,
}

impl Styles {
    /// Reads `word/styles.xml`; no styles where there is none.
    pub(crate) fn read(package: &mut Package) -> Result<Self, ParseError> {
        let mut styles = Self::default();
        if !package.has("word/styles.xml") {
            return Ok(styles);
        }
        let mut open: Option<(String, Style)> = None;
        let read = package.read("word/styles.xml", |event| {
            match event {
                Event::Start(element) if element.local_name().as_ref() == "style" => {
                    open = attribute(&element, "styleId").map(|id| (id, Style::default()));
                }
                Event::Start(element) | Event::Empty(element) => {
                    if let Some((_, style)) = &mut open {
                        style.take(&element);
                    }
                }
                Event::End(element) if element.local_name().as_ref() == "style" => {
                    if let Some((id, style)) = open.take()
                        && styles.0.len() < STYLES
                    {
                        styles.0.insert(id, style);
                    }
                }
                _ => {}
            }
            Ok(())
        });
        match read {
            // Damaged styles cost the headings, not the text.
            Ok(()) | Err(ParseError::Corrupt(_)) => Ok(styles),
            Err(error) => Err(error),
        }
    }

    /// The role of paragraphs of that style: the first in the chain that says something.
    pub(crate) fn kind(&self, id: &str) -> Option<BlockKind> {
        let mut id = id;
        for _ in 0..CHAIN {
            // A style that is used and not defined is known by its id alone.
            let Some(style) = self.0.get(id) else {
                return kind_of_name(&id.to_lowercase());
            };
            if let Some(kind) = style.kind().or_else(|| kind_of_name(&id.to_lowercase())) {
                return Some(kind);
            }
            id = style.based_on.as_deref()?;
        }
        None
    }
}

impl Style {
    fn take(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            "name" => self.name = attribute(element, "val").unwrap_or_default().to_lowercase(),
            "basedOn" => self.based_on = attribute(element, "val"),
            "outlineLvl" => {
                self.outline_level = attribute(element, "val").and_then(|level| level.parse().ok())
            }
            "numPr" => self.has_numbering = true,
            _ => {}
        }
    }

    fn kind(&self) -> Option<BlockKind> {
        match self.outline_level {
            Some(level) if level < 9 => {
                return Some(BlockKind::Heading {
                    level: (level + 1).min(6),
                });
            }
            Some(_) => return Some(BlockKind::Paragraph),
            None => {}
        }
        kind_of_name(&self.name).or(self.has_numbering.then_some(BlockKind::ListItem))
    }
}

/// The role that a style's name or id tells, in English and Portuguese: `heading 2`, `Ttulo2` (Word drops letters
/// with accents from ids), `título`, `caption`, `legenda`.
pub(crate) fn kind_of_name(name: &str) -> Option<BlockKind> {
    for prefix in ["heading", "título", "titulo", "ttulo"] {
        let Some(level) = name.strip_prefix(prefix).map(str::trim) else {
            continue;
        };
        return match level.parse::<u8>() {
            Ok(level @ 1..=9) => Some(BlockKind::Heading { level: level.min(6) }),
            Err(_) if level.is_empty() && prefix != "heading" => Some(BlockKind::Heading { level: 1 }),
            _ => None,
        };
    }
    match name {
        "title" => Some(BlockKind::Heading { level: 1 }),
        "caption" | "legenda" => Some(BlockKind::Caption),
        "footnote text" | "footnotetext" | "endnote text" | "endnotetext" => Some(BlockKind::Footnote),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Style, Styles, kind_of_name};
    use ids_core::page::BlockKind::{Caption, Heading, Paragraph};
    use std::collections::HashMap;

    #[test]
    fn headings_are_known_by_name_in_both_languages() {
        assert_eq!(kind_of_name("heading 2"), Some(Heading { level: 2 }));
        assert_eq!(kind_of_name("ttulo3"), Some(Heading { level: 3 }));
        assert_eq!(kind_of_name("título"), Some(Heading { level: 1 }));
        assert_eq!(kind_of_name("heading 9"), Some(Heading { level: 6 }));
        assert_eq!(kind_of_name("legenda"), Some(Caption));
        assert_eq!(kind_of_name("headings"), None);
    }

    #[test]
    fn a_style_takes_after_the_one_it_is_based_on_and_a_ring_ends() {
        let style = |based_on: &str, outline_level| Style {
            name: "x".into(),
            based_on: Some(based_on.into()),
            outline_level,
            has_numbering: false,
        };
        let styles = Styles(HashMap::from([
            ("a".to_owned(), style("b", None)),
            ("b".to_owned(), style("a", None)),
            ("c".to_owned(), style("Heading2", None)),
            ("d".to_owned(), style("Heading2", Some(9))),
        ]));
        assert_eq!(styles.kind("a"), None);
        assert_eq!(styles.kind("c"), Some(Heading { level: 2 }));
        assert_eq!(styles.kind("d"), Some(Paragraph));
        assert_eq!(styles.kind("Ttulo1"), Some(Heading { level: 1 }));
    }
}
