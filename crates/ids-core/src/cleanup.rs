//! Cleanups: jobs without a document, which remove what is left behind.

use std::time::Duration;

use crate::error::Failure;
use crate::id::JobId;
use crate::job::{JobRef, JobStatus};
use crate::time::Timestamp;

/// What is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CleanupTask {
    /// Bytes of uploads under the temporary prefix that nothing refers to.
    S3Cleanup,
    /// Bytes under any prefix that no upload and no document refers to.
    OrphanedFiles,
    /// Announced uploads past their time that were never processed, with their documents.
    ExpiredUploads,
}

impl CleanupTask {
    /// All.
    pub const ALL: [Self; 3] = [Self::S3Cleanup, Self::OrphanedFiles, Self::ExpiredUploads];

    /// The word on the wire, on the command line and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S3Cleanup => "s3_cleanup",
            Self::OrphanedFiles => "orphaned_files",
            Self::ExpiredUploads => "expired_uploads",
        }
    }

    /// The task of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.as_str() == name)
    }
}

/// A cleanup to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCleanup {
    /// Its job's id.
    pub job_id: JobId,
    /// What.
    pub task: CleanupTask,
    /// Only what is older than this.
    pub older_than: Duration,
    /// The hour (since 1970) that it is the scheduled run of; `None` when a person asked for it.
    pub slot: Option<i64>,
}

/// A cleanup as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanupJob {
    /// Its job's id.
    pub job_id: JobId,
    /// What.
    pub task: CleanupTask,
    /// Only what is older than this.
    pub older_than: Duration,
    /// Where it stands.
    pub status: JobStatus,
    /// Tries begun.
    pub attempts: u32,
    /// Uploads or files removed, by the try that ended it.
    pub removed: u64,
    /// Why it, or its last try, failed.
    pub failure: Option<Failure>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When a worker took it first.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// The right to work on a cleanup until it runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanupLease {
    /// The job.
    pub job: JobRef,
    /// Rises with each claim; a write with an older one is refused.
    pub token: i64,
    /// Which try this is, from 1.
    pub attempt: u32,
}

/// A cleanup in the hands of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedCleanup {
    /// The right to work on it.
    pub lease: CleanupLease,
    /// What.
    pub task: CleanupTask,
    /// Only what is older than this.
    pub older_than: Duration,
}

/// How a try of a cleanup ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CleanupEnd {
    /// Well: so many uploads or files were removed.
    Done {
        /// How many.
        removed: u64,
    },
    /// Not, and it is tried again after the pause.
    Again {
        /// Why.
        failure: Failure,
        /// The pause.
        pause: Duration,
    },
    /// Not, for good.
    Failed {
        /// Why.
        failure: Failure,
    },
}
