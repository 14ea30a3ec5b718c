//! The type of a file, by its content: magic bytes, the names in a ZIP's directory, the look of a text. The name only
//! decides between kinds of text. Nothing is parsed: this runs in the server's own process.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use ids_core::document::ContentType;
use ids_core::error::{ErrorCode, Failure};

use crate::encoding;
use crate::words;

/// How much of the beginning is looked at.
const HEAD_BYTES: u64 = 8 * 1_024;
/// How much of a ZIP's directory is looked at: some 10,000 entries.
const DIRECTORY_BYTES: u64 = 1_024 * 1_024;
/// The end record of a ZIP with the longest comment.
const ZIP_END_BYTES: u64 = 22 + 65_535;
/// The name of the stream that holds an encrypted Office file, as it stands in an OLE directory.
const ENCRYPTED_PACKAGE: &str = "EncryptedPackage";

/// Finds the type of `file`, whose name as given is `filename`.
///
/// # Errors
/// `EMPTY_FILE`, `UNSUPPORTED_TYPE`, `ENCRYPTED`, and `INTERNAL` when it cannot be read from the disk.
pub(crate) fn detect(file: &mut File, filename: &str) -> Result<ContentType, Failure> {
    let mut head = Vec::new();
    let read = file.by_ref().take(HEAD_BYTES).read_to_end(&mut head);
    let mut kind = read.map(|_| kind_of_head(&head, filename));
    if matches!(kind, Ok(Kind::Zip)) {
        kind = kind_of_zip(file, &head, filename);
    } else if matches!(kind, Ok(Kind::Ole)) {
        kind = is_encrypted_office(file).map(|is| if is { Kind::EncryptedOffice } else { Kind::Ole });
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
        Kind::EncryptedOffice => return Err(words::encrypted(filename)),
        Kind::Ole => {
            return Err(words::unsupported(
                filename,
                "an Office file of before 2007 (.doc, .xls or .ppt)",
            ));
        }
        Kind::Other(what) => return Err(words::unsupported(filename, what)),
        Kind::Zip => None,
    };
    found.ok_or_else(|| words::unsupported(filename, "a ZIP archive"))
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

/// Beginnings of binary files that are not read.
const MAGIC: &[(&[u8], &str)] = &[
    (b"{\\rtf", "an RTF file"),
    (b"\x89PNG\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
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
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Kind::Other(what);
    }
    if head.starts_with(b"RIFF") || head.get(4..8) == Some(b"ftyp") {
        return Kind::Other("a picture, sound or film");
    }
    if !looks_like_text(head) {
        return Kind::Other("of a kind that is not known");
    }
    kind_of_text(head, filename)
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

fn kind_of_text(head: &[u8], filename: &str) -> Kind {
    let extension = extension(filename);
    match extension.as_str() {
        "md" | "markdown" | "mdown" | "mkd" => return Kind::Known(ContentType::MARKDOWN),
        "html" | "htm" | "xhtml" => return Kind::Known(ContentType::HTML),
        "eml" | "mht" | "mhtml" | "mbox" => return Kind::Other("an e-mail message"),
        _ => {}
    }
    let text = encoding::decode(head.to_vec(), None).to_lowercase();
    let text = text.trim_start();
    let after_declaration = if text.starts_with("<?xml") {
        text.split_once("?>").map_or("", |(_, rest)| rest)
    } else {
        text
    };
    let after_declaration = after_declaration.trim_start();
    let is_html = ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|tag| after_declaration.starts_with(tag))
        || after_declaration.starts_with("<!--") && after_declaration.contains("<html");
    Kind::Known(if is_html {
        ContentType::HTML
    } else {
        ContentType::TEXT
    })
}

/// The extension of a name, lower case, without its dot.
fn extension(filename: &str) -> String {
    filename
        .rsplit_once('.')
        .map_or_else(String::new, |(_, extension)| extension.to_lowercase())
}

/// Entries that tell what a ZIP is.
const ZIP_ENTRIES: &[(&[u8], Kind)] = &[
    (b"word/document", Kind::Known(ContentType::DOCX)),
    (b"xl/workbook", Kind::Other("a spreadsheet")),
    (b"ppt/presentation", Kind::Other("a presentation")),
    (b"META-INF/container.xml", Kind::Other("an e-book (EPUB)")),
    (
        b"META-INF/manifest.xml",
        Kind::Other("an OpenDocument file (.odt, .ods or .odp)"),
    ),
];

fn kind_of_zip(file: &mut File, head: &[u8], filename: &str) -> io::Result<Kind> {
    let directory = zip_directory(file)?;
    let found = [directory.as_slice(), head].into_iter().find_map(|bytes| {
        let entry = ZIP_ENTRIES.iter().find(|(name, _)| contains(bytes, name));
        entry.map(|&(_, kind)| kind)
    });
    // A damaged ZIP may show no names; the parser will say that it is damaged.
    let is_damaged_docx = directory.is_empty() && extension(filename) == "docx";
    Ok(match found {
        Some(kind) => kind,
        None if is_damaged_docx => Kind::Known(ContentType::DOCX),
        None => Kind::Other("a ZIP archive"),
    })
}

/// The directory of a ZIP as bytes; empty where there is none.
fn zip_directory(file: &mut File) -> io::Result<Vec<u8>> {
    let size = file.seek(SeekFrom::End(0))?;
    let tail_from = size.saturating_sub(ZIP_END_BYTES);
    let tail = read_at(file, tail_from, ZIP_END_BYTES)?;
    let Some(end) = tail.windows(4).rposition(|window| window == b"PK\x05\x06") else {
        return Ok(Vec::new());
    };
    let field = |at: usize| {
        let bytes = tail.get(end + at..end + at + 4)?;
        Some(u64::from(u32::from_le_bytes(bytes.try_into().ok()?)))
    };
    let (Some(length), Some(from)) = (field(12), field(16)) else {
        return Ok(Vec::new());
    };
    // A ZIP64 archive has its offset elsewhere; its directory still ends right before its end records.
    let from = if from == u64::from(u32::MAX) {
        (tail_from + end as u64).saturating_sub(DIRECTORY_BYTES)
    } else {
        from
    };
    read_at(file, from, length.min(DIRECTORY_BYTES))
}

fn read_at(file: &mut File, from: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether an OLE file holds an encrypted Office file: its directory then names that stream. The directory may lie
/// anywhere, and is near the beginning or the end in practice.
fn is_encrypted_office(file: &mut File) -> io::Result<bool> {
    let name: Vec<u8> = ENCRYPTED_PACKAGE
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let size = file.seek(SeekFrom::End(0))?;
    for from in [0, size.saturating_sub(DIRECTORY_BYTES)] {
        if contains(&read_at(file, from, DIRECTORY_BYTES)?, &name) {
            return Ok(true);
        }
    }
    Ok(false)
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
        check(b"\x89PNG\r\n\x1a\n", "x.txt", Kind::Other("a picture"));
        check(
            b"ab\0\x01\x02\x03",
            "x.txt",
            Kind::Other("of a kind that is not known"),
        );
        check(b"", "x.pdf", Kind::Empty);
    }
}
