//! Questions and conversations.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use ids_core::answer::{AskEvents, AskRequest, Asked};
use ids_core::chunk::Filter;
use ids_core::error::{ErrorCode, Refusal};
use ids_core::id::{KeyId, SessionId};
use ids_core::library::Library;
use ids_core::ports::SessionQuery;
use ids_core::scope::{CollectionName, Scope};
use ids_core::session::Rating;

use super::answer_stream::answer_stream;
use super::documents::{DEFAULT_ROWS, id_in_field};
use crate::access::{Anything, Asking, Granted};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody, PathOf, QueryOf, content_type, parse_id};
use crate::observe::{RequestId, Traced};
use crate::state::AppState;
use crate::wire;
use crate::wire::chat::{
    AnswerBody, ChatHealthBody, ConversationBody, FeedbackRequest, RatedBody, SessionBody,
    SessionChangeRequest, SessionDeletedBody, SessionListBody,
};

/// Answers a question with quotes that can be checked. With `stream` true as server-sent events: `stage` {"stage": searching, reading,
/// writing or checking}, `delta` {"text"}, `retract` {"claim": its number}, then one `done` (the body of the plain reply) or `error`.
#[utoipa::path(
    post, path = "/api/v1/chat/ask", operation_id = "ask", tag = "chat",
    request_body = wire::chat::AskRequest,
    responses((status = 200, description = "The answer, or its events with `stream`", content(
        (AnswerBody = "application/json"),
        (String = "text/event-stream"),
    ))),
)]
pub(crate) async fn ask(
    State(state): State<AppState>,
    caller: Granted<Asking>,
    Extension(request_id): Extension<RequestId>,
    Extension(traced): Extension<Traced>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Response> {
    let (question, is_streamed) = read_question(fields)?;
    let question = question.by(caller.key_id());
    if is_streamed {
        return answer_stream(state, caller.scope().clone(), question, request_id, traced).await;
    }
    let asked = question
        .ask(&state.options.library, caller.scope(), &AskEvents::none())
        .await?;
    Ok(Json(AnswerBody::from(&asked)).into_response())
}

/// What is asked: something, or the last question of a conversation once more.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    /// This.
    New(AskRequest),
    /// That of this conversation, by this key.
    Again(SessionId, Option<KeyId>),
}

impl Question {
    fn by(self, key_id: Option<KeyId>) -> Self {
        match self {
            Self::New(request) => Self::New(AskRequest { key_id, ..request }),
            Self::Again(session_id, _) => Self::Again(session_id, key_id),
        }
    }

    /// Asks.
    pub(crate) async fn ask(
        &self,
        library: &Library,
        scope: &Scope,
        events: &AskEvents,
    ) -> Result<Asked, Refusal> {
        match self {
            Self::New(request) => library.ask(scope, request, events).await,
            Self::Again(session_id, key_id) => library.ask_again(scope, *session_id, *key_id, events).await,
        }
    }
}

impl From<AskRequest> for Question {
    fn from(request: AskRequest) -> Self {
        Self::New(request)
    }
}

pub(crate) fn read_question(mut fields: Fields) -> Result<(Question, bool), Refusal> {
    let is_again = fields.flag("regenerate");
    let message = if is_again {
        fields.text("message").unwrap_or_default()
    } else {
        fields.required_text("message")
    };
    let parse_session = |text: &str| text.parse::<SessionId>();
    let session_id = if is_again {
        fields.required_parsed("session_id", parse_session)
    } else {
        fields.parsed("session_id", parse_session)
    };
    let filter = read_filter(&mut fields);
    fields.object("metadata");
    let is_streamed = fields.flag("stream");
    fields.finish()?;
    let question = match session_id {
        Some(session_id) if is_again => Question::Again(session_id, None),
        session_id => Question::New(AskRequest {
            question: message,
            session_id,
            filter,
            key_id: None,
        }),
    };
    Ok((question, is_streamed))
}

fn read_filter(fields: &mut Fields) -> Filter {
    Filter {
        collection: fields.parsed("collection", CollectionName::parse),
        document_ids: fields.list("document_ids", id_in_field).unwrap_or_default(),
        content_types: fields.list("content_types", content_type).unwrap_or_default(),
        tags: fields.tags().unwrap_or_default(),
    }
}

/// Lists conversations, what changed last first.
#[utoipa::path(
    get, path = "/api/v1/chat/sessions", operation_id = "list_sessions", tag = "chat",
    params(
        ("search" = Option<String>, Query, description = "Part of a title or message; case and accents do not matter"),
        ("limit" = Option<u32>, Query, description = "Rows, 1 to 1000; 50 if not given"),
        ("offset" = Option<u32>, Query, description = "Rows to pass over"),
    ),
    responses((status = 200, description = "A page of conversations", body = SessionListBody)),
)]
pub(crate) async fn sessions(
    State(state): State<AppState>,
    caller: Granted<Asking>,
    QueryOf(mut fields): QueryOf,
) -> ApiResult<Json<SessionListBody>> {
    let query = SessionQuery {
        search: fields.text("search").filter(|text| !text.trim().is_empty()),
        limit: fields.count("limit", DEFAULT_ROWS),
        offset: fields.count("offset", 0),
    };
    fields.finish()?;
    let list = state
        .options
        .library
        .list_sessions(caller.scope(), &query)
        .await?;
    Ok(Json(SessionListBody::new(&list, query.offset)))
}

