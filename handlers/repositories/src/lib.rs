//! Repositories of the key's tenant. Another tenant's repository is not found.
//!
//! - `POST /api/v1/repositories` `{url, refs?, priority?, schedule?}`: registers; 201 with the webhook and its secret,
//!   shown this once, and the first index job; 200 where the URL was registered already, with its webhook repaired.
//! - `GET /api/v1/repositories?limit=&cursor=`: by name, at most 100 a page.
//! - `GET /api/v1/repositories/{id}`, `DELETE /api/v1/repositories/{id}` (204: hidden at once, its webhook deleted).
//! - `PATCH /api/v1/repositories/{id}` `{refs?, priority?, schedule?}`: other refs are indexed by a new job.
//! - `POST /api/v1/repositories/{id}/webhook/rotate?overlap_seconds=`: a new secret; the former one stays valid for a day.
//! - `POST /api/v1/repositories/{id}/index?full=`: 202 with the queued job.
//! - `POST /api/v1/repositories/{id}/scip?commit=`: 202; an SCIP index of that commit, plain or packed by gzip.
//! - `GET /api/v1/repositories/{id}/snapshots`: the searchable commits: tips first, then what refs have left.
//! - `DELETE /api/v1/repositories/{id}/snapshots/{commit}` (204: hidden at once and for good, out of storage in about a
//!   day; a tip is not searchable again until its ref moves. 202: it is not searchable; what is left of commits that are
//!   not searchable any more leaves storage as well. 404: it is hidden already, or no commit id).
//! - `POST /api/v1/registrations?preview=` `{pattern?, installation?, refs?, priority?, schedule?}`: registers what a
//!   pattern of names matches, now and when it comes; a preview only lists it. `GET`, and `DELETE …/{id}`.
//!
//! GitHub is asked outside of transactions, and its failures never fail a registration.

mod change;
mod register;
mod registrations;
mod scip;
mod snapshots;
mod webhook;

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use kotadb_core::db::jobs::{self, JobKind, NewJob, Trigger};
use kotadb_core::db::{Scope, Tx, hooks, repositories};
use kotadb_core::http::registration::hook;
use kotadb_core::http::scope::{ReadRepositories, WriteJobs, WriteRepositories};
use kotadb_core::http::{
    ApiError, Authorized, Cursor, Id, Json, OpenApiRouter, PageQuery, Query, Resources, page_limit, routes,
};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::wire::{List, QueuedJob, Repository};
use serde::Deserialize;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default()
        .routes(routes!(list, register::register))
        .routes(routes!(show, delete, change::change))
        .routes(routes!(index))
        .routes(routes!(scip::send))
        .routes(routes!(webhook::rotate))
        .merge(registrations::routes())
        .merge(snapshots::routes())
}

/// The query string of an index request.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct IndexQuery {
    /// Rebuild what is held already.
    #[serde(default)]
    full: bool,
}

/// List repositories
///
/// By name.
#[utoipa::path(
    get,
    path = "/api/v1/repositories",
    tag = "repositories",
    operation_id = "list_repositories",
    params(PageQuery),
    responses((status = 200, description = "A page of repositories.", body = List<Repository>, links(
        ("repository" = (operation_id = "read_repository", parameters(("id" = "$response.body#/items/0/id")))),
    ))),
    security(("bearer" = ["repositories:read"]))
)]
async fn list(
    State(resources): State<Resources>,
    key: Authorized<ReadRepositories>,
    Query(query): Query<PageQuery>,
) -> Result<Json<List<Repository>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let after = query.cursor.map(|Cursor(name)| name);
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let only = key.only();
    let rows = repositories::list(&mut tx, after.as_deref(), i64::from(limit), only.as_deref()).await?;
    tx.commit().await?;
    // A page holds all of its last name, so the next one starts behind that name.
    let is_full = rows.len() >= limit as usize;
    let next = rows.last().filter(|_| is_full).map(|row| Cursor(row.name.clone()).encode());
    let items = rows.into_iter().map(Repository::from).collect();
    Ok(Json(List::page(items, next).with_total(key.repositories.len() as u64)))
}

/// Show a repository
#[utoipa::path(
    get,
    path = "/api/v1/repositories/{id}",
    tag = "repositories",
    operation_id = "read_repository",
    params(("id" = Uuid, Path, description = "Id of the repository.")),
    responses((status = 200, description = "The repository.", body = Repository)),
    security(("bearer" = ["repositories:read"]))
)]
async fn show(
    State(resources): State<Resources>,
    key: Authorized<ReadRepositories>,
    Id(id): Id<RepositoryId>,
) -> Result<Json<Repository>, ApiError> {
    key.require(id)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let row = repositories::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(row.ok_or_else(|| ApiError::not_found("repository"))?.into()))
}

/// Delete a repository
///
/// It is hidden at once and out of storage in about a day; its webhook is deleted.
#[utoipa::path(
    delete,
    path = "/api/v1/repositories/{id}",
    tag = "repositories",
    operation_id = "delete_repository",
    params(("id" = Uuid, Path, description = "Id of the repository.")),
    responses((status = 204, description = "It is hidden.")),
    security(("bearer" = ["repositories:write"]))
)]
async fn delete(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Id(id): Id<RepositoryId>,
) -> Result<StatusCode, ApiError> {
    key.require(id)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let row = repositories::get(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("repository"))?;
    let its_hook = hooks::of_repository(&mut tx, id).await?;
    let was_there = repositories::delete(&mut tx, id).await?;
    tx.commit().await?;
    if !was_there {
        return Err(ApiError::not_found("repository"));
    }
    if let Some(its_hook) = its_hook {
        hook::remove(&resources, key.tenant, &row, its_hook.id).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Index a repository
#[utoipa::path(
    post,
    path = "/api/v1/repositories/{id}/index",
    tag = "jobs",
    operation_id = "index_repository",
    params(("id" = Uuid, Path, description = "Id of the repository."), IndexQuery),
    responses((status = 202, description = "The queued job.", body = QueuedJob, links(
        ("job" = (operation_id = "read_job", parameters(("id" = "$response.body#/id")))),
        ("cancel" = (operation_id = "cancel_job", parameters(("id" = "$response.body#/id")))),
    ))),
    security(("bearer" = ["jobs:write"]))
)]
async fn index(
    State(resources): State<Resources>,
    key: Authorized<WriteJobs>,
    Id(id): Id<RepositoryId>,
    Query(query): Query<IndexQuery>,
) -> Result<(StatusCode, Json<QueuedJob>), ApiError> {
    key.require(id)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let queued = enqueue(&mut tx, key.tenant, id, Trigger::Manual, query.full).await?;
    tx.commit().await?;
    resources.wake().await;
    Ok((StatusCode::ACCEPTED, Json(queued)))
}

async fn enqueue(
    tx: &mut Tx,
    tenant: TenantId,
    repository: RepositoryId,
    trigger: Trigger,
    full: bool,
) -> Result<QueuedJob, ApiError> {
    let job = NewJob { tenant, repository, kind: JobKind::Index, trigger, full, delay: Duration::ZERO };
    Ok(jobs::enqueue(tx, &job).await?.into())
}
