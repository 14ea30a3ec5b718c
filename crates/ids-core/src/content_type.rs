//! MIME types, and the table of those that are read.

use std::fmt;

/// A MIME type, lower case, without parameters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentType(String);

/// A type of file that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileType {
    /// Its MIME type.
    pub content_type: &'static str,
    /// The endings its files have, lower case without dot; the first is its short name.
    pub extensions: &'static [&'static str],
}

const fn file_type(content_type: &'static str, extensions: &'static [&'static str]) -> FileType {
    FileType {
        content_type,
        extensions,
    }
}

/// Every type that is read, in the order it is told in.
pub const FILE_TYPES: [FileType; 25] = [
    file_type(ContentType::PDF, &["pdf"]),
    file_type(ContentType::DOCX, &["docx", "docm", "dotx"]),
    file_type(ContentType::DOC, &["doc", "dot"]),
    file_type(ContentType::ODT, &["odt", "ott"]),
    file_type(ContentType::RTF, &["rtf"]),
    file_type(ContentType::XLSX, &["xlsx", "xlsm", "xltx"]),
    file_type(ContentType::XLS, &["xls", "xlt"]),
    file_type(ContentType::ODS, &["ods", "ots"]),
    file_type(ContentType::CSV, &["csv", "tsv"]),
    file_type(ContentType::PPTX, &["pptx", "pptm", "ppsx", "potx"]),
    file_type(ContentType::ODP, &["odp", "otp"]),
    file_type(ContentType::HTML, &["html", "htm", "xhtml"]),
    file_type(ContentType::MHTML, &["mhtml", "mht"]),
    file_type(ContentType::EPUB, &["epub"]),
    file_type(ContentType::EML, &["eml"]),
    file_type(ContentType::MSG, &["msg"]),
    file_type(ContentType::ZIP, &["zip"]),
    file_type(ContentType::MARKDOWN, &["md", "markdown", "mdown", "mkd"]),
    file_type(ContentType::TEXT, &["txt", "text", "log"]),
    file_type(ContentType::JSON, &["json", "jsonl", "ndjson", "geojson"]),
    file_type(ContentType::XML, &["xml"]),
    file_type(ContentType::PNG, &["png"]),
    file_type(ContentType::JPEG, &["jpg", "jpeg"]),
    file_type(ContentType::TIFF, &["tiff", "tif"]),
    file_type(ContentType::WEBP, &["webp"]),
];

impl ContentType {
    /// PDF.
    pub const PDF: &'static str = "application/pdf";
    /// Word, since 2007.
    pub const DOCX: &'static str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    /// Word, before 2007.
    pub const DOC: &'static str = "application/msword";
    /// OpenDocument text.
    pub const ODT: &'static str = "application/vnd.oasis.opendocument.text";
    /// Rich text.
    pub const RTF: &'static str = "application/rtf";
    /// Excel, since 2007.
    pub const XLSX: &'static str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    /// Excel, before 2007.
    pub const XLS: &'static str = "application/vnd.ms-excel";
    /// OpenDocument spreadsheet.
    pub const ODS: &'static str = "application/vnd.oasis.opendocument.spreadsheet";
    /// A table as text: values parted by commas, semicolons or tabs.
    pub const CSV: &'static str = "text/csv";
    /// PowerPoint, since 2007.
    pub const PPTX: &'static str =
        "application/vnd.openxmlformats-officedocument.presentationml.presentation";
    /// OpenDocument presentation.
    pub const ODP: &'static str = "application/vnd.oasis.opendocument.presentation";
    /// HTML.
    pub const HTML: &'static str = "text/html";
    /// A web page with its pictures in one file.
    pub const MHTML: &'static str = "multipart/related";
    /// E-book.
    pub const EPUB: &'static str = "application/epub+zip";
    /// An e-mail message.
    pub const EML: &'static str = "message/rfc822";
    /// An e-mail message of Outlook.
    pub const MSG: &'static str = "application/vnd.ms-outlook";
    /// An archive, whose files become documents of their own.
    pub const ZIP: &'static str = "application/zip";
    /// Markdown.
    pub const MARKDOWN: &'static str = "text/markdown";
    /// Plain text.
    pub const TEXT: &'static str = "text/plain";
    /// JSON.
    pub const JSON: &'static str = "application/json";
    /// XML.
    pub const XML: &'static str = "application/xml";
    /// A picture.
    pub const PNG: &'static str = "image/png";
    /// A photograph.
    pub const JPEG: &'static str = "image/jpeg";
    /// Scanned pages.
    pub const TIFF: &'static str = "image/tiff";
    /// A picture.
    pub const WEBP: &'static str = "image/webp";

    /// Takes the type out of a header value: parameters cut, lower case. `None` when it is no `type/subtype`.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let (kind, subtype) = bare.split_once('/')?;
        let token = |part: &str| {
            !part.is_empty()
                && part.len() <= 127
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
        };
        (token(kind) && token(subtype)).then_some(Self(bare))
    }

    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether files of this type hold others, which become documents of their own.
    pub fn has_members(&self) -> bool {
        matches!(self.as_str(), Self::ZIP | Self::EML | Self::MSG)
    }

    /// Whether a password may open files of this type. From outside they look as if they needed none; an Office file that needs one
    /// shows nothing but that it is encrypted, and has none of these types.
    pub fn takes_a_password(&self) -> bool {
        matches!(self.as_str(), Self::PDF | Self::ODT | Self::ODS | Self::ODP)
    }

    /// Whether files of this type are read.
    pub fn is_read(&self) -> bool {
        FILE_TYPES.iter().any(|of| of.content_type == self.0)
    }
}

impl FileType {
    /// The type whose files have that ending, in either case.
    pub fn of_extension(extension: &str) -> Option<&'static Self> {
        let has = |of: &&Self| {
            of.extensions
                .iter()
                .any(|own| own.eq_ignore_ascii_case(extension))
        };
        FILE_TYPES.iter().find(has)
    }

    /// The type of that name.
    pub fn of_content_type(content_type: &str) -> Option<&'static Self> {
        FILE_TYPES.iter().find(|of| of.content_type == content_type)
    }

    /// The short names of all types, as they are told to people: `pdf, docx, doc, ...`.
    pub fn short_names() -> String {
        let names: Vec<&str> = FILE_TYPES
            .iter()
            .filter_map(|of| of.extensions.first().copied())
            .collect();
        names.join(", ")
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ContentType, FILE_TYPES, FileType};

    #[test]
    fn every_type_has_a_name_of_its_own() {
        let types: BTreeSet<_> = FILE_TYPES.iter().map(|of| of.content_type).collect();
        assert_eq!(types.len(), FILE_TYPES.len());
        let extensions: Vec<_> = FILE_TYPES.iter().flat_map(|of| of.extensions).collect();
        assert_eq!(extensions.iter().collect::<BTreeSet<_>>().len(), extensions.len());
        for of in FILE_TYPES {
            assert!(ContentType::parse(of.content_type).is_some_and(|parsed| parsed.is_read()));
        }
    }

    #[test]
    fn an_ending_names_a_type_in_either_case() {
        let found = |extension| FileType::of_extension(extension).map(|of| of.content_type);
        assert_eq!(found("ODT"), Some(ContentType::ODT));
        assert_eq!(found("jpeg"), Some(ContentType::JPEG));
        assert_eq!(found("exe"), None);
    }
}
