//! This machine's clock beside those of others: leases are counted by them, and S3 refuses what is signed at another time.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use ids_core::ports::Clock;
use ids_core::time::Timestamp;

use super::finding::Finding;
use crate::http_client::{Target, get, send, trusting_connector};
use crate::system::SystemClock;

const WHAT: &str = "clock";
/// Past this, ages and times that people see are wrong.
const WARN: Duration = Duration::from_secs(2);
/// A lease lasts 30 s: with half of it gone, two workers may hold one job in turns.
const FAIL: Duration = Duration::from_secs(15);

/// Compares with the moment `theirs`, read between `before` and `after`.
pub(super) fn compare(whose: &str, before: Timestamp, theirs: Timestamp, after: Timestamp) -> Finding {
    // The best guess is the middle of question and answer; what lies between them is nobody's fault.
    let (skew, direction) = if theirs < before {
        (before.since(theirs), "behind")
    } else {
        (theirs.since(after), "ahead")
    };
    let seconds = skew.as_secs_f64();
    if skew < WARN {
        return Finding::ok(WHAT, format!("agrees with that of {whose}"));
    }
    let found = format!("that of {whose} is {seconds:.0} s {direction} of this machine's");
    let hint = "let every machine keep its time by NTP: `timedatectl set-ntp true`";
    if skew < FAIL {
        Finding::warn(WHAT, found, hint)
    } else {
        Finding::fail(WHAT, found, hint)
    }
}

/// Compares with the `Date` of a reply that came just now; `None` where it has none.
pub(super) fn of_http(whose: &str, headers: &HeaderMap) -> Option<Finding> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let date = httpdate::parse_http_date(date).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    let theirs = Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).ok()?);
    let now = SystemClock.now();
    // It is cut to whole seconds, and was written a moment ago.
    Some(compare(whose, now.minus(Duration::from_secs(1)), theirs, now))
}

/// Compares with a server of S3, which says its time even to those whom it refuses.
pub(super) async fn of_s3(endpoint: &str) -> Option<Finding> {
    let target = Target::parse(endpoint)?;
    let answer = send(&target, &trusting_connector().ok()?, get()).await.ok()?;
    of_http("S3", &answer.headers)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{HeaderMap, HeaderValue, header};
    use ids_core::time::Timestamp;

    use super::super::finding::State;
    use super::{compare, of_http};

    #[test]
    fn a_clock_that_goes_wrong_is_told_with_its_direction() {
        let now = Timestamp::from_micros(1_000_000_000);
        let check = |theirs: Timestamp, state: State, words: &str| {
            let found = compare("PostgreSQL", now, theirs, now.plus(Duration::from_secs(1)));
            assert_eq!(found.state, state, "{found}");
            assert!(found.detail.contains(words), "{found}");
        };
        check(now.plus(Duration::from_millis(500)), State::Ok, "agrees");
        check(now.minus(Duration::from_secs(5)), State::Warn, "5 s behind");
        check(now.plus(Duration::from_secs(61)), State::Fail, "60 s ahead");
    }

    #[test]
    fn the_date_of_a_reply_is_a_clock() {
        let mut headers = HeaderMap::new();
        assert!(of_http("S3", &headers).is_none());
        headers.insert(
            header::DATE,
            HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"),
        );
        assert_eq!(of_http("S3", &headers).unwrap().state, State::Fail);
    }
}
