//! Figures of the whole installation, over all organizations: for health and metrics, which name nobody.

use super::Library;
use crate::error::{Refusal, StoreError};
use crate::job::{JobCounts, QueueName};
use crate::limits;
use crate::ports::{CleanupStore, DocumentStore, JobStore, LibraryCounts, RegisteredWorker, WorkerRegistry};
use crate::scope::Scope;
use crate::time::Timestamp;

/// How much there is, and how it is worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Documents, pages, chunks.
    pub counts: LibraryCounts,
    /// A row a queue.
    pub queues: Vec<QueueTotals>,
    /// When the newest backup was whole; `None` where none was ever made.
    pub backed_up_at: Option<Timestamp>,
}

/// How one queue is worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueTotals {
    /// Its jobs.
    pub jobs: JobCounts,
    /// Since when its oldest waiting job waits.
    pub oldest_waiting: Option<Timestamp>,
    /// Workers alive that take from it.
    pub workers: u64,
}

impl QueueTotals {
    /// Its name.
    pub const fn queue(&self) -> QueueName {
        self.jobs.queue
    }
}

/// Cleanups looked at when the oldest is searched for; of one organization some wait at most.
const CLEANUPS_LOOKED_AT: usize = 1_000;

/// A row a queue, over all organizations: for those who have stores and no library, too.
///
/// # Errors
/// When a store cannot be reached.
pub async fn queue_totals(
    documents: &dyn DocumentStore,
    jobs: &dyn JobStore,
    cleanups: &dyn CleanupStore,
    workers: &dyn WorkerRegistry,
    now: Timestamp,
) -> Result<Vec<QueueTotals>, StoreError> {
    let mut totals = QueueName::ALL.map(|queue| QueueTotals {
        jobs: JobCounts::none(queue),
        oldest_waiting: None,
        workers: 0,
    });
    for organization in documents.list_organizations().await? {
        let scope = Scope::organization(organization);
        let mut counts = jobs.job_counts(&scope).await?;
        counts.retain(|of| of.queue != QueueName::CleanupTasks);
        counts.push(cleanups.cleanup_counts(&scope).await?);
        let waiting = cleanups
            .list_undelivered_cleanups(&scope, CLEANUPS_LOOKED_AT)
            .await?;
        for total in &mut totals {
            let queue = total.queue();
            for of in counts.iter().filter(|of| of.queue == queue) {
                total.jobs.add(of);
            }
            let oldest = match queue {
                QueueName::DocumentProcessing => jobs.oldest_waiting(&scope).await?,
                QueueName::CleanupTasks => waiting.iter().map(|cleanup| cleanup.due).min(),
            };
            total.oldest_waiting = [total.oldest_waiting, oldest].into_iter().flatten().min();
        }
    }
    let since = now.minus(limits::HEARTBEAT_LASTS);
    for worker in workers.list_workers(since).await? {
        for total in &mut totals {
            total.workers += u64::from(worker.queues.contains(&total.queue()));
        }
    }
    Ok(totals.to_vec())
}

impl Library {
    /// Figures over all organizations.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn totals(&self) -> Result<Totals, Refusal> {
        let mut totals = Totals {
            counts: LibraryCounts::default(),
            queues: Vec::new(),
            backed_up_at: None,
        };
        for organization in self.ports.documents.list_organizations().await? {
            let scope = Scope::organization(organization);
            add_counts(
                &mut totals.counts,
                self.ports.documents.library_counts(&scope).await?,
            );
        }
        let ports = &self.ports;
        totals.queues = queue_totals(
            ports.documents.as_ref(),
            ports.jobs.as_ref(),
            ports.cleanups.as_ref(),
            ports.workers.as_ref(),
            ports.clock.now(),
        )
        .await?;
        let newest = ports.backups.latest_backup().await?;
        totals.backed_up_at = newest.map(|backup| backup.finished_at);
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
