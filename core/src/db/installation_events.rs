//! Installations of the GitHub App: whose they are, and what happens to the repositories that are fetched through them.

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{RepositoryId, TenantId};

/// Whose an installation is, through a SECURITY DEFINER function. Scope: anonymous. `None`: nobody's that we know, or gone.
pub async fn tenant(tx: &mut Tx, installation: i64) -> Result<Option<TenantId>, DbError> {
    let look_up = Statement::new("SELECT kotadb.installation_tenant($1) AS tenant").bind(installation);
    let tenant: Option<Uuid> = tx.row(look_up).await?.map_or(Ok(None), |row| column(&row, "tenant"))?;
    Ok(tenant.map(TenantId))
}

/// Writes down what happened to an installation (`what`: GitHub's name of the action); says whether it may be used now.
/// Any scope.
pub async fn note(tx: &mut Tx, installation: i64, account: (&str, i64), what: &'static str) -> Result<bool, DbError> {
    let note = Statement::new("SELECT kotadb.note_installation($1, $2, $3, $4) AS is_usable")
        .bind(installation)
        .bind(account.0.to_owned())
        .bind(account.1)
        .bind(what);
    tx.row(note).await?.map_or(Ok(false), |row| column(&row, "is_usable"))
}

/// Forgets the tokens of somebody who took back what the App may do for them; how many there were. Any scope.
pub async fn revoke_tokens(tx: &mut Tx, login: &str) -> Result<i64, DbError> {
    let revoke = Statement::new("SELECT kotadb.revoke_tokens($1) AS n").bind(login.to_owned());
    tx.row(revoke).await?.map_or(Ok(0), |row| column(&row, "n"))
}

/// The repositories of the tenant in scope that are fetched through an installation.
pub async fn repositories(tx: &mut Tx, installation: i64) -> Result<Vec<RepositoryId>, DbError> {
    let select = Statement::new(
        "SELECT id FROM kotadb.repositories WHERE installation_id = $1 AND deleted_at IS NULL ORDER BY id",
    );
    ids(&tx.rows(select.bind(installation)).await?)
}

/// Of these, by GitHub's numbers, the repositories of the tenant in scope that are fetched through the installation.
pub async fn linked(tx: &mut Tx, installation: i64, github_ids: &[i64]) -> Result<Vec<RepositoryId>, DbError> {
    let select = Statement::new(
        "SELECT id FROM kotadb.repositories
         WHERE installation_id = $1 AND github_repository_id = ANY ($2) AND deleted_at IS NULL ORDER BY id",
    );
    ids(&tx.rows(select.bind(installation).bind(github_ids.to_vec())).await?)
}

/// From now on the installation sees these repositories: those of the tenant in scope that have no credential are fetched
/// through it; returns them. What is registered by pattern is looked for again at the next chance.
pub async fn link(tx: &mut Tx, installation: i64, github_ids: &[i64]) -> Result<Vec<RepositoryId>, DbError> {
    let link = Statement::new(
        "UPDATE kotadb.repositories SET installation_id = $1
         WHERE github_repository_id = ANY ($2) AND installation_id IS NULL AND token_id IS NULL AND deleted_at IS NULL
         RETURNING id",
    );
    let linked = ids(&tx.rows(link.bind(installation).bind(github_ids.to_vec())).await?)?;
    let look_again =
        "UPDATE kotadb.registrations SET checked_at = NULL WHERE installation_id = $1 AND deleted_at IS NULL";
    tx.run(Statement::new(look_again).bind(installation)).await?;
    Ok(linked)
}

pub(super) fn ids(rows: &[PgRow]) -> Result<Vec<RepositoryId>, DbError> {
    rows.iter().map(|row| column(row, "id").map(RepositoryId)).collect()
}
