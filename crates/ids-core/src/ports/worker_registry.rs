//! Who works, and who of them does what only one may do.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::job::QueueName;
use crate::time::Timestamp;

/// Keeps the heartbeats of workers. They are the installation's, of no organization: no scope is asked.
///
/// Clauses: (1) a worker is listed with its last heartbeat, the queues it takes and when it began, until it leaves or is forgotten; (2) `lead` gives a role to
/// one worker at a time: to who has it or to whoever asks first when its time has run out; (3) `step_down` lets the next one lead at once, and takes nothing from
/// another; (4) workers that were not heard of since a moment are forgotten by `forget_workers`.
#[async_trait]
pub trait WorkerRegistry: Send + Sync {
    /// Says that a worker is alive.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn beat(&self, worker: &str, queues: &[QueueName]) -> Result<(), StoreError>;

    /// Says that a worker ends.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn leave(&self, worker: &str) -> Result<(), StoreError>;

    /// Workers heard of at `since` or later, by name.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_workers(&self, since: Timestamp) -> Result<Vec<RegisteredWorker>, StoreError>;

    /// Removes workers last heard of before `before`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn forget_workers(&self, before: Timestamp) -> Result<(), StoreError>;

    /// Whether `worker` has the role `role` for `time` from now on.
    ///
    /// # Errors
    /// `Full`, `Unavailable`.
    async fn lead(&self, role: &str, worker: &str, time: Duration) -> Result<bool, StoreError>;

    /// Gives the role back, if `worker` has it.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn step_down(&self, role: &str, worker: &str) -> Result<(), StoreError>;
}

/// A worker as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredWorker {
    /// Its name.
    pub name: String,
    /// The queues it takes from.
    pub queues: Vec<QueueName>,
    /// Its first heartbeat.
    pub started_at: Timestamp,
    /// Its last one.
    pub seen_at: Timestamp,
}
