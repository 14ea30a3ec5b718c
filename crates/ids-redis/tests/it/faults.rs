//! Redis goes away, comes back, forgets all, or stands still: deliveries are late, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use ids_core::error::StoreErrorKind;
use ids_core::ports::{Clock, JobQueue, RateLimiter};
use ids_core::rate_limit::LocalRateLimiter;
use ids_redis::{FallbackRateLimiter, Patience, Redis, RedisJobQueue, RedisRateLimiter, Timeouts};
use ids_testkit::ManualClock;
use ids_testkit::services::PrivateRedis;

use crate::queue_fixture::{LANE, LONG, QUEUE, QueueFixture, SOON, blocked_clients, eventually, job};
use crate::slow_line::SlowLine;

#[tokio::test]
async fn losing_all_keys_costs_the_deliveries_and_nothing_else() {
    let server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    fixture.deliver(job(1)).await;
    fixture.deliver(job(2)).await;
    let held = fixture.receive_now().await.unwrap();

    let _: redis::Value = fixture.say(&["FLUSHALL"]).await;
    let _: redis::Value = fixture.say(&["SCRIPT", "FLUSH"]).await;

    fixture.queue.extend(&held).await.unwrap();
    assert_eq!(fixture.receive_now().await, None);
    fixture.queue.ack(&held).await.unwrap();
    // As the reconciler does.
    fixture.deliver(job(2)).await;
    let again = fixture.receive_now().await.expect("it was delivered again");
    assert_eq!(again.job, job(2));
    let _: redis::Value = fixture.say(&["XGROUP", "DESTROY", "@ledger", "workers"]).await;
    fixture.queue.extend(&again).await.unwrap();
    fixture.queue.ack(&again).await.unwrap();
    fixture.deliver(job(3)).await;
    assert_eq!(fixture.receive_now().await.unwrap().job, job(3));
}

#[tokio::test]
async fn a_receiver_that_waits_while_all_keys_are_lost_gets_the_next_delivery() {
    let server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    fixture.deliver(job(1)).await;
    fixture
        .queue
        .ack(&fixture.receive_now().await.unwrap())
        .await
        .unwrap();
    let receive = fixture.queue.receive(QUEUE, LANE, "worker", LONG);
    let meanwhile = async {
        blocked_clients(&fixture, 1).await;
        let _: redis::Value = fixture.say(&["FLUSHALL"]).await;
        fixture.deliver(job(2)).await;
    };
    let both = async { tokio::join!(receive, meanwhile) };
    let (received, ()) = tokio::time::timeout(SOON, both).await.expect("it wakes up");
    assert_eq!(received.unwrap().unwrap().job, job(2));
}

#[tokio::test]
async fn a_server_that_was_killed_goes_on_where_it_was() {
    let mut server = PrivateRedis::persistent();
    let fixture = QueueFixture::on(&server.dsn).await;
    for number in 1..=3 {
        fixture.deliver(job(number)).await;
    }
    let held = fixture.receive_now().await.unwrap();

    server.kill();
    let away = fixture.queue.receive(QUEUE, LANE, "worker", LONG).await;
    assert_eq!(away.unwrap_err().kind(), StoreErrorKind::Unavailable);
    let away = fixture.queue.ack(&held).await;
    assert_eq!(away.unwrap_err().kind(), StoreErrorKind::Unavailable);
    server.restart();

    eventually(async || fixture.queue.ack(&held).await).await;
    assert_eq!(fixture.receive_now().await.unwrap().job, job(2));
    assert_eq!(fixture.receive_now().await.unwrap().job, job(3));
    assert_eq!(fixture.receive_now().await, None);
}

#[tokio::test]
async fn a_receiver_that_waits_while_the_server_is_killed_says_so_and_the_next_call_works() {
    let mut server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    // The second wait takes the kept connection of the first.
    for _ in 0..2 {
        let short = Duration::from_millis(5);
        let nothing = fixture.queue.receive(QUEUE, LANE, "worker", short).await;
        assert_eq!(nothing.unwrap(), None);
    }
    let queue = fixture.queue.clone();
    let receive = queue.receive(QUEUE, LANE, "worker", LONG);
    let kill = async {
        blocked_clients(&fixture, 1).await;
        server.kill();
    };
    let (received, ()) = tokio::join!(receive, kill);
    assert_eq!(received.unwrap_err().kind(), StoreErrorKind::Unavailable);

    server.restart();
    // One connection failed and one lay by: neither stands in the way.
    eventually(async || fixture.queue.waiting(QUEUE, LANE).await).await;
    let nothing = fixture
        .queue
        .receive(QUEUE, LANE, "worker", Duration::from_millis(5))
        .await;
    assert_eq!(nothing.unwrap(), None);
}

