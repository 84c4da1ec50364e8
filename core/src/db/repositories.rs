//! Registered repositories. `indexed_commit` is a copy for display; HEAD of the object store is the truth.

use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{RepositoryId, TenantId};

/// A repository as its owner sees it.
#[derive(Clone, Debug)]
pub struct RepositoryRow {
    /// Its id.
    pub id: RepositoryId,
    /// `owner/name`.
    pub name: String,
    /// Normalised clone URL.
    pub url: String,
    /// Ref patterns to track (`refs/heads/release-*` globs on full names); empty: the default branch.
    pub ref_patterns: Vec<String>,
    /// Commit of the default ref at the last publish.
    pub indexed_commit: Option<String>,
    /// When that was.
    pub indexed_at: Option<OffsetDateTime>,
    /// Row made.
    pub created_at: OffsetDateTime,
}

/// With what a repository is fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Credential {
    /// Nothing: it is public.
    #[default]
    None,
    /// A token of this installation of the GitHub App, minted when it is needed.
    Installation(i64),
    /// A stored OAuth token (`github_tokens`).
    Token(Uuid),
}

impl Credential {
    /// From the columns `installation_id` and `token_id`.
    pub(super) fn read(row: &PgRow) -> Result<Self, DbError> {
        let installation: Option<i64> = column(row, "installation_id")?;
        let token: Option<Uuid> = column(row, "token_id")?;
        Ok(installation.map(Self::Installation).or(token.map(Self::Token)).unwrap_or_default())
    }
}

/// Registers a repository for the tenant in scope; registering the same URL again returns the same row (`false`).
pub async fn register(
    tx: &mut Tx,
    tenant: TenantId,
    name: &str,
    url: &str,
    ref_patterns: &[String],
) -> Result<(RepositoryRow, bool), DbError> {
    let id = Uuid::now_v7();
    // The update changes nothing; it makes the row that was there come back in the same statement.
    let upsert = Statement::new(
        "INSERT INTO kotadb.repositories AS r (id, tenant_id, name, url, ref_patterns) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, url) WHERE deleted_at IS NULL DO UPDATE SET url = r.url
         RETURNING id, name, url, ref_patterns, indexed_commit, indexed_at, created_at",
    )
    .bind(id)
    .bind(tenant.0)
    .bind(name.to_owned())
    .bind(url.to_owned())
    .bind(ref_patterns.to_vec());
    let row = tx.row(upsert).await?;
    let row = row.ok_or_else(|| DbError::Statement(format!("repository `{name}` was not registered")))?;
    let repository = read(&row)?;
    let new = repository.id.0 == id;
    Ok((repository, new))
}

/// One repository of the tenant in scope, unless deleted.
pub async fn get(tx: &mut Tx, id: RepositoryId) -> Result<Option<RepositoryRow>, DbError> {
    let select = Statement::new(
        "SELECT id, name, url, ref_patterns, indexed_commit, indexed_at, created_at
         FROM kotadb.repositories WHERE id = $1 AND deleted_at IS NULL",
    );
    tx.row(select.bind(id.0)).await?.as_ref().map(read).transpose()
}

/// Repositories of the tenant in scope, by name after `after`, not deleted. Names that are equal (one name at two hosts)
/// come in the same page, even if it then passes `limit`.
pub async fn list(tx: &mut Tx, after: Option<&str>, limit: i64) -> Result<Vec<RepositoryRow>, DbError> {
    let select = Statement::new(
        "SELECT id, name, url, ref_patterns, indexed_commit, indexed_at, created_at
         FROM kotadb.repositories WHERE deleted_at IS NULL AND ($1::text IS NULL OR name > $1)
         ORDER BY name FETCH FIRST $2 ROWS WITH TIES",
    );
    let rows = tx.rows(select.bind(after.map(str::to_owned)).bind(limit)).await?;
    rows.iter().map(read).collect()
}

/// Hides a repository at once (its bytes leave storage by compaction and garbage collection), takes its job out of the
/// queue and asks the running one to stop. `false`: no such row.
pub async fn delete(tx: &mut Tx, id: RepositoryId) -> Result<bool, DbError> {
    let hide = "UPDATE kotadb.repositories SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL";
    if tx.run(Statement::new(hide).bind(id.0)).await? == 0 {
        return Ok(false);
    }
    cancel_jobs(tx, id).await?;
    Ok(true)
}

/// Takes a repository's job out of the queue and asks the running one to stop.
pub(super) async fn cancel_jobs(tx: &mut Tx, id: RepositoryId) -> Result<(), DbError> {
    let cancel = "UPDATE kotadb.jobs SET cancel_requested_at = coalesce(cancel_requested_at, now()),
            state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,
            finished_at = CASE state WHEN 'queued' THEN now() END
        WHERE repository_id = $1 AND state IN ('queued', 'running')";
    tx.run(Statement::new(cancel).bind(id.0)).await.map(|_| ())
}

/// Deletes repositories that have been gone at GitHub for a week, at most `most` of them; returns those. Scope: worker.
pub async fn purge_gone(tx: &mut Tx, most: i64) -> Result<Vec<(TenantId, RepositoryId)>, DbError> {
    let gone = Statement::new(
        "SELECT tenant_id, id FROM kotadb.repositories
         WHERE upstream_gone_at < now() - interval '7 days' AND deleted_at IS NULL
         ORDER BY upstream_gone_at LIMIT $1 FOR UPDATE SKIP LOCKED",
    );
    let mut purged = Vec::new();
    for row in tx.rows(gone.bind(most)).await? {
        let repository = RepositoryId(column(&row, "id")?);
        if delete(tx, repository).await? {
            purged.push((TenantId(column(&row, "tenant_id")?), repository));
        }
    }
    Ok(purged)
}

/// Moves repositories of the tenant in scope to another origin (`http://127.0.0.1:PORT` of a server that had to change
/// its port). Returns how many were moved.
pub async fn move_origin(tx: &mut Tx, from: &str, to: &str) -> Result<u64, DbError> {
    let update = "UPDATE kotadb.repositories SET url = $2 || substr(url, length($1) + 1)
        WHERE starts_with(url, $1 || '/') AND deleted_at IS NULL";
    tx.run(Statement::new(update).bind(from.to_owned()).bind(to.to_owned())).await
}

fn read(row: &PgRow) -> Result<RepositoryRow, DbError> {
    Ok(RepositoryRow {
        id: RepositoryId(column(row, "id")?),
        name: column(row, "name")?,
        url: column(row, "url")?,
        ref_patterns: column(row, "ref_patterns")?,
        indexed_commit: column(row, "indexed_commit")?,
        indexed_at: column(row, "indexed_at")?,
        created_at: column(row, "created_at")?,
    })
}
