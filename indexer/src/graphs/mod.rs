//! The graphs of tips: made after the segments of a run are in the store, before HEAD is swapped. A push tells what it has
//! changed and touched as a delta on the graph before it; where that is more than a tenth, the graph is whole.
//!
//! ```text
//!  snapshot of the tip ──► documents ──► names: all of them ─────► whole ──┐
//!  and of the one before ► difference ──► touched ──► delta on the base ───┴─► store, name in the tip
//! ```
//!
//! A graph that cannot be made keeps no commit from being searchable: it has none then, and the next run tries again. How
//! names are resolved is the business of [`crate::names`], what a graph looks like that of [`kotadb_core::graph`].

pub mod delta;
mod documents;
pub mod files;
pub mod footing;
mod imports;
mod make;
pub mod stored;
pub mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kotadb_core::graph::GraphError;
use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::segment::SegmentError;
use kotadb_core::store::{ObjectKey, SegmentEntry, Snapshot, Store, StoreError, Tip, TipGraph};
use kotadb_core::telemetry::events;
use tracing::warn;

use self::documents::Opened;
pub use self::imports::Import;
use self::imports::Imports;
pub use self::make::{Changed, changes};
use crate::compact::LocalFile;
use crate::error::IndexError;
use crate::halt::Halt;
use crate::pipeline::Made;
use crate::tips::Tips;

/// After so long no further graph is begun: the refs that have none get theirs from later runs.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Segment files of a run that are open on this machine.
pub type LocalFiles = BTreeMap<ObjectKey, Arc<LocalFile>>;

/// What the graphs of a run are made with.
pub struct Workroom<'a> {
    store: &'a Store,
    tenant: TenantId,
    folder: &'a Path,
    halt: &'a Halt,
    files: &'a LocalFiles,
    threads: usize,
    imports: Imports,
    /// Segments of the root and of this run.
    table: BTreeMap<ObjectKey, SegmentEntry>,
    opened: Mutex<BTreeMap<ObjectKey, Arc<Opened>>>,
}

/// The graphs of a run.
#[derive(Clone, Copy, Debug)]
pub struct Graphs<'a> {
    /// Where objects are.
    pub store: &'a Store,
    /// Whose.
    pub tenant: TenantId,
    /// For a graph before it is uploaded.
    pub folder: &'a Path,
    /// What HEAD held when the run began, if that may be built on.
    pub before: Option<&'a Tips>,
    /// SCIP indexes of the repository.
    pub imports: &'a [Import],
    /// Tells to stop.
    pub halt: &'a Halt,
}

