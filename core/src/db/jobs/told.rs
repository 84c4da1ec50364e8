//! How far an index is behind what is known of its branch: a job keeps how many commits the pushes told of that queued or
//! joined it, and until it is done the index lacks them.

use std::collections::BTreeMap;

use crate::db::once::Call;
use crate::db::tx::{Statement, column};
use crate::db::{Db, DbError, Scope, Tx};
use crate::id::{JobId, RepositoryId, TenantId};

/// That the default branch has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whose job.
    pub tenant: TenantId,
    /// The job that will index it.
    pub job: JobId,
    /// By so many commits; `None`: nobody has told.
    pub commits: Option<u32>,
}

/// Writes down what jobs were told; it leaves the transaction in the scope of the last tenant. Scope: any.
pub async fn tell(tx: &mut Tx, told: &[Told]) -> Result<(), DbError> {
    let news = told.iter().filter(|one| one.commits != Some(0)).collect::<Vec<_>>();
    if news.is_empty() {
        return Ok(());
    }
    let tell = Statement::new("SELECT kotadb.tell_jobs($1, $2, $3)")
        .bind(news.iter().map(|one| one.tenant.0).collect::<Vec<_>>())
        .bind(news.iter().map(|one| one.job.0).collect::<Vec<_>>())
        .bind(news.iter().map(|one| told_commits(one.commits)).collect::<Vec<_>>());
    tx.run(tell).await.map(|_| ())
}

/// For a column.
pub(in crate::db) fn told_commits(commits: Option<u32>) -> Option<i32> {
    commits.map(|n| i32::try_from(n).unwrap_or(i32::MAX))
}

/// Commits by which the default branches of a tenant's repositories are behind; one that is not known is not there. One
/// round trip.
pub async fn behind(
    db: &Db,
    tenant: TenantId,
    repositories: &[RepositoryId],
) -> Result<BTreeMap<RepositoryId, u64>, DbError> {
    let ids = repositories.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let call = Call::new("repository_id, commits", "kotadb.behind").text(&format!("{{{ids}}}"));
    let mut behind = BTreeMap::new();
    for row in db.once(Scope::Tenant(tenant), &call).await? {
        let commits: Option<i64> = column(&row, "commits")?;
        let known = commits.and_then(|n| u64::try_from(n).ok());
        if let Some(n) = known {
            behind.insert(RepositoryId(column(&row, "repository_id")?), n);
        }
    }
    Ok(behind)
}
