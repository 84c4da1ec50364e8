//! One job, from claim to publish: every tracked ref of a repository is brought up to its tip. It knows no database: what it
//! must know is in its [`Assignment`], and what it has to tell goes to whoever started it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kotadb_core::db::Db;
use kotadb_core::db::jobs::Phase;
use kotadb_core::id::ObjectId;
use kotadb_core::store::{Root, SegmentEntry, Store, Tip, TipGraph};
use kotadb_core::telemetry::{events, fields};
use serde_json::{Value, json};
use tracing::info;

use crate::advance::Advance;
use crate::assignment::Assignment;
use crate::clock::Clock;
use crate::contents::Source;
use crate::credentials::Credentials;
use crate::error::IndexError;
use crate::fetch::{Fetched, Fetcher};
use crate::git::Git;
use crate::graphs::Graphs;
use crate::halt::Halt;
use crate::held::{self, Held};
use crate::held_cache::HeldCache;
use crate::layers::Bases;
use crate::partial::{self, Commits};
use crate::pipeline::{Listings, Made, Pipeline, Progress};
use crate::publish;
use crate::reach::reach;
use crate::remote::{self, RemoteRef, Tracked};
use crate::resolve::Resolver;
use crate::scratch::{Scratch, bytes_below};
use crate::scratch_memory::ScratchMemory;
use crate::summary::Summary;
use crate::tips::{self, Tips};
use crate::{disk, fail_point};

/// How often a run looks at HEAD again because a compaction has rewritten what it builds on.
const MAX_RESTARTS: u32 = 8;

/// What all jobs of a process share.
#[derive(Clone, Debug)]
pub struct Indexer {
    /// Postgres.
    pub db: Db,
    /// `DATABASE_DIRECT_URL`, where it is a session: for word of queued jobs.
    pub direct_url: Option<String>,
    /// Where objects go.
    pub store: Store,
    /// `KOTADB_DATA_DIR`, for scratch folders.
    pub data_dir: PathBuf,
    /// `KOTADB_GIT_ALLOWED_ORIGINS`.
    pub allowed_origins: Vec<String>,
    /// Where the names of hosts lead.
    pub resolver: Arc<dyn Resolver>,
    /// Where tokens come from.
    pub credentials: Arc<dyn Credentials>,
    /// The program that answers `git` with a token when it is called by [`crate::askpass::NAME`].
    pub askpass: PathBuf,
    /// `KOTADB_LEASE_SECONDS`.
    pub lease: Duration,
    /// Documents of segments read before.
    pub held: HeldCache,
    /// The program that runs each job in a process of its own, this one; `None`: jobs run in this process.
    pub program: Option<PathBuf>,
}

/// What the run of a job works with.
#[derive(Clone, Copy, Debug)]
pub struct Workplace<'a> {
    /// Where objects go.
    pub store: &'a Store,
    /// For scratch folders on disk.
    pub data_dir: &'a Path,
    /// For the scratch of a job as long as it fits; `None`: it is on disk.
    pub memory: Option<&'a ScratchMemory>,
    /// Origins that may be fetched.
    pub allowed_origins: &'a [String],
    /// Documents of segments read before.
    pub held: &'a HeldCache,
    /// Where the names of hosts lead.
    pub resolver: &'a dyn Resolver,
    /// The program that answers `git` with a token when it is called by [`crate::askpass::NAME`].
    pub askpass: &'a Path,
}

impl Indexer {
    /// What a run in this process works with.
    pub fn workplace(&self) -> Workplace<'_> {
        let Self { store, data_dir, allowed_origins, held, resolver, askpass, .. } = self;
        Workplace { store, data_dir, memory: None, allowed_origins, held, resolver: resolver.as_ref(), askpass }
    }
}

/// What a run tells while it goes on.
#[derive(Clone, Debug)]
pub enum Told<'t> {
    /// A step is done, with counts.
    Step(Phase, Value),
    /// A segment is in the store; another try of the job may build on it.
    Uploaded(&'t SegmentEntry),
    /// A swap of HEAD is about to be sent: from now on it may take effect, whatever becomes of the run.
    Publishing,
}

