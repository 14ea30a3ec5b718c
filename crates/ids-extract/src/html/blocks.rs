//! From tokens to blocks, with counters instead of a stack of open elements.

use std::cell::RefCell;

use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult};
use ids_core::page::BlockKind;

use super::elements::{attribute, fold, is_block, is_raw, leaves_out, raw_text};
use crate::builder::{PageBuilder, push_rows};
use crate::output::ParseError;

/// What one HTML text held.
pub(crate) struct Found {
    pub(crate) builder: PageBuilder,
    pub(crate) title: Option<String>,
    pub(crate) author: Option<String>,
}

/// The tokenizer's sink. Its trait takes `&self`, hence the cell.
pub(crate) struct HtmlBlocks(RefCell<State>);

struct State {
    builder: PageBuilder,
    error: Option<ParseError>,
    /// Text of the block that is open, white space folded unless `pre` is open.
    text: String,
    title: Option<String>,
    author: Option<String>,
    is_in_title: bool,
    /// The element whose content is left out, and how many of its name are open.
    skipped: Option<(String, u32)>,
    heading: Option<u8>,
    /// For each open list, whether an item of it is open: the end of an item may be left out.
    lists: Vec<bool>,
    /// How many items are open.
    items: usize,
    captions: u32,
    preformatted: u32,
    /// How many tables are open.
    tables: u32,
    /// The rows of the innermost table, while it looks like data; `None` outside of tables and in layout tables.
    rows: Option<Vec<Vec<String>>>,
}

impl HtmlBlocks {
    pub(crate) fn new(builder: PageBuilder) -> Self {
        Self(RefCell::new(State {
            builder,
            error: None,
            text: String::new(),
            title: None,
            author: None,
            is_in_title: false,
            skipped: None,
            heading: None,
            lists: Vec::new(),
            items: 0,
            captions: 0,
            preformatted: 0,
            tables: 0,
            rows: None,
        }))
    }

    /// Whether a limit was met, so that the rest need not be read.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.borrow().error.is_some()
    }

    /// What was found; the first error where there was one.
    pub(crate) fn finish(self) -> Result<Found, ParseError> {
        let mut state = self.0.into_inner();
        if state.error.is_none() {
            state.leave_tables();
            state.flush();
        }
        match state.error {
            Some(error) => Err(error),
            None => Ok(Found {
                builder: state.builder,
                title: state.title,
                author: state.author,
            }),
        }
    }
}

impl TokenSink for HtmlBlocks {
    type Handle = ();

