//! The time that a document may take before its job is given up. Each page that OCR reads gives some more: it takes seconds, and
//! who reads hundreds of them is long at it without being stuck. A page has a limit of its own, so this ends.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// More time for each page that was read by OCR: it takes two seconds of computing, and waits for pages of other documents.
const A_PAGE: Duration = Duration::from_secs(30);

/// How much time a document was given on top of the limit.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    pages: AtomicU64,
}

impl Allowance {
    /// So many pages more were read.
    pub(crate) fn add(&self, pages: u32) {
        self.pages.fetch_add(pages.into(), Ordering::Relaxed);
    }

    fn extra(&self) -> Duration {
        let pages = u32::try_from(self.pages.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        A_PAGE.saturating_mul(pages)
    }

    /// Does `work`, or stops it after `limit` and what was given on top meanwhile; the error is all of that time.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Duration> {
        let mut work = pin!(work);
        let mut granted = Duration::ZERO;
        let mut wait = limit;
        loop {
            if let Ok(done) = tokio::time::timeout(wait, work.as_mut()).await {
                return Ok(done);
            }
            let extra = self.extra();
            wait = extra.saturating_sub(granted);
            granted = extra;
            if wait.is_zero() {
                return Err(limit + granted);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::Allowance;

    const LIMIT: Duration = Duration::from_secs(100);

    async fn pages(allowance: &Allowance, count: u32, seconds_each: u64) {
        for _ in 0..count {
            // The test's clock goes on by itself where nothing else is to be done.
            let passed = tokio::time::timeout(Duration::from_secs(seconds_each), pending::<()>()).await;
            assert!(passed.is_err());
            allowance.add(1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pages_that_are_read_give_time_for_those_to_come() {
        let allowance = Allowance::default();
        let read = allowance.within(LIMIT, pages(&allowance, 500, 20)).await;
        assert_eq!(read, Ok(()), "500 pages of 20 s each, in 100 s and 30 s a page");
    }

    #[tokio::test(start_paused = true)]
    async fn what_makes_no_progress_is_stopped_all_the_same() {
        let allowance = Allowance::default();
        let stuck = allowance.within(LIMIT, pending::<()>()).await;
        assert_eq!(stuck, Err(LIMIT));

        let stuck_later = async {
            pages(&allowance, 3, 10).await;
            pending::<()>().await;
        };
        let given = allowance.within(LIMIT, stuck_later).await;
        assert_eq!(given, Err(LIMIT + Duration::from_secs(90)));
    }
}