/// Hears what a run tells.
pub type Tell<'a> = &'a (dyn Fn(Told<'_>) + Sync);

/// What a job came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Commit of the default ref.
    pub commit: Option<ObjectId>,
    /// Counts, as [`Summary::to_json`] has them.
    pub summary: Value,
}

/// Runs a job up to and including the swap of HEAD; closing its row is the runner's.
pub async fn run(
    workplace: Workplace<'_>,
    assignment: &Assignment,
    halt: &Halt,
    tell: Tell<'_>,
) -> Result<Outcome, IndexError> {
    let clock = Clock::told(assignment.now_ms);
    let &Assignment { tenant, repository, fence, .. } = assignment;
    if assignment.rescued {
        publish::raise_fence(workplace.store, tenant, repository, fence).await?;
    }
    fail_point::hit("fetch.claimed");
    let scratch = Scratch::create(workplace.data_dir, workplace.memory, repository, fence)?;
    let _watch = scratch.watch(halt);
    let run = Run { workplace, assignment, halt, tell, clock, scratch: &scratch };
    run.all().await.map_err(|error| scratch.judge(error))
}

#[derive(Clone, Copy)]
struct Run<'a> {
    workplace: Workplace<'a>,
    assignment: &'a Assignment,
    halt: &'a Halt,
    clock: Clock,
    tell: Tell<'a>,
    scratch: &'a Scratch,
}

/// What a run need not do again when it looks at HEAD once more.
#[derive(Debug, Default)]
struct Done {
    fetched: Vec<Fetched>,
    /// Commits that came with their blobs.
    whole: BTreeSet<ObjectId>,
    /// Segments that it has uploaded; documents in them are held.
    segments: Vec<SegmentEntry>,
    /// Graphs that it has uploaded, by commit: they name files by their paths, which no compaction changes.
    graphs: BTreeMap<ObjectId, TipGraph>,
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
}

impl Before {
    /// Commits whose snapshots say what need not be fetched of these refs.
    fn earlier(&self, moved: &[RemoteRef]) -> BTreeSet<ObjectId> {
        let own = moved.iter().filter_map(|r| self.tips.by_name.get(&r.name));
        own.chain(self.tips.default_tip()).filter(|_| self.usable).map(|tip| tip.commit).collect()
    }
}

