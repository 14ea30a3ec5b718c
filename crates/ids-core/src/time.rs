//! Points in time as the domain sees them. Reading the clock is the [`Clock`](crate::ports::Clock) port's business.

use std::time::Duration;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    micros: i64,
}

impl Timestamp {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self { micros }
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.micros
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn as_unix_seconds(self) -> i64 {
        self.micros.div_euclid(1_000_000)
    }

    /// This time and `later` more; saturates at the end of time.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        let micros = i64::try_from(later.as_micros()).unwrap_or(i64::MAX);
        Self {
            micros: self.micros.saturating_add(micros),
        }
    }

    /// This time less `earlier`.
    #[must_use]
    pub fn minus(self, earlier: Duration) -> Self {
        let micros = i64::try_from(earlier.as_micros()).unwrap_or(i64::MAX);
        Self {
            micros: self.micros.saturating_sub(micros),
        }
    }

    /// How much time lies between `earlier` and this; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        u64::try_from(self.micros.saturating_sub(earlier.micros))
            .map_or(Duration::ZERO, Duration::from_micros)
    }
}
