//! Registered repositories. `indexed_commit` is a copy for display; HEAD of the object store is the truth.
#![allow(unused_variables, reason = "contract stub")]

use time::OffsetDateTime;

use super::{DbError, Tx};
use crate::id::{RepositoryId, TenantId};

/// A repository as its owner sees it.
#[derive(Clone, Debug)]
pub struct RepositoryRow {
    /// Its id.
    pub id: RepositoryId,
    /// `owner/name`.
    pub name: String,
    /// Normalised clone URL.
    pub url: String,
    /// Ref patterns to track (`refs/heads/release-*` globs on full names); empty: the default branch.
    pub ref_patterns: Vec<String>,
    /// Commit of the default ref at the last publish.
    pub indexed_commit: Option<String>,
    /// When that was.
    pub indexed_at: Option<OffsetDateTime>,
    /// Row made.
    pub created_at: OffsetDateTime,
}

/// Registers a repository for the tenant in scope; registering the same URL again returns the same row (`false`).
pub async fn register(tx: &mut Tx, tenant: TenantId, name: &str, url: &str, ref_patterns: &[String]) -> Result<(RepositoryRow, bool), DbError> {
    unimplemented!()
}
/// One repository of the tenant in scope, unless deleted.
pub async fn get(tx: &mut Tx, id: RepositoryId) -> Result<Option<RepositoryRow>, DbError> {
    unimplemented!()
}
/// Repositories of the tenant in scope, by name after `after`, not deleted.
pub async fn list(tx: &mut Tx, after: Option<&str>, limit: i64) -> Result<Vec<RepositoryRow>, DbError> {
    unimplemented!()
}
/// Hides a repository at once (its bytes leave storage by compaction and garbage collection). `false`: no such row.
pub async fn delete(tx: &mut Tx, id: RepositoryId) -> Result<bool, DbError> {
    unimplemented!()
}
