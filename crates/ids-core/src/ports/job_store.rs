//! The truth about jobs.

use std::time::Duration;

use async_trait::async_trait;

use crate::document::{Acceptance, BlobKey, Removed, Version};
use crate::error::{Failure, StoreError};
use crate::id::{DocumentId, JobId};
use crate::job::{Job, JobCounts, JobRef, JobStatus, Lane, Lease, Progress, QueueName};
use crate::member::{MemberAcceptance, MemberAccepted};
use crate::scope::Scope;
use crate::time::Timestamp;

/// What came of accepting a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The document.
    pub document_id: DocumentId,
    /// Its job: on a repeated call the one that is there.
    pub job: JobRef,
    /// Whether this call made it.
    pub is_new: bool,
}

/// A job in the hands of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedJob {
    /// The right to work on it.
    pub lease: Lease,
    /// What is to be worked on, and how far it is.
    pub version: Version,
    /// The progress shown when it was claimed.
    pub progress: u8,
}

/// A job that the queue should know and may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconciled {
    /// The job.
    pub job: JobRef,
    /// Its queue.
    pub queue: QueueName,
    /// The lane it waits in.
    pub lane: Lane,
    /// Its place in line, where the store delivers jobs itself and has not lost it.
    pub rank: Option<i64>,
    /// Since when it is due, or will be.
    pub due: Timestamp,
    /// Bytes of its file; 0 for a cleanup.
    pub file_size: u64,
    /// Chunks still to be embedded.
    pub chunks_left: u64,
    /// How long it is still to wait.
    pub delay: Duration,
}

/// Keeps jobs. The store reads the time from its clock; leases last [`LEASE`](crate::limits::LEASE).
///
/// Clauses: (1) `accept` writes document, version and job in one transaction, or nothing; (2) accepting an upload
/// that was accepted already returns the same job and changes nothing; (3) one worker at a time: `claim` gives `None`
/// while another's lease lasts, when the job has ended, and before its delay has passed; (4) who lost the lease cannot write: every method that
/// takes a `Lease` fails with `LeaseLost` when it ran out and was claimed anew, or the job was cancelled, deleted or ended;
/// (5) `renew` keeps the lease; (6) progress never falls within a try; (7) `complete` makes the version the visible one, and
/// removes the one before, in one transaction; (8) `fail` with a retry defers the job and counts the try, `postpone` defers it and does
/// not, `release` forgives the tries before; the last try ends it in `failed`; (9) a version that fails, is a duplicate or is cancelled leaves no chunk behind, except
/// that a first version whose chunks are stored stays findable by words when embedding fails; (10) `cancel` of a waiting or running job ends it at
/// once; (11) `retry` of a failed or cancelled job queues it under the same id with its tries forgiven; of another it is a `Conflict`;
/// (12) `list_undelivered` names the jobs that wait, or whose lease ran out, with the delay left; (13) a job of
/// another organization is `NotFound`; (14) accepting a further version while another is being made cancels that one;
/// (15) `end_as_duplicate` ends the job as finished, the document as `duplicate`; (16) `accept_member` writes a document with a job for what came in the
/// document of the lease, in its collection and with its tags; called again with the same bytes at the same path it changes nothing, unless they were
/// given up (cancelled; or failed in an older version of the parent), and other bytes become a further version; (17) `cancel` ends the open jobs of what
/// came in the document too, also when its own is done.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Accepts a file: document, version and job come to be together.
    ///
    /// # Errors
    /// `NotFound` (the document or upload is not in scope, or the organization is gone), `Conflict` (a new document's source
    /// is taken: someone ingested the same file at the same time; or the upload's bytes are not there), `Full`, `Unavailable`.
    async fn accept(&self, scope: &Scope, acceptance: &Acceptance) -> Result<Accepted, StoreError>;

    /// Accepts what came in the document of the lease.
    ///
    /// # Errors
    /// `LeaseLost`, `Full`, `Unavailable`.
    async fn accept_member(
        &self,
        lease: &Lease,
        member: &MemberAcceptance,
    ) -> Result<MemberAccepted, StoreError>;

    /// Takes a job, if it is free and due.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn claim(&self, job: &JobRef, worker: &str) -> Result<Option<ClaimedJob>, StoreError>;

    /// Keeps the lease for another [`LEASE`](crate::limits::LEASE).
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn renew(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Notes progress, for the status API. A lower percentage than the one noted in this try is raised to it.
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn advance(&self, lease: &Lease, progress: &Progress) -> Result<(), StoreError>;

    /// Gives the job back, due at once, in the lane it now belongs to. Not a try, and those before are forgiven: whoever gives a job back in order was
    /// not brought down by it.
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Ends the job well: its version becomes the document's visible one, and its bytes are noted to lie at `original` now
    /// (`None`: nowhere, they were not to be kept). Returns what the version before left, its bytes among it.
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn complete(&self, lease: &Lease, original: Option<&BlobKey>) -> Result<Removed, StoreError>;

    /// Ends the job because `original` has the same text; the version's bytes are noted to be gone (the caller removes them).
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn end_as_duplicate(&self, lease: &Lease, original: DocumentId) -> Result<(), StoreError>;

    /// Ends a try that failed. With `retry_after` the job waits that long for its next try; without, it has failed for good.
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn fail(
        &self,
        lease: &Lease,
        failure: &Failure,
        retry_after: Option<Duration>,
    ) -> Result<(), StoreError>;

    /// Puts the job off because a dependency is down. Not a try.
    ///
    /// # Errors
    /// `LeaseLost`, `Unavailable`.
    async fn postpone(&self, lease: &Lease, failure: &Failure, delay: Duration) -> Result<(), StoreError>;

    /// Stops a job at once, and those of what came in its document; their versions leave nothing behind.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when all of them have ended; `Unavailable`.
    async fn cancel(&self, scope: &Scope, job_id: JobId) -> Result<Removed, StoreError>;

    /// Queues a failed or cancelled job again, under its id.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is neither failed nor cancelled, or the bytes are gone; `Unavailable`.
    async fn retry(&self, scope: &Scope, job_id: JobId) -> Result<JobRef, StoreError>;

    /// A job.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_job(&self, scope: &Scope, job_id: JobId) -> Result<Option<Job>, StoreError>;

    /// Jobs, newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_jobs(
        &self,
        scope: &Scope,
        status: Option<JobStatus>,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<Job>, StoreError>;

    /// How many jobs stand where, a row a queue, empty queues too.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn job_counts(&self, scope: &Scope) -> Result<Vec<JobCounts>, StoreError>;

    /// Jobs of one organization that wait (from their due time less `horizon`) or whose worker is dead, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_undelivered(&self, scope: &Scope, limit: usize) -> Result<Vec<Reconciled>, StoreError>;

    /// When the oldest waiting job was accepted: the age of the queue.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn oldest_waiting(&self, scope: &Scope) -> Result<Option<Timestamp>, StoreError>;
}
