//! Pages, their blocks, and the places of their lines.

use std::sync::Arc;

use ids_core::id::DocumentId;
use ids_core::library::PageView;
use ids_core::page::{Block, LineBox, Page};
use ids_core::page_image::PageImage;
use ids_core::span::CharSpan;
use serde::Serialize;
use utoipa::ToSchema;

use super::rounded;

/// A page's text and what stands where in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageBody {
    /// The document.
    document_id: String,
    /// From 1.
    page: u32,
    /// How many there are.
    page_count: u32,
    /// The text.
    text: String,
    /// Its blocks in reading order.
    blocks: Vec<BlockBody>,
    /// Where the text was recognized in a picture: how sure that is. Absent for text of the file's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    ocr: Option<OcrBody>,
}

/// How sure the recognition of a page is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OcrBody {
    /// Of all words, by their lengths: 0 to 100.
    confidence: u8,
    /// Words that may be wrong, in order.
    low_confidence: Vec<DoubtBody>,
}

/// A word that may be wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DoubtBody {
    /// Where it begins in the text (Unicode scalar values).
    start: u32,
    /// Where it ends, exclusive.
    end: u32,
    /// How sure it is: 0 to 100.
    confidence: u8,
}

impl OcrBody {
    fn new(page: &Page) -> Option<Self> {
        let doubtful = page.words.iter().filter(|word| word.is_doubtful());
        Some(Self {
            confidence: page.confidence()?,
            low_confidence: doubtful
                .map(|word| DoubtBody {
                    start: word.span.start,
                    end: word.span.end,
                    confidence: word.confidence,
                })
                .collect(),
        })
    }
}

/// A part of a page with one role.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BlockBody {
    /// heading, paragraph, list_item, table, caption, footnote, header or footer.
    #[schema(example = "heading")]
    kind: &'static str,
    /// Of a heading: 1 (highest) to 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    /// Where it begins in the text (Unicode scalar values).
    start: u32,
    /// Where it ends, exclusive.
    end: u32,
    /// Where it stands on the page, where known.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    place: Option<BoxBody>,
}

/// A rectangle, in points from the page's top left corner.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct BoxBody {
    /// The page, from 1.
    page: u32,
    /// Left edge.
    x: f64,
    /// Top edge.
    y: f64,
    /// Width.
    width: f64,
    /// Height.
    height: f64,
}

impl BoxBody {
    pub(super) fn of_line(page: u32, line: &LineBox) -> Self {
        Self {
            page,
            x: rounded(line.x),
            y: rounded(line.y),
            width: rounded(line.width),
            height: rounded(line.height),
        }
    }
}

/// The bytes of a PNG.
// Shared with the cache: a picture may have millions of bytes, and is sent without a copy.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(crate) struct PngBody(pub(crate) Arc<PageImage>);

impl AsRef<[u8]> for PngBody {
    fn as_ref(&self) -> &[u8] {
        &self.0.png
    }
}

impl PageBody {
    pub(crate) fn new(document_id: DocumentId, view: &PageView) -> Self {
        let page = &view.page;
        Self {
            document_id: document_id.to_string(),
            page: page.number,
            page_count: view.page_count,
            text: page.text.clone(),
            blocks: page
                .blocks
                .iter()
                .map(|block| BlockBody::new(page, block))
                .collect(),
            ocr: OcrBody::new(page),
        }
    }
}

impl BlockBody {
    fn new(page: &Page, block: &Block) -> Self {
        Self {
            kind: block.kind.as_str(),
            level: block.kind.level(),
            start: block.span.start,
            end: block.span.end,
            place: around(page, block.span),
        }
    }
}

/// The lines of text that a range touches, one box each.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoxesBody {
    /// The page's width in points; null where pages have no size.
    width: Option<f64>,
    /// The page's height in points.
    height: Option<f64>,
    /// One for each line of text; none where places are not known.
    boxes: Vec<BoxBody>,
}

impl BoxesBody {
    pub(crate) fn new(page: &Page, range: CharSpan) -> Self {
        Self {
            width: page.width.map(rounded),
            height: page.height.map(rounded),
            boxes: page
                .lines_in(range)
                .map(|line| BoxBody::of_line(page.number, line))
                .collect(),
        }
    }
}

/// The smallest rectangle around the lines that a range touches.
fn around(page: &Page, range: CharSpan) -> Option<BoxBody> {
    let mut lines = page.lines_in(range);
    let first = lines.next()?;
    let (mut left, mut top) = (first.x, first.y);
    let (mut right, mut bottom) = (first.x + first.width, first.y + first.height);
    for line in lines {
        left = left.min(line.x);
        top = top.min(line.y);
        right = right.max(line.x + line.width);
        bottom = bottom.max(line.y + line.height);
    }
    Some(BoxBody {
        page: page.number,
        x: rounded(left),
        y: rounded(top),
        width: rounded(right - left),
        height: rounded(bottom - top),
    })
}

#[cfg(test)]
mod tests {
    use ids_core::page::{LineBox, Page, RecognizedWord};
    use ids_core::span::CharSpan;

    use super::{BoxesBody, OcrBody, around};

    fn page() -> Page {
        let line = |start, end, y| LineBox {
            span: CharSpan::new(start, end),
            x: 10.0,
            y,
            width: f32::from(u8::try_from(end - start).unwrap()),
            height: 12.0,
        };
        Page {
            number: 3,
            lines: vec![line(0, 20, 50.0), line(21, 30, 64.0), line(32, 40, 90.0)],
            ..Page::default()
        }
    }

    #[test]
    fn a_range_has_one_box_for_each_line_it_touches() {
        let count = |start, end| BoxesBody::new(&page(), CharSpan::new(start, end)).boxes.len();
        assert_eq!(count(0, 40), 3);
        assert_eq!(count(19, 22), 2);
        assert_eq!(count(30, 32), 0);
        assert_eq!(count(5, 5), 0);
        assert_eq!(count(39, 99), 1);
    }

    #[test]
    fn words_that_may_be_wrong_are_told() {
        let word = |start, end, confidence| RecognizedWord {
            span: CharSpan::new(start, end),
            confidence,
        };
        let recognized = Page {
            words: vec![word(0, 3, 95), word(4, 10, 40), word(11, 12, 69)],
            ..Page::default()
        };
        let told = serde_json::to_value(OcrBody::new(&recognized)).unwrap();
        let expected = serde_json::json!({
            "confidence": (95 * 3 + 40 * 6 + 69) / 10,
            "low_confidence": [
                {"start": 4, "end": 10, "confidence": 40},
                {"start": 11, "end": 12, "confidence": 69},
            ],
        });
        assert_eq!(told, expected);
        assert!(OcrBody::new(&page()).is_none());
    }

    #[test]
    fn a_block_stands_in_the_rectangle_around_its_lines() {
        let place = around(&page(), CharSpan::new(0, 30)).unwrap();
        assert_eq!(
            (place.page, place.x, place.y, place.width, place.height),
            (3, 10.0, 50.0, 20.0, 26.0)
        );
        assert!(around(&page(), CharSpan::new(30, 31)).is_none());
    }
}
