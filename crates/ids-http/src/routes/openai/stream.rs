//! An answer as it is made, in the pieces that OpenAI's clients read. What was sent there cannot be taken back, so a statement is sent
//! once it is proven, whole.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use ids_core::answer::{AskEvent, AskEvents};
use ids_core::error::{ErrorCode, Refusal};
use ids_core::scope::Scope;
use tokio::sync::mpsc;
use tracing::{Instrument, Span};

use super::completions::{Said, answer, library_body};
use super::read::Completion;
use super::text::{BETWEEN, Written, inert, numbered, written};
use crate::error::ApiResult;
use crate::observe::{RequestId, Traced, log_error};
use crate::routes::events::{COMMENT_EVERY, unbuffered};
use crate::routes::links::PageLinks;
use crate::state::AppState;
use crate::wire::chat::TokenUsageBody;
use crate::wire::openai::{ChunkBody, ChunkChoiceBody, DeltaBody, OpenAiErrorBody};

/// Events that may wait for a slow reader; then the making of the answer waits.
const EVENTS_WAITING: usize = 64;
/// What ends a stream.
const DONE: &str = "[DONE]";

type Answering = Pin<Box<dyn Future<Output = Result<Said, Refusal>> + Send>>;

/// Streams the answer. What fails before its first event is an ordinary error reply. Dropping the body drops the question.
pub(super) async fn completion_stream(
    state: AppState,
    scope: Scope,
    completion: Completion,
    links: PageLinks,
    request_id: RequestId,
    traced: Traced,
) -> ApiResult<Response> {
    let (sender, events) = mpsc::channel(EVENTS_WAITING);
    let library = state.options.library.clone();
    let head = Head {
        id: format!("chatcmpl-{}", library.ports().ids.next()),
        created: library.ports().clock.now().as_unix_seconds(),
        model: completion.model.clone(),
    };
    let question = completion.request.question.clone();
    let with_usage = completion.with_usage;
    let answering: Answering =
        Box::pin(async move { answer(&library, &scope, &completion, &AskEvents::to(sender)).await });
    let mut pieces = Pieces {
        state,
        answering: Some(answering),
        events,
        outcome: None,
        ready: VecDeque::new(),
        is_over: false,
        text: Proven::default(),
        head,
        question,
        with_usage,
        links,
        request_id,
    };
    match pieces.step().await {
        Step::Ended(outcome) => {
            let said = (*outcome)?;
            pieces.begin();
            pieces.end(Ok(said));
        }
        Step::Event(event) => {
            pieces.begin();
            pieces.take(event);
        }
    }
    let (logged, Traced(traced)) = (Span::current(), traced);
    let stream = futures_util::stream::unfold(pieces, move |mut pieces| {
        async move {
            let data = pieces.next().await?;
            Some((Ok::<_, Infallible>(Event::default().data(data)), pieces))
        }
        .instrument(logged.clone())
        .instrument(traced.clone())
    });
    Ok(unbuffered(
        Sse::new(stream).keep_alive(KeepAlive::new().interval(COMMENT_EVERY)),
    ))
}

/// What all pieces of an answer have in common.
struct Head {
    id: String,
    created: i64,
    model: String,
}

/// An answer on its way.
struct Pieces {
    state: AppState,
    /// `None` once it is over.
    answering: Option<Answering>,
    events: mpsc::Receiver<AskEvent>,
    /// What came of it, until it is told.
    outcome: Option<Result<Said, Refusal>>,
    /// What can be sent.
    ready: VecDeque<String>,
    /// Whether nothing comes after `ready`.
    is_over: bool,
    text: Proven,
    head: Head,
    question: String,
    with_usage: bool,
    links: PageLinks,
    request_id: RequestId,
}

enum Step {
    Event(AskEvent),
    Ended(Box<Result<Said, Refusal>>),
}

