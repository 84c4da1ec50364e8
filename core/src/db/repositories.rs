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
    /// Short name of the default branch, where GitHub has told it.
    pub default_branch: Option<String>,
    /// Of its automatic jobs, in the place of what their trigger has.
    pub priority: Option<i16>,
    /// When it is indexed without being asked: five fields, in UTC.
    pub schedule: Option<String>,
    /// With what it is fetched.
    pub credential: Credential,
    /// Why it stands still.
    pub suspended_because: Option<String>,
    /// What is wrong with its webhook at GitHub.
    pub hook_fault: Option<String>,
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

    pub(super) fn columns(self) -> (Option<i64>, Option<Uuid>) {
        match self {
            Self::None => (None, None),
            Self::Installation(id) => (Some(id), None),
            Self::Token(id) => (None, Some(id)),
        }
    }
}

/// A repository as it is to be registered.
#[derive(Clone, Debug, Default)]
pub struct NewRepository {
    /// `owner/name`.
    pub name: String,
    /// Normalised clone URL.
    pub url: String,
    /// Ref patterns to track.
    pub ref_patterns: Vec<String>,
    /// Of its automatic jobs.
    pub priority: Option<i16>,
    /// Five fields, in UTC.
    pub schedule: Option<String>,
    /// With what it is fetched.
    pub credential: Credential,
    /// GitHub's number of it, where it is known.
    pub github_repository_id: Option<i64>,
    /// Short name of its default branch, where it is known.
    pub default_branch: Option<String>,
    /// Whether only some may see it, where it is known.
    pub is_private: Option<bool>,
    /// The pattern that it was registered by.
    pub registration: Option<Uuid>,
}

/// What a row is read from.
macro_rules! columns {
    () => {
        "r.id, r.name, r.url, r.ref_patterns, r.default_branch, r.priority, r.schedule, r.installation_id, r.token_id,
         r.suspended_because, r.indexed_commit, r.indexed_at, r.created_at,
         (SELECT h.fault FROM kotadb.hooks h WHERE h.repository_id = r.id ORDER BY h.created_at LIMIT 1) AS hook_fault"
    };
}

/// Registers a repository of a URL alone; see [`register_new`].
pub async fn register(
    tx: &mut Tx,
    tenant: TenantId,
    name: &str,
    url: &str,
    ref_patterns: &[String],
) -> Result<(RepositoryRow, bool), DbError> {
    let (name, url) = (name.to_owned(), url.to_owned());
    let new = NewRepository { name, url, ref_patterns: ref_patterns.to_vec(), ..NewRepository::default() };
    register_new(tx, tenant, &new).await
}

/// Registers a repository for the tenant in scope (or, as worker, for any); registering the same URL again returns the
/// same row (`false`), with what has been learnt of it since and otherwise as it was.
pub async fn register_new(
    tx: &mut Tx,
    tenant: TenantId,
    new: &NewRepository,
) -> Result<(RepositoryRow, bool), DbError> {
    let id = Uuid::now_v7();
    let (installation, token) = new.credential.columns();
    let upsert = Statement::new(concat!(
        "INSERT INTO kotadb.repositories AS r (id, tenant_id, name, url, ref_patterns, priority, schedule, installation_id,
             token_id, github_repository_id, default_branch, is_private, registration_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12, true), $13)
         ON CONFLICT (tenant_id, url) WHERE deleted_at IS NULL DO UPDATE SET
             github_repository_id = coalesce(excluded.github_repository_id, r.github_repository_id),
             default_branch = coalesce(excluded.default_branch, r.default_branch),
             is_private = coalesce($12, r.is_private),
             installation_id = CASE WHEN r.token_id IS NULL THEN coalesce(r.installation_id, excluded.installation_id) END
         RETURNING ",
        columns!()
    ))
    .bind(id)
    .bind(tenant.0)
    .bind(new.name.clone())
    .bind(new.url.clone())
    .bind(new.ref_patterns.clone())
    .bind(new.priority)
    .bind(new.schedule.clone())
    .bind(installation)
    .bind(token)
    .bind(new.github_repository_id)
    .bind(new.default_branch.clone())
    .bind(new.is_private)
    .bind(new.registration);
    let (name, row) = (&new.name, tx.row(upsert).await?);
    let row = row.ok_or_else(|| DbError::Statement(format!("repository `{name}` was not registered")))?;
    let repository = read(&row)?;
    let new = repository.id.0 == id;
    Ok((repository, new))
}

