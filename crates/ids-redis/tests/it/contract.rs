//! Every clause of the ports, held against one Redis.

mod queue {
    ids_testkit::job_queue_contract!(crate::stores);
}

mod sessions {
    ids_testkit::session_store_contract!(crate::stores);
}

mod shared_limiter {
    ids_testkit::rate_limiter_contract!(super::shared_limiter_fixture);
}

mod local_limiter {
    ids_testkit::rate_limiter_contract!(super::local_limiter_fixture);
}

mod fallback_limiter {
    ids_testkit::rate_limiter_contract!(super::fallback_limiter_fixture);
}

use std::sync::Arc;

use ids_core::ports::{Clock, RateLimiter};
use ids_core::rate_limit::LocalRateLimiter;
use ids_redis::{FallbackRateLimiter, Patience, Redis, RedisRateLimiter};
use ids_testkit::ManualClock;
use ids_testkit::contracts::rate_limiter_contract::RateLimiterFixture;

async fn shared_limiter_fixture() -> RateLimiterFixture {
    let clock = Arc::new(ManualClock::default());
    let config = crate::config();
    let limiter = async || {
        let redis = Redis::connect(&config).await.unwrap();
        RedisRateLimiter::new(redis, Arc::clone(&clock) as Arc<dyn Clock>)
    };
    let limiters: [Arc<dyn RateLimiter>; 2] = [Arc::new(limiter().await), Arc::new(limiter().await)];
    fixture(limiters, clock)
}

async fn local_limiter_fixture() -> RateLimiterFixture {
    let clock = Arc::new(ManualClock::default());
    let limiter = Arc::new(LocalRateLimiter::new(Arc::clone(&clock) as Arc<dyn Clock>));
    fixture([limiter.clone(), limiter], clock)
}

async fn fallback_limiter_fixture() -> RateLimiterFixture {
    let shared = shared_limiter_fixture().await;
    let clock = shared.clock;
    // However slow the machine is: a call that went to the local one would count for itself.
    let patience = Patience {
        call: std::time::Duration::from_secs(60),
        ..Patience::default()
    };
    let limiters = shared.limiters.map(|limiter| -> Arc<dyn RateLimiter> {
        let local = LocalRateLimiter::new(Arc::clone(&clock) as Arc<dyn Clock>);
        Arc::new(FallbackRateLimiter::with_patience(limiter, local, patience))
    });
    fixture(limiters, clock)
}

fn fixture(limiters: [Arc<dyn RateLimiter>; 2], clock: Arc<ManualClock>) -> RateLimiterFixture {
    RateLimiterFixture {
        limiters,
        clock,
        keep: Box::new(()),
    }
}
