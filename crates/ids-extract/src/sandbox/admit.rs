//! What the parent lets in of members: a path of its own that leads nowhere but down, in order, within the limits.

use std::collections::HashSet;

use ids_core::limits;
use ids_core::member::{MemberPath, SkipReason, Skipped};
use ids_core::page::ExtractionNote;
use ids_core::ports::MemberPart;

use super::validate::BrokenPromise;
use super::wire::{Frame, MEMBER_PIECE};

/// Checks the pieces of members.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// The path of the member whose bytes are coming.
    open: Option<MemberPath>,
    paths: HashSet<MemberPath>,
    given: usize,
    skipped: usize,
    bytes: u64,
}

/// What is let in.
pub(super) enum Admitted {
    /// For whoever takes members.
    Part(MemberPart),
    /// For the notes of the document.
    Note(ExtractionNote),
    /// Both: a member that began is given up, and the note says why.
    BrokenOff(ExtractionNote),
}

impl Admission {
    /// The bytes of a piece, when `frame` is one.
    pub(super) fn piece(&mut self, frame: &[u8]) -> Option<Result<MemberPart, BrokenPromise>> {
        let (&first, bytes) = frame.split_first()?;
        (first == MEMBER_PIECE).then(|| {
            self.bytes += bytes.len() as u64;
            if self.open.is_none() || self.bytes > limits::MEMBERS_BYTES {
                return Err(BrokenPromise);
            }
            Ok(MemberPart::Bytes(bytes.to_vec()))
        })
    }

    /// A beginning, an end or a member that was passed over; anything else is none of them.
    pub(super) fn frame(&mut self, frame: Frame) -> Result<Admitted, BrokenPromise> {
        match frame {
            Frame::Member { path } => {
                let path = MemberPath::parse(&path).ok_or(BrokenPromise)?;
                self.given += 1;
                if self.open.is_some()
                    || self.given > limits::MEMBERS_PER_FILE
                    || !self.paths.insert(path.clone())
                {
                    return Err(BrokenPromise);
                }
                self.open = Some(path.clone());
                Ok(Admitted::Part(MemberPart::Begin(path)))
            }
            Frame::MemberEnd => match self.open.take() {
                Some(_) => Ok(Admitted::Part(MemberPart::End)),
                None => Err(BrokenPromise),
            },
            Frame::Skipped { path, reason } => {
                let path = MemberPath::parse(&path).ok_or(BrokenPromise)?;
                let reason = SkipReason::from_name(&reason).ok_or(BrokenPromise)?;
                self.skipped += 1;
                if self.skipped > limits::SKIPPED_NAMED {
                    return Err(BrokenPromise);
                }
                let broken_off = self.open.take();
                if broken_off.as_ref().is_some_and(|open| *open != path) {
                    return Err(BrokenPromise);
                }
                let note = Skipped {
                    path: path.as_str().to_owned(),
                    reason,
                }
                .into_note();
                Ok(match broken_off {
                    Some(_) => Admitted::BrokenOff(note),
                    None => Admitted::Note(note),
                })
            }
            Frame::Details { .. }
            | Frame::Total { .. }
            | Frame::Page(_)
            | Frame::Note { .. }
            | Frame::NoSuchPage
            | Frame::Layers(_)
            | Frame::End
            | Frame::Failed { .. } => Err(BrokenPromise),
        }
    }

    /// Whether every member that began has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.open.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Frame};

    fn begin(path: &str) -> Frame {
        Frame::Member {
            path: path.to_owned(),
        }
    }

    fn skipped(path: &str, reason: &str) -> Frame {
        Frame::Skipped {
            path: path.to_owned(),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn only_members_in_order_at_paths_of_their_own_come_in() {
        let check = |frames: Vec<Frame>, is_good: bool| {
            let mut admission = Admission::default();
            let came_in = frames
                .into_iter()
                .map(|frame| admission.frame(frame))
                .all(|said| said.is_ok());
            assert_eq!(came_in && admission.is_closed(), is_good);
        };
        check(
            vec![begin("a/b.pdf"), Frame::MemberEnd, begin("c"), Frame::MemberEnd],
            true,
        );
        check(
            vec![begin("a"), skipped("a", "corrupt"), skipped("b", "encrypted")],
            true,
        );
        check(vec![begin("a")], false);
        check(vec![begin("../a"), Frame::MemberEnd], false);
        check(vec![begin("/etc/passwd"), Frame::MemberEnd], false);
        check(vec![begin("a\0"), Frame::MemberEnd], false);
        check(vec![begin("a"), begin("b")], false);
        check(
            vec![begin("a"), Frame::MemberEnd, begin("a"), Frame::MemberEnd],
            false,
        );
        check(vec![Frame::MemberEnd], false);
        check(vec![begin("a"), skipped("b", "corrupt")], false);
        check(vec![skipped("a", "because")], false);
        check(vec![skipped("..", "corrupt")], false);
    }

    #[test]
    fn bytes_come_only_into_a_member() {
        let mut admission = Admission::default();
        assert!(admission.piece(b"{}").is_none());
        assert!(admission.piece(b"").is_none());
        assert!(admission.piece(b"\0x").is_some_and(|piece| piece.is_err()));
        assert!(admission.frame(begin("a")).is_ok());
        assert!(admission.piece(b"\0x").is_some_and(|piece| piece.is_ok()));
    }
}