/// One repository of the tenant in scope, unless deleted.
pub async fn get(tx: &mut Tx, id: RepositoryId) -> Result<Option<RepositoryRow>, DbError> {
    let select = Statement::new(concat!(
        "SELECT ",
        columns!(),
        " FROM kotadb.repositories r WHERE r.id = $1 AND r.deleted_at IS NULL"
    ));
    tx.row(select.bind(id.0)).await?.as_ref().map(read).transpose()
}

/// What an owner changes; `None` leaves it, `Some(None)` takes it away.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Ref patterns to track.
    pub ref_patterns: Option<Vec<String>>,
    /// Of its automatic jobs.
    pub priority: Option<Option<i16>>,
    /// Five fields, in UTC.
    pub schedule: Option<Option<String>>,
}

/// Changes a repository of the tenant in scope; `None`: no such row. A new schedule fires when the sweep has seen it.
pub async fn change(tx: &mut Tx, id: RepositoryId, changes: &Changes) -> Result<Option<RepositoryRow>, DbError> {
    let update = Statement::new(concat!(
        "UPDATE kotadb.repositories r SET
             ref_patterns = coalesce($2, r.ref_patterns),
             priority = CASE WHEN $3 THEN $4 ELSE r.priority END,
             schedule = CASE WHEN $5 THEN $6 ELSE r.schedule END,
             next_run_at = CASE WHEN $5 THEN NULL ELSE r.next_run_at END
         WHERE r.id = $1 AND r.deleted_at IS NULL
         RETURNING ",
        columns!()
    ))
    .bind(id.0)
    .bind(changes.ref_patterns.clone())
    .bind(changes.priority.is_some())
    .bind(changes.priority.flatten())
    .bind(changes.schedule.is_some())
    .bind(changes.schedule.clone().flatten());
    tx.row(update).await?.as_ref().map(read).transpose()
}

/// Repositories of the tenant in scope, by name after `after`, not deleted. Names that are equal (one name at two hosts)
/// come in the same page, even if it then passes `limit`. Of `only` alone, where that is given.
pub async fn list(
    tx: &mut Tx,
    after: Option<&str>,
    limit: i64,
    only: Option<&[RepositoryId]>,
) -> Result<Vec<RepositoryRow>, DbError> {
    let select = Statement::new(concat!(
        "SELECT ",
        columns!(),
        " FROM kotadb.repositories r WHERE r.deleted_at IS NULL AND ($1::text IS NULL OR r.name > $1)
              AND ($3::uuid[] IS NULL OR r.id = ANY ($3))
          ORDER BY r.name FETCH FIRST $2 ROWS WITH TIES"
    ));
    let only = only.map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
    let rows = tx.rows(select.bind(after.map(str::to_owned)).bind(limit).bind(only)).await?;
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
pub async fn delete_gone(tx: &mut Tx, most: i64) -> Result<Vec<RepositoryId>, DbError> {
    let gone = Statement::new(
        "SELECT id FROM kotadb.repositories
         WHERE upstream_gone_at < now() - interval '7 days' AND deleted_at IS NULL
         ORDER BY upstream_gone_at LIMIT $1 FOR UPDATE SKIP LOCKED",
    );
    let mut deleted = Vec::new();
    for row in tx.rows(gone.bind(most)).await? {
        let repository = RepositoryId(column(&row, "id")?);
        if delete(tx, repository).await? {
            deleted.push(repository);
        }
    }
    Ok(deleted)
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
        default_branch: column(row, "default_branch")?,
        priority: column(row, "priority")?,
        schedule: column(row, "schedule")?,
        credential: Credential::read(row)?,
        suspended_because: column(row, "suspended_because")?,
        hook_fault: column(row, "hook_fault")?,
        indexed_commit: column(row, "indexed_commit")?,
        indexed_at: column(row, "indexed_at")?,
        created_at: column(row, "created_at")?,
    })
}
