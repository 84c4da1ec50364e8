//! Webhook endpoints and their sealed secrets.
#![allow(unused_variables, reason = "contract stub")]

use super::{DbError, Tx};
use crate::id::{HookId, RepositoryId, TenantId};

/// A hook as the webhook route needs it before any tenant is known.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The last part of its URL.
    pub id: HookId,
    /// Its owner.
    pub tenant: TenantId,
    /// Its repository.
    pub repository: RepositoryId,
    /// Ref patterns of the repository; empty: the default branch.
    pub ref_patterns: Vec<String>,
    /// GitHub's numeric repository id where it is known (learnt from the first verified delivery).
    pub github_repository_id: Option<i64>,
    /// Sealed secret.
    pub secret: Vec<u8>,
    /// Sealed previous secret, while its overlap lasts.
    pub previous_secret: Option<Vec<u8>>,
}

/// Makes the hook of a repository of the tenant in scope. The secret is sealed by the caller with context
/// `hook:<hook id>`.
pub async fn create(tx: &mut Tx, tenant: TenantId, repository: RepositoryId, hook: HookId, sealed_secret: &[u8]) -> Result<(), DbError> {
    unimplemented!()
}
/// Finds a hook by its id, through a SECURITY DEFINER function. Scope: anonymous.
pub async fn look_up(tx: &mut Tx, hook: HookId) -> Result<Option<Hook>, DbError> {
    unimplemented!()
}
/// Remembers GitHub's numeric id of the repository. Scope: tenant.
pub async fn set_github_repository_id(tx: &mut Tx, repository: RepositoryId, github_id: i64) -> Result<(), DbError> {
    unimplemented!()
}
