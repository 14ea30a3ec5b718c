//! A page as it looks: drawn by pdfium on white, written as a PNG.

use std::fs::File;

use ids_core::page_image::{PageImage, PixelSize};
use pdfium_render::prelude::{PdfBitmap, PdfBitmapFormat, PdfPage, PdfRenderConfig};
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError};

use super::Engine;
use crate::output::ParseError;

/// Red, green, blue.
const CHANNELS: usize = 3;

impl Engine {
    /// Draws a page, from 1; `None` when there is no such page.
    pub(crate) fn draw(
        &self,
        file: File,
        page_number: u32,
        width_pixels: u32,
    ) -> Result<Option<Vec<u8>>, ParseError> {
        let drawn = self.pixels(file, page_number, |width, height| {
            PageImage::size_of(width, height, width_pixels)
        })?;
        let Some((size, rows)) = drawn else {
            return Ok(None);
        };
        let png = encode(size, rows).map_err(|error| ParseError::Internal(error.to_string()))?;
        Ok(Some(png))
    }

    /// The pixels of a page, from 1, three bytes each, in the size that `size_of` gives for its width and height in points;
    /// `None` when there is no such page.
    pub(crate) fn pixels(
        &self,
        file: File,
        page_number: u32,
        size_of: impl FnOnce(f32, f32) -> PixelSize,
    ) -> Result<Option<(PixelSize, Vec<u8>)>, ParseError> {
        let document = self.open(file)?;
        let pages = document.pages();
        let Some(index) = i32::try_from(page_number)
            .ok()
            .filter(|number| (1..=pages.len()).contains(number))
            .map(|number| number - 1)
        else {
            return Ok(None);
        };
        let page = pages
            .get(index)
            .map_err(|_| ParseError::Corrupt("this page is damaged"))?;
        let size = size_of(page.width().value, page.height().value);
        let rows = rows(&page, size)?;
        Ok(Some((size, rows)))
    }
}

/// The page's pixels, row by row without gaps.
fn rows(page: &PdfPage<'_>, size: PixelSize) -> Result<Vec<u8>, ParseError> {
    let not_drawn = |_| ParseError::Corrupt("this page cannot be drawn");
    let side = |pixels: u32| {
        i32::try_from(pixels).map_err(|_| ParseError::Internal("the picture is too large".to_owned()))
    };
    let (width, height) = (side(size.width)?, side(size.height)?);
    // Three bytes a pixel: nothing shines through a page on white, and a quarter of the memory is saved.
    let format = PdfBitmapFormat::BGR;
    let mut pixels = vec![u8::MAX; PdfBitmap::bytes_required_for_size_and_format(width, height, format)];
    let mut bitmap = PdfBitmap::from_bytes(width, height, format, &mut pixels).map_err(not_drawn)?;
    // The default: white, with annotations and what was filled into forms, red first.
    let config = PdfRenderConfig::new().set_fixed_size(width, height);
    page.render_into_bitmap_with_config(&mut bitmap, &config)
        .map_err(not_drawn)?;
    drop(bitmap);
    // pdfium pads each row to four bytes.
    let stride = pixels.len() / size.height as usize;
    let row = size.width as usize * CHANNELS;
    for number in 1..size.height as usize {
        pixels.copy_within(number * stride..number * stride + row, number * row);
    }
    pixels.truncate(size.height as usize * row);
    Ok(pixels)
}

/// The pixels as a PNG, in shades of gray where they have no color: most pages of text, in a third of the time.
pub(crate) fn encode(size: PixelSize, rows: Vec<u8>) -> Result<Vec<u8>, EncodingError> {
    let is_gray = rows
        .chunks_exact(CHANNELS)
        .all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    let (color, samples) = if is_gray {
        (ColorType::Grayscale, rows.into_iter().step_by(CHANNELS).collect())
    } else {
        (ColorType::Rgb, rows)
    };
    let mut png = Vec::new();
    let mut encoder = Encoder::new(&mut png, size.width, size.height);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&samples)?;
    writer.finish()?;
    Ok(png)
}
