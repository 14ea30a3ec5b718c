//! Delivery of job ids: the port `JobQueue` (ADR 0009 says why it is kept this way).
//!
//! Everything a call changes, it changes in one script, so that a worker may die between any two calls. Redis may lose all of it:
//! the job store holds the truth, and the reconciler delivers again.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use ids_core::error::{StoreError, StoreErrorKind};
use ids_core::job::{JobRef, Lane, QueueName};
use ids_core::limits::DELIVERY_VISIBILITY;
use ids_core::ports::{Clock, Delivery, JobQueue};
use ids_core::time::Timestamp;
use redis::{FromRedisValue, Script, ScriptInvocation};
use tokio::time::Instant;

use crate::connection::Redis;
use crate::error::store_error;

/// How long a receiver waits at most before it looks again by itself. Well below [`DELIVERY_VISIBILITY`], so that each delivery that
/// another worker takes meanwhile is seen before its time is over.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Doubles hold whole numbers up to here.
const LATEST: Timestamp = Timestamp::from_micros((1 << 53) - 1);

macro_rules! lane_script {
    ($file:literal) => {
        LazyLock::new(|| {
            Script::new(concat!(
                include_str!("../scripts/queue.lua"),
                include_str!(concat!("../scripts/", $file))
            ))
        })
    };
}

static DELIVER: LazyLock<Script> = lane_script!("deliver.lua");
static TAKE: LazyLock<Script> = lane_script!("take.lua");
static EXTEND: LazyLock<Script> = lane_script!("extend.lua");
static ACK: LazyLock<Script> = lane_script!("ack.lua");
static WAITING: LazyLock<Script> = lane_script!("waiting.lua");

/// Delivers job ids by way of Redis, to the workers of all processes.
#[derive(Clone)]
pub struct RedisJobQueue {
    redis: Redis,
    clock: Arc<dyn Clock>,
}

/// What a look at a lane gives.
enum Taken {
    Delivery(Delivery),
    Nothing {
        /// When something becomes due.
        look_again: Option<Timestamp>,
        /// The last arrival that was there.
        seen: String,
    },
}

impl RedisJobQueue {
    /// A queue on that server. Visibility and delays go by `clock`.
    pub fn new(redis: Redis, clock: Arc<dyn Clock>) -> Self {
        Self { redis, clock }
    }

    async fn call<T: FromRedisValue>(
        &self,
        script: &'static Script,
        queue: QueueName,
        lane: Lane,
        now: Timestamp,
        arguments: &[&str],
    ) -> Result<T, StoreError> {
        let mut call: ScriptInvocation<'_> = script.prepare_invoke();
        // The order that scripts/queue.lua reads.
        for name in ["line", "due", "held", "jobs", "ledger", "arrivals", "numbers"] {
            call.key(self.key(queue, lane, name));
        }
        call.arg(micros(now));
        for argument in arguments {
            call.arg(*argument);
        }
        self.redis.invoke(&call).await.map_err(store_error)
    }

    /// The braces make a lane's keys lie on one node of a cluster.
    fn key(&self, queue: QueueName, lane: Lane, name: &str) -> String {
        format!("{{{}{queue}:{}}}:{name}", self.redis.prefix(), lane.as_str())
    }

    async fn take(&self, queue: QueueName, lane: Lane, worker: &str) -> Result<Taken, StoreError> {
        let now = self.clock.now();
        let held_until = micros(now.plus(DELIVERY_VISIBILITY));
        let (found, first, second, foreign): (u8, String, String, u64) =
            self.call(&TAKE, queue, lane, now, &[&held_until, worker]).await?;
        if foreign > 0 {
            tracing::warn!(
                queue = queue.as_str(),
                lane = lane.as_str(),
                foreign,
                "dropped entries that others wrote under the keys of a queue; give them another database or prefix"
            );
        }
        if found == 1 {
            let Some(job) = parse_job(&first) else {
                // The script looked at its form already.
                return Err(StoreError::new(StoreErrorKind::Corrupt));
            };
            return Ok(Taken::Delivery(Delivery {
                job,
                queue,
                lane,
                receipt: second,
            }));
        }
        Ok(Taken::Nothing {
            // A score, which Redis may write as `1.7e15`.
            look_again: first
                .parse::<f64>()
                .ok()
                .map(|at| Timestamp::from_micros(at as i64)),
            seen: second,
        })
    }
}

