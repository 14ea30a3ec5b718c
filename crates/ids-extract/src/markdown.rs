//! Markdown: one page, text without markup.

use ids_core::page::BlockKind;
use pulldown_cmark::{Event, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use crate::builder::{PageBuilder, push_rows};
use crate::html;
use crate::output::{Output, ParseError};

/// Writes the one page of a Markdown text; title and author come from its front matter.
pub(crate) fn parse(text: &str, output: &mut dyn Output) -> Result<(), ParseError> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let mut blocks = MarkdownBlocks {
        builder: PageBuilder::new(1),
        ..MarkdownBlocks::default()
    };
    for event in Parser::new_ext(text, options) {
        blocks.take(event)?;
    }
    blocks.flush()?;
    output.details(blocks.title, blocks.author)?;
    output.total(1)?;
    output.page(blocks.builder.finish())
}

/// Gathers the text of the block that is open.
struct MarkdownBlocks {
    builder: PageBuilder,
    text: String,
    heading: Option<u8>,
    items: u32,
    footnotes: u32,
    rows: Vec<Vec<String>>,
    is_in_table: bool,
    is_in_metadata: bool,
    html: String,
    title: Option<String>,
    author: Option<String>,
}

impl Default for MarkdownBlocks {
    fn default() -> Self {
        Self {
            builder: PageBuilder::new(1),
            text: String::new(),
            heading: None,
            items: 0,
            footnotes: 0,
            rows: Vec::new(),
            is_in_table: false,
            is_in_metadata: false,
            html: String::new(),
            title: None,
            author: None,
        }
    }
}

impl MarkdownBlocks {
    fn take(&mut self, event: Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::Start(tag) => self.open(&tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) if self.is_in_metadata => {
                self.metadata(&text);
                Ok(())
            }
            Event::Text(text) | Event::Code(text) => {
                self.text.push_str(&text);
                Ok(())
            }
            Event::SoftBreak | Event::HardBreak => {
                self.text.push('\n');
                Ok(())
            }
            Event::Html(html) => {
                self.html.push_str(&html);
                Ok(())
            }
            Event::Rule => self.flush(),
            Event::InlineHtml(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => Ok(()),
        }
    }

    fn open(&mut self, tag: &Tag<'_>) -> Result<(), ParseError> {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush()?;
                self.heading = Some(*level as u8);
            }
            Tag::Item => {
                self.flush()?;
                self.items += 1;
            }
            Tag::FootnoteDefinition(_) => {
                self.flush()?;
                self.footnotes += 1;
            }
            Tag::Table(_) => {
                self.flush()?;
                self.is_in_table = true;
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::MetadataBlock(MetadataBlockKind::YamlStyle | MetadataBlockKind::PlusesStyle) => {
                self.is_in_metadata = true;
            }
            Tag::Paragraph | Tag::BlockQuote(_) | Tag::CodeBlock(_) | Tag::List(_) | Tag::HtmlBlock => {
                self.flush()?;
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, tag: TagEnd) -> Result<(), ParseError> {
        match tag {
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.text);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                self.is_in_table = false;
                push_rows(&mut self.builder, &std::mem::take(&mut self.rows))?;
            }
            TagEnd::Item => {
                self.flush()?;
                self.items = self.items.saturating_sub(1);
            }
            TagEnd::FootnoteDefinition => {
                self.flush()?;
                self.footnotes = self.footnotes.saturating_sub(1);
            }
            TagEnd::MetadataBlock(_) => self.is_in_metadata = false,
            TagEnd::HtmlBlock => html::push_blocks(&std::mem::take(&mut self.html), &mut self.builder)?,
            TagEnd::Heading(_) => {
                self.flush()?;
                self.heading = None;
            }
            TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::BlockQuote(_) | TagEnd::List(_) => {
                self.flush()?
            }
            _ => {}
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ParseError> {
        if self.is_in_table {
            return Ok(());
        }
        let kind = match self.heading {
            Some(level) => BlockKind::Heading { level },
            None if self.footnotes > 0 => BlockKind::Footnote,
            None if self.items > 0 => BlockKind::ListItem,
            None => BlockKind::Paragraph,
        };
        self.builder.push(kind, &self.text)?;
        self.text.clear();
        Ok(())
    }

    /// `title:` and `author:` of front matter, in YAML or TOML; all else in it is left out.
    fn metadata(&mut self, text: &str) {
        for line in text.lines() {
            let Some((key, value)) = line.split_once([':', '=']) else {
                continue;
            };
            let value = value.trim().trim_matches(['"', '\'']).trim();
            let field = match key.trim() {
                "title" => &mut self.title,
                "author" => &mut self.author,
                _ => continue,
            };
            if !value.is_empty() {
                *field = Some(value.to_owned());
            }
        }
    }
}
