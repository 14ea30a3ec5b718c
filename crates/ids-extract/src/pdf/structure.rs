//! What needs the sizes of a whole document: which blocks are headings, and of which level.

use ids_core::page::{BlockKind, Page};

/// A heading is at least this much larger than running text.
const LARGER: f32 = 1.15;
/// Sizes nearer to each other than this are one level.
const SAME_LEVEL: f32 = 1.06;
/// Longer blocks in large type are no headings.
const HEADING_CHARS: u32 = 200;
/// Lines of a heading.
const HEADING_LINES: usize = 4;

/// Makes headings of the paragraphs that are larger than the running text; `sizes` are parallel to each page's blocks.
pub(crate) fn mark_headings(pages: &mut [Page], sizes: &[Vec<f32>]) {
    let Some(body) = body_size(pages, sizes) else {
        return;
    };
    let mut levels: Vec<f32> = Vec::new();
    let mut candidates = Vec::new();
    for (page_index, (page, sizes)) in pages.iter().zip(sizes).enumerate() {
        for (block_index, (block, &size)) in page.blocks.iter().zip(sizes).enumerate() {
            let is_text = matches!(block.kind, BlockKind::Paragraph | BlockKind::ListItem);
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
        let level = u8::try_from(above + 1).unwrap_or(6).min(6);
        pages[page_index].blocks[block_index].kind = BlockKind::Heading { level };
    }
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
    use super::mark_headings;
    use crate::builder::PageBuilder;
    use ids_core::page::BlockKind;

    #[test]
    fn large_short_blocks_are_headings_by_size() {
        let mut builder = PageBuilder::new(1);
        for text in ["Título", "Capítulo", &"corpo ".repeat(50), "Seção", "2"] {
            builder.push(BlockKind::Paragraph, text).unwrap();
        }
        let mut pages = vec![builder.finish().page];
        mark_headings(&mut pages, &[vec![24.0, 16.0, 10.0, 15.8, 30.0]]);
        let levels: Vec<Option<u8>> = pages[0].blocks.iter().map(|block| block.kind.level()).collect();
        assert_eq!(levels, [Some(1), Some(2), None, Some(2), None]);
    }
}
