//! Delivers what the queue lost, or left with a dead worker, and runs the small cleanups; organization by organization.

use tokio_util::sync::CancellationToken;

use super::cleanup::CleanupTask;
use crate::error::{Refusal, StoreError};
use crate::library::Library;
use crate::limits;
use crate::scope::Scope;
use crate::time::Timestamp;

/// Jobs looked at in one round of one organization.
const JOBS_PER_ROUND: usize = 1_000;
/// How often files without an owner are looked for.
const ORPHANS_EVERY: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Compares the truth about jobs with what is delivered, every [`limits::RECONCILE_EVERY`].
pub struct Reconciler {
    library: Library,
}

impl Reconciler {
    /// A reconciler; one may run at a time.
    pub fn new(library: Library) -> Self {
        Self { library }
    }

    /// Works until `stop`, beginning at once: at start it delivers what was in hand when the process ended.
    pub async fn run(&self, stop: &CancellationToken) {
        let mut orphans_at: Option<Timestamp> = None;
        loop {
            let now = self.library.ports.clock.now();
            let orphans = orphans_at.is_none_or(|last| now.since(last) >= ORPHANS_EVERY);
            if orphans {
                orphans_at = Some(now);
            }
            if let Err(error) = self.round(orphans).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a round of the reconciler failed"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(limits::RECONCILE_EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// One round over all organizations.
    ///
    /// # Errors
    /// When a store cannot be reached; what was done until then stays done.
    pub async fn round(&self, orphans: bool) -> Result<(), Refusal> {
        for organization in self.library.ports.documents.list_organizations().await? {
            let scope = Scope::organization(organization);
            self.deliver_waiting(&scope).await?;
            self.library.clean_up(&scope, CleanupTask::ExpiredUploads).await?;
            if orphans {
                self.library.clean_up(&scope, CleanupTask::OrphanedFiles).await?;
            }
        }
        Ok(())
    }

    async fn deliver_waiting(&self, scope: &Scope) -> Result<(), StoreError> {
        for waiting in self
            .library
            .ports
            .jobs
            .list_undelivered(scope, JOBS_PER_ROUND)
            .await?
        {
            let queue = &self.library.ports.queue;
            queue
                .deliver(
                    waiting.queue,
                    waiting.lane,
                    waiting.job,
                    waiting.rank,
                    waiting.delay,
                )
                .await?;
        }
        Ok(())
    }
}
