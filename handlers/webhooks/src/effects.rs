//! What a verified delivery does to the repositories that it is about.

use std::time::Duration;

use kotadb_core::db::jobs::{self, JobKind, NewJob, Told, Trigger};
use kotadb_core::db::subjects::Subject;
use kotadb_core::db::suspensions::{self, Suspension};
use kotadb_core::db::{Tx, upstream};
use kotadb_core::github::{Payload, RefPatterns, Remote, RepositoryEvent};
use kotadb_core::http::ApiError;
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::wire::DeliveryAnswer;

/// A burst of pushes becomes one job: it waits this long for the next.
pub const DEBOUNCE: Duration = Duration::from_secs(1);

/// A delivery about repositories of one tenant, in its transaction.
pub struct Effects<'a> {
    /// In the scope of the tenant.
    pub tx: &'a mut Tx,
    /// Their owner.
    pub tenant: TenantId,
    /// The repositories: one, or several of an installation.
    pub subjects: &'a [Subject],
    /// Its payload.
    pub payload: &'a Payload,
}

impl Effects<'_> {
    /// A ref was made, moved or deleted; each means that the remote must be looked at again.
    pub async fn push(&mut self, ref_name: &str) -> Result<DeliveryAnswer, ApiError> {
        match moved_by_push(self.subjects, self.payload, ref_name) {
            Ok(moved) => {
                let commits = self.subjects.first().map_or(Some(0), |one| commits_of_push(one, self.payload, ref_name));
                queue(self.tx, self.tenant, &moved, commits).await
            }
            Err(ignored) => Ok(ignored),
        }
    }

    /// Something happened to the repository itself.
    pub async fn repository(&mut self, event: &RepositoryEvent) -> Result<DeliveryAnswer, ApiError> {
        match event {
            RepositoryEvent::Renamed { full_name } => {
                let answer = self.rename(full_name).await?;
                self.look_again().await?;
                Ok(answer)
            }
            RepositoryEvent::Transferred { full_name } => {
                self.rename(full_name).await?;
                self.suspend(Suspension::Transferred).await
            }
            RepositoryEvent::Deleted => {
                for subject in self.subjects {
                    suspensions::gone(self.tx, subject.repository).await?;
                }
                Ok(applied("the repository is gone: it is deleted here in a week".to_owned()))
            }
            RepositoryEvent::Archived => self.suspend(Suspension::Archived).await,
            RepositoryEvent::Unarchived => {
                let resumed = suspensions::resume(self.tx, &self.ids(), &[Suspension::Archived]).await?;
                queue(self.tx, self.tenant, &resumed, None).await
            }
            RepositoryEvent::Visibility { is_private } => self.set_private(*is_private).await,
            RepositoryEvent::DefaultBranch { name } => self.retarget(name).await,
        }
    }

    fn ids(&self) -> Vec<RepositoryId> {
        self.subjects.iter().map(|subject| subject.repository).collect()
    }

    async fn rename(&mut self, full_name: &str) -> Result<DeliveryAnswer, ApiError> {
        let mut is_free = true;
        for subject in self.subjects {
            let Some(url) = upstream::url(self.tx, subject.repository).await? else { continue };
            let Ok(remote) = Remote::renamed(&url, full_name) else {
                return Ok(ignored(&format!("`{full_name}` is no name of a repository")));
            };
            is_free &= upstream::rename(self.tx, subject.repository, &remote.name, &remote.url).await?;
        }
        match is_free {
            true => Ok(applied(format!("the repository is called `{full_name}` now"))),
            false => Ok(ignored(&format!("`{full_name}` is registered already: delete one of the two"))),
        }
    }

    /// A job that looked under the former name, or asked without leave, may have been given up for good: another one is queued.
    async fn look_again(&mut self) -> Result<(), ApiError> {
        for subject in self.subjects.iter().filter(|subject| subject.suspended_because.is_none()) {
            if upstream::may_have_missed(self.tx, subject.repository).await? {
                queue(self.tx, self.tenant, &[subject.repository], None).await?;
            }
        }
        Ok(())
    }

    async fn suspend(&mut self, because: Suspension) -> Result<DeliveryAnswer, ApiError> {
        suspensions::suspend(self.tx, &self.ids(), because).await?;
        Ok(applied(format!("the repository stands still: {}", because.as_str())))
    }

    async fn set_private(&mut self, is_private: bool) -> Result<DeliveryAnswer, ApiError> {
        for subject in self.subjects {
            upstream::set_private(self.tx, subject.repository, is_private).await?;
        }
        if !is_private {
            self.look_again().await?;
        }
        Ok(applied(format!("the repository is {} now", if is_private { "private" } else { "public" })))
    }

    async fn retarget(&mut self, branch: &str) -> Result<DeliveryAnswer, ApiError> {
        for subject in self.subjects {
            upstream::set_default_branch(self.tx, subject.repository, branch).await?;
        }
        let going: Vec<RepositoryId> =
            self.subjects.iter().filter(|t| t.suspended_because.is_none()).map(|t| t.repository).collect();
        queue(self.tx, self.tenant, &going, None).await
    }
}

