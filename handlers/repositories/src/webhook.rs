//! The webhook of a repository at GitHub: made after the registration, renewed by
//! `POST /api/v1/repositories/{id}/webhook/rotate`, deleted with the repository. What goes wrong there is noted and left to
//! the reconciler.

use axum::extract::State;
use kotadb_core::crypto::Secret;
use kotadb_core::db::repositories::{self, Credential, RepositoryRow};
use kotadb_core::db::{DbError, Scope, Tx, hooks, installations};
use kotadb_core::github::client::{GithubError, Session};
use kotadb_core::github::provision::{self, Provision, payload_url};
use kotadb_core::http::scope::WriteRepositories;
use kotadb_core::http::{ApiError, Authorized, Id, Json, Query, Resources};
use kotadb_core::id::{HookId, RepositoryId, TenantId};
use kotadb_core::wire::{IssuedWebhook, WebhookState};
use serde::Deserialize;

use crate::known::PATIENCE;

/// The former secret stays valid for a day.
const OVERLAP_SECONDS: i64 = 24 * 3600;
const LONGEST_OVERLAP_SECONDS: i64 = 30 * 24 * 3600;

/// A hook and its secret, in memory for one request.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) id: HookId,
    pub(crate) secret: Secret,
    /// Whether the secret was made by this request, and so is shown in its answer.
    pub(crate) is_new: bool,
}

impl Hook {
    pub(crate) fn issued(&self, resources: &Resources, state: WebhookState, detail: String) -> IssuedWebhook {
        let base = resources.config().webhook_base_url.as_deref().unwrap_or_default();
        IssuedWebhook { url: payload_url(base, self.id), secret: self.secret.expose().to_owned(), state, detail }
    }
}

/// The query string of a rotation.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RotateQuery {
    /// How long the former secret stays valid.
    #[param(minimum = 0, maximum = 2592000, default = 86400)]
    overlap_seconds: Option<i64>,
}

/// Rotate the secret of a webhook
///
/// The former secret stays valid for a while.
#[utoipa::path(
    post,
    path = "/api/v1/repositories/{id}/webhook/rotate",
    tag = "repositories",
    operation_id = "rotate_webhook",
    params(("id" = Uuid, Path, description = "Id of the repository."), RotateQuery),
    responses((status = 200, description = "With the new secret, shown this once.", body = IssuedWebhook)),
    security(("bearer" = ["repositories:write"]))
)]
pub(crate) async fn rotate(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Id(id): Id<RepositoryId>,
    Query(query): Query<RotateQuery>,
) -> Result<Json<IssuedWebhook>, ApiError> {
    key.require(id)?;
    let overlap = query.overlap_seconds.unwrap_or(OVERLAP_SECONDS);
    if !(0..=LONGEST_OVERLAP_SECONDS).contains(&overlap) {
        let detail = format!("`overlap_seconds` must be from 0 to {LONGEST_OVERLAP_SECONDS} (30 days)");
        return Err(ApiError::invalid_request(detail));
    }
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let row = repositories::get(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("repository"))?;
    let hook = renew(&mut tx, &resources, key.tenant, &row, overlap).await?;
    tx.commit().await?;
    let session = session_of(&resources, key.tenant, &row).await;
    let (state, detail, _) = provision(&resources, key.tenant, &row, &hook, session).await;
    Ok(Json(hook.issued(&resources, state, detail)))
}

async fn renew(
    tx: &mut Tx,
    resources: &Resources,
    tenant: TenantId,
    row: &RepositoryRow,
    overlap: i64,
) -> Result<Hook, ApiError> {
    let key = resources.master_key()?;
    let Some(found) = hooks::of_repository(tx, row.id).await? else {
        let id = HookId(uuid::Uuid::now_v7());
        let (secret, sealed) = provision::new_secret(key, id);
        hooks::create(tx, tenant, row.id, id, &sealed).await?;
        return Ok(Hook { id, secret, is_new: true });
    };
    let former = hooks::look_up(tx, found.id).await?.map(|hook| hook.secret);
    let (secret, sealed) = provision::new_secret(key, found.id);
    let previous = former.as_deref().filter(|_| overlap > 0).map(|former| (former, overlap));
    hooks::set_secret(tx, found.id, &sealed, previous).await?;
    Ok(Hook { id: found.id, secret, is_new: true })
}

/// Who may ask GitHub about a repository that is registered. A stored token is opened by the reconciler alone.
async fn session_of(resources: &Resources, tenant: TenantId, row: &RepositoryRow) -> Option<Session> {
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
pub(crate) async fn provision(
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
pub(crate) async fn remove(resources: &Resources, tenant: TenantId, row: &RepositoryRow, hook: HookId) {
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