impl fmt::Debug for Workroom<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workroom").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Graphs<'_> {
    /// Gives every tip a graph that has none, the default one first. `known` are graphs of commits that this run has made
    /// already. Blocks its thread, so it needs a runtime of several.
    pub async fn complete(
        &self,
        after: &mut Tips,
        made: &mut Made,
        known: &mut BTreeMap<ObjectId, TipGraph>,
    ) -> Result<(), IndexError> {
        imports::make_room(self.imports, self.before, after, known);
        self.drop_outdated(after).await?;
        let wanted = wanted(after);
        if wanted.is_empty() {
            return Ok(());
        }
        self.let_go(known);
        let began = Instant::now();
        let files = std::mem::take(&mut made.files);
        let imports = Imports::load(self, after).await?;
        let room = self.workroom(&made.segments, &files, imports).await?;
        for (nth, tip) in wanted.iter().enumerate() {
            self.halt.check()?;
            if nth > 0 && began.elapsed() > LONGEST {
                break;
            }
            let graph = match known.get(&tip.commit) {
                Some(graph) => Some(*graph),
                None => self.make(&room, tip, after, made).await?,
            };
            known.extend(graph.map(|graph| (tip.commit, graph)));
            for other in after.by_name.values_mut().filter(|other| other.commit == tip.commit) {
                other.graph = graph;
            }
        }
        Ok(())
    }

    /// Takes graphs of versions that are read no more from their tips.
    async fn drop_outdated(&self, after: &mut Tips) -> Result<(), IndexError> {
        let mut seen = BTreeMap::new();
        for tip in after.by_name.values_mut() {
            let Some(graph) = tip.graph else { continue };
            let is_readable = match seen.get(&graph.key) {
                Some(&is_readable) => is_readable,
                None => footing::is_readable(self.store, self.tenant, graph).await?,
            };
            seen.insert(graph.key, is_readable);
            tip.graph = tip.graph.filter(|_| is_readable);
        }
        Ok(())
    }

    /// Forgets deltas on what HEAD names no more: names of a deleted commit may be in that.
    fn let_go(&self, known: &mut BTreeMap<ObjectId, TipGraph>) {
        let named = self.before.into_iter().flat_map(|before| before.by_name.values()).filter_map(|tip| tip.graph);
        let whole = known.values().filter(|graph| graph.base.is_none()).copied();
        let there: BTreeSet<_> = named.chain(whole).flat_map(TipGraph::objects).collect();
        known.retain(|_, graph| graph.objects().skip(1).all(|base| there.contains(&base)));
    }

    async fn workroom<'w>(
        &'w self,
        own: &[SegmentEntry],
        files: &'w LocalFiles,
        imports: Imports,
    ) -> Result<Workroom<'w>, IndexError> {
        let (root, _) = self.store.head(self.tenant).await?;
        let table = root.segments.iter().chain(own).map(|entry| (entry.key, entry.clone())).collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let &Self { store, tenant, folder, halt, .. } = self;
        Ok(Workroom { store, tenant, folder, halt, files, threads, imports, table, opened: Mutex::default() })
    }

    /// `None`: it cannot be made.
    async fn make(
        &self,
        room: &Workroom<'_>,
        tip: &Tip,
        after: &Tips,
        made: &mut Made,
    ) -> Result<Option<TipGraph>, IndexError> {
        match self.try_to_make(room, tip, after).await {
            Ok((graph, bytes)) => {
                made.summary.graphs += u64::from(bytes > 0);
                made.summary.bytes_written += bytes;
                Ok(Some(graph))
            }
            Err(error) if is_for_good(&error) => {
                warn!(commit = %tip.commit, %error, "{}", events::GRAPH_FAILED);
                made.summary.graphs_failed += 1;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn try_to_make(&self, room: &Workroom<'_>, tip: &Tip, after: &Tips) -> Result<(TipGraph, u64), IndexError> {
        let snapshot = self.store.snapshot(self.tenant, tip).await?;
        let mut earlier: Option<(Snapshot, TipGraph)> = None;
        if let Some((tip, graph)) = self.earlier(tip, after) {
            earlier = Some((self.store.snapshot(self.tenant, tip).await?, graph));
        }
        match room.make(&snapshot, earlier.as_ref()).await {
            // What it would stand on cannot be read: it stands by itself then.
            Err(error) if earlier.is_some() && is_for_good(&error) => room.make(&snapshot, None).await,
            outcome => outcome,
        }
    }

    /// Whose graph a tip's may be a delta on: that of its ref before, or of the default one.
    fn earlier<'t>(&'t self, tip: &Tip, after: &'t Tips) -> Option<(&'t Tip, TipGraph)> {
        let own = self.before.and_then(|before| before.by_name.get(&tip.ref_name));
        let default = after.default_tip().into_iter().chain(self.before.and_then(Tips::default_tip));
        own.into_iter().chain(default).find_map(|tip| Some((tip, tip.graph?)))
    }
}

impl Workroom<'_> {
    async fn segment(&self, key: ObjectKey) -> Result<Arc<Opened>, IndexError> {
        let lock = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = lock().get(&key) {
            return Ok(Arc::clone(opened));
        }
        let opened = Arc::new(Opened::open(self, key).await?);
        lock().insert(key, Arc::clone(&opened));
        Ok(opened)
    }
}

/// A tip of each commit that has no graph, that of the default ref first.
fn wanted(tips: &Tips) -> Vec<Tip> {
    let mut wanted: Vec<Tip> = Vec::new();
    for tip in tips.default_tip().into_iter().chain(tips.by_name.values()).filter(|tip| tip.graph.is_none()) {
        if !wanted.iter().any(|other| other.commit == tip.commit) {
            wanted.push(tip.clone());
        }
    }
    wanted
}

/// Whether another try would fail of the same: what was read is broken, or our rules are.
fn is_for_good(error: &IndexError) -> bool {
    match error {
        IndexError::Graph(error) => !matches!(error, GraphError::Io(_)),
        IndexError::Segment(error) => matches!(error, SegmentError::Corrupt { .. } | SegmentError::TooNew { .. }),
        IndexError::Store(error) => matches!(error, StoreError::Corrupt { .. } | StoreError::NotFound(_)),
        IndexError::BuildThread => true,
        _ => false,
    }
}
