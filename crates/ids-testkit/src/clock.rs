//! A clock that moves only when a test moves it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ids_core::ports::Clock;
use ids_core::time::Timestamp;

/// Stands still until it is set or advanced.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicI64,
}

impl ManualClock {
    /// Where it starts: 2026-01-02T03:04:05Z.
    pub const START: Timestamp = Timestamp::from_micros(1_767_323_045_000_000);

    /// A clock that stands at `time`.
    pub const fn at(time: Timestamp) -> Self {
        Self {
            micros: AtomicI64::new(time.as_micros()),
        }
    }

    /// Sets it, also backwards.
    pub fn set(&self, time: Timestamp) {
        self.micros.store(time.as_micros(), Ordering::SeqCst);
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::at(Self::START)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst))
    }
}
