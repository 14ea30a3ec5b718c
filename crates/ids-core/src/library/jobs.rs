//! Looking at jobs and steering them.

use std::time::Duration;

use super::Library;
use crate::error::{ErrorCode, Refusal, StoreErrorKind};
use crate::id::JobId;
use crate::job::{Job, JobCounts, JobStatus, Lane};
use crate::limits;
use crate::scope::Scope;

impl Library {
    /// A job.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`.
    pub async fn get_job(&self, scope: &Scope, job_id: JobId) -> Result<Job, Refusal> {
        self.ports
            .jobs
            .find_job(scope, job_id)
            .await?
            .ok_or_else(|| job_not_found(job_id))
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for a limit out of range.
    pub async fn list_jobs(
        &self,
        scope: &Scope,
        status: Option<JobStatus>,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<Job>, Refusal> {
        if limit == 0 || limit > limits::LIST_ROWS {
            return Err(Refusal::field(
                "limit",
                format!("must be 1 to {}", limits::LIST_ROWS),
            ));
        }
        Ok(self.ports.jobs.list_jobs(scope, status, limit, offset).await?)
    }

    /// How many jobs stand where.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn job_counts(&self, scope: &Scope) -> Result<Vec<JobCounts>, Refusal> {
        Ok(self.ports.jobs.job_counts(scope).await?)
    }

    /// Stops a job; its version leaves nothing behind.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`, `JOB_ALREADY_ENDED`.
    pub async fn cancel_job(&self, scope: &Scope, job_id: JobId) -> Result<Job, Refusal> {
        let removed = self
            .ports
            .jobs
            .cancel(scope, job_id)
            .await
            .map_err(|error| match error.kind() {
                StoreErrorKind::NotFound => job_not_found(job_id),
                StoreErrorKind::Conflict => Refusal::new(
                    ErrorCode::JobAlreadyEnded,
                    format!("job `{job_id}` has ended; nothing was stopped"),
                ),
                _ => error.into(),
            })?;
        self.remove_blobs(&removed).await;
        self.get_job(scope, job_id).await
    }

    /// Queues a failed or cancelled job again, under the same id.
    ///
    /// # Errors
    /// `JOB_NOT_FOUND`, `JOB_ALREADY_ENDED` (it finished well), `UPLOAD_INCOMPLETE` (it is still waiting or running).
    pub async fn retry_job(&self, scope: &Scope, job_id: JobId) -> Result<Job, Refusal> {
        let job = match self.ports.jobs.retry(scope, job_id).await {
            Ok(job) => job,
            Err(error) => {
                return Err(match error.kind() {
                    StoreErrorKind::NotFound => job_not_found(job_id),
                    StoreErrorKind::Conflict => Refusal::new(
                        ErrorCode::JobAlreadyEnded,
                        format!(
                            "job `{job_id}` neither failed nor was cancelled, or its file is gone; upload the file again"
                        ),
                    ),
                    _ => error.into(),
                });
            }
        };
        let view = self.get_job(scope, job_id).await?;
        // A failed delivery loses nothing: the reconciler delivers what waits.
        if let Err(error) = self
            .ports
            .queue
            .deliver(view.queue, Lane::Prepare, job, 0, Duration::ZERO)
            .await
        {
            tracing::warn!(job.id = %job_id, error = &error as &dyn std::error::Error,
                "job `{job_id}` waits but is not delivered yet; the reconciler will");
        }
        Ok(view)
    }
}

fn job_not_found(job_id: JobId) -> Refusal {
    Refusal::new(ErrorCode::JobNotFound, format!("there is no job `{job_id}`"))
}
