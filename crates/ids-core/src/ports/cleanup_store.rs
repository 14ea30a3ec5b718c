//! The truth about cleanups: jobs without a document.

use async_trait::async_trait;

use crate::cleanup::{ClaimedCleanup, CleanupEnd, CleanupJob, CleanupLease, NewCleanup};
use crate::error::StoreError;
use crate::id::JobId;
use crate::job::{JobCounts, JobRef, JobStatus};
use crate::ports::Reconciled;
use crate::scope::Scope;
use crate::time::Timestamp;

/// Keeps cleanups. The store reads the time from its clock; leases last [`LEASE`](crate::limits::LEASE).
///
/// Clauses: (1) `accept_cleanup` writes a queued job; of one task and slot there is at most one per organization, whoever else asks; (2) one
/// worker at a time: `claim_cleanup` gives `None` while another's lease lasts, when the job has ended, and before its pause has passed; (3) who lost
/// the lease cannot write; `renew_cleanup` keeps it; (4) `end_cleanup` ends it as finished, failed, or deferred for another try; (5) a cancelled
/// one is refused to its worker; only a failed or cancelled one is queued again; (6) another organization's is not found; (7) counts, list and
/// what waits for delivery agree with what was done; (8) `prune_cleanups` removes only what ended before a moment.
#[async_trait]
pub trait CleanupStore: Send + Sync {
    /// Queues a cleanup; `None` when the one of that task and slot is there already.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn accept_cleanup(&self, scope: &Scope, cleanup: &NewCleanup)
    -> Result<Option<JobRef>, StoreError>;

    /// Takes a cleanup, if it is free and due.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn claim_cleanup(&self, job: &JobRef, worker: &str) -> Result<Option<ClaimedCleanup>, StoreError>;

    /// Keeps the lease for another [`LEASE`](crate::limits::LEASE).
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn renew_cleanup(&self, lease: &CleanupLease) -> Result<(), StoreError>;

    /// Ends a try.
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn end_cleanup(&self, lease: &CleanupLease, end: &CleanupEnd) -> Result<(), StoreError>;

    /// Stops a cleanup.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has ended; `Unavailable`.
    async fn cancel_cleanup(&self, scope: &Scope, job_id: JobId) -> Result<(), StoreError>;

    /// Queues a failed or cancelled cleanup again, its tries forgiven.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is neither failed nor cancelled; `Unavailable`.
    async fn retry_cleanup(&self, scope: &Scope, job_id: JobId) -> Result<JobRef, StoreError>;

    /// A cleanup.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_cleanup(&self, scope: &Scope, job_id: JobId) -> Result<Option<CleanupJob>, StoreError>;

    /// Cleanups, newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_cleanups(
        &self,
        scope: &Scope,
        status: Option<JobStatus>,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<CleanupJob>, StoreError>;

    /// How many stand where, under [`QueueName::CleanupTasks`](crate::job::QueueName::CleanupTasks).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn cleanup_counts(&self, scope: &Scope) -> Result<JobCounts, StoreError>;

    /// Cleanups that wait, with the delay left, or whose worker is dead; at most `limit`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_undelivered_cleanups(
        &self,
        scope: &Scope,
        limit: usize,
    ) -> Result<Vec<Reconciled>, StoreError>;

    /// Removes the records of cleanups that ended before `before`; says how many.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn prune_cleanups(&self, scope: &Scope, before: Timestamp) -> Result<u64, StoreError>;
}
