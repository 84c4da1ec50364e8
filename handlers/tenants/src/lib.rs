//! The tenant of the key or member who asks, and its members. Any other tenant is not found.
//!
//! - `GET /api/v1/tenants/{id}` (scope `tenant:read`), `PATCH` `{name}` and `DELETE` (204) (scope `tenant:admin`). A deleted
//!   tenant is hidden at once: its keys and members open nothing. Its objects leave storage within 25 hours.
//! - `GET /api/v1/tenants/{id}/members?limit=&cursor=` (scope `tenant:read`): members and invitations, the oldest first.
//! - `POST /api/v1/tenants/{id}/members` `{email | github_login, role, repositories?}`: 201, an invitation for 14 days, which is
//!   taken when somebody signs in with that verified address or linked account; 409 for who is a member.
//! - `GET`, `PATCH` `{role?, repositories?}` and `DELETE` (204) of `/api/v1/tenants/{id}/members/{member}`: 409 `last_owner`
//!   where nobody would be left who may see and change everything.

mod members;

use axum::extract::State;
use axum::http::StatusCode;
use kotadb_core::db::{DbError, Scope, tenants};
use kotadb_core::http::scope::{AdminTenant, ReadTenant};
use kotadb_core::http::{ApiError, Authorized, Code, Id, Json, OpenApiRouter, Resources, routes};
use kotadb_core::id::TenantId;
use kotadb_core::wire::{ChangedTenant, Tenant};

/// Characters of a name.
const MOST_NAME: usize = 200;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default()
        .routes(routes!(show, rename, delete))
        .routes(routes!(members::list, members::invite))
        .routes(routes!(members::show, members::change, members::remove))
}

/// Show the tenant
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{id}",
    tag = "tenants",
    operation_id = "read_tenant",
    params(
        ("id" = Uuid, Path, description = "Id of the tenant."),
    ),
    responses(
        (status = 200, description = "The tenant.", body = Tenant),
    ),
    security(("bearer" = ["tenant:read"]))
)]
async fn show(
    State(resources): State<Resources>,
    key: Authorized<ReadTenant>,
    Id(id): Id<TenantId>,
) -> Result<Json<Tenant>, ApiError> {
    is_own(key.tenant, id)?;
    read(&resources, id).await
}

/// Rename the tenant
#[utoipa::path(
    patch,
    path = "/api/v1/tenants/{id}",
    tag = "tenants",
    operation_id = "change_tenant",
    params(
        ("id" = Uuid, Path, description = "Id of the tenant."),
    ),
    request_body = ChangedTenant,
    responses(
        (status = 200, description = "The tenant.", body = Tenant),
        (status = 409, description = "`conflict`: another tenant has this name."),
    ),
    security(("bearer" = ["tenant:admin"]))
)]
async fn rename(
    State(resources): State<Resources>,
    key: Authorized<AdminTenant>,
    Id(id): Id<TenantId>,
    Json(changed): Json<ChangedTenant>,
) -> Result<Json<Tenant>, ApiError> {
    is_own(key.tenant, id)?;
    key.require_all()?;
    let name = changed.name;
    if !(1..=MOST_NAME).contains(&name.chars().count()) || name.contains(char::is_control) {
        let detail = format!("`name`: give 1 to {MOST_NAME} characters, none of control");
        return Err(ApiError::invalid_request(detail));
    }
    let mut tx = resources.db()?.begin(Scope::Tenant(id)).await?;
    match tenants::rename(&mut tx, &name).await {
        Err(DbError::Constraint { constraint }) if constraint == "tenants_name_key" => {
            return Err(ApiError::new(Code::Conflict, "another tenant has this name: choose another"));
        }
        renamed => renamed?,
    };
    let row = tenants::get(&mut tx).await?;
    tx.commit().await?;
    Ok(Json(row.ok_or_else(|| ApiError::not_found("tenant"))?.into()))
}

/// Delete the tenant
///
/// It is hidden at once: its keys and members open nothing. Its objects leave storage within 25 hours.
#[utoipa::path(
    delete,
    path = "/api/v1/tenants/{id}",
    tag = "tenants",
    operation_id = "delete_tenant",
    params(
        ("id" = Uuid, Path, description = "Id of the tenant."),
    ),
    responses(
        (status = 204, description = "It is deleted."),
    ),
    security(("bearer" = ["tenant:admin"]))
)]
async fn delete(
    State(resources): State<Resources>,
    key: Authorized<AdminTenant>,
    Id(id): Id<TenantId>,
) -> Result<StatusCode, ApiError> {
    is_own(key.tenant, id)?;
    key.require_all()?;
    let mut tx = resources.db()?.begin(Scope::Tenant(id)).await?;
    let was_there = tenants::delete(&mut tx, id).await?;
    tx.commit().await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found("tenant")) }
}

async fn read(resources: &Resources, id: TenantId) -> Result<Json<Tenant>, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(id)).await?;
    let row = tenants::get(&mut tx).await?;
    tx.commit().await?;
    Ok(Json(row.ok_or_else(|| ApiError::not_found("tenant"))?.into()))
}

/// `not_found` for the tenant of anybody else.
fn is_own(own: TenantId, asked: TenantId) -> Result<(), ApiError> {
    (own == asked).then_some(()).ok_or_else(|| ApiError::not_found("tenant"))
}
