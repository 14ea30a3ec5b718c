//! Running headers, footers and page numbers: lines that come back at the same height on many pages.

use std::collections::HashMap;

use ids_core::page::{Block, BlockKind, LineBox, Page};
use ids_core::span::CharSpan;

/// The parts of a page's height, at its top and bottom, where they stand.
const ZONE: f32 = 0.15;
/// Lines of each zone that are looked at, from the edge on; what stands apart on one line counts for itself.
const LINES: usize = 5;
/// On fewer pages nothing is said to come back.
const PAGES: usize = 3;
/// Lines at about the same height: points.
const SAME_HEIGHT: f32 = 6.0;

/// Gives running headers and footers their own blocks. A line counts when the same text (digits aside) stands at the
/// same height on at least three pages, and on half of the pages from its first to its last: so the headers of a
/// chapter count, and those of left pages only. A page keeps its text when nothing else would be left of it.
/// `sizes` are parallel to each page's blocks, or empty.
pub(crate) fn mark(pages: &mut [Page], sizes: &mut [Vec<f32>]) {
    if pages.len() < PAGES {
        return;
    }
    let mut places: HashMap<(Zone, i32, String), Vec<usize>> = HashMap::new();
    for (index, page) in pages.iter().enumerate() {
        for edge in edge_lines(page) {
            // A height may fall on the border between two steps: it is filed under both.
            for step in [edge.step, edge.step + 1] {
                let seen = places.entry((edge.zone, step, edge.text.clone())).or_default();
                if seen.last() != Some(&index) {
                    seen.push(index);
                }
            }
        }
    }
    places.retain(|_, seen| comes_back(seen));
    if places.is_empty() {
        return;
    }
    for (index, page) in pages.iter_mut().enumerate() {
        let is_running = |edge: &Edge| {
            [edge.step, edge.step + 1].iter().any(|&step| {
                let seen = places.get(&(edge.zone, step, edge.text.clone()));
                seen.is_some_and(|seen| seen.binary_search(&index).is_ok())
            })
        };
        let marked: Vec<(usize, Zone)> = edge_lines(page)
            .iter()
            .filter(|edge| is_running(edge))
            .map(|edge| (edge.line, edge.zone))
            .collect();
        if marked.is_empty() || !leaves_text(page, &marked) {
            continue;
        }
        let page_sizes = sizes.get_mut(index).map(std::mem::take).unwrap_or_default();
        let new_sizes = split(page, &page_sizes, &marked);
        if let Some(sizes) = sizes.get_mut(index) {
            *sizes = new_sizes;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Zone {
    Top,
    Bottom,
}

/// A line near an edge of its page.
struct Edge {
    /// Its index among the page's lines.
    line: usize,
    zone: Zone,
    /// Its height, in steps of [`SAME_HEIGHT`].
    step: i32,
    /// Its text with numbers replaced.
    text: String,
}

fn comes_back(seen: &[usize]) -> bool {
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else {
        return false;
    };
    seen.len() >= PAGES && seen.len() * 2 > last - first
}

fn edge_lines(page: &Page) -> Vec<Edge> {
    let Some(height) = page.height.filter(|&height| height > 0.0) else {
        return Vec::new();
    };
    let middle = |line: &LineBox| line.y + line.height / 2.0;
    // The first rows of a table that runs over pages come back too, and are what its cells mean.
    let in_table = |line: &LineBox| {
        let tables = page.blocks.iter().filter(|block| block.kind == BlockKind::Table);
        tables
            .map(|block| block.span)
            .any(|span| (span.start..span.end).contains(&line.span.start))
    };
    let free: Vec<usize> = (0..page.lines.len())
        .filter(|&at| !in_table(&page.lines[at]))
        .collect();
    let zone = |is_in: &dyn Fn(f32) -> bool| -> Vec<usize> {
        free.iter()
            .copied()
            .filter(|&at| is_in(middle(&page.lines[at])))
            .collect()
    };
    let mut top = zone(&|y| y < height * ZONE);
    let mut bottom = zone(&|y| y > height * (1.0 - ZONE));
    top.sort_by(|&one, &other| middle(&page.lines[one]).total_cmp(&middle(&page.lines[other])));
    bottom.sort_by(|&one, &other| middle(&page.lines[other]).total_cmp(&middle(&page.lines[one])));
    let zones = [(Zone::Top, top), (Zone::Bottom, bottom)];
    let mut edges = Vec::new();
    for (zone, lines) in zones {
        for line in lines.into_iter().take(LINES) {
            let place = &page.lines[line];
            // From the nearer edge: pages of one document differ in size.
            let from_edge = if zone == Zone::Top {
                middle(place)
            } else {
                height - middle(place)
            };
            let text = without_numbers(place.span.slice(&page.text));
            edges.push(Edge {
                line,
                zone,
                step: (from_edge / SAME_HEIGHT).floor() as i32,
                text,
            });
        }
    }
    edges
}

/// Lower case, white space folded, numbers (a line that is a Roman one, too) replaced by `#`.
fn without_numbers(text: &str) -> String {
    let mut folded = String::new();
    for word in text.to_lowercase().split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        let mut in_number = false;
        for c in word.chars() {
            let is_digit = c.is_numeric();
            if is_digit && !in_number {
                folded.push('#');
            } else if !is_digit {
                folded.push(c);
            }
            in_number = is_digit;
        }
    }
    if !folded.is_empty() && folded.chars().all(|c| "ivxlc".contains(c)) {
        "#".to_owned()
    } else {
        folded
    }
}

/// Whether the page has text besides the marked lines.
fn leaves_text(page: &Page, marked: &[(usize, Zone)]) -> bool {
    let running: u32 = marked.iter().map(|&(line, _)| page.lines[line].span.len()).sum();
    let all: u32 = page.lines.iter().map(|line| line.span.len()).sum();
    running < all
}

/// Cuts blocks so that each marked line stands in a block of its own role. A line whose word goes on in the next is
/// left where it is.
fn split(page: &mut Page, sizes: &[f32], marked: &[(usize, Zone)]) -> Vec<f32> {
    let chars: Vec<char> = page.text.chars().collect();
    let role = |line: usize| {
        let zone = marked
            .iter()
            .find(|&&(at, _)| at == line)
            .map(|&(_, zone)| zone)?;
        let span = page.lines[line].span;
        let is_joined = page.lines.iter().any(|other| {
            let other = other.span;
            (other.end == span.start || other.start == span.end) && !other.is_empty()
        });
        let kind = if zone == Zone::Top {
            BlockKind::Header
        } else {
            BlockKind::Footer
        };
        (!is_joined).then_some(kind)
    };
    let mut text = String::with_capacity(page.text.len() + 8);
    let mut blocks = Vec::with_capacity(page.blocks.len() + 2);
    let mut lines = Vec::with_capacity(page.lines.len());
    let mut new_sizes = Vec::with_capacity(sizes.len() + 2);
    let mut written = 0_u32;
    let mut next_line = 0;
    for (number, block) in page.blocks.iter().enumerate() {
        // The block's parts: runs of lines of one role, each from its first line's start to the next part's.
        let mut parts: Vec<(BlockKind, u32)> = Vec::new();
        let mut block_lines = Vec::new();
        while let Some(line) = page
            .lines
            .get(next_line)
            .filter(|line| line.span.start < block.span.end)
        {
            let kind = role(next_line).unwrap_or(block.kind);
            if parts.last().is_none_or(|&(last, _)| last != kind) {
                let start = if parts.is_empty() {
                    block.span.start
                } else {
                    line.span.start
                };
                parts.push((kind, start));
            }
            block_lines.push((*line, parts.len() - 1));
            next_line += 1;
        }
        if parts.is_empty() {
            parts.push((block.kind, block.span.start));
        }
        let mut shifts = Vec::with_capacity(parts.len());
        for (at, &(kind, start)) in parts.iter().enumerate() {
            let end = parts
                .get(at + 1)
                .map_or(block.span.end, |&(_, next)| next.saturating_sub(1));
            if written > 0 {
                text.push('\n');
                written += 1;
            }
            let span = CharSpan::new(written, written + end.saturating_sub(start));
            shifts.push(i64::from(written) - i64::from(start));
            text.extend(&chars[start as usize..end.max(start) as usize]);
            text.push('\n');
            written = span.end + 1;
            blocks.push(Block { kind, span });
            new_sizes.extend(sizes.get(number));
        }
        for (line, part) in block_lines {
            let moved = |at: u32| u32::try_from(i64::from(at) + shifts[part]).unwrap_or(0);
            lines.push(LineBox {
                span: CharSpan::new(moved(line.span.start), moved(line.span.end)),
                ..line
            });
        }
    }
    page.text = text;
    page.blocks = blocks;
    page.lines = lines;
    new_sizes
}

#[cfg(test)]
mod tests {
    use super::{mark, without_numbers};
    use crate::builder::{PageBuilder, PlacedLine};
    use ids_core::page::{BlockKind, LineBox, Page};
    use ids_core::span::CharSpan;

    fn page(number: u32, lines: &[(&str, f32)]) -> Page {
        let mut builder = PageBuilder::new(number).with_size(595.0, 842.0);
        let place = |y| LineBox {
            span: CharSpan::new(0, 0),
            x: 70.0,
            y,
            width: 100.0,
            height: 12.0,
        };
        let placed: Vec<PlacedLine<'_>> = lines
            .iter()
            .map(|&(text, y)| PlacedLine {
                text,
                place: place(y),
                joined: false,
            })
            .collect();
        builder.push_placed(BlockKind::Paragraph, 10.0, &placed).unwrap();
        builder.finish().page
    }

    #[test]
    fn headers_and_page_numbers_get_blocks_of_their_own() {
        let mut pages: Vec<Page> = (1..=4)
            .map(|number| {
                let (body, foot) = (format!("texto da página {number}"), format!("{number} de 4"));
                page(
                    number,
                    &[
                        ("Lei Municipal", 30.0),
                        (&body, 400.0),
                        ("fim", 420.0),
                        (&foot, 800.0),
                    ],
                )
            })
            .collect();
        let mut sizes = vec![vec![10.0]; 4];
        mark(&mut pages, &mut sizes);
        let page = &pages[1];
        assert_eq!(page.text, "Lei Municipal\n\ntexto da página 2\nfim\n\n2 de 4\n");
        let parts: Vec<_> = page
            .blocks
            .iter()
            .map(|b| (b.kind, b.span.slice(&page.text)))
            .collect();
        assert_eq!(
            parts,
            [
                (BlockKind::Header, "Lei Municipal"),
                (BlockKind::Paragraph, "texto da página 2\nfim"),
                (BlockKind::Footer, "2 de 4")
            ]
        );
        let lines: Vec<_> = page
            .lines
            .iter()
            .map(|line| line.span.slice(&page.text))
            .collect();
        assert_eq!(lines, ["Lei Municipal", "texto da página 2", "fim", "2 de 4"]);
        assert_eq!(sizes[1], [10.0, 10.0, 10.0]);
    }

    #[test]
    fn a_page_of_one_line_keeps_it() {
        let mut pages: Vec<Page> = (1..=9)
            .map(|number| {
                let text = format!("o código {number}");
                page(number, &[(&text, 40.0)])
            })
            .collect();
        let before = pages.clone();
        mark(&mut pages, &mut vec![Vec::new(); 9]);
        assert_eq!(pages, before);
    }

    #[test]
    fn numbers_are_all_alike() {
        assert_eq!(without_numbers("Página 12 de 345"), "página # de #");
        assert_eq!(without_numbers("xiv"), "#");
    }
}
