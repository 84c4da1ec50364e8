//! What GitHub says of repositories: which are due to be compared with it, and what becomes of a row when they differ. Why
//! one stands still is in [`super::suspensions`].

use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::repositories::Credential;
use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{ObjectId, RepositoryId, TenantId};

/// A repository as the reconciler needs it.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its id.
    pub id: RepositoryId,
    /// Its owner.
    pub tenant: TenantId,
    /// `owner/name`.
    pub name: String,
    /// Clone URL.
    pub url: String,
    /// Ref patterns to track; empty: the default branch.
    pub ref_patterns: Vec<String>,
    /// GitHub's number of it.
    pub github_repository_id: Option<i64>,
    /// Short name of the default branch, where it is known.
    pub default_branch: Option<String>,
    /// With what it is fetched.
    pub credential: Credential,
    /// Why it stands still.
    pub suspended_because: Option<String>,
    /// What the last comparison of its tip left for the next.
    pub tip_etag: Option<String>,
    /// Whether this comparison has changed where or how it is reached; no column.
    pub is_reached_anew: bool,
}

/// The database's clock, for [`due`].
pub async fn now(tx: &mut Tx) -> Result<OffsetDateTime, DbError> {
    let row = tx.row(Statement::new("SELECT now() AS now")).await?;
    column(&row.ok_or_else(|| DbError::Statement("the clock gave no row".to_owned()))?, "now")
}

/// Repositories that were not compared since `before`, those that wait longest first, but for `skip`. Scope: worker.
pub async fn due(
    tx: &mut Tx,
    before: OffsetDateTime,
    skip: &[RepositoryId],
    most: i64,
) -> Result<Vec<Upstream>, DbError> {
    let select = Statement::new(
        "SELECT id, tenant_id, name, url, ref_patterns, github_repository_id, default_branch, installation_id, token_id,
             suspended_because, tip_etag
         FROM kotadb.repositories
         WHERE deleted_at IS NULL AND (checked_at IS NULL OR checked_at < $1) AND id <> ALL ($2)
         ORDER BY checked_at NULLS FIRST, id LIMIT $3",
    );
    let skip: Vec<Uuid> = skip.iter().map(|id| id.0).collect();
    tx.rows(select.bind(before).bind(skip).bind(most)).await?.iter().map(read).collect()
}

/// A repository was compared; `tip_etag` is what the next comparison begins with. Scope: worker.
pub async fn checked(tx: &mut Tx, id: RepositoryId, tip_etag: Option<&str>) -> Result<(), DbError> {
    let update = "UPDATE kotadb.repositories SET checked_at = now(), tip_etag = $2 WHERE id = $1";
    tx.run(Statement::new(update).bind(id.0).bind(tip_etag.map(str::to_owned))).await.map(|_| ())
}

/// Notes what GitHub tells of a repository that it shows. Scope: worker.
pub async fn note(
    tx: &mut Tx,
    id: RepositoryId,
    github_id: i64,
    default_branch: Option<&str>,
    is_private: bool,
) -> Result<(), DbError> {
    let update = Statement::new(
        "UPDATE kotadb.repositories SET github_repository_id = $2, default_branch = coalesce($3, default_branch),
             is_private = $4, upstream_gone_at = NULL
         WHERE id = $1 AND (github_repository_id, default_branch, is_private, upstream_gone_at)
             IS DISTINCT FROM ($2, coalesce($3, default_branch), $4, NULL)",
    );
    let update = update.bind(id.0).bind(github_id).bind(default_branch.map(str::to_owned)).bind(is_private);
    tx.run(update).await.map(|_| ())
}

/// Gives a repository the name and URL that it has now; its former name goes on leading to it. `false`: nothing was changed,
/// because another repository of the tenant is registered under that URL. Scope: tenant or worker.
pub async fn rename(tx: &mut Tx, id: RepositoryId, name: &str, url: &str) -> Result<bool, DbError> {
    let rename = Statement::new(
        "WITH old AS (
             SELECT r.id, r.tenant_id, r.name FROM kotadb.repositories r
             WHERE r.id = $1 AND r.deleted_at IS NULL AND NOT EXISTS (
                 SELECT FROM kotadb.repositories o
                 WHERE o.tenant_id = r.tenant_id AND o.url = $3 AND o.id <> r.id AND o.deleted_at IS NULL
             ) FOR UPDATE
         ), former AS (
             INSERT INTO kotadb.former_names (tenant_id, name, repository_id)
             SELECT o.tenant_id, o.name, o.id FROM old o WHERE o.name <> $2
             ON CONFLICT DO NOTHING
         )
         UPDATE kotadb.repositories r SET name = $2, url = $3 FROM old o WHERE r.id = o.id",
    );
    Ok(tx.run(rename.bind(id.0).bind(name.to_owned()).bind(url.to_owned())).await? == 1)
}

/// The clone URL of a repository. Scope: tenant.
pub async fn url(tx: &mut Tx, id: RepositoryId) -> Result<Option<String>, DbError> {
    let select = "SELECT url FROM kotadb.repositories WHERE id = $1 AND deleted_at IS NULL";
    let row = tx.row(Statement::new(select).bind(id.0)).await?;
    row.map(|row| column(&row, "url")).transpose()
}

/// Sets another default branch. Scope: tenant.
pub async fn set_default_branch(tx: &mut Tx, id: RepositoryId, branch: &str) -> Result<(), DbError> {
    let update = "UPDATE kotadb.repositories SET default_branch = $2 WHERE id = $1";
    tx.run(Statement::new(update).bind(id.0).bind(branch.to_owned())).await.map(|_| ())
}

