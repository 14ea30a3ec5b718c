//! Questions and conversations.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use ids_core::answer::{AskEvents, AskRequest};
use ids_core::chunk::Filter;
use ids_core::error::{ErrorCode, Refusal};
use ids_core::id::SessionId;
use ids_core::ports::SessionQuery;
use ids_core::scope::CollectionName;

use super::answer_stream::answer_stream;
use super::documents::{DEFAULT_ROWS, id_in_field};
use crate::access::{Anything, Asking, Granted};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody, PathOf, QueryOf, content_type, parse_id};
use crate::observe::{RequestId, Traced};
use crate::state::AppState;
use crate::wire;
use crate::wire::chat::{
    AnswerBody, ChatHealthBody, ConversationBody, SessionBody, SessionChangeRequest, SessionDeletedBody,
    SessionListBody,
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
    let (mut request, is_streamed) = read_question(fields)?;
    request.key_id = caller.key_id();
    if is_streamed {
        return answer_stream(state, caller.scope().clone(), request, request_id, traced).await;
    }
    let asked = state
        .options
        .library
        .ask(caller.scope(), &request, &AskEvents::none())
        .await?;
    Ok(Json(AnswerBody::from(&asked)).into_response())
}

pub(crate) fn read_question(mut fields: Fields) -> Result<(AskRequest, bool), Refusal> {
    let request = AskRequest {
        question: fields.required_text("message"),
        session_id: fields.parsed("session_id", |text: &str| text.parse::<SessionId>()),
        filter: Filter {
            collection: fields.parsed("collection", CollectionName::parse),
            document_ids: fields.list("document_ids", id_in_field).unwrap_or_default(),
            content_types: fields.list("content_types", content_type).unwrap_or_default(),
            tags: fields.tags().unwrap_or_default(),
        },
        key_id: None,
    };
    fields.object("metadata");
    let is_streamed = fields.flag("stream");
    fields.finish()?;
    Ok((request, is_streamed))
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

/// Renames a conversation.
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
    let title = read_title(fields)?;
    let session = state
        .options
        .library
        .rename_session(caller.scope(), id, &title)
        .await?;
    Ok(Json(SessionBody::from(&session)))
}

pub(crate) fn read_title(mut fields: Fields) -> Result<String, Refusal> {
    let title = fields.required_text("title");
    fields.finish()?;
    Ok(title)
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
