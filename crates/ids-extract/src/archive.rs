//! ZIP archives: a list of what is in them as text, and their files as members.

use std::fs::File;
use std::io::BufReader;

use ids_core::member::SkipReason;
use ids_core::page::BlockKind;
use zip::ZipArchive;

use crate::archive_names::decoded;
use crate::builder::PageBuilder;
use crate::members::{Listed, Members, is_left_by_a_system};
use crate::output::{Output, ParseError};

/// Entries that are looked at: those beyond are neither given nor named. A directory of more is a trick.
const ENTRIES: usize = 20_000;

/// Writes the list of an archive's files, and gives them to whoever takes members.
///
/// # Errors
/// CORRUPT for what is no ZIP; ENCRYPTED when every file in it needs a password.
pub(crate) fn parse(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut archive =
        ZipArchive::new(BufReader::new(file)).map_err(|_| ParseError::Corrupt("its ZIP is damaged"))?;
    let mut members = Members::default();
    let (mut files, mut encrypted) = (0_usize, 0_usize);
    for number in 0..archive.len().min(ENTRIES) {
        let Some(entry) = Entry::read(&mut archive, number) else {
            members.skip("unnamed", 0, SkipReason::Corrupt, output)?;
            continue;
        };
        if entry.is_folder {
            continue;
        }
        if is_left_by_a_system(&entry.name) {
            members.skip(&entry.name, entry.size, SkipReason::Ignored, output)?;
            continue;
        }
        files += 1;
        if let Some(reason) = entry.refused {
            encrypted += usize::from(reason == SkipReason::Encrypted);
            members.skip(&entry.name, entry.size, reason, output)?;
            continue;
        }
        match archive.by_index(number) {
            // The list alone is asked for: nothing is unpacked.
            Ok(_) if !output.takes_members() => members.listed.push(Listed {
                path: entry.name,
                size: entry.size,
                skipped: None,
            }),
            Ok(bytes) => members.give(&entry.name, entry.size, entry.compressed, bytes, output)?,
            Err(zip::result::ZipError::UnsupportedArchive(_)) => {
                members.skip(&entry.name, entry.size, SkipReason::Unsupported, output)?;
            }
            Err(_) => members.skip(&entry.name, entry.size, SkipReason::Corrupt, output)?,
        }
    }
    if files > 0 && encrypted == files {
        return Err(ParseError::Encrypted);
    }
    let beyond = archive.len().saturating_sub(ENTRIES) + members.unnamed();
    let mut builder = PageBuilder::new(1);
    write_list(&members.listed, beyond, &mut builder)?;
    output.details(None, None)?;
    output.total(1)?;
    output.page(builder.finish())
}

/// What the directory says of a file.
struct Entry {
    name: String,
    size: u64,
    compressed: u64,
    is_folder: bool,
    /// Why it is not even tried.
    refused: Option<SkipReason>,
}

impl Entry {
    fn read(archive: &mut ZipArchive<BufReader<File>>, number: usize) -> Option<Self> {
        let raw = archive.by_index_raw(number).ok()?;
        let is_utf8 = raw.name().ok().filter(|name| name.as_bytes() != raw.name_raw());
        let name = decoded(raw.name_raw(), is_utf8.as_deref());
        let refused = if raw.encrypted() {
            Some(SkipReason::Encrypted)
        } else if raw.is_symlink() {
            Some(SkipReason::Unsupported)
        } else {
            None
        };
        Some(Self {
            is_folder: name.ends_with('/') || name.ends_with('\\'),
            size: raw.size(),
            compressed: raw.compressed_size(),
            name,
            refused,
        })
    }
}

fn write_list(listed: &[Listed], beyond: usize, builder: &mut PageBuilder) -> Result<(), ParseError> {
    for Listed { path, size, skipped } in listed {
        let line = match skipped {
            Some(reason) => format!("{path}: {}", reason.explained()),
            None => format!("{path} ({} KB)", size.div_ceil(1_024)),
        };
        builder.push(BlockKind::ListItem, &line)?;
    }
    if beyond > 0 {
        builder.push(
            BlockKind::Paragraph,
            &format!("and {beyond} more files, which were not read"),
        )?;
    }
    Ok(())
}
