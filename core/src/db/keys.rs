//! API keys at rest: a SHA-256, never the key. Scope of all: the key's tenant. Who may see and change which is the caller's
//! business; [`super::principal`] tells what a key stands for.

use std::time::Duration;

use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{RepositoryId, TenantId};

/// Every scope that a key can have.
pub const SCOPES: [&str; 8] = [
    "search",
    "repositories:read",
    "repositories:write",
    "jobs:read",
    "jobs:write",
    "keys:admin",
    "tenant:read",
    "tenant:admin",
];

/// A key as it is to be made.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    /// Its id.
    pub id: Uuid,
    /// For people.
    pub name: String,
    /// Of the key itself.
    pub sha256: [u8; 32],
    /// Its first and last characters.
    pub display: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The repositories that it may see; `None`: all of the tenant.
    pub repositories: Option<Vec<RepositoryId>>,
    /// The member who makes it, or whose key makes it.
    pub member: Option<Uuid>,
    /// When its time is over.
    pub expires_at: Option<OffsetDateTime>,
}

/// A key as it is kept.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// Its id.
    pub id: Uuid,
    /// For people.
    pub name: String,
    /// Its first and last characters.
    pub display: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The repositories that it may see; `None`: all of the tenant.
    pub repositories: Option<Vec<RepositoryId>>,
    /// The member who made it.
    pub member: Option<Uuid>,
    /// The key that follows it.
    pub successor: Option<Uuid>,
    /// Row made.
    pub created_at: OffsetDateTime,
    /// When its time is over.
    pub expires_at: Option<OffsetDateTime>,
    /// Since when it opens nothing.
    pub revoked_at: Option<OffsetDateTime>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
}

/// What a row is read from.
macro_rules! columns {
    () => {
        "id, name, display, scopes, repository_ids, member_id, successor_id, created_at, expires_at, revoked_at, last_used_at"
    };
}

/// Makes a key; [`DbError::Constraint`] `api_keys_quota_check` where the plan allows no more of those that open something and
/// have no successor.
pub async fn create(tx: &mut Tx, tenant: TenantId, new: &NewKey) -> Result<KeyRow, DbError> {
    let insert = Statement::new(concat!(
        "INSERT INTO kotadb.api_keys (id, tenant_id, name, key_sha256, display, scopes, repository_ids, member_id, expires_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
         WHERE NOT EXISTS (
             SELECT FROM kotadb.tenants t JOIN kotadb.plans p ON p.name = t.plan
             WHERE t.id = $2 AND p.max_keys <= (
                 SELECT count(*) FROM kotadb.api_keys k
                 WHERE k.tenant_id = $2 AND k.revoked_at IS NULL AND k.successor_id IS NULL
                     AND (k.expires_at IS NULL OR k.expires_at > now())))
         RETURNING ",
        columns!()
    ));
    match tx.row(bound(insert, tenant, new)).await? {
        Some(row) => read(&row),
        None => Err(DbError::Constraint { constraint: "api_keys_quota_check".to_owned() }),
    }
}

/// Binds the first nine values, which are those of a new row.
fn bound(statement: Statement, tenant: TenantId, new: &NewKey) -> Statement {
    let repositories = new.repositories.as_ref().map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
    statement
        .bind(new.id)
        .bind(tenant.0)
        .bind(new.name.clone())
        .bind(new.sha256.to_vec())
        .bind(new.display.clone())
        .bind(new.scopes.clone())
        .bind(repositories)
        .bind(new.member)
        .bind(new.expires_at)
}

/// One key.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<KeyRow>, DbError> {
    let select = Statement::new(concat!("SELECT ", columns!(), " FROM kotadb.api_keys WHERE id = $1"));
    tx.row(select.bind(id)).await?.as_ref().map(read).transpose()
}

/// Keys before `before`, the newest first; of those that are limited to some of `only` alone, where that is given.
pub async fn list(
    tx: &mut Tx,
    before: Option<Uuid>,
    limit: i64,
    only: Option<&[RepositoryId]>,
) -> Result<Vec<KeyRow>, DbError> {
    let select = Statement::new(concat!(
        "SELECT ",
        columns!(),
        " FROM kotadb.api_keys WHERE ($1::uuid IS NULL OR id < $1) AND ($3::uuid[] IS NULL OR repository_ids <@ $3)
          ORDER BY id DESC LIMIT $2"
    ));
    let only = only.map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
    tx.rows(select.bind(before).bind(limit).bind(only)).await?.iter().map(read).collect()
}

/// Makes `new` the successor of a key, which opens for `overlap` more and no longer; `None`: it opens nothing any more, or has
/// a successor already.
pub async fn rotate(
    tx: &mut Tx,
    tenant: TenantId,
    former: Uuid,
    new: &NewKey,
    overlap: Duration,
) -> Result<Option<KeyRow>, DbError> {
    let rotate = Statement::new(concat!(
        "WITH followed AS (
             UPDATE kotadb.api_keys SET successor_id = $1,
                 expires_at = least(expires_at, now() + $11::bigint * interval '1 millisecond')
             WHERE id = $10 AND tenant_id = $2 AND revoked_at IS NULL AND successor_id IS NULL
                 AND (expires_at IS NULL OR expires_at > now())
             RETURNING 1
         )
         INSERT INTO kotadb.api_keys (id, tenant_id, name, key_sha256, display, scopes, repository_ids, member_id, expires_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM followed RETURNING ",
        columns!()
    ));
    let millis = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
    let row = tx.row(bound(rotate, tenant, new).bind(former).bind(millis)).await?;
    row.as_ref().map(read).transpose()
}

/// Revokes a key; `false`: no such key. Revoking again changes nothing.
pub async fn revoke(tx: &mut Tx, key: Uuid) -> Result<bool, DbError> {
    let update =
        Statement::new("UPDATE kotadb.api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1").bind(key);
    Ok(tx.run(update).await? == 1)
}

fn read(row: &PgRow) -> Result<KeyRow, DbError> {
    let repositories: Option<Vec<Uuid>> = column(row, "repository_ids")?;
    Ok(KeyRow {
        id: column(row, "id")?,
        name: column(row, "name")?,
        display: column(row, "display")?,
        scopes: column(row, "scopes")?,
        repositories: repositories.map(|ids| ids.into_iter().map(RepositoryId).collect()),
        member: column(row, "member_id")?,
        successor: column(row, "successor_id")?,
        created_at: column(row, "created_at")?,
        expires_at: column(row, "expires_at")?,
        revoked_at: column(row, "revoked_at")?,
        last_used_at: column(row, "last_used_at")?,
    })
}
