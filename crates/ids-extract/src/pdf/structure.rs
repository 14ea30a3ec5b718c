//! What needs the sizes of a whole document: which blocks are headings, and of which level; captions and footnotes.

use ids_core::page::{Block, BlockKind, Page};

use super::captions;

/// A heading is at least this much larger than running text.
const LARGER: f32 = 1.15;
/// Sizes nearer to each other than this are one level.
const SAME_LEVEL: f32 = 1.06;
/// Longer blocks in large type are no headings.
const HEADING_CHARS: u32 = 200;
/// Lines of a heading.
const HEADING_LINES: usize = 4;
/// The level that the child gives to what is bold and stands alone: see [`super::layout`].
pub(crate) const BOLD: BlockKind = BlockKind::Heading { level: 6 };
/// What follows a bold heading has at least so many characters, or is a list or a table: a name under a signature line has not.
const FOLLOWED_BY: u32 = 60;
/// Bold headings stand below this level: chunks are parted at the top level only, and bold lines are many.
const BOLD_LEVEL: usize = 2;
/// Type of footnotes is at most so large, as a share of running text.
const SMALLER: f32 = 0.93;
/// Footnotes begin below this share of the page's height.
const LOW: f32 = 0.4;
/// Running text below a footnote has more characters than this: a page number has not.
const PAGE_NUMBER: u32 = 6;
/// The most of a caption.
const CAPTION_CHARS: u32 = 300;

/// Gives blocks the roles that show in their type and place; `sizes` are parallel to each page's blocks, and empty where type says nothing.
pub(crate) fn mark(pages: &mut [Page], sizes: &[Vec<f32>]) {
    let Some(body) = body_size(pages, sizes) else {
        return;
    };
    for (page, sizes) in pages.iter_mut().zip(sizes) {
        mark_captions(page, sizes, body);
        mark_footnotes(page, sizes, body);
    }
    let levels = mark_large(pages, sizes, body);
    for (page, sizes) in pages.iter_mut().zip(sizes) {
        mark_bold(page, sizes, levels);
    }
}

/// Makes headings of the paragraphs that are larger than the running text; says how many levels there are.
fn mark_large(pages: &mut [Page], sizes: &[Vec<f32>], body: f32) -> usize {
    let mut levels: Vec<f32> = Vec::new();
    let mut candidates = Vec::new();
    for (page_index, (page, sizes)) in pages.iter().zip(sizes).enumerate() {
        for (block_index, (block, &size)) in page.blocks.iter().zip(sizes).enumerate() {
            let is_text = is_text(block) || block.kind == BOLD;
            if !is_text || size < body * LARGER || block.span.len() > HEADING_CHARS {
                continue;
            }
            let text = block.span.slice(&page.text);
            if text.lines().count() > HEADING_LINES || !text.chars().any(char::is_alphabetic) {
                continue;
            }
            candidates.push((page_index, block_index, size));
            levels.push(size);
        }
    }
    levels.sort_unstable_by(|one, other| other.total_cmp(one));
    levels.dedup_by(|smaller, larger| *larger <= *smaller * SAME_LEVEL);
    for (page_index, block_index, size) in candidates {
        let above = levels.iter().filter(|&&level| level > size * SAME_LEVEL).count();
        let level = u8::try_from(above + 1).unwrap_or(5).min(5);
        pages[page_index].blocks[block_index].kind = BlockKind::Heading { level };
    }
    levels.len()
}

/// Makes headings of what is bold and followed by text, one level below those in large type; what is not is text.
fn mark_bold(page: &mut Page, sizes: &[f32], levels: usize) {
    let level = u8::try_from((levels + 1).max(BOLD_LEVEL)).unwrap_or(6).min(6);
    for at in 0..page.blocks.len().min(sizes.len()) {
        if page.blocks[at].kind != BOLD {
            continue;
        }
        // Two in a row are a heading of two blocks, or of a chapter and its first section.
        let next = page.blocks[at + 1..].iter().find(|next| next.kind != BOLD);
        let is_followed = next.is_some_and(|next| match next.kind {
            BlockKind::ListItem | BlockKind::Table | BlockKind::Caption | BlockKind::Heading { .. } => true,
            BlockKind::Paragraph => next.span.len() >= FOLLOWED_BY,
            BlockKind::Footnote | BlockKind::Header | BlockKind::Footer => false,
        });
        page.blocks[at].kind = if is_followed {
            BlockKind::Heading { level }
        } else {
            BlockKind::Paragraph
        };
    }
}

/// Makes captions of what is worded like one and short, set smaller, or beside a table.
fn mark_captions(page: &mut Page, sizes: &[f32], body: f32) {
    for (at, &size) in sizes.iter().enumerate().take(page.blocks.len()) {
        let block = page.blocks[at];
        let is_text = is_text(&block) || block.kind == BOLD;
        if !is_text || block.span.len() > CAPTION_CHARS || !captions::begins(block.span.slice(&page.text)) {
            continue;
        }
        let is_table = |at: Option<usize>| {
            let block = at.and_then(|at| page.blocks.get(at));
            block.is_some_and(|block| block.kind == BlockKind::Table)
        };
        let is_beside_table = is_table(at.checked_sub(1)) || is_table(Some(at + 1));
        // In the size of running text and far from a table, only a line or two is no paragraph.
        let is_short = block.span.slice(&page.text).lines().count() <= 2;
        if is_beside_table || size < body * SMALLER || is_short {
            page.blocks[at].kind = BlockKind::Caption;
        }
    }
}

