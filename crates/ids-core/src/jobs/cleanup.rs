//! One cleanup, from claim to end: removes what is left behind.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::retry::backoff;
use crate::cleanup::{ClaimedCleanup, CleanupEnd, CleanupTask};
use crate::document::BlobKey;
use crate::error::{ErrorCode, Failure, Refusal, StoreError, StoreErrorKind};
use crate::library::{Library, refused_by_blobs};
use crate::limits;
use crate::ports::Delivery;
use crate::scope::Scope;

/// Things looked at at once.
const PER_RUN: usize = 1_000;

impl Library {
    /// Works on a delivered cleanup. Says whether the delivery is dealt with.
    pub(super) async fn work_on_cleanup(
        &self,
        delivery: &Delivery,
        worker: &str,
        stop: &CancellationToken,
    ) -> bool {
        let claimed = match self.ports.cleanups.claim_cleanup(&delivery.job, worker).await {
            Ok(Some(claimed)) => claimed,
            // Ended, not due, or in other hands.
            Ok(None) => return true,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a cleanup could not be claimed; its delivery comes again"
                );
                return false;
            }
        };
        let scope = Scope::organization(delivery.job.organization);
        let ended = tokio::select! {
            // Dropping it is safe: a removal is one call, and what is left is found by the next run.
            removed = self.clean_up(&scope, claimed.task, claimed.older_than) => self.end_of(&claimed, removed),
            () = self.keep_cleanup_alive(&claimed, delivery) => return true,
            () = stop.cancelled() => CleanupEnd::Again {
                failure: Failure::of_dependency("the worker stopped"),
                pause: Duration::ZERO,
            },
        };
        let written = self.ports.cleanups.end_cleanup(&claimed.lease, &ended).await;
        match written {
            Ok(()) => {
                if let CleanupEnd::Again { pause, .. } = ended {
                    self.deliver_cleanup(delivery.job, pause).await;
                }
                true
            }
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => true,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the end of a cleanup could not be written; it runs again"
                );
                false
            }
        }
    }

    fn end_of(&self, claimed: &ClaimedCleanup, removed: Result<u64, Refusal>) -> CleanupEnd {
        let task = claimed.task.as_str();
        match removed {
            Ok(removed) => {
                tracing::info!(removed, "cleanup `{task}` removed {removed}");
                CleanupEnd::Done { removed }
            }
            Err(refusal) => {
                tracing::warn!(
                    error = &refusal as &dyn std::error::Error,
                    "cleanup `{task}` failed"
                );
                if refusal.code == ErrorCode::DependencyUnavailable {
                    // An outage is no try, however long it lasts.
                    return CleanupEnd::Again {
                        failure: Failure::of_dependency(refusal.message),
                        pause: limits::POSTPONE,
                    };
                }
                let failure = Failure::passing(refusal.code, refusal.message);
                if claimed.lease.attempt < limits::JOB_ATTEMPTS {
                    let pause = backoff(claimed.lease.attempt, self.ports.ids.next());
                    CleanupEnd::Again { failure, pause }
                } else {
                    CleanupEnd::Failed { failure }
                }
            }
        }
    }

    /// Returns when the lease is lost.
    async fn keep_cleanup_alive(&self, claimed: &ClaimedCleanup, delivery: &Delivery) {
        loop {
            tokio::time::sleep(limits::LEASE_RENEWAL).await;
            if let Err(error) = self.ports.cleanups.renew_cleanup(&claimed.lease).await {
                if is_lost(&error) {
                    return;
                }
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the lease of a cleanup could not be renewed"
                );
            }
            // A delivery that is not kept comes again, and finds the cleanup in these hands.
            let _ = self.ports.queue.extend(delivery).await;
        }
    }

    /// Removes what a task finds that is older than `older_than`; says how many uploads or files went.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`; what was removed until then stays removed.
    pub async fn clean_up(
        &self,
        scope: &Scope,
        task: CleanupTask,
        older_than: Duration,
    ) -> Result<u64, Refusal> {
        match task {
            CleanupTask::ExpiredUploads => self.remove_expired_uploads(scope, older_than).await,
            CleanupTask::S3Cleanup => {
                self.remove_orphaned_files(scope, &self.settings.temp_prefix, older_than)
                    .await
            }
            CleanupTask::OrphanedFiles => {
                let mut removed = 0;
                for prefix in [&self.settings.temp_prefix, &self.settings.originals_prefix] {
                    removed += self.remove_orphaned_files(scope, prefix, older_than).await?;
                }
                Ok(removed)
            }
        }
    }

    async fn remove_expired_uploads(&self, scope: &Scope, older_than: Duration) -> Result<u64, Refusal> {
        let before = self.ports.clock.now().minus(older_than);
        let mut removed = 0;
        loop {
            let expired = self
                .ports
                .documents
                .list_expired_uploads(scope, before, PER_RUN)
                .await?;
            let found = expired.len();
            let removed_before = removed;
            for upload in expired {
                // The row first: bytes without a row are found as orphans, a row without bytes would be found by nobody.
                match self.ports.documents.delete_upload(scope, upload.upload_id).await {
                    Ok(()) => {}
                    Err(error) if error.kind() == StoreErrorKind::Conflict => continue,
                    Err(error) => return Err(error.into()),
                }
                let _ = self.ports.blobs.delete(&upload.blob).await;
                removed += 1;
            }
            // A full page of which nothing could be removed would come again for ever.
            if found < PER_RUN || removed == removed_before {
                return Ok(removed);
            }
        }
    }

    async fn remove_orphaned_files(
        &self,
        scope: &Scope,
        prefix: &str,
        older_than: Duration,
    ) -> Result<u64, Refusal> {
        let before = self.ports.clock.now().minus(older_than);
        let prefix = format!("{prefix}{}/", scope.organization);
        let mut removed = 0;
        let mut last: Option<BlobKey> = None;
        loop {
            let listed = self.ports.blobs.list(&prefix, last.as_ref(), PER_RUN).await;
            let listed = listed.map_err(refused_by_blobs)?;
            let Some((end, _)) = listed.last().cloned() else {
                return Ok(removed);
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
}

fn is_lost(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::LeaseLost | StoreErrorKind::NotFound)
}
