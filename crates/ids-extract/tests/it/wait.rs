//! Waits for something, with a bound.

use std::pin::Pin;
use std::time::Duration;

/// Looks every few milliseconds whether it is so, for a minute at most, while `work` goes on; `false` when that ended before.
pub(crate) async fn until<T>(is_so: impl Fn() -> bool, work: &mut Pin<&mut impl Future<Output = T>>) -> bool {
    for _ in 0..6_000 {
        if is_so() {
            return true;
        }
        if tokio::time::timeout(Duration::from_millis(10), work.as_mut())
            .await
            .is_ok()
        {
            return false;
        }
    }
    false
}
