//! Which blocks are bold and stand alone: headings in the size of running text.

use ids_core::page::BlockKind;
use pdfium_render::prelude::{PdfPageText, PdfPageTextChar, PdfPageTextChars};

use super::layout::Lines;
use super::lines::Line;
use super::structure;

/// Lines of such a heading, and characters.
const LINES: usize = 2;
const CHARS: usize = 120;
/// What the names of bold fonts have in them, in lower case; `cmbx` is that of TeX.
const NAMES: [&str; 6] = ["bold", "black", "heavy", "negrit", "-demi", "cmbx"];

/// Gives the blocks that are bold and short, and end no sentence, the lowest level of headings; the whole document decides what becomes of
/// them ([`structure::mark`]). Fonts are asked for of these blocks only: their names are costly.
pub(crate) fn mark(blocks: &mut [Lines], lines: &[Line], text: &PdfPageText<'_>) {
    let characters = text.chars();
    for block in blocks {
        let own = &lines[block.from..block.to];
        if matches!(block.kind, BlockKind::Paragraph | BlockKind::ListItem)
            && may_be_heading(own)
            && is_bold(own, &characters)
        {
            block.kind = structure::BOLD;
        }
    }
}

fn may_be_heading(lines: &[Line]) -> bool {
    let Some(last) = lines.last() else { return false };
    let chars: usize = lines.iter().map(|line| line.text.chars().count()).sum();
    let has_word = |line: &Line| {
        line.text
            .split(' ')
            .any(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 3)
    };
    lines.len() <= LINES
        && chars <= CHARS
        && !last.text.ends_with(['.', ';', ',', ':'])
        && lines.iter().any(has_word)
}

/// Whether the first and the last character of each line are bold: what is bold only at its beginning is a paragraph.
fn is_bold(lines: &[Line], characters: &PdfPageTextChars<'_>) -> bool {
    lines.iter().all(|line| {
        let (first, last) = line.chars;
        [first, last]
            .iter()
            .all(|&at| characters.get(at).is_ok_and(|character| is_bold_type(&character)))
    })
}

fn is_bold_type(character: &PdfPageTextChar<'_>) -> bool {
    let name = character.font_name().to_lowercase();
    NAMES.iter().any(|part| name.contains(part)) || character.font_is_bold_reenforced()
}
