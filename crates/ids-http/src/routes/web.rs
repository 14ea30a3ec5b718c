//! The page, its assets, and the readable form of the API's description.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ids_core::error::ErrorCode;

use crate::assets;
use crate::error::{ApiError, ApiResult};
use crate::extract::PathOf;

/// The address holds the hash of all assets, so what it gives never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Pages name the assets of one build: browsers ask each time whether there is a newer one.
const ASK_AGAIN: &str = "no-cache";

pub(crate) async fn index() -> ApiResult<Response> {
    page("index.html")
}

pub(crate) async fn docs() -> ApiResult<Response> {
    page("docs.html")
}

fn page(name: &str) -> ApiResult<Response> {
    let html = assets::html(name).ok_or_else(not_found)?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, ASK_AGAIN),
    ];
    Ok((headers, html).into_response())
}

pub(crate) async fn asset(PathOf((hash, path)): PathOf<(String, String)>) -> ApiResult<Response> {
    // Another build's assets are gone: what stands here now may not fit the page that asks.
    let (bytes, content_type) = Some(hash)
        .filter(|hash| *hash == *assets::HASH)
        .and_then(|_| assets::find(&path))
        .ok_or_else(not_found)?;
    Ok((
        [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, FOR_EVER),
        ],
        bytes,
    )
        .into_response())
}

pub(crate) async fn openapi_json() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::openapi())
}

/// What answers at addresses that are not ours.
pub(crate) async fn not_found_at_all() -> ApiError {
    not_found()
}

fn not_found() -> ApiError {
    ApiError::new(
        ErrorCode::RouteNotFound,
        "there is nothing at this address; `/docs` lists those there are",
    )
}
