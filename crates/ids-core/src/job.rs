//! Jobs: rows of truth about work, and the right to do it.

use std::fmt;

use crate::error::Failure;
use crate::id::{DocumentId, JobId, OrganizationId, VersionId};
use crate::time::Timestamp;

/// What a delivery carries: whose job, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobRef {
    /// Whose.
    pub organization: OrganizationId,
    /// Which.
    pub job_id: JobId,
}

/// The queues of the system, by the names people give them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueName {
    /// Documents to be made searchable.
    DocumentProcessing,
    /// What is left behind, to be removed.
    CleanupTasks,
}

impl QueueName {
    /// All queues.
    pub const ALL: [Self; 2] = [Self::DocumentProcessing, Self::CleanupTasks];

    /// The name on the wire and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DocumentProcessing => "document_processing",
            Self::CleanupTasks => "cleanup_tasks",
        }
    }

    /// The queue of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == name)
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Two lanes of one queue, so that a new document is found by its words while others are still being embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Everything up to the commit of the chunks: seconds.
    Prepare,
    /// Embedding: minutes or hours; documents take turns.
    Embed,
}

impl Lane {
    /// Both lanes.
    pub const ALL: [Self; 2] = [Self::Prepare, Self::Embed];

    /// The word in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Embed => "embed",
        }
    }

    /// The lane of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.as_str() == name)
    }
}

/// The steps of a document's job, in the words of the status API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobStep {
    /// Reading its text.
    Extracting,
    /// Is it there already?
    CheckingDuplicates,
    /// Cutting it into chunks.
    Chunking,
    /// Computing what its chunks mean.
    Embedding,
}

impl JobStep {
    /// The word on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Extracting => "extracting",
            Self::CheckingDuplicates => "checking_duplicates",
            Self::Chunking => "chunking",
            Self::Embedding => "embedding",
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobStatus {
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Started,
    /// Waits for its next try, or for a dependency.
    Deferred,
    /// Done.
    Finished,
    /// Ended with an error.
    Failed,
    /// Stopped by a person.
    Cancelled,
}

impl JobStatus {
    /// All, in the order a job takes.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Started,
        Self::Deferred,
        Self::Finished,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Started => "started",
            Self::Deferred => "deferred",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether nothing more will happen by itself.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled)
    }
}

/// How far a try has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The step.
    pub step: JobStep,
    /// 0 to 100; never falls within a try.
    pub percent: u8,
    /// The step's word with detail, such as `extracting page 12 of 40`.
    pub detail: String,
}

/// A job as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub job_id: JobId,
    /// Its queue.
    pub queue: QueueName,
    /// The document it works on.
    pub document_id: DocumentId,
    /// The version it makes.
    pub version_id: VersionId,
    /// Where it stands.
    pub status: JobStatus,
    /// Tries begun and not forgiven.
    pub attempts: u32,
    /// 0 to 100.
    pub progress: u8,
    /// The step's word with detail.
    pub current_step: String,
    /// Why it, or its last try, failed.
    pub failure: Option<Failure>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When a worker took it first.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// The right to work on a job until it runs out. Every write of a step takes it and checks it in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobRef,
    /// Rises with each claim; a write with an older one is refused (a fencing token).
    pub token: i64,
    /// The document.
    pub document_id: DocumentId,
    /// The version being made.
    pub version_id: VersionId,
    /// Which try this is, from 1.
    pub attempt: u32,
}

/// How many jobs of a queue stand where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCounts {
    /// The queue.
    pub queue: QueueName,
    /// Waiting.
    pub queued: u64,
    /// Being worked on.
    pub started: u64,
    /// Waiting for their next try.
    pub deferred: u64,
    /// Done.
    pub finished: u64,
    /// Ended with an error.
    pub failed: u64,
    /// Stopped.
    pub cancelled: u64,
}

impl JobCounts {
    /// No job at all.
    pub const fn none(queue: QueueName) -> Self {
        Self {
            queue,
            queued: 0,
            started: 0,
            deferred: 0,
            finished: 0,
            failed: 0,
            cancelled: 0,
        }
    }

    /// Those of `more` too.
    pub const fn add(&mut self, more: &Self) {
        self.queued += more.queued;
        self.started += more.started;
        self.deferred += more.deferred;
        self.finished += more.finished;
        self.failed += more.failed;
        self.cancelled += more.cancelled;
    }
}
