//! API keys of the tenant, for keys and members with the scope `keys:admin`. One that is limited to some repositories sees
//! and changes the keys alone that are limited to some of these; others are not found.
//!
//! - `GET /api/v1/keys?limit=&cursor=`: the newest first, at most 100 a page; with those that were revoked.
//! - `POST /api/v1/keys` `{name, scopes, repositories?, expires_at?}`: 201 with the key, which is shown this once. Nobody gives
//!   scopes or repositories that he has not; a key that a member made, or a key of a member, is that member's.
//! - `GET /api/v1/keys/{id}`, `DELETE /api/v1/keys/{id}` (204: it opens nothing from the next request on).
//! - `POST /api/v1/keys/{id}/rotate` `{overlap_seconds?}`: 201 with a successor that may do the same; both are valid meanwhile.
//! - `GET /api/v1/whoami`: who asks, and what may be done. Any scope.

mod change;
mod make;

use axum::extract::State;
use kotadb_core::db::keys::{self, KeyRow};
use kotadb_core::db::{Scope, Tx};
use kotadb_core::http::scope::{AdminKeys, Any};
use kotadb_core::http::{
    ApiError, Authorized, Cursor, Id, Json, OpenApiRouter, PageQuery, Query, Resources, page_limit, routes,
};
use kotadb_core::wire::{ApiKeyInfo, List, Whoami};
use uuid::Uuid;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default()
        .routes(routes!(list, make::make))
        .routes(routes!(show, change::revoke))
        .routes(routes!(change::rotate))
        .routes(routes!(whoami))
}

/// List keys
///
/// The newest first, with those that were revoked.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    tag = "keys",
    operation_id = "list_keys",
    params(PageQuery),
    responses((status = 200, description = "A page of keys.", body = List<ApiKeyInfo>, links(
        ("key" = (operation_id = "read_key", parameters(("id" = "$response.body#/items/0/id")))),
    ))),
    security(("bearer" = ["keys:admin"]))
)]
async fn list(
    State(resources): State<Resources>,
    key: Authorized<AdminKeys>,
    Query(query): Query<PageQuery>,
) -> Result<Json<List<ApiKeyInfo>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let unknown = |_| ApiError::invalid_request("`cursor` is of another list");
    let before = query.cursor.map(|Cursor(id)| Uuid::parse_str(&id)).transpose().map_err(unknown)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let rows = keys::list(&mut tx, before, i64::from(limit) + 1, key.allowed.as_deref()).await?;
    tx.commit().await?;
    let (rows, next) = Cursor::page(rows, limit as usize, |row| row.id.to_string());
    Ok(Json(List::page(rows.into_iter().map(ApiKeyInfo::from).collect(), next)))
}

/// Show a key
///
/// One that is revoked is not found: only the list has it.
#[utoipa::path(
    get,
    path = "/api/v1/keys/{id}",
    tag = "keys",
    operation_id = "read_key",
    params(("id" = Uuid, Path, description = "Id of the key.")),
    responses((status = 200, description = "The key, without what opens.", body = ApiKeyInfo)),
    security(("bearer" = ["keys:admin"]))
)]
async fn show(
    State(resources): State<Resources>,
    key: Authorized<AdminKeys>,
    Id(id): Id<Uuid>,
) -> Result<Json<ApiKeyInfo>, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let row = within_reach(&mut tx, &key, id).await?;
    tx.commit().await?;
    // A revoked key is deleted for whoever asks for it; what was can be seen in the list.
    let row = Some(row).filter(|row| row.revoked_at.is_none()).ok_or_else(|| ApiError::not_found("key"))?;
    Ok(Json(row.into()))
}

/// Tell who asks
#[utoipa::path(
    get,
    path = "/api/v1/whoami",
    tag = "keys",
    operation_id = "whoami",
    responses((status = 200, description = "The key or member, and what may be done.", body = Whoami)),
    security(("bearer" = []))
)]
async fn whoami(key: Authorized<Any>) -> Json<Whoami> {
    let text = |id: Uuid| id.to_string();
    Json(Whoami {
        tenant: key.tenant.to_string(),
        key: key.key.map(text),
        member: key.member.map(text),
        role: key.role.map(|role| role.as_str().to_owned()),
        scopes: key.scopes.clone(),
        repositories: key.allowed.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect()),
        n_repositories: key.repositories.len() as u64,
    })
}

/// The key of that id, unless it sees repositories that the asking one is not allowed.
async fn within_reach(tx: &mut Tx, asking: &Authorized<AdminKeys>, id: Uuid) -> Result<KeyRow, ApiError> {
    let is_within = |row: &KeyRow| match (&asking.allowed, &row.repositories) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(allowed), Some(asked)) => asked.iter().all(|id| allowed.contains(id)),
    };
    keys::get(tx, id).await?.filter(is_within).ok_or_else(|| ApiError::not_found("key"))
}
