//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ids_core::slots::{Line, Slots};
use ids_core::time::Timestamp;

use crate::options::HttpOptions;

/// Who waits for a free slot to search.
const SEARCH_LINE: Line = Line {
    places: 64,
    patience: Duration::from_secs(10),
    refusal: "too many searches at once; try again in a few seconds",
};

/// Shared by all requests, cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: HttpOptions,
    /// Whether this is the router for this machine's own command line.
    pub(crate) local: bool,
    pub(crate) started_at: Timestamp,
    /// Bounds the searches at work: each costs CPU, and past the number of cores more of them only make all slower.
    pub(crate) searches: Slots,
}

impl AppState {
    pub(crate) fn new(options: HttpOptions, local: bool) -> Self {
        let started_at = options.library.ports().clock.now();
        let searches = Slots::new(options.search_slots, SEARCH_LINE);
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
