//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ids_core::error::{ErrorCode, Refusal};
use ids_core::time::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::options::HttpOptions;

/// Searches that may wait for a free slot; more would wait longer than anyone does.
const SEARCHES_WAITING: usize = 64;
/// How long a search waits for a slot.
const SEARCH_PATIENCE: Duration = Duration::from_secs(10);

/// Shared by all requests, cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: HttpOptions,
    /// Whether this is the router for this machine's own command line.
    pub(crate) local: bool,
    pub(crate) started_at: Timestamp,
    pub(crate) searches: SearchSlots,
}

impl AppState {
    pub(crate) fn new(options: HttpOptions, local: bool) -> Self {
        let started_at = options.library.ports().clock.now();
        let searches = SearchSlots::new(options.search_slots);
        Self(Arc::new(Inner {
            options,
            local,
            started_at,
            searches,
        }))
    }

    /// Bytes a multipart body may have: the largest file, and room for its fields.
    pub(crate) fn max_multipart(&self) -> u64 {
        const FIELDS: u64 = 1024 * 1024;
        self.options
            .library
            .settings()
            .max_file_size
            .saturating_add(FIELDS)
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Bounds the searches at work: each costs CPU, and past the number of cores more of them only make all slower.
pub(crate) struct SearchSlots {
    slots: Semaphore,
    waiting: AtomicUsize,
}

impl SearchSlots {
    fn new(slots: usize) -> Self {
        Self {
            slots: Semaphore::new(slots.max(1)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits for a slot, not for long and not behind many.
    ///
    /// # Errors
    /// `BUSY`.
    pub(crate) async fn acquire(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        if let Ok(permit) = self.slots.try_acquire() {
            return Ok(permit);
        }
        let place = Place::take(&self.waiting).ok_or_else(busy)?;
        let permit = tokio::time::timeout(SEARCH_PATIENCE, self.slots.acquire()).await;
        drop(place);
        match permit {
            Ok(Ok(permit)) => Ok(permit),
            // Out of patience, or closed (which nobody does).
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }
}

/// A place in the line; given back on drop, as when the caller goes away.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::AcqRel);
        let place = Self(waiting);
        (before < SEARCHES_WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn busy() -> Refusal {
    Refusal::new(
        ErrorCode::Busy,
        "too many searches at once; try again in a few seconds",
    )
    .retry_after(Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use ids_core::error::ErrorCode;

    use super::{SEARCHES_WAITING, SearchSlots};

    #[tokio::test(start_paused = true)]
    async fn a_search_behind_too_many_others_is_told_to_come_back() {
        let slots = SearchSlots::new(1);
        let _working = slots.acquire().await.unwrap();

        let replies = join_all((0..=SEARCHES_WAITING).map(|_| slots.acquire())).await;

        // All are refused: the last at once, the others when their patience ends.
        assert!(replies.iter().all(|reply| {
            reply
                .as_ref()
                .is_err_and(|busy| busy.code == ErrorCode::Busy && busy.retry_after.is_some())
        }));
    }

    #[tokio::test]
    async fn a_freed_slot_goes_to_the_next() {
        let slots = SearchSlots::new(1);
        drop(slots.acquire().await.unwrap());
        assert!(slots.acquire().await.is_ok());
    }
}
