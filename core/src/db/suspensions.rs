//! Why repositories stand still because of what GitHub says, and what ends it; the same for a delivery and for the
//! reconciler. A reason is lifted by its own end alone.

use uuid::Uuid;

use super::tx::Statement;
use super::upstream::ids;
use super::{DbError, Tx, repositories};
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

/// Lets repositories stand still; how many do so for this reason only now. One that does so already keeps its reason, unless
/// it is transferred or gone now: what ends the earlier reason must not set it going. What its owner decided stays. Scope:
/// tenant or worker.
pub async fn suspend(tx: &mut Tx, repositories: &[RepositoryId], because: Suspension) -> Result<u64, DbError> {
    let is_final = matches!(because, Suspension::Transferred | Suspension::Gone);
    let update = Statement::new(
        "UPDATE kotadb.repositories SET suspended_at = now(), suspended_because = $2
         WHERE id = ANY ($1) AND (suspended_at IS NULL OR ($3 AND suspended_because NOT IN ('owner', 'gone', $2)))",
    );
    tx.run(update.bind(uuids(repositories)).bind(because.as_str()).bind(is_final)).await
}

/// Sets those of the repositories going that stood still for one of these reasons; returns them. Scope: tenant or worker.
pub async fn resume(
    tx: &mut Tx,
    repositories: &[RepositoryId],
    reasons: &[Suspension],
) -> Result<Vec<RepositoryId>, DbError> {
    let update = Statement::new(
        "UPDATE kotadb.repositories SET suspended_at = NULL, suspended_because = NULL
         WHERE id = ANY ($1) AND suspended_because = ANY ($2) AND deleted_at IS NULL RETURNING id",
    );
    let reasons: Vec<String> = reasons.iter().map(|reason| reason.as_str().to_owned()).collect();
    ids(&tx.rows(update.bind(uuids(repositories)).bind(reasons)).await?)
}

/// It is gone at GitHub: stands still, its jobs are cancelled once, and a week later it is deleted here
/// ([`repositories::delete_gone`]). `false`: it stood still for that before. Scope: tenant or worker.
pub async fn gone(tx: &mut Tx, repository: RepositoryId) -> Result<bool, DbError> {
    let update = "UPDATE kotadb.repositories SET upstream_gone_at = now() WHERE id = $1 AND upstream_gone_at IS NULL";
    if tx.run(Statement::new(update).bind(repository.0)).await? == 1 {
        repositories::cancel_jobs(tx, repository).await?;
    }
    Ok(suspend(tx, &[repository], Suspension::Gone).await? == 1)
}

fn uuids(repositories: &[RepositoryId]) -> Vec<Uuid> {
    repositories.iter().map(|repository| repository.0).collect()
}
