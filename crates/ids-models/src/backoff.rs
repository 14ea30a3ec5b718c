//! The pause between two tries.

use std::time::Duration;

use crate::config::RetryPolicy;

/// The pause after try number `tried` (from 1), or `None` when no further try is to be made. A server that asks for a pause gets it, if
/// it is not too long; else half of the pause is left to chance, so that those who failed together do not come back together.
pub(crate) fn pause(policy: &RetryPolicy, tried: u32, asked_for: Option<Duration>) -> Option<Duration> {
    if tried >= policy.tries {
        return None;
    }
    if let Some(asked_for) = asked_for {
        return (asked_for <= policy.longest_pause).then_some(asked_for);
    }
    let doubled = policy.pause.saturating_mul(1 << (tried - 1).min(16));
    let full = doubled.min(policy.longest_pause);
    Some(full.mul_f64(1.0 - chance() / 2.0))
}

/// 0 to 1.
fn chance() -> f64 {
    // Without randomness there is no jitter, which is no reason to give up.
    f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX)
}

/// `Retry-After` in seconds. Its other form, a date, is that of proxies in maintenance: too long a pause in any case.
pub(crate) fn retry_after(header: &str) -> Option<Duration> {
    let seconds: f64 = header.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{pause, retry_after};
    use crate::config::RetryPolicy;

    #[test]
    fn pauses_double_with_some_chance_and_end() {
        let policy = RetryPolicy {
            tries: 4,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(3),
        };
        let check = |tried, from: f64, to: f64| {
            let seconds = pause(&policy, tried, None).unwrap().as_secs_f64();
            assert!((from..=to).contains(&seconds), "{seconds}");
        };
        check(1, 0.5, 1.0);
        check(2, 1.0, 2.0);
        check(3, 1.5, 3.0);
        assert_eq!(pause(&policy, 4, None), None);
    }

    #[test]
    fn a_server_gets_the_pause_it_asks_for_within_bounds() {
        let policy = RetryPolicy::default();
        let check = |asked: &str, expected: Option<u64>| {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(pause(&policy, 1, retry_after(asked)), expected, "{asked}");
        };
        check("2", Some(2_000));
        check(" 0.25", Some(250));
        check("600", None);
        assert_eq!(retry_after("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(retry_after("-1"), None);
        assert_eq!(retry_after("NaN"), None);
        assert_eq!(retry_after("1e300"), None);
    }
}
