//! The page being written and those before it, for formats whose text flows.

use ids_core::limits;
use ids_core::page::BlockKind;

use crate::builder::PageBuilder;
use crate::output::{Output, ParseError};

/// Pages one after the other; footnotes stand at the end of theirs.
pub(crate) struct Pages<'a> {
    pub(crate) builder: PageBuilder,
    output: &'a mut dyn Output,
    footnotes: Vec<String>,
    ended: u32,
}

impl<'a> Pages<'a> {
    /// The first page, empty.
    pub(crate) fn new(output: &'a mut dyn Output) -> Self {
        Self {
            builder: PageBuilder::new(1),
            output,
            footnotes: Vec::new(),
            ended: 0,
        }
    }

    /// Adds a note that is referred to on this page.
    pub(crate) fn add_footnote(&mut self, text: String) {
        self.footnotes.push(text);
    }

    /// Writes the page and begins the next.
    ///
    /// # Errors
    /// [`ParseError::TooLarge`] past [`limits::DOCUMENT_PAGES`].
    pub(crate) fn end_page(&mut self) -> Result<(), ParseError> {
        for note in std::mem::take(&mut self.footnotes) {
            self.builder.push(BlockKind::Footnote, &note)?;
        }
        self.ended += 1;
        if self.ended > limits::DOCUMENT_PAGES {
            return Err(ParseError::TooLarge("it has more pages than can be indexed"));
        }
        let next = PageBuilder::new(self.ended + 1);
        self.output
            .page(std::mem::replace(&mut self.builder, next).finish())
    }
}
