//! Delivery between processes, the order of what waits, what others write under our keys, and what people see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ids_core::limits::DELIVERY_VISIBILITY;
use ids_core::ports::JobQueue;
use ids_redis::{Redis, RedisJobQueue};
use ids_testkit::services::PrivateRedis;

use crate::queue_fixture::{GoingClock, LANE, LONG, QUEUE, QueueFixture, SOON, blocked_clients, job};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_receivers_get_each_of_five_hundred_deliveries_once() {
    const JOBS: u128 = 500;
    let fixture = QueueFixture::shared().await;
    let mut receivers = tokio::task::JoinSet::new();
    for number in 0..8 {
        let queue = fixture.another().await;
        receivers.spawn(async move {
            let mut received = Vec::new();
            let worker = format!("worker {number}");
            loop {
                let delivery = queue.receive(QUEUE, LANE, &worker, LONG).await.unwrap().unwrap();
                queue.ack(&delivery).await.unwrap();
                if delivery.job.job_id.as_uuid().as_u128() > JOBS {
                    return received;
                }
                received.push(delivery.job);
            }
        });
    }
    for number in 1..=JOBS {
        fixture.deliver(job(number)).await;
    }
    // One for each receiver, behind all others: nothing else can be left when it comes.
    for number in 1..=8 {
        let (rank, last) = (i64::MAX, job(JOBS + number));
        fixture
            .queue
            .deliver(QUEUE, LANE, last, rank, Duration::ZERO)
            .await
            .unwrap();
    }
    let mut times: BTreeMap<u128, u32> = BTreeMap::new();
    let all = tokio::time::timeout(LONG, receivers.join_all())
        .await
        .expect("all end");
    for job in all.into_iter().flatten() {
        *times.entry(job.job_id.as_uuid().as_u128()).or_default() += 1;
    }
    assert_eq!(times, (1..=JOBS).map(|number| (number, 1)).collect());
    assert_eq!(fixture.waiting().await, 0);
    assert_eq!(
        fixture.say::<u64>(&["XLEN", "@ledger"]).await,
        0,
        "nothing is left behind"
    );
    assert_eq!(fixture.say::<u64>(&["HLEN", "@jobs"]).await, 0);
}

#[tokio::test]
async fn a_delivery_of_another_process_wakes_a_waiting_receiver() {
    let server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    let elsewhere = fixture.another().await;
    // Once into a lane that never was, and once into one that was emptied.
    for number in 1..=2 {
        let receive = fixture.queue.receive(QUEUE, LANE, "worker", LONG);
        let deliver = async {
            blocked_clients(&fixture, 1).await;
            let begun = Instant::now();
            let delivered = elsewhere.deliver(QUEUE, LANE, job(number), 0, Duration::ZERO);
            delivered.await.unwrap();
            begun
        };
        let (received, begun) = tokio::join!(receive, deliver);
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        let received = received.unwrap().unwrap();
        assert_eq!(received.job, job(number));
        fixture.queue.ack(&received).await.unwrap();
    }
}

#[tokio::test]
async fn a_worker_with_a_runtime_of_its_own_may_end_or_be_busy() {
    let server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    let kill = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
    let _: redis::Value = fixture.say(&kill).await;
    let queue = fixture.queue.clone();
    let (go_on, stop) = std::sync::mpsc::channel::<()>();
    let (connected, is_connected) = tokio::sync::oneshot::channel();
    let worker = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            // This connects anew, both for the call and for the wait.
            let wait = Duration::from_millis(5);
            assert_eq!(queue.receive(QUEUE, LANE, "worker", wait).await.unwrap(), None);
            connected.send(()).unwrap();
            // Busy: nothing of this runtime moves.
            stop.recv().unwrap();
        });
    });
    is_connected.await.unwrap();
    let busy = tokio::time::timeout(SOON, fixture.queue.waiting(QUEUE, LANE)).await;
    assert_eq!(busy.expect("it does not wait for the worker").unwrap(), 0);
    go_on.send(()).unwrap();
    worker.join().unwrap();
    fixture.deliver(job(1)).await;
    assert_eq!(fixture.receive_now().await.unwrap().job, job(1));
}

