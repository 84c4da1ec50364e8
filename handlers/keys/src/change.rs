//! `POST /api/v1/keys/{id}/rotate` and `DELETE /api/v1/keys/{id}`. Only who has all scopes of a key may rotate or revoke it:
//! the successor is handed to whoever asks.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use kotadb_core::db::keys::{self, KeyRow, NewKey};
use kotadb_core::db::{Scope, Tx};
use kotadb_core::http::scope::AdminKeys;
use kotadb_core::http::{ApiError, Authorized, Code, Id, Json, Resources};
use kotadb_core::identity::ApiKey;
use kotadb_core::wire::{IssuedApiKey, KeyRotation};
use uuid::Uuid;

use crate::make::require;
use crate::within_reach;

const DAY: u32 = 24 * 60 * 60;
/// Longest time for which a key and its successor are both valid.
const MOST_OVERLAP: u32 = 30 * DAY;

/// Rotate a key
///
/// Makes a successor that may do the same. Both are valid for `overlap_seconds`, a day by default.
#[utoipa::path(
    post,
    path = "/api/v1/keys/{id}/rotate",
    tag = "keys",
    operation_id = "rotate_key",
    params(("id" = Uuid, Path, description = "Id of the key.")),
    request_body = KeyRotation,
    responses(
        (status = 201, description = "The successor.", body = IssuedApiKey),
        (status = 409, description = "`conflict`: it has a successor already, or is not valid any more."),
    ),
    security(("bearer" = ["keys:admin"]))
)]
pub(crate) async fn rotate(
    State(resources): State<Resources>,
    asking: Authorized<AdminKeys>,
    Id(id): Id<Uuid>,
    Json(rotation): Json<KeyRotation>,
) -> Result<(StatusCode, Json<IssuedApiKey>), ApiError> {
    let overlap = match rotation.overlap_seconds.unwrap_or(DAY) {
        overlap @ 0..=MOST_OVERLAP => Duration::from_secs(overlap.into()),
        wrong => {
            let detail = format!("`overlap_seconds` is {wrong}: give 0 to {MOST_OVERLAP}");
            return Err(ApiError::invalid_request(detail));
        }
    };
    let key = ApiKey::generate(true);
    let mut tx = resources.db()?.begin(Scope::Tenant(asking.tenant)).await?;
    let former = governed(&mut tx, &asking, id).await?;
    let new = NewKey {
        id: Uuid::now_v7(),
        name: former.name,
        sha256: key.sha256(),
        display: key.display(),
        scopes: former.scopes,
        repositories: former.repositories,
        // A member who rotates an operator's key must not keep one that outlives the membership.
        member: asking.member.or(former.member),
        expires_at: former.expires_at,
    };
    let row = keys::rotate(&mut tx, asking.tenant, former.id, &new, overlap).await?;
    tx.commit().await?;
    let row = row.ok_or_else(|| {
        let detail = "the key has a successor already, or is not valid any more: rotate the successor, or make a key";
        ApiError::new(Code::Conflict, detail)
    })?;
    Ok((StatusCode::CREATED, Json(IssuedApiKey { info: row.into(), key: key.expose().to_owned() })))
}

/// Revoke a key
///
/// It opens nothing from the next request on. Revoking again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/keys/{id}",
    tag = "keys",
    operation_id = "revoke_key",
    params(("id" = Uuid, Path, description = "Id of the key.")),
    responses((status = 204, description = "It is revoked.")),
    security(("bearer" = ["keys:admin"]))
)]
pub(crate) async fn revoke(
    State(resources): State<Resources>,
    asking: Authorized<AdminKeys>,
    Id(id): Id<Uuid>,
) -> Result<StatusCode, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(asking.tenant)).await?;
    let row = governed(&mut tx, &asking, id).await?;
    keys::revoke(&mut tx, row.id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn governed(tx: &mut Tx, asking: &Authorized<AdminKeys>, id: Uuid) -> Result<KeyRow, ApiError> {
    let row = within_reach(tx, asking, id).await?;
    row.scopes.iter().try_for_each(|scope| require(asking, scope))?;
    Ok(row)
}
