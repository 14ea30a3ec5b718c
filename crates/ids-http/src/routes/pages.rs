//! Pages of a document.

use axum::Json;
use axum::extract::State;
use ids_core::error::{ErrorCode, Refusal};
use ids_core::id::DocumentId;
use ids_core::span::CharSpan;

use super::documents::document_id;
use crate::access::scope;
use crate::error::{ApiError, ApiResult};
use crate::extract::{PathOf, QueryOf};
use crate::state::AppState;
use crate::wire::page::{BoxesBody, PageBody};

/// One page: its text, and what stands where in it.
#[utoipa::path(
    get, path = "/api/v1/documents/{document_id}/pages/{page}", operation_id = "document_page", tag = "documents",
    params(
        ("document_id" = String, Path, description = "The document"),
        ("page" = u32, Path, description = "From 1"),
    ),
    responses((status = 200, description = "The page", body = PageBody)),
)]
pub(crate) async fn page(
    State(state): State<AppState>,
    PathOf(place): PathOf<(String, String)>,
) -> ApiResult<Json<PageBody>> {
    let (id, number) = parse(&place)?;
    let view = state.options.library.document_page(&scope(), id, number).await?;
    Ok(Json(PageBody::new(id, &view)))
}

/// Where a range of a page's text stands on the page: one box for each line of text it touches.
#[utoipa::path(
    get, path = "/api/v1/documents/{document_id}/pages/{page}/boxes", operation_id = "document_page_boxes", tag = "documents",
    params(
        ("document_id" = String, Path, description = "The document"),
        ("page" = u32, Path, description = "From 1"),
        ("start" = Option<u32>, Query, description = "Where the range begins (Unicode scalar values); 0 if not given"),
        ("end" = Option<u32>, Query, description = "Where it ends, exclusive; the text's end if not given"),
    ),
    responses((status = 200, description = "The boxes", body = BoxesBody)),
)]
pub(crate) async fn boxes(
    State(state): State<AppState>,
    PathOf(place): PathOf<(String, String)>,
    QueryOf(mut fields): QueryOf,
) -> ApiResult<Json<BoxesBody>> {
    let (id, number) = parse(&place)?;
    let clipped = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let start = fields.whole_number("start").map_or(0, clipped);
    let end = fields.whole_number("end").map_or(u32::MAX, clipped);
    if end < start {
        fields.refuse("end", "must not lie before `start`");
    }
    fields.finish()?;
    let view = state.options.library.document_page(&scope(), id, number).await?;
    Ok(Json(BoxesBody::new(&view.page, CharSpan::new(start, end))))
}

/// A picture of a page. Not there yet for any document.
pub(crate) async fn image(
    State(state): State<AppState>,
    PathOf(place): PathOf<(String, String)>,
) -> ApiResult<Json<PageBody>> {
    let (id, number) = parse(&place)?;
    // Unknown documents and pages say so; those that are there have no picture.
    state.options.library.document_page(&scope(), id, number).await?;
    Err(ApiError::new(
        ErrorCode::PageImageUnavailable,
        "there is no picture of this page; show its text",
    ))
}

fn parse((id, number): &(String, String)) -> Result<(DocumentId, u32), Refusal> {
    let id = document_id(id)?;
    let number = number
        .parse()
        .map_err(|_| Refusal::field("page", "must be a whole number from 1"))?;
    Ok((id, number))
}