#[tokio::test]
async fn what_is_in_line_again_after_an_ack_wakes_a_waiting_receiver() {
    let server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    fixture.deliver(job(1)).await;
    let held = fixture.receive_now().await.unwrap();
    fixture.deliver(job(1)).await;
    let receive = fixture.queue.receive(QUEUE, LANE, "worker", LONG);
    let ack = async {
        blocked_clients(&fixture, 1).await;
        let begun = Instant::now();
        fixture.queue.ack(&held).await.unwrap();
        begun
    };
    let (received, begun) = tokio::join!(receive, ack);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(received.unwrap().unwrap().job, job(1));
}

#[tokio::test]
async fn a_waiting_receiver_wakes_up_when_a_delay_is_over() {
    let config = crate::config();
    let clock = Arc::new(GoingClock::new());
    let queue = RedisJobQueue::new(Redis::connect(&config).await.unwrap(), clock);
    let delay = Duration::from_millis(200);
    let begun = Instant::now();
    let receive = queue.receive(QUEUE, LANE, "worker", LONG);
    let (received, delivered) = tokio::join!(receive, queue.deliver(QUEUE, LANE, job(1), 0, delay));
    delivered.unwrap();
    assert_eq!(received.unwrap().unwrap().job, job(1));
    assert!(begun.elapsed() >= delay, "not before its time");
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "not at the next look round"
    );
}

#[tokio::test]
async fn ranks_keep_their_order_over_the_whole_of_their_range() {
    let fixture = QueueFixture::shared().await;
    let ranks = [i64::MAX, 1 << 53, (1 << 53) + 1, 0, -1, i64::MIN, 10, 9];
    for (number, rank) in (1..).zip(ranks) {
        fixture
            .queue
            .deliver(QUEUE, LANE, job(number), rank, Duration::ZERO)
            .await
            .unwrap();
    }
    let mut received = Vec::new();
    while let Some(delivery) = fixture.receive_now().await {
        received.push(ranks[delivery.job.job_id.as_uuid().as_u128() as usize - 1]);
    }
    let mut sorted = ranks;
    sorted.sort_unstable();
    assert_eq!(received, sorted);
}

#[tokio::test]
async fn what_comes_back_stands_where_its_rank_and_age_put_it() {
    let fixture = QueueFixture::shared().await;
    let wait = Duration::from_secs(1);
    // 1 is held by a worker who dies, 2 waits for its time, 3 and 4 wait; all have the same rank.
    fixture.deliver(job(1)).await;
    fixture.receive_now().await.unwrap();
    fixture.queue.deliver(QUEUE, LANE, job(2), 0, wait).await.unwrap();
    fixture.deliver(job(3)).await;
    fixture
        .queue
        .deliver(QUEUE, LANE, job(4), -1, Duration::ZERO)
        .await
        .unwrap();
    fixture.clock.advance(DELIVERY_VISIBILITY);
    assert_eq!(fixture.waiting().await, 4);
    for expected in [4, 1, 2, 3] {
        assert_eq!(fixture.receive_now().await.unwrap().job, job(expected));
    }
}

#[tokio::test]
async fn a_worker_who_is_late_keeps_what_nobody_else_has_received() {
    let fixture = QueueFixture::shared().await;
    fixture.deliver(job(1)).await;
    let held = fixture.receive_now().await.unwrap();
    fixture.clock.advance(DELIVERY_VISIBILITY);
    assert_eq!(fixture.waiting().await, 1);
    fixture.queue.extend(&held).await.unwrap();
    assert_eq!(fixture.receive_now().await, None);
    fixture.clock.advance(DELIVERY_VISIBILITY);
    fixture.queue.ack(&held).await.unwrap();
    assert_eq!(fixture.receive_now().await, None);
}

