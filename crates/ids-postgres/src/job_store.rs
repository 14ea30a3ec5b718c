//! The port `JobStore`: each method is one transaction.

use std::time::Duration;

use async_trait::async_trait;
use ids_core::document::{Acceptance, BlobKey, Removed};
use ids_core::error::{Failure, StoreError};
use ids_core::id::{DocumentId, JobId};
use ids_core::job::{Job, JobCounts, JobRef, JobStatus, Lease, Progress};
use ids_core::member::{MemberAcceptance, MemberAccepted};
use ids_core::ports::{Accepted, ClaimedJob, JobStore, Reconciled};
use ids_core::scope::Scope;
use ids_core::time::Timestamp;

use crate::library::PostgresLibrary;
use crate::{accept, job_reads, jobs, members, statistics};

#[async_trait]
impl JobStore for PostgresLibrary {
    async fn accept(&self, scope: &Scope, acceptance: &Acceptance) -> Result<Accepted, StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(accept::accept(tx, scope, acceptance))
            })
            .await
    }

    async fn accept_member(
        &self,
        lease: &Lease,
        member: &MemberAcceptance,
    ) -> Result<MemberAccepted, StoreError> {
        self.database
            .write(lease.job.organization, move |tx| {
                Box::pin(members::accept(tx, lease, member))
            })
            .await
    }

    async fn claim(&self, job: &JobRef, worker: &str) -> Result<Option<ClaimedJob>, StoreError> {
        self.database
            .write(job.organization, move |tx| Box::pin(jobs::claim(tx, job, worker)))
            .await
    }

    async fn renew(&self, lease: &Lease) -> Result<(), StoreError> {
        self.database
            .write(lease.job.organization, move |tx| Box::pin(jobs::renew(tx, lease)))
            .await
    }

    async fn advance(&self, lease: &Lease, progress: &Progress) -> Result<(), StoreError> {
        self.database
            .write(lease.job.organization, move |tx| {
                Box::pin(jobs::advance(tx, lease, progress))
            })
            .await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.database
            .write(lease.job.organization, move |tx| {
                Box::pin(jobs::release(tx, lease))
            })
            .await
    }

    async fn complete(&self, lease: &Lease, original: Option<&BlobKey>) -> Result<Removed, StoreError> {
        let removed = self
            .database
            .write(lease.job.organization, move |tx| {
                Box::pin(jobs::complete(tx, lease, original))
            })
            .await?;
        statistics::fold_if_due(&self.database, lease.job.organization).await;
        Ok(removed)
    }

    async fn end_as_duplicate(&self, lease: &Lease, original: DocumentId) -> Result<(), StoreError> {
        self.database
            .write(lease.job.organization, move |tx| {
                Box::pin(jobs::end_as_duplicate(tx, lease, original))
            })
            .await
    }

    async fn fail(
        &self,
        lease: &Lease,
        failure: &Failure,
        retry_after: Option<Duration>,
    ) -> Result<(), StoreError> {
        self.database
            .write(lease.job.organization, move |tx| {
                Box::pin(jobs::fail(tx, lease, failure, retry_after))
            })
            .await
    }

    async fn postpone(&self, lease: &Lease, failure: &Failure, delay: Duration) -> Result<(), StoreError> {
        self.database
            .write(lease.job.organization, move |tx| {
                Box::pin(jobs::postpone(tx, lease, failure, delay))
            })
            .await
    }

    async fn cancel(&self, scope: &Scope, job_id: JobId) -> Result<Removed, StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(jobs::cancel(tx, scope, job_id))
            })
            .await
    }

    async fn retry(&self, scope: &Scope, job_id: JobId) -> Result<JobRef, StoreError> {
        self.database
            .write(scope.organization, move |tx| {
                Box::pin(jobs::retry(tx, scope, job_id))
            })
            .await
    }

    async fn find_job(&self, scope: &Scope, job_id: JobId) -> Result<Option<Job>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(job_reads::find(tx, scope, job_id))
            })
            .await
    }

    async fn list_jobs(
        &self,
        scope: &Scope,
        status: Option<JobStatus>,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<Job>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(job_reads::list(tx, scope, status, limit, offset))
            })
            .await
    }

    async fn job_counts(&self, scope: &Scope) -> Result<Vec<JobCounts>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(job_reads::counts(tx, scope))
            })
            .await
    }

    async fn list_undelivered(&self, scope: &Scope, limit: usize) -> Result<Vec<Reconciled>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(job_reads::list_undelivered(tx, scope, limit))
            })
            .await
    }

    async fn oldest_waiting(&self, scope: &Scope) -> Result<Option<Timestamp>, StoreError> {
        self.database
            .read(scope.organization, move |tx| {
                Box::pin(job_reads::oldest_waiting(tx, scope))
            })
            .await
    }
}
