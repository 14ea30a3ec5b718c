//! Pages of a document.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ids_core::error::Refusal;
use ids_core::id::DocumentId;
use ids_core::span::CharSpan;

use super::documents::document_id;
use crate::access::{Granted, ReadingPages};
use crate::error::ApiResult;
use crate::extract::{PathOf, QueryOf};
use crate::state::AppState;
use crate::wire::page::{BoxesBody, PageBody, PngBody};

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
    caller: Granted<ReadingPages>,
    PathOf(place): PathOf<(String, String)>,
) -> ApiResult<Json<PageBody>> {
    let (id, number) = parse(&place)?;
    let view = state
        .options
        .library
        .document_page(caller.scope(), id, number)
        .await?;
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
    caller: Granted<ReadingPages>,
    PathOf(place): PathOf<(String, String)>,
    QueryOf(mut fields): QueryOf,
) -> ApiResult<Json<BoxesBody>> {
    let (id, number) = parse(&place)?;
    let start = fields.whole_number("start").map_or(0, clipped);
    let end = fields.whole_number("end").map_or(u32::MAX, clipped);
    if end < start {
        fields.refuse("end", "must not lie before `start`");
    }
    fields.finish()?;
    let view = state
        .options
        .library
        .document_page(caller.scope(), id, number)
        .await?;
    Ok(Json(BoxesBody::new(&view.page, CharSpan::new(start, end))))
}

/// A page as it looks: a PNG of PDFs and pictures whose original is kept. Smaller than asked where the page is very long.
#[utoipa::path(
    get, path = "/api/v1/documents/{document_id}/pages/{page}/image", operation_id = "document_page_image", tag = "documents",
    params(
        ("document_id" = String, Path, description = "The document"),
        ("page" = u32, Path, description = "From 1"),
        ("width" = Option<u32>, Query, minimum = 100, maximum = 3000, description = "How wide, in pixels; 1200 if not given"),
    ),
    responses(
        (status = 200, description = "The picture", content_type = "image/png", body = inline(PngBody),
            headers(("ETag" = String, description = "The same as long as the picture is"))),
        (status = 304, description = "The picture is the one that `If-None-Match` names"),
    ),
)]
pub(crate) async fn image(
    State(state): State<AppState>,
    caller: Granted<ReadingPages>,
    PathOf(place): PathOf<(String, String)>,
    QueryOf(mut fields): QueryOf,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (id, number) = parse(&place)?;
    let width = fields.whole_number("width").map_or(USUAL_WIDTH, clipped);
    fields.finish()?;
    let library = &state.options.library;
    let original = library.page_original(caller.scope(), id, number, width).await?;
    // Another version of this program may draw it otherwise.
    let tag = format!("\"{}-{}\"", original.fingerprint(), state.options.build.version);
    // The address does not name the document's version, so browsers ask each time; the answer is mostly 304, and cheap.
    let validators = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    if names(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, validators).into_response());
    }
    let image = library.page_image(&original).await?;
    let content_type = [(header::CONTENT_TYPE, "image/png")];
    Ok((content_type, validators, Bytes::from_owner(PngBody(image))).into_response())
}

/// Readable on most screens, and sharp on small ones.
const USUAL_WIDTH: u32 = 1_200;

/// Whether `If-None-Match` names this tag.
fn names(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn clipped(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn parse((id, number): &(String, String)) -> Result<(DocumentId, u32), Refusal> {
    let id = document_id(id)?;
    let number = number
        .parse()
        .map_err(|_| Refusal::field("page", "must be a whole number from 1"))?;
    Ok((id, number))
}
