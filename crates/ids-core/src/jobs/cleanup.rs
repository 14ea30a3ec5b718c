//! Removes what is left behind: uploads that never came, bytes that nothing refers to.

use crate::document::BlobKey;
use crate::error::{Refusal, StoreErrorKind};
use crate::library::{Library, refused_by_blobs};
use crate::limits;
use crate::scope::Scope;

/// Things looked at at once.
const PER_RUN: usize = 1_000;

/// What is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanupTask {
    /// Announced uploads long past their time that were never processed, with their documents.
    ExpiredUploads,
    /// Bytes that no upload and no document refers to, older than `CLEANUP_ORPHANED_FILES_HOURS`.
    OrphanedFiles,
}

/// What a run removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CleanupReport {
    /// Uploads or files.
    pub removed: usize,
}

impl Library {
    /// Runs a cleanup of one organization.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`; what was removed until then stays removed.
    pub async fn clean_up(&self, scope: &Scope, task: CleanupTask) -> Result<CleanupReport, Refusal> {
        let removed = match task {
            CleanupTask::ExpiredUploads => self.remove_expired_uploads(scope).await?,
            CleanupTask::OrphanedFiles => self.remove_orphaned_files(scope).await?,
        };
        if removed > 0 {
            tracing::info!(removed, "cleanup {task:?} removed {removed}");
        }
        Ok(CleanupReport { removed })
    }

    async fn remove_expired_uploads(&self, scope: &Scope) -> Result<usize, Refusal> {
        let before = self.ports.clock.now().minus(limits::EXPIRED_UPLOAD_STAYS);
        let mut removed = 0;
        let expired = self.ports.documents.list_expired_uploads(scope, before, PER_RUN);
        for upload in expired.await? {
            // The row first: bytes without a row are found as orphans, a row without bytes would be found by nobody.
            match self.ports.documents.delete_upload(scope, upload.upload_id).await {
                Ok(()) => {}
                Err(error) if error.kind() == StoreErrorKind::Conflict => continue,
                Err(error) => return Err(error.into()),
            }
            let _ = self.ports.blobs.delete(&upload.blob).await;
            removed += 1;
        }
        Ok(removed)
    }

    async fn remove_orphaned_files(&self, scope: &Scope) -> Result<usize, Refusal> {
        let before = self.ports.clock.now().minus(self.settings.orphan_age);
        let mut removed = 0;
        for prefix in [&self.settings.temp_prefix, &self.settings.originals_prefix] {
            let prefix = format!("{prefix}{}/", scope.organization);
            let mut last: Option<BlobKey> = None;
            loop {
                let listed = self.ports.blobs.list(&prefix, last.as_ref(), PER_RUN).await;
                let listed = listed.map_err(refused_by_blobs)?;
                let Some((end, _)) = listed.last().cloned() else {
                    break;
                };
                last = Some(end);
                let old: Vec<BlobKey> = listed
                    .into_iter()
                    .filter(|(_, changed_at)| *changed_at < before)
                    .map(|(key, _)| key)
                    .collect();
                for key in self.ports.documents.list_unknown_blobs(scope, &old).await? {
                    self.ports.blobs.delete(&key).await.map_err(refused_by_blobs)?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}
