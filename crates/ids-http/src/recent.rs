//! Answers that anybody may ask for, and that cost the database something: made once, given to all who ask within a moment.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// The last answer, for as long as it is recent. Who asks while it is being made waits for it.
pub(crate) struct Recent<T> {
    last: Mutex<Option<(Instant, T)>>,
    lasts: Duration,
}

impl<T: Clone> Recent<T> {
    /// Answers last for that time; none is kept for zero.
    pub(crate) fn new(lasts: Duration) -> Self {
        Self {
            last: Mutex::new(None),
            lasts,
        }
    }

    /// The last answer, or a new one by `make`.
    pub(crate) async fn get(&self, make: impl Future<Output = T>) -> T {
        // Held while it is made: a hundred callers at once ask once.
        let mut last = self.last.lock().await;
        if let Some((made_at, answer)) = &*last
            && made_at.elapsed() < self.lasts
        {
            return answer.clone();
        }
        let answer = make.await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::Recent;

    #[tokio::test(start_paused = true)]
    async fn callers_at_the_same_moment_share_one_answer() {
        let made = AtomicU32::new(0);
        let recent = Recent::new(Duration::from_secs(1));
        let ask = || recent.get(async { made.fetch_add(1, Ordering::SeqCst) });
        assert!(
            join_all((0..100).map(|_| ask()))
                .await
                .iter()
                .all(|answer| *answer == 0)
        );
        tokio::time::advance(Duration::from_millis(1_001)).await;
        assert_eq!(ask().await, 1, "an old answer is none");
    }
}
