//! Whether the tracked refs of a repository point where HEAD says; a job is queued where they do not. GitHub is asked where
//! there is a token, by ETag where one ref is all; else `git ls-remote` tells.

use std::collections::BTreeMap;
use std::time::Duration;

use kotadb_core::db::jobs::{self, JobKind, NewJob, Told, Trigger};
use kotadb_core::db::upstream::{self, Upstream};
use kotadb_core::db::{Scope, deletions};
use kotadb_core::github::RefPatterns;
use kotadb_core::github::client::{Session, TipAnswer};
use kotadb_core::id::ObjectId;
use uuid::Uuid;

use super::Run;
use super::trouble::Trouble;
use crate::error::IndexError;
use crate::limits;
use crate::reach::reach;
use crate::remote;
use crate::scratch::Scratch;
use crate::tips::Tips;

/// Tracked refs by full name.
type Refs = BTreeMap<String, ObjectId>;

impl Run<'_> {
    /// Queues a job if refs have moved. What the next comparison begins with: the commit that HEAD and GitHub agree on,
    /// and GitHub's ETag of it.
    pub(super) async fn tips(
        &mut self,
        session: Option<&Session>,
        repository: &Upstream,
    ) -> Result<Option<String>, Trouble> {
        let held = self.held(repository).await?;
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        let hidden = deletions::hidden(&mut tx, repository.id).await?;
        tx.commit().await?;
        let is_visible = |commit: &ObjectId| !hidden.contains(commit);
        let (has_moved, etag) = match session {
            Some(session) if repository.ref_patterns.is_empty() => {
                let commit = held.default_tip().map(|tip| tip.commit);
                let known = repository.tip_etag.as_deref().and_then(|text| text.split_once(' '));
                let etag = known.filter(|(of, _)| commit.is_some_and(|commit| commit.to_string() == *of));
                let has_name =
                    held.default.is_none() || default_ref(repository).is_none_or(|name| held.default == Some(name));
                match session.tip(&repository.name, "HEAD", etag.map(|(_, etag)| etag)).await? {
                    TipAnswer::Same => (!has_name, repository.tip_etag.clone()),
                    TipAnswer::Nothing => (commit.is_some(), None),
                    TipAnswer::Commit(now, etag) if commit == Some(now) => {
                        (!has_name, etag.map(|etag| format!("{now} {etag}")))
                    }
                    TipAnswer::Commit(now, _) => (is_visible(&now), None),
                }
            }
            _ => {
                let mut there = match session {
                    Some(session) => self.listed_by_api(session, repository).await?,
                    None => self.listed_by_git(repository).await?,
                };
                there.retain(|_, commit| is_visible(commit));
                let here: Refs = held.by_name.iter().map(|(name, tip)| (name.clone(), tip.commit)).collect();
                (there != here, None)
            }
        };
        if has_moved {
            self.queue(repository).await?;
        }
        Ok(etag)
    }

    async fn held(&mut self, repository: &Upstream) -> Result<Tips, Trouble> {
        let store = &self.with.indexer.store;
        if let std::collections::hash_map::Entry::Vacant(e) = self.roots.entry(repository.tenant) {
            let (root, _) = store.head(repository.tenant).await?;
            e.insert(root);
        }
        let root = &self.roots[&repository.tenant];
        Ok(Tips::read(store, repository.tenant, root, repository.id).await?)
    }

    /// Asks for what begins as a pattern does, up to its first star.
    async fn listed_by_api(&self, session: &Session, repository: &Upstream) -> Result<Refs, Trouble> {
        let patterns = RefPatterns::new(&repository.ref_patterns);
        let mut refs = Refs::new();
        for pattern in &repository.ref_patterns {
            let prefix = pattern.split('*').next().unwrap_or_default();
            let listed = session.refs(&repository.name, prefix).await?;
            for tip in listed.items {
                if refs.contains_key(&tip.ref_name) || !patterns.tracks(&tip.ref_name, None) {
                    continue;
                }
                // HEAD holds the commit that an annotated tag leads to.
                let commit = match tip.is_tag {
                    false => Some(tip.id),
                    true => match session.tip(&repository.name, &tip.ref_name, None).await? {
                        TipAnswer::Commit(commit, _) => Some(commit),
                        TipAnswer::Same | TipAnswer::Nothing => None,
                    },
                };
                if let Some(commit) = commit {
                    refs.insert(tip.ref_name, commit);
                }
                if refs.len() > limits::MAX_REFS {
                    return Err(IndexError::TooManyRefs(refs.len()).into());
                }
            }
        }
        Ok(refs)
    }

    async fn listed_by_git(&self, repository: &Upstream) -> Result<Refs, Trouble> {
        let indexer = self.with.indexer;
        let scratch = Scratch::named(&indexer.data_dir, &format!("reconcile.{}", Uuid::now_v7()))?;
        let token = indexer.credentials.token(repository.tenant, repository.credential).await?;
        let (git, url) = reach(indexer.workplace(), &repository.url, token, scratch.path()).await?;
        let remote = remote::list(&git, &url, scratch.path(), self.halt).await?;
        let tracked = remote::select(&remote, &repository.ref_patterns)?;
        Ok(tracked.refs.into_iter().map(|one| (one.name, one.id)).collect())
    }

    async fn queue(&mut self, repository: &Upstream) -> Result<(), Trouble> {
        let job = NewJob {
            tenant: repository.tenant,
            repository: repository.id,
            kind: JobKind::Index,
            trigger: Trigger::Sweep,
            full: false,
            delay: Duration::ZERO,
        };
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        if repository.is_reached_anew || upstream::may_queue(&mut tx, repository.id).await? {
            let job = jobs::enqueue(&mut tx, &job).await?.job;
            // How many commits that is, only a clone could tell.
            jobs::tell(&mut tx, &[Told { tenant: repository.tenant, job, commits: None }]).await?;
            self.done.jobs += 1;
        }
        Ok(tx.commit().await?)
    }
}

fn default_ref(repository: &Upstream) -> Option<String> {
    repository.default_branch.as_ref().map(|branch| format!("refs/heads/{branch}"))
}
