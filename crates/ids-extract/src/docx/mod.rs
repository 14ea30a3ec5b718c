//! DOCX: a ZIP of XML parts, read one part after the other as a stream.

mod body;
mod notes;
mod package;
mod styles;
mod xml;

use std::fs::File;

use self::body::Body;
use self::package::Package;
use crate::output::{Output, ParseError};

/// Writes the pages of a Word file, as marked in it; one page where nothing is marked.
pub(crate) fn parse(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut package = Package::open(file)?;
    let document = package.document_part()?;
    let details = notes::details(&mut package)?;
    output.details(details.title, details.author)?;
    let styles = styles::Styles::read(&mut package)?;
    let footnotes = notes::read(&mut package)?;
    let mut body = Body::new(styles, footnotes, output);
    package.read(&document, |event| body.take(event))?;
    body.finish()
}
