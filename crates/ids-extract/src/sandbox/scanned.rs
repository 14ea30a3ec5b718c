//! What the parent lets in of a page that was drawn to be read: a frame of its own, numbers of fixed length and then pixels.

use super::process::{Answer, Step};
use super::validate::BrokenPromise;
use super::wire::Frame;
use crate::ocr::{Gray, PIXELS, Placement, Prepared};

/// What such a frame begins with, which no JSON does.
const SIGNATURE: &[u8; 4] = b"SCAN";
/// Straightening makes the sheet a little larger.
const MOST_PIXELS: u64 = PIXELS * 2;

/// The answer to `Task::Scan`.
#[derive(Default)]
pub(crate) enum Scanned {
    /// Nothing is said yet.
    #[default]
    Unknown,
    /// There is no such page.
    NoSuchPage,
    /// The page.
    Page(Prepared),
}

impl Answer for Scanned {
    type Whole = Option<Prepared>;

    fn take(&mut self, frame: &[u8]) -> Step {
        if let Some(rest) = frame.strip_prefix(SIGNATURE) {
            return match from_bytes(rest) {
                Some(page) => self.settle(Self::Page(page)),
                None => Step::Nonsense,
            };
        }
        match serde_json::from_slice(frame) {
            Ok(Frame::NoSuchPage) => self.settle(Self::NoSuchPage),
            Ok(Frame::End) => Step::End,
            Ok(Frame::Failed { reason, text }) => Step::Failed(reason, text),
            _ => Step::Nonsense,
        }
    }

    fn finish(self) -> Result<Option<Prepared>, BrokenPromise> {
        match self {
            Self::Unknown => Err(BrokenPromise),
            Self::NoSuchPage => Ok(None),
            Self::Page(page) => Ok(Some(page)),
        }
    }
}

impl Scanned {
    fn settle(&mut self, said: Self) -> Step {
        if !matches!(self, Self::Unknown) {
            return Step::Nonsense;
        }
        *self = said;
        Step::More
    }
}

/// The page as a frame.
pub(crate) fn to_bytes(page: &Prepared) -> Vec<u8> {
    let placement = &page.placement;
    let mut bytes = SIGNATURE.to_vec();
    bytes.reserve(32 + page.gray.pixels.len());
    for side in [
        page.gray.width,
        page.gray.height,
        placement.source.0,
        placement.source.1,
    ] {
        bytes.extend_from_slice(&side.to_le_bytes());
    }
    bytes.extend_from_slice(&placement.skew.to_le_bytes());
    bytes.extend([placement.quarters, u8::from(page.has_ink)]);
    bytes.extend_from_slice(&page.gray.pixels);
    bytes
}

fn from_bytes(bytes: &[u8]) -> Option<Prepared> {
    let (head, rest) = bytes.split_first_chunk::<20>()?;
    let mut words = head
        .chunks_exact(4)
        .map(|word| [word[0], word[1], word[2], word[3]]);
    let mut side = || {
        let side = u32::from_le_bytes(words.next()?);
        (1..=100_000).contains(&side).then_some(side)
    };
    let (width, height, source) = (side()?, side()?, (side()?, side()?));
    let skew = f32::from_le_bytes(words.next()?);
    let (&[quarters, has_ink], pixels) = rest.split_first_chunk::<2>()?;
    let is_possible = skew.is_finite()
        && skew.abs() < 45.0
        && quarters < 4
        && has_ink < 2
        && u64::from(width) * u64::from(height) <= MOST_PIXELS;
    if !is_possible {
        return None;
    }
    Some(Prepared {
        gray: Gray::new(width, height, pixels.to_vec())?,
        placement: Placement {
            source,
            quarters,
            skew,
            straight: (width, height),
        },
        has_ink: has_ink == 1,
    })
}

#[cfg(test)]
mod tests {
    use super::{Answer, Gray, Placement, Prepared, Scanned, Step, to_bytes};

    #[test]
    fn a_page_comes_back_as_it_was_and_nothing_else_comes_in() {
        let page = Prepared {
            gray: Gray::new(3, 2, vec![0, 1, 2, 3, 4, 255]).unwrap(),
            placement: Placement {
                source: (2, 3),
                quarters: 1,
                skew: -1.5,
                straight: (3, 2),
            },
            has_ink: true,
        };
        let bytes = to_bytes(&page);
        let mut answer = Scanned::default();
        assert!(matches!(answer.take(&bytes), Step::More));
        assert!(matches!(answer.take(&bytes), Step::Nonsense), "a second one");
        assert_eq!(answer.finish(), Ok(Some(page)));
        let check = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut changed = bytes.clone();
            change(&mut changed);
            assert!(
                matches!(Scanned::default().take(&changed), Step::Nonsense),
                "{changed:?}"
            );
        };
        check(&|bytes| bytes.truncate(20));
        check(&|bytes| bytes.truncate(bytes.len() - 1));
        check(&|bytes| bytes.push(0));
        // A width of nothing, a height beyond all bounds, an angle that is none, a turn that is none.
        check(&|bytes| bytes[4] = 0);
        check(&|bytes| bytes[11] = 255);
        check(&|bytes| bytes[20..24].copy_from_slice(&f32::NAN.to_le_bytes()));
        check(&|bytes| bytes[24] = 4);
    }
}
