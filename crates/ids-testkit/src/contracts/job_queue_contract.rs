//! What every [`JobQueue`](ids_core::ports::JobQueue) promises, one function or more a clause of the port's doc.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use ids_core::job::{JobRef, Lane, QueueName};
use ids_core::limits::DELIVERY_VISIBILITY;
use ids_core::ports::Delivery;

use crate::stores::{NewDocument, Stores};

const QUEUE: QueueName = QueueName::DocumentProcessing;
const LANE: Lane = Lane::Prepare;
const SECOND: Duration = Duration::from_secs(1);
/// Longer than any test waits, where it should not wait at all.
const LONG: Duration = Duration::from_secs(60);

async fn job(stores: &Stores, name: &str) -> JobRef {
    stores
        .accept(&Stores::scope(), &NewDocument::named(name))
        .await
        .job
}

async fn deliver(stores: &Stores, job: JobRef, rank: i64, delay: Duration) {
    stores.queue.deliver(QUEUE, LANE, job, rank, delay).await.unwrap();
}

async fn receive_now(stores: &Stores) -> Option<Delivery> {
    stores
        .queue
        .receive(QUEUE, LANE, "worker", Duration::ZERO)
        .await
        .unwrap()
}

/// JobQueue, clause 1: what is delivered is received, by one worker at a time.
pub async fn a_delivery_is_received_by_one_worker(stores: &Stores) {
    assert_eq!(receive_now(stores).await, None);
    let job = job(stores, "a.txt").await;
    deliver(stores, job, 0, Duration::ZERO).await;

    let delivery = receive_now(stores).await.expect("it was delivered");
    assert_eq!((delivery.job, delivery.queue, delivery.lane), (job, QUEUE, LANE));
    assert_eq!(receive_now(stores).await, None);
}

/// JobQueue, clause 1: not before its delay has passed.
pub async fn a_delayed_delivery_is_received_when_it_is_due(stores: &Stores) {
    let job = job(stores, "a.txt").await;
    deliver(stores, job, 0, SECOND * 5).await;
    assert_eq!(receive_now(stores).await, None);
    assert_eq!(stores.queue.waiting(QUEUE, LANE).await.unwrap(), 0);
    stores.clock.advance(SECOND * 5);
    assert_eq!(stores.queue.waiting(QUEUE, LANE).await.unwrap(), 1);
    assert_eq!(receive_now(stores).await.unwrap().job, job);
}

/// JobQueue, clause 2: smaller rank first, then first come first served.
pub async fn smaller_ranks_come_first_then_first_come_first_served(stores: &Stores) {
    let names = ["large.txt", "small.txt", "small-too.txt", "middle.txt"];
    let mut jobs = Vec::new();
    for (name, rank) in names.iter().zip([900, 1, 1, 50]) {
        let job = job(stores, name).await;
        deliver(stores, job, rank, Duration::ZERO).await;
        jobs.push(job);
    }
    for expected in [1, 2, 3, 0] {
        assert_eq!(
            receive_now(stores).await.unwrap().job,
            jobs[expected],
            "{}",
            names[expected]
        );
    }
}

/// JobQueue, clause 3: an acknowledged delivery is gone.
pub async fn an_acknowledged_delivery_is_gone(stores: &Stores) {
    let job = job(stores, "a.txt").await;
    deliver(stores, job, 0, Duration::ZERO).await;
    let delivery = receive_now(stores).await.unwrap();
    stores.queue.ack(&delivery).await.unwrap();
    stores.clock.advance(DELIVERY_VISIBILITY * 2);
    assert_eq!(receive_now(stores).await, None);
    stores.queue.ack(&delivery).await.unwrap();

    deliver(stores, job, 0, Duration::ZERO).await;
    stores.queue.ack(&delivery).await.unwrap();
    assert!(
        receive_now(stores).await.is_some(),
        "an old receipt takes nothing from a new delivery"
    );
}

/// JobQueue, clause 4: what is not acknowledged in time is received again, counted from the last `extend`.
pub async fn what_is_not_acknowledged_in_time_is_received_again(stores: &Stores) {
    let job = job(stores, "a.txt").await;
    deliver(stores, job, 0, Duration::ZERO).await;
    let first = receive_now(stores).await.unwrap();
    stores.clock.advance(DELIVERY_VISIBILITY - SECOND);
    stores.queue.extend(&first).await.unwrap();
    stores.clock.advance(DELIVERY_VISIBILITY - SECOND);
    assert_eq!(receive_now(stores).await, None);
    stores.clock.advance(SECOND);
    let second = receive_now(stores).await.expect("the first worker is dead");
    assert_eq!(second.job, job);

    stores.queue.ack(&first).await.unwrap();
    stores.queue.extend(&first).await.unwrap();
    stores.clock.advance(DELIVERY_VISIBILITY);
    assert_eq!(
        receive_now(stores).await.unwrap().job,
        job,
        "who came too late acknowledges nothing"
    );
}

/// JobQueue, clause 5: delivering what waits already changes nothing but its rank and delay.
pub async fn delivering_again_changes_only_rank_and_delay(stores: &Stores) {
    let (a, b) = (job(stores, "a.txt").await, job(stores, "b.txt").await);
    deliver(stores, a, 5, Duration::ZERO).await;
    deliver(stores, b, 3, Duration::ZERO).await;
    deliver(stores, a, 1, Duration::ZERO).await;
    assert_eq!(stores.queue.waiting(QUEUE, LANE).await.unwrap(), 2);
    deliver(stores, b, 0, SECOND).await;

    assert_eq!(receive_now(stores).await.unwrap().job, a);
    assert_eq!(
        receive_now(stores).await,
        None,
        "the other one waits a second now"
    );
    stores.clock.advance(SECOND);
    assert_eq!(receive_now(stores).await.unwrap().job, b);
}

