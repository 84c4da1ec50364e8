//! Symbols by name: HEAD, then snapshots and tails, then the blocks of names that may hold the name; where that gives too
//! few, parts of names and the blocks that have them. No text is read.

mod answer;
mod best;
mod blocks;
mod find;
mod place;
mod rank;
mod wanted;

use std::sync::atomic::Ordering;

use self::find::Finding;
use self::wanted::Wanted;
use super::answer::SearchError;
use super::definitions::Names;
use super::reader::Reader;
use super::request::{SearchRequest, Visible};
use super::searcher::Searcher;
use super::{open, pin, targets};
use crate::metrics;
use crate::query::{NameKind, Plan, Query};
use crate::store::StoreError;

pub use self::answer::{NameMatch, SymbolAnswer, SymbolHit, SymbolRequest, symbol_id};

/// Symbols of one name in one ref.
const MOST_OF_REF: usize = 100;

impl Searcher {
    /// Finds symbols by name. What may be seen is decided as in [`Searcher::search`].
    pub async fn symbols(&self, request: &SymbolRequest) -> Result<SymbolAnswer, SearchError> {
        let reader = self.reader(request.tenant);
        let answer = match run(&reader, request).await {
            Err(SearchError::Store(StoreError::NotFound(_))) => {
                reader.is_misled.store(true, Ordering::Relaxed);
                run(&reader, request).await
            }
            other => other,
        };
        if let Ok(answer) = &answer {
            metrics::searched(answer.stats.gets, answer.stats.bytes, answer.stats.cache_hits);
        }
        answer
    }
}

/// Symbols of one ref that have a name: as it is written, also behind names of what is round them.
pub(super) async fn of_ref(
    reader: &Reader<'_>,
    (repository, ref_name): (&Visible, &str),
    name: &str,
) -> Result<Vec<SymbolHit>, SearchError> {
    let request = SymbolRequest {
        exact: true,
        filter: Query::everything().of_every_class().of_ref(NameKind::Plain, ref_name),
        limit: MOST_OF_REF,
        ..SymbolRequest::new(reader.tenant, vec![repository.clone()], name)
    };
    Ok(run(reader, &request).await?.symbols)
}

/// The same by a reader that asks more.
pub(super) async fn run(reader: &Reader<'_>, request: &SymbolRequest) -> Result<SymbolAnswer, SearchError> {
    let plan = Plan::new(&request.filter)?;
    let asked = SearchRequest {
        min_version: request.min_version,
        ..SearchRequest::new(request.tenant, request.visible.clone(), request.filter.clone())
    };
    let root = pin::root(reader, &asked).await?;
    let targets = targets::select(reader, &root, &plan, &asked).await?;
    let opened = open::open(reader, &root, targets, None, Names::default()).await?;
    let finding = Finding { reader, request, plan: &plan, opened: &opened, wanted: Wanted::new(request) };
    let found = finding.run().await?;
    Ok(SymbolAnswer {
        symbols: found.best.finish(),
        hidden: found.hidden,
        complete: found.complete,
        pending: opened.segments.iter().any(|open| open.segment.is_pending()),
        n_refs: opened.targets.iter().map(|open| open.target.refs.len() as u64).sum(),
        root_version: root.version,
        stats: reader.stats(),
    })
}
