//! Repositories of the key's tenant. Another tenant's repository is not found.
//!
//! - `POST /api/v1/repositories` `{url, refs?}`: registers; 201 with the webhook and its secret, shown this once, and the
//!   first index job; 200 where the URL was registered already.
//! - `GET /api/v1/repositories?limit=&cursor=`: by name, at most 100 a page.
//! - `GET /api/v1/repositories/{id}`, `DELETE /api/v1/repositories/{id}` (204: hidden at once).
//! - `POST /api/v1/repositories/{id}/index?full=`: 202 with the queued job.
//! - `GET /api/v1/repositories/{id}/snapshots`: the searchable commits: tips first, then what refs have left.
//! - `DELETE /api/v1/repositories/{id}/snapshots/{commit}` (204: hidden at once and for good, out of storage in about a
//!   day; a tip is not searchable again until its ref moves).

mod snapshots;

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use kotadb_core::crypto;
use kotadb_core::db::jobs::{self, JobKind, NewJob, Trigger};
use kotadb_core::db::{Scope, Tx, hooks, repositories};
use kotadb_core::github::{RefPatterns, Remote};
use kotadb_core::http::scope::{ReadRepositories, WriteJobs, WriteRepositories};
use kotadb_core::http::{ApiError, Authorized, Cursor, Id, Json, Query, Resources, page_limit};
use kotadb_core::id::{HookId, RepositoryId, TenantId};
use kotadb_core::wire::{IssuedWebhook, List, NewRepository, QueuedJob, RegisteredRepository, Repository};
use serde::Deserialize;
use uuid::Uuid;

/// The routes of this family.
pub fn routes() -> Router<Resources> {
    Router::new()
        .route("/api/v1/repositories", get(list).post(register))
        .route("/api/v1/repositories/{id}", get(show).delete(delete))
        .route("/api/v1/repositories/{id}/index", post(index))
        .merge(snapshots::routes())
}

/// The query string of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

/// The query string of an index request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexQuery {
    /// Rebuild what is held already.
    #[serde(default)]
    full: bool,
}

async fn register(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Json(new): Json<NewRepository>,
) -> Result<(StatusCode, Json<RegisteredRepository>), ApiError> {
    let remote = Remote::parse(&new.url, &resources.config().git_allowed_origins)?;
    let patterns = RefPatterns::normalise(&new.refs)?;
    let hook = NewHook::make(&resources)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let (row, is_new) = repositories::register(&mut tx, key.tenant, &remote.name, &remote.url, &patterns).await?;
    let mut answer = RegisteredRepository { repository: row.clone().into(), webhook: None, job: None };
    if is_new {
        hooks::create(&mut tx, key.tenant, row.id, hook.id, &hook.sealed).await?;
        let queued = enqueue(&mut tx, key.tenant, row.id, Trigger::Register, false).await?;
        answer.webhook = Some(hook.issued);
        answer.job = Some(queued.id);
    }
    tx.commit().await?;
    if is_new {
        resources.wake().await;
    }
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(answer)))
}

async fn list(
    State(resources): State<Resources>,
    key: Authorized<ReadRepositories>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<Repository>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let after = query.cursor.map(|Cursor(name)| name);
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let mut rows = repositories::list(&mut tx, after.as_deref(), i64::from(limit)).await?;
    tx.commit().await?;
    // A page holds all of its last name, so the next one starts behind that name.
    let is_full = rows.len() >= limit as usize;
    let next = rows.last().filter(|_| is_full).map(|row| Cursor(row.name.clone()).encode());
    rows.retain(|row| key.sees(row.id));
    let items = rows.into_iter().map(Repository::from).collect();
    Ok(Json(List::page(items, next).with_total(key.repositories.len() as u64)))
}

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

async fn delete(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Id(id): Id<RepositoryId>,
) -> Result<StatusCode, ApiError> {
    key.require(id)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let was_there = repositories::delete(&mut tx, id).await?;
    tx.commit().await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found("repository")) }
}

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

/// A hook that is not stored yet.
struct NewHook {
    id: HookId,
    sealed: Vec<u8>,
    issued: IssuedWebhook,
}

impl NewHook {
    /// With a secret of 32 random bytes, in hexadecimal: people paste it into a form.
    fn make(resources: &Resources) -> Result<Self, ApiError> {
        let id = HookId(Uuid::now_v7());
        let secret = crypto::to_hex(&crypto::random::<32>());
        let sealed = resources.master_key()?.seal(&format!("hook:{id}"), secret.as_bytes());
        let base = resources.config().webhook_base_url.as_deref().unwrap_or_default();
        let url = format!("{}/webhooks/github/{id}", base.trim_end_matches('/'));
        Ok(Self { id, sealed, issued: IssuedWebhook { url, secret } })
    }
}
