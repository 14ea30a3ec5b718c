//! The one place that may sleep: it polls another process, with a bound.

use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(20);

/// Asks again and again until `holds`, and says whether it did within `bound`.
#[expect(
    clippy::disallowed_methods,
    reason = "another process cannot be waited for otherwise: this polls, with a bound"
)]
pub fn until(bound: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if begin.elapsed() >= bound {
            return false;
        }
        std::thread::sleep(STEP);
    }
}
