//! What the parent lets in: a child whose parser was taken over must not be able to break a promise of the domain.

use ids_core::limits;
use ids_core::page::{ExtractionNote, NoteKind};
use ids_core::ports::MemberPart;

use super::admit::{Admission, Admitted};
use super::gathered::Gathered;
use super::process::{Answer, Step};
use super::wire::{self, Frame, Task};
use crate::dates;
use crate::output::{FACTS, NOTES, ParsedPage};

/// Puts a document together from frames.
#[derive(Default)]
pub(crate) struct Assembly {
    gathered: Gathered,
    chars: usize,
    total: Option<u32>,
    /// What comes in the document, where that was asked for.
    members: Option<Admission>,
}

/// The child broke a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BrokenPromise;

impl Answer for Assembly {
    type Whole = Gathered;

    fn take(&mut self, frame: &[u8]) -> Step {
        if let Some(piece) = self.members.as_mut().and_then(|members| members.piece(frame)) {
            return match piece {
                Ok(part) => Step::Member(part),
                Err(BrokenPromise) => Step::Nonsense,
            };
        }
        match serde_json::from_slice(frame) {
            Err(_) => Step::Nonsense,
            Ok(Frame::End) => Step::End,
            Ok(Frame::Failed { reason, text }) => Step::Failed(reason, text),
            Ok(frame @ (Frame::Member { .. } | Frame::MemberEnd | Frame::Skipped { .. })) => {
                self.member(frame)
            }
            Ok(frame) => match self.take_frame(frame) {
                Ok(()) => Step::More,
                Err(BrokenPromise) => Step::Nonsense,
            },
        }
    }

    /// What was said, when it is a document at all.
    fn finish(self) -> Result<Gathered, BrokenPromise> {
        let members_are_whole = self.members.as_ref().is_none_or(Admission::is_closed);
        if self.gathered.document.pages.is_empty() || !members_are_whole {
            return Err(BrokenPromise);
        }
        Ok(self.gathered)
    }
}

impl Assembly {
    /// Put together from what a child says that has this to do.
    pub(crate) fn of(task: Task) -> Self {
        Self {
            members: (task == Task::Unpack).then(Admission::default),
            ..Self::default()
        }
    }

    fn member(&mut self, frame: Frame) -> Step {
        let Some(members) = &mut self.members else {
            return Step::Nonsense;
        };
        match members.frame(frame) {
            Ok(Admitted::Part(part)) => Step::Member(part),
            Ok(Admitted::Note(note)) => match self.note(note) {
                Ok(()) => Step::More,
                Err(BrokenPromise) => Step::Nonsense,
            },
            Ok(Admitted::BrokenOff(note)) => match self.note(note) {
                Ok(()) => Step::Member(MemberPart::Broken),
                Err(BrokenPromise) => Step::Nonsense,
            },
            Err(BrokenPromise) => Step::Nonsense,
        }
    }

    /// Takes any frame but the two that end an answer.
    pub(crate) fn take_frame(&mut self, frame: Frame) -> Result<(), BrokenPromise> {
        match frame {
            Frame::Details { title, author } => {
                self.gathered.document.title =
                    title.map(|text| shortened(&text)).filter(|text| !text.is_empty());
                self.gathered.document.author = author
                    .map(|text| shortened(&text))
                    .filter(|text| !text.is_empty());
                Ok(())
            }
            Frame::Total { pages } => {
                self.total = Some(pages);
                Ok(())
            }
            Frame::Page(page) => self.page(page.into_parsed().ok_or(BrokenPromise)?),
            Frame::Note {
                page_number,
                kind,
                text,
            } => {
                let note = wire::note(page_number, &kind, shortened(&text)).ok_or(BrokenPromise)?;
                self.note(note)
            }
            Frame::NoSuchPage
            | Frame::Layers(_)
            | Frame::Member { .. }
            | Frame::MemberEnd
            | Frame::Skipped { .. }
            | Frame::End
            | Frame::Failed { .. } => Err(BrokenPromise),
        }
    }

    /// Pages that are read so far, and in all where that is known. Those for OCR are yet to be read.
    pub(crate) fn progress(&self) -> (u32, Option<u32>) {
        (
            self.gathered.count() - self.gathered.needs_ocr.len() as u32,
            self.total,
        )
    }

