//! What owners deleted and the index must not hold: whole repositories, and single commits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{ObjectId, RepositoryId, TenantId};

/// What is to be forgotten of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletions {
    /// Deleted repositories.
    pub repositories: BTreeSet<RepositoryId>,
    /// Hidden commits by repository.
    pub commits: BTreeMap<RepositoryId, BTreeSet<ObjectId>>,
    /// Repositories of which commits were deleted lately, searchable ones or not.
    pub purges: BTreeSet<RepositoryId>,
    /// When these were read, by the database's clock, in milliseconds since 1970.
    pub now_ms: u64,
}

/// Hides a commit of a repository of the tenant in scope, from the next request on, and asks for a purge; `false`: it was
/// hidden already.
pub async fn hide(tx: &mut Tx, tenant: TenantId, id: RepositoryId, commit: ObjectId) -> Result<bool, DbError> {
    let insert = Statement::new(
        "INSERT INTO kotadb.hidden_commits (tenant_id, repository_id, commit_id) VALUES ($1, $2, $3)
         ON CONFLICT (repository_id, commit_id) DO NOTHING",
    );
    let is_new = tx.run(insert.bind(tenant.0).bind(id.0).bind(commit.to_string())).await? == 1;
    if is_new {
        request_purge(tx, id).await?;
    }
    Ok(is_new)
}

/// Hides a commit that is not searchable, while a job of the repository runs: it may be just what that job indexes. Asks for
/// a purge in any case. Scope: its tenant.
pub async fn hide_unseen(tx: &mut Tx, tenant: TenantId, id: RepositoryId, commit: ObjectId) -> Result<(), DbError> {
    let insert = Statement::new(
        "INSERT INTO kotadb.hidden_commits (tenant_id, repository_id, commit_id)
         SELECT j.tenant_id, j.repository_id, $3 FROM kotadb.jobs j
         WHERE j.tenant_id = $1 AND j.repository_id = $2 AND j.state = 'running' LIMIT 1
         ON CONFLICT (repository_id, commit_id) DO NOTHING",
    );
    tx.run(insert.bind(tenant.0).bind(id.0).bind(commit.to_string())).await?;
    request_purge(tx, id).await
}

/// Asks for what is dead of a repository, such as the text of commits that are not searchable any more, to leave storage.
/// Scope: its tenant.
pub async fn request_purge(tx: &mut Tx, id: RepositoryId) -> Result<(), DbError> {
    let request = "UPDATE kotadb.repositories SET purge_requested_at = now() WHERE id = $1";
    tx.run(Statement::new(request).bind(id.0)).await?;
    Ok(())
}

/// Notes that what [`of_tenant`] said at `seen_ms` was purged. A request that is younger than `settled` stays, because a
/// run that began before it may still publish. What unfinished tries have left of a repository whose request is closed goes,
/// too: nobody knows what text is in there. Scope: worker.
pub async fn purged(tx: &mut Tx, tenant: TenantId, seen_ms: u64, settled: Duration) -> Result<(), DbError> {
    let before_ms = seen_ms.saturating_sub(u64::try_from(settled.as_millis()).unwrap_or(u64::MAX));
    let close = Statement::new(
        "WITH closed AS (
             UPDATE kotadb.repositories SET purge_requested_at = NULL
             WHERE tenant_id = $1 AND purge_requested_at < to_timestamp($2::bigint / 1000.0)
             RETURNING id
         )
         UPDATE kotadb.jobs SET checkpoint = NULL, checkpointed_at = NULL
         WHERE checkpoint IS NOT NULL AND repository_id IN (SELECT id FROM closed)",
    );
    tx.run(close.bind(tenant.0).bind(i64::try_from(before_ms).unwrap_or(i64::MAX))).await?;
    Ok(())
}

/// The hidden commits of a repository. Scope: its tenant, or worker.
pub async fn hidden(tx: &mut Tx, id: RepositoryId) -> Result<BTreeSet<ObjectId>, DbError> {
    let select = Statement::new("SELECT commit_id FROM kotadb.hidden_commits WHERE repository_id = $1").bind(id.0);
    let rows = tx.rows(select).await?;
    rows.iter().map(|row| commit(&column::<String>(row, "commit_id")?)).collect()
}

/// Everything of a tenant. Scope: worker.
pub async fn of_tenant(tx: &mut Tx, tenant: TenantId) -> Result<Deletions, DbError> {
    let deleted = "SELECT id FROM kotadb.repositories WHERE tenant_id = $1 AND deleted_at IS NOT NULL";
    let rows = tx.rows(Statement::new(deleted).bind(tenant.0)).await?;
    let repositories = rows.iter().map(|row| Ok(RepositoryId(column(row, "id")?))).collect::<Result<_, DbError>>()?;
    let hidden = "SELECT repository_id, commit_id FROM kotadb.hidden_commits WHERE tenant_id = $1";
    let mut commits: BTreeMap<RepositoryId, BTreeSet<ObjectId>> = BTreeMap::new();
    for row in tx.rows(Statement::new(hidden).bind(tenant.0)).await? {
        let id = RepositoryId(column::<Uuid>(&row, "repository_id")?);
        commits.entry(id).or_default().insert(commit(&column::<String>(&row, "commit_id")?)?);
    }
    let requested = "SELECT id FROM kotadb.repositories WHERE tenant_id = $1 AND purge_requested_at IS NOT NULL";
    let rows = tx.rows(Statement::new(requested).bind(tenant.0)).await?;
    let purges = rows.iter().map(|row| Ok(RepositoryId(column(row, "id")?))).collect::<Result<_, DbError>>()?;
    Ok(Deletions { repositories, commits, purges, now_ms: now_ms(tx).await? })
}

/// The database's clock, in milliseconds since 1970: what two machines compare is measured by it.
pub async fn now_ms(tx: &mut Tx) -> Result<u64, DbError> {
    let now = Statement::new("SELECT (extract(epoch FROM now()) * 1000)::bigint AS now_ms");
    let row = tx.row(now).await?.ok_or_else(|| DbError::Statement("the database did not tell the time".to_owned()))?;
    Ok(u64::try_from(column::<i64>(&row, "now_ms")?).unwrap_or_default())
}

/// A commit as its column has it.
pub(super) fn commit(text: &str) -> Result<ObjectId, DbError> {
    text.parse().map_err(|_| DbError::Statement(format!("`{text}` is no commit id")))
}
