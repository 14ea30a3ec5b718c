//! Opening what is protected by a password: an unprotected copy of the same document, written by the child.
//!
//! PDF by pdfium; Office files of 2007 and later by [MS-OFFCRYPTO] 2.3.4 (agile and standard encryption); OpenDocument by part 3 of its standard,
//! in the form that LibreOffice wrote from 2011 to 2023. Older ciphers (RC4, Blowfish) are said to be of a kind that is not opened.

mod agile;
mod crypto;
mod office;
mod open_document;
mod pdf;
mod standard;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::output::ParseError;
use crate::pdf::Engine;

/// Bytes of a protected file; all of it is held, twice at the worst.
const FILE_BYTES: u64 = 256 * 1_024 * 1_024;

/// Not a wrong password but a way of protection that is not known here.
const UNKNOWN_WAY: ParseError =
    ParseError::Corrupt("its password protection is of a kind that is not opened here");

/// The bytes of an unprotected copy; `None` when the file needs no password.
///
/// # Errors
/// `ENCRYPTED` when the password is wrong.
pub(crate) fn unlock(
    mut file: File,
    password: &str,
    engine: Option<&Engine>,
) -> Result<Option<Vec<u8>>, ParseError> {
    // Not by its metadata, as in `pdf`: that system call is forbidden here.
    let size = file.seek(SeekFrom::End(0)).map_err(ParseError::Input)?;
    file.rewind().map_err(ParseError::Input)?;
    if size > FILE_BYTES {
        return Err(ParseError::TooLarge(
            "it is too large to be opened with a password",
        ));
    }
    let mut head = [0; 8];
    let read = file.read(&mut head).map_err(ParseError::Input)?;
    file.rewind().map_err(ParseError::Input)?;
    match (&head[..read], engine) {
        (_, Some(engine)) => pdf::unlock(engine, file, password),
        ([0xd0, 0xcf, 0x11, 0xe0, ..], None) => office::unlock(file, password),
        ([b'P', b'K', ..], None) => open_document::unlock(file, password),
        _ => Ok(None),
    }
}