/// Says whether the public may see it. Scope: tenant.
pub async fn set_private(tx: &mut Tx, id: RepositoryId, is_private: bool) -> Result<(), DbError> {
    let update = "UPDATE kotadb.repositories SET is_private = $2 WHERE id = $1";
    tx.run(Statement::new(update).bind(id.0).bind(is_private)).await.map(|_| ())
}

/// The repository of a tenant that has this number at GitHub, with its URL. Scope: tenant or worker.
pub async fn of_github(
    tx: &mut Tx,
    tenant: TenantId,
    github_id: i64,
) -> Result<Option<(RepositoryId, String)>, DbError> {
    let select = Statement::new(
        "SELECT id, url FROM kotadb.repositories
         WHERE github_repository_id = $1 AND tenant_id = $2 AND deleted_at IS NULL ORDER BY id LIMIT 1",
    );
    let row = tx.row(select.bind(github_id).bind(tenant.0)).await?;
    row.map(|row| Ok((RepositoryId(column(&row, "id")?), column(&row, "url")?))).transpose()
}

/// Which of these (numbers at GitHub, clone URLs) a tenant has registered; with `since` also those that it has deleted
/// after that. Scope: tenant or worker.
pub async fn known(
    tx: &mut Tx,
    tenant: TenantId,
    of: &[(i64, String)],
    since: Option<OffsetDateTime>,
) -> Result<Vec<i64>, DbError> {
    let select = Statement::new(
        "SELECT DISTINCT a.github_id FROM unnest($2::bigint[], $3::text[]) AS a (github_id, url)
         JOIN kotadb.repositories r ON r.tenant_id = $1 AND (r.github_repository_id = a.github_id OR r.url = a.url)
         WHERE r.deleted_at IS NULL OR r.deleted_at > $4",
    );
    let (ids, urls): (Vec<i64>, Vec<String>) = of.iter().cloned().unzip();
    let rows = tx.rows(select.bind(tenant.0).bind(ids).bind(urls).bind(since)).await?;
    rows.iter().map(|row| column(row, "github_id")).collect()
}

/// Whether a job of a repository may be queued because its refs have moved: not where one waits already, nor where the
/// last one was given up within a day because of the repository itself. Scope: worker.
pub async fn may_queue(tx: &mut Tx, id: RepositoryId) -> Result<bool, DbError> {
    let select = "SELECT FROM kotadb.jobs j WHERE j.repository_id = $1 AND (j.state = 'queued'
        OR (j.state = 'dead' AND j.error_class = 'permanent' AND j.finished_at > now() - interval '1 day'
            AND NOT EXISTS (SELECT FROM kotadb.jobs n WHERE n.repository_id = $1 AND n.id > j.id)))";
    Ok(tx.row(Statement::new(select).bind(id.0)).await?.is_none())
}

/// Whether the newest job of a repository may have failed, or may yet, only because of where it looks or how it asks: it runs,
/// or was given up for good. Scope: tenant or worker.
pub async fn may_have_missed(tx: &mut Tx, id: RepositoryId) -> Result<bool, DbError> {
    let select = "SELECT FROM kotadb.jobs j WHERE j.repository_id = $1
        AND (j.state = 'running' OR (j.state = 'dead' AND j.error_class = 'permanent'))
        AND NOT EXISTS (SELECT FROM kotadb.jobs n WHERE n.repository_id = $1 AND n.id > j.id)";
    Ok(tx.row(Statement::new(select).bind(id.0)).await?.is_some())
}

/// What the rows of a tenant say is indexed. Scope: worker.
pub async fn copies(tx: &mut Tx, tenant: TenantId) -> Result<Vec<(RepositoryId, Option<String>)>, DbError> {
    let select = "SELECT id, indexed_commit FROM kotadb.repositories WHERE tenant_id = $1 AND deleted_at IS NULL";
    let rows = tx.rows(Statement::new(select).bind(tenant.0)).await?;
    rows.iter().map(|row| Ok((RepositoryId(column(row, "id")?), column(row, "indexed_commit")?))).collect()
}

/// Sets what a row says is indexed, unless somebody has written there since it was `seen`. Scope: worker.
pub async fn repair_copy(
    tx: &mut Tx,
    id: RepositoryId,
    seen: Option<&str>,
    held: Option<ObjectId>,
) -> Result<bool, DbError> {
    let update =
        "UPDATE kotadb.repositories SET indexed_commit = $3, indexed_at = CASE WHEN $3 IS NOT NULL THEN now() END
        WHERE id = $1 AND indexed_commit IS NOT DISTINCT FROM $2";
    let held = held.map(|commit| commit.to_string());
    Ok(tx.run(Statement::new(update).bind(id.0).bind(seen.map(str::to_owned)).bind(held)).await? == 1)
}

pub(super) fn ids(rows: &[PgRow]) -> Result<Vec<RepositoryId>, DbError> {
    rows.iter().map(|row| column(row, "id").map(RepositoryId)).collect()
}

fn read(row: &PgRow) -> Result<Upstream, DbError> {
    Ok(Upstream {
        id: RepositoryId(column(row, "id")?),
        tenant: TenantId(column(row, "tenant_id")?),
        name: column(row, "name")?,
        url: column(row, "url")?,
        ref_patterns: column(row, "ref_patterns")?,
        github_repository_id: column(row, "github_repository_id")?,
        default_branch: column(row, "default_branch")?,
        credential: Credential::read(row)?,
        suspended_because: column(row, "suspended_because")?,
        tip_etag: column(row, "tip_etag")?,
        is_reached_anew: false,
    })
}
