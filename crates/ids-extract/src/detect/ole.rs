//! What an OLE file holds, by the names at the root of its directory ([MS-CFB] 2.6). An embedded object lies deeper, so a letter
//! with a sheet in it is a letter. A few sectors are looked at, with bounds, and nothing else.

use std::collections::HashSet;
use std::fs::File;
use std::io;

use ids_core::document::ContentType;

use super::{Kind, read_at};

/// Sectors of the directory that are followed: 4,096 names at least.
const DIRECTORY_SECTORS: usize = 1_024;
/// Bytes of a directory entry.
const ENTRY_BYTES: usize = 128;
/// No further sector, or no such entry.
const NONE: u32 = u32::MAX;

/// The kind of an OLE file.
pub(super) fn kind(file: &mut File) -> io::Result<Kind> {
    let header = read_at(file, 0, 512)?;
    let names = match Directory::read(file, &header)? {
        Some(directory) => directory.root_names(),
        None => Vec::new(),
    };
    let has = |name: &str| names.iter().any(|own| own == name);
    Ok(if has("EncryptedPackage") || has("EncryptionInfo") {
        Kind::EncryptedOffice
    } else if has("WordDocument") {
        Kind::Known(ContentType::DOC)
    } else if has("Workbook") || has("Book") {
        Kind::Known(ContentType::XLS)
    } else if has("__properties_version1.0") || has("__nameid_version1.0") {
        Kind::Known(ContentType::MSG)
    } else if has("PowerPoint Document") {
        Kind::Other("a PowerPoint file of before 2007 (.ppt)")
    } else {
        Kind::Other("an OLE file of a kind that is not known, or damaged")
    })
}

/// The bytes of the directory.
struct Directory(Vec<u8>);

impl Directory {
    /// Follows the directory's chain of sectors; `None` where the header makes no sense.
    fn read(file: &mut File, header: &[u8]) -> io::Result<Option<Self>> {
        let (Some(shift), Some(first)) = (number(header, 30).map(|value| value & 0xffff), number(header, 48))
        else {
            return Ok(None);
        };
        if !(7..=16).contains(&shift) {
            return Ok(None);
        }
        let sector_bytes = 1_u64 << shift;
        let per_sector = (sector_bytes / 4) as u32;
        let mut bytes = Vec::new();
        let mut sector = first;
        let mut seen = HashSet::new();
        while sector < NONE - 5 && seen.len() < DIRECTORY_SECTORS && seen.insert(sector) {
            bytes.extend(read_at(
                file,
                (u64::from(sector) + 1) * sector_bytes,
                sector_bytes,
            )?);
            // The table that tells which sector follows lies in sectors itself; the header lists the first 109, which
            // reach over 6.8 MB at the least. Beyond them the directory is taken as far as it is known.
            let table = usize::try_from(sector / per_sector).unwrap_or(usize::MAX);
            let Some(table) = (table < 109).then(|| number(header, 76 + table * 4)).flatten() else {
                break;
            };
            let at = (u64::from(table) + 1) * sector_bytes + u64::from(sector % per_sector) * 4;
            sector = number(&read_at(file, at, 4)?, 0).unwrap_or(NONE);
        }
        Ok(Some(Self(bytes)))
    }

    /// The names of what lies at the root: the tree of siblings under the root entry's child.
    fn root_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        let mut waiting: Vec<u32> = self
            .entry(0)
            .and_then(|root| number(root, 76))
            .into_iter()
            .collect();
        while let Some(id) = waiting.pop() {
            let Some(entry) = self.entry(id) else { continue };
            if !seen.insert(id) {
                continue;
            }
            names.push(name(entry));
            waiting.extend([68, 72].iter().filter_map(|&at| number(entry, at)));
        }
        names
    }

    fn entry(&self, id: u32) -> Option<&[u8]> {
        let from = usize::try_from(id).ok()?.checked_mul(ENTRY_BYTES)?;
        self.0.get(from..from.checked_add(ENTRY_BYTES)?)
    }
}

fn name(entry: &[u8]) -> String {
    let units = entry[..64]
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .take_while(|&unit| unit != 0);
    char::decode_utf16(units).flatten().collect()
}

/// A number of four bytes.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}