    fn process_token(&self, token: Token, _line_number: u64) -> TokenSinkResult<()> {
        let mut state = self.0.borrow_mut();
        if state.error.is_some() {
            return TokenSinkResult::Continue;
        }
        match token {
            Token::TagToken(tag) => state.tag(&tag),
            Token::CharacterTokens(text) => {
                state.characters(&text);
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

impl State {
    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        if self.is_skipped(tag, name) {
            return raw_text(tag, name);
        }
        match tag.kind {
            TagKind::StartTag => {
                if leaves_out(tag, name) {
                    if !tag.self_closing || is_raw(name) {
                        self.skipped = Some((name.to_owned(), 1));
                    }
                } else {
                    self.open(tag, name);
                }
                raw_text(tag, name)
            }
            TagKind::EndTag => {
                self.close(name);
                TokenSinkResult::Continue
            }
        }
    }

    /// Counts the elements inside one that is left out, and says whether this tag is among them.
    fn is_skipped(&mut self, tag: &Tag, name: &str) -> bool {
        let Some((skipped, open)) = &mut self.skipped else {
            return false;
        };
        if skipped == name {
            match tag.kind {
                // A hidden paragraph ends where the next one begins.
                TagKind::StartTag if name == "p" => *open = 0,
                TagKind::StartTag => *open += 1,
                TagKind::EndTag => *open -= 1,
            }
        } else if skipped == "p" && is_block(name) {
            *open = 0;
        }
        if *open > 0 {
            return true;
        }
        let was_own_end = skipped == name && tag.kind == TagKind::EndTag;
        self.skipped = None;
        was_own_end
    }

    fn open(&mut self, tag: &Tag, name: &str) {
        match name {
            "title" => self.is_in_title = self.title.is_none(),
            "meta" => self.meta(tag),
            "br" => self.text.push('\n'),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.leave_data_table();
                self.flush();
                self.heading = name[1..].parse().ok();
            }
            "li" | "dt" | "dd" => {
                self.flush();
                if self.lists.is_empty() {
                    self.lists.push(false);
                }
                self.set_item(true);
            }
            "ul" | "ol" | "dl" => {
                self.flush();
                self.lists.push(false);
            }
            "caption" | "figcaption" => {
                self.flush();
                self.captions += 1;
            }
            "pre" | "textarea" | "listing" => {
                self.flush();
                self.preformatted += 1;
            }
            "table" => {
                self.leave_data_table();
                self.flush();
                self.tables += 1;
                self.rows = Some(Vec::new());
            }
            "tr" => {
                self.end_cell();
                if let Some(rows) = &mut self.rows {
                    rows.push(Vec::new());
                }
            }
            "td" | "th" => self.begin_cell(),
            _ if is_block(name) => self.flush(),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "title" => self.end_title(),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.flush();
                self.heading = None;
            }
            "li" | "dt" | "dd" => {
                self.flush();
                self.set_item(false);
            }
            "ul" | "ol" | "dl" => {
                self.flush();
                self.set_item(false);
                self.lists.pop();
            }
            "caption" | "figcaption" => {
                self.flush();
                self.captions = self.captions.saturating_sub(1);
            }
            "pre" | "textarea" | "listing" => {
                self.flush();
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            "table" => {
                self.leave_data_table();
                self.flush();
                self.tables = self.tables.saturating_sub(1);
            }
            "td" | "th" | "tr" => self.end_cell(),
            _ if is_block(name) => self.flush(),
            _ => {}
        }
    }

    /// Opens or ends the item of the innermost list.
    fn set_item(&mut self, is_open: bool) {
        let Some(item) = self.lists.last_mut() else { return };
        match (std::mem::replace(item, is_open), is_open) {
            (false, true) => self.items += 1,
            (true, false) => self.items -= 1,
            _ => {}
        }
    }

    fn meta(&mut self, tag: &Tag) {
        if attribute(tag, "name").is_some_and(|name| name.eq_ignore_ascii_case("author")) {
            let content = attribute(tag, "content")
                .map(fold)
                .filter(|text| !text.is_empty());
            self.author = self.author.take().or(content);
        }
    }

    fn end_title(&mut self) {
        if std::mem::take(&mut self.is_in_title) {
            let title = fold(&std::mem::take(&mut self.text));
            self.title = Some(title).filter(|text| !text.is_empty());
        }
    }

    fn characters(&mut self, text: &str) {
        if self.skipped.is_some() {
            return;
        }
        if self.preformatted > 0 && !self.is_in_title {
            self.text.push_str(text);
            return;
        }
        for c in text.chars() {
            // Not `char::is_whitespace`: a no-break space parts no lines and is folded to a space by the builder.
            if c.is_ascii_whitespace() {
                if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
                    self.text.push(' ');
                }
            } else {
                self.text.push(c);
            }
        }
    }

    /// Ends the block that is open. Inside a cell of a data table it only parts words.
    fn flush(&mut self) {
        self.end_title();
        if self.rows.is_some() && self.captions == 0 {
            self.text.push(' ');
            return;
        }
        let kind = match self.heading {
            Some(level) => BlockKind::Heading { level },
            None if self.captions > 0 => BlockKind::Caption,
            None if self.items > 0 => BlockKind::ListItem,
            None => BlockKind::Paragraph,
        };
        let text = std::mem::take(&mut self.text);
        self.push(kind, &text);
    }

    fn push(&mut self, kind: BlockKind, text: &str) {
        if self.error.is_none() {
            self.error = self.builder.push(kind, text).err();
        }
    }

    fn begin_cell(&mut self) {
        if self.rows.is_none() {
            self.flush();
            return;
        }
        self.end_cell();
        if let Some(rows) = &mut self.rows {
            if rows.is_empty() {
                rows.push(Vec::new());
            }
            if let Some(row) = rows.last_mut() {
                row.push(String::new());
            }
        }
    }

    /// Moves the text since the cell began into it; text between cells goes to the last one.
    fn end_cell(&mut self) {
        let Some(rows) = &mut self.rows else {
            self.flush();
            return;
        };
        if self.text.trim().is_empty() {
            self.text.clear();
            return;
        }
        match rows.last_mut().and_then(|row| row.last_mut()) {
            Some(cell) => {
                cell.push_str(&self.text);
                self.text.clear();
            }
            None => {
                // Text before the first cell stands before the table, as browsers show it.
                let text = std::mem::take(&mut self.text);
                self.push(BlockKind::Paragraph, &text);
            }
        }
    }

    /// Writes what there is of the innermost table. What follows in it (another table, a heading) shows that it is
    /// there for layout, so the rest of it is read as running text.
    fn leave_data_table(&mut self) {
        if self.rows.is_none() {
            return;
        }
        self.end_cell();
        if let Some(rows) = self.rows.take()
            && self.error.is_none()
        {
            self.error = push_rows(&mut self.builder, &rows).err();
        }
    }

    fn leave_tables(&mut self) {
        self.end_title();
        self.leave_data_table();
    }
}
