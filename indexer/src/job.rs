//! One job, from claim to publish: every tracked ref of a repository is brought up to its tip.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use kotadb_core::db::jobs::Claimed;
use kotadb_core::db::{Db, Scope, deletions};
use kotadb_core::id::ObjectId;
use kotadb_core::store::{Root, SegmentEntry, Store, Tip};
use kotadb_core::telemetry::events;
use tracing::info;

use crate::advance::Advance;
use crate::contents::Source;
use crate::error::IndexError;
use crate::fetch::{self, Fetched};
use crate::git::Git;
use crate::halt::Halt;
use crate::held::Held;
use crate::held_cache::HeldCache;
use crate::layers::Bases;
use crate::origin::Origin;
use crate::pipeline::{Listings, Made, Pipeline};
use crate::publish;
use crate::remote::{self, Tracked};
use crate::scratch::Scratch;
use crate::summary::Summary;
use crate::tips::{self, Tips};
use crate::{clock, disk, fail_point};

/// How often a run looks at HEAD again because a compaction has rewritten what it builds on.
const MAX_RESTARTS: u32 = 8;

/// What all jobs of a process share.
#[derive(Clone, Debug)]
pub struct Indexer {
    /// Postgres.
    pub db: Db,
    /// Where objects go.
    pub store: Store,
    /// `KOTADB_DATA_DIR`, for scratch folders.
    pub data_dir: PathBuf,
    /// `KOTADB_GIT_ALLOWED_ORIGINS`.
    pub allowed_origins: Vec<String>,
    /// `KOTADB_LEASE_SECONDS`.
    pub lease: Duration,
    /// Documents of segments read before.
    pub held: HeldCache,
}

/// What a job came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Commit of the default ref.
    pub commit: Option<ObjectId>,
    /// Counts.
    pub summary: Summary,
}

/// Runs a job up to and including the swap of HEAD; closing its row is the runner's.
pub async fn run(indexer: &Indexer, claimed: &Claimed, halt: &Halt) -> Result<Outcome, IndexError> {
    let fence = u64::try_from(claimed.fence).unwrap_or_default();
    if claimed.rescued {
        publish::raise_fence(&indexer.store, claimed.tenant, claimed.repository, fence).await?;
    }
    fail_point::hit("fetch.claimed");
    let scratch = Scratch::create(&indexer.data_dir, claimed.repository, claimed.fence)?;
    let run = Run { indexer, claimed, halt, fence, scratch: &scratch };
    let git = run.git().await?;
    let remote = remote::list(&git, &claimed.url, &run.folder("home")?, halt).await?;
    fail_point::hit("fetch.listed");
    let tracked = remote::select(&remote, &claimed.ref_patterns)?;
    let mut done = Done::default();
    for _ in 0..MAX_RESTARTS {
        match run.once(&git, &tracked, &mut done).await {
            Err(IndexError::HeldGone) => {}
            outcome => return outcome,
        }
    }
    Err(IndexError::HeldGone)
}

struct Run<'a> {
    indexer: &'a Indexer,
    claimed: &'a Claimed,
    halt: &'a Halt,
    fence: u64,
    scratch: &'a Scratch,
}

/// What a run need not do again when it looks at HEAD once more.
#[derive(Debug, Default)]
struct Done {
    fetched: Vec<Fetched>,
    /// Segments that it has uploaded; documents in them are held.
    segments: Vec<SegmentEntry>,
    /// What was written by earlier tries.
    written: Summary,
}

impl Done {
    /// Adds what a try has made to what those before it have, and the other way round.
    fn join(&mut self, made: &mut Made) {
        let new = made.summary.written();
        made.summary.add_written(&self.written);
        self.written.add_written(&new);
        self.segments.append(&mut made.segments);
        made.segments.clone_from(&self.segments);
    }
}

/// What HEAD holds when a try begins.
struct Before {
    root_version: u64,
    held: Held,
    tips: Tips,
    /// Whether the snapshots of `tips` may stay as they are.
    usable: bool,
    /// Commits that the owner deleted: they are not indexed again.
    hidden: BTreeSet<ObjectId>,
}

