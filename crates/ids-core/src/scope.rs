//! In whose name something is asked: every port method takes a scope, or something that holds one.

use std::fmt;

use crate::id::OrganizationId;
use crate::limits;

/// A collection (a department): 1 to 100 characters, no control characters, no white space at the ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionName(String);

impl CollectionName {
    /// The name used where none is given.
    pub const DEFAULT: &'static str = "default";

    /// Checks a name.
    ///
    /// # Errors
    /// Empty, longer than 100 characters, or with control characters or white space at its ends.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        checked_name(text, limits::COLLECTION_NAME_CHARS).map(Self)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for CollectionName {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A tag: 1 to 60 characters, no control characters, no comma, no white space at the ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// Checks a tag.
    ///
    /// # Errors
    /// Empty, longer than 60 characters, or with a comma, control characters or white space at its ends.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.contains(',') {
            return Err(InvalidName {
                max_chars: limits::TAG_CHARS,
            });
        }
        checked_name(text, limits::TAG_CHARS).map(Self)
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(crate) fn checked_name(text: &str, max_chars: usize) -> Result<String, InvalidName> {
    let good = !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= max_chars
        && !text.chars().any(char::is_control);
    if good {
        Ok(text.to_owned())
    } else {
        Err(InvalidName { max_chars })
    }
}

/// A name that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must have 1 to {max_chars} characters, no control characters or commas, and no white space at its ends"
)]
pub struct InvalidName {
    /// The most characters such a name may have.
    pub max_chars: usize,
}

/// Whose data is meant: an organization, and inside it the collections that may be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The organization. Nothing of another one is ever seen or touched.
    pub organization: OrganizationId,
    /// The collections inside it.
    pub collections: CollectionAccess,
}

/// Which collections of the organization a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CollectionAccess {
    /// All, those made later too.
    All,
    /// Only these.
    Only(Vec<CollectionName>),
}

impl Scope {
    /// All collections of `organization`.
    pub const fn organization(organization: OrganizationId) -> Self {
        Self {
            organization,
            collections: CollectionAccess::All,
        }
    }

    /// Whether a collection of that name may be seen.
    pub fn allows(&self, collection: &CollectionName) -> bool {
        match &self.collections {
            CollectionAccess::All => true,
            CollectionAccess::Only(names) => names.contains(collection),
        }
    }
}
