//! How much one caller may ask for: the rule, and a limiter for one process.
//!
//! A bucket of a minute's requests that fills up evenly. It is kept as one number, the time at which it is full again (GCRA): no timer
//! fills it, and a caller who is not there any more costs nothing to forget.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::limits::RATE_LIMITED_CALLERS;
use crate::ports::{Clock, RateLimiter};
use crate::time::Timestamp;

const MINUTE_MICROS: i64 = 60_000_000;

/// A caller's limit, in whole microseconds, so that every process counts alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// A minute's share: the time in which one request comes back.
    pub interval_micros: i64,
    /// Requests that may come at once.
    pub burst: i64,
}

impl Quota {
    /// So many requests a minute, at least one.
    pub fn per_minute(requests: u32) -> Self {
        let burst = i64::from(requests.max(1));
        Self {
            // Rounded down: who comes back when his share of a minute has passed must not be a microsecond early.
            interval_micros: (MINUTE_MICROS / burst).max(1),
            burst,
        }
    }

    /// Takes one request out of a bucket that is full at `full_at` (any time that has passed stands for a full one).
    ///
    /// # Errors
    /// How long to wait, when it is empty; nothing is taken then.
    pub fn take(self, full_at: Timestamp, now: Timestamp) -> Result<Timestamp, Duration> {
        let next = full_at.max(now).as_micros().saturating_add(self.interval_micros);
        let latest = now
            .as_micros()
            .saturating_add(self.burst.saturating_mul(self.interval_micros));
        match u64::try_from(next.saturating_sub(latest)) {
            Ok(wait) if wait > 0 => Err(Duration::from_micros(wait)),
            _ => Ok(Timestamp::from_micros(next)),
        }
    }
}

/// Counts requests in this process alone.
pub struct LocalRateLimiter {
    clock: Arc<dyn Clock>,
    full_at: Mutex<HashMap<String, Timestamp>>,
}

impl LocalRateLimiter {
    /// A limiter that has seen nobody yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            full_at: Mutex::default(),
        }
    }
}

#[async_trait]
impl RateLimiter for LocalRateLimiter {
    async fn take(&self, caller: &str, per_minute: u32) -> Result<Option<Duration>, StoreError> {
        let now = self.clock.now();
        // What a panic elsewhere left behind is still a map of times.
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let before = full_at.get(caller).copied().unwrap_or(now);
        match Quota::per_minute(per_minute).take(before, now) {
            Ok(after) => {
                if full_at.len() >= RATE_LIMITED_CALLERS && !full_at.contains_key(caller) {
                    make_room(&mut full_at, now);
                }
                full_at.insert(caller.to_owned(), after);
                Ok(None)
            }
            Err(wait) => Ok(Some(wait)),
        }
    }
}

/// Forgets who has a full bucket, as one who was never seen has; and where nobody has, the tenth that comes nearest to it.
fn make_room(full_at: &mut HashMap<String, Timestamp>, now: Timestamp) {
    full_at.retain(|_, at| *at > now);
    if full_at.len() < RATE_LIMITED_CALLERS {
        return;
    }
    let mut times: Vec<Timestamp> = full_at.values().copied().collect();
    let tenth = times.len() / 10;
    let (_, &mut border, _) = times.select_nth_unstable(tenth);
    full_at.retain(|_, at| *at > border);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Still(Timestamp);

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    const START: Timestamp = Timestamp::from_micros(1_767_323_045_000_000);

    #[test]
    fn the_burst_is_exactly_the_minutes_requests() {
        for per_minute in [1, 2, 7, 60, 600, 100_000] {
            let quota = Quota::per_minute(per_minute);
            let mut full_at = START;
            for _ in 0..per_minute {
                full_at = quota.take(full_at, START).unwrap();
            }
            assert!(quota.take(full_at, START).is_err(), "{per_minute} a minute");
        }
    }

    #[test]
    fn zero_a_minute_counts_as_one_and_the_largest_number_does_not_overflow() {
        assert_eq!(Quota::per_minute(0), Quota::per_minute(1));
        assert!(Quota::per_minute(u32::MAX).take(START, START).is_ok());
    }

    proptest! {
        #[test]
        fn who_waits_as_told_is_let_in(per_minute in 1u32..5_000, pauses in prop::collection::vec(0u64..200_000, 1..200)) {
            let quota = Quota::per_minute(per_minute);
            let (mut now, mut full_at) = (START, START);
            for pause in pauses {
                now = now.plus(Duration::from_micros(pause));
                match quota.take(full_at, now) {
                    Ok(after) => full_at = after,
                    Err(wait) => {
                        let early = wait.saturating_sub(Duration::from_micros(1));
                        prop_assert!(quota.take(full_at, now.plus(early)).is_err());
                        now = now.plus(wait);
                        full_at = quota.take(full_at, now).unwrap();
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn more_callers_than_are_remembered_take_no_more_room() {
        let limiter = LocalRateLimiter::new(Arc::new(Still(START)));
        for caller in 0..RATE_LIMITED_CALLERS + 500 {
            limiter.take(&caller.to_string(), 60).await.unwrap();
        }
        // Who asked most is remembered longest.
        for _ in 0..60 {
            limiter.take("greedy", 60).await.unwrap();
        }
        for caller in 0..RATE_LIMITED_CALLERS * 2 {
            limiter.take(&format!("another {caller}"), 60).await.unwrap();
        }
        assert!(limiter.full_at.lock().unwrap().len() <= RATE_LIMITED_CALLERS);
        assert!(limiter.take("greedy", 60).await.unwrap().is_some());
    }
}