/// The repositories that a push of this ref moves, at least one; or why it moves none.
pub fn moved_by_push(
    subjects: &[Subject],
    payload: &Payload,
    ref_name: &str,
) -> Result<Vec<RepositoryId>, DeliveryAnswer> {
    let sent = payload.repository.as_ref().and_then(|repository| repository.default_branch.as_deref());
    let tracks = |subject: &&Subject| {
        RefPatterns::new(&subject.ref_patterns).tracks(ref_name, sent.or(subject.default_branch.as_deref()))
    };
    let tracking: Vec<&Subject> = subjects.iter().filter(tracks).collect();
    let going: Vec<RepositoryId> =
        tracking.iter().filter(|t| t.suspended_because.is_none()).map(|t| t.repository).collect();
    if !going.is_empty() {
        return Ok(going);
    }
    Err(match tracking.first().and_then(|subject| subject.suspended_because.as_deref()) {
        Some(because) => ignored(&format!("the repository stands still: {because}")),
        None => ignored(&format!("`{ref_name}` is not tracked")),
    })
}

/// Commits by which a push moves the default branch; `None`: nobody has told by how many.
pub fn commits_of_push(subject: &Subject, payload: &Payload, ref_name: &str) -> Option<u32> {
    let sent = payload.repository.as_ref().and_then(|repository| repository.default_branch.as_deref());
    let default = sent.or(subject.default_branch.as_deref());
    let is_other = default.is_some_and(|name| ref_name.strip_prefix("refs/heads/") != Some(name));
    if is_other { Some(0) } else { payload.n_commits.filter(|_| !payload.forced && default.is_some()) }
}

/// Queues or joins a job of each, told of so many commits of the default branch (`None`: not known); the answer tells the
/// first. Not a full rebuild, even after a forced push: blobs are held by
/// content, so a rewritten history changes nothing else.
pub async fn queue(
    tx: &mut Tx,
    tenant: TenantId,
    repositories: &[RepositoryId],
    commits: Option<u32>,
) -> Result<DeliveryAnswer, ApiError> {
    let mut answer = applied("nothing was left to index".to_owned());
    for (nth, &repository) in repositories.iter().enumerate() {
        let kind = JobKind::Index;
        let job = NewJob { tenant, repository, kind, trigger: Trigger::Push, full: false, delay: DEBOUNCE };
        let queued = jobs::enqueue(tx, &job).await?;
        jobs::tell(tx, &[Told { tenant, job: queued.job, commits }]).await?;
        if nth == 0 {
            answer = DeliveryAnswer::Queued { job: queued.job.to_string(), coalesced: queued.coalesced };
        }
    }
    Ok(answer)
}

/// Something was taken over.
pub fn applied(change: String) -> DeliveryAnswer {
    DeliveryAnswer::Applied { change }
}

/// Nothing was done.
pub fn ignored(reason: &str) -> DeliveryAnswer {
    DeliveryAnswer::Ignored { reason: reason.to_owned() }
}
