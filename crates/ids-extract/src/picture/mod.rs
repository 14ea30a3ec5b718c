//! Pictures: pages without text, each with its size, which need OCR. Their text is looked for later: only headers are read here.

pub(crate) mod decode;
mod draw;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use ids_core::document::ContentType;
use ids_core::limits;

pub(crate) use self::draw::draw;
use crate::builder::PageBuilder;
use crate::output::{Output, ParseError};

/// Entries of one directory of a TIFF that are looked at; real ones have some 20.
const TIFF_ENTRIES: u64 = 4_096;

/// Writes a page for each picture in the file.
pub(crate) fn parse(content_type: &str, file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let sizes = match content_type {
        ContentType::TIFF => tiff_sizes(file)?,
        _ => vec![size(content_type, file)?],
    };
    let total = u32::try_from(sizes.len()).map_err(|_| ParseError::Corrupt("its header is damaged"))?;
    output.total(total)?;
    for (&(width, height), page_number) in sizes.iter().zip(1..) {
        let builder = PageBuilder::new(page_number).with_size(width as f32, height as f32);
        let mut page = builder.finish();
        page.needs_ocr = true;
        output.page(page)?;
    }
    Ok(())
}

/// Width and height in pixels as they are seen, which stand for points here.
fn size(content_type: &str, mut file: File) -> Result<(u32, u32), ParseError> {
    let size = imagesize::reader_size(BufReader::new(&mut file))
        .map_err(|_| ParseError::Corrupt("its header is damaged"))?;
    let (mut width, mut height) = (size.width, size.height);
    if decode::is_turned(content_type, file) {
        std::mem::swap(&mut width, &mut height);
    }
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width @ 1..), Ok(height @ 1..)) => Ok((width, height)),
        _ => Err(ParseError::Corrupt("its header is damaged")),
    }
}

/// The sizes of a TIFF's pages: its directories, one after the other (TIFF 6.0, section 2; BigTIFF).
fn tiff_sizes(file: File) -> Result<Vec<(u32, u32)>, ParseError> {
    let mut tiff = Tiff::open(file)?;
    let mut sizes = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut at = tiff.first;
    while at != 0 && seen.insert(at) {
        // A chain that breaks off after some pages still has these.
        let Some((size, next)) = tiff.directory(at) else {
            break;
        };
        sizes.extend(size);
        if sizes.len() > limits::DOCUMENT_PAGES as usize {
            return Err(ParseError::TooLarge("it has more pages than can be indexed"));
        }
        at = next;
    }
    match sizes.is_empty() {
        true => Err(ParseError::Corrupt("its header is damaged")),
        false => Ok(sizes),
    }
}

struct Tiff {
    file: BufReader<File>,
    is_big_endian: bool,
    /// Places take eight bytes.
    is_big: bool,
    first: u64,
}

impl Tiff {
    fn open(file: File) -> Result<Self, ParseError> {
        let mut head = [0; 16];
        let mut file = BufReader::new(file);
        let damaged = |_| ParseError::Corrupt("its header is damaged");
        file.read_exact(&mut head[..8]).map_err(damaged)?;
        let is_big_endian = head.starts_with(b"MM");
        let is_big = head[if is_big_endian { 3 } else { 2 }] == 43;
        if is_big {
            file.read_exact(&mut head[8..]).map_err(damaged)?;
        }
        let mut tiff = Self {
            file,
            is_big_endian,
            is_big,
            first: 0,
        };
        tiff.first = tiff.number(if is_big { &head[8..16] } else { &head[4..8] });
        Ok(tiff)
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        match self.is_big_endian {
            true => bytes.iter().fold(0, fold),
            false => bytes.iter().rev().fold(0, fold),
        }
    }

    fn read(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The size in a directory, `None` for a small copy of a page, and where the next directory is.
    fn directory(&mut self, at: u64) -> Option<(Option<(u32, u32)>, u64)> {
        let (count_bytes, entry_bytes, place_bytes) = if self.is_big { (8, 20, 8) } else { (2, 12, 4) };
        self.file.seek(SeekFrom::Start(at)).ok()?;
        let count = self.read(count_bytes).map(|bytes| self.number(&bytes))?;
        let (mut width, mut height, mut is_reduced) = (0, 0, false);
        for _ in 0..Some(count).filter(|&count| count <= TIFF_ENTRIES)? {
            let entry = self.read(entry_bytes)?;
            let value_at = entry_bytes - place_bytes;
            // A value of two bytes (type 3) stands at the beginning of its place.
            let value_bytes = if self.number(&entry[2..4]) == 3 {
                2
            } else {
                place_bytes
            };
            let value = self.number(&entry[value_at..value_at + value_bytes]);
            match self.number(&entry[..2]) {
                254 => is_reduced = value & 1 == 1,
                256 => width = value,
                257 => height = value,
                _ => {}
            }
        }
        let next = self.read(place_bytes).map_or(0, |bytes| self.number(&bytes));
        let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
        let is_page = !is_reduced && width > 0 && height > 0;
        Some((is_page.then_some((width, height)), next))
    }
}
