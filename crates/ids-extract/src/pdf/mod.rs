//! PDF, by pdfium: characters with places in the order of the content, then lines, then blocks.

mod bold;
mod captions;
mod columns;
pub(crate) mod draw;
pub(crate) mod hyphen;
pub(crate) mod layout;
pub(crate) mod lines;
pub(crate) mod structure;
mod tables;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::mem::ManuallyDrop;
use std::path::Path;

use ids_core::limits;
use ids_core::page::NoteKind;
use pdfium_render::prelude::{
    PdfDocument, PdfDocumentMetadataTagType, PdfPage, PdfPageObjectCommon, PdfPageObjectType,
    PdfPageObjectsCommon, Pdfium, PdfiumError, PdfiumInternalError, PdfiumLibraryConfig,
};

use crate::builder::PageBuilder;
use crate::dates;
use crate::ocr::{self, Usable};
use crate::output::{NOTES, Output, ParseError, ParsedPage, page_note};
use crate::properties::Properties;

/// Files up to this size are read at once: pdfium reads in pieces of 512 bytes, each two system calls.
const READ_AT_ONCE_BYTES: u64 = 64 * 1_024 * 1_024;

/// A page of at most so many paths and nothing else is blank: rules, frames, a background.
const FEW_PATHS: usize = 20;
/// The share of a page that a scan covers at least.
const COVERED: f32 = 0.7;

/// The PDF engine. Only one can be made in a process (pdfium keeps global state), hence one child a document.
pub(crate) struct Engine(Pdfium);

impl Engine {
    /// Loads the engine's library.
    pub(crate) fn load(library: &Path) -> Result<Self, ParseError> {
        let bindings = Pdfium::bind_to_library(library).map_err(|_| {
            ParseError::Internal("the PDF engine's library `libpdfium.so` cannot be loaded".to_owned())
        })?;
        // No folders of fonts: text needs none, and the sandbox has no file system.
        let config = PdfiumLibraryConfig::new();
        Ok(Self(Pdfium::new_with_config(bindings, config)))
    }

    /// The engine itself.
    pub(crate) const fn pdfium(&self) -> &Pdfium {
        &self.0
    }

    /// Writes the pages of a PDF.
    pub(crate) fn parse(&self, file: File, output: &mut dyn Output) -> Result<(), ParseError> {
        // The process ends with its document: what that takes apart, object by object, is left to the system.
        let document = ManuallyDrop::new(self.open(file)?);
        properties(&document).write(output)?;
        let pages = document.pages();
        let total = u32::try_from(pages.len()).unwrap_or(0);
        if total == 0 {
            return Err(ParseError::Corrupt("it has no pages"));
        }
        if total > limits::DOCUMENT_PAGES {
            return Err(ParseError::TooLarge("it has more pages than can be indexed"));
        }
        output.total(total)?;
        let mut notes = 0;
        let mut broken = 0;
        for number in 1..=total {
            let note = match read_page(&document, number) {
                Ok(page) => {
                    output.page(page)?;
                    continue;
                }
                Err(PageError::Limit(error)) => return Err(error),
                Err(PageError::Broken) => {
                    broken += 1;
                    output.page(PageBuilder::new(number).finish())?;
                    page_note(
                        number,
                        NoteKind::BrokenPage,
                        format!("page {number} is damaged and was left out"),
                    )
                }
            };
            notes += 1;
            if notes <= NOTES {
                output.note(note)?;
            }
        }
        if broken == total {
            return Err(ParseError::Corrupt("none of its pages can be read"));
        }
        Ok(())
    }

    fn open(&self, mut file: File) -> Result<PdfDocument<'_>, ParseError> {
        // Not by its metadata: that is a system call which could look at other files as well, and is forbidden here.
        // What has no end that can be sought, a pipe, is read as it comes.
        let size = match file.seek(SeekFrom::End(0)) {
            Ok(size) => {
                file.rewind().map_err(ParseError::Input)?;
                size
            }
            Err(_) => 0,
        };
        let opened = if size <= READ_AT_ONCE_BYTES {
            let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
            file.read_to_end(&mut bytes).map_err(ParseError::Input)?;
            self.0.load_pdf_from_byte_vec(bytes, None)
        } else {
            self.0.load_pdf_from_reader(file, None)
        };
        opened.map_err(|error| match error {
            PdfiumError::PdfiumLibraryInternalError(
                PdfiumInternalError::PasswordError | PdfiumInternalError::SecurityError,
            ) => ParseError::Encrypted,
            _ => ParseError::Corrupt("its structure is damaged"),
        })
    }
}

/// What the file says of itself.
fn properties(document: &PdfDocument<'_>) -> Properties {
    let tag = |kind| {
        let value = document.metadata().get(kind)?;
        let text: String = value.value().chars().filter(|c| !c.is_control()).collect();
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let date = |kind| tag(kind).and_then(|text| dates::of_pdf(&text));
    Properties {
        title: tag(PdfDocumentMetadataTagType::Title),
        author: tag(PdfDocumentMetadataTagType::Author),
        created: date(PdfDocumentMetadataTagType::CreationDate),
        modified: date(PdfDocumentMetadataTagType::ModificationDate),
    }
}

enum PageError {
    Broken,
    Limit(ParseError),
}

fn read_page(document: &PdfDocument<'_>, number: u32) -> Result<ParsedPage, PageError> {
    let index = i32::try_from(number - 1).map_err(|_| PageError::Broken)?;
    let page = document.pages().get(index).map_err(|_| PageError::Broken)?;
    let frame = lines::Frame::of(&page);
    let text = page.text().map_err(|_| PageError::Broken)?;
    let found = lines::read(&text, &frame);
    let mut builder = PageBuilder::new(number).with_size(frame.width, frame.height);
    let mut blocks = layout::blocks(&found);
    bold::mark(&mut blocks, &found, &text);
    for block in blocks {
        layout::push(&mut builder, &block, &found).map_err(PageError::Limit)?;
    }
    let mut parsed = builder.finish();
    parsed.needs_ocr = match ocr::judge(&parsed.page.text) {
        Usable::Text => false,
        Usable::Nothing => shows_picture(&page),
        Usable::Little => is_covered(&page, &frame),
        Usable::Rubbish => true,
    };
    Ok(parsed)
}

/// Whether pictures cover most of a page, as a scan does, in one piece or in strips.
fn is_covered(page: &PdfPage<'_>, frame: &lines::Frame) -> bool {
    let sheet = frame.width * frame.height;
    let pictures = page
        .objects()
        .iter()
        .filter(|object| object.object_type() == PdfPageObjectType::Image)
        .filter_map(|object| object.bounds().ok())
        .map(|bounds| (bounds.width().value * bounds.height().value).abs());
    pictures.sum::<f32>() > COVERED * sheet
}

/// Whether a page shows more than a few lines and frames: a picture, or so many paths that they may be drawn letters.
fn shows_picture(page: &PdfPage<'_>) -> bool {
    let objects = page.objects();
    objects.len() > FEW_PATHS
        || objects
            .iter()
            .any(|object| object.object_type() != PdfPageObjectType::Path)
}
