//! Delivery of job ids to workers. It may lose everything: the job store holds the truth and the reconciler delivers again.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::job::{JobRef, Lane, QueueName};

/// Delivers job ids, at least once.
///
/// Clauses: (1) what is delivered is received, once `delay` has passed, by one worker at a time; (2) smaller `rank`
/// first, then first come first served; (3) an acknowledged delivery is gone; (4) one not acknowledged within
/// [`DELIVERY_VISIBILITY`](crate::limits::DELIVERY_VISIBILITY) (counted from the last `extend`) is received again; (5) delivering a job that
/// is waiting in that lane already changes nothing but its rank and delay; (6) a waiting `receive` wakes up when
/// something is delivered in this process, without polling delay; (7) `receive` may be dropped at any time without
/// losing a delivery for longer than clause 4 says; (8) lanes and queues are apart.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Puts a job in line. `rank` orders the line: small documents first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn deliver(
        &self,
        queue: QueueName,
        lane: Lane,
        job: JobRef,
        rank: i64,
        delay: Duration,
    ) -> Result<(), StoreError>;

    /// The next job of a lane, waiting at most `wait` for one.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn receive(
        &self,
        queue: QueueName,
        lane: Lane,
        worker: &str,
        wait: Duration,
    ) -> Result<Option<Delivery>, StoreError>;

    /// Says that the worker still has it.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn extend(&self, delivery: &Delivery) -> Result<(), StoreError>;

    /// Takes a delivery out of the line; being gone already is no error.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn ack(&self, delivery: &Delivery) -> Result<(), StoreError>;

    /// How many wait in a lane: whoever embeds for long gives way when it is not zero.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn waiting(&self, queue: QueueName, lane: Lane) -> Result<u64, StoreError>;
}

/// A job id in transit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The job.
    pub job: JobRef,
    /// Its queue.
    pub queue: QueueName,
    /// Its lane.
    pub lane: Lane,
    /// The adapter's own name for this delivery.
    pub receipt: String,
}
