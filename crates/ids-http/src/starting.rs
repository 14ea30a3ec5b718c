//! What is served while the library is being opened, which may take minutes when it is brought to a new schema.

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use ids_core::error::{ErrorCode, Refusal};

use crate::error::{status, title};
use crate::options::Phase;
use crate::routes::meta;
use crate::wire::error::ErrorBody;
use crate::wire::meta::PhaseBody;

/// `/live` answers, `/ready` says not yet, and everything else is asked to come back.
pub fn starting_router() -> Router {
    Router::new()
        .route("/live", get(meta::live))
        .route("/ready", get(not_ready))
        .fallback(come_back)
}

async fn not_ready() -> (StatusCode, Json<PhaseBody>) {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        Json(PhaseBody {
            status: Phase::Starting.as_str(),
        }),
    )
}

async fn come_back() -> Response {
    let refusal = Refusal::new(
        ErrorCode::DependencyUnavailable,
        "the server is starting; try again in a moment",
    )
    .retry_after(Duration::from_secs(1));
    // Nothing that names requests is there yet.
    let body = ErrorBody::new(title(refusal.code), &refusal, "");
    (status(refusal.code), [(header::RETRY_AFTER, "1")], Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::starting_router;

    async fn get(path: &str) -> (u16, Value) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = starting_router().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn while_it_starts_the_server_lives_and_is_not_ready() {
        assert_eq!(get("/live").await, (200, json!({"status": "alive"})));
        assert_eq!(get("/ready").await, (503, json!({"status": "starting"})));
        let (status, error) = get("/api/v1/documents").await;
        assert_eq!(
            (status, &error["error_code"]),
            (503, &json!("DEPENDENCY_UNAVAILABLE"))
        );
    }
}
