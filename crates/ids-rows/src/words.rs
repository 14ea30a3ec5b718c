//! States as words, and what follows from them.

use ids_core::document::VersionStage;
use ids_core::error::Retry;
use ids_core::job::Lane;

/// The word of a failure's kind.
pub const fn retry_name(retry: Retry) -> &'static str {
    match retry {
        Retry::Never => "never",
        Retry::Backoff => "backoff",
        Retry::Postpone => "postpone",
        Retry::WaitForBudget => "budget",
    }
}

/// The kind of that word; what is no word of ours is never tried again.
pub fn retry_from_name(name: Option<&str>) -> Retry {
    match name {
        Some("backoff") => Retry::Backoff,
        Some("postpone") => Retry::Postpone,
        Some("budget") => Retry::WaitForBudget,
        _ => Retry::Never,
    }
}

/// The word of how far a version is.
pub const fn stage_name(stage: VersionStage) -> &'static str {
    match stage {
        VersionStage::Accepted => "accepted",
        VersionStage::Extracted => "extracted",
        VersionStage::Chunked => "chunked",
        VersionStage::Completed => "completed",
    }
}

/// How far a version of that word is.
pub fn stage_from_name(name: &str) -> Option<VersionStage> {
    use VersionStage::{Accepted, Chunked, Completed, Extracted};
    [Accepted, Extracted, Chunked, Completed]
        .into_iter()
        .find(|&stage| stage_name(stage) == name)
}

/// The lane that a version of that stage waits in.
pub const fn lane_of(stage: VersionStage) -> Lane {
    match stage {
        VersionStage::Accepted | VersionStage::Extracted => Lane::Prepare,
        VersionStage::Chunked | VersionStage::Completed => Lane::Embed,
    }
}

/// The form in which titles and file names are searched and sorted: no accents, lower case.
pub fn folded(text: &str) -> String {
    ids_text::fold(text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use ids_core::error::Retry;

    use super::{folded, retry_from_name, retry_name, stage_from_name, stage_name};

    #[test]
    fn words_are_read_as_they_were_written() {
        for retry in [
            Retry::Never,
            Retry::Backoff,
            Retry::Postpone,
            Retry::WaitForBudget,
        ] {
            assert_eq!(retry_from_name(Some(retry_name(retry))), retry);
        }
        for word in ["accepted", "extracted", "chunked", "completed"] {
            assert_eq!(stage_from_name(word).map(stage_name), Some(word));
        }
        assert_eq!(stage_from_name("lost"), None);
        assert_eq!(folded("Ação Nº 1"), "acao nº 1");
    }
}
