//! Plain text: one page, paragraphs parted by blank lines.

use ids_core::page::BlockKind;

use crate::builder::PageBuilder;
use crate::output::{Output, ParseError};

/// Writes the one page of a text.
pub(crate) fn parse(text: &str, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut builder = PageBuilder::new(1);
    push_paragraphs(text, &mut builder)?;
    output.total(1)?;
    output.page(builder.finish())
}

/// Adds the paragraphs of a text to a page.
pub(crate) fn push_paragraphs(text: &str, builder: &mut PageBuilder) -> Result<(), ParseError> {
    let mut paragraph = String::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        for (number, part) in line.split('\u{0c}').enumerate() {
            // A form feed ends a printed page, and with it a paragraph; such pages are not ours (design.md 3.3).
            if number > 0 {
                end_paragraph(builder, &mut paragraph)?;
            }
            // A carriage return alone ends a line on old Macs.
            for part in part.split('\r') {
                if part.trim().is_empty() {
                    end_paragraph(builder, &mut paragraph)?;
                } else {
                    paragraph.push_str(part);
                    paragraph.push('\n');
                }
            }
        }
    }
    end_paragraph(builder, &mut paragraph)
}

fn end_paragraph(builder: &mut PageBuilder, paragraph: &mut String) -> Result<(), ParseError> {
    builder.push(BlockKind::Paragraph, paragraph)?;
    paragraph.clear();
    Ok(())
}
