//! How far indices are, and what brings them further: registrations and jobs, as the routes of these do it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kotadb_core::db::Scope;
use kotadb_core::db::jobs::{self, JobKind, JobState, NewJob, Trigger};
use kotadb_core::db::repositories::{self, RepositoryRow};
use kotadb_core::http::{ApiError, registration};
use kotadb_core::id::RepositoryId;
use kotadb_core::wire::{IndexState, Job, NewRepository, Repository, WebhookState};

use super::ServiceGround;
use crate::ground::Refusal;
use crate::progress::{Progress, Step};

/// How long an answer waits for a job of which it tells the steps: the stack gives up after half a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Between two looks at it.
const PAUSE: Duration = Duration::from_millis(300);

impl ServiceGround {
    /// What is known of a repository, and its newest job.
    async fn row(&self, id: RepositoryId) -> Result<(RepositoryRow, Option<Job>), ApiError> {
        let mut tx = self.resources.db()?.begin(Scope::Tenant(self.key.tenant)).await?;
        let row = repositories::get(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("repository"))?;
        let jobs = jobs::list(&mut tx, Some(&[id]), None, 1).await?;
        tx.commit().await?;
        Ok((row, jobs.into_iter().next().map(Job::from)))
    }

    pub(super) async fn state(&self, id: RepositoryId) -> Result<IndexState, ApiError> {
        let (row, job) = self.row(id).await?;
        let behind_by = self.behind(&[id]).await.remove(&id);
        Ok(IndexState { behind_by, ..state(row, job) })
    }

    /// Nothing where the database does not tell: the answer stands without.
    pub(super) async fn behind(&self, ids: &[RepositoryId]) -> BTreeMap<RepositoryId, u64> {
        let Ok(db) = self.resources.db() else { return BTreeMap::new() };
        let asked = jobs::behind(db, self.key.tenant, ids).await;
        asked
            .inspect_err(|error| tracing::info!(%error, "How fresh an answer is stays open: {error}"))
            .unwrap_or_default()
    }

    pub(super) async fn queue(&self, id: RepositoryId) -> Result<(), ApiError> {
        let tenant = self.key.tenant;
        let (kind, trigger, delay) = (JobKind::Index, Trigger::Manual, Duration::ZERO);
        let new = NewJob { tenant, repository: id, kind, trigger, full: false, delay };
        let mut tx = self.resources.db()?.begin(Scope::Tenant(tenant)).await?;
        jobs::enqueue(&mut tx, &new).await?;
        tx.commit().await?;
        self.resources.wake().await;
        Ok(())
    }

    /// Registers a repository, as the route does; one that was known is indexed anew. What a webhook lacks is said; its secret
    /// is not: an agent has no use for it.
    pub(super) async fn register(&self, url: &str) -> Result<(RepositoryId, Option<String>), Refusal> {
        self.needs("repositories:write")?;
        let new = NewRepository { url: url.to_owned(), ..NewRepository::default() };
        let registered = registration::register(&self.resources, &self.key, &new).await?;
        let id = registered.answer.repository.id.parse().map_err(|error| Refusal::new(format!("{error}")))?;
        if !registered.is_new {
            self.needs("jobs:write")?;
            self.queue(id).await?;
        }
        let webhook = registered.answer.webhook.filter(|webhook| webhook.state != WebhookState::Active);
        Ok((id, webhook.map(|webhook| format!("its webhook: {}", webhook.detail))))
    }

    /// Waits for the newest job of a repository, and tells its steps.
    pub(super) async fn follow(&self, id: RepositoryId, progress: &Progress) -> Result<(), ApiError> {
        let began = Instant::now();
        while progress.is_wanted() && began.elapsed() < LONGEST_WAIT {
            let mut tx = self.resources.db()?.begin(Scope::Tenant(self.key.tenant)).await?;
            let job = jobs::list(&mut tx, Some(&[id]), None, 1).await?.into_iter().next();
            let events = match &job {
                Some(job) => jobs::events(&mut tx, job.id).await?,
                None => Vec::new(),
            };
            tx.commit().await?;
            let Some(job) = job else { break };
            let at = events.last().map_or(job.state.as_str(), |event| event.phase.as_str());
            progress.tell(Step { done: events.len() as u64, total: None, message: at.to_owned() });
            if !matches!(job.state, JobState::Queued | JobState::Running) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// What rows say.
pub(super) fn state(row: RepositoryRow, job: Option<Job>) -> IndexState {
    let repository = Repository::from(row);
    let is_open = |job: &Job| matches!(job.state.as_str(), "queued" | "running");
    let status = match (&job, &repository.indexed_commit) {
        (Some(job), _) if is_open(job) => job.state.clone(),
        (Some(job), _) if job.state == "dead" => "failed".to_owned(),
        (_, Some(_)) => "indexed".to_owned(),
        (_, None) => "not_indexed".to_owned(),
    };
    IndexState {
        repository: repository.name,
        status,
        default_branch: repository.default_branch,
        commit: repository.indexed_commit,
        indexed_at: repository.indexed_at,
        job: job.as_ref().map(|job| job.id.clone()),
        detail: job.and_then(|job| job.error),
        ..IndexState::default()
    }
}
