//! Asking for cleanups, and looking at them.

use std::time::Duration;

use super::Library;
use crate::cleanup::{CleanupJob, CleanupTask, NewCleanup};
use crate::error::Refusal;
use crate::id::JobId;
use crate::job::{JobRef, Lane, QueueName};
use crate::scope::Scope;

/// The youngest that a person may have removed: what came in the last hour may still be on its way from bytes to row.
const YOUNGEST: Duration = Duration::from_secs(3_600);
/// The oldest that is asked for: ten years.
const OLDEST: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

impl Library {
    /// Queues a cleanup of what is older than `older_than` (of the setting, where it is not given).
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for an age out of range.
    pub async fn request_cleanup(
        &self,
        scope: &Scope,
        task: CleanupTask,
        older_than: Option<Duration>,
    ) -> Result<CleanupJob, Refusal> {
        let older_than = older_than.unwrap_or(self.settings.orphan_age);
        if !(YOUNGEST..=OLDEST).contains(&older_than) {
            let hours = |age: Duration| age.as_secs() / 3_600;
            return Err(Refusal::field(
                "older_than_hours",
                format!("must be {} to {}", hours(YOUNGEST), hours(OLDEST)),
            ));
        }
        let cleanup = NewCleanup {
            job_id: JobId::from_uuid(self.ports.ids.next()),
            task,
            older_than,
            slot: None,
        };
        self.queue_cleanup(scope, &cleanup).await?;
        let queued = self.ports.cleanups.find_cleanup(scope, cleanup.job_id).await?;
        queued.ok_or_else(|| super::jobs::job_not_found(cleanup.job_id))
    }

    /// Accepts a cleanup and tells the queue; `false` when the scheduled one is there already.
    pub(crate) async fn queue_cleanup(&self, scope: &Scope, cleanup: &NewCleanup) -> Result<bool, Refusal> {
        let Some(job) = self.ports.cleanups.accept_cleanup(scope, cleanup).await? else {
            return Ok(false);
        };
        self.deliver_cleanup(job, Duration::ZERO).await;
        Ok(true)
    }

    /// Tells the queue. If that fails nothing is lost: the reconciler delivers it.
    pub(crate) async fn deliver_cleanup(&self, job: JobRef, delay: Duration) {
        let rank = self.ports.clock.now().as_unix_seconds();
        let queue = &self.ports.queue;
        if let Err(error) = queue
            .deliver(QueueName::CleanupTasks, Lane::Prepare, job, rank, delay)
            .await
        {
            tracing::warn!(job.id = %job.job_id, error = &error as &dyn std::error::Error,
                "cleanup `{}` is accepted but not delivered yet; the reconciler will", job.job_id);
        }
    }
}
