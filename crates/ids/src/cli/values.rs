//! Values of arguments, checked before anything is opened: exit code 2.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use ids_core::document::{ContentType, FileType};
use ids_core::scope::{CollectionName, Tag};
use ids_core::search::SearchMode;

/// A collection's name.
pub fn collection(text: &str) -> Result<String, String> {
    match CollectionName::parse(text) {
        Ok(name) => Ok(name.as_str().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A tag.
pub fn tag(text: &str) -> Result<String, String> {
    match Tag::parse(text.trim()) {
        Ok(tag) => Ok(tag.as_str().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A MIME type, or a short name of one.
pub fn content_type(text: &str) -> Result<String, String> {
    let name = text.trim().trim_start_matches('.').to_ascii_lowercase();
    if let Some(of) = FileType::of_extension(&name) {
        return Ok(of.content_type.to_owned());
    }
    match ContentType::parse(&name) {
        Some(of) => Ok(of.as_str().to_owned()),
        None => Err(format!(
            "must be one of {}, or a MIME type such as `application/pdf`",
            FileType::short_names()
        )),
    }
}

/// By what is searched.
pub fn mode() -> impl TypedValueParser<Value = SearchMode> {
    PossibleValuesParser::new(SearchMode::ALL.map(SearchMode::as_str))
        .try_map(|name| SearchMode::from_name(&name).ok_or("must be one of the modes"))
}

/// Whether a file of that extension is of a type that is read.
pub fn is_supported_extension(extension: &str) -> bool {
    FileType::of_extension(extension).is_some()
}

#[cfg(test)]
mod tests {
    use super::{content_type, is_supported_extension, tag};

    #[test]
    fn types_are_taken_by_short_name_or_mime_type() {
        assert_eq!(content_type(".PDF").unwrap(), "application/pdf");
        assert_eq!(content_type("text/Plain").unwrap(), "text/plain");
        assert!(content_type("word").is_err());
    }

    #[test]
    fn extensions_count_in_either_case() {
        assert!(
            is_supported_extension("PDF")
                && is_supported_extension("markdown")
                && is_supported_extension("Odt")
                && !is_supported_extension("rar")
        );
    }

    #[test]
    fn a_tag_is_trimmed_and_checked() {
        assert_eq!(tag(" a ").unwrap(), "a");
        assert!(tag(" ").is_err());
    }
}
