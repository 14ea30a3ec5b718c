//! Queues and jobs.

use std::collections::BTreeMap;

use ids_core::cleanup::CleanupJob;
use ids_core::error::Failure;
use ids_core::job::{Job, JobCounts, JobStatus, QueueName};
use ids_core::library::AnyJob;
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
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct QueueHealthBody {
    /// healthy; else the reply is an error.
    #[schema(example = "healthy")]
    pub(crate) status: &'static str,
    /// How many jobs wait in each queue.
    pub(crate) queues: BTreeMap<&'static str, u64>,
    /// Workers alive that take from each queue.
    pub(crate) workers: BTreeMap<&'static str, usize>,
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
        example = "ENCRYPTED: `ata.pdf` is password protected; give the password with it, or remove it and upload the file again"
    )]
    exc_info: Option<String>,
    /// What it is about.
    meta: JobMetaBody,
}

/// What a finished job did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobResultBody {
    /// The document it made searchable.
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<String>,
    /// Uploads or files that a cleanup removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<u64>,
}

/// What a job is about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobMetaBody {
    /// Its queue.
    queue: &'static str,
    /// The document it works on.
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<String>,
    /// What a cleanup removes: s3_cleanup, orphaned_files or expired_uploads.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'static str>,
    /// Tries so far.
    attempts: u32,
    /// 0 to 100.
    progress: u8,
    /// The step's word with detail.
    current_step: String,
}

impl From<&AnyJob> for JobBody {
    fn from(job: &AnyJob) -> Self {
        match job {
            AnyJob::Document(job) => Self::of_document(job),
            AnyJob::Cleanup(job) => Self::of_cleanup(job),
        }
    }
}

impl JobBody {
    fn of_document(job: &Job) -> Self {
        let document_id = || Some(job.document_id.to_string());
        Self {
            id: job.job_id.to_string(),
            status: job.status.as_str(),
            created_at: rfc3339(job.created_at),
            started_at: job.started_at.map(rfc3339),
            ended_at: job.ended_at.map(rfc3339),
            result: (job.status == JobStatus::Finished).then(|| JobResultBody {
                document_id: document_id(),
                removed: None,
            }),
            exc_info: job.failure.as_ref().map(reason),
            meta: JobMetaBody {
                queue: job.queue.as_str(),
                document_id: document_id(),
                task_type: None,
                attempts: job.attempts,
                progress: job.progress,
                current_step: job.current_step.clone(),
            },
        }
    }

    fn of_cleanup(job: &CleanupJob) -> Self {
        let is_finished = job.status == JobStatus::Finished;
        Self {
            id: job.job_id.to_string(),
            status: job.status.as_str(),
            created_at: rfc3339(job.created_at),
            started_at: job.started_at.map(rfc3339),
            ended_at: job.ended_at.map(rfc3339),
            result: is_finished.then_some(JobResultBody {
                document_id: None,
                removed: Some(job.removed),
            }),
            exc_info: job.failure.as_ref().map(reason),
            meta: JobMetaBody {
                queue: QueueName::CleanupTasks.as_str(),
                document_id: None,
                task_type: Some(job.task.as_str()),
                attempts: job.attempts,
                progress: if is_finished { 100 } else { 0 },
                current_step: job.status.as_str().to_owned(),
            },
        }
    }
}

fn reason(failure: &Failure) -> String {
    format!("{}: {}", failure.code, failure.message)
}

/// Jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobListBody {
    pub(crate) jobs: Vec<JobBody>,
}

/// A cleanup that is asked for.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::queue::read_cleanup` reads; a test holds both together"
)]
pub(crate) struct CleanupRequest {
    /// s3_cleanup (files under the temporary prefix), orphaned_files (all) or expired_uploads.
    #[schema(example = "orphaned_files")]
    task_type: String,
    /// Only what is older, 1 to 87600; `CLEANUP_ORPHANED_FILES_HOURS` if not given.
    older_than_hours: Option<u64>,
}

/// A cleanup that waits for a worker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CleanupBody {
    /// For people.
    message: String,
    /// Its job.
    job_id: String,
    /// What it removes.
    task_type: &'static str,
    /// queued.
    #[schema(example = "queued")]
    status: &'static str,
}

impl From<&CleanupJob> for CleanupBody {
    fn from(job: &CleanupJob) -> Self {
        Self {
            message: format!("cleanup `{}` is queued", job.task.as_str()),
            job_id: job.job_id.to_string(),
            task_type: job.task.as_str(),
            status: job.status.as_str(),
        }
    }
}
