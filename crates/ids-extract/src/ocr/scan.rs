//! In the child: a page of a PDF or a picture, in gray and ready to be read.

use std::fs::File;

use ids_core::page_image::PixelSize;
use image::{DynamicImage, imageops};

use super::gray::Gray;
use super::prepare::{Prepared, prepare};
use crate::output::ParseError;
use crate::{pdf, picture};

/// How fine pages of PDFs are drawn. Measured beforehand (design.md 4): finer reads no better and takes longer.
pub(crate) const DOTS_PER_INCH: f32 = 200.0;
/// The most pixels of a page: A4 at 350 dots per inch. What has more is drawn coarser.
pub(crate) const PIXELS: u64 = 12_000_000;
/// Pictures whose longer side is below this are enlarged: letters of ten pixels are read badly.
const SMALL_SIDE: u32 = 1_200;

/// Draws a page, from 1; `None` when there is no such page.
pub(crate) fn scan(
    engine: Option<&pdf::Engine>,
    content_type: &str,
    file: File,
    page_number: u32,
) -> Result<Option<Prepared>, ParseError> {
    let gray = match engine {
        Some(engine) => engine.pixels(file, page_number, size_of)?.map(|(size, rows)| {
            let shades = rows.chunks_exact(3).map(shade).collect();
            (size.width, size.height, shades)
        }),
        None => picture::decode::decode(content_type, file, page_number)?.map(of_picture),
    };
    let Some((width, height, shades)) = gray else {
        return Ok(None);
    };
    let gray = Gray::new(width, height, shades)
        .ok_or_else(|| ParseError::Internal("a page was drawn in another size".to_owned()))?;
    Ok(Some(prepare(gray)))
}

/// How large a page of so many points is drawn.
fn size_of(width: f32, height: f32) -> PixelSize {
    let side = |points: f32| {
        if points.is_finite() {
            points.clamp(1.0, 20_000.0)
        } else {
            1.0
        }
    };
    let scale = DOTS_PER_INCH / 72.0;
    let (width, height) = (f64::from(side(width) * scale), f64::from(side(height) * scale));
    let smaller = (PIXELS as f64 / (width * height)).sqrt().min(1.0);
    let pixels = |side: f64| (side * smaller).max(1.0) as u32;
    PixelSize {
        width: pixels(width),
        height: pixels(height),
    }
}

/// The brightness that an eye sees (ITU-R BT.601), in whole numbers; of blue, green, red or red, green, blue, which hardly differ here.
fn shade(pixel: &[u8]) -> u8 {
    let [one, green, other] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((one * 205 + green * 614 + other * 205) / 1_024) as u8
}

fn of_picture(image: DynamicImage) -> (u32, u32, Vec<u8>) {
    // What shines through is on white, as it would be on paper.
    let gray = match image {
        DynamicImage::ImageLuma8(gray) => gray,
        image => DynamicImage::from(picture::decode::on_white(image)).into_luma8(),
    };
    let (width, height) = gray.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let gray = if pixels > PIXELS {
        let smaller = (PIXELS as f64 / pixels as f64).sqrt();
        let side = |side: u32| ((f64::from(side) * smaller) as u32).max(1);
        imageops::thumbnail(&gray, side(width), side(height))
    } else if width.max(height) < SMALL_SIDE {
        imageops::resize(&gray, width * 2, height * 2, imageops::FilterType::Triangle)
    } else {
        gray
    };
    (gray.width(), gray.height(), gray.into_raw())
}

#[cfg(test)]
mod tests {
    use super::{PIXELS, size_of};

    #[test]
    fn a_page_is_drawn_at_200_dots_and_a_poster_coarser() {
        let size = size_of(595.0, 842.0);
        assert_eq!((size.width, size.height), (1_652, 2_338));
        for (width, height) in [(2_384.0, 3_370.0), (f32::NAN, 1e30), (0.0, 14_400.0)] {
            let size = size_of(width, height);
            let pixels = u64::from(size.width) * u64::from(size.height);
            assert!((1..=PIXELS).contains(&pixels), "{size:?}");
        }
    }
}
