//! API keys at rest: a SHA-256, never the key.
#![allow(unused_variables, reason = "contract stub")]

use super::{DbError, Tx};
use crate::id::{RepositoryId, TenantId};

/// What a valid key stands for: found by `kotadb.authenticate` in one statement.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The tenant.
    pub tenant: TenantId,
    /// Which key (for logs).
    pub key_id: uuid::Uuid,
    /// `search`, `repositories:read`, `repositories:write`, `jobs:read`, `jobs:write`.
    pub scopes: Vec<String>,
    /// Repositories it may see, not deleted: (id, `owner/name`).
    pub repositories: Vec<(RepositoryId, String)>,
}

/// Looks a key up by its hash. Scope: anonymous. `None`: unknown, revoked or expired.
pub async fn authenticate(tx: &mut Tx, key_sha256: &[u8; 32]) -> Result<Option<Principal>, DbError> {
    unimplemented!()
}
/// Makes a key for the tenant in scope (`admin key create`). `display` is its first and last characters.
pub async fn create(tx: &mut Tx, tenant: TenantId, name: &str, key_sha256: &[u8; 32], display: &str, scopes: &[&str]) -> Result<uuid::Uuid, DbError> {
    unimplemented!()
}
/// Revokes a key of the tenant in scope; `false`: no such key.
pub async fn revoke(tx: &mut Tx, key: uuid::Uuid) -> Result<bool, DbError> {
    unimplemented!()
}
