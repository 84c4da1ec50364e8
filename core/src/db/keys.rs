//! API keys at rest: a SHA-256, never the key.

use uuid::Uuid;

use super::deletions::commit;
use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{ObjectId, RepositoryId, TenantId};

/// What a valid key stands for: found by `kotadb.authenticate` in one statement.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The tenant.
    pub tenant: TenantId,
    /// Which key (for logs).
    pub key_id: Uuid,
    /// `search`, `repositories:read`, `repositories:write`, `jobs:read`, `jobs:write`.
    pub scopes: Vec<String>,
    /// Repositories it may see, not deleted: (id, `owner/name`).
    pub repositories: Vec<(RepositoryId, String)>,
    /// Names that repositories of the tenant had before they were renamed, the newest first.
    pub former_names: Vec<(RepositoryId, String)>,
    /// Commits of them that their owners deleted.
    pub hidden: Vec<(RepositoryId, ObjectId)>,
}

/// Looks a key up by its hash. Scope: anonymous. `None`: unknown, revoked or expired.
pub async fn authenticate(tx: &mut Tx, key_sha256: &[u8; 32]) -> Result<Option<Principal>, DbError> {
    let look_up = Statement::new("SELECT * FROM kotadb.authenticate($1)").bind(key_sha256.to_vec());
    let Some(row) = tx.row(look_up).await? else {
        return Ok(None);
    };
    let ids: Vec<Uuid> = column(&row, "repository_ids")?;
    let names: Vec<String> = column(&row, "repository_names")?;
    let former_ids: Vec<Uuid> = column(&row, "former_repositories")?;
    let former_names: Vec<String> = column(&row, "former_names")?;
    let hidden_in: Vec<Uuid> = column(&row, "hidden_repositories")?;
    let hidden: Vec<String> = column(&row, "hidden_commits")?;
    let hidden = hidden_in.into_iter().zip(hidden).map(|(id, text)| Ok((RepositoryId(id), commit(&text)?)));
    Ok(Some(Principal {
        tenant: TenantId(column(&row, "tenant_id")?),
        key_id: column(&row, "key_id")?,
        scopes: column(&row, "scopes")?,
        repositories: ids.into_iter().map(RepositoryId).zip(names).collect(),
        former_names: former_ids.into_iter().map(RepositoryId).zip(former_names).collect(),
        hidden: hidden.collect::<Result<_, DbError>>()?,
    }))
}

/// Makes a key for the tenant in scope (`admin key create`). `display` is its first and last characters.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    name: &str,
    key_sha256: &[u8; 32],
    display: &str,
    scopes: &[&str],
) -> Result<Uuid, DbError> {
    let id = Uuid::now_v7();
    let scopes: Vec<String> = scopes.iter().map(|&scope| scope.to_owned()).collect();
    let insert = Statement::new(
        "INSERT INTO kotadb.api_keys (id, tenant_id, name, key_sha256, display, scopes) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(tenant.0)
    .bind(name.to_owned())
    .bind(key_sha256.to_vec())
    .bind(display.to_owned())
    .bind(scopes);
    tx.run(insert).await.map(|_| id)
}

/// Revokes a key of the tenant in scope; `false`: no such key. Revoking again changes nothing.
pub async fn revoke(tx: &mut Tx, key: Uuid) -> Result<bool, DbError> {
    let update =
        Statement::new("UPDATE kotadb.api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1").bind(key);
    Ok(tx.run(update).await? == 1)
}
