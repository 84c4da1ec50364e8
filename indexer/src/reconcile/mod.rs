//! The reconciler: what GitHub's deliveries should have told and did not. It compares repositories with GitHub, the longest
//! waiting first: are they still there and called so, is their webhook as it should be, which deliveries failed, do their
//! refs point where HEAD says. Differences become rows and jobs; everything can be done twice. A token that GitHub asks to
//! wait with is left alone, and its repositories come first next time.

mod copies;
mod deliveries;
mod hook;
mod identity;
mod orphans;
mod registrations;
mod repository;
mod tips;
mod trouble;

use std::collections::HashMap;

use kotadb_core::crypto::MasterKey;
use kotadb_core::db::{Scope, upstream};
use kotadb_core::github::client::{Client, GithubError};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::Root;
use kotadb_core::telemetry::events;
use tracing::{info, warn};

use self::trouble::Trouble;
use crate::error::IndexError;
use crate::halt::Halt;
use crate::job::Indexer;

/// Repositories whose rows are read at once.
const PORTION: usize = 50;
/// Failures in a row after which GitHub counts as down.
const PATIENCE: usize = 3;

/// What the reconciler works with.
#[derive(Clone, Copy, Debug)]
pub struct Reconciler<'a> {
    /// Rows, store and folders.
    pub indexer: &'a Indexer,
    /// GitHub.
    pub github: &'a Client,
    /// Opens the secrets of webhooks; without it webhooks are left as they are.
    pub master_key: Option<&'a MasterKey>,
    /// `KOTADB_WEBHOOK_BASE_URL`; without it webhooks are left as they are.
    pub webhook_base_url: Option<&'a str>,
    /// Most repositories of one run.
    pub most: usize,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Repositories that were compared.
    pub repositories: usize,
    /// Jobs queued because refs had moved.
    pub jobs: usize,
    /// Webhooks made or changed.
    pub hooks: usize,
    /// Deliveries that GitHub was asked to make again.
    pub redelivered: usize,
    /// Repositories registered because a pattern matches them.
    pub registered: usize,
    /// Repositories with another name than before.
    pub renamed: usize,
    /// Repositories that stand still from now on.
    pub suspended: usize,
    /// Repositories that go on.
    pub resumed: usize,
    /// Repositories deleted because they have been gone for a week.
    pub deleted: usize,
    /// Rows whose copy of what is indexed was wrong.
    pub copies: usize,
    /// What could not be compared.
    pub failed: usize,
    /// Whether GitHub asked to wait, so that some of it is left to the next run.
    pub limited: bool,
}

/// One run.
struct Run<'a> {
    with: Reconciler<'a>,
    halt: &'a Halt,
    done: Reconciled,
    /// Roots of the present portion.
    roots: HashMap<TenantId, Root>,
    unavailable: usize,
}

impl Reconciler<'_> {
    /// Compares what is due. An error: the run has to stop, or Postgres is away.
    pub async fn run(&self, halt: &Halt) -> Result<Reconciled, IndexError> {
        let mut run = Run { with: *self, halt, done: Reconciled::default(), roots: HashMap::new(), unavailable: 0 };
        run.copies().await?;
        run.registrations().await?;
        run.repositories().await?;
        run.app_deliveries().await?;
        run.orphans().await?;
        let done = run.done;
        info!(
            repositories = done.repositories,
            jobs = done.jobs,
            hooks = done.hooks,
            redelivered = done.redelivered,
            registered = done.registered,
            failed = done.failed,
            limited = done.limited,
            "{}",
            events::RECONCILED
        );
        Ok(done)
    }
}

impl Run<'_> {
    async fn repositories(&mut self) -> Result<(), IndexError> {
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        let started = upstream::now(&mut tx).await?;
        tx.commit().await?;
        let mut left: Vec<RepositoryId> = Vec::new();
        let mut seen = 0;
        while seen < self.with.most && !self.is_down() {
            let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
            let most = PORTION.min(self.with.most - seen);
            let due = upstream::due(&mut tx, started, &left, most as i64).await?;
            tx.commit().await?;
            if due.is_empty() {
                break;
            }
            seen += due.len();
            self.roots.clear();
            for repository in due {
                self.halt.check()?;
                if self.is_down() {
                    break;
                }
                match self.repository(&repository).await {
                    Ok(()) => self.done.repositories += 1,
                    Err(trouble) => {
                        self.note(trouble, &repository.name)?;
                        left.push(repository.id);
                    }
                }
            }
        }
        Ok(())
    }

    /// What stops one thing does not stop the run, unless it would stop all others too.
    fn note(&mut self, trouble: Trouble, what: &str) -> Result<(), IndexError> {
        match trouble {
            Trouble::Index(error @ (IndexError::Halted(_) | IndexError::Db(_))) => return Err(error),
            Trouble::Index(error) => {
                self.done.failed += 1;
                warn!(%error, "{}: `{what}`", events::RECONCILE_FAILED);
            }
            Trouble::Github(GithubError::RateLimited { until }) => {
                self.done.limited = true;
                info!(%until, "{}: `{what}` has to wait", events::RECONCILE_FAILED);
            }
            Trouble::Github(error) => {
                self.done.failed += 1;
                let is_away = matches!(error, GithubError::Unavailable(_));
                self.unavailable = if is_away { self.unavailable + 1 } else { 0 };
                warn!(%error, "{}: `{what}`", events::RECONCILE_FAILED);
            }
        }
        Ok(())
    }

    fn is_down(&self) -> bool {
        self.unavailable >= PATIENCE
    }
}
