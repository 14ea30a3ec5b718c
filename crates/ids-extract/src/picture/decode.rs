//! Pictures to pixels. Every decoder has a bound of memory beside that of the child, so that what is too large says so.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};

use ids_core::document::ContentType;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};
use tiff::decoder::{Decoder, DecodingResult, Limits as TiffLimits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError, TiffResult};

use crate::output::ParseError;

/// Bytes of pixels as they are unpacked: a page of A3 in color at 600 dpi takes 210 MB, and the child may have 1.5 GiB.
const PIXEL_BYTES: u64 = 512 * 1_024 * 1_024;
/// Files past this size are not read into memory for the one number that says which way up they are.
const TURNED_FILE_BYTES: u64 = 256 * 1_024 * 1_024;

/// The picture on a page, from 1, the right way up; `None` when there is no such page.
pub(crate) fn decode(
    content_type: &str,
    file: File,
    page_number: u32,
) -> Result<Option<DynamicImage>, ParseError> {
    if content_type == ContentType::TIFF {
        return tiff_page(file, page_number);
    }
    if page_number != 1 {
        return Ok(None);
    }
    let mut decoder = decoder(content_type, file).map_err(because)?;
    if decoder.total_bytes() > PIXEL_BYTES {
        return Err(too_large());
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(because)?;
    image.apply_orientation(orientation);
    Ok(Some(image))
}

/// Whether a picture is to be turned by a quarter before it is looked at: cameras write which way they were held.
pub(crate) fn is_turned(content_type: &str, mut file: File) -> bool {
    let size = file.seek(SeekFrom::End(0)).unwrap_or(u64::MAX);
    if size > TURNED_FILE_BYTES || file.rewind().is_err() {
        return false;
    }
    let orientation = decoder(content_type, file).and_then(|mut decoder| decoder.orientation());
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(
        orientation,
        Ok(Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
    )
}

fn decoder(content_type: &str, file: File) -> Result<impl ImageDecoder, ImageError> {
    let format = match content_type {
        ContentType::PNG => ImageFormat::Png,
        ContentType::JPEG => ImageFormat::Jpeg,
        _ => ImageFormat::WebP,
    };
    let mut reader = ImageReader::with_format(BufReader::new(file), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(PIXEL_BYTES);
    reader.limits(limits);
    reader.into_decoder()
}

/// What a page of paper would show: nothing shines through on white.
pub(crate) fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    let mut seen = RgbImage::new(image.width(), image.height());
    for (seen, pixel) in seen.pixels_mut().zip(image.pixels()) {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        seen.0 = [red, green, blue].map(|shade| ((shade * alpha + 255 * (255 - alpha)) / 255) as u8);
    }
    seen
}

fn because(error: ImageError) -> ParseError {
    match error {
        ImageError::Limits(_) => too_large(),
        _ => ParseError::Corrupt("its picture is damaged"),
    }
}

fn too_large() -> ParseError {
    ParseError::TooLarge("its picture has too many pixels")
}

fn tiff_page(file: File, page_number: u32) -> Result<Option<DynamicImage>, ParseError> {
    let because = |error: TiffError| match error {
        TiffError::LimitsExceeded => too_large(),
        _ => ParseError::Corrupt("its picture is damaged"),
    };
    let mut limits = TiffLimits::default();
    let bytes = usize::try_from(PIXEL_BYTES).unwrap_or(usize::MAX);
    (limits.decoding_buffer_size, limits.intermediate_buffer_size) = (bytes, bytes);
    let mut decoder = Decoder::new(BufReader::new(file))
        .map_err(because)?
        .with_limits(limits);
    let mut seen = 0;
    loop {
        // The same pages as `super::tiff_sizes` counts.
        let is_reduced = decoder
            .find_tag_unsigned::<u32>(Tag::NewSubfileType)
            .ok()
            .flatten()
            .is_some_and(|kind| kind & 1 == 1);
        seen += u32::from(!is_reduced);
        if seen == page_number && !is_reduced {
            break;
        }
        if !decoder.more_images() {
            return Ok(None);
        }
        decoder.next_image().map_err(because)?;
    }
    let orientation = decoder
        .find_tag_unsigned::<u8>(Tag::Orientation)
        .ok()
        .flatten()
        .and_then(Orientation::from_exif);
    let mut image = tiff_pixels(&mut decoder).map_err(because)?;
    image.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    Ok(Some(image))
}

fn tiff_pixels(decoder: &mut Decoder<BufReader<File>>) -> TiffResult<DynamicImage> {
    let (width, height) = decoder.dimensions()?;
    let color = decoder.colortype()?;
    let samples = match decoder.read_image()? {
        DecodingResult::U8(samples) => samples,
        // The upper byte is all that is looked at.
        DecodingResult::U16(samples) => samples.into_iter().map(|sample| (sample >> 8) as u8).collect(),
        _ => return Err(unsupported()),
    };
    let pixels = width as usize * height as usize;
    let rgb = |samples: Vec<u8>| RgbImage::from_raw(width, height, samples).map(DynamicImage::from);
    let image = match color {
        ColorType::Gray(bits @ (1 | 2 | 4)) => {
            let shades = unpacked(&samples, width as usize, bits, 255 / ((1 << bits) - 1));
            GrayImage::from_raw(width, height, shades).map(DynamicImage::from)
        }
        ColorType::Gray(8 | 16) => GrayImage::from_raw(width, height, samples).map(DynamicImage::from),
        ColorType::GrayA(8 | 16) => {
            let shades = samples.chunks_exact(2).map(|pixel| pixel[0]).collect();
            GrayImage::from_raw(width, height, shades).map(DynamicImage::from)
        }
        ColorType::RGB(8 | 16) | ColorType::YCbCr(8) => {
            let samples = match color {
                ColorType::YCbCr(_) => samples.chunks_exact(3).flat_map(from_ycbcr).collect(),
                _ => samples,
            };
            rgb(samples)
        }
        ColorType::RGBA(8 | 16) => rgb(samples
            .chunks_exact(4)
            .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect()),
        ColorType::CMYK(8 | 16) => rgb(samples.chunks_exact(4).flat_map(from_cmyk).collect()),
        ColorType::Palette(bits @ (1 | 2 | 4 | 8)) => {
            let table = decoder.get_tag_u16_vec(Tag::ColorMap)?;
            let entries = table.len() / 3;
            let shade = |index: u8, color: usize| {
                let entry = table.get(color * entries + usize::from(index));
                (entry.copied().unwrap_or(0) >> 8) as u8
            };
            let indexes = match bits {
                8 => samples,
                _ => unpacked(&samples, width as usize, bits, 1),
            };
            rgb(indexes
                .into_iter()
                .flat_map(|index| [0, 1, 2].map(|color| shade(index, color)))
                .collect())
        }
        _ => return Err(unsupported()),
    };
    image.filter(|_| pixels > 0).ok_or_else(unsupported)
}

fn unsupported() -> TiffError {
    TiffError::UsageError(tiff::UsageError::InvalidChunkIndex(0))
}

/// Samples of fewer than eight bits, each row beginning with a new byte, times `factor`.
fn unpacked(bytes: &[u8], width: usize, bits: u8, factor: u8) -> Vec<u8> {
    let per_byte = usize::from(8 / bits);
    let mask = (1_u8 << bits) - 1;
    let mut samples = Vec::with_capacity(bytes.len() * per_byte);
    for row in bytes.chunks_exact(width.div_ceil(per_byte).max(1)) {
        samples.extend((0..width).map(|x| {
            let shift = 8 - usize::from(bits) * (x % per_byte + 1);
            (row[x / per_byte] >> shift & mask) * factor
        }));
    }
    samples
}

fn from_cmyk(pixel: &[u8]) -> [u8; 3] {
    let light = 255 - u32::from(pixel[3]);
    [pixel[0], pixel[1], pixel[2]].map(|ink| ((255 - u32::from(ink)) * light / 255) as u8)
}

/// ITU-R BT.601, full range, which is what TIFF says where it says nothing else.
fn from_ycbcr(pixel: &[u8]) -> [u8; 3] {
    let [luma, blue, red] = [
        f32::from(pixel[0]),
        f32::from(pixel[1]) - 128.0,
        f32::from(pixel[2]) - 128.0,
    ];
    [
        luma + 1.402 * red,
        luma - 0.344 * blue - 0.714 * red,
        luma + 1.772 * blue,
    ]
    .map(|shade| shade.clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::unpacked;

    #[test]
    fn samples_of_few_bits_are_unpacked_row_by_row() {
        assert_eq!(
            unpacked(&[0b1010_0000, 0, 0b0100_0000, 0], 9, 1, 255),
            [255, 0, 255, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(unpacked(&[0b0001_1011], 3, 2, 85), [0, 85, 170]);
        assert_eq!(unpacked(&[0x4f, 0x2f], 2, 4, 17), [68, 255, 34, 255]);
    }
}