/// JobQueue, clause 5: what a worker holds stays his when it is delivered again, and is in line once he is done.
pub async fn a_delivery_that_is_held_is_not_taken_away_by_another(stores: &Stores) {
    let job = job(stores, "a.txt").await;
    deliver(stores, job, 0, Duration::ZERO).await;
    let held = receive_now(stores).await.unwrap();
    deliver(stores, job, 0, Duration::ZERO).await;
    assert_eq!(receive_now(stores).await, None);
    stores.queue.ack(&held).await.unwrap();
    let again = receive_now(stores).await.expect("it was delivered again");
    stores.queue.ack(&again).await.unwrap();
    assert_eq!(receive_now(stores).await, None);
}

/// JobQueue, clause 6: a waiting `receive` wakes up when something is delivered.
pub async fn a_waiting_receive_wakes_up_at_once(stores: &Stores) {
    let job = job(stores, "a.txt").await;
    let receive = stores.queue.receive(QUEUE, LANE, "worker", LONG);
    let delivered = async {
        // Lets the receiver wait first.
        tokio::task::yield_now().await;
        deliver(stores, job, 0, Duration::ZERO).await;
    };
    let (received, ()) = tokio::time::timeout(LONG / 2, async { tokio::join!(receive, delivered) })
        .await
        .expect("it waits for the delivery, not for its time to be over");
    assert_eq!(received.unwrap().unwrap().job, job);
}

/// JobQueue, clause 6: two waiting workers get one delivery each.
pub async fn two_waiting_workers_get_one_delivery_each(stores: &Stores) {
    let (a, b) = (job(stores, "a.txt").await, job(stores, "b.txt").await);
    let first = stores.queue.receive(QUEUE, LANE, "first", LONG);
    let second = stores.queue.receive(QUEUE, LANE, "second", LONG);
    let delivered = async {
        tokio::task::yield_now().await;
        deliver(stores, a, 0, Duration::ZERO).await;
        deliver(stores, b, 0, Duration::ZERO).await;
    };
    let (first, second, ()) =
        tokio::time::timeout(LONG / 2, async { tokio::join!(first, second, delivered) })
            .await
            .expect("both are woken");
    let mut received = [
        first.unwrap().unwrap().job.job_id,
        second.unwrap().unwrap().job.job_id,
    ];
    received.sort();
    assert_eq!(received, [a.job_id, b.job_id]);
}

/// JobQueue, clause 7: a `receive` that is dropped loses no delivery.
pub async fn a_dropped_receive_loses_nothing(stores: &Stores) {
    let job = job(stores, "a.txt").await;
    for _ in 0..20 {
        tokio::select! {
            biased;
            received = stores.queue.receive(QUEUE, LANE, "dropped", LONG) => {
                panic!("nothing was delivered, but {received:?} came");
            }
            () = tokio::task::yield_now() => {}
        }
    }
    deliver(stores, job, 0, Duration::ZERO).await;
    for _ in 0..20 {
        tokio::select! {
            biased;
            received = stores.queue.receive(QUEUE, LANE, "dropped", LONG) => {
                assert_eq!(received.unwrap().unwrap().job, job);
            }
            () = tokio::task::yield_now() => {}
        }
    }
    // A dropped call may still take it in the background, and then holds it once more.
    for _ in 0..25 {
        stores.clock.advance(DELIVERY_VISIBILITY);
        if let Some(delivery) = receive_now(stores).await {
            assert_eq!(delivery.job, job);
            return;
        }
    }
    panic!("the delivery is lost");
}

/// JobQueue, clause 8: lanes and queues are apart.
pub async fn lanes_and_queues_are_apart(stores: &Stores) {
    let job = job(stores, "a.txt").await;
    deliver(stores, job, 0, Duration::ZERO).await;
    for (queue, lane) in [
        (QueueName::DocumentProcessing, Lane::Embed),
        (QueueName::CleanupTasks, Lane::Prepare),
        (QueueName::CleanupTasks, Lane::Embed),
    ] {
        assert_eq!(
            stores
                .queue
                .receive(queue, lane, "worker", Duration::ZERO)
                .await
                .unwrap(),
            None
        );
        assert_eq!(stores.queue.waiting(queue, lane).await.unwrap(), 0);
    }
    stores
        .queue
        .deliver(QUEUE, Lane::Embed, job, 0, Duration::ZERO)
        .await
        .unwrap();
    let prepare = receive_now(stores).await.unwrap();
    stores.queue.ack(&prepare).await.unwrap();
    assert_eq!(stores.queue.waiting(QUEUE, Lane::Embed).await.unwrap(), 1);
}

/// Runs every clause against an adapter: `job_queue_contract!(make);`, where `make` is an `async fn` without arguments
/// that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! job_queue_contract {
    ($make:path) => {
        $crate::job_queue_contract! { @clauses $make:
            a_delivery_is_received_by_one_worker
            a_delayed_delivery_is_received_when_it_is_due
            smaller_ranks_come_first_then_first_come_first_served
            an_acknowledged_delivery_is_gone
            what_is_not_acknowledged_in_time_is_received_again
            delivering_again_changes_only_rank_and_delay
            a_delivery_that_is_held_is_not_taken_away_by_another
            a_waiting_receive_wakes_up_at_once
            two_waiting_workers_get_one_delivery_each
            a_dropped_receive_loses_nothing
            lanes_and_queues_are_apart
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::job_queue_contract::$clause(&stores).await;
            }
        )+
    };
}
