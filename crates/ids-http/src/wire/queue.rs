//! Queues and jobs.

use std::collections::BTreeMap;

use ids_core::job::{Job, JobCounts, JobStatus, QueueName};
use serde::Serialize;
use utoipa::ToSchema;

use super::time::rfc3339;

/// How many jobs of a queue stand where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueBody {
    /// Its name.
    #[schema(example = "document_processing")]
    name: &'static str,
    /// Waiting for a worker.
    length: u64,
    /// Ended with an error.
    failed_count: u64,
    /// Being worked on.
    started_count: u64,
    /// Done.
    finished_count: u64,
    /// Waiting for their next try.
    deferred_count: u64,
    /// Stopped by a person.
    cancelled_count: u64,
}

impl QueueBody {
    /// A queue that no job was ever in has no counts.
    pub(crate) fn new(queue: QueueName, counts: &[JobCounts]) -> Self {
        let of = counts.iter().find(|of| of.queue == queue);
        let number = |pick: fn(&JobCounts) -> u64| of.map_or(0, pick);
        Self {
            name: queue.as_str(),
            length: number(|of| of.queued),
            failed_count: number(|of| of.failed),
            started_count: number(|of| of.started),
            finished_count: number(|of| of.finished),
            deferred_count: number(|of| of.deferred),
            cancelled_count: number(|of| of.cancelled),
        }
    }
}

/// All queues.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueListBody {
    pub(crate) queues: Vec<QueueBody>,
}

/// Whether jobs can be worked with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueHealthBody {
    /// healthy; else the reply is an error.
    #[schema(example = "healthy")]
    pub(crate) status: &'static str,
    /// How many jobs wait in each queue.
    pub(crate) queues: BTreeMap<&'static str, u64>,
    /// When it was asked (RFC 3339, UTC).
    pub(crate) timestamp: String,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobBody {
    /// Its id.
    id: String,
    /// queued, started, deferred, finished, failed or cancelled.
    #[schema(example = "started")]
    status: &'static str,
    /// When it was accepted (RFC 3339, UTC).
    created_at: String,
    /// When a worker took it first.
    started_at: Option<String>,
    /// When it ended.
    ended_at: Option<String>,
    /// Of a finished job.
    result: Option<JobResultBody>,
    /// Why it, or its last try, failed: code and text.
    #[schema(
        example = "ENCRYPTED: `ata.pdf` is password protected; remove the password and upload it again"
    )]
    exc_info: Option<String>,
    /// What it is about.
    meta: JobMetaBody,
}

/// What a finished job made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobResultBody {
    /// The document.
    document_id: String,
}

/// What a job is about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobMetaBody {
    /// Its queue.
    queue: &'static str,
    /// The document it works on.
    document_id: String,
    /// Tries so far.
    attempts: u32,
    /// 0 to 100.
    progress: u8,
    /// The step's word with detail.
    current_step: String,
}

impl From<&Job> for JobBody {
    fn from(job: &Job) -> Self {
        let finished = job.status == JobStatus::Finished;
        Self {
            id: job.job_id.to_string(),
            status: job.status.as_str(),
            created_at: rfc3339(job.created_at),
            started_at: job.started_at.map(rfc3339),
            ended_at: job.ended_at.map(rfc3339),
            result: finished.then(|| JobResultBody {
                document_id: job.document_id.to_string(),
            }),
            exc_info: job
                .failure
                .as_ref()
                .map(|failure| format!("{}: {}", failure.code, failure.message)),
            meta: JobMetaBody {
                queue: job.queue.as_str(),
                document_id: job.document_id.to_string(),
                attempts: job.attempts,
                progress: job.progress,
                current_step: job.current_step.clone(),
            },
        }
    }
}
