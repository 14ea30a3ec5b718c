//! Questions in the form of OpenAI's chat completions.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use ids_core::answer::AskEvents;
use ids_core::error::{ErrorCode, Refusal};
use ids_core::id::SessionId;
use ids_core::library::Library;
use ids_core::scope::Scope;
use ids_core::session::{AnswerDetails, Message};
use ids_core::shield::Hidden;

use super::read::{Completion, completion};
use super::stream::completion_stream;
use super::text::written;
use crate::access::{Asking, Granted};
use crate::error::ApiResult;
use crate::extract::JsonBody;
use crate::observe::{RequestId, Traced};
use crate::routes::links::PageLinks;
use crate::state::AppState;
use crate::wire::chat::{ClaimBody, ShieldBody, SourceBody, TokenUsageBody};
use crate::wire::openai::{AssistantBody, ChoiceBody, CompletionBody, CompletionRequest, LibraryBody};

/// Answers the last question of a conversation with quotes that can be checked: in the text as numbers with a list of sources, and as
/// `annotations` of the type `url_citation`. Nothing is kept unless `store` or `metadata.session_id` asks for it. With `stream` each
/// statement is sent once it is proven, the list and the annotations at the end.
#[utoipa::path(
    post, path = "/v1/chat/completions", operation_id = "openai_chat_completion", tag = "openai",
    request_body = CompletionRequest,
    responses((status = 200, description = "The answer, or its pieces with `stream`", content(
        (CompletionBody = "application/json"),
        (String = "text/event-stream"),
    ))),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Granted<Asking>,
    links: PageLinks,
    Extension(request_id): Extension<RequestId>,
    Extension(traced): Extension<Traced>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Response> {
    let mut completion = completion(fields)?;
    completion.request.key_id = caller.key_id();
    let scope = caller.scope().clone();
    if completion.is_streamed {
        return completion_stream(state, scope, completion, links, request_id, traced).await;
    }
    let library = &state.options.library;
    let said = answer(library, &scope, &completion, &AskEvents::none()).await?;
    let answer = written(
        &completion.request.question,
        &said.message.content,
        &said.details,
        &links,
    );
    let body = CompletionBody {
        id: id_of(&said.message),
        object: "chat.completion",
        created: said.message.created_at.as_unix_seconds(),
        model: completion.model,
        choices: vec![ChoiceBody {
            index: 0,
            message: AssistantBody {
                role: "assistant",
                content: answer.text,
                refusal: (),
                annotations: answer.annotations,
            },
            finish_reason: "stop",
            logprobs: (),
        }],
        usage: TokenUsageBody::from(said.details.usage),
        library: library_body(&said),
    };
    Ok(Json(body).into_response())
}

/// An answer, and the conversation it is kept in, if any.
pub(super) struct Said {
    pub(super) message: Message,
    pub(super) details: AnswerDetails,
    hidden: Option<Hidden>,
    session_id: Option<SessionId>,
}

/// Asks the library, and keeps the answer where that is wanted.
pub(super) async fn answer(
    library: &Library,
    scope: &Scope,
    completion: &Completion,
    events: &AskEvents,
) -> Result<Said, Refusal> {
    let Completion {
        request,
        before,
        is_kept,
        ..
    } = completion;
    if *is_kept {
        let asked = library
            .ask(scope, request, events)
            .await
            .map_err(in_their_words)?;
        return Ok(Said {
            session_id: Some(asked.session.session_id),
            message: asked.message,
            details: asked.details,
            hidden: asked.hidden,
        });
    }
    let answered = library.answer(scope, request, before, events).await;
    let answered = answered.map_err(in_their_words)?;
    Ok(Said {
        message: answered.message,
        details: answered.details,
        hidden: answered.hidden,
        session_id: None,
    })
}

/// A collection is a model here, and the question a message among others.
fn in_their_words(mut refusal: Refusal) -> Refusal {
    if refusal.code == ErrorCode::CollectionNotFound {
        refusal.code = ErrorCode::ModelNotFound;
    }
    for bad in &mut refusal.fields {
        if bad.field == "message" {
            "messages".clone_into(&mut bad.field);
        }
    }
    refusal
}

pub(super) fn id_of(message: &Message) -> String {
    format!("chatcmpl-{}", message.message_id)
}

pub(super) fn library_body(said: &Said) -> LibraryBody {
    let details = &said.details;
    LibraryBody {
        session_id: said.session_id.map(|id| id.to_string()),
        answered: details.answered,
        mode: details.mode.as_str(),
        fallback: details.fallback.map(|reason| reason.as_str()),
        shield: said.hidden.as_ref().map(ShieldBody::from),
        sources: details.sources.iter().map(SourceBody::from).collect(),
        claims: details.claims.iter().map(ClaimBody::from).collect(),
    }
}
