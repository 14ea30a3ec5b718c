//! From words to a page: lines joined at hyphens, paragraphs as Tesseract parts them, places in points where they were seen.

use ids_core::page::{BlockKind, LineBox, RecognizedWord};
use ids_core::span::CharSpan;

use super::prepare::Placement;
use super::tsv::{self, Word};
use crate::builder::{PageBuilder, PlacedLine};
use crate::output::{ParseError, ParsedPage};
use crate::pdf::hyphen;
use crate::pdf::layout::is_list_item;
use crate::pdf::lines::{Area, Line};

/// A line that recognition itself does not believe in is what it made of a picture or a stain.
const LINE_CONFIDENCE: u8 = 30;

/// The page whose words these are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sheet {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// Width and height, as pages have them.
    pub(crate) width: f32,
    /// Height.
    pub(crate) height: f32,
    /// How it was drawn.
    pub(crate) placement: Placement,
    /// Quarters that it was turned by after that.
    pub(crate) quarters: u8,
}

/// Writes the page; empty when nothing on it is a word.
///
/// # Errors
/// When it has more text than a document may.
pub(crate) fn read_page(sheet: &Sheet, words: &[Word]) -> Result<ParsedPage, ParseError> {
    let mut builder = PageBuilder::new(sheet.number).with_size(sheet.width, sheet.height);
    let mut confidences = Vec::new();
    for paragraph in words.chunk_by(|one, next| one.paragraph == next.paragraph) {
        let believed: Vec<&[Word]> = paragraph
            .chunk_by(|one, next| one.line == next.line)
            .filter(|line| is_believed(line))
            .collect();
        let mut lines: Vec<Line> = believed.iter().map(|line| sheet.line(line)).collect();
        let Some(first) = lines.first() else { continue };
        let kind = match is_list_item(&first.text) {
            true => BlockKind::ListItem,
            false => BlockKind::Paragraph,
        };
        hyphen::join(&mut lines);
        let placed: Vec<PlacedLine<'_>> = lines.iter().map(placed).collect();
        builder.push_placed(kind, 0.0, &placed)?;
        confidences.extend(believed.iter().map(|line| {
            let shares = line.iter().map(|word| word.confidence);
            shares.collect::<Vec<u8>>()
        }));
    }
    let mut parsed = builder.finish();
    // Heights of recognized lines differ too much to tell headings by them.
    parsed.sizes = Vec::new();
    parsed.page.words = placed_words(&parsed, &confidences);
    Ok(parsed)
}

fn is_believed(line: &[Word]) -> bool {
    let is_word = |word: &Word| word.text.chars().any(char::is_alphanumeric);
    tsv::confidence(line) >= LINE_CONFIDENCE && line.iter().any(is_word)
}

/// Where each word ended up, with how sure it is. A line is its words with a space between, but for a hyphen at its end.
fn placed_words(parsed: &ParsedPage, confidences: &[Vec<u8>]) -> Vec<RecognizedWord> {
    let text: Vec<char> = parsed.page.text.chars().collect();
    let mut words = Vec::new();
    for (line, confidences) in parsed.page.lines.iter().zip(confidences) {
        let (mut at, end) = (line.span.start, line.span.end);
        let mut confidences = confidences.iter();
        while at < end {
            let is_space = |at: u32| text.get(at as usize).is_none_or(|c| c.is_whitespace());
            if is_space(at) {
                at += 1;
                continue;
            }
            let start = at;
            while at < end && !is_space(at) {
                at += 1;
            }
            let Some(&confidence) = confidences.next() else {
                break;
            };
            words.push(RecognizedWord {
                span: CharSpan::new(start, at),
                confidence,
            });
        }
    }
    words
}

fn placed(line: &Line) -> PlacedLine<'_> {
    let area = line.area;
    PlacedLine {
        text: &line.text,
        place: LineBox {
            span: CharSpan::new(0, 0),
            x: area.left,
            y: area.top,
            width: area.right - area.left,
            height: area.height(),
        },
        joined: line.joined,
    }
}

