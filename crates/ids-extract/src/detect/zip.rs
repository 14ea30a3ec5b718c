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
    // The entry's name and content follow its 30 bytes of header; an extra field may stand between them.
    let beginning = &head[..head.len().min(256)];
    if let Some(&(_, kind)) = MIMETYPES.iter().find(|(text, _)| contains(beginning, text)) {
        return Ok(kind);
    }
    let directory = directory(file)?;
    let found = [directory.as_slice(), head].into_iter().find_map(|bytes| {
        let entry = ZIP_ENTRIES.iter().find(|(name, _)| contains(bytes, name));
        entry.map(|&(_, kind)| kind)
    });
    if let Some(kind) = found {
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
        _ => Kind::Other("a ZIP archive (unpack it and upload what is in it)"),
    })
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
