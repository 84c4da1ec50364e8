//! `GET /api/v1/usage`: the plan of the tenant, and what it has used of it. Any scope.

use axum::extract::State;
use kotadb_core::db::{Scope, tenants};
use kotadb_core::http::scope::Any;
use kotadb_core::http::{ApiError, Authorized, Json, OpenApiRouter, Resources, routes};
use kotadb_core::wire::Usage;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default().routes(routes!(show))
}

/// Show the usage
///
/// The plan of the tenant, and what it has used of it.
#[utoipa::path(
    get,
    path = "/api/v1/usage",
    tag = "usage",
    operation_id = "read_usage",
    responses((status = 200, description = "What may be used, and what is.", body = Usage)),
    security(("bearer" = []))
)]
async fn show(State(resources): State<Resources>, key: Authorized<Any>) -> Result<Json<Usage>, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let row = tenants::get(&mut tx).await?;
    tx.commit().await?;
    Ok(Json(Usage::from(&row.ok_or_else(|| ApiError::not_found("tenant"))?)))
}
