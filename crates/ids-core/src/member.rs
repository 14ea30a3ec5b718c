//! Members: what came inside another document (a file of a ZIP, an attachment of a mail) and is a document of its own, with its
//! path inside the one it came in.

use std::fmt;

use crate::document::{
    Acceptance, AcceptedAs, BlobKey, ContentHash, ContentType, DocumentDetails, DocumentStatus,
};
use crate::id::{DocumentId, JobId, VersionId};
use crate::limits;
use crate::page::{ExtractionNote, NoteKind};
use crate::ports::Accepted;
use crate::scope::{CollectionName, Tag};

/// Where a member lies inside its parent, such as `anexos/contrato.pdf`: names parted by `/`. It is a text that is shown and
/// compared; no file is ever opened or made by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberPath(String);

impl MemberPath {
    /// Takes a path that leads nowhere but down: no empty name, no `.` or `..`, no drive, no backslash, no control character, and no
    /// more than [`limits::MEMBER_PATH_CHARS`].
    pub fn parse(text: &str) -> Option<Self> {
        let name_is_good = |name: &str| !matches!(name.trim(), "" | "." | "..");
        let is_good = text.chars().count() <= limits::MEMBER_PATH_CHARS
            && !text.contains('\\')
            && !text.chars().any(char::is_control)
            && text.split('/').all(name_is_good);
        is_good.then(|| Self(text.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last name, as the name of a file: at most [`limits::FILE_NAME_CHARS`], the ending kept.
    pub fn filename(&self) -> String {
        let name = self.0.rsplit('/').next().unwrap_or(&self.0);
        let surplus = name.chars().count().saturating_sub(limits::FILE_NAME_CHARS);
        if surplus == 0 {
            return name.to_owned();
        }
        name.chars().skip(surplus).collect()
    }
}

impl fmt::Display for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a member did not become a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// It needs a password.
    Encrypted,
    /// It is damaged.
    Corrupt,
    /// It has no bytes.
    Empty,
    /// It is larger than a file may be here.
    TooLarge,
    /// It unpacks to far more than it is.
    ExpandsTooFar,
    /// Too many members came before it, or too many bytes.
    TooMany,
    /// It lies inside too many others.
    TooDeep,
    /// It is of a type that is not read, or not taken here, or no file at all.
    Unsupported,
    /// What a system left for itself (`.DS_Store`), or a small picture that is part of a mail's look.
    Ignored,
}

impl SkipReason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Encrypted,
        Self::Corrupt,
        Self::Empty,
        Self::TooLarge,
        Self::ExpandsTooFar,
        Self::TooMany,
        Self::TooDeep,
        Self::Unsupported,
        Self::Ignored,
    ];

    /// The word on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Corrupt => "corrupt",
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::ExpandsTooFar => "expands_too_far",
            Self::TooMany => "too_many",
            Self::TooDeep => "too_deep",
            Self::Unsupported => "unsupported_type",
            Self::Ignored => "ignored",
        }
    }

    /// The reason of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// What a person reads, after the member's name.
    pub const fn explained(self) -> &'static str {
        match self {
            Self::Encrypted => "not read: it needs a password",
            Self::Corrupt => "not read: it is damaged",
            Self::Empty => "not read: it is empty",
            Self::TooLarge => "not read: it is larger than a file may be here",
            Self::ExpandsTooFar => "not read: it unpacks to far more than its size",
            Self::TooMany => "not read: there are too many files, or bytes, before it",
            Self::TooDeep => "not read: it lies inside too many others",
            Self::Unsupported => "not read: its type is not read here",
            Self::Ignored => "passed over: it is no document",
        }
    }
}

/// A member that was passed over, as the analysis of its parent names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it lies.
    pub path: String,
    /// Why it is no document.
    pub reason: SkipReason,
}

impl Skipped {
    /// The note that keeps it.
    pub fn into_note(self) -> ExtractionNote {
        ExtractionNote {
            page_number: None,
            kind: NoteKind::Skipped,
            text: format!("{} {}", self.reason.as_str(), self.path),
        }
    }

    /// What a note of the kind [`NoteKind::Skipped`] keeps; `None` of any other.
    pub fn from_note(note: &ExtractionNote) -> Option<Self> {
        if note.kind != NoteKind::Skipped {
            return None;
        }
        let (word, path) = note.text.split_once(' ')?;
        Some(Self {
            path: path.to_owned(),
            reason: SkipReason::from_name(word)?,
        })
    }
}

