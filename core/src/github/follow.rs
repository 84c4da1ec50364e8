//! What a pattern matches becomes repositories with hooks and jobs. A repository that its owner deleted here does not come
//! back by itself.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::RepositoryPattern;
use super::client::{Client, GithubError, GithubRepository, Session};
use super::provision;
use crate::crypto::MasterKey;
use crate::db::jobs::{self, JobKind, NewJob, Trigger};
use crate::db::registrations::RegistrationRow;
use crate::db::repositories::{self, Credential, NewRepository};
use crate::db::{DbError, Tx, hooks, upstream};
use crate::id::HookId;

/// The names that a pattern matches, as `credential` sees them; by name. Without a credential only public ones, whatever
/// the operator's token could see: his repositories are no tenant's business.
pub async fn matching(
    client: &Client,
    credential: Credential,
    session: Option<Session>,
    pattern: &RepositoryPattern,
) -> Result<Vec<GithubRepository>, GithubError> {
    let listed = match (credential, session) {
        (Credential::Installation(_), Some(session)) => session.installation_repositories().await?,
        (_, session) => {
            let session = session.unwrap_or_else(|| client.anonymous());
            let mut listed = session.owner_repositories(pattern.owner()).await?;
            listed.items.retain(|repository| !repository.private || credential != Credential::None);
            listed
        }
    };
    let mut matching = listed.items;
    matching.retain(|repository| pattern.matches(&repository.full_name));
    matching.sort_by(|a, b| a.full_name.cmp(&b.full_name));
    Ok(matching)
}

/// The normalised clone URL of a repository at GitHub.
pub fn clone_url(web_origin: &str, repository: &GithubRepository) -> String {
    format!("{web_origin}/{}", repository.full_name.to_lowercase())
}

/// Of repositories that a pattern matches those that are to be registered: not archived, and not known. `since`: those
/// deleted here after that count as known.
pub async fn new_of<'a>(
    tx: &mut Tx,
    tenant: crate::id::TenantId,
    web_origin: &str,
    matching: &'a [GithubRepository],
    since: Option<OffsetDateTime>,
) -> Result<Vec<&'a GithubRepository>, DbError> {
    let of: Vec<_> = matching.iter().map(|one| (one.id, clone_url(web_origin, one))).collect();
    let known = upstream::known(tx, tenant, &of, since).await?;
    Ok(matching.iter().filter(|one| !one.archived && !known.contains(&one.id)).collect())
}

/// Registers one of them, with a hook and its first job; `false`: it was there. Scope: the tenant, or worker.
pub async fn register(
    tx: &mut Tx,
    registration: &RegistrationRow,
    web_origin: &str,
    repository: &GithubRepository,
    key: &MasterKey,
) -> Result<bool, DbError> {
    let new = NewRepository {
        name: repository.full_name.clone(),
        url: clone_url(web_origin, repository),
        ref_patterns: registration.ref_patterns.clone(),
        priority: registration.priority,
        schedule: registration.schedule.clone(),
        credential: registration.credential,
        github_repository_id: Some(repository.id),
        default_branch: repository.default_branch.clone(),
        is_private: Some(repository.private),
        registration: Some(registration.id),
    };
    let (row, is_new) = repositories::register_new(tx, registration.tenant, &new).await?;
    if is_new {
        let hook = HookId(Uuid::now_v7());
        let (_, sealed) = provision::new_secret(key, hook);
        hooks::create(tx, registration.tenant, row.id, hook, &sealed).await?;
        let job = NewJob {
            tenant: registration.tenant,
            repository: row.id,
            kind: JobKind::Index,
            trigger: Trigger::Register,
            full: false,
            delay: Duration::ZERO,
        };
        jobs::enqueue(tx, &job).await?;
    }
    Ok(is_new)
}
