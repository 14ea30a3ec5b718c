//! Which backups were made, so that somebody notices when none is.

use async_trait::async_trait;

use crate::error::StoreError;
use crate::time::Timestamp;

/// Keeps the list of backups. They are the installation's, of no organization: no scope is asked.
///
/// Clauses: (1) a backup comes back as it was recorded; (2) `latest_backup` is the one that ended last, whichever was recorded last; (3) a
/// backup is recorded once: its file name is taken again by who records it again.
#[async_trait]
pub trait BackupRegistry: Send + Sync {
    /// Notes that a backup was made, whole.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn record_backup(&self, backup: &RecordedBackup) -> Result<(), StoreError>;

    /// The newest backup; `None` where none was ever made.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn latest_backup(&self) -> Result<Option<RecordedBackup>, StoreError>;
}

/// A backup that was made, and is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedBackup {
    /// The name of its file, without a folder.
    pub file_name: String,
    /// When it began: what was accepted later is not in it.
    pub started_at: Timestamp,
    /// When it was whole and in its place.
    pub finished_at: Timestamp,
    /// Bytes of its file.
    pub size_bytes: u64,
    /// Where a copy of it lies, such as `s3://bucket/backups/`; `None` where it lies in its folder only.
    pub copied_to: Option<String>,
}
