//! Looking at jobs and steering them: those of documents and cleanups.

use std::time::Duration;

use super::Library;
use crate::cleanup::CleanupJob;
use crate::error::{ErrorCode, Refusal, StoreError, StoreErrorKind};
use crate::id::JobId;
use crate::job::{Job, JobCounts, JobStatus, Lane, QueueName};
use crate::scope::{CollectionAccess, Scope};
use crate::time::Timestamp;

/// A job of either queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyJob {
    /// A document to be made searchable.
    Document(Job),
    /// What is left behind, to be removed.
    Cleanup(CleanupJob),
}

impl AnyJob {
    /// Its id.
    pub const fn job_id(&self) -> JobId {
        match self {
            Self::Document(job) => job.job_id,
            Self::Cleanup(cleanup) => cleanup.job_id,
        }
    }

    /// When it was accepted.
    pub const fn created_at(&self) -> Timestamp {
        match self {
            Self::Document(job) => job.created_at,
            Self::Cleanup(cleanup) => cleanup.created_at,
        }
    }
}

impl Library {
    /// A job.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`.
    pub async fn get_job(&self, scope: &Scope, job_id: JobId) -> Result<AnyJob, Refusal> {
        if let Some(job) = self.ports.jobs.find_job(scope, job_id).await? {
            return Ok(AnyJob::Document(job));
        }
        let cleanup = self.ports.cleanups.find_cleanup(scope, job_id).await?;
        cleanup.map(AnyJob::Cleanup).ok_or_else(|| job_not_found(job_id))
    }

    /// Jobs, newest first; of both queues where none is named.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for a limit out of range.
    pub async fn list_jobs(
        &self,
        scope: &Scope,
        queue: Option<QueueName>,
        status: Option<JobStatus>,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<AnyJob>, Refusal> {
        super::check_limit(limit)?;
        let of = |name| queue.is_none_or(|queue| queue == name);
        // Merged from the start of both lists, so that a page is the same whichever queue its jobs are of.
        let (rows, skipped) = match queue {
            Some(_) => (limit, offset),
            None => (limit.saturating_add(offset), 0),
        };
        let mut jobs = Vec::new();
        if of(QueueName::DocumentProcessing) {
            let documents = self.ports.jobs.list_jobs(scope, status, rows, skipped).await?;
            jobs.extend(documents.into_iter().map(AnyJob::Document));
        }
        if of(QueueName::CleanupTasks) && sees_all(scope) {
            let cleanups = self
                .ports
                .cleanups
                .list_cleanups(scope, status, rows, skipped)
                .await?;
            jobs.extend(cleanups.into_iter().map(AnyJob::Cleanup));
        }
        if queue.is_none() {
            jobs.sort_by_key(|job| std::cmp::Reverse((job.created_at(), job.job_id())));
            jobs.drain(..offset.min(jobs.len()));
            jobs.truncate(limit);
        }
        Ok(jobs)
    }

    /// How many jobs stand where, a row a queue.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn job_counts(&self, scope: &Scope) -> Result<Vec<JobCounts>, Refusal> {
        let mut counts = self.ports.jobs.job_counts(scope).await?;
        counts.retain(|of| of.queue != QueueName::CleanupTasks);
        counts.push(if sees_all(scope) {
            self.ports.cleanups.cleanup_counts(scope).await?
        } else {
            JobCounts::none(QueueName::CleanupTasks)
        });
        Ok(counts)
    }

    /// Stops a job; its version leaves nothing behind.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`, `JOB_ALREADY_ENDED`.
    pub async fn cancel_job(&self, scope: &Scope, job_id: JobId) -> Result<AnyJob, Refusal> {
        match self.ports.jobs.cancel(scope, job_id).await {
            Ok(removed) => self.remove_blobs(&removed).await,
            Err(error) if error.kind() == StoreErrorKind::NotFound && sees_all(scope) => {
                let cancelled = self.ports.cleanups.cancel_cleanup(scope, job_id).await;
                cancelled.map_err(|error| not_cancelled(error, job_id))?;
            }
            Err(error) => return Err(not_cancelled(error, job_id)),
        }
        self.get_job(scope, job_id).await
    }

    /// Queues a failed or cancelled job again, under the same id.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`, `JOB_ALREADY_ENDED` (it finished well, waits or runs, or its file is gone).
    pub async fn retry_job(&self, scope: &Scope, job_id: JobId) -> Result<AnyJob, Refusal> {
        match self.ports.jobs.retry(scope, job_id).await {
            Ok(job) => {
                // A failed delivery loses nothing: the reconciler delivers what waits.
                let queue = &self.ports.queue;
                let delivered = queue
                    .deliver(
                        QueueName::DocumentProcessing,
                        Lane::Prepare,
                        job,
                        0,
                        Duration::ZERO,
                    )
                    .await;
                if let Err(error) = delivered {
                    tracing::warn!(job.id = %job_id, error = &error as &dyn std::error::Error,
                        "job `{job_id}` waits but is not delivered yet; the reconciler will");
                }
            }
            Err(error) if error.kind() == StoreErrorKind::NotFound && sees_all(scope) => {
                let retried = self.ports.cleanups.retry_cleanup(scope, job_id).await;
                let job = retried.map_err(|error| not_retried(error, job_id))?;
                self.deliver_cleanup(job, Duration::ZERO).await;
            }
            Err(error) => return Err(not_retried(error, job_id)),
        }
        self.get_job(scope, job_id).await
    }
}

const fn sees_all(scope: &Scope) -> bool {
    matches!(scope.collections, CollectionAccess::All)
}

fn not_cancelled(error: StoreError, job_id: JobId) -> Refusal {
    match error.kind() {
        StoreErrorKind::NotFound => job_not_found(job_id),
        StoreErrorKind::Conflict => Refusal::new(
            ErrorCode::JobAlreadyEnded,
            format!("job `{job_id}` has ended; nothing was stopped"),
        ),
        _ => error.into(),
    }
}

fn not_retried(error: StoreError, job_id: JobId) -> Refusal {
    match error.kind() {
        StoreErrorKind::NotFound => job_not_found(job_id),
        StoreErrorKind::Conflict => Refusal::new(
            ErrorCode::JobAlreadyEnded,
            format!(
                "job `{job_id}` neither failed nor was cancelled, or its file is gone; upload the file again"
            ),
        ),
        _ => error.into(),
    }
}

pub(super) fn job_not_found(job_id: JobId) -> Refusal {
    Refusal::new(ErrorCode::JobNotFound, format!("there is no job `{job_id}`"))
}
