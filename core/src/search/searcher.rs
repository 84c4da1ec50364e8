//! The steps of a search, in their order.

use std::sync::Arc;

use super::answer::{SearchError, SearchResult};
use super::cache::Cache;
use super::reader::Reader;
use super::request::SearchRequest;
use super::targets::Target;
use super::{candidates, targets, verify};
use crate::id::{ObjectId, TenantId};
use crate::query::Plan;
use crate::store::{ObjectKey, Snapshot, Store, StoreError};

/// Answers queries from the object store. Cheap to clone; shared by all requests of a process.
#[derive(Clone, Debug)]
pub struct Searcher {
    store: Store,
    cache: Arc<Cache>,
}

impl Searcher {
    /// A searcher over `store`, holding at most `cache_bytes` of immutable data in memory.
    pub fn new(store: Store, cache_bytes: u64) -> Self {
        Self { store, cache: Arc::new(Cache::new(cache_bytes)) }
    }

    /// Runs a query. The answer is exact: every line was verified against its content. Needs a tokio runtime of either
    /// kind.
    pub async fn search(&self, request: &SearchRequest) -> Result<SearchResult, SearchError> {
        let plan = Arc::new(Plan::new(&request.query)?);
        let reader = Reader::new(&self.store, &self.cache, request.tenant);
        match run(&reader, request, &plan).await {
            // Objects that HEAD named can go once another HEAD has stood for long enough: this one was read before.
            Err(StoreError::NotFound(_)) => Ok(run(&reader, request, &plan).await?),
            other => Ok(other?),
        }
    }

    /// A snapshot, from memory or from the store.
    pub async fn snapshot(&self, tenant: TenantId, key: ObjectKey) -> Result<Arc<Snapshot>, SearchError> {
        Ok(Reader::new(&self.store, &self.cache, tenant).snapshot(key).await?)
    }
}

async fn run(reader: &Reader<'_>, request: &SearchRequest, plan: &Arc<Plan>) -> Result<SearchResult, StoreError> {
    let root = reader.head().await?;
    let targets = targets::select(reader, &root, plan, &request.visible).await?;
    let commit = only_commit(&targets);
    let targets = Arc::new(candidates::open(reader, &root, targets).await?);
    let candidates = candidates::rank(reader, plan, &targets).await?;
    let to_read = candidates.iter().filter(|candidate| candidate.read).count();
    reader.count(|stats| stats.candidates = u32::try_from(to_read).unwrap_or(u32::MAX));
    let found = verify::verify(reader, plan, &targets, &candidates, request.limit).await?;
    Ok(SearchResult {
        n_files: found.files.len() as u64,
        n_matches: found.n_matches,
        files: found.files,
        n_skipped: targets.iter().map(|open| open.snapshot.skipped.len() as u64).sum(),
        complete: found.complete,
        commit,
        root_version: root.version,
        stats: reader.stats(),
    })
}

fn only_commit(targets: &[Target]) -> Option<ObjectId> {
    let first = targets.first()?.commit;
    targets.iter().all(|target| target.commit == first).then_some(first)
}
