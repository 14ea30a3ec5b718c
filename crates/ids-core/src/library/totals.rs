//! Figures of the whole installation, over all organizations: for health and metrics, which name nobody.

use super::Library;
use crate::error::Refusal;
use crate::job::{JobCounts, QueueName};
use crate::limits;
use crate::ports::{LibraryCounts, RegisteredWorker};
use crate::scope::Scope;
use crate::time::Timestamp;

/// How much there is, and how it is worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Documents, pages, chunks.
    pub counts: LibraryCounts,
    /// Jobs, a row a queue.
    pub jobs: Vec<JobCounts>,
    /// Since when the oldest waiting job waits.
    pub oldest_waiting: Option<Timestamp>,
}

impl Library {
    /// Figures over all organizations.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn totals(&self) -> Result<Totals, Refusal> {
        let mut totals = Totals {
            counts: LibraryCounts::default(),
            jobs: Vec::new(),
            oldest_waiting: None,
        };
        for organization in self.ports.documents.list_organizations().await? {
            let scope = Scope::organization(organization);
            add_counts(
                &mut totals.counts,
                self.ports.documents.library_counts(&scope).await?,
            );
            let oldest = self.ports.jobs.oldest_waiting(&scope).await?;
            totals.oldest_waiting = [totals.oldest_waiting, oldest].into_iter().flatten().min();
        }
        totals.jobs = self.all_job_counts().await?;
        Ok(totals)
    }

    /// How many jobs of all organizations stand where, a row a queue.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn all_job_counts(&self) -> Result<Vec<JobCounts>, Refusal> {
        let mut sums: Vec<JobCounts> = QueueName::ALL.into_iter().map(JobCounts::none).collect();
        for organization in self.ports.documents.list_organizations().await? {
            for of in self.job_counts(&Scope::organization(organization)).await? {
                if let Some(sum) = sums.iter_mut().find(|sum| sum.queue == of.queue) {
                    sum.add(&of);
                }
            }
        }
        Ok(sums)
    }

    /// The workers that are alive.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn live_workers(&self) -> Result<Vec<RegisteredWorker>, Refusal> {
        let since = self.ports.clock.now().minus(limits::HEARTBEAT_LASTS);
        Ok(self.ports.workers.list_workers(since).await?)
    }
}

fn add_counts(sum: &mut LibraryCounts, more: LibraryCounts) {
    for (status, number) in more.documents {
        match sum.documents.iter_mut().find(|(of, _)| *of == status) {
            Some((_, known)) => *known += number,
            None => sum.documents.push((status, number)),
        }
    }
    sum.pages += more.pages;
    sum.chunks += more.chunks;
    sum.embeddings += more.embeddings;
    sum.bytes += more.bytes;
}
