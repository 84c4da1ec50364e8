//! What operators do by hand: tenants and keys. Keys are shown once and kept as a hash only.

use kotadb_core::db::{Db, DbError, Scope, Tx, installations, keys, tenants};
use kotadb_core::github::client::{Client, GithubError};
use kotadb_core::id::TenantId;
use kotadb_core::identity::ApiKey;
use uuid::Uuid;

/// Scopes of a key for which none are asked.
pub const ALL_SCOPES: [&str; 5] = ["search", "repositories:read", "repositories:write", "jobs:read", "jobs:write"];

/// Why an operator's command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// No tenant of that name.
    #[error("there is no tenant `{0}`: make it with `kotadb-indexer admin tenant create {0}`")]
    NoTenant(String),
    /// A scope that does not exist.
    #[error("`{0}` is no scope: choose from search, repositories:read, repositories:write, jobs:read, jobs:write")]
    NoScope(String),
    /// No key of that id, in any tenant.
    #[error("there is no key `{0}`")]
    NoKey(Uuid),
    /// An installation that another tenant has.
    #[error("installation `{0}` belongs to another tenant")]
    ForeignInstallation(i64),
    /// GitHub does not tell of the installation.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// Postgres failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Makes a tenant, or finds the one of that name.
pub async fn create_tenant(db: &Db, name: &str) -> Result<TenantId, AdminError> {
    let mut tx = db.begin(Scope::Worker).await?;
    let tenant = tenants::ensure(&mut tx, name).await?;
    tx.commit().await?;
    Ok(tenant)
}

/// All tenants with their names.
pub async fn list_tenants(db: &Db) -> Result<Vec<(TenantId, String)>, AdminError> {
    let mut tx = db.begin(Scope::Worker).await?;
    let found = tenants::list(&mut tx).await?;
    tx.commit().await?;
    Ok(found)
}

/// Makes a key for a tenant. The key itself is in no table.
pub async fn create_key(db: &Db, tenant: &str, name: &str, scopes: &[String]) -> Result<(Uuid, ApiKey), AdminError> {
    let tenant = tenant_named(db, tenant).await?;
    let scopes = known_scopes(scopes)?;
    let key = ApiKey::generate(true);
    let mut tx = db.begin(Scope::Tenant(tenant)).await?;
    let id = keys::create(&mut tx, tenant, name, &key.sha256(), &key.display(), &scopes).await?;
    tx.commit().await?;
    Ok((id, key))
}

/// Gives an installation of the App to a tenant; the account that it is on.
pub async fn link_installation(db: &Db, github: &Client, id: i64, tenant: &str) -> Result<String, AdminError> {
    let tenant = tenant_named(db, tenant).await?;
    let account = github.app()?.app_installation(id).await?.account;
    let mut tx = db.begin(Scope::Worker).await?;
    let linked = installations::link(&mut tx, id, &account.login, account.id, tenant).await?;
    tx.commit().await?;
    if linked { Ok(account.login) } else { Err(AdminError::ForeignInstallation(id)) }
}

/// Revokes a key, whichever tenant has it.
pub async fn revoke_key(db: &Db, key: Uuid) -> Result<(), AdminError> {
    for (tenant, _) in list_tenants(db).await? {
        let mut tx: Tx = db.begin(Scope::Tenant(tenant)).await?;
        let revoked = keys::revoke(&mut tx, key).await?;
        tx.commit().await?;
        if revoked {
            return Ok(());
        }
    }
    Err(AdminError::NoKey(key))
}

async fn tenant_named(db: &Db, name: &str) -> Result<TenantId, AdminError> {
    let tenants = list_tenants(db).await?;
    let found = tenants.into_iter().find(|(id, known)| known == name || id.to_string() == name);
    found.map(|(id, _)| id).ok_or_else(|| AdminError::NoTenant(name.to_owned()))
}

fn known_scopes(scopes: &[String]) -> Result<Vec<&'static str>, AdminError> {
    if scopes.is_empty() {
        return Ok(ALL_SCOPES.to_vec());
    }
    let known = |scope: &String| ALL_SCOPES.into_iter().find(|known| known == scope);
    scopes.iter().map(|scope| known(scope).ok_or_else(|| AdminError::NoScope(scope.clone()))).collect()
}
