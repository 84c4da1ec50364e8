//! What members' own accounts see at GitHub, and the tokens that tell it. Scope: the tenant's.

use time::OffsetDateTime;
use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::TenantId;

/// The token of a member as it is stored.
#[derive(Clone, Debug)]
pub struct StoredToken {
    /// Of the row: what the token is bound to.
    pub id: Uuid,
    /// Sealed with [`super::tokens::context`].
    pub sealed: Vec<u8>,
    /// Sealed with [`refresh_context`].
    pub sealed_refresh: Option<Vec<u8>>,
    /// Whether it has ended, or does within five minutes.
    pub is_over: bool,
}

/// A token as it is to be stored.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// Of the row.
    pub id: Uuid,
    /// Sealed with [`super::tokens::context`].
    pub sealed: &'a [u8],
    /// Sealed with [`refresh_context`].
    pub sealed_refresh: Option<&'a [u8]>,
    /// When it ends.
    pub expires_at: Option<OffsetDateTime>,
}

/// What a sealed refresh token is bound to.
pub fn refresh_context(id: Uuid) -> String {
    format!("refresh:{id}")
}

/// Links an account to a user in a tenant, in the place of the one before.
pub async fn link(
    tx: &mut Tx,
    tenant: TenantId,
    user: Uuid,
    (github_id, login): (i64, &str),
    token: &NewToken<'_>,
) -> Result<(), DbError> {
    let former = "UPDATE kotadb.github_tokens SET revoked_at = now()
        WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL";
    tx.run(Statement::new(former).bind(tenant.0).bind(user)).await?;
    let insert = Statement::new(
        "INSERT INTO kotadb.github_tokens (id, tenant_id, user_id, github_id, login, sealed, sealed_refresh, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    let insert = insert.bind(token.id).bind(tenant.0).bind(user).bind(github_id).bind(login.to_owned());
    let insert = insert.bind(token.sealed.to_vec()).bind(token.sealed_refresh.map(<[u8]>::to_vec));
    tx.run(insert.bind(token.expires_at)).await.map(|_| ())
}

/// Puts a refreshed token in the place of the one that has ended.
pub async fn renew(tx: &mut Tx, token: &NewToken<'_>) -> Result<(), DbError> {
    let update = "UPDATE kotadb.github_tokens SET sealed = $2, sealed_refresh = $3, expires_at = $4
        WHERE id = $1 AND revoked_at IS NULL";
    let update = Statement::new(update).bind(token.id).bind(token.sealed.to_vec());
    tx.run(update.bind(token.sealed_refresh.map(<[u8]>::to_vec)).bind(token.expires_at)).await.map(|_| ())
}

/// Whether it is time to ask what a user sees: nobody did within the last minute. Says yes to one of those who ask at once.
pub async fn claim_check(tx: &mut Tx, tenant: TenantId, user: Uuid) -> Result<bool, DbError> {
    let claim = Statement::new(
        "INSERT INTO kotadb.github_access AS a (tenant_id, user_id, github_repository_ids, checked_at, tried_at)
         VALUES ($1, $2, '{}', 'epoch', now())
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET tried_at = now()
             WHERE a.tried_at IS NULL OR a.tried_at < now() - interval '1 minute'",
    );
    Ok(tx.run(claim.bind(tenant.0).bind(user)).await? == 1)
}

/// The stored token of a user, through a SECURITY DEFINER function.
pub async fn token(tx: &mut Tx, user: Uuid) -> Result<Option<StoredToken>, DbError> {
    let select = Statement::new("SELECT * FROM kotadb.github_token($1)").bind(user);
    let Some(row) = tx.row(select).await? else { return Ok(None) };
    Ok(Some(StoredToken {
        id: column(&row, "id")?,
        sealed: column(&row, "sealed")?,
        sealed_refresh: column(&row, "sealed_refresh")?,
        is_over: column(&row, "is_over")?,
    }))
}

/// Notes what a user sees, as of now.
pub async fn note(tx: &mut Tx, tenant: TenantId, user: Uuid, github_ids: &[i64]) -> Result<(), DbError> {
    let note = Statement::new(
        "INSERT INTO kotadb.github_access (tenant_id, user_id, github_repository_ids, tried_at) VALUES ($1, $2, $3, now())
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET github_repository_ids = excluded.github_repository_ids,
             checked_at = now(), tried_at = now()",
    );
    tx.run(note.bind(tenant.0).bind(user).bind(github_ids.to_vec())).await.map(|_| ())
}

/// Whether a user is a member of the tenant.
pub async fn is_member(tx: &mut Tx, user: Uuid) -> Result<bool, DbError> {
    let select = Statement::new("SELECT FROM kotadb.members WHERE user_id = $1").bind(user);
    Ok(tx.row(select).await?.is_some())
}

/// The installations of the tenant that may be used.
pub async fn installations(tx: &mut Tx) -> Result<Vec<i64>, DbError> {
    let select = "SELECT id FROM kotadb.installations WHERE suspended_at IS NULL AND deleted_at IS NULL ORDER BY id";
    tx.rows(Statement::new(select)).await?.iter().map(|row| column(row, "id")).collect()
}

/// Gives an installation to the tenant in scope, through a SECURITY DEFINER function; `false`: it is another tenant's. The
/// caller has made sure that a member's own account sees it.
pub async fn link_installation(tx: &mut Tx, id: i64, account: (&str, i64)) -> Result<bool, DbError> {
    let link = Statement::new("SELECT kotadb.link_installation($1, $2, $3) AS linked");
    let link = link.bind(id).bind(account.0.to_owned()).bind(account.1);
    tx.row(link).await?.map_or(Ok(false), |row| column(&row, "linked"))
}
