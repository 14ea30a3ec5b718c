//! Bounded work: a few at once, some in line, and the rest are told to come back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{ErrorCode, Refusal};

/// Slots for one kind of work. Who goes away gives its slot, or its place in the line, back.
#[derive(Debug)]
pub struct Slots {
    slots: Semaphore,
    waiting: AtomicUsize,
    line: Line,
}

/// Who may wait for a slot.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// How many; more would wait longer than anyone does.
    pub places: usize,
    /// How long.
    pub patience: Duration,
    /// What others are told: `too many searches at once; try again in a few seconds`.
    pub refusal: &'static str,
}

impl Slots {
    /// So many slots, at least one.
    pub fn new(slots: usize, line: Line) -> Self {
        Self {
            slots: Semaphore::new(slots.max(1)),
            waiting: AtomicUsize::new(0),
            line,
        }
    }

    /// Waits for a slot, not for long and not behind many.
    ///
    /// # Errors
    /// `BUSY`.
    pub async fn acquire(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        if let Ok(permit) = self.slots.try_acquire() {
            return Ok(permit);
        }
        let place = Place::take(&self.waiting, self.line.places).ok_or_else(|| self.busy())?;
        let permit = tokio::time::timeout(self.line.patience, self.slots.acquire()).await;
        drop(place);
        match permit {
            Ok(Ok(permit)) => Ok(permit),
            // Out of patience, or closed (which nobody does).
            Ok(Err(_)) | Err(_) => Err(self.busy()),
        }
    }

    fn busy(&self) -> Refusal {
        Refusal::new(ErrorCode::Busy, self.line.refusal).retry_after(Duration::from_secs(2))
    }
}

/// A place in the line; given back on drop, as when the caller goes away.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, places: usize) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::AcqRel);
        let place = Self(waiting);
        (before < places).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use futures_util::future::join_all;

    use super::{Line, Slots};
    use crate::error::ErrorCode;

    const PLACES: usize = 8;

    fn one_slot() -> Slots {
        let line = Line {
            places: PLACES,
            patience: Duration::from_secs(10),
            refusal: "too many at once",
        };
        Slots::new(1, line)
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_behind_too_many_others_is_told_to_come_back() {
        let slots = one_slot();
        let _working = slots.acquire().await.unwrap();

        let replies = join_all((0..=PLACES).map(|_| slots.acquire())).await;

        // All are refused: the last at once, the others when their patience ends.
        assert!(replies.iter().all(|reply| {
            reply
                .as_ref()
                .is_err_and(|busy| busy.code == ErrorCode::Busy && busy.retry_after.is_some())
        }));
    }

    #[tokio::test]
    async fn a_freed_slot_goes_to_the_next() {
        let slots = one_slot();
        drop(slots.acquire().await.unwrap());
        assert!(slots.acquire().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_while_waiting_leaves_the_line() {
        let slots = one_slot();
        let working = slots.acquire().await.unwrap();
        for _ in 0..2 * PLACES {
            assert!(slots.acquire().now_or_never().is_none(), "there is no slot");
        }

        let waiting = slots.acquire();
        drop(working);

        assert!(waiting.await.is_ok());
    }
}
