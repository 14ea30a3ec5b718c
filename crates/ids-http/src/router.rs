//! Which address leads where.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post, put};

use crate::access::guard;
use crate::observe::observe;
use crate::options::HttpOptions;
use crate::routes::{
    chat, documents, events, keys, local, mcp, meta, openai, pages, privacy, queue, reindex, search, sources,
    uploads, usage, web,
};
use crate::state::AppState;

/// What is served to programs and browsers. Without keys: to those of this machine.
pub fn router(options: HttpOptions) -> Router {
    let state = AppState::new(options, false);
    finish(public(&state), state)
}

/// The same, and what only this machine's own command line may ask: for the socket in the data directory, or within the
/// process. Whoever reaches it is trusted.
pub fn local_router(options: HttpOptions) -> Router {
    let state = AppState::new(options, true);
    let routes = public(&state)
        .route("/local/source-state", post(local::source_state))
        .route("/local/sources", post(sources::list))
        .route("/local/source-move", post(sources::change))
        .route(
            "/local/organizations",
            get(local::organizations).post(local::ensure_organization),
        )
        .route("/local/reindex/embeddings", get(local::reindex_state))
        .route("/local/reindex/embeddings/embed", post(local::embed_what_lacks))
        .route(
            "/local/reindex/embeddings/remove",
            post(local::remove_other_embeddings),
        )
        .route("/local/organizations/{name}", delete(local::delete_organization));
    finish(routes, state)
}

fn public(state: &AppState) -> Router<AppState> {
    let largest_form = usize::try_from(state.max_multipart()).unwrap_or(usize::MAX);
    let api = Router::new()
        .route(
            "/documents",
            get(documents::list)
                .post(uploads::upload)
                .layer(DefaultBodyLimit::max(largest_form)),
        )
        .route("/documents/upload/presigned", post(uploads::presigned))
        .route("/documents/search", post(search::search))
        .route("/documents/stats", get(documents::stats))
        .route("/documents/health", get(documents::health))
        .route(
            "/documents/{document_id}",
            get(documents::get)
                .patch(documents::change)
                .delete(documents::delete),
        )
        .route("/documents/{document_id}/process", post(uploads::process))
        .route("/documents/{document_id}/reindex", post(reindex::reindex))
        .route("/documents/{document_id}/status", get(documents::status))
        .route("/documents/{document_id}/events", get(events::events))
        .route("/documents/{document_id}/pages/{page}", get(pages::page))
        .route("/documents/{document_id}/pages/{page}/boxes", get(pages::boxes))
        .route("/documents/{document_id}/pages/{page}/image", get(pages::image))
        .route("/documents/{document_id}/chunks", get(documents::chunks))
        .route("/documents/{document_id}/analysis", get(documents::analysis))
        .route("/uploads/{organization}/{upload_id}", put(uploads::receive))
        .route(
            "/collections",
            get(documents::collections).post(documents::create_collection),
        )
        .route("/collections/{name}", delete(documents::delete_collection))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{key_id}", delete(keys::revoke))
        .route("/audit", get(keys::audit))
        .route("/login", post(keys::login))
        .route("/logout", post(keys::logout))
        .route("/chat/ask", post(chat::ask))
        .route("/chat/sessions", get(chat::sessions))
        .route(
            "/chat/sessions/{session_id}",
            get(chat::session).patch(chat::rename).delete(chat::delete),
        )
        .route(
            "/chat/sessions/{session_id}/messages/{message_id}/feedback",
            post(chat::rate),
        )
        .route("/chat/health", get(chat::health))
        .route("/usage", get(usage::usage))
        .route("/usage/budget", get(usage::budget).put(usage::set_budget))
        .route("/usage/estimate", get(usage::estimate))
        .route("/privacy/find-person", post(privacy::find_person))
        .route("/privacy/find-sessions", post(privacy::find_sessions))
        .route("/privacy/erase", post(privacy::erase))
        .route("/queue/info", get(queue::list))
        .route("/queue/info/{queue}", get(queue::info))
        .route("/queue/health", get(queue::health))
        .route("/queue/jobs", get(queue::jobs))
        .route("/queue/cleanup", post(queue::cleanup))
        .route("/queue/job/{job_id}", get(queue::job))
        .route("/queue/job/{job_id}/cancel", post(queue::cancel))
        .route("/queue/job/{job_id}/retry", post(queue::retry));
    Router::new()
        .nest("/api/v1", api)
        .route("/v1/chat/completions", post(openai::completions::create))
        .route("/v1/embeddings", post(openai::embeddings::create))
        .route("/v1/models", get(openai::models::list))
        // Names of collections stand in those of models, and may hold a slash.
        .route("/v1/models/{*model}", get(openai::models::get))
        .route("/mcp", post(mcp::receive))
        .route("/", get(web::index))
        .route("/assets/{hash}/{*path}", get(web::asset))
        .route("/docs", get(web::docs))
        .route("/openapi.json", get(web::openapi_json))
        .route("/health", get(meta::health))
        .route("/live", get(meta::live))
        .route("/ready", get(meta::ready))
        .route("/info", get(meta::info))
        .route("/metrics", get(meta::metrics))
}

fn finish(routes: Router<AppState>, state: AppState) -> Router {
    routes
        .fallback(web::not_found_at_all)
        // The last layer is the outermost.
        .layer(from_fn_with_state(state.clone(), guard))
        .layer(from_fn_with_state(state.clone(), observe))
        .with_state(state)
}
