//! A circuit breaker: after some failures in a row calls fail at once for a while, so that nobody waits for a server that is
//! down. Afterwards calls go through again, and the first that fails begins the next pause.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::BreakerPolicy;

pub(crate) struct Breaker {
    policy: BreakerPolicy,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures_in_a_row: u32,
    open_until: Option<Instant>,
}

/// The last calls failed; the next are not made before so long.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the model's server failed several times in a row and is left alone for a while")]
pub(crate) struct LeftAlone {
    /// How long from now.
    pub(crate) left: Duration,
}

impl Breaker {
    pub(crate) fn new(policy: BreakerPolicy) -> Self {
        Self {
            policy,
            state: Mutex::default(),
        }
    }

    /// Whether a call may be made now.
    ///
    /// # Errors
    /// When the server is left alone.
    pub(crate) fn check(&self) -> Result<(), LeftAlone> {
        let open_until = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .open_until;
        let left = open_until.map_or(Duration::ZERO, |end| {
            end.saturating_duration_since(Instant::now())
        });
        if left.is_zero() {
            Ok(())
        } else {
            Err(LeftAlone { left })
        }
    }

    /// The server answered, whatever it said.
    pub(crate) fn succeeded(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// The server failed.
    pub(crate) fn failed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures_in_a_row = state.failures_in_a_row.saturating_add(1);
        if state.failures_in_a_row >= self.policy.failures {
            state.open_until = Some(Instant::now() + self.policy.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::{Breaker, LeftAlone};
    use crate::config::BreakerPolicy;

    const PAUSE: Duration = Duration::from_secs(15);

    fn breaker() -> Breaker {
        Breaker::new(BreakerPolicy {
            failures: 3,
            pause: PAUSE,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_fails_several_times_in_a_row_is_left_alone_for_a_while() {
        let breaker = breaker();
        for _ in 0..3 {
            assert_eq!(breaker.check(), Ok(()));
            breaker.failed();
        }
        assert_eq!(breaker.check(), Err(LeftAlone { left: PAUSE }));
        advance(PAUSE - Duration::from_secs(1)).await;
        assert_eq!(
            breaker.check(),
            Err(LeftAlone {
                left: Duration::from_secs(1)
            })
        );
        advance(Duration::from_secs(1)).await;
        assert_eq!(breaker.check(), Ok(()));

        breaker.failed();
        assert_eq!(breaker.check(), Err(LeftAlone { left: PAUSE }));
        advance(PAUSE).await;
        breaker.succeeded();
        breaker.failed();
        assert_eq!(breaker.check(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_that_are_not_in_a_row_change_nothing() {
        let breaker = breaker();
        for _ in 0..10 {
            breaker.failed();
            breaker.failed();
            breaker.succeeded();
        }
        assert_eq!(breaker.check(), Ok(()));
    }
}
