//! A page as a picture, and how large it may be.

use crate::limits;

/// A page of a document as it looks, as a PNG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageImage {
    /// The bytes of the PNG.
    pub png: Vec<u8>,
    /// How large it is.
    pub size: PixelSize,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelSize {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl PageImage {
    /// How large the picture of a page of that many points is: as wide as asked, in the page's shape, and smaller where one
    /// side or all pixels together would be over the limits. At least one pixel each way, whatever the page says of itself.
    pub fn size_of(page_width: f32, page_height: f32, width_pixels: u32) -> PixelSize {
        let is_shape = |points: f32| points.is_finite() && points > 0.0;
        let ratio = if is_shape(page_width) && is_shape(page_height) {
            f64::from(page_height) / f64::from(page_width)
        } else {
            1.0
        };
        let longest = f64::from(limits::PAGE_IMAGE_SIDE);
        let width = f64::from(width_pixels)
            .min(longest)
            .min(longest / ratio)
            .min((limits::PAGE_IMAGE_PIXELS as f64 / ratio).sqrt());
        // Rounded down, so that no limit is passed by a fraction of a pixel.
        let pixels = |side: f64| (side as u32).clamp(1, limits::PAGE_IMAGE_SIDE);
        PixelSize {
            width: pixels(width),
            height: pixels(width * ratio),
        }
    }
}

impl PixelSize {
    /// Whether a picture may be that large.
    pub fn is_within_limits(self) -> bool {
        let sides = [self.width, self.height];
        sides
            .iter()
            .all(|side| (1..=limits::PAGE_IMAGE_SIDE).contains(side))
            && u64::from(self.width) * u64::from(self.height) <= limits::PAGE_IMAGE_PIXELS
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{PageImage, PixelSize};

    #[test]
    fn a_picture_has_the_shape_of_its_page() {
        let check = |page: (f32, f32), width, expected: (u32, u32)| {
            let size = PageImage::size_of(page.0, page.1, width);
            assert_eq!((size.width, size.height), expected, "{page:?} at {width}");
        };
        check((595.0, 842.0), 1_200, (1_200, 1_698));
        check((842.0, 595.0), 1_200, (1_200, 847));
        check((595.0, 842.0), 3_000, (3_000, 4_245));
        // A roll of paper: the longest side, then all pixels, bound it.
        check((100.0, 14_400.0), 1_200, (113, 16_384));
        check((300.0, 14_400.0), 1_200, (341, 16_384));
        check((600.0, 3_600.0), 3_000, (1_632, 9_797));
        check((14_400.0, 3.0), 1_200, (1_200, 1));
        // What a broken file may say.
        check((0.0, f32::NAN), 1_200, (1_200, 1_200));
        check((1e-30, 1e30), 1_200, (1, 16_384));
    }

    proptest! {
        #[test]
        fn no_page_makes_a_picture_over_the_limits(width: f32, height: f32, pixels in any::<u32>()) {
            let size: PixelSize = PageImage::size_of(width, height, pixels);
            assert!(size.is_within_limits(), "{size:?}");
        }
    }
}
