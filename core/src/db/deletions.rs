//! What owners deleted and the index must not hold: whole repositories, and single commits.

use std::collections::{BTreeMap, BTreeSet};

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
}

/// Hides a commit of a repository of the tenant in scope, from the next request on; `false`: it was hidden already.
pub async fn hide(tx: &mut Tx, tenant: TenantId, id: RepositoryId, commit: ObjectId) -> Result<bool, DbError> {
    let insert = Statement::new(
        "INSERT INTO kotadb.hidden_commits (tenant_id, repository_id, commit_id) VALUES ($1, $2, $3)
         ON CONFLICT (repository_id, commit_id) DO NOTHING",
    );
    Ok(tx.run(insert.bind(tenant.0).bind(id.0).bind(commit.to_string())).await? == 1)
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
    Ok(Deletions { repositories, commits })
}

/// A commit as its column has it.
pub(super) fn commit(text: &str) -> Result<ObjectId, DbError> {
    text.parse().map_err(|_| DbError::Statement(format!("`{text}` is no commit id")))
}