    fn page(&mut self, parsed: ParsedPage) -> Result<(), BrokenPromise> {
        let page = &parsed.page;
        let expected = u32::try_from(self.gathered.document.pages.len() + 1).map_err(|_| BrokenPromise)?;
        let sizes_fit = parsed.sizes.is_empty() || parsed.sizes.len() == page.blocks.len();
        let numbers = page.width.iter().chain(&page.height).chain(&parsed.sizes);
        let places = page
            .lines
            .iter()
            .flat_map(|line| [line.x, line.y, line.width, line.height]);
        let are_finite = numbers.copied().chain(places).all(f32::is_finite);
        if page.number != expected || expected > limits::DOCUMENT_PAGES || !sizes_fit || !are_finite {
            return Err(BrokenPromise);
        }
        self.chars += covered(&parsed).ok_or(BrokenPromise)?;
        if self.chars > limits::DOCUMENT_CHARS {
            return Err(BrokenPromise);
        }
        if parsed.needs_ocr {
            self.gathered.needs_ocr.push(expected);
        }
        self.gathered.document.pages.push(parsed.page);
        self.gathered.sizes.push(parsed.sizes);
        Ok(())
    }

    fn note(&mut self, note: ExtractionNote) -> Result<(), BrokenPromise> {
        // The language is the domain's to tell; dates are ones that a calendar has.
        let is_fine = match note.kind {
            NoteKind::Created | NoteKind::Modified => dates::of_xml(&note.text).as_ref() == Some(&note.text),
            NoteKind::Language => false,
            _ => true,
        };
        if self.gathered.document.notes.len() >= NOTES + FACTS || !is_fine {
            return Err(BrokenPromise);
        }
        self.gathered.document.notes.push(note);
        Ok(())
    }
}

/// The number of characters, when blocks are in order, do not overlap, and cover all but white space, and lines are in
/// order, do not overlap, and lie in the text; else `None`.
fn covered(parsed: &ParsedPage) -> Option<usize> {
    let page = &parsed.page;
    let mut blocks = page.blocks.iter().map(|block| block.span);
    let mut block = blocks.next();
    let mut count = 0_u32;
    for c in page.text.chars() {
        while let Some(span) = block.filter(|span| span.end <= count) {
            block = blocks.next();
            // An empty block, or one that begins before the last one ended.
            if span.is_empty() || block.is_some_and(|next| next.start < span.end) {
                return None;
            }
        }
        let is_inside = block.is_some_and(|span| span.start <= count);
        let is_allowed = if c == '\n' { true } else { !c.is_control() };
        if !is_allowed || (!is_inside && !c.is_whitespace()) {
            return None;
        }
        count = count.checked_add(1)?;
    }
    let all_end_inside =
        block.is_none_or(|span| !span.is_empty() && span.end <= count) && blocks.next().is_none();
    let mut line_end = 0;
    for line in &page.lines {
        if line.span.start < line_end || line.span.end > count {
            return None;
        }
        line_end = line.span.end;
    }
    all_end_inside.then_some(count as usize)
}

/// Words from a file for one line: bounded, without controls.
fn shortened(text: &str) -> String {
    let kept = text.chars().filter(|c| !c.is_control()).take(limits::TITLE_CHARS);
    kept.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Assembly, BrokenPromise};
    use crate::sandbox::wire::{Frame, WirePage};

    fn page(text: &str, blocks: &[(u32, u32)], lines: &[(u32, u32)]) -> Frame {
        Frame::Page(WirePage {
            number: 1,
            size: Some((1.0, 1.0)),
            text: text.to_owned(),
            blocks: blocks
                .iter()
                .map(|&(start, end)| ("paragraph".to_owned(), 0, start, end))
                .collect(),
            lines: lines
                .iter()
                .map(|&(start, end)| (start, end, 0.0, 0.0, 1.0, 1.0))
                .collect(),
            font_sizes: Vec::new(),
            needs_ocr: false,
        })
    }

    #[test]
    fn only_pages_that_keep_the_promises_come_in() {
        let check = |frame, expected| assert_eq!(Assembly::default().take_frame(frame), expected);
        check(page("ab\n\ncd\n", &[(0, 2), (4, 6)], &[(0, 2), (4, 6)]), Ok(()));
        check(page("", &[], &[]), Ok(()));
        check(page("ab\n", &[(0, 3)], &[]), Ok(()));
        let bad = Err(BrokenPromise);
        check(page("ab\n\ncd\n", &[(0, 2)], &[]), bad);
        check(page("ab\n\ncd\n", &[(0, 5), (4, 6)], &[]), bad);
        check(page("ab\n\ncd\n", &[(4, 6), (0, 2)], &[]), bad);
        check(page("ab\n", &[(0, 4)], &[]), bad);
        check(page("ab\n", &[(0, 2), (2, 2)], &[]), bad);
        check(page("ab\n", &[(0, 2), (5, 9)], &[]), bad);
        check(page("ab\n", &[(0, 2)], &[(1, 9)]), bad);
        check(page("ab\n", &[(0, 2)], &[(1, 2), (0, 1)]), bad);
        check(page("a\u{0}b", &[(0, 3)], &[]), bad);
    }
}
