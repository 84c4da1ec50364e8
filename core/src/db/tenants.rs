//! Tenants. Made by operators (`kotadb-indexer admin tenant`), through a SECURITY DEFINER function or the worker role.
#![allow(unused_variables, reason = "contract stub")]

use super::{DbError, Tx};
use crate::id::TenantId;

/// Makes a tenant, or returns the one of that name. Scope: worker.
pub async fn ensure(tx: &mut Tx, name: &str) -> Result<TenantId, DbError> {
    unimplemented!()
}
/// All tenants: (id, name). Scope: worker.
pub async fn list(tx: &mut Tx) -> Result<Vec<(TenantId, String)>, DbError> {
    unimplemented!()
}
