//! The ZIP around the parts of an Office file or e-book, with limits on what it may unpack to.

use std::borrow::Cow;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use quick_xml::Reader;
use quick_xml::events::Event;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::output::ParseError;

/// What all parts that are read may unpack to. The XML of a 5,000-page book is some 100 MB.
const INFLATED_BYTES: u64 = 512 * 1_024 * 1_024;
/// From here on the ratio counts: small parts of repeated markup compress well and do no harm.
const RATIO_FROM_BYTES: u64 = 32 * 1_024 * 1_024;
/// How many bytes one compressed byte may become; real documents stay below 30, deflate ends at 1,032.
const RATIO: u64 = 200;

/// An open package.
pub(crate) struct Package {
    archive: ZipArchive<BufReader<File>>,
    inflated: Rc<Cell<u64>>,
}

impl Package {
    /// Reads the directory of the ZIP.
    pub(crate) fn open(file: File) -> Result<Self, ParseError> {
        let archive = ZipArchive::new(BufReader::new(file)).map_err(zip_error)?;
        Ok(Self {
            archive,
            inflated: Rc::new(Cell::new(0)),
        })
    }

    /// The names of all parts, as far as they can be read.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.archive
            .file_names()
            .filter_map(Result::ok)
            .map(Cow::into_owned)
    }

    /// Whether there is a part of that name.
    pub(crate) fn has(&self, part: &str) -> bool {
        self.archive.index_for_name(part).is_some()
    }

    /// Gives each event of a part to `take`.
    ///
    /// # Errors
    /// What `take` fails with; CORRUPT for bad ZIP or XML; EXPANDS_TOO_FAR past the limits.
    pub(crate) fn read(
        &mut self,
        part: &str,
        mut take: impl FnMut(Event<'_>) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        let (limited, too_far) = self.open_part(part)?;
        let mut reader = Reader::from_reader(BufReader::with_capacity(64 * 1_024, limited));
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer) {
                Ok(Event::Eof) => return Ok(()),
                Ok(event) => take(event)?,
                Err(_) if too_far.get() => return Err(ParseError::ExpandsTooFar),
                Err(_) => return Err(ParseError::Corrupt("its XML is damaged")),
            }
        }
    }

    /// Gives the events of a part that may be missing or damaged without harm to the text.
    ///
    /// # Errors
    /// As [`Package::read`], but never CORRUPT.
    pub(crate) fn read_optional(
        &mut self,
        part: &str,
        take: impl FnMut(Event<'_>) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        if !self.has(part) {
            return Ok(());
        }
        match self.read(part, take) {
            Err(ParseError::Corrupt(_)) => Ok(()),
            result => result,
        }
    }

    /// The bytes of a part.
    ///
    /// # Errors
    /// CORRUPT for a bad ZIP; EXPANDS_TOO_FAR past the limits.
    pub(crate) fn bytes(&mut self, part: &str) -> Result<Vec<u8>, ParseError> {
        let (mut limited, too_far) = self.open_part(part)?;
        let mut bytes = Vec::new();
        match limited.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(_) if too_far.get() => Err(ParseError::ExpandsTooFar),
            Err(_) => Err(ParseError::Corrupt("its ZIP is damaged")),
        }
    }

    /// Unpacks the parts that `is_read` names into nothing, for the limits alone: before a library unpacks them without.
    ///
    /// # Errors
    /// EXPANDS_TOO_FAR past the limits. Damaged parts are left to whoever reads them.
    pub(crate) fn check_sizes(&mut self, is_read: impl Fn(&str) -> bool) -> Result<(), ParseError> {
        let names: Vec<String> = self.names().filter(|name| is_read(name)).collect();
        for name in names {
            let (mut limited, too_far) = match self.open_part(&name) {
                Err(ParseError::Corrupt(_)) => continue,
                opened => opened?,
            };
            let copied = io::copy(&mut limited, &mut io::sink());
            if copied.is_err() && too_far.get() {
                return Err(ParseError::ExpandsTooFar);
            }
        }
        Ok(())
    }

    /// A reader of a part that stops at the limits, and whether it did.
    fn open_part(&mut self, part: &str) -> Result<(Limited<impl Read + '_>, Rc<Cell<bool>>), ParseError> {
        let entry = self.archive.by_name(part).map_err(zip_error)?;
        if self.inflated.get().saturating_add(entry.size()) > INFLATED_BYTES {
            return Err(ParseError::ExpandsTooFar);
        }
        let too_far = Rc::new(Cell::new(false));
        let limited = Limited {
            compressed: entry.compressed_size(),
            here: 0,
            total: Rc::clone(&self.inflated),
            too_far: Rc::clone(&too_far),
            inner: entry,
        };
        Ok((limited, too_far))
    }
}

/// Counts what comes out, over all parts, and stops at the limits: the sizes in the directory may lie.
struct Limited<R> {
    inner: R,
    compressed: u64,
    here: u64,
    total: Rc<Cell<u64>>,
    too_far: Rc<Cell<bool>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.here += read as u64;
        self.total.set(self.total.get() + read as u64);
        let ratio_is_too_high =
            self.here > RATIO_FROM_BYTES && self.here > self.compressed.max(1).saturating_mul(RATIO);
        if self.total.get() > INFLATED_BYTES || ratio_is_too_high {
            self.too_far.set(true);
            return Err(io::Error::other("unpacks too far"));
        }
        Ok(read)
    }
}

fn zip_error(error: ZipError) -> ParseError {
    match error {
        ZipError::UnsupportedArchive(text) if text == ZipError::PASSWORD_REQUIRED => ParseError::Encrypted,
        _ => ParseError::Corrupt("its ZIP is damaged"),
    }
}

/// A target as seen from the root of the package.
pub(crate) fn resolved(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = match target.starts_with('/') {
        true => Vec::new(),
        false => folder.split('/').collect(),
    };
    for step in target.split('/') {
        match step {
            ".." => drop(parts.pop()),
            "" | "." => {}
            step => parts.push(step),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::resolved;

    #[test]
    fn targets_are_seen_from_the_part_or_from_the_root() {
        assert_eq!(resolved("ppt", "slides/slide1.xml"), "ppt/slides/slide1.xml");
        assert_eq!(
            resolved("ppt/slides", "../notesSlides/n.xml"),
            "ppt/notesSlides/n.xml"
        );
        assert_eq!(resolved("ppt/slides", "/ppt/a.xml"), "ppt/a.xml");
        assert_eq!(resolved("ppt", "../../../x"), "x");
    }
}