/// Everything that one transaction writes when a member is accepted: document, version and job. Collection and tags are its
/// parent's.
#[derive(Debug, Clone)]
pub struct MemberAcceptance {
    /// Where it lies in its parent.
    pub path: MemberPath,
    /// The document, where the parent had none at that path.
    pub document_id: DocumentId,
    /// The version it becomes.
    pub version_id: VersionId,
    /// The job that will process it.
    pub job_id: JobId,
    /// Where its bytes lie.
    pub blob: BlobKey,
    /// The type found.
    pub content_type: ContentType,
    /// Bytes.
    pub file_size: u64,
    /// SHA-256 of the bytes.
    pub file_hash: ContentHash,
}

impl MemberAcceptance {
    /// What is accepted of it, beside or in place of what is at its path already: a new document has tags and collection of its parent.
    pub fn acceptance(
        &self,
        known: Option<&KnownMember>,
        tags: Vec<Tag>,
        collection: CollectionName,
    ) -> Acceptance {
        let filename = self.path.filename();
        let (document_id, accepted_as) = match known {
            Some(known) => (known.document_id, AcceptedAs::FurtherVersion { filename }),
            None => {
                let details = DocumentDetails {
                    title: None,
                    description: None,
                    tags,
                    collection,
                    filename,
                };
                (
                    self.document_id,
                    AcceptedAs::NewDocument {
                        details,
                        source: None,
                    },
                )
            }
        };
        Acceptance {
            document_id,
            accepted_as,
            version_id: self.version_id,
            job_id: self.job_id,
            blob: self.blob.clone(),
            content_type: self.content_type.clone(),
            file_size: self.file_size,
            file_hash: self.file_hash,
            kept_hash: None,
        }
    }
}

/// What is at a path of a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMember {
    /// The document.
    pub document_id: DocumentId,
    /// SHA-256 of its newest version's bytes, as it is stored.
    pub file_hash: Vec<u8>,
    /// How it stands.
    pub status: DocumentStatus,
    /// Whether it came with the same version of the parent.
    pub is_of_this_version: bool,
}

impl KnownMember {
    /// Whether the same bytes are there, and need no other try.
    pub fn is_settled(&self, member: &MemberAcceptance) -> bool {
        self.file_hash == member.file_hash.as_bytes()
            && match self.status {
                DocumentStatus::Cancelled => false,
                // A new version of the parent is a person's second try; the same one is a worker's.
                DocumentStatus::Failed => self.is_of_this_version,
                _ => true,
            }
    }
}

/// What came of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberAccepted {
    /// It is a new document, or a further version of the one at its path.
    New(Accepted),
    /// The document at its path came from the same bytes, and stays as it is; the new bytes are nobody's.
    Unchanged(DocumentId),
}

/// Where a document stands among those it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Family {
    /// In how many documents it lies: 0 for what a person gave.
    pub depth: u32,
    /// The documents that came, at whatever depth, in the outermost of these.
    pub members: u64,
}

#[cfg(test)]
mod tests {
    use super::{MemberPath, SkipReason, Skipped};

    #[test]
    fn a_path_leads_nowhere_but_down() {
        let check =
            |text: &str, is_good: bool| assert_eq!(MemberPath::parse(text).is_some(), is_good, "{text:?}");
        check("a.pdf", true);
        check("anexos/contrato (2).pdf", true);
        check("ação/..oculto", true);
        for bad in [
            "", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a\\b", "a\0b", "a\nb", " ",
        ] {
            check(bad, false);
        }
        check(&"a".repeat(1_000), true);
        check(&"a".repeat(1_001), false);
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let path = MemberPath::parse(&format!("pasta/{}.pdf", "é".repeat(300))).unwrap();
        assert_eq!(path.filename().chars().count(), 255);
        assert!(path.filename().ends_with("é.pdf"));
        assert_eq!(MemberPath::parse("a/b.txt").unwrap().filename(), "b.txt");
    }

    #[test]
    fn a_note_keeps_what_was_skipped_and_why() {
        for reason in SkipReason::ALL {
            let skipped = Skipped {
                path: "uma pasta/b c.pdf".to_owned(),
                reason,
            };
            assert_eq!(Skipped::from_note(&skipped.clone().into_note()), Some(skipped));
        }
    }
}
