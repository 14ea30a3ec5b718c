//! What a ZIP holds, by the names in its directory and the type that OpenDocument files and e-books begin with.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use ids_core::document::{ContentType, FileType};

use super::{Kind, contains, extension, read_at};

/// How much of the directory is looked at: some 10,000 entries.
const DIRECTORY_BYTES: u64 = 1_024 * 1_024;
/// The end record of a ZIP with the longest comment.
const ZIP_END_BYTES: u64 = 22 + 65_535;

/// What the first entry of a package holds, uncompressed, when it is called `mimetype`. Longer names stand before those they begin with.
const MIMETYPES: &[(&[u8], Kind)] = &[
    (
        b"mimetypeapplication/vnd.oasis.opendocument.text-master",
        Kind::Other("an OpenDocument master document"),
    ),
    (
        b"mimetypeapplication/vnd.oasis.opendocument.text",
        Kind::Known(ContentType::ODT),
    ),
    (
        b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
        Kind::Known(ContentType::ODS),
    ),
    (
        b"mimetypeapplication/vnd.oasis.opendocument.presentation",
        Kind::Known(ContentType::ODP),
    ),
    (
        b"mimetypeapplication/vnd.oasis.opendocument.",
        Kind::Other("an OpenDocument drawing, formula or database"),
    ),
    (b"mimetypeapplication/epub+zip", Kind::Known(ContentType::EPUB)),
];

/// Entries that tell what a ZIP is.
const ZIP_ENTRIES: &[(&[u8], Kind)] = &[
    (b"word/document", Kind::Known(ContentType::DOCX)),
    (
        b"xl/workbook.bin",
        Kind::Other("an Excel file in binary form (XLSB)"),
    ),
    (b"xl/workbook", Kind::Known(ContentType::XLSX)),
    (b"ppt/presentation", Kind::Known(ContentType::PPTX)),
    (b"META-INF/container.xml", Kind::Known(ContentType::EPUB)),
];

/// The kind of a ZIP whose beginning is `head`.
pub(super) fn kind(file: &mut File, head: &[u8], filename: &str) -> io::Result<Kind> {
    // The name of the first entry follows its 30 bytes of header, and its content that; an extra field may stand between them. Of an archive that has a
    // package in it, uncompressed, the package's own first entry lies further on.
    let beginning = &head[..head.len().min(256)];
    if beginning.get(30..38) == Some(b"mimetype")
        && let Some(&(_, kind)) = MIMETYPES.iter().find(|(text, _)| contains(beginning, text))
    {
        return Ok(kind);
    }
    let directory = directory(file)?;
    let names = names(&directory);
    let found = match names.is_empty() {
        // What the directory would say is not to be had: the first entries name themselves.
        true => ZIP_ENTRIES.iter().find(|(name, _)| contains(head, name)),
        false => ZIP_ENTRIES
            .iter()
            .find(|(start, _)| names.iter().any(|name| name.starts_with(start))),
    };
    if let Some(&(_, kind)) = found {
        return Ok(kind);
    }
    // A damaged ZIP may show no names, and a package may lack the type it should begin with; the parser will say what is wrong.
    let is_damaged = directory.is_empty();
    let has_manifest = contains(&directory, b"META-INF/manifest.xml");
    let named = FileType::of_extension(&extension(filename)).map(|of| of.content_type);
    Ok(match named {
        Some(name @ (ContentType::ODT | ContentType::ODS | ContentType::ODP))
            if is_damaged || has_manifest =>
        {
            Kind::Known(name)
        }
        Some(name @ (ContentType::DOCX | ContentType::XLSX | ContentType::PPTX | ContentType::EPUB))
            if is_damaged =>
        {
            Kind::Known(name)
        }
        _ => archive(&names),
    })
}

/// An archive of files, unless its names tell of a program or a package of another kind, whose parts are nobody's documents.
fn archive(names: &[&[u8]]) -> Kind {
    let has = |wanted: &[u8]| names.contains(&wanted);
    if has(b"META-INF/MANIFEST.MF") || has(b"AndroidManifest.xml") {
        Kind::Other("a program")
    } else if has(b"[Content_Types].xml") {
        Kind::Other("an Office file of a kind that is not known")
    } else {
        Kind::Known(ContentType::ZIP)
    }
}

/// The names in a directory, as far as they can be followed.
fn names(directory: &[u8]) -> Vec<&[u8]> {
    const HEADER_BYTES: usize = 46;
    let mut names = Vec::new();
    // The directory of a ZIP64 archive is found by its end: what stands before it is passed over.
    let start = directory.windows(4).position(|four| four == b"PK\x01\x02");
    let mut rest = start.map_or(&[][..], |start| &directory[start..]);
    while rest.starts_with(b"PK\x01\x02") {
        let length = |at: usize| match rest.get(at..at + 2) {
            Some(two) => usize::from(u16::from_le_bytes([two[0], two[1]])),
            None => 0,
        };
        let name_end = HEADER_BYTES + length(28);
        let Some(name) = rest.get(HEADER_BYTES..name_end) else {
            break;
        };
        names.push(name);
        rest = rest.get(name_end + length(30) + length(32)..).unwrap_or_default();
    }
    names
}

/// The directory as bytes; empty where there is none.
fn directory(file: &mut File) -> io::Result<Vec<u8>> {
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
