//! A question to an answer that can be checked: stand alone (`conversation`) → find → keep what is relevant (`relevance`) → `pack` → write (a
//! model) or quote (sentences of the documents) → cite.
//!
//! What is shown as said by a document stands in it, word for word, at the place the citation names: `cite` looks there, whoever
//! found the words. Without a model, and whenever a model fails or nothing it wrote can be borne out, the answer is put together
//! from sentences (`extract`), or says that there is none (`confidence`).

mod cite;
mod confidence;
mod contrary;
mod conversation;
mod evidence;
mod expect;
mod extract;
mod facts;
mod generate;
mod guard;
mod pack;
mod place;
mod prompt;
mod relevance;
mod reply;
mod rewrite;
mod sentence;
mod slips;
pub(crate) mod spend;
mod unkept;
mod words;

use tokio::sync::mpsc;

use crate::chunk::Filter;
use crate::error::{ErrorCode, FieldError, Refusal, StoreErrorKind};
use crate::id::{KeyId, MessageId, SessionId};
use crate::library::Library;
use crate::limits;
use crate::ports::ChatTurn;
use crate::scope::Scope;
use crate::search::{Hit, QueryEmbedding, SearchRequest};
use crate::session::{
    AnswerCost, AnswerDetails, AnswerFallback, AnswerMode, Exchange, Message, NearestDocument, Session,
    TokenUsage,
};
use crate::shield::Hidden;

pub use confidence::{Confidence, ConfidenceFeatures, confidence};
pub use conversation::standalone;
pub use evidence::{Evidence, PASSAGES, relevant};
pub use extract::quoted;
use generate::Generated;
pub use relevance::{PassageFeatures, RELEVANT};
use rewrite::Rewriting;
pub use sentence::Features;
use words::Advice;
pub use words::is_in_english;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct AskRequest {
    /// The question, as typed.
    pub question: String,
    /// The conversation it belongs to; `None` begins one.
    pub session_id: Option<SessionId>,
    /// Where to look.
    pub filter: Filter,
    /// The key it is asked with, for the record of use; `None` where none is needed.
    pub key_id: Option<KeyId>,
}

/// An answer, kept in its session.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The session as it is now.
    pub session: Session,
    /// The answer.
    pub message: Message,
    /// What stands behind it; also in `message`.
    pub details: AnswerDetails,
    /// What was held back of the prompt, where a shield stands in front of the model.
    pub hidden: Option<Hidden>,
}

/// An answer that is kept nowhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The answer.
    pub message: Message,
    /// What stands behind it; also in `message`.
    pub details: AnswerDetails,
    /// What was held back of the prompt, where a shield stands in front of the model.
    pub hidden: Option<Hidden>,
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AskStage {
    /// Passages are looked for.
    Searching,
    /// Their sentences are compared with the question.
    Reading,
    /// The answer is being written.
    Writing,
    /// Its citations are being checked.
    Checking,
}

impl AskStage {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Searching => "searching",
            Self::Reading => "reading",
            Self::Writing => "writing",
            Self::Checking => "checking",
        }
    }
}

/// What is told while an answer is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskEvent {
    /// How far it is.
    Stage(AskStage),
    /// More of its text.
    Delta(String),
    /// The claim of that number (from 0) could not be borne out: what was shown of it is to be taken back.
    Retract(u32),
}

/// Where [`AskEvent`]s go. A listener that went away is no error: the answer is made all the same.
#[derive(Debug, Clone, Default)]
pub struct AskEvents(Option<mpsc::Sender<AskEvent>>);

impl AskEvents {
    /// To nobody.
    pub const fn none() -> Self {
        Self(None)
    }

    /// To `listener`.
    pub const fn to(listener: mpsc::Sender<AskEvent>) -> Self {
        Self(Some(listener))
    }

    pub(crate) async fn send(&self, event: AskEvent) {
        if let Some(listener) = &self.0 {
            let _ = listener.send(event).await;
        }
    }

    pub(crate) async fn stage(&self, stage: AskStage) {
        self.send(AskEvent::Stage(stage)).await;
    }

    pub(crate) async fn delta(&self, text: impl Into<String>) {
        self.send(AskEvent::Delta(text.into())).await;
    }
}