/// Makes footnotes of what is set smaller at the foot of the page and begins with a mark, and of what goes on below it.
fn mark_footnotes(page: &mut Page, sizes: &[f32], body: f32) {
    let Some(height) = page.height.filter(|&height| height > 0.0) else {
        return;
    };
    let places: Vec<Option<Place>> = page.blocks.iter().map(|block| Place::of(page, block)).collect();
    let is_running = |at: usize| {
        page.blocks[at].kind.is_body() && sizes.get(at).is_some_and(|&size| size > body * SMALLER)
    };
    let mut notes: Vec<usize> = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let (Some(place), Some(&size)) = (place, sizes.get(at)) else {
            continue;
        };
        let block = &page.blocks[at];
        if !is_text(block) || size > body * SMALLER || place.top < height * LOW {
            continue;
        }
        let others = |is_other: &dyn Fn(&Place) -> bool, least: u32| {
            (0..page.blocks.len()).any(|other| {
                is_running(other)
                    && page.blocks[other].span.len() > least
                    && places[other]
                        .as_ref()
                        .is_some_and(|other| other.shares_column(place) && is_other(other))
            })
        };
        let is_below_text = others(&|other| other.bottom <= place.top + size, PAGE_NUMBER);
        let is_above_text = others(&|other| other.top >= place.bottom - size / 2.0, PAGE_NUMBER);
        let goes_on = at > 0 && notes.last() == Some(&(at - 1));
        if is_below_text && !is_above_text && (goes_on || has_mark(block.span.slice(&page.text))) {
            notes.push(at);
        }
    }
    for at in notes {
        page.blocks[at].kind = BlockKind::Footnote;
    }
}

/// Whether a text begins with the mark of a footnote: a number, a letter in a parenthesis, a star.
fn has_mark(text: &str) -> bool {
    let is_raised = |c: char| matches!(c, '\u{b9}' | '\u{b2}' | '\u{b3}' | '\u{2070}'..='\u{2079}');
    let Some(first) = text.chars().next() else {
        return false;
    };
    if matches!(first, '*' | '†' | '‡' | '§') || is_raised(first) {
        return text.chars().any(char::is_alphabetic);
    }
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let rest = &text[digits..];
    let rest = rest
        .strip_prefix(['.', ')', '-', ':'])
        .unwrap_or(rest)
        .trim_start();
    // A number alone, or one with a thousands' point, is none.
    (1..=3).contains(&digits) && rest.starts_with(|c: char| c.is_alphabetic() || "\"“‘(".contains(c))
}

/// Where a block stands, in points from the page's top left.
struct Place {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl Place {
    fn of(page: &Page, block: &Block) -> Option<Self> {
        let own = |start: u32| (block.span.start..block.span.end).contains(&start);
        let from = page
            .lines
            .partition_point(|line| line.span.start < block.span.start);
        let lines = page.lines[from..].iter().take_while(|line| own(line.span.start));
        lines.fold(None, |place: Option<Self>, line| {
            let (right, bottom) = (line.x + line.width, line.y + line.height);
            Some(match place {
                None => Self {
                    left: line.x,
                    top: line.y,
                    right,
                    bottom,
                },
                Some(place) => Self {
                    left: place.left.min(line.x),
                    top: place.top.min(line.y),
                    right: place.right.max(right),
                    bottom: place.bottom.max(bottom),
                },
            })
        })
    }

    fn shares_column(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right
    }
}

const fn is_text(block: &Block) -> bool {
    matches!(block.kind, BlockKind::Paragraph | BlockKind::ListItem)
}

/// The size that most characters have, to half a point.
fn body_size(pages: &[Page], sizes: &[Vec<f32>]) -> Option<f32> {
    let mut chars = std::collections::BTreeMap::<u32, u64>::new();
    for (page, sizes) in pages.iter().zip(sizes) {
        for (block, &size) in page.blocks.iter().zip(sizes) {
            if size.is_finite() && size > 0.0 {
                *chars.entry((size * 2.0).round() as u32).or_default() += u64::from(block.span.len());
            }
        }
    }
    let (&halves, _) = chars.iter().max_by_key(|&(_, &count)| count)?;
    Some(halves as f32 / 2.0)
}

#[cfg(test)]
mod tests {
    use super::{BOLD, has_mark, mark};
    use crate::builder::{PageBuilder, PlacedLine};
    use ids_core::page::{BlockKind, LineBox, Page};
    use ids_core::span::CharSpan;