impl Run<'_> {
    /// From what HEAD holds to a publish.
    async fn once(&self, git: &Git, tracked: &Tracked, done: &mut Done) -> Result<Outcome, IndexError> {
        let before = self.before(&done.segments).await?;
        self.fetch_moved(git, tracked, &before, &mut done.fetched).await?;
        let mut made = self.make(tracked, &before, &done.fetched).await?;
        done.join(&mut made);
        let after = self.after(tracked, &before, &done.fetched, &made);
        self.publish(before, after, made).await
    }

    /// The origin is checked before anything is sent.
    async fn git(&self) -> Result<Git, IndexError> {
        let origin = Origin::parse(&self.claimed.url)?;
        origin.require_allowed(&self.indexer.allowed_origins)?;
        Ok(Git::new(self.folder("home")?, origin.pin().await?))
    }

    fn folder(&self, name: &str) -> Result<PathBuf, IndexError> {
        let path = self.scratch.path().join(name);
        disk::make_all(&path).map_err(IndexError::io(format!("cannot make `{}`", path.display())))?;
        Ok(path)
    }

    /// `own` are segments of this run that no root names yet.
    async fn before(&self, own: &[SegmentEntry]) -> Result<Before, IndexError> {
        let (store, claimed) = (&self.indexer.store, self.claimed);
        let (root, _) = store.head(claimed.tenant).await?;
        // A full run builds on nothing: it is also the way out where what is held is damaged.
        let held = match claimed.full {
            true => HeldCache::default().load(store, claimed.tenant, &Root::default(), own).await?,
            false => self.indexer.held.load(store, claimed.tenant, &root, own).await?,
        };
        let tips = Tips::load(store, claimed.tenant, &root, claimed.repository).await?;
        let usable = !claimed.full && tips::is_current(&root, claimed.repository, &held);
        let mut tx = self.indexer.db.begin(Scope::Worker).await?;
        let hidden = deletions::hidden(&mut tx, claimed.repository).await?;
        tx.commit().await?;
        Ok(Before { root_version: root.version, held, tips, usable, hidden })
    }

    /// Fetches the refs that have moved and are not fetched yet.
    async fn fetch_moved(
        &self,
        git: &Git,
        tracked: &Tracked,
        before: &Before,
        fetched: &mut Vec<Fetched>,
    ) -> Result<(), IndexError> {
        let is_held =
            |name: &str, id| before.usable && before.tips.by_name.get(name).is_some_and(|tip| tip.commit == id);
        let is_fetched = |name: &str| fetched.iter().any(|fetched| fetched.name == name);
        let moved: Vec<_> = tracked
            .refs
            .iter()
            .filter(|r| !is_held(&r.name, r.id) && !before.hidden.contains(&r.id) && !is_fetched(&r.name))
            .cloned()
            .collect();
        if !moved.is_empty() {
            let folder = self.folder("repository")?;
            fetched.extend(fetch::fetch(git, &self.claimed.url, &moved, &folder, self.halt).await?);
        }
        Ok(())
    }

    async fn make(&self, tracked: &Tracked, before: &Before, fetched: &[Fetched]) -> Result<Made, IndexError> {
        let wanted: BTreeSet<_> = fetched.iter().map(|fetched| fetched.commit).collect();
        let whole: BTreeSet<_> = default_commit(tracked, fetched).into_iter().collect();
        // The default ref comes first, so that others can be deltas on it.
        let wanted = whole.iter().copied().chain(wanted.difference(&whole).copied());
        let commits: VecDeque<_> =
            wanted.filter(|&commit| !before.usable || before.tips.at(commit).is_none()).collect();
        if commits.is_empty() {
            return Ok(Made::default());
        }
        let source = Source::Repository(self.folder("repository")?);
        let folder = self.folder("segments")?;
        let (store, tenant) = (&self.indexer.store, self.claimed.tenant);
        let bases = match before.usable {
            true => Bases::load(store, tenant, &before.tips).await?,
            false => Bases::default(),
        };
        let pipeline = Pipeline { store, tenant, source: &source, folder: &folder, whole: &whole, halt: self.halt };
        pipeline.run(Listings::Commits(commits), before.held.clone(), bases, &mut |_| {}).await
    }

    /// The tips as they shall be: of each tracked ref what was fetched, else what is held.
    fn after(&self, tracked: &Tracked, before: &Before, fetched: &[Fetched], made: &Made) -> Tips {
        let mut after = Tips::default();
        for r in &tracked.refs {
            let commit = fetched.iter().find(|fetched| fetched.name == r.name).map(|fetched| fetched.commit);
            let known = |commit| {
                let tip = before.tips.at(commit).filter(|_| before.usable)?;
                Some(Tip { ref_name: r.name.clone(), ..tip.clone() })
            };
            let made = commit.and_then(|commit| made.tip(&r.name, commit));
            let tip = made.or_else(|| known(commit.unwrap_or(r.id)));
            if let Some(tip) = tip.filter(|tip| !before.hidden.contains(&tip.commit)) {
                after.by_name.insert(r.name.clone(), tip);
            }
        }
        let default = tracked.default.clone().filter(|name| after.by_name.contains_key(name));
        // A default ref at a commit that was deleted is not replaced by another: nobody asked for that one.
        let is_there = |name: &String| tracked.refs.iter().any(|r| r.name == *name);
        let instead =
            || after.by_name.keys().next().filter(|_| !tracked.default.as_ref().is_some_and(is_there)).cloned();
        after.default = default.or_else(instead);
        after
    }

    async fn publish(&self, before: Before, after: Tips, mut made: Made) -> Result<Outcome, IndexError> {
        made.summary.refs = after.by_name.len() as u64;
        let commit = after.default_tip().map(|tip| tip.commit);
        if before.usable && after.same_commits(&before.tips) {
            made.summary.unchanged = true;
            made.summary.root_version = before.root_version;
            return Ok(Outcome { commit, summary: made.summary });
        }
        let advance = Advance {
            store: &self.indexer.store,
            tenant: self.claimed.tenant,
            repository: self.claimed.repository,
            fence: self.fence,
            before: &before.tips,
            usable: before.usable,
            now_ms: clock::now_ms(),
            halt: self.halt,
        };
        let (root, summary) = advance.publish(after, made).await?;
        info!(job = %self.claimed.job, repository = %self.claimed.repository, root = root.version, "{}", events::PUBLISHED);
        Ok(Outcome { commit, summary })
    }
}

/// The commit of the default ref, if it has moved.
fn default_commit(tracked: &Tracked, fetched: &[Fetched]) -> Option<ObjectId> {
    let name = tracked.default.as_ref()?;
    fetched.iter().find(|fetched| fetched.name == *name).map(|fetched| fetched.commit)
}
