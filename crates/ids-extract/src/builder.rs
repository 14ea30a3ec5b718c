//! Puts blocks together to a page, keeping the promises of [`Page`]: ordered, parted, covering all but white space.

use ids_core::limits;
use ids_core::page::{Block, BlockKind, LineBox, Page};
use ids_core::span::CharSpan;

use crate::output::{ParseError, ParsedPage};

/// A page being written. Blocks are cleaned as they come in: see [`PageBuilder::push`].
pub(crate) struct PageBuilder {
    page: Page,
    sizes: Vec<f32>,
    chars: usize,
}

impl PageBuilder {
    /// An empty page.
    pub(crate) fn new(number: u32) -> Self {
        Self {
            page: Page {
                number,
                ..Page::default()
            },
            sizes: Vec::new(),
            chars: 0,
        }
    }

    /// The same with a size in points.
    pub(crate) fn with_size(mut self, width: f32, height: f32) -> Self {
        self.page.width = Some(width);
        self.page.height = Some(height);
        self
    }

    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.page.blocks.is_empty()
    }

    /// Adds a block of text, whose lines end with line feeds. Control characters, soft hyphens and empty lines are
    /// left out, tabs become spaces, the ends of lines are trimmed; what is empty then is not added.
    ///
    /// # Errors
    /// [`ParseError::TooLarge`] past [`limits::DOCUMENT_CHARS`].
    pub(crate) fn push(&mut self, kind: BlockKind, text: &str) -> Result<(), ParseError> {
        let mark = self.begin_block();
        for line in text.split(['\n', '\u{0c}', '\u{2028}', '\u{2029}']) {
            self.push_line(mark, line)?;
        }
        self.end_block(mark, kind, None);
        Ok(())
    }

    /// Adds a block whose lines have places; `joined` says that a line goes on in the next one without a break.
    ///
    /// # Errors
    /// [`ParseError::TooLarge`] past [`limits::DOCUMENT_CHARS`].
    pub(crate) fn push_placed(
        &mut self,
        kind: BlockKind,
        size: f32,
        lines: &[PlacedLine<'_>],
    ) -> Result<(), ParseError> {
        let mark = self.begin_block();
        let mut join = false;
        let mut before: Option<&LineBox> = None;
        for line in lines {
            let is_beside = before.is_some_and(|before| is_beside(before, &line.place));
            before = Some(&line.place);
            // What stands apart on one line is one line.
            let is_apart = is_beside && !join && self.chars > mark.start;
            if is_apart {
                self.push_raw(" ");
            }
            let goes_on = join || is_apart;
            let start = if goes_on {
                self.chars
            } else {
                self.line_start(mark)
            };
            if goes_on {
                self.push_text(line.text)?
            } else {
                self.push_line(mark, line.text)?
            }
            if self.chars > start {
                let LineBox {
                    x, y, width, height, ..
                } = line.place;
                let span = CharSpan::new(offset(start), offset(self.chars));
                self.page.lines.push(LineBox {
                    span,
                    x,
                    y,
                    width,
                    height,
                });
                join = line.joined;
            }
        }
        self.end_block(mark, kind, Some(size));
        Ok(())
    }

    /// Adds a table as Markdown rows, the first of them its header; each cell that is there has a place.
    ///
    /// # Errors
    /// [`ParseError::TooLarge`] past [`limits::DOCUMENT_CHARS`].
    pub(crate) fn push_placed_table(
        &mut self,
        size: f32,
        rows: &[Vec<Option<PlacedLine<'_>>>],
    ) -> Result<(), ParseError> {
        let mark = self.begin_block();
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                self.push_raw("\n");
            }
            self.push_raw("|");
            for cell in row {
                self.push_raw(" ");
                if let Some(cell) = cell {
                    let start = self.chars;
                    self.push_text(&escaped(cell.text))?;
                    if self.chars > start {
                        self.page.lines.push(LineBox {
                            span: CharSpan::new(offset(start), offset(self.chars)),
                            ..cell.place
                        });
                    }
                }
                self.push_raw(" |");
            }
            if number == 0 {
                self.push_raw("\n|");
                self.push_raw(&" --- |".repeat(row.len()));
            }
        }
        self.end_block(mark, BlockKind::Table, Some(size));
        Ok(())
    }

    /// Adds what is ours and needs no cleaning.
    fn push_raw(&mut self, text: &str) {
        self.page.text.push_str(text);
        self.chars += text.chars().count();
    }

    /// The finished page.
    pub(crate) fn finish(self) -> ParsedPage {
        ParsedPage {
            page: self.page,
            sizes: self.sizes,
            needs_ocr: false,
        }
    }

    /// Writes the blank line that parts blocks; what is undone when the block stays empty.
    fn begin_block(&mut self) -> Mark {
        let mark = Mark {
            bytes: self.page.text.len(),
            before: self.chars,
            start: self.chars,
        };
        if self.page.text.is_empty() {
            return mark;
        }
        self.page.text.push('\n');
        self.chars += 1;
        Mark {
            start: self.chars,
            ..mark
        }
    }

    /// Where a line written now will begin: after the line feed that ends the line before it.
    fn line_start(&self, mark: Mark) -> usize {
        if self.chars == mark.start {
            self.chars
        } else {
            self.chars + 1
        }
    }

    fn push_line(&mut self, mark: Mark, line: &str) -> Result<(), ParseError> {
        let first = self.chars == mark.start;
        let line = if first { line.trim() } else { line.trim_end() };
        if !line.chars().any(|c| keeps(c) && !c.is_whitespace()) {
            return Ok(());
        }
        if !first {
            self.page.text.push('\n');
            self.chars += 1;
        }
        self.push_text(line)
    }

    fn push_text(&mut self, text: &str) -> Result<(), ParseError> {
        for c in text.chars().filter(|&c| keeps(c)) {
            self.page.text.push(if c.is_whitespace() { ' ' } else { c });
            self.chars += 1;
        }
        if self.chars > limits::DOCUMENT_CHARS {
            return Err(ParseError::TooLarge("it has more text than can be indexed"));
        }
        Ok(())
    }

    fn end_block(&mut self, mark: Mark, kind: BlockKind, size: Option<f32>) {
        if self.chars == mark.start {
            self.page.text.truncate(mark.bytes);
            self.chars = mark.before;
            return;
        }
        let span = CharSpan::new(offset(mark.start), offset(self.chars));
        self.page.blocks.push(Block { kind, span });
        self.page.text.push('\n');
        self.chars += 1;
        self.sizes.extend(size);
    }
}

