//! What GitHub says became of a repository, on the rows of the tenant in scope: another name, another default branch, seen by
//! others, archived, transferred, gone.

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::installation_events::ids;
use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::RepositoryId;

/// Why a repository stands still: no automatic job of it is queued or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspension {
    /// Nobody can push to it.
    Archived,
    /// It belongs to somebody else, who has not agreed.
    Transferred,
    /// The installation of the App that it is fetched through is suspended or gone.
    Installation,
    /// That installation, or the token, cannot see it any more.
    Access,
    /// It was deleted.
    Gone,
}

impl Suspension {
    /// The text of its column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Transferred => "transferred",
            Self::Installation => "installation",
            Self::Access => "access",
            Self::Gone => "gone",
        }
    }
}

/// A repository that a delivery is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Which.
    pub repository: RepositoryId,
    /// Its ref patterns; empty: the default branch.
    pub ref_patterns: Vec<String>,
    /// GitHub's number of it where it is known.
    pub github_repository_id: Option<i64>,
    /// Short name of the default branch where it is known.
    pub default_branch: Option<String>,
    /// Why it stands still, if it does.
    pub suspended_because: Option<String>,
}

impl Subject {
    /// From the columns of these names; the id's column is named by the caller.
    pub(super) fn read(row: &PgRow, id: &str) -> Result<Self, DbError> {
        Ok(Self {
            repository: RepositoryId(column(row, id)?),
            ref_patterns: column(row, "ref_patterns")?,
            github_repository_id: column(row, "github_repository_id")?,
            default_branch: column(row, "default_branch")?,
            suspended_because: column(row, "suspended_because")?,
        })
    }
}

/// The repositories that a delivery of the App is about: those fetched through the installation that have GitHub's number,
/// or, where that is not known yet, the URL.
pub async fn subjects(tx: &mut Tx, installation: i64, github_id: i64, url: &str) -> Result<Vec<Subject>, DbError> {
    let select = Statement::new(
        "SELECT id, ref_patterns, github_repository_id, default_branch, suspended_because FROM kotadb.repositories
         WHERE installation_id = $1 AND deleted_at IS NULL
             AND (github_repository_id = $2 OR (github_repository_id IS NULL AND url = $3))
         ORDER BY id",
    );
    let rows = tx.rows(select.bind(installation).bind(github_id).bind(url.to_owned())).await?;
    rows.iter().map(|row| Subject::read(row, "id")).collect()
}

/// The clone URL of a repository.
pub async fn url(tx: &mut Tx, repository: RepositoryId) -> Result<Option<String>, DbError> {
    let select = "SELECT url FROM kotadb.repositories WHERE id = $1 AND deleted_at IS NULL";
    let row = tx.row(Statement::new(select).bind(repository.0)).await?;
    row.map(|row| column(&row, "url")).transpose()
}

/// Gives a repository another name and URL; its former name goes on leading to it. `false`: nothing was changed, because
/// another repository of the tenant is registered under that URL.
pub async fn rename(tx: &mut Tx, repository: RepositoryId, name: &str, url: &str) -> Result<bool, DbError> {
    let rename = Statement::new(
        "WITH old AS (
             SELECT r.id, r.tenant_id, r.name FROM kotadb.repositories r
             WHERE r.id = $1 AND r.deleted_at IS NULL AND NOT EXISTS (
                 SELECT FROM kotadb.repositories o WHERE o.url = $3 AND o.id <> r.id AND o.deleted_at IS NULL
             ) FOR UPDATE
         ), former AS (
             INSERT INTO kotadb.former_names (tenant_id, name, repository_id)
             SELECT o.tenant_id, o.name, o.id FROM old o WHERE o.name <> $2
             ON CONFLICT DO NOTHING
         )
         UPDATE kotadb.repositories r SET name = $2, url = $3 FROM old o WHERE r.id = o.id",
    );
    Ok(tx.run(rename.bind(repository.0).bind(name.to_owned()).bind(url.to_owned())).await? == 1)
}

/// Sets another default branch.
pub async fn set_default_branch(tx: &mut Tx, repository: RepositoryId, branch: &str) -> Result<(), DbError> {
    let update = "UPDATE kotadb.repositories SET default_branch = $2 WHERE id = $1";
    tx.run(Statement::new(update).bind(repository.0).bind(branch.to_owned())).await.map(|_| ())
}

/// Says whether the public may see it.
pub async fn set_private(tx: &mut Tx, repository: RepositoryId, is_private: bool) -> Result<(), DbError> {
    let update = "UPDATE kotadb.repositories SET is_private = $2 WHERE id = $1";
    tx.run(Statement::new(update).bind(repository.0).bind(is_private)).await.map(|_| ())
}

/// Lets repositories stand still. One that does so already keeps its reason, unless it is transferred or gone now: what
/// ends the earlier reason must not set it going. What its owner decided stays.
pub async fn suspend(tx: &mut Tx, repositories: &[RepositoryId], because: Suspension) -> Result<(), DbError> {
    let is_final = matches!(because, Suspension::Transferred | Suspension::Gone);
    let update = Statement::new(
        "UPDATE kotadb.repositories SET suspended_at = now(), suspended_because = $2
         WHERE id = ANY ($1) AND (suspended_at IS NULL OR ($3 AND suspended_because NOT IN ('owner', 'gone')))",
    );
    tx.run(update.bind(uuids(repositories)).bind(because.as_str()).bind(is_final)).await.map(|_| ())
}

/// Sets those of the repositories going that stood still for this reason; returns them.
pub async fn resume(
    tx: &mut Tx,
    repositories: &[RepositoryId],
    because: Suspension,
) -> Result<Vec<RepositoryId>, DbError> {
    let update = Statement::new(
        "UPDATE kotadb.repositories SET suspended_at = NULL, suspended_because = NULL
         WHERE id = ANY ($1) AND suspended_because = $2 AND deleted_at IS NULL RETURNING id",
    );
    ids(&tx.rows(update.bind(uuids(repositories)).bind(because.as_str())).await?)
}

/// It is gone at GitHub: stands still, its jobs are cancelled, and a week later it is deleted here
/// ([`super::repositories::purge_gone`]).
pub async fn gone(tx: &mut Tx, repository: RepositoryId) -> Result<(), DbError> {
    let update = "UPDATE kotadb.repositories SET upstream_gone_at = coalesce(upstream_gone_at, now()) WHERE id = $1";
    tx.run(Statement::new(update).bind(repository.0)).await?;
    suspend(tx, &[repository], Suspension::Gone).await?;
    super::repositories::cancel_jobs(tx, repository).await
}

fn uuids(repositories: &[RepositoryId]) -> Vec<Uuid> {
    repositories.iter().map(|repository| repository.0).collect()
}