/// An answer that is not kept yet: its text, and what stands behind it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) text: String,
    pub(crate) mode: AnswerMode,
    pub(crate) answered: bool,
    pub(crate) sources: Vec<crate::session::Citation>,
    pub(crate) claims: Vec<crate::session::Claim>,
    pub(crate) nearest: Vec<NearestDocument>,
    pub(crate) model: Option<String>,
    pub(crate) usage: TokenUsage,
    pub(crate) cost: Option<AnswerCost>,
    pub(crate) hidden: Option<Hidden>,
    pub(crate) fallback: Option<AnswerFallback>,
}

/// A question on its way.
pub(crate) struct Asking {
    request: AskRequest,
    /// The conversation that the answer is kept in; `None` where it is kept nowhere.
    session_id: Option<SessionId>,
    /// What was said before, oldest first.
    history: Vec<Message>,
    /// The answer that is to be replaced.
    replaces: Option<MessageId>,
    /// 0, unless another answer is wanted than the one before.
    temperature: f32,
}

/// How freely a model words an answer that is wanted anew: at 0 it would say the same.
const AGAIN_TEMPERATURE: f32 = 0.7;

/// What was found for a question.
pub(crate) struct Found {
    /// What was looked for: the question as one that stands alone.
    query: String,
    /// What a model took to make it stand alone.
    rewriting: Option<Rewriting>,
    /// All, best first.
    hits: Vec<Hit>,
    /// Those that speak of it.
    relevant: Vec<Hit>,
    /// What to try when they hold no answer.
    advice: Advice,
    /// That no money was left to look for it by meaning, too.
    words_alone: Option<AnswerFallback>,
    /// Of `query`.
    query_embedding: Option<QueryEmbedding>,
}

impl Library {
    /// Answers a question, and keeps both in the session. Dropping the future ends the model's call; then nothing is kept.
    ///
    /// A question of a session that names no filter of its own is limited as the session is.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, `SESSION_NOT_FOUND`, `COLLECTION_NOT_FOUND`, `DEPENDENCY_UNAVAILABLE`, `STORAGE_FULL`. A model that
    /// fails is no error: the answer is extractive.
    pub async fn ask(
        &self,
        scope: &Scope,
        request: &AskRequest,
        events: &AskEvents,
    ) -> Result<Asked, Refusal> {
        check_question(&request.question)?;
        let mut request = request.clone();
        let mut history = Vec::new();
        if let Some(session_id) = request.session_id {
            let session = self.session(scope, session_id).await?;
            history = self.history(scope, session_id, limits::HISTORY_MESSAGES).await?;
            if request.filter.is_empty() {
                request.filter = session.filter;
            }
        }
        let asking = Asking {
            session_id: Some(
                request
                    .session_id
                    .unwrap_or_else(|| SessionId::from_uuid(self.ports.ids.next())),
            ),
            request,
            history,
            replaces: None,
            temperature: 0.0,
        };
        self.answer_and_keep(scope, &asking, events).await
    }

    /// Answers the last question of a session once more; the new answer takes the place of the last. Until it is there the last one stays.
    ///
    /// # Errors
    /// As [`Library::ask`]; `VALIDATION_FAILED` when nothing was asked yet, or the conversation went on meanwhile.
    pub async fn ask_again(
        &self,
        scope: &Scope,
        session_id: SessionId,
        key_id: Option<KeyId>,
        events: &AskEvents,
    ) -> Result<Asked, Refusal> {
        let session = self.session(scope, session_id).await?;
        let mut history = self
            .history(scope, session_id, limits::HISTORY_MESSAGES + 2)
            .await?;
        let last = history.pop().filter(|message| message.answer.is_some());
        let (Some(answer), Some(question)) = (last, history.pop()) else {
            return Err(Refusal::field("regenerate", "there is no answer yet"));
        };
        let asking = Asking {
            request: AskRequest {
                question: question.content,
                session_id: Some(session_id),
                filter: session.filter,
                key_id,
            },
            session_id: Some(session_id),
            history,
            replaces: Some(answer.message_id),
            temperature: AGAIN_TEMPERATURE,
        };
        self.answer_and_keep(scope, &asking, events).await
    }

