//! What the tokens add up to: groups with their fonts and destinations, paragraphs, tables.

use std::collections::HashMap;

use encoding_rs::Encoding;
use ids_core::page::BlockKind;
use rtf_grimoire::tokenizer::Token;

use super::destination::{Destination, is_known_extension, of_word};
use crate::builder::{PageBuilder, push_rows};
use crate::docx::kind_of_style;
use crate::encoding;
use crate::output::ParseError;

/// Groups inside groups; deeper ones join those around them.
const DEPTH: usize = 1_000;
/// Fonts, and styles, that are kept.
const TABLE_ENTRIES: usize = 10_000;

/// What holds inside a group, and ends with it.
#[derive(Clone)]
struct Group {
    destination: Destination,
    /// Its first word decides what it is for; `\*` came before it.
    is_new: bool,
    is_extension: bool,
    font: i32,
    /// How many bytes after `\u` are for programs that know no Unicode.
    substitutes: usize,
    is_hidden: bool,
    is_deleted: bool,
}

/// Properties of the paragraph that is open.
#[derive(Default, Clone, Copy)]
struct Paragraph {
    style: Option<i32>,
    outline_level: Option<u8>,
    is_list_item: bool,
    is_in_table: bool,
}

/// Reads tokens.
pub(super) struct Reader<'a> {
    builder: &'a mut PageBuilder,
    groups: Vec<Group>,
    too_deep: usize,
    encoding: &'static Encoding,
    fonts: HashMap<i32, &'static Encoding>,
    default_font: i32,
    styles: HashMap<i32, BlockKind>,
    /// The style of the table of styles whose name is being read.
    style: Paragraph,
    /// Bytes that wait for their font to be known to end.
    bytes: Vec<u8>,
    /// Half of a character beyond the first plane.
    high_surrogate: Option<u16>,
    /// Bytes still to be left out after `\u`.
    to_skip: usize,
    text: String,
    paragraph: Paragraph,
    footnote: String,
    footnotes: Vec<String>,
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    /// What was gathered for title, author or the name of a style.
    word: String,
    title: Option<String>,
    author: Option<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(builder: &'a mut PageBuilder) -> Self {
        Self {
            builder,
            groups: vec![Group {
                destination: Destination::Body,
                is_new: false,
                is_extension: false,
                font: 0,
                substitutes: 1,
                is_hidden: false,
                is_deleted: false,
            }],
            too_deep: 0,
            encoding: encoding_rs::WINDOWS_1252,
            fonts: HashMap::new(),
            default_font: 0,
            styles: HashMap::new(),
            style: Paragraph::default(),
            bytes: Vec::new(),
            high_surrogate: None,
            to_skip: 0,
            text: String::new(),
            paragraph: Paragraph::default(),
            footnote: String::new(),
            footnotes: Vec::new(),
            rows: Vec::new(),
            row: Vec::new(),
            word: String::new(),
            title: None,
            author: None,
        }
    }

    pub(super) fn take(&mut self, token: Token) -> Result<(), ParseError> {
        match token {
            Token::StartGroup => self.begin_group(),
            Token::EndGroup => self.end_group(),
            Token::Text(bytes) => {
                self.is_no_longer_new();
                let skipped = self.to_skip.min(bytes.len());
                self.to_skip -= skipped;
                if self.is_read() {
                    self.bytes.extend(&bytes[skipped..]);
                }
            }
            Token::ControlWord { name, arg } if name == "'" => {
                self.is_no_longer_new();
                if self.to_skip > 0 {
                    self.to_skip -= 1;
                } else if self.is_read() {
                    self.bytes.push(arg.unwrap_or(0) as u8);
                }
            }
            Token::ControlWord { name, arg } => {
                if self.to_skip > 0 {
                    self.to_skip -= 1;
                } else {
                    self.word(&name, arg)?;
                }
            }
            Token::ControlSymbol(symbol) => self.symbol(symbol)?,
            Token::ControlBin(_) => self.to_skip = self.to_skip.saturating_sub(1),
            Token::Newline(_) => {}
        }
        Ok(())
    }

    /// Writes what is open, then the notes; gives title and author.
    pub(super) fn finish(mut self) -> Result<(Option<String>, Option<String>), ParseError> {
        self.flush_bytes();
        self.end_paragraph()?;
        self.end_table()?;
        if !self.footnote.trim().is_empty() {
            self.footnotes.push(std::mem::take(&mut self.footnote));
        }
        for note in std::mem::take(&mut self.footnotes) {
            self.builder.push(BlockKind::Footnote, &note)?;
        }
        Ok((self.title, self.author))
    }

    fn group(&mut self) -> &mut Group {
        // The first group is never taken away.
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn begin_group(&mut self) {
        self.flush_bytes();
        self.to_skip = 0;
        if self.groups.len() >= DEPTH {
            self.too_deep += 1;
            return;
        }
        self.is_no_longer_new();
        let mut group = self.group().clone();
        group.is_new = true;
        group.is_extension = false;
        self.groups.push(group);
    }

    fn end_group(&mut self) {
        self.flush_bytes();
        self.to_skip = 0;
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        if self.groups.len() < 2 {
            return;
        }
        let Some(group) = self.groups.pop() else { return };
        let outer = self.group().destination;
        let word =
            |word: &mut String| Some(std::mem::take(word).trim().to_owned()).filter(|text| !text.is_empty());
        match group.destination {
            Destination::Title if outer != Destination::Title => self.title = word(&mut self.word),
            Destination::Author if outer != Destination::Author => self.author = word(&mut self.word),
            Destination::Styles => self.end_style(),
            Destination::Footnote if outer != Destination::Footnote => {
                self.footnotes.push(std::mem::take(&mut self.footnote));
            }
            _ => {}
        }
    }

    /// Keeps a style whose name or level makes its paragraphs more than running text.
    fn end_style(&mut self) {
        let name = std::mem::take(&mut self.word);
        let style = std::mem::take(&mut self.style);
        let Some(number) = style.style else { return };
        let heading = style.outline_level.map(|level| BlockKind::Heading { level });
        let kind = heading.or_else(|| kind_of_style(name.trim().trim_end_matches(';').to_lowercase().trim()));
        if let Some(kind) = kind
            && self.styles.len() < TABLE_ENTRIES
        {
            self.styles.insert(number, kind);
        }
    }

    fn is_no_longer_new(&mut self) {
        let group = self.group();
        group.is_new = false;
        group.is_extension = false;
    }

    /// Whether text here is read at all.
    fn is_read(&mut self) -> bool {
        let group = self.group();
        let is_table = matches!(
            group.destination,
            Destination::Fonts | Destination::LeftOut | Destination::Info
        );
        !is_table && !group.is_hidden && !group.is_deleted
    }

    fn symbol(&mut self, symbol: char) -> Result<(), ParseError> {
        if self.to_skip > 0 {
            self.to_skip -= 1;
            return Ok(());
        }
        match symbol {
            '*' => {
                let group = self.group();
                group.is_extension = group.is_new;
            }
            '~' => self.push_str(" "),
            '_' => self.push_str("-"),
            '\n' | '\r' => self.end_line("par")?,
            '{' | '}' | '\\' if self.is_read() => self.bytes.push(symbol as u8),
            _ => {}
        }
        Ok(())
    }

    fn word(&mut self, name: &str, arg: Option<i32>) -> Result<(), ParseError> {
        self.flush_bytes_unless(name);
        let group = self.group();
        let (is_new, is_extension) = (group.is_new, group.is_extension);
        group.is_new = false;
        group.is_extension = false;
        if let Some(destination) = of_word(name, group.destination) {
            group.destination = destination;
            return Ok(());
        }
        if is_new && is_extension && !is_known_extension(name) {
            group.destination = Destination::LeftOut;
            return Ok(());
        }
        // A switch without a number is on.
        let is_on = arg != Some(0);
        match name {
            "u" => self.unicode(arg.unwrap_or(0)),
            "uc" => self.group().substitutes = usize::try_from(arg.unwrap_or(1)).unwrap_or(1).min(100),
            "f" => self.group().font = arg.unwrap_or(0),
            "v" => self.group().is_hidden = is_on,
            "deleted" => self.group().is_deleted = is_on,
            "plain" => {
                let font = self.default_font;
                let group = self.group();
                (group.font, group.is_hidden, group.is_deleted) = (font, false, false);
            }
            "ansicpg" => self.encoding = encoding::of_code_page(arg.unwrap_or(1_252).unsigned_abs()),
            "mac" => self.encoding = encoding_rs::MACINTOSH,
            "deff" => {
                self.default_font = arg.unwrap_or(0);
                self.group().font = self.default_font;
            }
            "fcharset" => self.font_charset(arg.unwrap_or(0)),
            "tab" | "emspace" | "enspace" | "qmspace" | "nestcell" => self.push_str(" "),
            "emdash" => self.push_str("—"),
            "endash" => self.push_str("–"),
            "lquote" => self.push_str("‘"),
            "rquote" => self.push_str("’"),
            "ldblquote" => self.push_str("“"),
            "rdblquote" => self.push_str("”"),
            "bullet" => self.push_str("•"),
            _ => self.paragraph_word(name, arg)?,
        }
        Ok(())
    }

    /// Words about paragraphs and tables.
    fn paragraph_word(&mut self, name: &str, arg: Option<i32>) -> Result<(), ParseError> {
        let paragraph = match self.group().destination {
            Destination::Body => &mut self.paragraph,
            Destination::Styles => &mut self.style,
            Destination::Footnote if matches!(name, "par" | "line") => {
                self.footnote.push('\n');
                return Ok(());
            }
            _ => return Ok(()),
        };
        match name {
            "pard" => *paragraph = Paragraph::default(),
            "s" => paragraph.style = arg,
            "outlinelevel" => {
                let level = arg.and_then(|level| u8::try_from(level).ok());
                paragraph.outline_level = level.filter(|&level| level < 9).map(|level| (level + 1).min(6));
            }
            "ls" | "pnlvlblt" | "pnlvlbody" => paragraph.is_list_item = true,
            "intbl" => paragraph.is_in_table = true,
            "par" | "sect" | "page" | "line" | "cell" | "row" | "nestrow" => self.end_line(name)?,
            _ => {}
        }
        Ok(())
    }

    fn end_line(&mut self, word: &str) -> Result<(), ParseError> {
        if !matches!(self.group().destination, Destination::Body) {
            return Ok(());
        }
        self.flush_bytes();
        match word {
            "line" => self.text.push('\n'),
            "nestrow" => self.text.push(' '),
            "cell" => {
                let text = std::mem::take(&mut self.text);
                self.row.push(text);
            }
            "row" => {
                let row = std::mem::take(&mut self.row);
                self.rows.push(row);
            }
            _ if self.paragraph.is_in_table => self.text.push('\n'),
            _ => self.end_paragraph()?,
        }
        Ok(())
    }

    fn end_paragraph(&mut self) -> Result<(), ParseError> {
        let text = std::mem::take(&mut self.text);
        if !text.trim().is_empty() {
            self.end_table()?;
        }
        let paragraph = self.paragraph;
        let kind = match paragraph.outline_level {
            Some(level) => BlockKind::Heading { level },
            None => {
                let of_style = paragraph.style.and_then(|style| self.styles.get(&style)).copied();
                let list_item = paragraph.is_list_item.then_some(BlockKind::ListItem);
                of_style.or(list_item).unwrap_or(BlockKind::Paragraph)
            }
        };
        self.builder.push(kind, &text)
    }

    fn end_table(&mut self) -> Result<(), ParseError> {
        if !self.row.is_empty() {
            let row = std::mem::take(&mut self.row);
            self.rows.push(row);
        }
        push_rows(self.builder, &std::mem::take(&mut self.rows))
    }

    fn font_charset(&mut self, charset: i32) {
        let code_page = match charset {
            77 => 10_000,
            128 => 932,
            129 => 949,
            134 => 936,
            136 => 950,
            161 => 1_253,
            162 => 1_254,
            163 => 1_258,
            177 => 1_255,
            178 => 1_256,
            186 => 1_257,
            204 => 1_251,
            222 => 874,
            238 => 1_250,
            // The file's own, as for fonts of which nothing is said.
            _ => return,
        };
        let group = self.group();
        let font = group.font;
        if group.destination == Destination::Fonts && self.fonts.len() < TABLE_ENTRIES {
            self.fonts.insert(font, encoding::of_code_page(code_page));
        }
    }

    /// A unit of UTF-16, written as a number with a sign.
    fn unicode(&mut self, number: i32) {
        self.to_skip = self.group().substitutes;
        let unit = (number & 0xffff) as u16;
        let units = match (self.high_surrogate.take(), unit) {
            (_, 0xd800..=0xdbff) => {
                self.high_surrogate = Some(unit);
                return;
            }
            (Some(high), low @ 0xdc00..=0xdfff) => vec![high, low],
            (_, unit) => vec![unit],
        };
        let text: String = char::decode_utf16(units).flatten().collect();
        self.push_str(&text);
    }

    /// Bytes of one font are decoded together: a character may take two of them. Only `\'` goes on with them.
    fn flush_bytes_unless(&mut self, word: &str) {
        if word != "'" {
            self.flush_bytes();
        }
    }

    fn flush_bytes(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let font = self.group().font;
        let encoding = self.fonts.get(&font).copied().unwrap_or(self.encoding);
        let text = encoding.decode_without_bom_handling(&bytes).0.into_owned();
        self.write(&text);
    }

    fn push_str(&mut self, text: &str) {
        self.flush_bytes();
        if self.is_read() {
            self.write(text);
        }
    }

    fn write(&mut self, text: &str) {
        let target = match self.group().destination {
            Destination::Body => &mut self.text,
            Destination::Footnote => &mut self.footnote,
            Destination::Title | Destination::Author | Destination::Styles => &mut self.word,
            Destination::Fonts | Destination::Info | Destination::LeftOut => return,
        };
        target.push_str(text);
    }
}
