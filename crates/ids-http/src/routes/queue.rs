//! Queues and jobs.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ids_core::access::Permission;
use ids_core::cleanup::CleanupTask;
use ids_core::error::{ErrorCode, Refusal};
use ids_core::id::JobId;
use ids_core::job::{JobStatus, QueueName};
use ids_core::library::AnyJob;

use super::documents::DEFAULT_ROWS;
use crate::access::{Administering, Granted, Ingesting, Reading};
use crate::error::{ApiError, ApiResult};
use crate::extract::{Fields, JsonBody, PathOf, QueryOf, parse_id};
use crate::state::AppState;
use crate::wire;
use crate::wire::queue::{CleanupBody, JobBody, JobListBody, QueueBody, QueueHealthBody, QueueListBody};
use crate::wire::time::rfc3339;

/// How many jobs of each queue stand where.
#[utoipa::path(
    get, path = "/api/v1/queue/info", operation_id = "list_queues", tag = "queue",
    responses((status = 200, description = "All queues", body = QueueListBody)),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Granted<Reading>,
) -> ApiResult<Json<QueueListBody>> {
    let counts = state.options.library.job_counts(caller.scope()).await?;
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
    caller: Granted<Reading>,
    PathOf(name): PathOf<String>,
) -> ApiResult<Json<QueueBody>> {
    let queue = QueueName::from_name(&name).ok_or_else(|| {
        let names = QueueName::ALL.map(QueueName::as_str).join("`, `");
        ApiError::new(
            ErrorCode::RouteNotFound,
            format!("there is no queue of that name; the queues are `{names}`"),
        )
    })?;
    let counts = state.options.library.job_counts(caller.scope()).await?;
    Ok(Json(QueueBody::new(queue, &counts)))
}

/// Whether jobs can be worked with. Open without a key: it names nobody.
#[utoipa::path(
    get, path = "/api/v1/queue/health", operation_id = "queue_health", tag = "queue",
    responses((status = 200, description = "They can; else 503", body = QueueHealthBody)),
)]
pub(crate) async fn health(State(state): State<AppState>) -> ApiResult<Json<QueueHealthBody>> {
    state.queue_health.get(examine(&state)).await.map(Json)
}

async fn examine(state: &AppState) -> ApiResult<QueueHealthBody> {
    let library = &state.options.library;
    let counts = library.all_job_counts().await?;
    let workers = library.live_workers().await?;
    let waiting = |queue: QueueName| {
        counts
            .iter()
            .find(|of| of.queue == queue)
            .map_or(0, |of| of.queued)
    };
    let working = |queue: QueueName| workers.iter().filter(|it| it.queues.contains(&queue)).count();
    Ok(QueueHealthBody {
        status: "healthy",
        queues: QueueName::ALL
            .map(|queue| (queue.as_str(), waiting(queue)))
            .into(),
        workers: QueueName::ALL
            .map(|queue| (queue.as_str(), working(queue)))
            .into(),
        timestamp: rfc3339(library.ports().clock.now()),
    })
}

/// Lists jobs, newest first.
#[utoipa::path(
    get, path = "/api/v1/queue/jobs", operation_id = "list_jobs", tag = "queue",
    params(
        ("queue" = Option<String>, Query, description = "Only this queue"),
        ("status" = Option<String>, Query, description = "Only this status"),
        ("limit" = Option<u32>, Query, description = "Rows, 1 to 1000; 50 if not given"),
        ("offset" = Option<u32>, Query, description = "Rows to pass over"),
    ),
    responses((status = 200, description = "A page of jobs", body = JobListBody)),
)]
pub(crate) async fn jobs(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    QueryOf(mut fields): QueryOf,
) -> ApiResult<Json<JobListBody>> {
    let queue = fields.choice(
        "queue",
        &QueueName::ALL.map(QueueName::as_str),
        QueueName::from_name,
    );
    let status = fields.choice(
        "status",
        &JobStatus::ALL.map(JobStatus::as_str),
        JobStatus::from_name,
    );
    let (limit, offset) = (fields.count("limit", DEFAULT_ROWS), fields.count("offset", 0));
    fields.finish()?;
    let library = &state.options.library;
    let jobs = library
        .list_jobs(caller.scope(), queue, status, limit, offset)
        .await?;
    Ok(Json(JobListBody {
        jobs: jobs.iter().map(JobBody::from).collect(),
    }))
}