#[tokio::test]
async fn the_ledger_shows_who_has_what_and_forgets_who_has_nothing() {
    let fixture = QueueFixture::shared().await;
    fixture.deliver(job(1)).await;
    fixture.deliver(job(2)).await;
    let mut held = Vec::new();
    for worker in ["anna", "bruno"] {
        let received = fixture.queue.receive(QUEUE, LANE, worker, Duration::ZERO).await;
        held.push(received.unwrap().unwrap());
    }
    let pending =
        || fixture.say::<Vec<(String, String, u64, u64)>>(&["XPENDING", "@ledger", "workers", "-", "+", "9"]);
    let names: Vec<String> = pending().await.into_iter().map(|entry| entry.1).collect();
    assert_eq!(names, ["anna", "bruno"]);

    fixture.queue.ack(&held[0]).await.unwrap();
    fixture.clock.advance(DELIVERY_VISIBILITY);
    let again = fixture.queue.receive(QUEUE, LANE, "carla", Duration::ZERO).await;
    assert_eq!(again.unwrap().unwrap().job, job(2));

    let names: Vec<String> = pending().await.into_iter().map(|entry| entry.1).collect();
    assert_eq!(names, ["carla"]);
    let consumers: Vec<redis::Value> = fixture.say(&["XINFO", "CONSUMERS", "@ledger", "workers"]).await;
    assert_eq!(
        consumers.len(),
        1,
        "whoever holds nothing is no consumer any more"
    );
}

#[tokio::test]
async fn what_others_write_under_our_keys_is_dropped_and_delivery_goes_on() {
    let fixture = QueueFixture::shared().await;
    fixture.deliver(job(1)).await;
    let garbage: [&[&str]; 9] = [
        &["XADD", "@ledger", "*", "payload", "not ours"],
        &["XADD", "@ledger", "*", "job", "a/b"],
        &["ZADD", "@line", "-1", "first of all"],
        &["ZADD", "@line", "0", ""],
        &["ZADD", "@due", "0", "nobody/knows"],
        &["ZADD", "@held", "0", "\u{0}\u{1}"],
        &["HSET", "@jobs", "odd", "{\"rank\":1}"],
        &["HSET", "@jobs", "odder", "not json"],
        &["ZADD", "@due", "0", "odder"],
    ];
    for words in garbage {
        let _: redis::Value = fixture.say(words).await;
    }
    let held = fixture.receive_now().await.expect("ours is still there");
    assert_eq!(held.job, job(1));
    assert_eq!(fixture.receive_now().await, None);
    assert_eq!(fixture.waiting().await, 0);
    assert_eq!(fixture.say::<u64>(&["XLEN", "@ledger"]).await, 1);
    fixture.queue.ack(&held).await.unwrap();
}

#[tokio::test]
async fn streams_that_were_spoiled_are_begun_anew() {
    let fixture = QueueFixture::shared().await;
    let last_id = "18446744073709551615-18446744073709551615";
    let spoilings: [&[&[&str]]; 3] = [
        &[&["DEL", "@ledger"], &["SET", "@ledger", "a string"]],
        &[&["DEL", "@arrivals"], &["XADD", "@arrivals", last_id, "n", "1"]],
        &[&["XADD", "@ledger", last_id, "job", "x"]],
    ];
    for (number, spoiling) in (1..).zip(spoilings) {
        for words in spoiling {
            let _: redis::Value = fixture.say(words).await;
        }
        fixture.deliver(job(number)).await;
        let held = fixture.receive_now().await.expect("it was delivered");
        assert_eq!(held.job, job(number));
        fixture.queue.extend(&held).await.unwrap();
        fixture.queue.ack(&held).await.unwrap();
    }
}

#[tokio::test]
async fn removing_the_keys_of_a_prefix_removes_those_and_no_others() {
    let (mine, other) = (QueueFixture::shared().await, QueueFixture::shared().await);
    mine.deliver(job(1)).await;
    other.deliver(job(1)).await;
    Redis::connect(&mine.config)
        .await
        .unwrap()
        .remove_keys()
        .await
        .unwrap();
    assert_eq!(
        mine.say::<u64>(&["EXISTS", "@line", "@jobs", "@arrivals"]).await,
        0
    );
    assert_eq!(mine.waiting().await, 0);
    assert_eq!(other.waiting().await, 1);
}
