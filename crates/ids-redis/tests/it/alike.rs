//! Redis and SQLite deliver alike: the same calls at the same times give the same jobs in the same order, also where the contract
//! does not look (late workers, jobs delivered again at odd moments).

use std::sync::Arc;
use std::time::Duration;

use ids_core::job::{JobRef, Lane, QueueName};
use ids_core::limits::DELIVERY_VISIBILITY;
use ids_core::ports::{Delivery, JobQueue};
use ids_core::scope::Scope;
use ids_testkit::Stores;
use ids_testkit::stores::NewDocument;

use crate::queue_fixture::{LANE, QUEUE};

const JOBS: usize = 5;
const CALLS: usize = 150;
const RUNS: u64 = 20;

/// Numbers that are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as usize % limit
    }
}

/// The same delivery as both queues know it.
struct Pair([Delivery; 2]);

struct Both {
    queues: [Arc<dyn JobQueue>; 2],
    said: Vec<String>,
}

impl Both {
    async fn receive(&mut self) -> Option<Pair> {
        let mut received = Vec::new();
        for queue in &self.queues {
            received.push(
                queue
                    .receive(QUEUE, LANE, "worker", Duration::ZERO)
                    .await
                    .unwrap(),
            );
        }
        let jobs: Vec<Option<JobRef>> = received.iter().map(|it| it.as_ref().map(|it| it.job)).collect();
        assert_eq!(jobs[0], jobs[1], "after {:#?}", self.said);
        let pair: Vec<Delivery> = received.into_iter().flatten().collect();
        pair.try_into().ok().map(Pair)
    }

    async fn deliver(&self, job: JobRef, rank: i64, delay: Duration) {
        for queue in &self.queues {
            queue.deliver(QUEUE, LANE, job, rank, delay).await.unwrap();
        }
    }

    async fn waiting(&self) {
        let mut counts = Vec::new();
        for queue in &self.queues {
            counts.push(queue.waiting(QUEUE, LANE).await.unwrap());
        }
        assert_eq!(counts[0], counts[1], "after {:#?}", self.said);
    }
}

#[tokio::test]
async fn the_same_calls_give_the_same_deliveries_in_both_stores() {
    for seed in 0..RUNS {
        let stores = crate::stores().await;
        let mut jobs = Vec::new();
        for number in 0..JOBS {
            let document = NewDocument::named(&format!("{number}.txt"));
            let scope: Scope = Stores::scope();
            jobs.push(stores.accept(&scope, &document).await.job);
        }
        let mut both = Both {
            queues: [crate::sqlite_queue(&stores), Arc::clone(&stores.queue)],
            said: vec![format!("seed {seed}")],
        };
        let mut numbers = Numbers(seed);
        let mut held: Vec<Pair> = Vec::new();
        for _ in 0..CALLS {
            match numbers.below(12) {
                0..=3 => {
                    let job = numbers.below(JOBS);
                    let rank = numbers.below(3) as i64 - 1;
                    let delay = Duration::from_secs([0, 0, 0, 1, 40][numbers.below(5)]);
                    both.said.push(format!("deliver {job} at {rank} in {delay:?}"));
                    both.deliver(jobs[job], rank, delay).await;
                }
                4..=6 => {
                    let received = both.receive().await;
                    both.said.push(format!("receive: {}", received.is_some()));
                    held.extend(received);
                }
                call @ 7..=9 if !held.is_empty() => {
                    // Any that was ever received: also too late, also twice.
                    let number = numbers.below(held.len());
                    both.said
                        .push(format!("{} {number}", if call == 9 { "extend" } else { "ack" }));
                    for (queue, delivery) in both.queues.iter().zip(&held[number].0) {
                        match call {
                            9 => queue.extend(delivery).await.unwrap(),
                            _ => queue.ack(delivery).await.unwrap(),
                        }
                    }
                }
                10 => both.waiting().await,
                _ => {
                    let time = [
                        Duration::from_secs(1),
                        DELIVERY_VISIBILITY / 2,
                        DELIVERY_VISIBILITY,
                    ][numbers.below(3)];
                    both.said.push(format!("advance {time:?}"));
                    stores.clock.advance(time);
                }
            }
        }
        // Whatever is left comes in the same order, and nothing more.
        stores.clock.advance(DELIVERY_VISIBILITY * 3);
        both.waiting().await;
        while both.receive().await.is_some() {}
        let lanes = [
            (QueueName::DocumentProcessing, Lane::Embed),
            (QueueName::CleanupTasks, Lane::Prepare),
        ];
        for (queue, lane) in lanes {
            assert_eq!(stores.queue.waiting(queue, lane).await.unwrap(), 0);
        }
    }
}
