//! What every [`RateLimiter`] promises, one function or more a clause of the port's doc.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use ids_core::ports::RateLimiter;

use crate::clock::ManualClock;

const MINUTE: Duration = Duration::from_secs(60);

/// A limiter of one test, which has seen nobody.
pub struct RateLimiterFixture {
    /// The limiter as two processes that share it have it; one process's own twice, where it is not shared.
    pub limiters: [Arc<dyn RateLimiter>; 2],
    /// The clock both read.
    pub clock: Arc<ManualClock>,
    /// What must live as long as they.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl RateLimiterFixture {
    async fn take(&self, caller: &str, per_minute: u32) -> Option<Duration> {
        self.limiters[0].take(caller, per_minute).await.unwrap()
    }

    /// Takes until a request is one too many; how many were not, and how long to wait.
    async fn exhaust(&self, caller: &str, per_minute: u32) -> (u32, Duration) {
        for taken in 0..=per_minute {
            if let Some(wait) = self.take(caller, per_minute).await {
                return (taken, wait);
            }
        }
        panic!("more than {per_minute} requests came through at once");
    }
}

/// RateLimiter, clause 1: a minute's requests may come at once, and then one each time a minute's share has passed.
pub async fn a_minutes_requests_come_at_once_and_then_one_a_share(fixture: &RateLimiterFixture) {
    for per_minute in [1, 7, 60] {
        let caller = format!("caller of {per_minute}");
        let (taken, _) = fixture.exhaust(&caller, per_minute).await;
        assert_eq!(taken, per_minute);
        for _ in 0..3 {
            fixture.clock.advance(MINUTE / per_minute);
            assert_eq!(fixture.take(&caller, per_minute).await, None, "{per_minute}");
            assert!(fixture.take(&caller, per_minute).await.is_some(), "{per_minute}");
        }
    }
}

/// RateLimiter, clause 1: who was away for long may ask a minute's requests at once, and no more.
pub async fn a_long_absence_saves_up_one_minute(fixture: &RateLimiterFixture) {
    assert_eq!(fixture.exhaust("caller", 20).await.0, 20);
    fixture.clock.advance(MINUTE * 600);
    assert_eq!(fixture.exhaust("caller", 20).await.0, 20);
}

/// RateLimiter, clause 2: coming back when told to succeeds, and a moment before does not.
pub async fn who_is_refused_learns_when_to_come_back(fixture: &RateLimiterFixture) {
    for per_minute in [1, 7, 59] {
        let caller = format!("caller of {per_minute}");
        let (_, wait) = fixture.exhaust(&caller, per_minute).await;
        assert!(wait <= MINUTE / per_minute, "{wait:?} for {per_minute}");
        fixture.clock.advance(wait - Duration::from_micros(1));
        let rest = fixture.take(&caller, per_minute).await;
        assert_eq!(rest, Some(Duration::from_micros(1)), "{per_minute}");
        fixture.clock.advance(Duration::from_micros(1));
        assert_eq!(fixture.take(&caller, per_minute).await, None, "{per_minute}");
    }
}

/// RateLimiter, clause 2: a refused request costs nothing.
pub async fn a_refused_request_costs_nothing(fixture: &RateLimiterFixture) {
    let (_, wait) = fixture.exhaust("caller", 10).await;
    for _ in 0..50 {
        assert_eq!(fixture.take("caller", 10).await, Some(wait));
    }
    fixture.clock.advance(wait);
    assert_eq!(fixture.take("caller", 10).await, None);
}

/// RateLimiter, clause 3: callers do not count for each other, whatever they are called.
pub async fn callers_do_not_count_for_each_other(fixture: &RateLimiterFixture) {
    let names = [
        "a",
        "A",
        "a:b",
        "a b",
        "2001:db8::1",
        "ção",
        "*",
        "",
        "{a}",
        "a\nb",
    ];
    for name in names {
        assert_eq!(fixture.exhaust(name, 3).await.0, 3, "`{name}`");
    }
    let long = "x".repeat(2_000);
    assert_eq!(fixture.exhaust(&long, 3).await.0, 3);
    assert_eq!(fixture.exhaust(&format!("{long}y"), 3).await.0, 3);
}

/// RateLimiter, clause 4: all that share it count together, also when they ask at the same time.
pub async fn all_that_share_it_count_together(fixture: &RateLimiterFixture) {
    let [first, second] = &fixture.limiters;
    for _ in 0..5 {
        let (one, other) = tokio::join!(first.take("caller", 10), second.take("caller", 10));
        assert_eq!((one.unwrap(), other.unwrap()), (None, None));
    }
    let wait = second.take("caller", 10).await.unwrap().expect("ten were taken");
    assert_eq!(first.take("caller", 10).await.unwrap(), Some(wait));
}

/// Runs every clause against an adapter: `rate_limiter_contract!(make);`, where `make` is an `async fn` without arguments
/// that returns a new [`RateLimiterFixture`].
#[macro_export]
macro_rules! rate_limiter_contract {
    ($make:path) => {
        $crate::rate_limiter_contract! { @clauses $make:
            a_minutes_requests_come_at_once_and_then_one_a_share
            a_long_absence_saves_up_one_minute
            who_is_refused_learns_when_to_come_back
            a_refused_request_costs_nothing
            callers_do_not_count_for_each_other
            all_that_share_it_count_together
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let fixture = $make().await;
                $crate::contracts::rate_limiter_contract::$clause(&fixture).await;
            }
        )+
    };
}
