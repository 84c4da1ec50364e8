//! Installations of the GitHub App. One belongs to nobody until it is linked to a tenant.

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::TenantId;

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

/// Links an installation to a tenant, or notes it anew; `false`: it is another tenant's. Scope: worker.
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

/// The installation of the tenant in scope on an account, if it may be used.
pub async fn on_account(tx: &mut Tx, account: &str) -> Result<Option<InstallationRow>, DbError> {
    let select = Statement::new(
        "SELECT id, account, true AS is_active FROM kotadb.installations
         WHERE lower(account) = lower($1) AND suspended_at IS NULL AND deleted_at IS NULL ORDER BY id DESC LIMIT 1",
    );
    tx.row(select.bind(account.to_owned())).await?.as_ref().map(read).transpose()
}

/// Notes whether GitHub still lets an installation be used: `Some(true)` suspended, `None` gone. Scope: worker.
pub async fn note(tx: &mut Tx, id: i64, suspended: Option<bool>) -> Result<(), DbError> {
    let update = Statement::new(
        "UPDATE kotadb.installations SET checked_at = now(),
             suspended_at = CASE WHEN $2 THEN coalesce(suspended_at, now()) END,
             deleted_at = CASE WHEN $2 IS NULL THEN coalesce(deleted_at, now()) END
         WHERE id = $1",
    );
    tx.run(update.bind(id).bind(suspended)).await.map(|_| ())
}

fn read(row: &sqlx::postgres::PgRow) -> Result<InstallationRow, DbError> {
    Ok(InstallationRow {
        id: column(row, "id")?,
        account: column(row, "account")?,
        is_active: column(row, "is_active")?,
    })
}
