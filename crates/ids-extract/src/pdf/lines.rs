//! From pdfium's characters to lines with places.

use pdfium_render::prelude::{
    PdfPage, PdfPageRenderRotation, PdfPageText, PdfPageTextChar, PdfPageTextCharIndex, PdfRect,
};

use super::{columns, hyphen};

/// Font sizes are asked for of every n-th character only: it is a costly call and sizes hardly change within a line.
const SIZE_EVERY: usize = 12;

/// What stands further apart on one line, in heights of it, may be cells or columns. Between words of justified text there
/// is hardly ever as much.
const APART: f32 = 2.0;

/// A page's visible area, and how its own coordinates (from the bottom left, before rotation) become points from the
/// top left of what a reader sees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    left: f32,
    bottom: f32,
    right: f32,
    top: f32,
    rotation: PdfPageRenderRotation,
    /// Points, as seen.
    pub(crate) width: f32,
    /// Points, as seen.
    pub(crate) height: f32,
}

/// A rectangle in points from the page's top left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
}

/// A line of text as it stands in the content.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Its text, white space folded, trimmed, never empty.
    pub(crate) text: String,
    pub(crate) area: Area,
    /// The font size that most of it has, in points.
    pub(crate) size: f32,
    /// A word was hyphenated at its end; the hyphen is still in the text where it belongs to the word.
    pub(crate) joined: bool,
    /// The first and the last of its characters, as pdfium counts them.
    pub(crate) chars: (PdfPageTextCharIndex, PdfPageTextCharIndex),
}

/// A line of 10 points at a place, for tests of what is made of lines.
#[cfg(test)]
pub(crate) fn line(text: &str, left: f32, top: f32, width: f32) -> Line {
    Line {
        text: text.to_owned(),
        area: Area {
            left,
            top,
            right: left + width,
            bottom: top + 10.0,
        },
        size: 10.0,
        joined: false,
        chars: (0, 0),
    }
}

impl Frame {
    /// The frame of a page: the intersection of its crop and media boxes, as pdfium computes it.
    pub(crate) fn of(page: &PdfPage<'_>) -> Self {
        let bounds = page.boundaries().bounding().map(|found| found.bounds);
        let rotation = page.rotation().unwrap_or(PdfPageRenderRotation::None);
        let (left, bottom, right, top) = match bounds {
            Ok(bounds) => (
                bounds.left().value,
                bounds.bottom().value,
                bounds.right().value,
                bounds.top().value,
            ),
            // US letter, which is what pdfium takes when a page says nothing.
            Err(_) => (0.0, 0.0, 612.0, 792.0),
        };
        let (wide, high) = (finite(right - left), finite(top - bottom));
        let is_turned = matches!(
            rotation,
            PdfPageRenderRotation::Degrees90 | PdfPageRenderRotation::Degrees270
        );
        let (width, height) = if is_turned { (high, wide) } else { (wide, high) };
        Self {
            left,
            bottom,
            right,
            top,
            rotation,
            width,
            height,
        }
    }

    /// A rectangle of the page's own coordinates as it is seen, cut to the page.
    fn place(&self, rect: &PdfRect) -> Area {
        let (left, right) = (rect.left().value, rect.right().value);
        let (bottom, top) = (rect.bottom().value, rect.top().value);
        let (x1, y1, x2, y2) = match self.rotation {
            PdfPageRenderRotation::None => (
                left - self.left,
                self.top - top,
                right - self.left,
                self.top - bottom,
            ),
            PdfPageRenderRotation::Degrees90 => (
                bottom - self.bottom,
                left - self.left,
                top - self.bottom,
                right - self.left,
            ),
            PdfPageRenderRotation::Degrees180 => (
                self.right - right,
                bottom - self.bottom,
                self.right - left,
                top - self.bottom,
            ),
            PdfPageRenderRotation::Degrees270 => (
                self.top - top,
                self.right - right,
                self.top - bottom,
                self.right - left,
            ),
        };
        Area {
            left: inside(x1.min(x2), self.width),
            top: inside(y1.min(y2), self.height),
            right: inside(x1.max(x2), self.width),
            bottom: inside(y1.max(y2), self.height),
        }
    }
}

impl Area {
    pub(crate) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    fn cover(&mut self, other: Self) {
        self.left = self.left.min(other.left);
        self.top = self.top.min(other.top);
        self.right = self.right.max(other.right);
        self.bottom = self.bottom.max(other.bottom);
    }

    /// Whether the two stand side by side: most of the lower one's height is shared.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        let shared = self.bottom.min(other.bottom) - self.top.max(other.top);
        shared > 0.6 * self.height().min(other.height()).max(0.1)
    }
}

