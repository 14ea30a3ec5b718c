//! Waiting for another process: polls, with a bound. The one place in these tests that sleeps.

use std::time::{Duration, Instant};

/// Past this something hangs. Generous: the machine may be busy with other tests.
const BOUND: Duration = Duration::from_secs(240);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until `look` finds something.
///
/// # Panics
/// When it did not within the bound; `what` says what was waited for.
#[expect(clippy::disallowed_methods, reason = "another process cannot wake this one")]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < BOUND, "waited in vain for {what}");
        std::thread::sleep(PAUSE);
    }
}
