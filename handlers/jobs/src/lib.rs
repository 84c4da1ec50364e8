//! Jobs of the key's tenant. Another tenant's job is not found.
//!
//! - `GET /api/v1/jobs?repository=&limit=&cursor=`: newest first, at most 100 a page; `repository` takes a UUID or
//!   `owner/name`.
//! - `GET /api/v1/jobs/{id}`, with what happened to it.
//! - `POST /api/v1/jobs/{id}/cancel`: ends a queued job at once; asks the worker of a running one to end it, which takes up to
//!   a heartbeat.
//! - `POST /api/v1/jobs/{id}/retry`: queues a dead or cancelled job again, and ends a suspension for crashes.

use axum::extract::State;
use axum::http::StatusCode;
use kotadb_core::db::jobs::{JobRow, JobState, Moved};
use kotadb_core::db::{Scope, jobs};
use kotadb_core::http::scope::{ReadJobs, WriteJobs};
use kotadb_core::http::{
    ApiError, Authorized, Code, Cursor, Id, Json, OpenApiRouter, Query, Resources, page_limit, routes,
};
use kotadb_core::id::JobId;
use kotadb_core::wire::{Job, JobEvent, List, QueuedJob};
use serde::Deserialize;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(show)).routes(routes!(cancel)).routes(routes!(retry))
}

/// The query string of the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those of this repository: a UUID or `owner/name`.
    #[param(format = "repository")]
    repository: Option<String>,
    /// Most items of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// List jobs
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    tag = "jobs",
    operation_id = "list_jobs",
    params(ListQuery),
    responses(
        (status = 200, description = "A page of jobs.", body = List<Job>, links(
            ("job" = (operation_id = "read_job", parameters(("id" = "$response.body#/items/0/id")))),
        )),
        (status = 404, description = "`not_found`: no such repository is visible to this key."),
    ),
    security(("bearer" = ["jobs:read"]))
)]
async fn list(
    State(resources): State<Resources>,
    key: Authorized<ReadJobs>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<Job>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let before = query.cursor.map(|Cursor(id)| id.parse::<JobId>()).transpose();
    let before = before.map_err(|_| ApiError::invalid_request("`cursor` is of another list"))?;
    let repository = query.repository.map(|text| key.repository(&text)).transpose()?.map(|visible| visible.id);
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let only = repository.map(|id| vec![id]).or_else(|| key.only());
    let rows = jobs::list(&mut tx, only.as_deref(), before, i64::from(limit) + 1).await?;
    tx.commit().await?;
    let (mut rows, next) = Cursor::page(rows, limit as usize, |row| row.id.to_string());
    // Those of deleted repositories.
    rows.retain(|row| key.sees(row.repository));
    Ok(Json(List::page(rows.into_iter().map(Job::from).collect(), next)))
}

/// Show a job
///
/// With what happened to it.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}",
    tag = "jobs",
    operation_id = "read_job",
    params(("id" = Uuid, Path, description = "Id of the job.")),
    responses((status = 200, description = "The job.", body = Job)),
    security(("bearer" = ["jobs:read"]))
)]
async fn show(
    State(resources): State<Resources>,
    key: Authorized<ReadJobs>,
    Id(id): Id<JobId>,
) -> Result<Json<Job>, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let row = jobs::get(&mut tx, id).await?;
    let events = jobs::events(&mut tx, id).await?;
    tx.commit().await?;
    let row = row.filter(|row| key.sees(row.repository)).ok_or_else(|| ApiError::not_found("job"))?;
    let events = events.into_iter().map(JobEvent::from).collect();
    Ok(Json(Job { events: Some(events), ..row.into() }))
}

/// Cancel a job
///
/// Ends a queued job at once; asks the worker of a running one to end it, which takes up to a heartbeat.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/cancel",
    tag = "jobs",
    operation_id = "cancel_job",
    params(("id" = Uuid, Path, description = "Id of the job.")),
    responses(
        (status = 200, description = "The job as it is now.", body = Job, links(
            ("retry" = (operation_id = "retry_job", parameters(("id" = "$response.body#/id")))),
        )),
        (status = 409, description = "`job_state`: it has ended."),
    ),
    security(("bearer" = ["jobs:write"]))
)]
async fn cancel(
    State(resources): State<Resources>,
    key: Authorized<WriteJobs>,
    Id(id): Id<JobId>,
) -> Result<Json<Job>, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let moved = jobs::cancel(&mut tx, id).await?;
    let row = jobs::get(&mut tx, id).await?;
    // Where the key may not see the repository, the transaction ends without a commit.
    let (_, row) = moved_row(moved, row.filter(|row| key.sees(row.repository)), "cancelled")?;
    tx.commit().await?;
    Ok(Json(row.into()))
}

/// Retry a job
///
/// Queues a dead or cancelled job again, and ends a suspension for crashes.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/retry",
    tag = "jobs",
    operation_id = "retry_job",
    params(("id" = Uuid, Path, description = "Id of the job.")),
    responses(
        (status = 202, description = "It is queued.", body = QueuedJob),
        (status = 409, description = "`job_state`: it has not ended so that it can be tried again."),
    ),
    security(("bearer" = ["jobs:write"]))
)]
async fn retry(
    State(resources): State<Resources>,
    key: Authorized<WriteJobs>,
    Id(id): Id<JobId>,
) -> Result<(StatusCode, Json<QueuedJob>), ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let moved = jobs::retry(&mut tx, id).await?;
    let row = jobs::get(&mut tx, id).await?;
    let (moved, _) = moved_row(moved, row.filter(|row| key.sees(row.repository)), "retried")?;
    tx.commit().await?;
    resources.wake().await;
    let queued = QueuedJob {
        id: moved.job.to_string(),
        state: JobState::Queued.as_str().to_owned(),
        coalesced: moved.state == JobState::Superseded,
    };
    Ok((StatusCode::ACCEPTED, Json(queued)))
}

/// The job, if the key sees it and it was in a state to be moved.
fn moved_row(moved: Option<Moved>, row: Option<JobRow>, done: &str) -> Result<(Moved, JobRow), ApiError> {
    let (moved, row) = moved.zip(row).ok_or_else(|| ApiError::not_found("job"))?;
    if moved.moved {
        return Ok((moved, row));
    }
    let state = moved.state.as_str();
    Err(ApiError::new(Code::JobState, format!("the job is `{state}`, so it cannot be {done}")))
}
