//! What operators do by hand: tenants and keys. Keys are shown once and kept as a hash only.

use kotadb_core::db::keys::NewKey;
use kotadb_core::db::members::{Invited, Role};
use kotadb_core::db::{Db, DbError, Scope, Tx, installations, keys, members, tenants};
use kotadb_core::github::client::{Client, GithubError};
use kotadb_core::id::TenantId;
use kotadb_core::identity::ApiKey;
use uuid::Uuid;

/// Scopes of a key for which none are asked.
pub use kotadb_core::db::keys::SCOPES as ALL_SCOPES;

/// Why an operator's command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// No tenant of that name.
    #[error("there is no tenant `{0}`: make it with `kotadb-indexer admin tenant create {0}`")]
    NoTenant(String),
    /// A scope that does not exist.
    #[error("`{0}` is no scope: choose from {scopes}", scopes = ALL_SCOPES.join(", "))]
    NoScope(String),
    /// A plan that does not exist.
    #[error("there is no plan `{0}`: make it by a row in `kotadb.plans`, or take `standard` or `unlimited`")]
    NoPlan(String),
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

/// Puts a tenant on a plan: what it may use.
pub async fn set_plan(db: &Db, tenant: &str, plan: &str) -> Result<(), AdminError> {
    let tenant = tenant_named(db, tenant).await?;
    let mut tx = db.begin(Scope::Worker).await?;
    match tenants::set_plan(&mut tx, tenant, plan).await {
        Err(DbError::Constraint { constraint }) if constraint == "tenants_plan_fkey" => {
            return Err(AdminError::NoPlan(plan.to_owned()));
        }
        set => set?,
    }
    Ok(tx.commit().await?)
}

/// Invites somebody into a tenant, by e-mail address (with an `@`) or login at GitHub: how its first owner comes in.
pub async fn invite(db: &Db, tenant: &str, who: &str, role: Role) -> Result<Option<Uuid>, AdminError> {
    let tenant = tenant_named(db, tenant).await?;
    let invited = match who.contains('@') {
        true => Invited::Email(who.to_owned()),
        false => Invited::GithubLogin(who.to_owned()),
    };
    let mut tx = db.begin(Scope::Tenant(tenant)).await?;
    let row = members::invite(&mut tx, tenant, &invited, role, None).await?;
    tx.commit().await?;
    Ok(row.map(|row| row.id))
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
    let new = NewKey {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        sha256: key.sha256(),
        display: key.display(),
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        ..NewKey::default()
    };
    let row = keys::create(&mut tx, tenant, &new).await?;
    tx.commit().await?;
    Ok((row.id, key))
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
