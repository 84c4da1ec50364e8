//! Webhook endpoints and their sealed secrets.

use super::repositories::Credential;
use super::subjects::Subject;
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
    /// Another once anything of the above is another.
    pub version: Vec<u8>,
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
        version: column(&row, "version")?,
    }))
}

/// A delivery of the hook was verified. Scope: tenant.
pub async fn verified(tx: &mut Tx, hook: HookId) -> Result<(), DbError> {
    let update = "UPDATE kotadb.hooks SET verified_at = coalesce(verified_at, now()) WHERE id = $1";
    tx.run(Statement::new(update).bind(hook.0)).await.map(|_| ())
}

/// A hook as provisioning needs it. The secret stays sealed.
#[derive(Clone, Debug)]
pub struct HookRow {
    /// The last part of its URL.
    pub id: HookId,
    /// GitHub's number of it, where it was made through the API.
    pub github_hook_id: Option<i64>,
    /// What is wrong with it at GitHub.
    pub fault: Option<String>,
}

/// The hook of a repository, locked until the end of the transaction. Scope: tenant or worker.
pub async fn of_repository(tx: &mut Tx, repository: RepositoryId) -> Result<Option<HookRow>, DbError> {
    let select = Statement::new(
        "SELECT id, github_hook_id, fault FROM kotadb.hooks WHERE repository_id = $1 ORDER BY created_at LIMIT 1 FOR UPDATE",
    );
    let Some(row) = tx.row(select.bind(repository.0)).await? else { return Ok(None) };
    let (github_hook_id, fault) = (column(&row, "github_hook_id")?, column(&row, "fault")?);
    Ok(Some(HookRow { id: HookId(column(&row, "id")?), github_hook_id, fault }))
}

/// Notes what GitHub made of a hook: its number where it is known, and what is wrong with it. Scope: tenant or worker.
pub async fn note(tx: &mut Tx, hook: HookId, github_hook_id: Option<i64>, fault: Option<&str>) -> Result<(), DbError> {
    let update = Statement::new(
        "UPDATE kotadb.hooks SET github_hook_id = coalesce($2, github_hook_id), fault = $3, checked_at = now() WHERE id = $1",
    );
    tx.run(update.bind(hook.0).bind(github_hook_id).bind(fault.map(str::to_owned))).await.map(|_| ())
}

/// Gives a hook a new secret, sealed. `previous`: the one it had, sealed, and the seconds that it stays valid for. Scope:
/// tenant or worker.
pub async fn set_secret(
    tx: &mut Tx,
    hook: HookId,
    secret: &[u8],
    previous: Option<(&[u8], i64)>,
) -> Result<(), DbError> {
    let update = Statement::new(
        "UPDATE kotadb.hooks SET secret = $2, previous_secret = $3,
             previous_valid_until = CASE WHEN $3 IS NOT NULL THEN now() + $4::bigint * interval '1 second' END
         WHERE id = $1",
    );
    let (previous, seconds) = previous.map_or((None, 0), |(secret, seconds)| (Some(secret.to_vec()), seconds));
    tx.run(update.bind(hook.0).bind(secret.to_vec()).bind(previous).bind(seconds)).await.map(|_| ())
}

/// The sealed secret of a hook, and the newest delivery of its log that was looked at. Scope: worker.
pub async fn sealed(tx: &mut Tx, hook: HookId) -> Result<Option<(Vec<u8>, Option<i64>)>, DbError> {
    let select = Statement::new("SELECT secret, newest_delivery FROM kotadb.hooks WHERE id = $1").bind(hook.0);
    let row = tx.row(select).await?;
    row.map(|row| Ok((column(&row, "secret")?, column(&row, "newest_delivery")?))).transpose()
}

/// The log of a hook was looked at up to a delivery. Never moves back. Scope: worker.
pub async fn seen_up_to(tx: &mut Tx, hook: HookId, delivery: i64) -> Result<(), DbError> {
    let update = "UPDATE kotadb.hooks SET newest_delivery = greatest(newest_delivery, $2) WHERE id = $1";
    tx.run(Statement::new(update).bind(hook.0).bind(delivery)).await.map(|_| ())
}

/// A hook of a deleted repository that may still be at GitHub.
#[derive(Clone, Debug)]
pub struct Orphan {
    /// The last part of its URL.
    pub id: HookId,
    /// Its owner.
    pub tenant: TenantId,
    /// `owner/name` of the repository.
    pub name: String,
    /// Clone URL of the repository.
    pub url: String,
    /// With what the repository was fetched.
    pub credential: Credential,
}

/// Hooks of repositories that were deleted within a week and not looked at since. Scope: worker.
pub async fn orphans(tx: &mut Tx, most: i64) -> Result<Vec<Orphan>, DbError> {
    let select = Statement::new(
        "SELECT h.id, h.tenant_id, r.name, r.url, r.installation_id, r.token_id
         FROM kotadb.hooks h JOIN kotadb.repositories r ON r.id = h.repository_id
         WHERE r.deleted_at > now() - interval '7 days' AND (h.checked_at IS NULL OR h.checked_at < r.deleted_at)
             AND r.upstream_gone_at IS NULL
         ORDER BY r.deleted_at LIMIT $1",
    );
    let rows = tx.rows(select.bind(most)).await?;
    let read = |row| {
        let (name, url) = (column(row, "name")?, column(row, "url")?);
        let (id, tenant) = (HookId(column(row, "id")?), TenantId(column(row, "tenant_id")?));
        Ok(Orphan { id, tenant, name, url, credential: Credential::read(row)? })
    };
    rows.iter().map(read).collect()
}

/// Remembers GitHub's numeric id of the repository. Scope: tenant.
pub async fn set_github_repository_id(tx: &mut Tx, repository: RepositoryId, github_id: i64) -> Result<(), DbError> {
    let update = Statement::new("UPDATE kotadb.repositories SET github_repository_id = $2 WHERE id = $1")
        .bind(repository.0)
        .bind(github_id);
    tx.run(update).await.map(|_| ())
}
