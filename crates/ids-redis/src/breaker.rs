//! What may be late, but must not make anybody wait: a short time for each call, and a pause after one that failed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ids_core::error::StoreError;
use tokio::time::{Instant, timeout};

/// How long Redis may take where there is a way without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For one call; 100 ms.
    pub call: Duration,
    /// How long it is not asked after a call that failed; 3 s.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            call: Duration::from_millis(100),
            pause: Duration::from_secs(3),
        }
    }
}

pub(crate) struct Breaker {
    patience: Patience,
    /// What is asked, for the log.
    what: &'static str,
    closed_until: Mutex<Option<Instant>>,
}

impl Breaker {
    pub(crate) fn new(what: &'static str, patience: Patience) -> Self {
        Self {
            patience,
            what,
            closed_until: Mutex::new(None),
        }
    }

    /// Whether there is a point in asking.
    pub(crate) fn lets_through(&self) -> bool {
        self.closed_until().is_none_or(|until| until <= Instant::now())
    }

    fn closed_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.closed_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call's answer; `None` when it failed or took too long, or when one did so a moment ago.
    pub(crate) async fn call<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        if !self.lets_through() {
            return None;
        }
        let error: Box<dyn std::error::Error> = match timeout(self.patience.call, call).await {
            Ok(Ok(value)) => {
                *self.closed_until() = None;
                return Some(value);
            }
            Ok(Err(error)) => Box::new(error),
            Err(elapsed) => Box::new(elapsed),
        };
        let mut closed_until = self.closed_until();
        let now = Instant::now();
        // Once, not for each of the calls that were on their way together.
        if closed_until.is_none_or(|until| until <= now) {
            tracing::warn!(
                error = error.as_ref(),
                "Redis does not answer; {} without it for {:?}",
                self.what,
                self.patience.pause
            );
        }
        *closed_until = now.checked_add(self.patience.pause);
        None
    }
}
