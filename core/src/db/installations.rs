//! Installations of the GitHub App: whose they are, what became of them, and what is fetched through them. One belongs to
//! nobody until an operator links it to a tenant; one that was deleted comes back in no other way.

use uuid::Uuid;

use super::tx::{Statement, column};
use super::upstream::ids;
use super::{DbError, Tx};
use crate::id::{RepositoryId, TenantId};

/// An installation as its tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallationRow {
    /// GitHub's number of it.
    pub id: i64,
    /// The account that it is installed on.
    pub account: String,
    /// Whether it may be used.
    pub is_active: bool,
}

/// Links an installation to a tenant, or notes it anew; `false`: it is another tenant's. For an operator, who has seen that
/// it is there. Scope: worker.
pub async fn link(tx: &mut Tx, id: i64, account: &str, account_id: i64, tenant: TenantId) -> Result<bool, DbError> {
    let upsert = Statement::new(
        "INSERT INTO kotadb.installations AS i (id, tenant_id, account, account_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET tenant_id = excluded.tenant_id, account = excluded.account,
             account_id = excluded.account_id, deleted_at = NULL
         WHERE i.tenant_id IS NULL OR i.tenant_id = excluded.tenant_id",
    );
    Ok(tx.run(upsert.bind(id).bind(tenant.0).bind(account.to_owned()).bind(account_id)).await? == 1)
}

/// An installation of the tenant in scope.
pub async fn get(tx: &mut Tx, id: i64) -> Result<Option<InstallationRow>, DbError> {
    let select = Statement::new(
        "SELECT id, account, suspended_at IS NULL AND deleted_at IS NULL AS is_active FROM kotadb.installations WHERE id = $1",
    );
    tx.row(select.bind(id)).await?.as_ref().map(read).transpose()
}

/// Whether an installation is the tenant's: no token of another's is minted for him, whatever a row of his names. Scope:
/// tenant or worker.
pub async fn is_of(tx: &mut Tx, tenant: TenantId, id: i64) -> Result<bool, DbError> {
    let select = Statement::new("SELECT FROM kotadb.installations WHERE id = $1 AND tenant_id = $2");
    Ok(tx.row(select.bind(id).bind(tenant.0)).await?.is_some())
}

/// The installation of the tenant in scope on an account, if it may be used.
pub async fn on_account(tx: &mut Tx, account: &str) -> Result<Option<InstallationRow>, DbError> {
    let select = Statement::new(
        "SELECT id, account, true AS is_active FROM kotadb.installations
         WHERE lower(account) = lower($1) AND suspended_at IS NULL AND deleted_at IS NULL ORDER BY id DESC LIMIT 1",
    );
    tx.row(select.bind(account.to_owned())).await?.as_ref().map(read).transpose()
}

/// Whose an installation is, through a SECURITY DEFINER function. Scope: anonymous. `None`: nobody's that we know, or gone.
pub async fn tenant(tx: &mut Tx, id: i64) -> Result<Option<TenantId>, DbError> {
    let look_up = Statement::new("SELECT kotadb.installation_tenant($1) AS tenant").bind(id);
    let tenant: Option<Uuid> = tx.row(look_up).await?.map_or(Ok(None), |row| column(&row, "tenant"))?;
    Ok(tenant.map(TenantId))
}

/// Writes down what a delivery tells of an installation (`what`: GitHub's name of the action), through a SECURITY DEFINER
/// function; says whether it may be used now. Any scope.
pub async fn note(tx: &mut Tx, id: i64, account: (&str, i64), what: &'static str) -> Result<bool, DbError> {
    let note = Statement::new("SELECT kotadb.note_installation($1, $2, $3, $4) AS is_usable")
        .bind(id)
        .bind(account.0.to_owned())
        .bind(account.1)
        .bind(what);
    tx.row(note).await?.map_or(Ok(false), |row| column(&row, "is_usable"))
}

/// GitHub was asked whether an installation may be used: `Some(true)` suspended, `None` gone. Scope: worker.
pub async fn checked(tx: &mut Tx, id: i64, suspended: Option<bool>) -> Result<(), DbError> {
    let update = Statement::new(
        "UPDATE kotadb.installations SET checked_at = now(),
             suspended_at = CASE WHEN $2 THEN coalesce(suspended_at, now()) END,
             deleted_at = CASE WHEN $2 IS NULL THEN coalesce(deleted_at, now()) ELSE deleted_at END
         WHERE id = $1",
    );
    tx.run(update.bind(id).bind(suspended)).await.map(|_| ())
}

/// The repositories of the tenant in scope that are fetched through an installation.
pub async fn repositories(tx: &mut Tx, id: i64) -> Result<Vec<RepositoryId>, DbError> {
    let select = Statement::new(
        "SELECT id FROM kotadb.repositories WHERE installation_id = $1 AND deleted_at IS NULL ORDER BY id",
    );
    ids(&tx.rows(select.bind(id)).await?)
}

/// Of these, by GitHub's numbers, the repositories of the tenant in scope that are fetched through the installation.
pub async fn repositories_of(tx: &mut Tx, id: i64, github_ids: &[i64]) -> Result<Vec<RepositoryId>, DbError> {
    let select = Statement::new(
        "SELECT id FROM kotadb.repositories
         WHERE installation_id = $1 AND github_repository_id = ANY ($2) AND deleted_at IS NULL ORDER BY id",
    );
    ids(&tx.rows(select.bind(id).bind(github_ids.to_vec())).await?)
}

/// From now on the installation sees these repositories: those of the tenant in scope that have no credential are fetched
/// through it; returns them. What is registered by pattern is looked for again at the next chance.
pub async fn adopt(tx: &mut Tx, id: i64, github_ids: &[i64]) -> Result<Vec<RepositoryId>, DbError> {
    let adopt = Statement::new(
        "UPDATE kotadb.repositories SET installation_id = $1
         WHERE github_repository_id = ANY ($2) AND installation_id IS NULL AND token_id IS NULL AND deleted_at IS NULL
         RETURNING id",
    );
    let adopted = ids(&tx.rows(adopt.bind(id).bind(github_ids.to_vec())).await?)?;
    let look_again =
        "UPDATE kotadb.registrations SET checked_at = NULL WHERE installation_id = $1 AND deleted_at IS NULL";
    tx.run(Statement::new(look_again).bind(id)).await?;
    Ok(adopted)
}

fn read(row: &sqlx::postgres::PgRow) -> Result<InstallationRow, DbError> {
    Ok(InstallationRow {
        id: column(row, "id")?,
        account: column(row, "account")?,
        is_active: column(row, "is_active")?,
    })
}
