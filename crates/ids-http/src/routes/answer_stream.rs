//! An answer as it is made, as server-sent events.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use ids_core::answer::{AskEvent, AskEvents, Asked};
use ids_core::error::{ErrorCode, Refusal};
use ids_core::scope::Scope;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;
use tracing::{Instrument, Span};

use super::chat::Question;
use super::events::{COMMENT_EVERY, unbuffered};
use crate::error::{ApiResult, title};
use crate::observe::{RequestId, Traced, log_error};
use crate::state::AppState;
use crate::wire::chat::AnswerBody;
use crate::wire::error::ErrorBody;

/// Events that may wait for a slow reader; then the making of the answer waits.
const EVENTS_WAITING: usize = 64;

type Asking = Pin<Box<dyn Future<Output = Result<Asked, Refusal>> + Send>>;

/// Streams the answer. What fails before its first event is an ordinary error reply. Dropping the body, as when the connection
/// closes, drops the question with all it does.
pub(super) async fn answer_stream(
    state: AppState,
    scope: Scope,
    question: impl Into<Question>,
    request_id: RequestId,
    traced: Traced,
) -> ApiResult<Response> {
    let (sender, events) = mpsc::channel(EVENTS_WAITING);
    let library = state.options.library.clone();
    let question = question.into();
    let asking: Asking =
        Box::pin(async move { question.ask(&library, &scope, &AskEvents::to(sender)).await });
    let mut answering = Answering {
        state,
        asking: Some(asking),
        events,
        outcome: None,
        request_id,
    };
    let first = match answering.step().await {
        Some(Step::Ended(outcome)) => Some(Step::Ended(Box::new(Ok((*outcome)?)))),
        step => step,
    };
    // What is logged while the body is sent carries the request's id, too.
    let (logged, Traced(traced)) = (Span::current(), traced);
    let steps = futures_util::stream::unfold((first, answering), move |(next, mut answering)| {
        async move {
            let event = answering.event_of(next?)?;
            let next = answering.step().await;
            Some((Ok::<_, Infallible>(event), (next, answering)))
        }
        .instrument(logged.clone())
        .instrument(traced.clone())
    });
    Ok(unbuffered(
        Sse::new(steps).keep_alive(KeepAlive::new().interval(COMMENT_EVERY)),
    ))
}

/// An answer that is being made.
struct Answering {
    state: AppState,
    /// `None` once it is over.
    asking: Option<Asking>,
    events: mpsc::Receiver<AskEvent>,
    /// What came of it, until it is told.
    outcome: Option<Result<Asked, Refusal>>,
    request_id: RequestId,
}

/// What happens next.
enum Step {
    /// The answer goes on.
    Event(AskEvent),
    /// It is over.
    Ended(Box<Result<Asked, Refusal>>),
}

impl Answering {
    /// Waits for what happens next; `None` when all is told.
    async fn step(&mut self) -> Option<Step> {
        loop {
            let Some(asking) = &mut self.asking else {
                // What was sent before the end comes before it.
                return match self.events.try_recv() {
                    Ok(event) => Some(Step::Event(event)),
                    Err(_) => Some(Step::Ended(Box::new(self.outcome.take()?))),
                };
            };
            // Each branch may be dropped: `recv` keeps what it did not give, the question is only borrowed, and a token stays cancelled.
            tokio::select! {
                Some(event) = self.events.recv() => return Some(Step::Event(event)),
                outcome = asking => {
                    self.asking = None;
                    self.outcome = Some(outcome);
                }
                () = self.state.options.shutdown.cancelled() => {
                    self.asking = None;
                    self.outcome = Some(Err(stopping()));
                }
            }
        }
    }

    fn event_of(&self, step: Step) -> Option<Event> {
        let (name, data) = match step {
            Step::Event(AskEvent::Stage(stage)) => ("stage", json!({"stage": stage.as_str()})),
            Step::Event(AskEvent::Delta(text)) => ("delta", json!({"text": text})),
            Step::Event(AskEvent::Retract(claim)) => ("retract", json!({"claim": claim})),
            Step::Ended(outcome) => return self.end_of(&outcome),
        };
        event(name, &data)
    }

    fn end_of(&self, outcome: &Result<Asked, Refusal>) -> Option<Event> {
        match outcome {
            Ok(asked) => event("done", &AnswerBody::from(asked)),
            Err(refusal) => {
                log_error(refusal);
                let body = ErrorBody::new(title(refusal.code), refusal, &self.request_id.0);
                event("error", &body)
            }
        }
    }
}

/// A body of texts and numbers always has a JSON form.
fn event(name: &str, body: &impl Serialize) -> Option<Event> {
    Event::default().event(name).json_data(body).ok()
}

fn stopping() -> Refusal {
    Refusal::new(
        ErrorCode::DependencyUnavailable,
        "the server is stopping; ask again in a moment",
    )
    .retry_after(Duration::from_secs(5))
}
