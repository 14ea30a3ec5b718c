//! A picture in shades of gray.

/// Rows of pixels, 0 black to 255 white.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gray {
    /// Pixels from left to right.
    pub(crate) width: u32,
    /// From top to bottom.
    pub(crate) height: u32,
    /// All of them, row by row.
    pub(crate) pixels: Vec<u8>,
}

impl Gray {
    /// Such a picture, when there are as many pixels as there must be.
    pub(crate) fn new(width: u32, height: u32, pixels: Vec<u8>) -> Option<Self> {
        let is_whole = width > 0 && height > 0 && pixels.len() as u64 == u64::from(width) * u64::from(height);
        is_whole.then_some(Self {
            width,
            height,
            pixels,
        })
    }

    /// The same turned clockwise by so many quarters.
    pub(crate) fn turned(&self, quarters: u8) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        let pixels = &self.pixels;
        let (turned, is_across): (Vec<u8>, bool) = match quarters % 4 {
            0 => (pixels.clone(), false),
            1 => {
                let columns = 0..width;
                let column = |x: usize| (0..height).rev().map(move |y| pixels[y * width + x]);
                (columns.flat_map(column).collect(), true)
            }
            2 => (pixels.iter().rev().copied().collect(), false),
            _ => {
                let columns = (0..width).rev();
                let column = |x: usize| (0..height).map(move |y| pixels[y * width + x]);
                (columns.flat_map(column).collect(), true)
            }
        };
        let (width, height) = if is_across {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        Self {
            width,
            height,
            pixels: turned,
        }
    }

    /// As a file that Tesseract reads: a portable graymap.
    pub(crate) fn header(&self) -> String {
        format!("P5\n{} {}\n255\n", self.width, self.height)
    }
}

/// Where a point of a picture of that size stood before the picture was turned clockwise by so many quarters.
pub(crate) fn before_turning((x, y): (f32, f32), (width, height): (f32, f32), quarters: u8) -> (f32, f32) {
    match quarters % 4 {
        0 => (x, y),
        1 => (y, height - x),
        2 => (width - x, height - y),
        _ => (width - y, x),
    }
}

#[cfg(test)]
mod tests {
    use super::{Gray, before_turning};

    #[test]
    fn a_point_is_found_again_where_it_stood_before_turning() {
        let picture = Gray::new(3, 2, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(picture.turned(1).pixels, [4, 1, 5, 2, 6, 3]);
        assert_eq!(picture.turned(3).pixels, [3, 6, 2, 5, 1, 4]);
        for quarters in 0..4 {
            let turned = picture.turned(quarters);
            for y in 0..turned.height {
                for x in 0..turned.width {
                    // The middle of a pixel.
                    let point = (x as f32 + 0.5, y as f32 + 0.5);
                    let (left, top) = before_turning(point, (3.0, 2.0), quarters);
                    let was = picture.pixels[top as usize * 3 + left as usize];
                    let is = turned.pixels[(y * turned.width + x) as usize];
                    assert_eq!(is, was, "{quarters} quarters, {point:?}");
                }
            }
        }
    }
}
