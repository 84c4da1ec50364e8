//! The steps of a search, in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::answer::{SearchError, SearchResult, StopReason, Totals};
use super::budget::Waiting;
use super::cache::Cache;
use super::candidates::Candidates;
use super::cursor::{CursorError, PURPOSE, Place, Seal, SearchCursor};
use super::definitions::Names;
use super::facets::{FacetCounts, Facets};
use super::near_names::near_names;
use super::open::Opened;
use super::page::{self, Filled};
use super::reader::Reader;
use super::request::{Page, SearchRequest};
use super::targets::Target;
use super::verify::{Tally, Work};
use super::waves::Waves;
use super::{hidden, open, pin, prune, targets};
use crate::crypto::{MasterKey, Signer};
use crate::id::{ObjectId, TenantId};
use crate::metrics;
use crate::query::Plan;
use crate::store::{ObjectKey, Root, Snapshot, Store, StoreError};

/// Answers queries from the object store. Cheap to clone; shared by all requests of a process.
#[derive(Clone, Debug)]
pub struct Searcher {
    pub(super) store: Store,
    pub(super) cache: Arc<Cache>,
    signer: Signer,
}

impl Searcher {
    /// A searcher over `store`, holding at most `cache_bytes` of immutable data in memory. Its cursors hold in this process.
    pub fn new(store: Store, cache_bytes: u64) -> Self {
        Self { store, cache: Arc::new(Cache::new(cache_bytes)), signer: Signer::new(PURPOSE, None) }
    }

    /// The same with cursors that hold in every process with this master key.
    #[must_use]
    pub fn signing_with(self, master: Option<&MasterKey>) -> Self {
        Self { signer: Signer::new(PURPOSE, master), ..self }
    }

    /// Reads the text of a cursor that was made for this tenant.
    pub fn cursor(&self, tenant: TenantId, text: &str) -> Result<SearchCursor, CursorError> {
        SearchCursor::open(text, Seal { tenant, signer: self.signer.clone() })
    }

    /// The version of the root that a search would answer from now, read as a search reads it.
    pub async fn version(&self, tenant: TenantId, min_version: Option<u64>) -> Result<u64, SearchError> {
        let reader = Reader::new(&self.store, &self.cache, tenant);
        Ok(reader.head(min_version).await?.version)
    }

    /// Runs a query. The answer is exact: every line was verified against its content. Needs a tokio runtime of either
    /// kind. A search whose future is dropped stops at the next document.
    pub async fn search(&self, request: &SearchRequest) -> Result<SearchResult, SearchError> {
        let result = self.find(request).await;
        if let Ok(result) = &result {
            metrics::searched(result.stats.gets, result.stats.bytes, result.stats.cache_hits);
        }
        result
    }

    async fn find(&self, request: &SearchRequest) -> Result<SearchResult, SearchError> {
        let plan = Arc::new(Plan::new(&request.query)?);
        let reader = Reader::new(&self.store, &self.cache, request.tenant);
        match self.run(&reader, request, &plan).await {
            Err(SearchError::Store(StoreError::NotFound(_))) => {}
            other => return other,
        }
        reader.is_misled.store(true, Ordering::Relaxed);
        // Objects that a root names can go once another has stood in HEAD for long enough: this one was read before.
        match self.run(&reader, request, &plan).await {
            Err(SearchError::Store(StoreError::NotFound(_))) if request.page.cursor.is_some() => {
                Err(CursorError::Changed.into())
            }
            other => other,
        }
    }

    async fn run(
        &self,
        reader: &Reader<'_>,
        request: &SearchRequest,
        plan: &Arc<Plan>,
    ) -> Result<SearchResult, SearchError> {
        let mut known = Known::default();
        match request.budget.in_time(prepare(reader, request, plan, &mut known)).await {
            Some(ready) => answer(reader, request, (plan, &self.signer), ready?).await,
            None => Ok(known.late(reader, request)),
        }
    }

    /// Reads for one question of a tenant.
    pub(super) fn reader(&self, tenant: TenantId) -> Reader<'_> {
        Reader::new(&self.store, &self.cache, tenant)
    }

    /// A whole snapshot, from memory or from the store.
    pub async fn snapshot(&self, tenant: TenantId, key: ObjectKey) -> Result<Arc<Snapshot>, SearchError> {
        Ok(Reader::new(&self.store, &self.cache, tenant).snapshot(key).await?)
    }
}

/// What a search knows before it has read any content.
struct Ready {
    root: Arc<Root>,
    targets: Vec<Target>,
    place: Place,
    opened: Opened,
}

/// The same of a search whose time is over before.
#[derive(Default)]
struct Known {
    root_version: u64,
    n_refs: u64,
    commit: Option<ObjectId>,
}

async fn prepare(
    reader: &Reader<'_>,
    request: &SearchRequest,
    plan: &Plan,
    known: &mut Known,
) -> Result<Ready, SearchError> {
    let root = pin::root(reader, request).await?;
    known.root_version = root.version;
    let targets = targets::select(reader, &root, plan, request).await?;
    (known.n_refs, known.commit) = (n_refs(&targets), only_commit(&targets));
    let place = pin::place(request, targets.iter())?;
    let left = prune::prune(reader, &root, &targets).await?;
    let mut opened = open::open(reader, &root, left, request.overlay.as_ref(), Names::of(plan)).await?;
    opened.narrow(plan);
    Ok(Ready { root, targets, place, opened })
}

