//! A picture as a page: as wide as asked, the right way up, on white, as a PNG.

use std::fs::File;

use ids_core::page_image::PageImage;
use image::imageops;

use super::decode::{decode, on_white};
use crate::output::ParseError;
use crate::pdf::draw::encode;

/// Draws the picture on a page, from 1; `None` when there is no such page.
pub(crate) fn draw(
    content_type: &str,
    file: File,
    page_number: u32,
    width_pixels: u32,
) -> Result<Option<Vec<u8>>, ParseError> {
    let Some(image) = decode(content_type, file, page_number)? else {
        return Ok(None);
    };
    let image = on_white(image);
    let size = PageImage::size_of(image.width() as f32, image.height() as f32, width_pixels);
    let rows = if (size.width, size.height) == image.dimensions() {
        image.into_raw()
    } else if size.width < image.width() {
        // The mean of all pixels that fall into one: thin strokes of text survive.
        imageops::thumbnail(&image, size.width, size.height).into_raw()
    } else {
        imageops::resize(&image, size.width, size.height, imageops::FilterType::Triangle).into_raw()
    };
    let png = encode(size, rows).map_err(|error| ParseError::Internal(error.to_string()))?;
    Ok(Some(png))
}
