//! Says that a worker is alive, so that `/queue/health`, `ids healthcheck --worker` and people know.

use tokio_util::sync::CancellationToken;

use crate::job::QueueName;
use crate::library::Library;
use crate::limits;

/// One worker process's heartbeat.
pub struct Heartbeat {
    library: Library,
    name: String,
    queues: Vec<QueueName>,
}

impl Heartbeat {
    /// The heartbeat of the worker `name`, which takes from `queues`.
    pub fn new(library: Library, name: String, queues: Vec<QueueName>) -> Self {
        Self {
            library,
            name,
            queues,
        }
    }

    /// Beats until `stop`, beginning at once, and takes leave.
    pub async fn run(&self, stop: &CancellationToken) {
        let workers = &self.library.ports.workers;
        loop {
            if let Err(error) = workers.beat(&self.name, &self.queues).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the store cannot be told that this worker is alive"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(limits::HEARTBEAT_EVERY) => {}
                () = stop.cancelled() => break,
            }
        }
        // If it cannot be said now, the heartbeat runs out by itself.
        let _ = workers.leave(&self.name).await;
    }
}
