//! DOCX: a ZIP of XML parts, read one part after the other as a stream.

mod body;
mod notes;
mod styles;

use std::fs::File;

use self::body::Body;
pub(crate) use self::styles::kind_of_name as kind_of_style;
use crate::output::{Output, ParseError};
use crate::package::Package;
use crate::properties;

/// Writes the pages of a Word file, as marked in it; one page where nothing is marked.
pub(crate) fn parse(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut package = Package::open(file)?;
    let document = text_part(&package)?;
    let details = properties::read(&mut package, "docProps/core.xml")?;
    details.write(output)?;
    let styles = styles::Styles::read(&mut package)?;
    let footnotes = notes::read(&mut package)?;
    let mut body = Body::new(styles, footnotes, output);
    package.read(&document, |event| body.take(event))?;
    body.finish()
}

/// The name of the part with the text: nearly always `word/document.xml`.
fn text_part(package: &Package) -> Result<String, ParseError> {
    package
        .names()
        .filter(|name| name.starts_with("word/document") && name.ends_with(".xml"))
        .min_by_key(|name| (name.len(), name.clone()))
        .ok_or(ParseError::Corrupt("it has no text part"))
}
