//! What the tests share: an extractor over the test child, and where the test data lies.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use ids_core::error::Failure;
use ids_core::page::ExtractedDocument;
use ids_extract::{
    ChildCommand, ChildLimits, ExtractorConfig, OcrConfig, OcrLimits, OcrSource, SandboxedExtractor,
    Tesseract,
};
use ids_testkit::contracts::extractor_contract::{assert_pages_hold, read};
pub(crate) use ids_testkit::testdata::shared;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An extractor whose child is this crate's own, started with `word`.
pub(crate) fn extractor_with(word: &str, limits: ChildLimits) -> SandboxedExtractor {
    SandboxedExtractor::new(config(word, limits))
}

pub(crate) fn config(word: &str, limits: ChildLimits) -> ExtractorConfig {
    ExtractorConfig {
        pdfium: repository().join("assets/libpdfium.so"),
        child: child(word),
        limits,
        ocr: None,
    }
}

pub(crate) fn child(word: &str) -> ChildCommand {
    ChildCommand {
        program: PathBuf::from(env!("CARGO_BIN_EXE_ids-extract-child")),
        args: vec![word.to_owned()],
    }
}

/// An extractor that reads scans, in Portuguese and English; `None` where Tesseract is not installed, which is a fault where
/// everything must be there.
pub(crate) fn ocr_extractor() -> Option<SandboxedExtractor> {
    let tesseract = match Tesseract::find() {
        Ok(tesseract) => tesseract,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{error}");
            return None;
        }
    };
    let mut config = config("__extract", ChildLimits::default());
    config.ocr = Some(OcrSource::from(OcrConfig {
        tesseract,
        languages: vec!["por".to_owned(), "eng".to_owned()],
        child: child("__ocr"),
        pages_at_once: 2,
        limits: OcrLimits::default(),
    }));
    Some(SandboxedExtractor::new(config))
}

/// The extractor with its usual limits.
pub(crate) fn extractor() -> SandboxedExtractor {
    extractor_with("__extract", ChildLimits::default())
}

/// The text of a file made by a test.
pub(crate) async fn extract_bytes(name: &str, bytes: &[u8]) -> Result<ExtractedDocument, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    let document = read(&extractor(), &file, name).await?;
    assert_pages_hold(&document);
    Ok(document)
}

/// Role and text of each block of a page.
pub(crate) fn blocks(document: &ExtractedDocument, page: usize) -> Vec<(&'static str, &str)> {
    let page = &document.pages[page];
    page.blocks
        .iter()
        .map(|block| (block.kind.as_str(), block.span.slice(&page.text)))
        .collect()
}

/// A package of parts; one called `mimetype` is kept as it is, as it must be.
pub(crate) fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        let method = match *name {
            "mimetype" => CompressionMethod::Stored,
            _ => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An OLE file of streams; storages are made as paths need them.
pub(crate) fn ole(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, bytes) in streams {
        if let Some(storage) = Path::new(path).parent() {
            file.create_storage_all(storage).unwrap();
        }
        file.create_stream(path).unwrap().write_all(bytes).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
