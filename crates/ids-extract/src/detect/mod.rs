//! The type of a file, by its content: magic bytes, the names in a ZIP's or an OLE file's directory, the look of a text. The name only
//! decides between kinds of text. Nothing is parsed: this runs in the server's own process.

mod ole;
mod text;
mod zip;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use ids_core::document::ContentType;
use ids_core::error::{ErrorCode, Failure};

use crate::encoding;
use crate::words;

/// How much of the beginning is looked at.
const HEAD_BYTES: u64 = 8 * 1_024;

/// Finds the type of `file`, whose name as given is `filename`.
///
/// # Errors
/// `EMPTY_FILE`, `UNSUPPORTED_TYPE`, `ENCRYPTED`, and `INTERNAL` when it cannot be read from the disk.
pub(crate) fn detect(file: &mut File, filename: &str) -> Result<ContentType, Failure> {
    let mut head = Vec::new();
    let read = file.by_ref().take(HEAD_BYTES).read_to_end(&mut head);
    let mut kind = read.map(|_| kind_of_head(&head, filename));
    if matches!(kind, Ok(Kind::Zip)) {
        kind = zip::kind(file, &head, filename);
    } else if matches!(kind, Ok(Kind::Ole)) {
        kind = ole::kind(file);
    }
    let kind = kind.map_err(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a stored file cannot be read"
        );
        words::unreadable(filename)
    })?;
    let found = match kind {
        Kind::Known(content_type) => ContentType::parse(content_type),
        Kind::Empty => {
            return Err(Failure::of_input(
                ErrorCode::EmptyFile,
                format!("`{filename}` is empty; it has 0 bytes"),
            ));
        }
        Kind::EncryptedOffice => return Err(words::encrypted(filename, true)),
        Kind::Other(what) => return Err(words::unsupported(filename, what)),
        // What is inside was looked at above.
        Kind::Zip | Kind::Ole => None,
    };
    found.ok_or_else(|| words::unsupported(filename, "of a kind that is not known"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Known(&'static str),
    Empty,
    Zip,
    Ole,
    EncryptedOffice,
    /// A kind that is not read, in words.
    Other(&'static str),
}

/// Beginnings of files that are read.
const READ: &[(&[u8], &str)] = &[
    (b"{\\rtf", ContentType::RTF),
    (b"\x89PNG\r\n", ContentType::PNG),
    (b"\xff\xd8\xff", ContentType::JPEG),
    (b"II*\0", ContentType::TIFF),
    (b"MM\0*", ContentType::TIFF),
    // With places beyond 4 GiB.
    (b"II+\0", ContentType::TIFF),
    (b"MM\0+", ContentType::TIFF),
];

/// Beginnings of binary files that are not read.
const MAGIC: &[(&[u8], &str)] = &[
    (b"GIF8", "a picture (GIF)"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"BZh", "a compressed archive"),
    (b"\xfd7zXZ", "a compressed archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"%!PS", "a PostScript file"),
    (b"SQLite format 3\0", "a database"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
];

fn kind_of_head(head: &[u8], filename: &str) -> Kind {
    if head.is_empty() {
        return Kind::Empty;
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Kind::Zip;
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Kind::Ole;
    }
    // Readers accept a PDF that begins anywhere in the first 1,024 bytes.
    if head[..head.len().min(1_024)]
        .windows(5)
        .any(|window| window == b"%PDF-")
    {
        return Kind::Known(ContentType::PDF);
    }
    if let Some((_, content_type)) = READ.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Kind::Known(content_type);
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Kind::Known(ContentType::WEBP);
    }
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Kind::Other(what);
    }
    if head.starts_with(b"RIFF") || head.get(4..8) == Some(b"ftyp") {
        return Kind::Other("a picture, sound or film");
    }
    if !looks_like_text(head) {
        return Kind::Other("of a kind that is not known");
    }
    text::kind(head, filename)
}

/// Whether bytes are text in some encoding: hardly any control characters, no zeros but those of UTF-16.
fn looks_like_text(head: &[u8]) -> bool {
    let has_utf16_mark = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    if has_utf16_mark || encoding::utf16_without_mark(head).is_some() {
        return true;
    }
    if head.contains(&0) {
        return false;
    }
    let controls = head
        .iter()
        .filter(|&&byte| (byte < 0x20 && !b"\t\n\r\x0c\x1b".contains(&byte)) || byte == 0x7f);
    controls.count() * 100 <= head.len()
}

/// The extension of a name, lower case, without its dot.
fn extension(filename: &str) -> String {
    filename
        .rsplit_once('.')
        .map_or_else(String::new, |(_, extension)| extension.to_lowercase())
}

fn read_at(file: &mut File, from: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind_of_head};
    use ids_core::document::ContentType;

    #[test]
    fn content_decides_and_the_name_only_between_kinds_of_text() {
        let check =
            |head: &[u8], name: &str, kind: Kind| assert_eq!(kind_of_head(head, name), kind, "{name}");
        check(b"%PDF-1.7\n", "x.txt", Kind::Known(ContentType::PDF));
        check(b"junk\n%PDF-1.4", "x.pdf", Kind::Known(ContentType::PDF));
        check(b"PK\x03\x04....", "x.pdf", Kind::Zip);
        check(b"# a", "x.MD", Kind::Known(ContentType::MARKDOWN));
        check(b"# a", "x.pdf", Kind::Known(ContentType::TEXT));
        check(b" \n<!DOCTYPE HTML><p>", "x.txt", Kind::Known(ContentType::HTML));
        check(
            b"<?xml version='1.0'?>\n<html>",
            "x",
            Kind::Known(ContentType::HTML),
        );
        check(b"a\xe7\xe3o", "leia", Kind::Known(ContentType::TEXT));
        check(b"\xff\xfea\0", "x.txt", Kind::Known(ContentType::TEXT));
        check(b"\x89PNG\r\n\x1a\n", "x.txt", Kind::Known(ContentType::PNG));
        check(b"RIFF\0\0\0\0WEBPVP8 ", "x.jpg", Kind::Known(ContentType::WEBP));
        check(b"{\\rtf1\\ansi", "x.doc", Kind::Known(ContentType::RTF));
        check(
            b"ab\0\x01\x02\x03",
            "x.txt",
            Kind::Other("of a kind that is not known"),
        );
        check(b"", "x.pdf", Kind::Empty);
    }
}
