//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use ids_core::slots::{Line, Slots};
use ids_core::time::Timestamp;

use crate::error::ApiResult;
use crate::options::HttpOptions;
use crate::recent::Recent;
use crate::wire::meta::HealthBody;
use crate::wire::queue::QueueHealthBody;

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
    /// What anybody may ask for.
    pub(crate) health: Recent<(StatusCode, HealthBody)>,
    pub(crate) queue_health: Recent<ApiResult<QueueHealthBody>>,
    pub(crate) metrics: Recent<String>,
    /// What pages may use.
    pub(crate) page_policy: HeaderValue,
}

impl AppState {
    pub(crate) fn new(options: HttpOptions, local: bool) -> Self {
        let started_at = options.library.ports().clock.now();
        options.metrics.set_build(&options.build);
        let searches = Slots::new(options.search_slots, SEARCH_LINE);
        Self(Arc::new(Inner {
            local,
            health: Recent::new(options.recent),
            queue_health: Recent::new(options.recent),
            metrics: Recent::new(options.recent * 10),
            page_policy: page_policy(options.library.ports().blobs.upload_origin().as_deref()),
            options,
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

/// Pages use what is served here and nothing else, but that they send uploads to where those go; nobody may frame them.
fn page_policy(upload_origin: Option<&str>) -> HeaderValue {
    const OURS: &str =
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
    let with_uploads = upload_origin.map(|origin| format!("{OURS}; connect-src 'self' {origin}"));
    // An origin that is no header value would be no origin: then uploads go through this server.
    with_uploads
        .and_then(|policy| HeaderValue::try_from(policy).ok())
        .unwrap_or(HeaderValue::from_static(OURS))
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