impl Run<'_> {
    /// Lists, then tries until no compaction comes between.
    async fn all(&self) -> Result<Outcome, IndexError> {
        let &Self { workplace, assignment, halt, .. } = self;
        let (git, url) = reach(workplace, &assignment.url, assignment.token.clone(), &self.folder("home")?).await?;
        let remote = remote::list(&git, &url, &self.folder("home")?, halt).await?;
        fail_point::hit("fetch.listed");
        let tracked = remote::select(&remote, &assignment.ref_patterns)?;
        (self.tell)(Told::Step(Phase::Listed, json!({ "refs": remote.refs.len(), "tracked": tracked.refs.len() })));
        let mut done = Done { segments: self.uploaded_before().await, ..Done::default() };
        for _ in 0..MAX_RESTARTS {
            match self.once((&git, &url), &tracked, &mut done).await {
                Err(IndexError::HeldGone) => {}
                outcome => return outcome,
            }
        }
        Err(IndexError::HeldGone)
    }

    /// From what HEAD holds to a publish.
    async fn once(&self, remote: (&Git, &str), tracked: &Tracked, done: &mut Done) -> Result<Outcome, IndexError> {
        let before = self.before(&done.segments).await?;
        let folder = self.folder("repository")?;
        let fetcher = Fetcher { git: remote.0, url: remote.1, folder: &folder, halt: self.halt };
        self.fetch_moved(&fetcher, tracked, &before, done).await?;
        let mut made = self.make(&fetcher, tracked, &before, done).await?;
        done.join(&mut made);
        let mut after = self.after(tracked, &before, &done.fetched, &made);
        self.complete(&before, &mut after, &mut made, &mut done.graphs).await?;
        self.publish(before, after, made).await
    }

    fn folder(&self, name: &str) -> Result<PathBuf, IndexError> {
        let path = self.scratch.path().join(name);
        disk::make_all(&path).map_err(IndexError::io(format!("cannot make `{}`", path.display())))?;
        Ok(path)
    }

    /// What an earlier try has uploaded and can still be read.
    async fn uploaded_before(&self) -> Vec<SegmentEntry> {
        let mut there = Vec::new();
        for entry in &self.assignment.uploaded {
            match held::open(self.workplace.store, self.assignment.tenant, entry).await {
                Ok(_) => there.push(entry.clone()),
                Err(error) => info!({ fields::JOB_ID } = %self.assignment.job, %error, "{}", events::UPLOADED_GONE),
            }
        }
        there
    }

    /// `own` are segments of this run that no root names yet.
    async fn before(&self, own: &[SegmentEntry]) -> Result<Before, IndexError> {
        let (store, &Assignment { tenant, repository, full, .. }) = (self.workplace.store, self.assignment);
        let (root, _) = store.head(tenant).await?;
        // A full run builds on nothing: it is also the way out where what is held is damaged.
        let held = match full {
            true => HeldCache::default().load(store, tenant, &Root::default(), own).await?,
            false => self.workplace.held.load(store, tenant, &root, own).await?,
        };
        let tips = Tips::load(store, tenant, &root, repository).await?;
        let usable = !full && tips::is_current(store, tenant, (&root, repository), &tips, &held).await?;
        Ok(Before { root_version: root.version, held, tips, usable })
    }

    /// Fetches the refs that have moved and are not fetched yet: whole where the tenant holds nothing, else their trees.
    async fn fetch_moved(
        &self,
        fetcher: &Fetcher<'_>,
        tracked: &Tracked,
        before: &Before,
        done: &mut Done,
    ) -> Result<(), IndexError> {
        let hidden = &self.assignment.hidden;
        let moved = moved(tracked, before, hidden, &done.fetched);
        if moved.is_empty() {
            return Ok(());
        }
        let fetched = match before.held.is_empty() {
            true => fetcher.whole(&moved).await?,
            false => fetcher.trees(&moved, &before.earlier(&moved)).await?,
        };
        if before.held.is_empty() {
            done.whole.extend(fetched.iter().map(|fetched| fetched.commit));
        }
        done.fetched.extend(fetched);
        let bytes = bytes_below(fetcher.folder);
        let on_disk = self.scratch.on_disk(bytes);
        let detail = json!({ "refs": moved.len(), "bytes": bytes, "bytes_on_disk": on_disk });
        (self.tell)(Told::Step(Phase::Fetched, detail));
        self.scratch.check()
    }

    async fn make(
        &self,
        fetcher: &Fetcher<'_>,
        tracked: &Tracked,
        before: &Before,
        done: &Done,
    ) -> Result<Made, IndexError> {
        let wanted: BTreeSet<_> = done.fetched.iter().map(|fetched| fetched.commit).collect();
        let whole: BTreeSet<_> = default_commit(tracked, &done.fetched).into_iter().collect();
        // The default ref comes first, so that others can be deltas on it.
        let wanted = whole.iter().copied().chain(wanted.difference(&whole).copied());
        let commits: VecDeque<_> =
            wanted.filter(|&commit| !before.usable || before.tips.at(commit).is_none()).collect();
        if commits.is_empty() {
            return Ok(Made::default());
        }
        let (store, tenant) = (self.workplace.store, self.assignment.tenant);
        let bases = match before.usable {
            true => Bases::load(store, tenant, &before.tips).await?,
            false => Bases::default(),
        };
        let here = Commits { all: commits.iter().copied().collect(), whole: done.whole.clone() };
        let left = partial::complete(fetcher, &here, (&before.held, &bases)).await?;
        let source = Source::Partial(fetcher.folder.to_owned(), left);
        let folder = self.folder("segments")?;
        let pipeline = Pipeline { store, tenant, source: &source, folder: &folder, whole: &whole, halt: self.halt };
        let mut tell = |told: Progress<'_>| self.pass_on(told);
        let made = pipeline.run(Listings::Commits(commits), before.held.clone(), bases, &mut tell);
        let made = made.await?;
        let segments: u64 = made.summary.sections.values().sum();
        let mut detail = made.summary.to_json();
        detail["bytes_on_disk"] = self.scratch.on_disk(bytes_below(fetcher.folder) + segments).into();
        (self.tell)(Told::Step(Phase::Uploaded, detail));
        Ok(made)
    }

    /// Of the slices of a group of commits only the last is a step.
    fn pass_on(&self, progress: Progress<'_>) {
        match progress {
            Progress::Built(step) if step.done == step.total => {
                (self.tell)(Told::Step(Phase::Built, json!({ "blobs": step.total, "bytes": step.bytes })));
            }
            Progress::Built(_) => {}
            Progress::Uploaded(entry) => (self.tell)(Told::Uploaded(entry)),
        }
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
            if let Some(tip) = tip.filter(|tip| !self.assignment.hidden.contains(&tip.commit)) {
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

    /// Gives graphs to tips that have none.
    async fn complete(
        &self,
        before: &Before,
        after: &mut Tips,
        made: &mut Made,
        known: &mut BTreeMap<ObjectId, TipGraph>,
    ) -> Result<(), IndexError> {
        let (store, tenant, halt) = (self.workplace.store, self.assignment.tenant, self.halt);
        let (folder, before) = (self.folder("segments")?, before.usable.then_some(&before.tips));
        let imports = &self.assignment.imports;
        Graphs { store, tenant, folder: &folder, before, imports, halt }.complete(after, made, known).await
    }

    async fn publish(&self, before: Before, after: Tips, mut made: Made) -> Result<Outcome, IndexError> {
        let &Assignment { job, tenant, repository, fence, .. } = self.assignment;
        made.summary.refs = after.by_name.len() as u64;
        let commit = after.default_tip().map(|tip| tip.commit);
        if before.usable && after.same_commits(&before.tips) && after.same_graphs(&before.tips) {
            made.summary.unchanged = true;
            made.summary.root_version = before.root_version;
            return Ok(Outcome { commit, summary: made.summary.to_json() });
        }
        let advance = Advance {
            store: self.workplace.store,
            tenant,
            repository,
            fence,
            before: &before.tips,
            usable: before.usable,
            most_bytes: self.assignment.most_bytes,
            now_ms: self.clock.now_ms(),
            halt: self.halt,
        };
        (self.tell)(Told::Publishing);
        let (root, summary) = advance.publish(after, made).await?;
        info!({ fields::JOB_ID } = %job, { fields::REPOSITORY_ID } = %repository, root = root.version, "{}", events::PUBLISHED);
        (self.tell)(Told::Step(Phase::Published, json!({ "root_version": root.version, "refs": summary.refs })));
        Ok(Outcome { commit, summary: summary.to_json() })
    }
}

/// Refs at another commit than HEAD holds, that are to be indexed and not fetched yet.
fn moved(tracked: &Tracked, before: &Before, hidden: &BTreeSet<ObjectId>, fetched: &[Fetched]) -> Vec<RemoteRef> {
    let is_held =
        |r: &RemoteRef| before.usable && before.tips.by_name.get(&r.name).is_some_and(|tip| tip.commit == r.id);
    let is_fetched = |r: &RemoteRef| fetched.iter().any(|fetched| fetched.name == r.name);
    let is_wanted = |r: &&RemoteRef| !is_held(r) && !hidden.contains(&r.id) && !is_fetched(r);
    tracked.refs.iter().filter(is_wanted).cloned().collect()
}

/// The commit of the default ref, if it has moved.
fn default_commit(tracked: &Tracked, fetched: &[Fetched]) -> Option<ObjectId> {
    let name = tracked.default.as_ref()?;
    fetched.iter().find(|fetched| fetched.name == *name).map(|fetched| fetched.commit)
}
