//! What is kept of a person, and its removal.

use axum::Json;
use axum::extract::State;
use ids_core::error::Refusal;
use ids_core::id::{DocumentId, SessionId};
use ids_core::limits;

use super::documents::id_in_field;
use crate::access::{Administering, Granted};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody};
use crate::state::AppState;
use crate::wire::chat::SessionBody;
use crate::wire::privacy::{
    EraseRequest, ErasedBody, FindPersonRequest, PersonDocumentsBody, PersonSessionsBody,
};

/// Looks for a person in the text of all documents, as far as one call goes: `next_offset` says where the next one goes on.
#[utoipa::path(
    post, path = "/api/v1/privacy/find-person", operation_id = "find_person", tag = "privacy",
    request_body = FindPersonRequest,
    responses((status = 200, description = "The documents and pages that name the person", body = PersonDocumentsBody)),
)]
pub(crate) async fn find_person(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<PersonDocumentsBody>> {
    let (person, offset) = read_person(fields)?;
    let library = &state.options.library;
    // Reading thousands of pages is as much work as a search.
    let slot = state.searches.acquire().await?;
    let found = library.find_person(caller.scope(), &person, offset).await?;
    drop(slot);
    Ok(Json(PersonDocumentsBody::from(&found)))
}

/// Looks for a person in all conversations.
#[utoipa::path(
    post, path = "/api/v1/privacy/find-sessions", operation_id = "find_person_sessions", tag = "privacy",
    request_body = FindPersonRequest,
    responses((status = 200, description = "The conversations that name the person", body = PersonSessionsBody)),
)]
pub(crate) async fn find_sessions(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<PersonSessionsBody>> {
    let (person, _) = read_person(fields)?;
    let library = &state.options.library;
    let slot = state.searches.acquire().await?;
    let found = library.sessions_with_person(caller.scope(), &person).await?;
    drop(slot);
    Ok(Json(PersonSessionsBody {
        sessions: found.iter().map(SessionBody::from).collect(),
    }))
}

pub(crate) fn read_person(mut fields: Fields) -> Result<(String, usize), Refusal> {
    let person = fields.required_text("person");
    let offset = fields.count("offset", 0);
    if person.chars().count() > limits::QUERY_CHARS {
        fields.refuse(
            "person",
            format!("must have at most {} characters", limits::QUERY_CHARS),
        );
    }
    fields.finish()?;
    Ok((person, offset))
}

/// Removes documents, the conversations that quote them, and conversations. The record (`/audit`) then has their ids, and nothing of what they said.
#[utoipa::path(
    post, path = "/api/v1/privacy/erase", operation_id = "erase", tag = "privacy",
    request_body = EraseRequest,
    responses((status = 200, description = "What was erased", body = ErasedBody)),
)]
pub(crate) async fn erase(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<ErasedBody>> {
    let (documents, sessions) = read_erasure(fields)?;
    let erased = state
        .options
        .library
        .erase(caller.scope(), caller.key_id(), &documents, &sessions)
        .await?;
    Ok(Json(ErasedBody::from(&erased)))
}

pub(crate) fn read_erasure(mut fields: Fields) -> Result<(Vec<DocumentId>, Vec<SessionId>), Refusal> {
    let documents = fields.list("document_ids", id_in_field).unwrap_or_default();
    let sessions = fields
        .list("session_ids", |text| {
            text.parse::<SessionId>()
                .map_err(|_| "must be the id of a conversation")
        })
        .unwrap_or_default();
    for (name, count) in [("document_ids", documents.len()), ("session_ids", sessions.len())] {
        if count > limits::FILTER_VALUES {
            fields.refuse(name, format!("must be at most {}", limits::FILTER_VALUES));
        }
    }
    fields.finish()?;
    Ok((documents, sessions))
}
