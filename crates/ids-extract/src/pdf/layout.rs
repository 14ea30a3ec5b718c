//! From lines to blocks: tables by their columns, paragraphs and list items by gaps, indents and sizes. Headings, running headers and footers
//! need the whole document: see [`super::structure`] and [`crate::furniture`].

use std::ops::Range;

use ids_core::page::{BlockKind, LineBox};
use ids_core::span::CharSpan;

use super::captions;
use super::lines::Line;
use super::tables;
use crate::builder::{PageBuilder, PlacedLine};
use crate::output::ParseError;

/// A run of lines that belong together.
pub(crate) struct Lines {
    pub(super) kind: BlockKind,
    pub(super) from: usize,
    pub(super) to: usize,
    /// The cells of a table, row by row.
    rows: Vec<Vec<Option<usize>>>,
}

/// Parts the lines of a page into blocks, in order, leaving none out.
pub(crate) fn blocks(lines: &[Line]) -> Vec<Lines> {
    let leading = usual_leading(lines);
    let mut blocks = Vec::new();
    let mut from = 0;
    for table in tables::find(lines) {
        push_text(lines, from..table.lines.start, leading, &mut blocks);
        from = table.lines.end;
        blocks.push(Lines {
            kind: BlockKind::Table,
            from: table.lines.start,
            to: table.lines.end,
            rows: table.rows,
        });
    }
    push_text(lines, from..lines.len(), leading, &mut blocks);
    blocks
}

/// Parts lines that are in no table.
fn push_text(lines: &[Line], range: Range<usize>, leading: f32, blocks: &mut Vec<Lines>) {
    let lines = &lines[..range.end];
    let mut from = range.start;
    for at in range.start + 1..=range.end {
        if at == range.end || begins_block(lines, from, at, leading) {
            let kind = if is_list_item(&lines[from].text) {
                BlockKind::ListItem
            } else {
                BlockKind::Paragraph
            };
            blocks.push(Lines {
                kind,
                from,
                to: at,
                rows: Vec::new(),
            });
            from = at;
        }
    }
}

/// Writes a block of `lines` to a page.
pub(crate) fn push(builder: &mut PageBuilder, block: &Lines, lines: &[Line]) -> Result<(), ParseError> {
    let own = &lines[block.from..block.to];
    let size = own.iter().map(|line| line.size).fold(0.0, f32::max);
    if block.kind == BlockKind::Table {
        let row =
            |row: &Vec<Option<usize>>| row.iter().map(|cell| cell.map(|at| placed(&lines[at]))).collect();
        let rows: Vec<Vec<Option<PlacedLine<'_>>>> = block.rows.iter().map(row).collect();
        return builder.push_placed_table(size, &rows);
    }
    let placed: Vec<PlacedLine<'_>> = own.iter().map(placed).collect();
    builder.push_placed(block.kind, size, &placed)
}

fn placed(line: &Line) -> PlacedLine<'_> {
    let area = line.area;
    let place = LineBox {
        span: CharSpan::new(0, 0),
        x: area.left,
        y: area.top,
        width: area.right - area.left,
        height: area.height(),
    };
    PlacedLine {
        text: &line.text,
        place,
        joined: line.joined,
    }
}

/// The most frequent distance from one line's top to the next one's, as a multiple of the font size; 1.2 where a page
/// has too few lines to tell.
fn usual_leading(lines: &[Line]) -> f32 {
    let mut ratios: Vec<f32> = lines
        .windows(2)
        .filter(|pair| pair[0].size > 0.0 && is_same_size(pair[0].size, pair[1].size))
        .map(|pair| (pair[1].area.top - pair[0].area.top) / pair[0].size)
        .filter(|ratio| (0.8..2.5).contains(ratio))
        .collect();
    if ratios.len() < 4 {
        return 1.2;
    }
    ratios.sort_unstable_by(f32::total_cmp);
    // The lower third: gaps between paragraphs pull the median up on pages of short paragraphs.
    ratios[ratios.len() / 3]
}

/// Whether the line at `at` begins a block, when the block before it began at `from`.
fn begins_block(lines: &[Line], from: usize, at: usize, leading: f32) -> bool {
    let (before, line) = (&lines[at - 1], &lines[at]);
    if before.joined {
        return false;
    }
    if before.area.is_beside(&line.area) {
        // A further cell of a row belongs to it; a line beside and to the left is another column.
        return line.area.left < before.area.left;
    }
    if !is_same_size(before.size, line.size) || is_list_item(&line.text) || captions::begins(&line.text) {
        return true;
    }
    let size = line.size.max(1.0);
    let step = (line.area.top - before.area.top) / size;
    if step < 0.0 || step > leading * 1.35 {
        return true;
    }
    let block = &lines[from..at];
    let left = block
        .iter()
        .skip(1)
        .map(|line| line.area.left)
        .fold(f32::INFINITY, f32::min);
    let left = if left.is_finite() {
        left
    } else {
        block[0].area.left
    };
    let right = block.iter().map(|line| line.area.right).fold(0.0, f32::max);
    let indent = (line.area.left - left) / size;
    // Indented, and the line after it is not: the first line of a paragraph.
    if block.len() > 1 && (0.8..6.0).contains(&indent) {
        let returns = lines
            .get(at + 1)
            .is_none_or(|next| (next.area.left - left).abs() < 0.5 * size);
        if returns {
            return true;
        }
    }
    // The line before ended a sentence well short of the right margin.
    let is_short = before.area.right < right - 4.0 * size;
    is_short
        && ends_sentence(&before.text)
        && line
            .text
            .starts_with(|c: char| c.is_uppercase() || c.is_numeric())
}

fn is_same_size(one: f32, other: f32) -> bool {
    (one - other).abs() <= 0.12 * one.max(other)
}

fn ends_sentence(text: &str) -> bool {
    text.ends_with(['.', ':', '!', '?', ';'])
}

/// A bullet, a dash, `1.`, `12)`, `a)`, `IV -` in front of text.
pub(crate) fn is_list_item(text: &str) -> bool {
    let Some((mark, rest)) = text.split_once(' ') else {
        return false;
    };
    if rest.is_empty() {
        return false;
    }
    if let [only] = mark.chars().collect::<Vec<_>>()[..] {
        return "•◦▪▫●○■□‣⁃–—-*·➢✓".contains(only) || ('\u{f000}'..='\u{f0ff}').contains(&only);
    }
    let Some(label) = mark.strip_suffix([')', '.']) else {
        return false;
    };
    let label = label.strip_prefix('(').unwrap_or(label);
    let is_number = !label.is_empty() && label.len() <= 3 && label.bytes().all(|byte| byte.is_ascii_digit());
    let is_letter =
        label.len() == 1 && mark.ends_with(')') && label.bytes().all(|byte| byte.is_ascii_lowercase());
    is_number || is_letter
}

#[cfg(test)]
mod tests {
    use super::is_list_item;

    #[test]
    fn list_items_are_known_by_their_marks() {
        for text in [
            "• um",
            "– dois",
            "1. três",
            "12) quatro",
            "a) cinco",
            "(b) seis",
            "- sete",
        ] {
            assert!(is_list_item(text), "{text}");
        }
        for text in [
            "A casa",
            "2024. Depois",
            "Art. 5º",
            "1.2 Seção",
            "-sem espaço",
            "e foi",
        ] {
            assert!(!is_list_item(text), "{text}");
        }
    }
}
