//! What the server says of itself: health, readiness, what runs, figures, its API.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, join_all};
use ids_core::access::Permission;

use crate::access::{Administering, Anything, Granted, IsLoopback};
use crate::classic::from_openmetrics;
use crate::error::{ApiError, ApiResult};
use crate::metrics::{CLASSIC, OPENMETRICS};
use crate::options::{Access, Phase};
use crate::state::AppState;
use crate::wire::meta::{DependencyBody, HealthBody, InfoBody, PhaseBody};
use crate::wire::time::rfc3339;

/// How long a dependency may take to say that it is well.
const PATIENCE: Duration = Duration::from_secs(2);
const DATABASE: &str = "database";

/// Whether the server and what it needs are well. 503 only without the database.
#[utoipa::path(
    get, path = "/health", operation_id = "health", tag = "server",
    responses(
        (status = 200, description = "healthy or degraded", body = HealthBody),
        (status = 503, description = "unhealthy: the database is down", body = HealthBody),
    ),
)]
pub(crate) async fn health(State(state): State<AppState>) -> (StatusCode, Json<HealthBody>) {
    let (status, body) = state.health.get(examine(&state)).await;
    (status, Json(body))
}

async fn examine(state: &AppState) -> (StatusCode, HealthBody) {
    let documents = &state.options.library.ports().documents;
    let database = async { documents.ping().await.map_err(|error| format!("{error:?}")) };
    let mut probes: Vec<BoxFuture<'_, (&'static str, DependencyBody)>> =
        vec![Box::pin(ask(DATABASE, database))];
    for probe in &state.options.health {
        probes.push(Box::pin(ask(probe.name(), probe.check())));
    }
    let dependencies: std::collections::BTreeMap<_, _> = join_all(probes).await.into_iter().collect();
    let is_well = |dependency: &DependencyBody| dependency.status == "healthy";
    let (code, status) = if !dependencies.get(DATABASE).is_some_and(is_well) {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy")
    } else if dependencies.values().all(is_well) {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::OK, "degraded")
    };
    let body = HealthBody {
        status,
        version: state.options.build.version.clone(),
        dependencies,
    };
    (code, body)
}

async fn ask(
    name: &'static str,
    check: impl Future<Output = Result<(), String>>,
) -> (&'static str, DependencyBody) {
    let started = Instant::now();
    let answer = tokio::time::timeout(PATIENCE, check).await;
    let latency_ms = (started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    let status = match answer {
        Ok(Ok(())) => "healthy",
        Ok(Err(reason)) => {
            // Who asks may be anyone: the reason is for the log.
            tracing::warn!(dependency = name, reason, "`{name}` is not well");
            "unhealthy"
        }
        Err(_) => {
            tracing::warn!(
                dependency = name,
                "`{name}` did not answer within {} s",
                PATIENCE.as_secs()
            );
            "unhealthy"
        }
    };
    (name, DependencyBody { status, latency_ms })
}

/// The process answers; nothing else is asked.
#[utoipa::path(
    get, path = "/live", operation_id = "live", tag = "server",
    responses((status = 200, description = "It does", body = PhaseBody)),
)]
pub(crate) async fn live() -> Json<PhaseBody> {
    Json(PhaseBody { status: "alive" })
}

/// Whether requests should be sent here.
#[utoipa::path(
    get, path = "/ready", operation_id = "ready", tag = "server",
    responses(
        (status = 200, description = "ready", body = PhaseBody),
        (status = 503, description = "starting, migrating or draining", body = PhaseBody),
    ),
)]
pub(crate) async fn ready(State(state): State<AppState>) -> (StatusCode, Json<PhaseBody>) {
    let phase = state.options.readiness.phase();
    let code = if phase == Phase::Ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        code,
        Json(PhaseBody {
            status: phase.as_str(),
        }),
    )
}

/// What is running.
#[utoipa::path(
    get, path = "/info", operation_id = "info", tag = "server",
    responses((status = 200, description = "Version and settings that clients need", body = InfoBody)),
)]
pub(crate) async fn info(State(state): State<AppState>, caller: Granted<Anything>) -> Json<InfoBody> {
    let options = &state.options;
    let embedder = options.library.ports().embedders.current();
    let model = embedder.model();
    Json(InfoBody {
        name: "ids",
        version: options.build.version.clone(),
        commit: options.build.commit.clone(),
        started_at: rfc3339(state.started_at),
        auth: match options.access {
            Access::Off => "off",
            Access::Keys(_) => "keys",
        },
        scopes: caller.permissions().iter().map(Permission::as_str).collect(),
        upload_origin: options.library.ports().blobs.upload_origin(),
        embedding_model: model.name.clone(),
        embedding_dimensions: model.dimensions,
        max_file_size: options.library.settings().max_file_size,
    })
}

/// Figures for Prometheus: OpenMetrics for who asks for it by `Accept`, else the classic text.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "server",
    responses((
        status = 200, description = "The text format of Prometheus",
        content((String = "text/plain"), (String = "application/openmetrics-text")),
    )),
)]
pub(crate) async fn metrics(
    State(state): State<AppState>,
    IsLoopback(is_loopback): IsLoopback,
    caller: Result<Granted<Administering>, ApiError>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    if !is_loopback {
        caller?;
    }
    let text = state.metrics.get(figures(&state)).await;
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let (content_type, text) = match accepted {
        Some(types) if types.contains("application/openmetrics-text") => (OPENMETRICS, text),
        _ => (CLASSIC, from_openmetrics(&text)),
    };
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}

async fn figures(state: &AppState) -> String {
    let options = &state.options;
    let (_, health) = state.health.get(examine(state)).await;
    options
        .metrics
        .render(
            &options.library,
            state.started_at,
            &options.folders,
            &health.dependencies,
        )
        .await
}
