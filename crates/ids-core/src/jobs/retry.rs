//! How long to wait before the next try.

use std::time::Duration;

use uuid::Uuid;

use crate::limits;

/// The pause before the try after `attempt` (from 1): doubling from [`limits::RETRY_BASE`] to [`limits::RETRY_MAX`], and of that
/// between one half and the whole, as `random` says, so that jobs that failed together do not come back together.
pub fn backoff(attempt: u32, random: Uuid) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let whole = (limits::RETRY_BASE * 2u32.pow(doublings)).min(limits::RETRY_MAX);
    // The last bytes of a version 7 UUID are random.
    let share = u32::from(random.as_bytes()[15]);
    whole / 2 + whole * share / 510
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::backoff;
    use crate::limits;

    #[test]
    fn pauses_grow_stay_within_bounds_and_differ() {
        let (low, high) = (Uuid::from_u128(0), Uuid::from_u128(255));
        assert_eq!(backoff(1, low), limits::RETRY_BASE / 2);
        assert_eq!(backoff(1, high), limits::RETRY_BASE);
        assert_eq!(backoff(3, high), limits::RETRY_BASE * 4);
        assert_eq!(backoff(500, high), limits::RETRY_MAX);
        assert!(backoff(0, low) > Duration::ZERO);
    }
}
