//! Tenants. Made by operators (`kotadb-indexer admin tenant`), with the worker's role.

use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::TenantId;

/// Makes a tenant, or returns the one of that name. Scope: worker.
pub async fn ensure(tx: &mut Tx, name: &str) -> Result<TenantId, DbError> {
    let insert = "INSERT INTO kotadb.tenants (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    tx.run(Statement::new(insert).bind(Uuid::now_v7()).bind(name.to_owned())).await?;
    let found = tx.row(Statement::new("SELECT id FROM kotadb.tenants WHERE name = $1").bind(name.to_owned())).await?;
    let row = found.ok_or_else(|| DbError::Statement(format!("tenant `{name}` vanished")))?;
    column(&row, "id").map(TenantId)
}

/// All tenants by name: (id, name). Scope: worker.
pub async fn list(tx: &mut Tx) -> Result<Vec<(TenantId, String)>, DbError> {
    let rows = tx.rows(Statement::new("SELECT id, name FROM kotadb.tenants ORDER BY name")).await?;
    rows.iter().map(|row| Ok((TenantId(column(row, "id")?), column(row, "name")?))).collect()
}
