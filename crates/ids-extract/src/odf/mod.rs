//! OpenDocument: text, presentations and spreadsheets, from `content.xml` as a stream.

mod body;
mod sheets;
mod styles;

use std::fs::File;

use quick_xml::events::{BytesStart, Event};

use self::body::{Body, PagesOf};
use self::sheets::Sheets;
use self::styles::Styles;
use crate::output::{Output, ParseError};
use crate::package::Package;
use crate::properties;

/// Whether the content of an element is not part of the text: comments, tracked changes (what was deleted), controls, the number
/// that stands for a note, what is told of pictures, pictures themselves.
fn is_left_out(element: &BytesStart<'_>) -> bool {
    matches!(
        element.local_name().as_ref(),
        "annotation"
            | "tracked-changes"
            | "forms"
            | "note-citation"
            | "ruby-text"
            | "scripts"
            | "page-number"
            | "binary-data"
    ) || matches!(element.name().as_ref(), "svg:title" | "svg:desc")
}

/// Writes the pages of a text, as marked in it; one page where nothing is marked.
pub(crate) fn parse_text(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    parse_flowing(file, PagesOf::Text, output)
}

/// Writes a page for each slide.
pub(crate) fn parse_presentation(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    parse_flowing(file, PagesOf::Presentation, output)
}

/// Writes a page for each sheet.
pub(crate) fn parse_spreadsheet(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut package = open(file, output)?;
    let mut sheets = Sheets::new(output);
    package.read("content.xml", |event| sheets.take(&event))?;
    sheets.finish()
}

fn parse_flowing(file: File, pages: PagesOf, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut package = open(file, output)?;
    let styles = Styles::read(&mut package)?;
    let mut body = Body::new(styles, pages, output);
    package.read("content.xml", |event| body.take(&event))?;
    body.finish()
}

/// Opens the package and writes title and author.
fn open(file: File, output: &mut dyn Output) -> Result<Package, ParseError> {
    let mut package = Package::open(file)?;
    if is_encrypted(&mut package)? {
        return Err(ParseError::Encrypted);
    }
    if !package.has("content.xml") {
        return Err(ParseError::Corrupt("it has no text part"));
    }
    let properties = properties::read(&mut package, "meta.xml")?;
    properties.write(output)?;
    Ok(package)
}

/// The manifest says how each part was encrypted.
fn is_encrypted(package: &mut Package) -> Result<bool, ParseError> {
    let mut is_encrypted = package.has("encrypted-package");
    package.read_optional("META-INF/manifest.xml", |event| {
        if let Event::Start(element) | Event::Empty(element) = &event {
            is_encrypted |= element.local_name().as_ref() == "encryption-data";
        }
        Ok(())
    })?;
    Ok(is_encrypted)
}
