//! The registration of a repository by its URL, wherever somebody asks for it: what GitHub tells of it, its row, webhook and
//! first job. GitHub is asked outside of transactions, and its failures never fail a registration.

pub mod hook;
mod known;
mod settings;

use std::time::Duration;

use self::hook::Hook;
use self::known::Known;
pub use self::settings::{Settings, check_priority, check_schedule};
use crate::db::jobs::{self, JobKind, NewJob, Trigger};
use crate::db::principal::Principal;
use crate::db::repositories::{self, NewRepository as NewRow, RepositoryRow};
use crate::db::{Scope, Tx, upstream};
use crate::github::Remote;
use crate::github::client::GithubRepository;
use crate::http::{ApiError, Resources};
use crate::id::TenantId;
use crate::wire::{NewRepository, QueuedJob, RegisteredRepository};

/// A repository that is registered now.
#[derive(Clone, Debug)]
pub struct Registered {
    /// As its owner is shown it.
    pub answer: RegisteredRepository,
    /// Whether it was not before.
    pub is_new: bool,
}

/// What the transaction of a registration leaves.
struct Stored {
    row: RepositoryRow,
    is_new: bool,
    hook: Hook,
    job: Option<QueuedJob>,
}

/// Registers a repository, with its webhook and first job. The same URL again finds the same repository and repairs its
/// webhook. Whoever calls has checked the scope.
pub async fn register(resources: &Resources, key: &Principal, new: &NewRepository) -> Result<Registered, ApiError> {
    key.require_all()?;
    let remote = Remote::parse(&new.url, &resources.config().git_allowed_origins)?;
    let settings = Settings::check(&new.refs, new.priority, new.schedule.as_deref())?;
    resources.master_key()?;
    let known = Known::of(resources, key.tenant, &remote).await?;
    let remote = match resources.github() {
        Ok(github) => known.remote(github.web_origin(), remote),
        Err(_) => remote,
    };
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let new = new_row(&remote, settings, &known);
    let stored = store(&mut tx, resources, key.tenant, &new, known.repository.as_ref()).await?;
    tx.commit().await?;
    if stored.is_new {
        resources.wake().await;
    }
    let (state, detail, fault) = hook::provision(resources, key.tenant, &stored.row, &stored.hook, known.session).await;
    let mut answer = RegisteredRepository { repository: stored.row.into(), webhook: None, job: None };
    answer.repository.webhook_fault = fault;
    answer.webhook = stored.hook.is_new.then(|| stored.hook.issued(resources, state, detail));
    answer.job = stored.job.map(|job| job.id);
    Ok(Registered { answer, is_new: stored.is_new })
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
    let hook = hook::own(tx, resources, tenant, &row).await?;
    let job = match is_new {
        true => Some(first_job(tx, tenant, &row).await?),
        false => None,
    };
    Ok(Stored { row, is_new, hook, job })
}

async fn first_job(tx: &mut Tx, tenant: TenantId, row: &RepositoryRow) -> Result<QueuedJob, ApiError> {
    let (kind, trigger, delay) = (JobKind::Index, Trigger::Register, Duration::ZERO);
    let job = NewJob { tenant, repository: row.id, kind, trigger, full: false, delay };
    Ok(jobs::enqueue(tx, &job).await?.into())
}