#[async_trait]
impl JobQueue for RedisJobQueue {
    async fn deliver(
        &self,
        queue: QueueName,
        lane: Lane,
        job: JobRef,
        rank: i64,
        delay: Duration,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let at = micros(now.plus(delay));
        self.call(
            &DELIVER,
            queue,
            lane,
            now,
            &[&format_job(job), &sortable(rank), &at],
        )
        .await
    }

    async fn receive(
        &self,
        queue: QueueName,
        lane: Lane,
        worker: &str,
        wait: Duration,
    ) -> Result<Option<Delivery>, StoreError> {
        let begun = Instant::now();
        loop {
            let (look_again, seen) = match self.take(queue, lane, worker).await? {
                Taken::Delivery(delivery) => return Ok(Some(delivery)),
                Taken::Nothing { look_again, seen } => (look_again, seen),
            };
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            let pause = match look_again {
                Some(at) => at.since(self.clock.now()),
                None => LOOK_AGAIN,
            };
            // What arrived since the look stands behind `seen`: then this returns at once. Being dropped here loses nothing, as an
            // arrival is no delivery, and everyone who waits sees it.
            let arrivals = self.key(queue, lane, "arrivals");
            self.redis
                .wait_for_entry(&arrivals, &seen, pause.min(LOOK_AGAIN).min(left))
                .await
                .map_err(store_error)?;
        }
    }

    async fn extend(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let now = self.clock.now();
        let held_until = micros(now.plus(DELIVERY_VISIBILITY));
        let job = format_job(delivery.job);
        self.call(
            &EXTEND,
            delivery.queue,
            delivery.lane,
            now,
            &[&job, &delivery.receipt, &held_until],
        )
        .await
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let job = format_job(delivery.job);
        let now = self.clock.now();
        self.call(
            &ACK,
            delivery.queue,
            delivery.lane,
            now,
            &[&job, &delivery.receipt],
        )
        .await
    }

    async fn waiting(&self, queue: QueueName, lane: Lane) -> Result<u64, StoreError> {
        self.call(&WAITING, queue, lane, self.clock.now(), &[]).await
    }
}

fn micros(at: Timestamp) -> String {
    at.min(LATEST).as_micros().to_string()
}

/// Sixteen hexadecimal digits that sort as the number does: its sign is turned round.
fn sortable(rank: i64) -> String {
    format!("{:016x}", rank.cast_unsigned() ^ (1 << 63))
}

fn format_job(job: JobRef) -> String {
    format!("{}/{}", job.organization, job.job_id)
}

fn parse_job(text: &str) -> Option<JobRef> {
    let (organization, job_id) = text.split_once('/')?;
    Some(JobRef {
        organization: organization.parse().ok()?,
        job_id: job_id.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use ids_core::id::{JobId, OrganizationId};

    use super::*;

    #[test]
    fn ranks_sort_by_their_text() {
        let ranks = [
            i64::MIN,
            -70_000,
            -1,
            0,
            1,
            9,
            10,
            1 << 53,
            (1 << 53) + 1,
            i64::MAX,
        ];
        assert!(ranks.map(sortable).is_sorted());
        assert!(ranks.map(sortable).iter().all(|text| text.len() == 16));
    }

    #[test]
    fn a_job_round_trips_and_anything_else_is_none() {
        let job = JobRef {
            organization: OrganizationId::DEFAULT,
            job_id: JobId::from_uuid(uuid::Uuid::from_u128(7)),
        };
        assert_eq!(format_job(job).len(), 73);
        assert_eq!(parse_job(&format_job(job)), Some(job));
        for text in ["", "/", "a/b", "00000000-0000-0000-0000-000000000000"] {
            assert_eq!(parse_job(text), None, "{text}");
        }
    }
}
