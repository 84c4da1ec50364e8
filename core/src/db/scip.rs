//! SCIP indexes that were sent for repositories: of which commit, and where in the store. The last eight of a repository are kept; an
//! object without a row is collected.

use super::deletions::commit;
use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{ObjectId, RepositoryId, TenantId};

/// Indexes that are kept of a repository.
const KEPT: i64 = 8;

/// An index that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScipRow {
    /// The commit that it is of.
    pub commit: ObjectId,
    /// Name of its object.
    pub object: String,
    /// Whether no graph was made with it yet.
    pub is_new: bool,
}

/// An index as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentIndex {
    /// Whose repository.
    pub tenant: TenantId,
    /// Which.
    pub repository: RepositoryId,
    /// The commit that it is of.
    pub commit: ObjectId,
    /// Name of its object.
    pub object: String,
}

/// Notes an index in the place of an earlier one of its commit; those behind the last eight go. Scope: the tenant.
pub async fn record(tx: &mut Tx, sent: &SentIndex) -> Result<(), DbError> {
    let record = Statement::new(
        "INSERT INTO kotadb.scip_indexes (tenant_id, repository_id, commit_id, object) VALUES ($1, $2, $3, $4)
         ON CONFLICT (repository_id, commit_id) DO UPDATE SET object = excluded.object, applied_at = NULL, created_at = now()",
    );
    let record = record.bind(sent.tenant.0).bind(sent.repository.0).bind(sent.commit.to_string());
    tx.run(record.bind(sent.object.clone())).await?;
    let forget = Statement::new(
        "DELETE FROM kotadb.scip_indexes WHERE (repository_id, commit_id) IN (
             SELECT s.repository_id, s.commit_id FROM kotadb.scip_indexes s WHERE s.repository_id = $1
             ORDER BY s.created_at DESC, s.commit_id OFFSET $2
         )",
    );
    tx.run(forget.bind(sent.repository.0).bind(KEPT)).await.map(|_| ())
}

/// Those of a repository, the oldest first; not of commits that were deleted. Scope: worker.
pub async fn of_repository(tx: &mut Tx, repository: RepositoryId) -> Result<Vec<ScipRow>, DbError> {
    let select = Statement::new(
        "SELECT s.commit_id, s.object, s.applied_at IS NULL AS is_new FROM kotadb.scip_indexes s
         WHERE s.repository_id = $1 AND NOT EXISTS (
             SELECT FROM kotadb.hidden_commits h WHERE h.repository_id = s.repository_id AND h.commit_id = s.commit_id
         )
         ORDER BY s.created_at, s.commit_id",
    );
    let rows = tx.rows(select.bind(repository.0)).await?;
    let read = rows.iter().map(|row| {
        let commit = commit(&column::<String>(row, "commit_id")?)?;
        Ok(ScipRow { commit, object: column(row, "object")?, is_new: column(row, "is_new")? })
    });
    read.collect()
}

/// Notes that graphs were made with these. Scope: worker.
pub async fn applied(tx: &mut Tx, repository: RepositoryId, objects: &[String]) -> Result<(), DbError> {
    let update = Statement::new(
        "UPDATE kotadb.scip_indexes SET applied_at = now()
         WHERE repository_id = $1 AND object = ANY ($2) AND applied_at IS NULL",
    );
    tx.run(update.bind(repository.0).bind(objects.to_vec())).await.map(|_| ())
}

/// Forgets those of repositories and commits that were deleted, and gives the objects of all others. Scope: worker.
pub async fn settle(tx: &mut Tx, tenant: TenantId) -> Result<Vec<String>, DbError> {
    let forget = Statement::new(
        "DELETE FROM kotadb.scip_indexes s WHERE s.tenant_id = $1 AND (
             EXISTS (SELECT FROM kotadb.repositories r WHERE r.id = s.repository_id AND r.deleted_at IS NOT NULL)
             OR EXISTS (SELECT FROM kotadb.hidden_commits h
                 WHERE h.repository_id = s.repository_id AND h.commit_id = s.commit_id)
         )",
    );
    tx.run(forget.bind(tenant.0)).await?;
    let select = Statement::new("SELECT object FROM kotadb.scip_indexes WHERE tenant_id = $1");
    tx.rows(select.bind(tenant.0)).await?.iter().map(|row| column(row, "object")).collect()
}
