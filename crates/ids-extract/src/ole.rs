//! Streams of OLE files, and what such a file says of itself ([MS-OLEPS]).

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Write};

use cfb::CompoundFile;

use crate::dates;
use crate::encoding;
use crate::output::ParseError;
use crate::properties::Properties;

/// Bytes of one stream that are read; a file may hold no more than its size in any case.
const STREAM_BYTES: u64 = 256 * 1_024 * 1_024;
/// Properties of one set that are looked at.
const PROPERTIES: u32 = 1_000;

/// An open OLE file.
pub(crate) struct Ole(CompoundFile<BufReader<File>>);

impl Ole {
    /// Reads the directory.
    pub(crate) fn open(file: File) -> Result<Self, ParseError> {
        CompoundFile::open(BufReader::new(file))
            .map(Self)
            .map_err(|_| ParseError::Corrupt("its OLE container is damaged"))
    }

    /// The bytes of a stream as far as they can be read; `None` where there is no such stream.
    pub(crate) fn stream(&mut self, path: &str) -> Option<Vec<u8>> {
        let stream = self.0.open_stream(path).ok()?;
        let mut bytes = Vec::new();
        // A chain that breaks off leaves what came before it.
        let _ = stream.take(STREAM_BYTES).read_to_end(&mut bytes);
        Some(bytes)
    }

    /// The names of what lies at the root.
    pub(crate) fn root_names(&self) -> Vec<String> {
        self.0
            .read_root_storage()
            .map(|entry| entry.name().to_owned())
            .collect()
    }

    /// The paths of all that lies in a storage, itself first, with whether each is a stream; `None` where there is no such storage or more in it than
    /// `most`.
    pub(crate) fn entries_under(&self, storage: &str, most: usize) -> Option<Vec<(String, bool)>> {
        let walk = self.0.walk_storage(storage).ok()?;
        let entries: Vec<(String, bool)> = walk
            .take(most + 1)
            .map(|entry| (entry.path().to_string_lossy().into_owned(), entry.is_stream()))
            .collect();
        (entries.len() <= most).then_some(entries)
    }

    /// What the file says of itself.
    pub(crate) fn properties(&mut self) -> Properties {
        let bytes = self.stream("/\u{5}SummaryInformation").unwrap_or_default();
        summary(&bytes).unwrap_or_default()
    }
}

/// An OLE file in memory with one stream in it.
pub(crate) fn file_of(path: &str, stream: &[u8]) -> io::Result<Vec<u8>> {
    let mut file = CompoundFile::create(Cursor::new(Vec::new()))?;
    file.create_stream(path)?.write_all(stream)?;
    file.flush()?;
    Ok(file.into_inner().into_inner())
}

/// Title, author and dates out of a set of properties.
fn summary(bytes: &[u8]) -> Option<Properties> {
    const CODE_PAGE: u32 = 1;
    const TITLE: u32 = 2;
    const AUTHOR: u32 = 4;
    const CREATED: u32 = 12;
    const SAVED: u32 = 13;
    let set_at = u32_at(bytes, 44)? as usize;
    let set = bytes.get(set_at..)?;
    let count = u32_at(set, 4)?.min(PROPERTIES) as usize;
    let value_of = |id: u32| {
        let entry = (0..count)
            .map(|number| 8 + number * 8)
            .find(|&at| u32_at(set, at) == Some(id))?;
        set.get(u32_at(set, entry + 4)? as usize..)
    };
    let code_page = value_of(CODE_PAGE)
        .and_then(|value| u16_at(value, 4))
        .unwrap_or(1_252);
    let text_of = |id: u32| {
        let value = value_of(id)?;
        let length = u32_at(value, 4)? as usize;
        let text = match u32_at(value, 0)? {
            // Bytes in the set's code page.
            0x1e => {
                let bytes = value.get(8..8_usize.checked_add(length)?)?;
                encoding::of_code_page(u32::from(code_page))
                    .decode(bytes)
                    .0
                    .into_owned()
            }
            // UTF-16.
            0x1f => utf16(value.get(8..8_usize.checked_add(length.checked_mul(2)?)?)?),
            _ => return None,
        };
        let text = text.split('\0').next().unwrap_or_default().trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let date_of = |id: u32| {
        let value = value_of(id).filter(|value| u32_at(value, 0) == Some(0x40))?;
        let (low, high) = (u32_at(value, 4)?, u32_at(value, 8)?);
        dates::of_windows(u64::from(high) << 32 | u64::from(low))
    };
    Some(Properties {
        title: text_of(TITLE),
        author: text_of(AUTHOR),
        created: date_of(CREATED),
        modified: date_of(SAVED),
    })
}

/// Text of two bytes a unit.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// A number of two bytes.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(two.try_into().ok()?))
}

/// A number of four bytes.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}
