//! The status of a document as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use ids_core::error::ErrorCode;
use ids_core::id::DocumentId;
use ids_core::library::StatusView;
use ids_core::scope::Scope;
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use tracing::{Instrument, Span};

use super::documents::document_id;
use crate::access::{Granted, Reading};
use crate::error::ApiResult;
use crate::extract::PathOf;
use crate::state::AppState;
use crate::wire::document::StatusBody;

/// At most four events a second (design.md 3.3).
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Shorter than the minute after which proxies close a silent connection.
pub(super) const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// The status now at once, then each change, the end last; then the stream closes.
#[utoipa::path(
    get, path = "/api/v1/documents/{document_id}/events", operation_id = "document_events", tag = "documents",
    params(
        ("document_id" = String, Path, description = "The document"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The counter goes on from it"),
    ),
    responses((
        status = 200, content_type = "text/event-stream", body = StatusBody,
        description = "`event: status`, `id:` a counter, `data:` the body of /status",
    )),
)]
pub(crate) async fn events(
    State(state): State<AppState>,
    caller: Granted<Reading>,
    PathOf(id): PathOf<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let document_id = document_id(&id)?;
    // Errors before the first event are ordinary replies.
    let first = state
        .options
        .library
        .document_status(caller.scope(), document_id)
        .await?;
    let seen = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .unwrap_or(0);
    let watch = Watch::new(state, caller.scope().clone(), document_id, first, seen);
    let stream = Sse::new(stream(watch)).keep_alive(KeepAlive::new().interval(COMMENT_EVERY));
    Ok(unbuffered(stream))
}

/// Events that pass a proxy at once: nginx would hold them back to fill its buffer.
pub(super) fn unbuffered(events: impl IntoResponse) -> Response {
    let mut response = events.into_response();
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

fn stream(watch: Watch) -> impl Stream<Item = Result<Event, Infallible>> {
    let span = Span::current();
    futures_util::stream::unfold(watch, move |mut watch| {
        async move {
            let event = watch.next().await?;
            Some((Ok(event), watch))
        }
        .instrument(span.clone())
    })
}

struct Watch {
    state: AppState,
    scope: Scope,
    document_id: DocumentId,
    /// Not sent yet.
    first: Option<StatusView>,
    last: Option<StatusBody>,
    counter: u64,
    ended: bool,
    ticks: Interval,
}

impl Watch {
    fn new(state: AppState, scope: Scope, document_id: DocumentId, first: StatusView, seen: u64) -> Self {
        let mut ticks = interval_at(tokio::time::Instant::now() + LOOK_EVERY, LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            state,
            scope,
            document_id,
            first: Some(first),
            last: None,
            counter: seen,
            ended: false,
            ticks,
        }
    }

    /// The next event; `None` closes the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.ended {
                return None;
            }
            let view = match self.first.take() {
                Some(first) => first,
                None => self.look().await?,
            };
            if let Some(event) = self.changed(&view) {
                return Some(event);
            }
        }
    }

    /// What stands a moment later; `None` when the server ends or the document is gone.
    async fn look(&mut self) -> Option<StatusView> {
        loop {
            // Both branches may be dropped half way: a tick that is lost comes again, and a cancelled token stays so.
            tokio::select! {
                _ = self.ticks.tick() => {}
                () = self.state.options.shutdown.cancelled() => return None,
            }
            match self
                .state
                .options
                .library
                .document_status(&self.scope, self.document_id)
                .await
            {
                Ok(view) => return Some(view),
                Err(refusal) if refusal.code == ErrorCode::DocumentNotFound => return None,
                // It may pass; the comments keep the connection.
                Err(refusal) => {
                    tracing::debug!(error = &refusal as &dyn std::error::Error, "looking again later")
                }
            }
        }
    }

    fn changed(&mut self, view: &StatusView) -> Option<Event> {
        let body = StatusBody::from(view);
        self.ended = view.document.status.is_end();
        if self.last.as_ref().is_some_and(|last| !body.differs_from(last)) {
            return None;
        }
        self.counter += 1;
        let event = Event::default()
            .event("status")
            .id(self.counter.to_string())
            .json_data(&body);
        self.last = Some(body);
        // A body of texts and numbers always has a JSON form.
        event.ok()
    }
}