    /// Answers a question as [`Library::ask`] does and keeps neither in a session: whoever asks keeps the conversation, and brings it
    /// along, oldest first. `request.session_id` is not looked at.
    ///
    /// # Errors
    /// Those of [`Library::ask`], but for sessions.
    pub async fn answer(
        &self,
        scope: &Scope,
        request: &AskRequest,
        conversation: &[ChatTurn],
        events: &AskEvents,
    ) -> Result<Answered, Refusal> {
        check_question(&request.question)?;
        let asking = Asking {
            request: request.clone(),
            session_id: None,
            history: self.brought(conversation),
            replaces: None,
            temperature: 0.0,
        };
        self.compose(scope, &asking, events).await
    }

    async fn answer_and_keep(
        &self,
        scope: &Scope,
        asking: &Asking,
        events: &AskEvents,
    ) -> Result<Asked, Refusal> {
        let begun = self.ports.clock.now();
        let answer = self.compose(scope, asking, events).await?;
        let session = self.keep(scope, asking, begun, answer.message.clone()).await?;
        Ok(Asked {
            session,
            message: answer.message,
            details: answer.details,
            hidden: answer.hidden,
        })
    }

    async fn compose(&self, scope: &Scope, asking: &Asking, events: &AskEvents) -> Result<Answered, Refusal> {
        let begun = self.ports.clock.now();
        let request = &asking.request;
        let found = self.find_evidence(scope, asking, events).await?;
        let mut draft = match self.generate(scope, asking, &found, events).await? {
            Generated::Answer(draft) => draft,
            Generated::Nothing {
                was_shown,
                model,
                usage,
                cost,
                hidden,
                fallback,
            } => Draft {
                model,
                usage,
                cost,
                hidden,
                fallback,
                ..self
                    .extract(scope, &request.question, &found, was_shown, events)
                    .await?
            },
        };
        if let Some(rewriting) = found.rewriting {
            // An answer that cost something tells what its question took as well; the ledger has a row for each.
            if let Some(cost) = &mut draft.cost {
                cost.amount = cost.amount.plus(rewriting.cost.amount);
                draft.usage.prompt_tokens += rewriting.usage.prompt_tokens;
                draft.usage.completion_tokens += rewriting.usage.completion_tokens;
            }
            // The answer's prompt has the same conversation in it; where no model was asked for the answer, this is all.
            draft.hidden = match (draft.hidden, rewriting.hidden) {
                (Some(answer), Some(question)) => Some(answer.or_more(&question)),
                (answer, question) => answer.or(question),
            };
        }
        let now = self.ports.clock.now();
        let details = AnswerDetails {
            mode: draft.mode,
            answered: draft.answered,
            sources: draft.sources,
            claims: draft.claims,
            nearest: draft.nearest,
            search_results: u32::try_from(found.hits.len()).unwrap_or(u32::MAX),
            model: draft.model,
            usage: draft.usage,
            cost: draft.cost,
            fallback: draft.fallback.or(found.words_alone),
            processing_time: now.since(begun),
        };
        let answer = Message {
            message_id: MessageId::from_uuid(self.ports.ids.next()),
            created_at: now,
            content: draft.text,
            answer: Some(details.clone()),
            feedback: None,
        };
        Ok(Answered {
            message: answer,
            details,
            hidden: draft.hidden,
        })
    }

    async fn find_evidence(
        &self,
        scope: &Scope,
        asking: &Asking,
        events: &AskEvents,
    ) -> Result<Found, Refusal> {
        let request = &asking.request;
        let carried = standalone(&request.question, &asking.history);
        let mut search = SearchRequest {
            limit: PASSAGES,
            filter: request.filter.clone(),
            ..SearchRequest::new(carried.clone().unwrap_or_else(|| request.question.clone()))
        };
        // Before the first event: what is refused here is an ordinary error.
        self.check_search(scope, &search).await?;
        events.stage(AskStage::Searching).await;
        let mut rewriting = None;
        if carried.is_some() {
            let (rewritten, took) = self.rewrite(scope, asking).await?;
            rewriting = took;
            search.query = rewritten.unwrap_or(search.query);
        }
        let slot = self.reading.acquire().await?;
        let reply = crate::search::search(self, scope, &search).await?;
        drop(slot);
        Ok(Found {
            query: search.query,
            rewriting,
            relevant: evidence::relevant(&reply.hits),
            hits: reply.hits,
            query_embedding: reply.query_embedding,
            words_alone: reply
                .words_alone
                .filter(|reason| *reason != AnswerFallback::ModelFailed),
            advice: if !request.filter.is_empty() {
                Advice::Widen
            } else if reply.chunks_searched == 0 {
                Advice::AddDocuments
            } else {
                Advice::Rephrase
            },
        })
    }

