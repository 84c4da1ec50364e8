//! The repositories that a delivery is about, as far as it must know them.

use sqlx::postgres::PgRow;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::RepositoryId;

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

/// The repositories of the tenant in scope that a delivery of the App is about: those fetched through the installation that
/// have GitHub's number, or, where that is not known yet, the URL.
pub async fn of_installation(
    tx: &mut Tx,
    installation: i64,
    github_id: i64,
    url: &str,
) -> Result<Vec<Subject>, DbError> {
    let select = Statement::new(
        "SELECT id, ref_patterns, github_repository_id, default_branch, suspended_because FROM kotadb.repositories
         WHERE installation_id = $1 AND deleted_at IS NULL
             AND (github_repository_id = $2 OR (github_repository_id IS NULL AND url = $3))
         ORDER BY id",
    );
    let rows = tx.rows(select.bind(installation).bind(github_id).bind(url.to_owned())).await?;
    rows.iter().map(|row| Subject::read(row, "id")).collect()
}