/// A conversation with its messages.
#[utoipa::path(
    get, path = "/api/v1/chat/sessions/{session_id}", operation_id = "get_session", tag = "chat",
    params(("session_id" = String, Path, description = "The conversation")),
    responses((status = 200, description = "The conversation", body = ConversationBody)),
)]
pub(crate) async fn session(
    State(state): State<AppState>,
    caller: Granted<Asking>,
    PathOf(id): PathOf<String>,
) -> ApiResult<Json<ConversationBody>> {
    let (session, messages) = state
        .options
        .library
        .get_session(caller.scope(), session_id(&id)?)
        .await?;
    Ok(Json(ConversationBody::new(&session, &messages)))
}

/// Renames a conversation, or limits its questions to other documents. What is not given stays.
#[utoipa::path(
    patch, path = "/api/v1/chat/sessions/{session_id}", operation_id = "rename_session", tag = "chat",
    params(("session_id" = String, Path, description = "The conversation")),
    request_body = SessionChangeRequest,
    responses((status = 200, description = "The conversation as it is now", body = SessionBody)),
)]
pub(crate) async fn rename(
    State(state): State<AppState>,
    caller: Granted<Asking>,
    PathOf(id): PathOf<String>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<SessionBody>> {
    let id = session_id(&id)?;
    let (title, filter) = read_session_change(fields)?;
    let library = &state.options.library;
    if let Some(filter) = filter {
        library.limit_session(caller.scope(), id, &filter).await?;
    }
    if let Some(title) = title {
        library.rename_session(caller.scope(), id, &title).await?;
    }
    let (session, _) = library.get_session(caller.scope(), id).await?;
    Ok(Json(SessionBody::from(&session)))
}

pub(crate) fn read_session_change(mut fields: Fields) -> Result<(Option<String>, Option<Filter>), Refusal> {
    let title = fields.text("title");
    let filter = fields.nested("scope").map(|mut scope| {
        let filter = read_filter(&mut scope);
        fields.blame("scope", scope);
        filter
    });
    fields.finish()?;
    Ok((title, filter))
}

/// Says whether an answer was of use, and why. The last word counts; `none` takes it back. `ids eval --feedback` makes a test set of them.
#[utoipa::path(
    post, path = "/api/v1/chat/sessions/{session_id}/messages/{message_id}/feedback", operation_id = "rate_answer", tag = "chat",
    params(
        ("session_id" = String, Path, description = "The conversation"),
        ("message_id" = String, Path, description = "The answer"),
    ),
    request_body = FeedbackRequest,
    responses((status = 200, description = "It is noted", body = RatedBody)),
)]
pub(crate) async fn rate(
    State(state): State<AppState>,
    caller: Granted<Asking>,
    PathOf((session, message)): PathOf<(String, String)>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<RatedBody>> {
    let id = session_id(&session)?;
    let message_id = parse_id(&message, ErrorCode::MessageNotFound, "answer")?;
    let rating = read_feedback(fields)?;
    let library = &state.options.library;
    let feedback = library
        .rate_answer(caller.scope(), id, message_id, rating)
        .await?;
    Ok(Json(RatedBody::new(message_id, feedback.as_ref())))
}

pub(crate) fn read_feedback(mut fields: Fields) -> Result<Option<(Rating, Option<String>)>, Refusal> {
    const WORDS: [&str; 3] = ["up", "down", "none"];
    let rating = fields.required_parsed("rating", |word| {
        let known = Rating::from_name(word).map(Some);
        known
            .or_else(|| (word == "none").then_some(None))
            .ok_or_else(|| format!("must be one of {}", WORDS.join(", ")))
    });
    let reason = fields.text("reason");
    fields.finish()?;
    Ok(rating.flatten().map(|rating| (rating, reason)))
}

/// Removes a conversation with its messages.
#[utoipa::path(
    delete, path = "/api/v1/chat/sessions/{session_id}", operation_id = "delete_session", tag = "chat",
    params(("session_id" = String, Path, description = "The conversation")),
    responses((status = 200, description = "It is gone", body = SessionDeletedBody)),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Granted<Asking>,
    PathOf(id): PathOf<String>,
) -> ApiResult<Json<SessionDeletedBody>> {
    let id = session_id(&id)?;
    state.options.library.delete_session(caller.scope(), id).await?;
    Ok(Json(SessionDeletedBody {
        session_id: id.to_string(),
        deleted: true,
    }))
}

/// How questions are answered here.
#[utoipa::path(
    get, path = "/api/v1/chat/health", operation_id = "chat_health", tag = "chat",
    responses((status = 200, description = "Questions can be asked", body = ChatHealthBody)),
)]
pub(crate) async fn health(
    State(state): State<AppState>,
    _caller: Granted<Anything>,
) -> ApiResult<Json<ChatHealthBody>> {
    let ports = state.options.library.ports();
    ports.documents.ping().await.map_err(Refusal::from)?;
    Ok(Json(ChatHealthBody::new(
        ports.chat.as_deref().map(|chat| chat.name()),
    )))
}

fn session_id(text: &str) -> Result<SessionId, Refusal> {
    parse_id(text, ErrorCode::SessionNotFound, "session")
}
