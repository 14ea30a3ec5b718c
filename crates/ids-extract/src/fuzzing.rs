//! The parsers in this process, for fuzzing: without the child, whose walls would only hide what breaks. Not for anything
//! else.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use ids_core::page::ExtractionNote;

use crate::output::{Output, ParseError, ParsedPage};
use crate::sandbox::{Answer, Assembly, Frame};
use crate::{detect, encoding, formats};

/// Reads `file` as one of that type, which must not be PDF, and puts what comes of it through the checks of the parent.
///
/// # Panics
/// When a page breaks a promise of [`ids_core::page::Page`], or there is none and the file is not called damaged.
pub fn parse(content_type: &str, file: File) {
    let mut checked = Checked::default();
    let result = formats::parse(content_type, file, &mut checked);
    assert!(!checked.is_broken, "a page breaks a promise");
    let is_fault_of_ours = matches!(result, Err(ParseError::Internal(_)));
    assert!(!is_fault_of_ours, "{result:?}");
    // What needs all pages, as it runs in the parent.
    let whole = checked.assembly.finish().map(|gathered| gathered.finish());
    assert!(result.is_err() || whole.is_ok(), "it was read, and has no page");
}

/// Finds the type of `file`, by every kind of name.
pub fn detect(mut file: File) {
    for name in ["a", "a.txt", "a.docx", "a.csv", "a.xls", "a.html", "a.eml"] {
        if file.seek(SeekFrom::Start(0)).is_ok() {
            let _ = detect::detect(&mut file, name);
        }
    }
}

/// Decodes `bytes` as text.
pub fn decode(bytes: &[u8]) {
    encoding::decode(bytes.to_vec(), None);
}

/// Takes `bytes` for what a child wrote: frames, each parted by a line feed here.
pub fn frames(bytes: &[u8]) {
    let mut assembly = Assembly::default();
    for frame in bytes.split(|&byte| byte == b'\n') {
        let _ = assembly.take(frame);
    }
    let _ = assembly.finish().map(|gathered| gathered.finish());
}

/// Gathers pages through the checks of the parent.
#[derive(Default)]
struct Checked {
    assembly: Assembly,
    is_broken: bool,
}

impl Checked {
    fn take(&mut self, frame: Frame) -> Result<(), ParseError> {
        self.is_broken |= self.assembly.take_frame(frame).is_err();
        Ok(())
    }
}

impl Output for Checked {
    fn details(&mut self, title: Option<String>, author: Option<String>) -> Result<(), ParseError> {
        self.take(Frame::Details { title, author })
    }

    fn total(&mut self, pages: u32) -> Result<(), ParseError> {
        self.take(Frame::Total { pages })
    }

    fn page(&mut self, page: ParsedPage) -> Result<(), ParseError> {
        self.take(Frame::Page(page.into()))
    }

    fn note(&mut self, note: ExtractionNote) -> Result<(), ParseError> {
        self.take(Frame::Note {
            page_number: note.page_number,
            kind: note.kind.as_str().to_owned(),
            text: note.text,
        })
    }
}
