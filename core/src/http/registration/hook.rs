//! The webhook of a repository at GitHub: made after the registration, renewed when its owner asks, deleted with the
//! repository. What goes wrong there is noted and left to the reconciler.

use uuid::Uuid;

use super::known::PATIENCE;
use crate::crypto::Secret;
use crate::db::repositories::{Credential, RepositoryRow};
use crate::db::{DbError, Scope, Tx, hooks, installations};
use crate::github::client::{GithubError, Session};
use crate::github::provision::{self, Provision, payload_url};
use crate::http::{ApiError, Resources};
use crate::id::{HookId, TenantId};
use crate::wire::{IssuedWebhook, WebhookState};

/// A hook and its secret, in memory for one request.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Its id.
    pub id: HookId,
    /// What deliveries to it are signed with.
    pub secret: Secret,
    /// Whether the secret was made by this request, and so is shown in its answer.
    pub is_new: bool,
}

impl Hook {
    /// As its owner is shown it.
    pub fn issued(&self, resources: &Resources, state: WebhookState, detail: String) -> IssuedWebhook {
        let base = resources.config().webhook_base_url.as_deref().unwrap_or_default();
        IssuedWebhook { url: payload_url(base, self.id), secret: self.secret.expose().to_owned(), state, detail }
    }
}

/// The hook of a repository, made where there is none. A secret that can no longer be opened is replaced.
pub(super) async fn own(
    tx: &mut Tx,
    resources: &Resources,
    tenant: TenantId,
    row: &RepositoryRow,
) -> Result<Hook, ApiError> {
    let key = resources.master_key()?;
    let Some(found) = hooks::of_repository(tx, row.id).await? else { return create(tx, resources, tenant, row).await };
    let sealed = hooks::look_up(tx, found.id).await?.map(|hook| hook.secret).unwrap_or_default();
    let opened: Option<Secret> = provision::open_secret(key, found.id, &sealed);
    if let Some(secret) = opened {
        return Ok(Hook { id: found.id, secret, is_new: false });
    }
    let (secret, sealed) = provision::new_secret(key, found.id);
    hooks::set_secret(tx, found.id, &sealed, None).await?;
    Ok(Hook { id: found.id, secret, is_new: true })
}

/// Gives the hook of a repository another secret; the former one stays valid for so many seconds.
pub async fn renew(
    tx: &mut Tx,
    resources: &Resources,
    tenant: TenantId,
    row: &RepositoryRow,
    overlap: i64,
) -> Result<Hook, ApiError> {
    let key = resources.master_key()?;
    let Some(found) = hooks::of_repository(tx, row.id).await? else { return create(tx, resources, tenant, row).await };
    let former = hooks::look_up(tx, found.id).await?.map(|hook| hook.secret);
    let (secret, sealed) = provision::new_secret(key, found.id);
    let previous = former.as_deref().filter(|_| overlap > 0).map(|former| (former, overlap));
    hooks::set_secret(tx, found.id, &sealed, previous).await?;
    Ok(Hook { id: found.id, secret, is_new: true })
}

async fn create(tx: &mut Tx, resources: &Resources, tenant: TenantId, row: &RepositoryRow) -> Result<Hook, ApiError> {
    let id = HookId(Uuid::now_v7());
    let (secret, sealed) = provision::new_secret(resources.master_key()?, id);
    hooks::create(tx, tenant, row.id, id, &sealed).await?;
    Ok(Hook { id, secret, is_new: true })
}

/// Who may ask GitHub about a repository that is registered. A stored token is opened by the reconciler alone.
pub async fn session_of(resources: &Resources, tenant: TenantId, row: &RepositoryRow) -> Option<Session> {
    let github = resources.github().ok().filter(|github| github.knows(&row.url))?;
    if let Credential::Installation(id) = row.credential {
        let mut tx = resources.db().ok()?.begin(Scope::Tenant(tenant)).await.ok()?;
        let is_own = installations::is_of(&mut tx, tenant, id).await.ok()?;
        tx.commit().await.ok().filter(|()| is_own)?;
    }
    let asked = tokio::time::timeout(PATIENCE, github.session_for(row.credential, None)).await;
    asked.ok()?.inspect_err(|error| tracing::info!(repository = %row.id, %error, "No token: {error}")).ok()?
}

/// Brings the webhook at GitHub up to date; how far it came, what is left to do, and what is wrong.
pub async fn provision(
    resources: &Resources,
    tenant: TenantId,
    row: &RepositoryRow,
    hook: &Hook,
    session: Option<Session>,
) -> (WebhookState, String, Option<String>) {
    let by_hand = |why: &str| {
        let detail = format!("{why}: set URL and secret by hand, content type `application/json`, event `push`");
        (WebhookState::ByHand, detail, None)
    };
    let Some(base) = resources.config().webhook_base_url.as_deref() else {
        return by_hand("`KOTADB_WEBHOOK_BASE_URL` is not set, so this service does not know its own URL");
    };
    if let Credential::Token(_) = row.credential {
        return (WebhookState::Pending, "the next sweep makes it, within the hour".to_owned(), None);
    }
    let Some(session) = session else { return by_hand("there is no token for this repository") };
    let url = payload_url(base, hook.id);
    let work = Provision { session: &session, name: &row.name, url: &url };
    let done = tokio::time::timeout(PATIENCE, work.ensure(&hook.secret, true)).await;
    let done = done.unwrap_or_else(|_| Err(GithubError::Unavailable("it took too long".to_owned())));
    let (id, fault) = match &done {
        Ok(done) => (Some(done.id), None),
        Err(error) => (None, Some(provision::fault(error))),
    };
    if let Err(error) = note(resources, tenant, hook.id, id, fault.as_deref()).await {
        tracing::warn!(hook = %hook.id, %error, "Webhook was not noted: {error}");
    }
    match fault {
        None => (WebhookState::Active, "GitHub delivers pushes to it".to_owned(), None),
        Some(fault) => (WebhookState::Faulty, fault.clone(), Some(fault)),
    }
}

/// Takes the webhook of a deleted repository away. What fails is done by the reconciler.
pub async fn remove(resources: &Resources, tenant: TenantId, row: &RepositoryRow, hook: HookId) {
    let Some(base) = resources.config().webhook_base_url.as_deref() else { return };
    let Some(session) = session_of(resources, tenant, row).await else { return };
    let url = payload_url(base, hook);
    let work = Provision { session: &session, name: &row.name, url: &url };
    match tokio::time::timeout(PATIENCE, work.remove()).await {
        Ok(Ok(_)) => {
            if let Err(error) = note(resources, tenant, hook, None, None).await {
                tracing::warn!(%hook, %error, "Deleted webhook was not noted: {error}");
            }
        }
        Ok(Err(error)) => tracing::info!(%hook, %error, "Webhook is left to the next sweep: {error}"),
        Err(_late) => tracing::info!(%hook, "Webhook is left to the next sweep: GitHub took too long"),
    }
}

async fn note(
    resources: &Resources,
    tenant: TenantId,
    hook: HookId,
    id: Option<i64>,
    fault: Option<&str>,
) -> Result<(), DbError> {
    let db = resources.db().map_err(|error| DbError::Options(error.to_string()))?;
    let mut tx = db.begin(Scope::Tenant(tenant)).await?;
    hooks::note(&mut tx, hook, id, fault).await?;
    tx.commit().await
}
