//! How long a delivery takes from one connection to a receiver that waits on another, and how many go through:
//! `cargo run --release -p ids-redis --example latency`. Figures stand in docs/adr/0009-redis-queue.md.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement for people"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ids_core::id::{JobId, OrganizationId};
use ids_core::job::{JobRef, Lane, QueueName};
use ids_core::ports::{Clock, JobQueue};
use ids_core::time::Timestamp;
use ids_redis::{Redis, RedisConfig, RedisJobQueue};
use ids_testkit::ManualClock;
use ids_testkit::services::PrivateRedis;
use tokio::task::JoinSet;
use uuid::Uuid;

const QUEUE: QueueName = QueueName::DocumentProcessing;
const LANE: Lane = Lane::Prepare;
const LONG: Duration = Duration::from_secs(600);
const DELIVERIES: u32 = 1_000;

struct GoingClock(Instant);

impl Clock for GoingClock {
    fn now(&self) -> Timestamp {
        ManualClock::START.plus(self.0.elapsed())
    }
}

fn job(number: u32) -> JobRef {
    JobRef {
        organization: OrganizationId::DEFAULT,
        job_id: JobId::from_uuid(Uuid::from_u128(number.into())),
    }
}

async fn queue(server: &PrivateRedis) -> RedisJobQueue {
    let config = RedisConfig::from_dsn(&server.dsn).unwrap();
    RedisJobQueue::new(
        Redis::connect(&config).await.unwrap(),
        Arc::new(GoingClock(Instant::now())),
    )
}

/// One delivery at a time, while `others` more receivers wait in the same lane; prints the median and the 99th percentile.
async fn latency(server: &PrivateRedis, others: u32) {
    let here = queue(server).await;
    let (tell, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let mut receivers = JoinSet::new();
    for number in 0..=others {
        let (queue, tell) = (queue(server).await, tell.clone());
        receivers.spawn(async move {
            let worker = number.to_string();
            while let Some(delivery) = queue.receive(QUEUE, LANE, &worker, LONG).await.unwrap() {
                tell.send(Instant::now()).unwrap();
                queue.ack(&delivery).await.unwrap();
            }
        });
    }
    let mut times = Vec::new();
    for number in 0..DELIVERIES {
        // All wait again.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let begun = Instant::now();
        here.deliver(QUEUE, LANE, job(number), 0, Duration::ZERO)
            .await
            .unwrap();
        times.push(arrivals.recv().await.unwrap() - begun);
    }
    times.sort_unstable();
    let (median, late) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{:3} receivers wait: median {median:?}, p99 {late:?}", others + 1);
}

/// Fills a lane and empties it with eight receivers.
async fn throughput(server: &PrivateRedis, deliveries: u32) {
    let here = queue(server).await;
    let begun = Instant::now();
    for number in 0..deliveries {
        here.deliver(QUEUE, LANE, job(number), i64::from(number % 100), Duration::ZERO)
            .await
            .unwrap();
    }
    let delivered = begun.elapsed();
    let mut receivers = JoinSet::new();
    let begun = Instant::now();
    for number in 0..8 {
        let queue = queue(server).await;
        receivers.spawn(async move {
            let worker = number.to_string();
            while let Some(delivery) = queue.receive(QUEUE, LANE, &worker, Duration::ZERO).await.unwrap() {
                queue.ack(&delivery).await.unwrap();
            }
        });
    }
    receivers.join_all().await;
    let emptied = begun.elapsed();
    println!(
        "{deliveries} deliveries: one by one {:?} each; eight receivers take and acknowledge one in {:?}",
        delivered / deliveries,
        emptied / deliveries
    );
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    for (name, server) in [
        ("in memory", PrivateRedis::volatile()),
        ("each write on disk", PrivateRedis::persistent()),
    ] {
        println!("{name}");
        latency(&server, 0).await;
        latency(&server, 15).await;
        throughput(&server, 5_000).await;
    }
}
