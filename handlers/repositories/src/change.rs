//! `PATCH /api/v1/repositories/{id}`: other refs, priority or schedule. Refs that are tracked from now on are indexed by a
//! job.

use axum::extract::State;
use kotadb_core::db::Scope;
use kotadb_core::db::jobs::Trigger;
use kotadb_core::db::repositories::{self, Changes};
use kotadb_core::github::RefPatterns;
use kotadb_core::http::registration::{check_priority, check_schedule};
use kotadb_core::http::scope::WriteRepositories;
use kotadb_core::http::{ApiError, Authorized, Id, Json, Resources};
use kotadb_core::id::RepositoryId;
use kotadb_core::wire::{ChangedRepository, RegisteredRepository};

/// Change a repository
///
/// Refs that are tracked from now on are indexed by a job.
#[utoipa::path(
    patch,
    path = "/api/v1/repositories/{id}",
    tag = "repositories",
    operation_id = "change_repository",
    params(("id" = Uuid, Path, description = "Id of the repository.")),
    request_body = ChangedRepository,
    responses((status = 200, description = "The repository as it is now.", body = RegisteredRepository)),
    security(("bearer" = ["repositories:write"]))
)]
pub(crate) async fn change(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Id(id): Id<RepositoryId>,
    Json(changed): Json<ChangedRepository>,
) -> Result<Json<RegisteredRepository>, ApiError> {
    key.require(id)?;
    let changes = checked(&changed)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let before = repositories::get(&mut tx, id).await?;
    let row = repositories::change(&mut tx, id, &changes).await?.ok_or_else(|| ApiError::not_found("repository"))?;
    let is_other = before.is_some_and(|before| before.ref_patterns != row.ref_patterns);
    let job = match is_other {
        true => Some(crate::enqueue(&mut tx, key.tenant, id, Trigger::Manual, false).await?.id),
        false => None,
    };
    tx.commit().await?;
    if is_other {
        resources.wake().await;
    }
    Ok(Json(RegisteredRepository { repository: row.into(), webhook: None, job }))
}

fn checked(changed: &ChangedRepository) -> Result<Changes, ApiError> {
    Ok(Changes {
        ref_patterns: changed.refs.as_deref().map(RefPatterns::normalise).transpose()?,
        priority: changed.priority.map(|priority| priority.map(check_priority).transpose()).transpose()?,
        schedule: changed.schedule.as_ref().map(|text| text.as_deref().map(check_schedule).transpose()).transpose()?,
    })
}
