//! What the parent lets in of a picture: a PNG of an allowed size with nothing but pixels in it. Whether the pixels unpack is
//! left to who looks at them: a browser, which meets stranger pictures every day.

use ids_core::limits;
use ids_core::page_image::{PageImage, PixelSize};

use super::process::{Answer, Step};
use super::validate::BrokenPromise;
use super::wire::Frame;

/// What every PNG begins with.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The answer to `Task::Draw`.
#[derive(Default)]
pub(crate) enum Picture {
    /// Nothing is said yet.
    #[default]
    Unknown,
    /// There is no such page.
    NoSuchPage,
    /// The page.
    Drawn(PageImage),
}

impl Answer for Picture {
    type Whole = Option<PageImage>;

    fn take(&mut self, frame: &[u8]) -> Step {
        if frame.starts_with(SIGNATURE) {
            return match checked(frame) {
                Ok(image) => self.settle(Self::Drawn(image)),
                Err(BrokenPromise) => Step::Nonsense,
            };
        }
        match serde_json::from_slice(frame) {
            Ok(Frame::NoSuchPage) => self.settle(Self::NoSuchPage),
            Ok(Frame::End) => Step::End,
            Ok(Frame::Failed { reason, text }) => Step::Failed(reason, text),
            _ => Step::Nonsense,
        }
    }

    fn finish(self) -> Result<Option<PageImage>, BrokenPromise> {
        match self {
            Self::Unknown => Err(BrokenPromise),
            Self::NoSuchPage => Ok(None),
            Self::Drawn(image) => Ok(Some(image)),
        }
    }
}

impl Picture {
    fn settle(&mut self, said: Self) -> Step {
        if !matches!(self, Self::Unknown) {
            return Step::Nonsense;
        }
        *self = said;
        Step::More
    }
}

/// The picture, when it is a PNG as `pdf::draw` writes it: a header, pixels, the end, and no chunk beside.
fn checked(png: &[u8]) -> Result<PageImage, BrokenPromise> {
    if png.len() > limits::PAGE_IMAGE_BYTES {
        return Err(BrokenPromise);
    }
    let rest = png.strip_prefix(SIGNATURE).ok_or(BrokenPromise)?;
    let (header, mut rest) = chunk(rest)?;
    let size = size(&header)?;
    let mut has_pixels = false;
    loop {
        let (next, after) = chunk(rest)?;
        match &next.name {
            b"IDAT" => has_pixels = true,
            b"IEND" if has_pixels && next.data.is_empty() && after.is_empty() => break,
            _ => return Err(BrokenPromise),
        }
        rest = after;
    }
    Ok(PageImage {
        png: png.to_vec(),
        size,
    })
}

struct Chunk<'a> {
    name: [u8; 4],
    data: &'a [u8],
}

/// The first chunk, and what follows: length, name, data, and a checksum, which is not checked here.
fn chunk(bytes: &[u8]) -> Result<(Chunk<'_>, &[u8]), BrokenPromise> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(BrokenPromise)?;
    let (&name, rest) = rest.split_first_chunk::<4>().ok_or(BrokenPromise)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| BrokenPromise)?;
    let (data, rest) = rest.split_at_checked(length).ok_or(BrokenPromise)?;
    let (_, rest) = rest.split_first_chunk::<4>().ok_or(BrokenPromise)?;
    Ok((Chunk { name, data }, rest))
}

/// Width and height out of a header that says eight bits, gray or RGB, not interlaced.
fn size(header: &Chunk<'_>) -> Result<PixelSize, BrokenPromise> {
    let (&width, rest) = header.data.split_first_chunk::<4>().ok_or(BrokenPromise)?;
    let (&height, kind) = rest.split_first_chunk::<4>().ok_or(BrokenPromise)?;
    let size = PixelSize {
        width: u32::from_be_bytes(width),
        height: u32::from_be_bytes(height),
    };
    let is_header = header.name == *b"IHDR" && matches!(kind, [8, 0 | 2, 0, 0, 0]);
    if is_header && size.is_within_limits() {
        Ok(size)
    } else {
        Err(BrokenPromise)
    }
}

#[cfg(test)]
mod tests {
    use ids_core::page_image::PixelSize;

    use super::{Answer, Picture, SIGNATURE, Step};
    use crate::sandbox::validate::BrokenPromise;

    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], name, data, &[0; 4]].concat()
    }

    fn header(width: u32, height: u32, kind: [u8; 5]) -> Vec<u8> {
        let data = [&width.to_be_bytes()[..], &height.to_be_bytes(), &kind].concat();
        chunk(b"IHDR", &data)
    }

    fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
        [SIGNATURE, &chunks.concat()].concat()
    }

    #[test]
    fn only_a_png_of_an_allowed_size_with_nothing_but_pixels_comes_in() {
        const RGB: [u8; 5] = [8, 2, 0, 0, 0];
        let (pixels, end) = (chunk(b"IDAT", b"x"), chunk(b"IEND", b""));
        let check = |name: &str, chunks: &[Vec<u8>], expected: Option<(u32, u32)>| {
            let mut picture = Picture::default();
            let is_taken = matches!(picture.take(&png(chunks)), Step::More);
            assert_eq!(is_taken, expected.is_some(), "{name}");
            if let Some((width, height)) = expected {
                let image = picture.finish().unwrap().unwrap();
                assert_eq!(image.size, PixelSize { width, height }, "{name}");
            }
        };
        let ordinary = [header(3, 2, RGB), pixels.clone(), pixels.clone(), end.clone()];
        check("ordinary", &ordinary, Some((3, 2)));
        check(
            "gray",
            &[header(3, 2, [8, 0, 0, 0, 0]), pixels.clone(), end.clone()],
            Some((3, 2)),
        );
        check(
            "no width",
            &[header(0, 2, RGB), pixels.clone(), end.clone()],
            None,
        );
        check(
            "too high",
            &[header(1, 20_000, RGB), pixels.clone(), end.clone()],
            None,
        );
        check(
            "too large",
            &[header(9_000, 9_000, RGB), pixels.clone(), end.clone()],
            None,
        );
        check(
            "interlaced",
            &[header(3, 2, [8, 2, 0, 0, 1]), pixels.clone(), end.clone()],
            None,
        );
        check("no pixels", &[header(3, 2, RGB), end.clone()], None);
        check("no end", &[header(3, 2, RGB), pixels.clone()], None);
        check("no header", &[pixels.clone(), end.clone()], None);
        let words = chunk(b"tEXt", b"<script>");
        check(
            "words",
            &[header(3, 2, RGB), words, pixels.clone(), end.clone()],
            None,
        );
        let behind = [header(3, 2, RGB), pixels.clone(), end.clone(), pixels.clone()];
        check("something behind", &behind, None);
        let mut cut = png(&ordinary);
        cut.truncate(cut.len() - 5);
        assert!(matches!(Picture::default().take(&cut), Step::Nonsense));
    }

    #[test]
    fn one_answer_is_given_once() {
        let mut picture = Picture::default();
        assert!(matches!(picture.take(b"\"NoSuchPage\""), Step::More));
        assert!(matches!(picture.take(b"\"NoSuchPage\""), Step::Nonsense));
        assert!(matches!(picture.take(b"\"End\""), Step::End));
        assert_eq!(picture.finish(), Ok(None));
        assert_eq!(Picture::default().finish(), Err(BrokenPromise));
        assert!(matches!(
            Picture::default().take(b"{\"Total\":{\"pages\":1}}"),
            Step::Nonsense
        ));
    }
}
