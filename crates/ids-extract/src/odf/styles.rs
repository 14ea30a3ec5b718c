//! What paragraph styles mean: headings, captions, and breaks between pages.

use std::collections::HashMap;

use ids_core::page::BlockKind;
use quick_xml::events::{BytesStart, Event};

use crate::docx::kind_of_style;
use crate::output::ParseError;
use crate::package::Package;
use crate::xml::attribute;

/// How far the chain of styles that are based on one another is followed.
const CHAIN: usize = 10;
/// Styles that are kept; a long text has some thousands made by itself.
const STYLES: usize = 100_000;

/// The paragraph styles of a document, by name.
#[derive(Default)]
pub(super) struct Styles(HashMap<String, Style>);

#[derive(Default)]
struct Style {
    parent: Option<String>,
    breaks_before: bool,
    breaks_after: bool,
}

impl Styles {
    /// Reads the named styles, then those made for single paragraphs.
    pub(super) fn read(package: &mut Package) -> Result<Self, ParseError> {
        let mut styles = Self::default();
        for part in ["styles.xml", "content.xml"] {
            let mut open: Option<String> = None;
            let mut is_done = false;
            package.read_optional(part, |event| {
                match &event {
                    Event::Start(element) | Event::Empty(element) if !is_done => {
                        match element.local_name().as_ref() {
                            "style" => open = styles.begin(element),
                            "paragraph-properties" => {
                                if let Some(style) = open.as_ref().and_then(|name| styles.0.get_mut(name)) {
                                    style.take(element);
                                }
                            }
                            "body" => is_done = true,
                            _ => {}
                        }
                    }
                    _ => {}
                }
                Ok(())
            })?;
        }
        Ok(styles)
    }

    fn begin(&mut self, element: &BytesStart<'_>) -> Option<String> {
        let is_of_paragraphs = attribute(element, "family").is_some_and(|family| family == "paragraph");
        let name = attribute(element, "name").filter(|_| is_of_paragraphs && self.0.len() < STYLES)?;
        let style = Style {
            parent: attribute(element, "parent-style-name"),
            // A paragraph that begins with a page style of its own begins a page.
            breaks_before: attribute(element, "master-page-name").is_some_and(|page| !page.is_empty()),
            breaks_after: false,
        };
        self.0.insert(name.clone(), style);
        Some(name)
    }

    /// The role of paragraphs of that style: the first in the chain whose name says something.
    pub(super) fn kind(&self, name: &str) -> Option<BlockKind> {
        let mut name = name;
        for _ in 0..CHAIN {
            // `Heading_20_1`: other characters than letters and digits are written by their number.
            let plain = name.replace("_20_", " ").to_lowercase();
            if let Some(kind) = kind_of_style(&plain) {
                return Some(kind);
            }
            name = self.0.get(name)?.parent.as_deref()?;
        }
        None
    }

    /// Whether a page ends before, and after, paragraphs of that style.
    pub(super) fn breaks(&self, name: &str) -> (bool, bool) {
        self.0
            .get(name)
            .map_or((false, false), |style| (style.breaks_before, style.breaks_after))
    }
}

impl Style {
    fn take(&mut self, element: &BytesStart<'_>) {
        let is_page = |name| attribute(element, name).is_some_and(|value| value == "page");
        self.breaks_before |= is_page("break-before");
        self.breaks_after |= is_page("break-after");
    }
}