impl Pieces {
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(data) = self.ready.pop_front() {
                return Some(data);
            }
            if self.is_over {
                return None;
            }
            match self.step().await {
                Step::Event(event) => self.take(event),
                Step::Ended(outcome) => self.end(*outcome),
            }
        }
    }

    async fn step(&mut self) -> Step {
        loop {
            let Some(answering) = &mut self.answering else {
                // What was sent before the end comes before it.
                if let Ok(event) = self.events.try_recv() {
                    return Step::Event(event);
                }
                let outcome = self.outcome.take().unwrap_or_else(|| Err(stopping()));
                return Step::Ended(Box::new(outcome));
            };
            // Each branch may be dropped: `recv` keeps what it did not give, the question is only borrowed, and a token stays cancelled.
            tokio::select! {
                Some(event) = self.events.recv() => return Step::Event(event),
                outcome = answering => {
                    self.answering = None;
                    self.outcome = Some(outcome);
                }
                () = self.state.options.shutdown.cancelled() => {
                    self.answering = None;
                    self.outcome = Some(Err(stopping()));
                }
            }
        }
    }

    fn begin(&mut self) {
        let delta = DeltaBody {
            role: Some("assistant"),
            content: Some(String::new()),
            annotations: Vec::new(),
        };
        self.push_choice(delta, None, None);
    }

    fn take(&mut self, event: AskEvent) {
        let proven = match event {
            AskEvent::Stage(_) => None,
            AskEvent::Delta(text) => self.text.add(&text),
            AskEvent::Retract(_) => {
                self.text.take_back();
                None
            }
        };
        if let Some(text) = proven {
            self.push_text(text);
        }
    }

    fn end(&mut self, outcome: Result<Said, Refusal>) {
        self.is_over = true;
        let said = match outcome {
            Ok(said) => said,
            Err(refusal) => {
                log_error(&refusal);
                let body = OpenAiErrorBody::new(&refusal, &self.request_id.0);
                self.ready.extend(serde_json::to_string(&body));
                return;
            }
        };
        let Written { text, annotations } =
            written(&self.question, &said.message.content, &said.details, &self.links);
        self.push_text(self.text.rest_of(&text));
        let delta = DeltaBody {
            annotations,
            ..DeltaBody::default()
        };
        let usage = said.details.usage;
        self.push_choice(delta, Some("stop"), Some(library_body(&said)));
        if self.with_usage {
            let chunk = self.chunk(Vec::new(), Some(TokenUsageBody::from(usage)));
            self.push(&chunk);
        }
        self.ready.push_back(DONE.to_owned());
    }

    fn push_text(&mut self, text: String) {
        let delta = DeltaBody {
            content: Some(text),
            ..DeltaBody::default()
        };
        self.push_choice(delta, None, None);
    }

    fn push_choice(
        &mut self,
        delta: DeltaBody,
        finish_reason: Option<&'static str>,
        library: Option<crate::wire::openai::LibraryBody>,
    ) {
        let choice = ChunkChoiceBody {
            index: 0,
            delta,
            finish_reason,
            logprobs: (),
        };
        let chunk = ChunkBody {
            library,
            ..self.chunk(vec![choice], None)
        };
        self.push(&chunk);
    }

    fn chunk(&self, choices: Vec<ChunkChoiceBody>, usage: Option<TokenUsageBody>) -> ChunkBody {
        ChunkBody {
            id: self.head.id.clone(),
            object: "chat.completion.chunk",
            created: self.head.created,
            model: self.head.model.clone(),
            choices,
            usage,
            library: None,
        }
    }

    fn push(&mut self, chunk: &ChunkBody) {
        // A body of texts and numbers always has a JSON form.
        self.ready.extend(serde_json::to_string(chunk));
    }
}

/// The text that was sent, and the statement that is not proven yet.
#[derive(Default)]
struct Proven {
    sent: String,
    statements: usize,
    pending: String,
}

impl Proven {
    /// Adds to the statement. A new one begins with a blank line: then the one before is proven, and returned.
    fn add(&mut self, text: &str) -> Option<String> {
        let Some(begun) = text.strip_prefix(BETWEEN) else {
            self.pending.push_str(text);
            return None;
        };
        let proven = std::mem::replace(&mut self.pending, begun.to_owned());
        if proven.trim().is_empty() {
            return None;
        }
        let between = if self.statements == 0 { "" } else { BETWEEN };
        self.statements += 1;
        let piece = format!("{between}{}", numbered(&inert(proven.trim()), self.statements));
        self.sent.push_str(&piece);
        Some(piece)
    }

    fn take_back(&mut self) {
        self.pending.clear();
    }

    /// What is missing of the whole text.
    fn rest_of(&self, whole: &str) -> String {
        match whole.strip_prefix(&self.sent) {
            Some(rest) => rest.to_owned(),
            // What was sent is proven, but another text came of it: that one follows.
            None => format!("{BETWEEN}{whole}"),
        }
    }
}

fn stopping() -> Refusal {
    Refusal::new(
        ErrorCode::DependencyUnavailable,
        "the server is stopping; ask again in a moment",
    )
    .retry_after(Duration::from_secs(5))
}

#[cfg(test)]
mod tests {
    use super::Proven;

    #[test]
    fn a_statement_is_sent_when_the_next_begins_and_never_when_it_was_taken_back() {
        let mut text = Proven::default();
        assert_eq!(text.add("Um "), None);
        assert_eq!(text.add("dia."), None);
        assert_eq!(text.add("\n\n").as_deref(), Some("Um dia. [1]"));
        assert_eq!(text.add("Falso."), None);
        text.take_back();
        assert_eq!(
            text.add("\n\nDois"),
            None,
            "nothing is left of what was taken back"
        );
        assert_eq!(text.add("\n\n").as_deref(), Some("\n\nDois [2]"));
        assert_eq!(text.rest_of("Um dia. [1]\n\nDois [2]\n\nFontes:"), "\n\nFontes:");
        assert_eq!(text.rest_of("Outra"), "\n\nOutra");
    }
}
