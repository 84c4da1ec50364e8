//! Jobs of the key's tenant. Another tenant's job is not found.
//!
//! - `GET /api/v1/jobs?repository=&limit=&cursor=`: newest first, at most 100 a page; `repository` takes a UUID or
//!   `owner/name`.
//! - `GET /api/v1/jobs/{id}`, with what happened to it.
//! - `POST /api/v1/jobs/{id}/cancel`: ends a queued job at once; asks the worker of a running one to end it, which takes up to
//!   a heartbeat.
//! - `POST /api/v1/jobs/{id}/retry`: queues a dead or cancelled job again, and ends a suspension for crashes.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use kotadb_core::db::jobs::{JobRow, JobState, Moved};
use kotadb_core::db::{Scope, jobs};
use kotadb_core::http::scope::{ReadJobs, WriteJobs};
use kotadb_core::http::{ApiError, Authorized, Code, Cursor, Id, Json, Query, Resources, page_limit};
use kotadb_core::id::JobId;
use kotadb_core::wire::{Job, JobEvent, List, QueuedJob};
use serde::Deserialize;

/// The routes of this family.
pub fn routes() -> Router<Resources> {
    Router::new()
        .route("/api/v1/jobs", get(list))
        .route("/api/v1/jobs/{id}", get(show))
        .route("/api/v1/jobs/{id}/cancel", post(cancel))
        .route("/api/v1/jobs/{id}/retry", post(retry))
}

/// The query string of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    repository: Option<String>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

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
    let rows = jobs::list(&mut tx, repository, before, i64::from(limit) + 1).await?;
    tx.commit().await?;
    let (mut rows, next) = Cursor::page(rows, limit as usize, |row| row.id.to_string());
    rows.retain(|row| key.sees(row.repository));
    Ok(Json(List::page(rows.into_iter().map(Job::from).collect(), next)))
}

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
