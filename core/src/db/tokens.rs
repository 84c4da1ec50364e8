//! Stored OAuth tokens, sealed under the master key. Only the worker reads what is sealed.

use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::TenantId;

/// What a sealed token is bound to: it opens in the place of no other.
pub fn context(id: Uuid) -> String {
    format!("token:{id}")
}

/// Stores a token of the tenant in scope; `sealed` with [`context`] of its id.
pub async fn create(tx: &mut Tx, tenant: TenantId, id: Uuid, login: &str, sealed: &[u8]) -> Result<(), DbError> {
    let insert =
        Statement::new("INSERT INTO kotadb.github_tokens (id, tenant_id, login, sealed) VALUES ($1, $2, $3, $4)");
    tx.run(insert.bind(id).bind(tenant.0).bind(login.to_owned()).bind(sealed.to_vec())).await?;
    Ok(())
}

/// A token of `tenant` as it is stored, for the worker; `None`: there is none, or it was revoked.
pub async fn sealed(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<Option<Vec<u8>>, DbError> {
    let select = Statement::new(
        "SELECT sealed FROM kotadb.github_tokens WHERE id = $1 AND tenant_id = $2 AND revoked_at IS NULL",
    );
    tx.row(select.bind(id).bind(tenant.0)).await?.map(|row| column(&row, "sealed")).transpose()
}

/// Revokes a token of the tenant in scope: nothing is fetched with it any more. `false`: no such row.
pub async fn revoke(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let update = "UPDATE kotadb.github_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL";
    Ok(tx.run(Statement::new(update).bind(id)).await? > 0)
}

/// Forgets the tokens of somebody who took back what the App may do for them, through a SECURITY DEFINER function; how many
/// there were. Any scope.
pub async fn revoke_all_of(tx: &mut Tx, login: &str) -> Result<i64, DbError> {
    let revoke = Statement::new("SELECT kotadb.revoke_tokens($1) AS n").bind(login.to_owned());
    tx.row(revoke).await?.map_or(Ok(0), |row| column(&row, "n"))
}