/// Asks for a cleanup. Each also runs by itself once an hour.
#[utoipa::path(
    post, path = "/api/v1/queue/cleanup", operation_id = "cleanup", tag = "queue",
    request_body = wire::queue::CleanupRequest,
    responses((status = 202, description = "It waits for a worker", body = CleanupBody)),
)]
pub(crate) async fn cleanup(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    JsonBody(fields): JsonBody,
) -> ApiResult<(StatusCode, Json<CleanupBody>)> {
    let (task, older_than) = read_cleanup(fields)?;
    let library = &state.options.library;
    let cleanup = library.request_cleanup(caller.scope(), task, older_than).await?;
    library
        .record(
            caller.scope(),
            caller.key_id(),
            "cleanup.requested",
            task.as_str(),
        )
        .await;
    Ok((StatusCode::ACCEPTED, Json(CleanupBody::from(&cleanup))))
}

pub(crate) fn read_cleanup(mut fields: Fields) -> Result<(CleanupTask, Option<Duration>), Refusal> {
    let names = CleanupTask::ALL.map(CleanupTask::as_str);
    let task = fields.choice("task_type", &names, CleanupTask::from_name);
    let hours = fields.whole_number("older_than_hours");
    if task.is_none() && !fields.has_refused("task_type") {
        fields.refuse("task_type", format!("must be one of {}", names.join(", ")));
    }
    fields.finish()?;
    // `finish` has refused what is missing.
    let task = task.ok_or_else(|| Refusal::field("task_type", "is required"))?;
    let older_than = hours.map(|hours| Duration::from_secs(hours.saturating_mul(3_600)));
    Ok((task, older_than))
}

/// A job.
#[utoipa::path(
    get, path = "/api/v1/queue/job/{job_id}", operation_id = "get_job", tag = "queue",
    params(("job_id" = String, Path, description = "The job")),
    responses((status = 200, description = "The job", body = JobBody)),
)]
pub(crate) async fn job(
    State(state): State<AppState>,
    caller: Granted<Ingesting>,
    PathOf(id): PathOf<String>,
) -> ApiResult<Json<JobBody>> {
    let job = state
        .options
        .library
        .get_job(caller.scope(), job_id(&id)?)
        .await?;
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
    caller: Granted<Ingesting>,
    PathOf(id): PathOf<String>,
) -> ApiResult<(StatusCode, Json<JobBody>)> {
    let id = job_id(&id)?;
    check_steering(&state, &caller, id).await?;
    let job = state.options.library.cancel_job(caller.scope(), id).await?;
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
    caller: Granted<Ingesting>,
    PathOf(id): PathOf<String>,
) -> ApiResult<(StatusCode, Json<JobBody>)> {
    let id = job_id(&id)?;
    check_steering(&state, &caller, id).await?;
    let job = state.options.library.retry_job(caller.scope(), id).await?;
    Ok((StatusCode::ACCEPTED, Json(JobBody::from(&job))))
}

/// Cleanups are an administrator's: they remove what belongs to the whole organization.
async fn check_steering(state: &AppState, caller: &Granted<Ingesting>, id: JobId) -> Result<(), Refusal> {
    let job = state.options.library.get_job(caller.scope(), id).await?;
    if matches!(job, AnyJob::Cleanup(_)) && !caller.permissions().allow(Permission::Admin) {
        return Err(Refusal::new(
            ErrorCode::Forbidden,
            "cleanups are steered with a key of the scope `admin`",
        ));
    }
    Ok(())
}

fn job_id(text: &str) -> Result<JobId, Refusal> {
    parse_id(text, ErrorCode::JobNotFound, "job")
}