impl Sheet {
    fn line(&self, words: &[Word]) -> Line {
        let text: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let text = text.join(" ");
        Line {
            joined: text.ends_with('-'),
            chars: (0, 0),
            text,
            area: self.area(words),
            size: 0.0,
        }
    }

    /// The rectangle around words, on the page as it is seen.
    fn area(&self, words: &[Word]) -> Area {
        let (source_width, source_height) = self.placement.source;
        let (across, down) = (
            self.width / source_width.max(1) as f32,
            self.height / source_height.max(1) as f32,
        );
        let mut area = Area {
            left: f32::INFINITY,
            top: f32::INFINITY,
            right: 0.0,
            bottom: 0.0,
        };
        for word in words {
            let (left, top, right, bottom) = word.area;
            for corner in [(left, top), (right, top), (left, bottom), (right, bottom)] {
                let (x, y) = self.placement.source_of(corner, self.quarters);
                let (x, y) = (
                    (x * across).clamp(0.0, self.width),
                    (y * down).clamp(0.0, self.height),
                );
                area.left = area.left.min(x);
                area.top = area.top.min(y);
                area.right = area.right.max(x);
                area.bottom = area.bottom.max(y);
            }
        }
        area
    }
}

#[cfg(test)]
mod tests {
    use ids_core::page::BlockKind;

    use super::{Placement, Sheet, Word, read_page};

    fn word(paragraph: u32, line: u32, text: &str, confidence: u8, left: f32) -> Word {
        let top = line as f32 * 100.0;
        Word {
            paragraph: (1, paragraph),
            line,
            text: text.to_owned(),
            confidence,
            area: (left, top, left + 90.0, top + 40.0),
        }
    }

    const LEVEL: Placement = Placement {
        source: (1_000, 2_000),
        quarters: 0,
        skew: 0.0,
        straight: (1_000, 2_000),
    };

    #[test]
    fn words_become_lines_and_keep_how_sure_they_are() {
        let words = [
            word(1, 1, "LEI", 96, 100.0),
            word(1, 1, "Nº", 40, 200.0),
            word(2, 2, "contra-", 90, 100.0),
            word(2, 3, "tação", 80, 100.0),
            word(2, 3, "direta", 91, 200.0),
            word(3, 4, "1.", 95, 100.0),
            word(3, 4, "item", 96, 200.0),
            // A stain.
            word(4, 5, "~§", 3, 100.0),
        ];
        let sheet = Sheet {
            number: 7,
            width: 500.0,
            height: 1_000.0,
            placement: LEVEL,
            quarters: 0,
        };
        let page = read_page(&sheet, &words).unwrap().page;
        assert_eq!(page.text, "LEI Nº\n\ncontratação direta\n\n1. item\n");
        let kinds: Vec<BlockKind> = page.blocks.iter().map(|block| block.kind).collect();
        use BlockKind::{ListItem, Paragraph};
        assert_eq!(kinds, [Paragraph, Paragraph, ListItem]);
        let sure: Vec<(&str, u8)> = page
            .words
            .iter()
            .map(|word| (word.span.slice(&page.text), word.confidence))
            .collect();
        assert_eq!(
            sure,
            [
                ("LEI", 96),
                ("Nº", 40),
                ("contra", 90),
                ("tação", 80),
                ("direta", 91),
                ("1.", 95),
                ("item", 96)
            ]
        );
        let first = page.lines[0];
        assert_eq!(
            (first.x, first.y, first.width, first.height),
            (50.0, 50.0, 95.0, 20.0)
        );
    }

    #[test]
    fn the_places_of_a_page_that_stood_on_its_head_are_those_that_are_seen() {
        let sheet = Sheet {
            number: 1,
            width: 1_000.0,
            height: 2_000.0,
            placement: LEVEL,
            quarters: 2,
        };
        let page = read_page(&sheet, &[word(1, 1, "LEI", 96, 100.0)]).unwrap().page;
        let line = page.lines[0];
        assert_eq!((line.x, line.y), (1_000.0 - 190.0, 2_000.0 - 140.0));
        assert_eq!((line.width, line.height), (90.0, 40.0));
    }
}
