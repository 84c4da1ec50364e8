//! Webhook endpoints and their sealed secrets.

use super::repository_events::Subject;
use super::tx::{Statement, column};
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
    pub subject: Subject,
    /// The installation of the App through which that is fetched, if it is.
    pub installation: Option<i64>,
    /// GitHub's number of the hook where it is known (learnt from its `ping`).
    pub github_hook_id: Option<i64>,
    /// Whether a delivery of it was verified before.
    pub is_verified: bool,
    /// Sealed secret.
    pub secret: Vec<u8>,
    /// Sealed previous secret, while its overlap lasts.
    pub previous_secret: Option<Vec<u8>>,
}

/// Makes the hook of a repository of the tenant in scope. The secret is sealed by the caller with context
/// `hook:<hook id>`.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    repository: RepositoryId,
    hook: HookId,
    sealed_secret: &[u8],
) -> Result<(), DbError> {
    let insert =
        Statement::new("INSERT INTO kotadb.hooks (id, tenant_id, repository_id, secret) VALUES ($1, $2, $3, $4)")
            .bind(hook.0)
            .bind(tenant.0)
            .bind(repository.0)
            .bind(sealed_secret.to_vec());
    tx.run(insert).await.map(|_| ())
}

/// Finds a hook by its id, through a SECURITY DEFINER function. Scope: anonymous. A hook of a deleted repository is gone.
pub async fn look_up(tx: &mut Tx, hook: HookId) -> Result<Option<Hook>, DbError> {
    let look_up = Statement::new("SELECT * FROM kotadb.hook_lookup($1)").bind(hook.0);
    let Some(row) = tx.row(look_up).await? else {
        return Ok(None);
    };
    Ok(Some(Hook {
        id: hook,
        tenant: TenantId(column(&row, "tenant_id")?),
        subject: Subject::read(&row, "repository_id")?,
        installation: column(&row, "installation_id")?,
        github_hook_id: column(&row, "github_hook_id")?,
        is_verified: column(&row, "is_verified")?,
        secret: column(&row, "secret")?,
        previous_secret: column(&row, "previous_secret")?,
    }))
}

/// A delivery of the hook was verified. Scope: tenant.
pub async fn verified(tx: &mut Tx, hook: HookId) -> Result<(), DbError> {
    let update = "UPDATE kotadb.hooks SET verified_at = coalesce(verified_at, now()) WHERE id = $1";
    tx.run(Statement::new(update).bind(hook.0)).await.map(|_| ())
}

/// What its `ping` tells of a hook: GitHub's number of it, and what is wrong with it; `None`: nothing. Scope: tenant.
pub async fn pinged(tx: &mut Tx, hook: HookId, github_id: Option<i64>, fault: Option<&str>) -> Result<(), DbError> {
    let update = Statement::new(
        "UPDATE kotadb.hooks SET verified_at = coalesce(verified_at, now()), checked_at = now(),
             github_hook_id = coalesce($2, github_hook_id), fault = $3
         WHERE id = $1",
    );
    tx.run(update.bind(hook.0).bind(github_id).bind(fault.map(str::to_owned))).await.map(|_| ())
}

/// Remembers GitHub's numeric id of the repository. Scope: tenant.
pub async fn set_github_repository_id(tx: &mut Tx, repository: RepositoryId, github_id: i64) -> Result<(), DbError> {
    let update = Statement::new("UPDATE kotadb.repositories SET github_repository_id = $2 WHERE id = $1")
        .bind(repository.0)
        .bind(github_id);
    tx.run(update).await.map(|_| ())
}
