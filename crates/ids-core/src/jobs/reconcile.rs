//! Delivers what the queue lost, or left with a dead worker, and asks for the scheduled cleanups, settles what answers left
//! unsettled; organization by organization.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::cleanup::{CleanupTask, NewCleanup};
use crate::error::{Refusal, StoreError};
use crate::id::JobId;
use crate::ingest;
use crate::job::Lane;
use crate::library::Library;
use crate::limits;
use crate::ports::Reconciled;
use crate::scope::Scope;
use crate::time::Timestamp;

/// Jobs looked at in one round of one organization.
const JOBS_PER_ROUND: usize = 1_000;
/// The role that one worker at a time has.
const ROLE: &str = "reconciler";

/// Compares the truth about jobs with what is delivered, every [`limits::RECONCILE_EVERY`]. Each worker process has one; of all of them one
/// at a time is active.
pub struct Reconciler {
    library: Library,
    name: String,
}

impl Reconciler {
    /// A reconciler of the worker `name`.
    pub fn new(library: Library, name: String) -> Self {
        Self { library, name }
    }

    /// Works until `stop`, beginning at once: at start it delivers what was in hand when the process ended.
    pub async fn run(&self, stop: &CancellationToken) {
        loop {
            if let Err(error) = self.take_turn().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a round of the reconciler failed"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(limits::RECONCILE_EVERY) => {}
                () = stop.cancelled() => break,
            }
        }
        // The next one need not wait until the time is over; if that cannot be said now, it waits.
        let _ = self.library.ports.workers.step_down(ROLE, &self.name).await;
    }

    /// A round, if no other reconciler is active.
    async fn take_turn(&self) -> Result<(), Refusal> {
        let workers = &self.library.ports.workers;
        if workers.lead(ROLE, &self.name, limits::LEADERSHIP).await? {
            self.round().await?;
        }
        Ok(())
    }

    /// One round over all organizations.
    ///
    /// # Errors
    /// When a store cannot be reached; what was done until then stays done.
    pub async fn round(&self) -> Result<(), Refusal> {
        let ports = &self.library.ports;
        let now = ports.clock.now();
        let mut outcome = Ok(());
        for organization in ports.documents.list_organizations().await? {
            let scope = Scope::organization(organization);
            // One that cannot be looked at, as it is being removed or a row of it is damaged, must not keep the others waiting.
            if let Err(error) = self.round_of(&scope, now).await {
                outcome = Err(error);
            }
        }
        ports
            .workers
            .forget_workers(now.minus(limits::HEARTBEAT_LASTS * 10))
            .await?;
        outcome
    }

    async fn round_of(&self, scope: &Scope, now: Timestamp) -> Result<(), Refusal> {
        let ports = &self.library.ports;
        let jobs = ports.jobs.list_undelivered(scope, JOBS_PER_ROUND).await?;
        self.deliver(jobs).await?;
        self.schedule_cleanups(scope).await?;
        let cleanups = ports
            .cleanups
            .list_undelivered_cleanups(scope, JOBS_PER_ROUND)
            .await?;
        self.deliver(cleanups).await?;
        let ended_before = now.minus(limits::CLEANUP_RECORD_STAYS);
        ports.cleanups.prune_cleanups(scope, ended_before).await?;
        self.library.settle_what_ran_out(scope).await?;
        self.library.tell_of_budget(scope).await?;
        Ok(())
    }

    async fn deliver(&self, waiting: Vec<Reconciled>) -> Result<(), StoreError> {
        for job in waiting {
            let queue = &self.library.ports.queue;
            queue
                .deliver(job.queue, job.lane, job.job, place_in_line(&job), job.delay)
                .await?;
        }
        Ok(())
    }

    /// Asks for each cleanup once in [`limits::CLEANUP_EVERY`], whoever else does: the store takes one a slot.
    async fn schedule_cleanups(&self, scope: &Scope) -> Result<(), Refusal> {
        let now = self.library.ports.clock.now().as_unix_seconds();
        let slot = now.div_euclid(seconds(limits::CLEANUP_EVERY));
        for task in [CleanupTask::ExpiredUploads, CleanupTask::OrphanedFiles] {
            let older_than = match task {
                CleanupTask::ExpiredUploads => limits::EXPIRED_UPLOAD_STAYS,
                CleanupTask::OrphanedFiles | CleanupTask::S3Cleanup => self.library.settings.orphan_age,
            };
            let cleanup = NewCleanup {
                job_id: JobId::from_uuid(self.library.ports.ids.next()),
                task,
                older_than,
                slot: Some(slot),
            };
            self.library.queue_cleanup(scope, &cleanup).await?;
        }
        Ok(())
    }
}

/// The place that its first delivery gave it, so that delivering what the queue still has changes nothing.
fn place_in_line(job: &Reconciled) -> i64 {
    job.rank.unwrap_or_else(|| match job.lane {
        Lane::Prepare => ingest::rank_by_size(job.due, job.file_size),
        Lane::Embed => ingest::rank_by_chunks(job.due, u32::try_from(job.chunks_left).unwrap_or(u32::MAX)),
    })
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
