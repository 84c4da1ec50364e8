//! Whether a repository is still there, what it is called, and whether it may be worked on.

use kotadb_core::db::repositories::Credential;
use kotadb_core::db::suspensions::{self, Suspension};
use kotadb_core::db::upstream::{self, Upstream};
use kotadb_core::db::{Scope, Tx, installations};
use kotadb_core::github::client::{GithubError, GithubRepository, Session};
use kotadb_core::github::follow::clone_url;

use super::Run;
use super::trouble::Trouble;

/// Reasons to stand still that end when GitHub shows the repository, not archived.
const PASSING: [Suspension; 4] = [Suspension::Archived, Suspension::Installation, Suspension::Access, Suspension::Gone];

impl Run<'_> {
    /// Brings the row up to what GitHub tells; `repository` is what the rest of the comparison goes on with.
    pub(super) async fn identity(&mut self, session: &Session, repository: &mut Upstream) -> Result<(), Trouble> {
        let found = match repository.github_repository_id {
            Some(id) => session.repository_by_id(id).await,
            None => session.repository(&repository.name).await,
        };
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        let because = match found {
            Ok(found) => self.found(&mut tx, repository, &found).await?,
            // A private repository that left the installation looks like one that was deleted: it is not deleted here.
            Err(GithubError::NotFound(_)) if repository.credential != Credential::None => Some(Suspension::Access),
            Err(GithubError::NotFound(_)) => Some(Suspension::Gone),
            Err(GithubError::Blocked(_) | GithubError::Forbidden(_)) => Some(Suspension::Access),
            Err(GithubError::Unauthorized) if matches!(repository.credential, Credential::Token(_)) => {
                Some(Suspension::Access)
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(because) = because {
            let is_new = match because {
                Suspension::Gone => suspensions::gone(&mut tx, repository.id).await?,
                because => suspensions::suspend(&mut tx, &[repository.id], because).await? == 1,
            };
            self.done.suspended += usize::from(is_new);
            repository.suspended_because.get_or_insert_with(|| because.as_str().to_owned());
        }
        Ok(tx.commit().await?)
    }

    /// The reason to stand still, if there is one.
    async fn found(
        &mut self,
        tx: &mut Tx,
        repository: &mut Upstream,
        found: &GithubRepository,
    ) -> Result<Option<Suspension>, Trouble> {
        let branch = found.default_branch.as_deref();
        upstream::note(tx, repository.id, found.id, branch, found.private).await?;
        repository.default_branch = branch.map(str::to_owned);
        let mut because = found.archived.then_some(Suspension::Archived);
        if !found.full_name.eq_ignore_ascii_case(&repository.name) {
            let url = clone_url(self.with.github.web_origin(), found);
            self.done.renamed += usize::from(upstream::rename(tx, repository.id, &found.full_name, &url).await?);
            if !owner(&found.full_name).eq_ignore_ascii_case(owner(&repository.name)) {
                because = Some(Suspension::Transferred);
            }
            repository.name.clone_from(&found.full_name);
            repository.url = url;
            repository.is_reached_anew = true;
        }
        if because.is_none() && !suspensions::resume(tx, &[repository.id], &PASSING).await?.is_empty() {
            if let Credential::Installation(id) = repository.credential {
                installations::checked(tx, id, Some(false)).await?;
            }
            self.done.resumed += 1;
            repository.suspended_because = None;
            repository.is_reached_anew = true;
        }
        Ok(because)
    }
}

fn owner(name: &str) -> &str {
    name.split('/').next().unwrap_or_default()
}