#[tokio::test]
async fn a_connection_that_broke_unseen_is_replaced_within_the_call() {
    let server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    let short = Duration::from_millis(5);
    assert_eq!(
        fixture.queue.receive(QUEUE, LANE, "worker", short).await.unwrap(),
        None
    );
    let _: redis::Value = fixture
        .say(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
        .await;
    fixture.deliver(job(1)).await;
    assert!(fixture.receive_now().await.is_some());
    assert_eq!(
        fixture.queue.receive(QUEUE, LANE, "worker", short).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_server_that_stands_still_is_unavailable_within_the_given_time() {
    let server = PrivateRedis::volatile();
    let mut fixture = QueueFixture::on(&server.dsn).await;
    fixture.config.timeouts = Timeouts {
        connect: Duration::from_millis(300),
        response: Duration::from_millis(300),
    };
    let queue = fixture.another().await;
    queue
        .deliver(QUEUE, LANE, job(1), 0, Duration::ZERO)
        .await
        .unwrap();
    server.freeze();
    for _ in 0..2 {
        let calls = async {
            let (received, waiting) = tokio::join!(
                queue.receive(QUEUE, LANE, "worker", LONG),
                queue.waiting(QUEUE, LANE)
            );
            [received.map(|_| ()), waiting.map(|_| ())]
        };
        let results = tokio::time::timeout(LONG / 4, calls)
            .await
            .expect("it does not hang");
        for result in results {
            assert_eq!(result.unwrap_err().kind(), StoreErrorKind::Unavailable);
        }
    }
    server.thaw();
    // The calls that were given up may still run there: then the delivery comes again in its time.
    fixture.clock.advance(ids_core::limits::DELIVERY_VISIBILITY);
    eventually(async || queue.waiting(QUEUE, LANE).await).await;
    let received = queue.receive(QUEUE, LANE, "worker", Duration::ZERO).await;
    assert_eq!(received.unwrap().unwrap().job, job(1));
}

#[tokio::test]
async fn a_receiver_that_dies_while_it_waits_takes_nothing_with_it() {
    let server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    let dying = fixture.another().await;
    let task =
        tokio::task::JoinSet::from_iter([async move { dying.receive(QUEUE, LANE, "dying", LONG).await }]);
    blocked_clients(&fixture, 1).await;
    drop(task);
    // Its connection went with it.
    blocked_clients(&fixture, 0).await;
    fixture.deliver(job(1)).await;
    assert_eq!(fixture.receive_now().await.unwrap().job, job(1));
}

#[tokio::test]
async fn a_full_memory_is_unavailable_and_loses_nothing() {
    let server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    fixture.deliver(job(1)).await;
    fixture.deliver(job(2)).await;
    let held = fixture.receive_now().await.unwrap();
    let _: redis::Value = fixture.say(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let kind = |result: Result<(), ids_core::error::StoreError>| result.unwrap_err().kind();
    let deliver = fixture
        .queue
        .deliver(QUEUE, LANE, job(3), 0, Duration::ZERO)
        .await;
    assert_eq!(kind(deliver), StoreErrorKind::Unavailable);
    let receive = fixture.queue.receive(QUEUE, LANE, "worker", Duration::ZERO).await;
    assert_eq!(kind(receive.map(|_| ())), StoreErrorKind::Unavailable);
    fixture.queue.ack(&held).await.unwrap();
    let _: redis::Value = fixture.say(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(fixture.receive_now().await.unwrap().job, job(2));
    assert_eq!(fixture.receive_now().await, None);
}

#[tokio::test]
async fn a_replica_is_unavailable() {
    let server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    let _: redis::Value = fixture.say(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let deliver = fixture
        .queue
        .deliver(QUEUE, LANE, job(1), 0, Duration::ZERO)
        .await;
    assert_eq!(deliver.unwrap_err().kind(), StoreErrorKind::Unavailable);
    let _: redis::Value = fixture.say(&["REPLICAOF", "NO", "ONE"]).await;
    fixture.deliver(job(1)).await;
    assert!(fixture.receive_now().await.is_some());
}

#[tokio::test]
async fn requests_are_counted_here_while_redis_is_away() {
    let mut server = PrivateRedis::volatile();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let config = ids_redis::RedisConfig::from_dsn(&server.dsn).unwrap();
    let shared = RedisRateLimiter::new(Redis::connect(&config).await.unwrap(), Arc::clone(&clock));
    let limiter = FallbackRateLimiter::with_patience(
        Arc::new(shared.clone()),
        LocalRateLimiter::new(clock),
        Patience {
            pause: Duration::ZERO,
            call: LONG,
        },
    );
    assert_eq!(limiter.take("caller", 1).await.unwrap(), None);
    assert!(limiter.take("caller", 1).await.unwrap().is_some());

    server.kill();
    let away = shared.take("caller", 1).await.unwrap_err();
    assert_eq!(away.kind(), StoreErrorKind::Unavailable);
    assert_eq!(limiter.take("caller", 1).await.unwrap(), None);
    assert!(limiter.take("caller", 1).await.unwrap().is_some());

    server.restart();
    eventually(async || shared.take("other", 1).await).await;
    assert!(
        limiter.take("other", 1).await.unwrap().is_some(),
        "counted together again"
    );
}

#[tokio::test]
async fn a_bucket_goes_from_redis_by_itself() {
    let fixture = QueueFixture::shared().await;
    let clock: Arc<dyn Clock> = Arc::clone(&fixture.clock) as Arc<dyn Clock>;
    let redis = Redis::connect(&fixture.config).await.unwrap();
    RedisRateLimiter::new(redis, clock)
        .take("caller", 60)
        .await
        .unwrap();
    let key = format!("ids:{}:rate:caller", fixture.name);
    let left: i64 = fixture.say(&["PTTL", &key]).await;
    assert!((1..=2_000).contains(&left), "{left} ms");
}

#[tokio::test]
async fn queues_of_two_databases_are_apart() {
    let server = PrivateRedis::volatile();
    let queue = async |database: u32| {
        let config = ids_redis::RedisConfig::from_dsn(&format!("{}/{database}", server.dsn)).unwrap();
        RedisJobQueue::new(
            Redis::connect(&config).await.unwrap(),
            Arc::new(ManualClock::default()),
        )
    };
    let (zero, three) = (queue(0).await, queue(3).await);
    zero.deliver(QUEUE, LANE, job(1), 0, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(three.waiting(QUEUE, LANE).await.unwrap(), 0);
    assert_eq!(zero.waiting(QUEUE, LANE).await.unwrap(), 1);
}

#[tokio::test]
async fn a_password_that_was_wrong_for_a_while_is_tried_again() {
    let server = PrivateRedis::volatile();
    let fixture = QueueFixture::on(&server.dsn).await;
    let (user, _) = server.dsn.split_once('@').unwrap();
    let (_, password) = user.rsplit_once(':').unwrap();
    let _: redis::Value = fixture.say(&["CONFIG", "SET", "requirepass", "another"]).await;
    let kill = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
    let _: redis::Value = fixture.say(&kill).await;
    for _ in 0..3 {
        let refused = fixture.queue.waiting(QUEUE, LANE).await;
        assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }
    let _: redis::Value = fixture.say(&["CONFIG", "SET", "requirepass", password]).await;
    eventually(async || fixture.queue.waiting(QUEUE, LANE).await).await;
}

#[tokio::test]
async fn a_connection_that_takes_longer_than_a_caller_waits_comes_about() {
    let server = PrivateRedis::volatile();
    let mut line = SlowLine::to(&server.dsn).await;
    line.connects.add_permits(1);
    let mut config = ids_redis::RedisConfig::from_dsn(&line.dsn).unwrap();
    config.timeouts.connect = LONG;
    let redis = Redis::connect(&config).await.unwrap();
    line.cut().await;

    // Impatient, and once: this call alone may lead to a connection.
    let ping = tokio::time::timeout(Duration::from_millis(50), redis.ping()).await;
    assert!(ping.is_err(), "the line does not let it through yet");
    line.connects.add_permits(1);
    tokio::time::timeout(LONG, redis.ping())
        .await
        .expect("the connection was not given up")
        .unwrap();
}
