//! One worker's loop over one lane of a queue: receive → claim → work, renewing lease and delivery → acknowledge.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use super::memory::MemoryBudget;
use super::retry::backoff;
use crate::document::VersionStage;
use crate::error::{ErrorCode, Failure, Refusal, Retry, StoreError, StoreErrorKind};
use crate::ingest::{self, Allowance, StepError, Turn};
use crate::job::{Lane, QueueName};
use crate::library::Library;
use crate::limits;
use crate::ports::{ClaimedJob, Delivery};
use crate::trace::TARGET;

/// How long one `receive` waits: short enough that a stop is prompt, long enough to cost nothing.
const RECEIVE_WAIT: Duration = Duration::from_secs(5);

/// Does the jobs of one lane of a queue, one at a time. Several may run side by side.
///
/// Cutting a long document into chunks keeps a thread busy for a second or more, so each worker wants a thread of its own.
pub struct Worker {
    library: Library,
    name: String,
    queue: QueueName,
    lane: Lane,
    memory: MemoryBudget,
}

/// How work on a claimed job ended.
enum Worked {
    Turn(Turn),
    Failed(Failure),
    /// The job is someone else's now, or nobody's.
    LeaseLost,
    /// This worker stops: the job goes on elsewhere, or here after the next start.
    Stopped,
}

impl Worker {
    /// A worker of documents in that lane; `name` is shown and must be its own. Workers that share `memory` work on as many documents
    /// at once as fit into it.
    pub fn of_documents(library: Library, name: String, lane: Lane, memory: MemoryBudget) -> Self {
        Self {
            library,
            name,
            queue: QueueName::DocumentProcessing,
            lane,
            memory,
        }
    }

    /// A worker of cleanups.
    pub fn of_cleanups(library: Library, name: String) -> Self {
        Self {
            library,
            name,
            queue: QueueName::CleanupTasks,
            lane: Lane::Prepare,
            memory: MemoryBudget::unlimited(),
        }
    }