impl Known {
    /// The answer when the time is over: nothing was found, and the page is where it was.
    fn late(self, reader: &Reader<'_>, request: &SearchRequest) -> SearchResult {
        SearchResult {
            files: Vec::new(),
            totals: Totals::default(),
            hidden: None,
            facets: None,
            pending: false,
            near: Vec::new(),
            n_refs: self.n_refs,
            n_skipped: 0,
            complete: false,
            reason: Some(StopReason::Deadline),
            next: request.page.cursor.clone(),
            commit: self.commit,
            root_version: self.root_version,
            stats: reader.stats(),
        }
    }
}

async fn answer(
    reader: &Reader<'_>,
    request: &SearchRequest,
    (plan, signer): (&Arc<Plan>, &Signer),
    ready: Ready,
) -> Result<SearchResult, SearchError> {
    let Ready { root, targets, place, opened } = ready;
    let opened = Arc::new(opened);
    let waiting = Waiting::default();
    let work = work_of(reader, request, plan, (&opened, &waiting));
    let shown = &plan.classes().shown;
    let candidates = Candidates::new(&opened, shown).after(place.after.as_ref());
    let mut waves = Waves::new(&opened, plan, candidates);
    let mut filled = match is_empty(&request.page) {
        true => Filled { stopped: Some((StopReason::Limit, place)), ..Filled::default() },
        false => page::fill(reader, &work, &mut waves, request, place).await?,
    };
    let is_first = request.page.cursor.is_none();
    let mut counted = filled.stopped.is_none() && is_first;
    if request.count && !counted {
        if !is_first {
            waves = Waves::new(&opened, plan, Candidates::new(&opened, shown));
            filled.tally = Tally::default();
        }
        counted = count(reader, &work, &mut waves, request, &mut filled.tally).await?;
    }
    let is_nothing = filled.stopped.is_none() && is_first && filled.tally.files.iter().all(|n| *n == 0);
    let near = if is_nothing { near_names(reader, &opened, (plan, &request.budget)).await? } else { Vec::new() };
    let next = filled.stopped.as_ref().map(|(_, place)| (place.clone(), signer));
    let next = next.map(|next| pin::cursor(&root, request, targets.iter(), next));
    filled.tally.report(reader);
    Ok(SearchResult {
        totals: Totals {
            files: filled.tally.files.iter().sum(),
            lines: filled.tally.lines.iter().sum(),
            exact: counted,
        },
        facets: request.facets.then(|| facets(&opened, plan, filled.tally, counted)),
        files: filled.files,
        near,
        pending: request.query.asks_symbols() && opened.segments.iter().any(|open| open.segment.is_pending()),
        hidden: Some(hidden::hidden(reader, &work, request).await?),
        n_refs: n_refs(&targets),
        n_skipped: n_skipped(&opened),
        complete: filled.stopped.is_none(),
        reason: filled.stopped.map(|(reason, _)| reason),
        next,
        commit: only_commit(&targets),
        root_version: root.version,
        stats: reader.stats(),
    })
}

fn work_of(
    reader: &Reader<'_>,
    request: &SearchRequest,
    plan: &Arc<Plan>,
    (opened, waiting): (&Arc<Opened>, &Waiting),
) -> Arc<Work> {
    Arc::new(Work {
        plan: Arc::clone(plan),
        opened: Arc::clone(opened),
        cache: Arc::clone(reader.cache),
        tenant: reader.tenant,
        abandoned: waiting.abandoned(),
        patience: request.budget.patience(),
        budget: request.budget,
        has_read: AtomicBool::new(false),
        facets: request.facets,
    })
}

fn is_empty(page: &Page) -> bool {
    page.files == Some(0) || page.lines == Some(0)
}

/// Counts what the page has not come to; whether all of it.
async fn count(
    reader: &Reader<'_>,
    work: &Arc<Work>,
    waves: &mut Waves<'_>,
    request: &SearchRequest,
    tally: &mut Tally,
) -> Result<bool, StoreError> {
    while request.budget.passed(reader).is_none() {
        let Some(wave) = waves.next_to_count() else { return Ok(true) };
        let verified = work.verify(reader, &Arc::new(wave), false).await?;
        tally.add(verified.tally);
        if verified.left.is_some() {
            break;
        }
    }
    Ok(false)
}

/// Facets of all matches where they were counted, else of all candidates.
fn facets(opened: &Opened, plan: &Plan, tally: Tally, counted: bool) -> Facets {
    if counted {
        return tally.facets.finish(opened, true);
    }
    let mut counts = FacetCounts::default();
    let candidates = Candidates::new(opened, &plan.classes().shown);
    Waves::new(opened, plan, candidates).each(|candidate, file| counts.add(candidate.target, file));
    counts.finish(opened, false)
}

fn n_skipped(opened: &Opened) -> u64 {
    opened.targets.iter().map(|open| open.snapshot.skipped.len() as u64).sum()
}

fn n_refs(targets: &[Target]) -> u64 {
    targets.iter().map(|target| target.refs.len() as u64).sum()
}

fn only_commit(targets: &[Target]) -> Option<ObjectId> {
    let mut commits = targets.iter().flat_map(|target| &target.refs).map(|one| one.commit);
    let first = commits.next()?;
    commits.all(|commit| commit == first).then_some(first)
}