    async fn session(&self, scope: &Scope, session_id: SessionId) -> Result<Session, Refusal> {
        let found = self.ports.sessions.find_session(scope, session_id).await?;
        found.ok_or_else(|| session_not_found(session_id))
    }

    /// The last messages of a session, oldest first.
    async fn history(
        &self,
        scope: &Scope,
        session_id: SessionId,
        most: usize,
    ) -> Result<Vec<Message>, Refusal> {
        let messages = self.ports.sessions.list_messages(scope, session_id, most).await;
        messages.map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => session_not_found(session_id),
            _ => error.into(),
        })
    }

    async fn keep(
        &self,
        scope: &Scope,
        asking: &Asking,
        asked_at: crate::time::Timestamp,
        answer: Message,
    ) -> Result<Session, Refusal> {
        let request = &asking.request;
        let session_id = asking
            .session_id
            .unwrap_or_else(|| SessionId::from_uuid(self.ports.ids.next()));
        let is_new = request.session_id.is_none();
        // Where a model was asked, the ledger has it.
        let is_counted = answer
            .answer
            .as_ref()
            .is_some_and(|details| details.cost.is_some());
        let exchange = Exchange {
            key_id: request.key_id,
            session_id,
            new_title: is_new.then(|| title_of(&request.question)),
            filter: request.filter.clone(),
            replaces: asking.replaces,
            is_counted,
            question: Message {
                message_id: MessageId::from_uuid(self.ports.ids.next()),
                created_at: asked_at,
                content: request.question.clone(),
                answer: None,
                feedback: None,
            },
            answer,
        };
        let kept = self.ports.sessions.append(scope, &exchange).await;
        kept.map_err(|error| match error.kind() {
            // Deleted while its answer was being made.
            StoreErrorKind::NotFound => session_not_found(session_id),
            StoreErrorKind::Conflict if asking.replaces.is_some() => {
                Refusal::field("regenerate", "the conversation went on meanwhile; load it again")
            }
            _ => error.into(),
        })
    }
}

/// A session's first title: the beginning of its first question, on one line.
fn title_of(question: &str) -> String {
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    let visible: String = line.chars().filter(|c| !c.is_control()).collect();
    if visible.chars().count() <= limits::SESSION_TITLE_CHARS {
        return visible;
    }
    let mut cut: String = visible.chars().take(limits::SESSION_TITLE_CHARS - 1).collect();
    cut.push('…');
    cut
}

pub(crate) fn session_not_found(session_id: SessionId) -> Refusal {
    Refusal::new(
        ErrorCode::SessionNotFound,
        format!("there is no session `{session_id}`; leave `session_id` out to begin a new one"),
    )
}

fn check_question(question: &str) -> Result<(), Refusal> {
    let reason = if question.trim().is_empty() {
        "must not be empty".to_owned()
    } else if question.chars().count() > limits::QUERY_CHARS {
        format!("must have at most {} characters", limits::QUERY_CHARS)
    } else {
        return Ok(());
    };
    Err(Refusal::fields(vec![FieldError {
        field: "message".to_owned(),
        reason,
    }]))
}

#[cfg(test)]
mod tests {
    use super::title_of;
    use crate::limits;

    #[test]
    fn a_session_is_named_after_its_question() {
        assert_eq!(title_of("  Qual é\no prazo? "), "Qual é o prazo?");
        let long = title_of(&"palavra ".repeat(100));
        assert_eq!(long.chars().count(), limits::SESSION_TITLE_CHARS);
        assert!(long.ends_with('…'));
    }
}