    /// Works until `stop`. What is in hand then is given back, so that it goes on elsewhere at once.
    pub async fn run(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let received = tokio::select! {
                // A dropped `receive` loses no delivery (JobQueue, clause 7).
                received = self.receive() => received,
                () = stop.cancelled() => return,
            };
            match received {
                Ok(Some(delivery)) => self.handle(&delivery, stop).await,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(worker = %self.name, error = &error as &dyn std::error::Error,
                        "the queue cannot be asked for work; asking again in a moment");
                    tokio::select! {
                        () = tokio::time::sleep(limits::POSTPONE) => {}
                        () = stop.cancelled() => return,
                    }
                }
            }
        }
    }

    /// Works until nothing is due in this lane. For commands that do their own jobs; says how many turns were taken.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    pub async fn run_until_idle(&self, stop: &CancellationToken) -> Result<usize, Refusal> {
        let mut turns = 0;
        while !stop.is_cancelled() {
            let queue = &self.library.ports.queue;
            let received = queue
                .receive(self.queue, self.lane, &self.name, Duration::ZERO)
                .await?;
            let Some(delivery) = received else { break };
            self.handle(&delivery, stop).await;
            turns += 1;
        }
        Ok(turns)
    }

    async fn receive(&self) -> Result<Option<Delivery>, StoreError> {
        let queue = &self.library.ports.queue;
        queue
            .receive(self.queue, self.lane, &self.name, RECEIVE_WAIT)
            .await
    }

    /// One delivery, from claim to acknowledgement. Every line that is logged meanwhile carries the job's id.
    async fn handle(&self, delivery: &Delivery, stop: &CancellationToken) {
        let job_id = delivery.job.job_id;
        let logged = tracing::info_span!("job", job.id = %job_id);
        let traced = tracing::info_span!(
            target: TARGET,
            "job",
            otel.kind = "consumer",
            otel.status_code = tracing::field::Empty,
            job.id = %job_id,
            document.id = tracing::field::Empty,
            queue = self.queue.as_str(),
            lane = self.lane.as_str(),
            worker = %self.name,
        );
        let handling = self.handle_in_span(delivery, stop, &traced).instrument(logged);
        handling.instrument(traced.clone()).await;
    }

    async fn handle_in_span(&self, delivery: &Delivery, stop: &CancellationToken, traced: &Span) {
        let dealt_with = match self.queue {
            QueueName::DocumentProcessing => self.handle_document(delivery, stop, traced).await,
            QueueName::CleanupTasks => self.library.work_on_cleanup(delivery, &self.name, stop).await,
        };
        if dealt_with {
            self.acknowledge(delivery).await;
        }
    }

    /// Says whether the delivery is dealt with.
    async fn handle_document(&self, delivery: &Delivery, stop: &CancellationToken, traced: &Span) -> bool {
        let jobs = &self.library.ports.jobs;
        let job_id = delivery.job.job_id;
        // A store that is away is waited for with the delivery in hand: put down, it would come back only when its time is over, and
        // the next ones would be taken up and put down the same way.
        let claimed = patiently(stop, || jobs.claim(&delivery.job, &self.name)).await;
        match claimed {
            Ok(Some(claimed)) => {
                traced.record("document.id", tracing::field::display(claimed.lease.document_id));
                let worked = match given_up(&claimed) {
                    Some(failure) => Worked::Failed(failure),
                    None => self.work(&claimed, delivery, stop).await,
                };
                if matches!(worked, Worked::Failed(_)) {
                    traced.record("otel.status_code", "ERROR");
                }
                let settled = patiently(stop, || self.settle(&claimed, &worked)).await;
                if let Err(error) = settled
                    && error.kind() != StoreErrorKind::LeaseLost
                {
                    // The lease runs out, and the reconciler delivers the job again.
                    tracing::warn!(job.id = %job_id, error = &error as &dyn std::error::Error,
                        "the end of a turn of job `{job_id}` could not be written; it will be tried again");
                    return false;
                }
            }
            // Ended, not due, or in other hands: nothing to do for this delivery.
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(job.id = %job_id, error = &error as &dyn std::error::Error,
                    "job `{job_id}` could not be claimed; its delivery comes again");
                return false;
            }
        }
        true
    }

    async fn acknowledge(&self, delivery: &Delivery) {
        if let Err(error) = self.library.ports.queue.ack(delivery).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a delivery could not be acknowledged; it comes again and finds nothing to do"
            );
        }
    }

    /// Does one turn while lease and delivery are kept alive. A lost lease drops the work where it is.
    async fn work(&self, claimed: &ClaimedJob, delivery: &Delivery, stop: &CancellationToken) -> Worked {
        let turn = AssertUnwindSafe(self.turn(claimed, stop)).catch_unwind();
        tokio::select! {
            // Dropping the turn is safe: each of its steps is one transaction.
            done = turn => match done {
                Ok(Ok(turn)) => Worked::Turn(turn),
                Ok(Err(error)) => self.failed(claimed, &error),
                Err(_panic) => Worked::Failed(Failure::passing(
                    ErrorCode::Internal,
                    "internal error; the log has the cause",
                )),
            },
            () = self.keep_alive(claimed, delivery) => Worked::LeaseLost,
            // Embedding looks at `stop` itself, between batches. What comes before it is short and begins anew.
            () = stop.cancelled(), if claimed.version.stage < VersionStage::Chunked => Worked::Stopped,
        }
    }

    /// Dispatches by how far the version is: a delivery may come late, or in the other lane.
    async fn turn(&self, claimed: &ClaimedJob, stop: &CancellationToken) -> Result<Turn, StepError> {
        if claimed.version.stage >= VersionStage::Chunked {
            return ingest::embed(&self.library, claimed, stop).await;
        }
        // The lease is kept meanwhile. Before the clock: waiting for others is not this document's fault.
        let _memory = self.memory.reserve(claimed.version.file_size).await;
        let limit = self.library.settings.job_timeout;
        let allowance = Allowance::default();
        let prepared = ingest::prepare(&self.library, claimed, &allowance);
        match allowance.within(limit, prepared).await {
            Ok(prepared) => prepared,
            Err(limit) => Err(Failure::of_input(
                ErrorCode::Timeout,
                format!(
                    "`{}` took longer than {} seconds; split it, or raise DOCUMENT_PROCESSING_JOB_TIMEOUT_SECONDS",
                    claimed.version.filename,
                    limit.as_secs()
                ),
            )
            .into()),
        }
    }

    fn failed(&self, claimed: &ClaimedJob, error: &StepError) -> Worked {
        let job_id = claimed.lease.job.job_id;
        match ingest::failure_of(error) {
            Some(failure) => {
                tracing::info!(job.id = %job_id, code = %failure.code, error = error as &dyn std::error::Error,
                    "a try of job `{job_id}` failed: {}", failure.code);
                Worked::Failed(failure)
            }
            None => Worked::LeaseLost,
        }
    }

    /// Returns when the lease is lost.
    async fn keep_alive(&self, claimed: &ClaimedJob, delivery: &Delivery) {
        loop {
            tokio::time::sleep(limits::LEASE_RENEWAL).await;
            match self.library.ports.jobs.renew(&claimed.lease).await {
                Ok(()) => {}
                Err(error)
                    if matches!(error.kind(), StoreErrorKind::LeaseLost | StoreErrorKind::NotFound) =>
                {
                    return;
                }
                // A store that is away for a moment: the lease lasts for two more tries.
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a lease could not be renewed"
                ),
            }
            if let Err(error) = self.library.ports.queue.extend(delivery).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a delivery could not be kept"
                );
            }
        }
    }

    /// Writes what came of a turn, and delivers what comes next.
    async fn settle(&self, claimed: &ClaimedJob, worked: &Worked) -> Result<(), StoreError> {
        let (jobs, lease) = (&self.library.ports.jobs, &claimed.lease);
        let job_id = lease.job.job_id;
        match *worked {
            Worked::LeaseLost => {
                tracing::debug!(job.id = %job_id, "job `{job_id}` is no longer ours");
                Ok(())
            }
            Worked::Stopped => {
                jobs.release(lease).await?;
                self.deliver_next(claimed, self.lane, 0, Duration::ZERO).await;
                Ok(())
            }
            Worked::Turn(Turn::Ended) => {
                tracing::info!(job.id = %job_id, document.id = %lease.document_id, "job `{job_id}` finished");
                Ok(())
            }
            Worked::Turn(Turn::Prepared { chunks: left } | Turn::MoreToEmbed { left }) => {
                jobs.release(lease).await?;
                self.deliver_next(claimed, Lane::Embed, left, Duration::ZERO)
                    .await;
                Ok(())
            }
            Worked::Failed(ref failure) => self.settle_failure(claimed, failure).await,
        }
    }

    async fn settle_failure(&self, claimed: &ClaimedJob, failure: &Failure) -> Result<(), StoreError> {
        let (jobs, lease) = (&self.library.ports.jobs, &claimed.lease);
        let pause = backoff(lease.attempt, self.library.ports.ids.next());
        match failure.retry {
            Retry::Postpone => self.postpone(claimed, failure, limits::POSTPONE).await?,
            Retry::WaitForBudget => self.postpone(claimed, failure, limits::BUDGET_PAUSE).await?,
            Retry::Backoff if lease.attempt < limits::JOB_ATTEMPTS => {
                jobs.fail(lease, failure, Some(pause)).await?;
                self.deliver_next(claimed, self.lane, 0, pause).await;
            }
            Retry::Backoff | Retry::Never => jobs.fail(lease, failure, None).await?,
        }
        Ok(())
    }

    async fn postpone(
        &self,
        claimed: &ClaimedJob,
        failure: &Failure,
        pause: Duration,
    ) -> Result<(), StoreError> {
        let jobs = &self.library.ports.jobs;
        jobs.postpone(&claimed.lease, failure, pause).await?;
        self.deliver_next(claimed, self.lane, 0, pause).await;
        Ok(())
    }

    async fn deliver_next(&self, claimed: &ClaimedJob, lane: Lane, left: u32, delay: Duration) {
        let rank = ingest::rank_by_chunks(self.library.ports.clock.now(), left);
        let queue = &self.library.ports.queue;
        if let Err(error) = queue
            .deliver(
                QueueName::DocumentProcessing,
                lane,
                claimed.lease.job,
                rank,
                delay,
            )
            .await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a job waits but is not delivered yet; the reconciler will"
            );
        }
    }
}

/// Does what only a store that is away keeps from being done: again after a pause, until it is back. Nobody else gets the job before the store
/// is back either; whoever is late then hears `LeaseLost`.
async fn patiently<T, F>(stop: &CancellationToken, mut act: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match act().await {
            Err(error) if error.kind() == StoreErrorKind::Unavailable => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the store is away; trying again"
                );
            }
            done => return done,
        }
        tokio::select! {
            () = tokio::time::sleep(limits::STORE_PAUSE) => {}
            // Once more, at once: what is given back now goes on elsewhere.
            () = stop.cancelled() => return act().await,
        }
    }
}

/// The end of a job that took its worker with it again and again: its tries were counted by the claims, and nobody was left to
/// end it.
fn given_up(claimed: &ClaimedJob) -> Option<Failure> {
    if claimed.lease.attempt <= limits::JOB_ATTEMPTS {
        return None;
    }
    let code = if claimed.version.stage >= VersionStage::Chunked {
        ErrorCode::EmbeddingFailed
    } else {
        ErrorCode::Internal
    };
    let message = format!(
        "the program ended {} times while it worked on `{}`; split the file, or retry the job",
        limits::JOB_ATTEMPTS,
        claimed.version.filename
    );
    Some(Failure::of_input(code, message))
}
