//! What GitHub tells of a repository before it is registered, where there is a token to ask with. It may tell nothing: the
//! registration goes on, and the reconciler learns it later.

use std::time::Duration;

use crate::db::repositories::Credential;
use crate::db::{Scope, installations};
use crate::github::Remote;
use crate::github::client::{Client, GithubError, GithubRepository, Session};
use crate::github::follow::clone_url;
use crate::http::{ApiError, Resources};
use crate::id::TenantId;

/// Longest time that a registration waits for GitHub's side of it.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// A repository as it is known before its registration.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// With what it is to be fetched.
    pub(super) credential: Credential,
    /// Who may ask GitHub about it.
    pub(super) session: Option<Session>,
    /// What GitHub tells.
    pub(super) repository: Option<GithubRepository>,
}

impl Known {
    /// Asks GitHub, if the URL is one of its.
    pub(super) async fn of(resources: &Resources, tenant: TenantId, remote: &Remote) -> Result<Self, ApiError> {
        let github = match resources.github() {
            Ok(github) if github.knows(&remote.url) => github,
            Ok(_) => return Ok(Self::default()),
            Err(error) => {
                tracing::warn!(%error, "Registering without GitHub: {error}");
                return Ok(Self::default());
            }
        };
        let owner = remote.name.split('/').next().unwrap_or_default();
        let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
        let installation = installations::on_account(&mut tx, owner).await?;
        tx.commit().await?;
        let asking = ask(github, installation.map(|one| one.id), &remote.name);
        Ok(tokio::time::timeout(PATIENCE, asking).await.unwrap_or_default())
    }

    /// URL and name as they are now: a repository that was renamed answers to its former name.
    pub(super) fn remote(&self, web_origin: &str, asked: Remote) -> Remote {
        match &self.repository {
            Some(one) => Remote { url: clone_url(web_origin, one), name: one.full_name.clone(), ..asked },
            None => asked,
        }
    }
}

/// By the tenant's own installation, where it covers the repository; else by the operator's token, which must not tell a
/// tenant of private repositories.
async fn ask(github: &Client, installation: Option<i64>, name: &str) -> Known {
    if let Some(id) = installation {
        match as_installation(github, id, name).await {
            Ok((session, repository)) => {
                let credential = Credential::Installation(id);
                return Known { credential, session: Some(session), repository: Some(repository) };
            }
            Err(error) => tracing::info!(installation = id, %error, "Installation does not cover `{name}`: {error}"),
        }
    }
    let Some(session) = github.operator() else { return Known::default() };
    let repository = session.repository(name).await.ok().filter(|repository| !repository.private);
    Known { credential: Credential::None, session: Some(session), repository }
}

async fn as_installation(github: &Client, id: i64, name: &str) -> Result<(Session, GithubRepository), GithubError> {
    let session = github.installation(id).await?;
    let repository = session.repository(name).await?;
    // An installation sees public repositories of anybody, but may only fetch private ones that it covers.
    Ok((session, repository))
}
