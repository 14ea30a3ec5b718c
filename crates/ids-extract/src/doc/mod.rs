//! DOC, the binary format of Word 97 to 2003 ([MS-DOC]), and the plain case of Word 6 and 95: the text lies in pieces, of one
//! byte a character or of two; paragraphs and runs have their properties in pages of 512 bytes beside it.

mod fib;
mod pieces;
mod properties;
mod text;

use std::fs::File;

use ids_core::page::BlockKind;

use self::fib::Fib;
use self::pieces::Pieces;
use self::properties::PropertyPages;
use self::text::TextReader;
use crate::builder::PageBuilder;
use crate::encoding;
use crate::ole::Ole;
use crate::output::{Output, ParseError};
use crate::plain;

/// Writes the one page of a Word file: its pages are made by whoever shows it.
pub(crate) fn parse(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut ole = Ole::open(file)?;
    let document = ole
        .stream("/WordDocument")
        .ok_or(ParseError::Corrupt("it has no text part"))?;
    let fib = Fib::read(&document)?;
    let mut builder = PageBuilder::new(1);
    if fib.is_old {
        push_old_text(&document, &fib, &mut builder)?;
    } else {
        let table = ole
            .stream(if fib.uses_table_1 { "/1Table" } else { "/0Table" })
            .ok_or(ParseError::Corrupt("it has no table of its text"))?;
        push_text(&document, &table, &fib, &mut builder)?;
    }
    let properties = ole.properties();
    properties.write(output)?;
    output.total(1)?;
    output.page(builder.finish())
}

/// The text with its structure: body, text boxes, then footnotes and endnotes. Headers and comments are left out.
fn push_text(document: &[u8], table: &[u8], fib: &Fib, builder: &mut PageBuilder) -> Result<(), ParseError> {
    let pieces = Pieces::read(fib.part(table, fib::CLX))?;
    let paragraphs = PropertyPages::of_paragraphs(document, fib.part(table, fib::PARAGRAPHS));
    let runs = PropertyPages::of_runs(document, fib.part(table, fib::RUNS));
    let mut reader = TextReader::new(document, &paragraphs, &runs);
    let stories = fib.stories();
    reader.push(&pieces, stories.body, None, builder)?;
    reader.push(&pieces, stories.text_boxes, None, builder)?;
    reader.push(&pieces, stories.footnotes, Some(BlockKind::Footnote), builder)?;
    reader.push(&pieces, stories.endnotes, Some(BlockKind::Footnote), builder)
}

/// Word 6 and 95: one run of bytes, unless it was saved in a hurry.
fn push_old_text(document: &[u8], fib: &Fib, builder: &mut PageBuilder) -> Result<(), ParseError> {
    let text = fib
        .old_text
        .clone()
        .and_then(|range| document.get(range))
        .ok_or(ParseError::Corrupt(
            "it was saved in pieces by a version of Word before 97",
        ))?;
    let text = encoding::of_code_page(1_252).decode_without_bom_handling(text).0;
    let text: String = text
        .chars()
        .map(|c| match c {
            '\r' | '\u{7}' | '\u{c}' => '\n',
            c => c,
        })
        .collect();
    // Each paragraph is a line.
    plain::push_paragraphs(&text.replace('\n', "\n\n"), builder)
}
