//! `POST /api/v1/repositories/{id}/webhook/rotate`: another secret for the webhook of a repository.

use axum::extract::State;
use kotadb_core::db::{Scope, repositories};
use kotadb_core::http::registration::hook;
use kotadb_core::http::scope::WriteRepositories;
use kotadb_core::http::{ApiError, Authorized, Id, Json, Query, Resources};
use kotadb_core::id::RepositoryId;
use kotadb_core::wire::IssuedWebhook;
use serde::Deserialize;

/// The former secret stays valid for a day.
const OVERLAP_SECONDS: i64 = 24 * 3600;
const LONGEST_OVERLAP_SECONDS: i64 = 30 * 24 * 3600;

/// The query string of a rotation.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RotateQuery {
    /// How long the former secret stays valid.
    #[param(minimum = 0, maximum = 2592000, default = 86400)]
    overlap_seconds: Option<i64>,
}

/// Rotate the secret of a webhook
///
/// The former secret stays valid for a while.
#[utoipa::path(
    post,
    path = "/api/v1/repositories/{id}/webhook/rotate",
    tag = "repositories",
    operation_id = "rotate_webhook",
    params(("id" = Uuid, Path, description = "Id of the repository."), RotateQuery),
    responses((status = 200, description = "With the new secret, shown this once.", body = IssuedWebhook)),
    security(("bearer" = ["repositories:write"]))
)]
pub(crate) async fn rotate(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Id(id): Id<RepositoryId>,
    Query(query): Query<RotateQuery>,
) -> Result<Json<IssuedWebhook>, ApiError> {
    key.require(id)?;
    let overlap = query.overlap_seconds.unwrap_or(OVERLAP_SECONDS);
    if !(0..=LONGEST_OVERLAP_SECONDS).contains(&overlap) {
        let detail = format!("`overlap_seconds` must be from 0 to {LONGEST_OVERLAP_SECONDS} (30 days)");
        return Err(ApiError::invalid_request(detail));
    }
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let row = repositories::get(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("repository"))?;
    let hook = hook::renew(&mut tx, &resources, key.tenant, &row, overlap).await?;
    tx.commit().await?;
    let session = hook::session_of(&resources, key.tenant, &row).await;
    let (state, detail, _) = hook::provision(&resources, key.tenant, &row, &hook, session).await;
    Ok(Json(hook.issued(&resources, state, detail)))
}
