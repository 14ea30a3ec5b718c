//! What may be said of a document.

use crate::document::DocumentDetails;
use crate::error::{FieldError, Refusal};
use crate::limits;

/// Refuses what is said of a document that cannot be kept.
pub(super) fn check_details(details: &DocumentDetails) -> Result<(), Refusal> {
    let mut bad = Vec::new();
    let mut check = |field: &str, wrong: bool, reason: String| {
        if wrong {
            bad.push(FieldError {
                field: field.to_owned(),
                reason,
            });
        }
    };
    let name = &details.filename;
    check(
        "filename",
        name.is_empty()
            || name.chars().count() > limits::FILE_NAME_CHARS
            || name.contains(['/', '\\'])
            || name.chars().any(char::is_control),
        format!(
            "must be a file name of 1 to {} characters, without folders",
            limits::FILE_NAME_CHARS
        ),
    );
    check(
        "title",
        details.title.as_ref().is_some_and(|title| !title_is_valid(title)),
        format!("must have 1 to {} characters on one line", limits::TITLE_CHARS),
    );
    check(
        "description",
        details
            .description
            .as_ref()
            .is_some_and(|text| text.chars().count() > limits::DESCRIPTION_CHARS),
        format!("must have at most {} characters", limits::DESCRIPTION_CHARS),
    );
    check(
        "tags",
        details.tags.len() > limits::TAGS_PER_DOCUMENT,
        format!("must be at most {}", limits::TAGS_PER_DOCUMENT),
    );
    if bad.is_empty() {
        Ok(())
    } else {
        Err(Refusal::fields(bad))
    }
}

/// Whether a text can be a document's title.
pub(super) fn title_is_valid(title: &str) -> bool {
    !title.trim().is_empty()
        && title.chars().count() <= limits::TITLE_CHARS
        && !title.chars().any(char::is_control)
}
