//! A queue with a raw connection beside it.

use std::sync::Arc;
use std::time::Duration;

use ids_core::id::{JobId, OrganizationId};
use ids_core::job::{JobRef, Lane, QueueName};
use ids_core::ports::{Clock, Delivery, JobQueue};
use ids_core::time::Timestamp;
use ids_redis::{Redis, RedisConfig, RedisJobQueue};
use ids_testkit::ManualClock;
use ids_testkit::services::unique_name;
use redis::FromRedisValue;
use redis::aio::MultiplexedConnection;
use uuid::Uuid;

pub const QUEUE: QueueName = QueueName::DocumentProcessing;
pub const LANE: Lane = Lane::Prepare;
/// Longer than any test waits, where it should not wait at all.
pub const LONG: Duration = Duration::from_secs(60);

/// Sooner than a receiver that nobody wakes looks round by itself, which is after five seconds.
pub const SOON: Duration = Duration::from_secs(4);

pub struct QueueFixture {
    pub queue: RedisJobQueue,
    pub config: RedisConfig,
    pub clock: Arc<ManualClock>,
    /// What its keys carry.
    pub name: String,
    raw: MultiplexedConnection,
}

impl QueueFixture {
    /// On the shared server.
    pub async fn shared() -> Self {
        Self::on(&ids_testkit::services::redis().dsn).await
    }

    /// On a server of one's own.
    pub async fn on(dsn: &str) -> Self {
        let name = unique_name("test-");
        let config = RedisConfig::from_dsn(dsn).unwrap().under(&name).unwrap();
        let clock = Arc::new(ManualClock::default());
        let redis = Redis::connect(&config).await.unwrap();
        Self {
            queue: RedisJobQueue::new(redis, Arc::clone(&clock) as Arc<dyn Clock>),
            config,
            clock,
            name,
            raw: raw(dsn).await,
        }
    }

    /// The queue as another process has it.
    pub async fn another(&self) -> RedisJobQueue {
        let redis = Redis::connect(&self.config).await.unwrap();
        RedisJobQueue::new(redis, Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// The key of a part of the lane.
    pub fn key(&self, part: &str) -> String {
        format!("{{ids:{}:document_processing:prepare}}:{part}", self.name)
    }

    /// Says something to the server behind the queue's back; `@part` stands for a key of the lane.
    pub async fn say<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::Cmd::new();
        for word in words {
            match word.strip_prefix('@') {
                Some(part) => command.arg(self.key(part)),
                None => command.arg(*word),
            };
        }
        command.query_async(&mut self.raw.clone()).await.unwrap()
    }

    pub async fn deliver(&self, job: JobRef) {
        self.queue
            .deliver(QUEUE, LANE, job, 0, Duration::ZERO)
            .await
            .unwrap();
    }

    pub async fn receive_now(&self) -> Option<Delivery> {
        self.queue
            .receive(QUEUE, LANE, "worker", Duration::ZERO)
            .await
            .unwrap()
    }

    pub async fn waiting(&self) -> u64 {
        self.queue.waiting(QUEUE, LANE).await.unwrap()
    }
}

pub async fn raw(dsn: &str) -> MultiplexedConnection {
    // By itself the client gives up after half a second: too short for a machine that runs all tests at once.
    let config = redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(LONG))
        .set_response_timeout(Some(LONG));
    redis::Client::open(dsn)
        .unwrap()
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .unwrap()
}

pub fn job(number: u128) -> JobRef {
    JobRef {
        organization: OrganizationId::DEFAULT,
        job_id: JobId::from_uuid(Uuid::from_u128(number)),
    }
}

/// Says something until it works: the server is just coming back.
pub async fn eventually<T, E: std::fmt::Debug>(mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
    let trying = async {
        loop {
            match attempt().await {
                Ok(value) => return value,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(LONG, trying).await.expect("it comes back")
}

/// Waits until so many receivers wait in the server.
pub async fn blocked_clients(fixture: &QueueFixture, number: usize) {
    let wanted = format!("blocked_clients:{number}\r\n");
    let looking = async {
        while !fixture
            .say::<String>(&["INFO", "clients"])
            .await
            .contains(&wanted)
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, looking).await.expect("they wait");
}

/// A clock that goes.
pub struct GoingClock(std::time::Instant);

impl GoingClock {
    pub fn new() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Clock for GoingClock {
    fn now(&self) -> Timestamp {
        ManualClock::START.plus(self.0.elapsed())
    }
}