/// A line of text with its place; the span of the place is not used.
pub(crate) struct PlacedLine<'a> {
    /// Its text, without a line feed.
    pub(crate) text: &'a str,
    /// Where it stands.
    pub(crate) place: LineBox,
    /// A word goes on in the next line.
    pub(crate) joined: bool,
}

/// Whether a line stands to the right of another one, at the same height.
fn is_beside(before: &LineBox, line: &LineBox) -> bool {
    let shared = (before.y + before.height).min(line.y + line.height) - before.y.max(line.y);
    shared > 0.6 * before.height.min(line.height).max(0.1) && line.x >= before.x + before.width
}

#[derive(Clone, Copy)]
struct Mark {
    bytes: usize,
    before: usize,
    start: usize,
}

/// Offsets are bounded by [`limits::DOCUMENT_CHARS`], far below `u32::MAX`.
fn offset(chars: usize) -> u32 {
    u32::try_from(chars).unwrap_or(u32::MAX)
}

/// Whether a character is kept: no controls but white space, no soft hyphens, marks of byte order or noncharacters.
/// White space is kept as a space, so that words stay apart.
fn keeps(c: char) -> bool {
    match c {
        '\t' => true,
        '\u{ad}' | '\u{feff}' | '\u{200b}' | '\u{fff9}'..='\u{fffb}' => false,
        _ => !c.is_control() && (u32::from(c) & 0xfffe) != 0xfffe && !('\u{fdd0}'..='\u{fdef}').contains(&c),
    }
}

/// Rows as Markdown: the first is the header. Rows of unequal length are filled up. Cells hold no line feeds.
pub(crate) fn markdown_table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        text.push('|');
        for column in 0..columns {
            let cell = row.get(column).map_or("", String::as_str);
            text.push(' ');
            push_cell(&mut text, cell);
            text.push_str(" |");
        }
        text.push('\n');
        if number == 0 {
            text.push('|');
            text.push_str(&" --- |".repeat(columns));
            text.push('\n');
        }
    }
    text
}

/// The cell with white space folded and its bars escaped.
fn push_cell(text: &mut String, cell: &str) {
    for (number, word) in cell.split_whitespace().enumerate() {
        if number > 0 {
            text.push(' ');
        }
        text.push_str(&escaped(word));
    }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Whether rows are worth a table: at least two rows and two columns of them filled. All else is a matter of layout.
pub(crate) fn is_table(rows: &[Vec<String>]) -> bool {
    rows.len() >= 2
        && rows
            .iter()
            .any(|row| row.iter().filter(|cell| !cell.trim().is_empty()).count() >= 2)
}

/// Writes rows as a table block, or, where they are layout, each cell as a paragraph.
pub(crate) fn push_rows(builder: &mut PageBuilder, rows: &[Vec<String>]) -> Result<(), ParseError> {
    // One long empty or ragged row must not be multiplied by thousands of rows: a table is at most 1,000 wide.
    let widest = rows.iter().map(Vec::len).max().unwrap_or(0);
    if is_table(rows) && widest <= 1_000 {
        return builder.push(BlockKind::Table, &markdown_table(rows));
    }
    for cell in rows.iter().flatten() {
        builder.push(BlockKind::Paragraph, cell)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{PageBuilder, markdown_table};
    use ids_core::page::BlockKind;

    #[test]
    fn blocks_are_parted_by_a_blank_line_and_empty_ones_leave_no_trace() {
        let mut builder = PageBuilder::new(1);
        for text in ["a\u{1}b\r\n\n\tc  ", " \u{ad}\u{200b} ", "é\u{fffe}"] {
            builder.push(BlockKind::Paragraph, text).unwrap();
        }
        let page = builder.finish().page;
        assert_eq!(page.text, "ab\n c\n\né\n");
        let texts: Vec<&str> = page
            .blocks
            .iter()
            .map(|block| block.span.slice(&page.text))
            .collect();
        assert_eq!(texts, ["ab\n c", "é"]);
    }

    #[test]
    fn rows_of_unequal_length_make_one_table_with_a_header() {
        let rows = vec![vec!["a".to_owned(), "b|c".to_owned()], vec!["1\n2".to_owned()]];
        assert_eq!(
            markdown_table(&rows),
            "| a | b\\|c |\n| --- | --- |\n| 1 2 |  |\n"
        );
    }
}
