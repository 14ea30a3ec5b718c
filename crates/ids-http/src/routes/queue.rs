//! Queues and jobs.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ids_core::error::{ErrorCode, Refusal};
use ids_core::id::JobId;
use ids_core::job::QueueName;

use crate::access::scope;
use crate::error::{ApiError, ApiResult};
use crate::extract::{PathOf, parse_id};
use crate::state::AppState;
use crate::wire::queue::{JobBody, QueueBody, QueueHealthBody, QueueListBody};
use crate::wire::time::rfc3339;

/// How many jobs of each queue stand where.
#[utoipa::path(
    get, path = "/api/v1/queue/info", operation_id = "list_queues", tag = "queue",
    responses((status = 200, description = "All queues", body = QueueListBody)),
)]
pub(crate) async fn list(State(state): State<AppState>) -> ApiResult<Json<QueueListBody>> {
    let counts = state.options.library.job_counts(&scope()).await?;
    let queues = QueueName::ALL
        .into_iter()
        .map(|queue| QueueBody::new(queue, &counts))
        .collect();
    Ok(Json(QueueListBody { queues }))
}

/// How many jobs of a queue stand where.
#[utoipa::path(
    get, path = "/api/v1/queue/info/{queue}", operation_id = "get_queue", tag = "queue",
    params(("queue" = String, Path, description = "document_processing or cleanup_tasks")),
    responses((status = 200, description = "The queue", body = QueueBody)),
)]
pub(crate) async fn info(
    State(state): State<AppState>,
    PathOf(name): PathOf<String>,
) -> ApiResult<Json<QueueBody>> {
    let queue = QueueName::from_name(&name).ok_or_else(|| {
        let names = QueueName::ALL.map(QueueName::as_str).join("`, `");
        ApiError::new(
            ErrorCode::RouteNotFound,
            format!("there is no queue of that name; the queues are `{names}`"),
        )
    })?;
    let counts = state.options.library.job_counts(&scope()).await?;
    Ok(Json(QueueBody::new(queue, &counts)))
}

/// Whether jobs can be worked with. Open without a key: it names nobody.
#[utoipa::path(
    get, path = "/api/v1/queue/health", operation_id = "queue_health", tag = "queue",
    responses((status = 200, description = "They can; else 503", body = QueueHealthBody)),
)]
pub(crate) async fn health(State(state): State<AppState>) -> ApiResult<Json<QueueHealthBody>> {
    let counts = state.options.library.job_counts(&scope()).await?;
    let waiting = |queue: QueueName| {
        counts
            .iter()
            .find(|of| of.queue == queue)
            .map_or(0, |of| of.queued)
    };
    Ok(Json(QueueHealthBody {
        status: "healthy",
        queues: QueueName::ALL
            .into_iter()
            .map(|queue| (queue.as_str(), waiting(queue)))
            .collect(),
        timestamp: rfc3339(state.options.library.ports().clock.now()),
    }))
}

/// A job.
#[utoipa::path(
    get, path = "/api/v1/queue/job/{job_id}", operation_id = "get_job", tag = "queue",
    params(("job_id" = String, Path, description = "The job")),
    responses((status = 200, description = "The job", body = JobBody)),
)]
pub(crate) async fn job(
    State(state): State<AppState>,
    PathOf(id): PathOf<String>,
) -> ApiResult<Json<JobBody>> {
    let job = state.options.library.get_job(&scope(), job_id(&id)?).await?;
    Ok(Json(JobBody::from(&job)))
}

/// Stops a job within five seconds; what it made is removed.
#[utoipa::path(
    post, path = "/api/v1/queue/job/{job_id}/cancel", operation_id = "cancel_job", tag = "queue",
    params(("job_id" = String, Path, description = "The job")),
    responses((status = 202, description = "The job", body = JobBody)),
)]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    PathOf(id): PathOf<String>,
) -> ApiResult<(StatusCode, Json<JobBody>)> {
    let job = state.options.library.cancel_job(&scope(), job_id(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(JobBody::from(&job))))
}

/// Queues a failed or cancelled job again, under the same id.
#[utoipa::path(
    post, path = "/api/v1/queue/job/{job_id}/retry", operation_id = "retry_job", tag = "queue",
    params(("job_id" = String, Path, description = "The job")),
    responses((status = 202, description = "The job", body = JobBody)),
)]
pub(crate) async fn retry(
    State(state): State<AppState>,
    PathOf(id): PathOf<String>,
) -> ApiResult<(StatusCode, Json<JobBody>)> {
    let job = state.options.library.retry_job(&scope(), job_id(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(JobBody::from(&job))))
}

fn job_id(text: &str) -> Result<JobId, Refusal> {
    parse_id(text, ErrorCode::JobNotFound, "job")
}
