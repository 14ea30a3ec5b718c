//! What a backup must know of a library beside its rows: which bytes they name.

use crate::document::{BlobKey, ContentHash};
use crate::id::{OrganizationId, VersionId};

/// Bytes that a row of a library names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBytes {
    /// Where they are.
    pub key: BlobKey,
    /// Whose they are.
    pub organization: OrganizationId,
    /// The version they are the original of; `None` for what is still being uploaded.
    pub version_id: Option<VersionId>,
    /// Their hash, where they were accepted. Of the copy that is kept of a file with a password, its own: not that of what was sent.
    pub hash: Option<ContentHash>,
    /// How many they are, as was accepted or announced.
    pub file_size: u64,
    /// What they are for.
    pub need: BytesNeed,
}

/// What a library needs bytes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BytesNeed {
    /// A job waits for them or works on them: without them, what was accepted is lost.
    Work,
    /// People look at them.
    Original,
    /// Sent, or being sent, and not accepted yet. May not be there.
    Upload,
}
