//! Searches.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use ids_core::chunk::Filter;
use ids_core::error::Refusal;
use ids_core::scope::CollectionName;
use ids_core::search::{SearchMode, SearchRequest};

use super::documents::id_in_field;
use crate::access::{Granted, Searching};
use crate::error::ApiResult;
use crate::extract::{Fields, JsonBody, content_type};
use crate::state::AppState;
use crate::wire;
use crate::wire::search::SearchReplyBody;

/// Results when no number is given.
const DEFAULT_RESULTS: usize = 10;

/// Finds passages by words and by meaning.
#[utoipa::path(
    post, path = "/api/v1/documents/search", operation_id = "search", tag = "search",
    request_body = wire::search::SearchRequest,
    responses((status = 200, description = "What was found, best first", body = SearchReplyBody)),
)]
pub(crate) async fn search(
    State(state): State<AppState>,
    caller: Granted<Searching>,
    JsonBody(fields): JsonBody,
) -> ApiResult<Json<SearchReplyBody>> {
    let (request, explain) = read(fields)?;
    let started = Instant::now();
    let slot = state.searches.acquire().await?;
    let reply = state.options.library.search(caller.scope(), &request).await?;
    drop(slot);
    let took = started.elapsed();
    // What people look for is theirs: only at this level, which nobody runs with.
    tracing::debug!(
        query = request.query,
        mode = request.mode.as_str(),
        hits = reply.hits.len(),
        "searched"
    );
    Ok(Json(SearchReplyBody::new(&reply, took, explain)))
}

pub(crate) fn read(mut fields: Fields) -> Result<(SearchRequest, bool), Refusal> {
    let modes = SearchMode::ALL.map(SearchMode::as_str);
    let request = SearchRequest {
        query: fields.required_text("query"),
        limit: fields.count("n_results", DEFAULT_RESULTS),
        mode: fields
            .choice("mode", &modes, SearchMode::from_name)
            .unwrap_or_default(),
        similarity_threshold: fields.number("similarity_threshold").unwrap_or(0.0),
        filter: Filter {
            collection: fields.parsed("collection", CollectionName::parse),
            document_ids: fields.list("document_ids", id_in_field).unwrap_or_default(),
            content_types: fields.list("content_types", content_type).unwrap_or_default(),
            tags: fields.tags().unwrap_or_default(),
        },
    };
    let explain = fields.flag("explain");
    fields.finish()?;
    Ok((request, explain))
}