    #[test]
    fn large_short_blocks_are_headings_by_size() {
        let mut builder = PageBuilder::new(1);
        for text in ["Título", "Capítulo", &"corpo ".repeat(50), "Seção", "2"] {
            builder.push(BlockKind::Paragraph, text).unwrap();
        }
        let mut pages = vec![builder.finish().page];
        mark(&mut pages, &[vec![24.0, 16.0, 10.0, 15.8, 30.0]]);
        let levels: Vec<Option<u8>> = pages[0].blocks.iter().map(|block| block.kind.level()).collect();
        assert_eq!(levels, [Some(1), Some(2), None, Some(2), None]);
    }

    /// A page of blocks of one line each: kind, text, size, distance from the top.
    fn page(blocks: &[(BlockKind, &str, f32, f32)]) -> (Page, Vec<f32>) {
        let mut builder = PageBuilder::new(1).with_size(595.0, 842.0);
        for &(kind, text, size, y) in blocks {
            let place = LineBox {
                span: CharSpan::new(0, 0),
                x: 70.0,
                y,
                width: 400.0,
                height: size,
            };
            let line = PlacedLine {
                text,
                place,
                joined: false,
            };
            builder.push_placed(kind, size, &[line]).unwrap();
        }
        let parsed = builder.finish();
        (parsed.page, parsed.sizes)
    }

    fn kinds(blocks: &[(BlockKind, &str, f32, f32)]) -> Vec<BlockKind> {
        let (page, sizes) = page(blocks);
        let mut pages = vec![page];
        mark(&mut pages, &[sizes]);
        pages[0].blocks.iter().map(|block| block.kind).collect()
    }

    const TEXT: &str =
        "O contrato pode ser prorrogado por mais doze meses, desde que haja interesse das duas partes.";

    #[test]
    fn bold_lines_over_text_are_headings_below_the_top() {
        use BlockKind::{Heading, Paragraph};
        let kinds = kinds(&[
            (BOLD, "CAPÍTULO I", 10.0, 60.0),
            (BOLD, "DO PRAZO", 10.0, 80.0),
            (Paragraph, TEXT, 10.0, 100.0),
            (BOLD, "MARIA DA SILVA", 10.0, 500.0),
            (Paragraph, "Prefeita", 10.0, 520.0),
        ]);
        let heading = Heading { level: 2 };
        assert_eq!(kinds, [heading, heading, Paragraph, Paragraph, Paragraph]);
    }

    #[test]
    fn small_type_at_the_foot_with_a_mark_is_a_footnote() {
        use BlockKind::{Footnote, Paragraph};
        let below = [
            (Paragraph, TEXT, 11.0, 100.0),
            (Paragraph, TEXT, 11.0, 500.0),
            (Paragraph, "1 Lei nº 14.133, de 2021.", 8.5, 700.0),
            (Paragraph, "e as que a mudaram.", 8.5, 715.0),
            (Paragraph, "7", 11.0, 800.0),
        ];
        assert_eq!(
            kinds(&below),
            [Paragraph, Paragraph, Footnote, Footnote, Paragraph]
        );
        // With text below it, in the upper half, or without a mark it is none.
        let above = [
            (Paragraph, TEXT, 11.0, 100.0),
            (Paragraph, "1 Lei nº 14.133, de 2021.", 8.5, 500.0),
            (Paragraph, TEXT, 11.0, 600.0),
        ];
        let high = [
            (Paragraph, TEXT, 11.0, 100.0),
            (Paragraph, "1 Lei nº 14.133, de 2021.", 8.5, 200.0),
        ];
        let unmarked = [
            (Paragraph, TEXT, 11.0, 100.0),
            (Paragraph, "Rua das Flores, 12", 8.5, 700.0),
        ];
        for blocks in [&above[..], &high, &unmarked] {
            assert!(kinds(blocks).iter().all(|&kind| kind == Paragraph), "{blocks:?}");
        }
    }

    #[test]
    fn captions_are_short_or_small_or_beside_a_table() {
        use BlockKind::{Caption, Paragraph, Table};
        let kinds = kinds(&[
            (Paragraph, TEXT, 10.0, 60.0),
            (Paragraph, "Tabela 1 – Receitas por mês", 10.0, 80.0),
            (Table, "| a | b |", 10.0, 100.0),
            (Paragraph, "Figura 2: Mapa da zona rural", 8.0, 300.0),
            (Paragraph, "Tabela 1 mostra as receitas de cada mês.", 10.0, 400.0),
        ]);
        assert_eq!(kinds, [Paragraph, Caption, Table, Caption, Paragraph]);
    }

    #[test]
    fn marks_of_footnotes() {
        for text in [
            "1 Lei",
            "12. Cf. o anexo",
            "* Vigente",
            "¹ Lei",
            "3) “Prazo”",
            "1Conforme",
        ] {
            assert!(has_mark(text), "{text}");
        }
        for text in ["", "2024 foi", "1.500,00", "7", "Rua A", "*", "1 2 3"] {
            assert!(!has_mark(text), "{text}");
        }
    }
}