/// The lines of a page in the order of its content, which is nearly always the order of reading: sorting them by
/// height would mix columns. Where it alternates between columns, they are put right.
pub(crate) fn read(text: &PdfPageText<'_>, frame: &Frame) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open = OpenLine::default();
    let mut surrogate = None;
    let characters = text.chars();
    for index in 0..characters.len() {
        let Ok(character) = characters.get(index) else {
            continue;
        };
        let value = character.unicode_value();
        let c = match (value, surrogate.take()) {
            (0xd800..=0xdbff, _) => {
                surrogate = Some(value);
                continue;
            }
            (0xdc00..=0xdfff, Some(high)) => {
                char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (value - 0xdc00))
            }
            _ => char::from_u32(value),
        };
        match c {
            Some('\r' | '\n') => open.end(false, &mut lines),
            Some(hyphen::MARK) => open.end(true, &mut lines),
            Some(c) if c.is_whitespace() => open.space(),
            Some(c) if !c.is_control() => open.push(c, &character, frame, &mut lines),
            _ => {}
        }
    }
    open.end(false, &mut lines);
    columns::sort(&mut lines);
    hyphen::join(&mut lines);
    lines
}

/// The line that is being read.
#[derive(Default)]
struct OpenLine {
    text: String,
    area: Option<Area>,
    last: Option<Area>,
    visible: usize,
    chars: Option<(PdfPageTextCharIndex, PdfPageTextCharIndex)>,
    /// Sizes that were seen, in tenths of a point.
    sizes: Vec<u32>,
}

impl OpenLine {
    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }

    fn push(&mut self, c: char, character: &PdfPageTextChar<'_>, frame: &Frame, lines: &mut Vec<Line>) {
        if let Ok(rect) = character.loose_bounds() {
            let place = frame.place(&rect);
            // pdfium parts lines by the direction of writing; where it fails, a step back to the left and down does.
            if let Some(last) = self.last
                && place.right < last.left
                && place.top > last.bottom
            {
                self.end(false, lines);
            }
            // It does not part what stands far apart on one line: cells, columns. The layout does, or puts them together.
            if let Some(last) = self.last
                && (place.left - last.right).max(last.left - place.right) > APART * last.height().max(1.0)
            {
                self.end(false, lines);
            }
            match &mut self.area {
                Some(area) => area.cover(place),
                None => self.area = Some(place),
            }
            self.last = Some(place);
        }
        if self.visible.is_multiple_of(SIZE_EVERY) {
            let size = character.scaled_font_size().value.abs();
            if size.is_finite() {
                self.sizes.push((size.min(10_000.0) * 10.0).round() as u32);
            }
        }
        self.visible += 1;
        let index = character.index();
        self.chars = Some((self.chars.map_or(index, |(first, _)| first), index));
        self.text.push(c);
    }

    fn end(&mut self, hyphenated: bool, lines: &mut Vec<Line>) {
        let mut line = std::mem::take(self);
        line.text.truncate(line.text.trim_end().len());
        if hyphenated && !line.text.is_empty() {
            line.text.push('-');
        }
        if line.text.is_empty() {
            return;
        }
        let area = line.area.unwrap_or(Area {
            left: 0.0,
            top: 0.0,
            right: 0.0,
            bottom: 0.0,
        });
        let size = median(&mut line.sizes).map_or(area.height(), |tenths| tenths as f32 / 10.0);
        let line = Line {
            text: line.text,
            area,
            size,
            joined: hyphenated,
            chars: line.chars.unwrap_or_default(),
        };
        match lines.last_mut() {
            Some(before) if continues_row(before, &line) => {
                // The mark of a footnote is raised, and much smaller than what follows it.
                if line.text.len() > before.text.len() {
                    before.size = line.size;
                }
                before.text.push(' ');
                before.text.push_str(&line.text);
                before.area.cover(line.area);
                before.joined = line.joined;
                before.chars.1 = line.chars.1;
            }
            _ => lines.push(line),
        }
    }
}

/// Whether a line is a further piece of the one before it: beside it, to its right, and near.
fn continues_row(before: &Line, line: &Line) -> bool {
    let gap = line.area.left - before.area.right;
    !before.joined && before.area.is_beside(&line.area) && gap > -0.5 * before.size && gap < 2.0 * before.size
}

fn median(values: &mut [u32]) -> Option<u32> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

fn finite(value: f32) -> f32 {
    if value.is_finite() {
        value.clamp(0.0, 1_000_000.0)
    } else {
        0.0
    }
}

fn inside(value: f32, limit: f32) -> f32 {
    if value.is_finite() {
        value.clamp(0.0, limit)
    } else {
        0.0
    }
}
