//! `POST /api/v1/repositories`: one repository by its URL. The same URL again finds the same repository and repairs its
//! webhook.

use axum::extract::State;
use axum::http::StatusCode;
use kotadb_core::crypto::Secret;
use kotadb_core::db::jobs::Trigger;
use kotadb_core::db::repositories::{self, NewRepository as NewRow, RepositoryRow};
use kotadb_core::db::{Scope, Tx, hooks, upstream};
use kotadb_core::github::client::GithubRepository;
use kotadb_core::github::{Remote, provision};
use kotadb_core::http::scope::WriteRepositories;
use kotadb_core::http::{ApiError, Authorized, Json, Resources};
use kotadb_core::id::{HookId, TenantId};
use kotadb_core::wire::{NewRepository, QueuedJob, RegisteredRepository};
use uuid::Uuid;

use crate::known::Known;
use crate::settings::Settings;
use crate::webhook::{self, Hook};

/// What the transaction of a registration leaves.
struct Stored {
    row: RepositoryRow,
    is_new: bool,
    hook: Hook,
    job: Option<QueuedJob>,
}

/// Register a repository
///
/// Every push to it is indexed from now on. The same URL again finds the same repository, and repairs its webhook.
#[utoipa::path(
    post,
    path = "/api/v1/repositories",
    tag = "repositories",
    operation_id = "register_repository",
    request_body = NewRepository,
    responses(
        (status = 200, description = "It was registered already.", body = RegisteredRepository),
        (status = 201, description = "With the secret of its webhook, shown this once, and its first job.",
            body = RegisteredRepository, links(
                ("repository" = (operation_id = "read_repository", parameters(("id" = "$response.body#/id")))),
                ("change" = (operation_id = "change_repository", parameters(("id" = "$response.body#/id")))),
                ("rotate" = (operation_id = "rotate_webhook", parameters(("id" = "$response.body#/id")))),
                ("index" = (operation_id = "index_repository", parameters(("id" = "$response.body#/id")))),
                ("snapshots" = (operation_id = "list_snapshots", parameters(("id" = "$response.body#/id")))),
                ("delete" = (operation_id = "delete_repository", parameters(("id" = "$response.body#/id")))),
                ("job" = (operation_id = "read_job", parameters(("id" = "$response.body#/job")))),
                ("cancel" = (operation_id = "cancel_job", parameters(("id" = "$response.body#/job")))),
            )),
    ),
    security(("bearer" = ["repositories:write"]))
)]
pub(crate) async fn register(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Json(new): Json<NewRepository>,
) -> Result<(StatusCode, Json<RegisteredRepository>), ApiError> {
    key.require_all()?;
    let remote = Remote::parse(&new.url, &resources.config().git_allowed_origins)?;
    let settings = Settings::check(&new.refs, new.priority, new.schedule.as_deref())?;
    resources.master_key()?;
    let known = Known::of(&resources, key.tenant, &remote).await?;
    let remote = match resources.github() {
        Ok(github) => known.remote(github.web_origin(), remote),
        Err(_) => remote,
    };
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let new = new_row(&remote, settings, &known);
    let stored = store(&mut tx, &resources, key.tenant, &new, known.repository.as_ref()).await?;
    tx.commit().await?;
    if stored.is_new {
        resources.wake().await;
    }
    let (state, detail, fault) =
        webhook::provision(&resources, key.tenant, &stored.row, &stored.hook, known.session).await;
    let status = if stored.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut answer = RegisteredRepository { repository: stored.row.into(), webhook: None, job: None };
    answer.repository.webhook_fault = fault;
    answer.webhook = stored.hook.is_new.then(|| stored.hook.issued(&resources, state, detail));
    answer.job = stored.job.map(|job| job.id);
    Ok((status, Json(answer)))
}

fn new_row(remote: &Remote, settings: Settings, known: &Known) -> NewRow {
    let repository = known.repository.as_ref();
    NewRow {
        name: remote.name.clone(),
        url: remote.url.clone(),
        ref_patterns: settings.ref_patterns,
        priority: settings.priority,
        schedule: settings.schedule,
        credential: known.credential,
        github_repository_id: repository.map(|one| one.id),
        default_branch: repository.and_then(|one| one.default_branch.clone()),
        is_private: repository.map(|one| one.private),
        registration: None,
    }
}

async fn store(
    tx: &mut Tx,
    resources: &Resources,
    tenant: TenantId,
    new: &NewRow,
    known: Option<&GithubRepository>,
) -> Result<Stored, ApiError> {
    if let Some(known) = known
        && let Some((id, url)) = upstream::of_github(tx, tenant, known.id).await?
        && url != new.url
    {
        upstream::rename(tx, id, &new.name, &new.url).await?;
    }
    let (row, is_new) = repositories::register_new(tx, tenant, new).await?;
    let hook = own_hook(tx, resources, tenant, &row).await?;
    let job = match is_new {
        true => Some(crate::enqueue(tx, tenant, row.id, Trigger::Register, false).await?),
        false => None,
    };
    Ok(Stored { row, is_new, hook, job })
}

/// The hook of a repository, made where there is none. A secret that can no longer be opened is replaced.
async fn own_hook(tx: &mut Tx, resources: &Resources, tenant: TenantId, row: &RepositoryRow) -> Result<Hook, ApiError> {
    let key = resources.master_key()?;
    let Some(found) = hooks::of_repository(tx, row.id).await? else {
        let id = HookId(Uuid::now_v7());
        let (secret, sealed) = provision::new_secret(key, id);
        hooks::create(tx, tenant, row.id, id, &sealed).await?;
        return Ok(Hook { id, secret, is_new: true });
    };
    let sealed = hooks::look_up(tx, found.id).await?.map(|hook| hook.secret).unwrap_or_default();
    let opened: Option<Secret> = provision::open_secret(key, found.id, &sealed);
    if let Some(secret) = opened {
        return Ok(Hook { id: found.id, secret, is_new: false });
    }
    let (secret, sealed) = provision::new_secret(key, found.id);
    hooks::set_secret(tx, found.id, &sealed, None).await?;
    Ok(Hook { id: found.id, secret, is_new: true })
}
