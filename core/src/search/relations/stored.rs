//! Graphs in the object store: tails and blocks through the cache, texts from the segments of the snapshot.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future;

use super::Relations;
use super::ground::{Ground, RelationsError};
use crate::graph::{Block, Graph, GraphError, Place, Shelf, View};
use crate::id::{ObjectId, TenantId};
use crate::search::SearchStats;
use crate::search::cache::{Cache, Part};
use crate::search::reader::Reader;
use crate::search::request::Visible;
use crate::search::searcher::Searcher;
use crate::search::symbols::{self, SymbolHit};
use crate::search::texts;
use crate::store::{Kind, ObjectKey, Root, Snapshot, Tip, TipGraph};

/// The graph of a tip, opened.
#[derive(Debug)]
pub struct StoredGraph<'a> {
    view: View,
    ground: Stored<'a>,
}

#[derive(Debug)]
struct Stored<'a> {
    reader: Arc<Reader<'a>>,
    graph: TipGraph,
    root: Arc<Root>,
    snapshot: Arc<Snapshot>,
    /// Where names are looked up.
    named: Option<(Visible, String)>,
}

/// What answers about a tip are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexedAs {
    /// The commit.
    pub commit: ObjectId,
    /// When it was indexed, in milliseconds since 1970.
    pub indexed_ms: Option<u64>,
    /// Whether callers are known by more than their names.
    pub has_graph: bool,
    /// Whether symbols of some files are still to be read by the extractors that this program knows.
    pub is_pending: bool,
}

/// Blocks that are in memory already.
#[derive(Debug)]
struct Kept {
    cache: Arc<Cache>,
    tenant: TenantId,
    graph: TipGraph,
}

impl Searcher {
    /// What answers about a tip are made from: one round trip beside those of its snapshot, where nothing is in memory.
    pub async fn indexed(&self, tenant: TenantId, tip: &Tip) -> Result<IndexedAs, RelationsError> {
        let reader = Reader::new(&self.store, &self.cache, tenant);
        let root = reader.wave(reader.head(None)).await?;
        let snapshot = reader.wave(reader.snapshot(tip.snapshot)).await?;
        let entries = root.segments.iter().filter(|entry| snapshot.segments.contains(&entry.key));
        let segments = reader.wave(future::try_join_all(entries.map(|entry| reader.segment(entry)))).await?;
        let written = tip.graph.map_or(tip.snapshot, |graph| graph.key);
        Ok(IndexedAs {
            commit: tip.commit,
            indexed_ms: written.written_ms(),
            has_graph: tip.graph.is_some(),
            is_pending: segments.iter().any(|open| open.segment.is_pending()),
        })
    }

    /// Opens the graph of a tip with its snapshot, whose segments HEAD names: two round trips where nothing is in memory.
    /// `None`: it has no graph.
    pub async fn graph(&self, tenant: TenantId, tip: &Tip) -> Result<Option<StoredGraph<'_>>, RelationsError> {
        let reader = Arc::new(Reader::new(&self.store, &self.cache, tenant));
        let root = reader.head(None).await?;
        StoredGraph::open(&reader, &root, tip).await
    }
}

impl<'a> StoredGraph<'a> {
    /// Opens the graph of a tip that a root names.
    pub(in crate::search) async fn open(
        reader: &Arc<Reader<'a>>,
        root: &Arc<Root>,
        tip: &Tip,
    ) -> Result<Option<Self>, RelationsError> {
        let Some(graph) = tip.graph else { return Ok(None) };
        let keys = [Some(base_of(&graph)), graph.base.map(|_| graph.key)];
        let opened = async {
            let graphs = future::try_join_all(keys.into_iter().flatten().map(|key| reader.graph(key)));
            future::try_join(graphs, reader.snapshot(tip.snapshot)).await
        };
        let (graphs, snapshot) = reader.wave(opened).await?;
        // What may be seen was decided by the commit.
        if snapshot.commit != tip.commit {
            let what = format!("is of commit {}, and `{}` is at {}", snapshot.commit, tip.ref_name, tip.commit);
            return Err(reader.corrupt(Kind::Snapshot, tip.snapshot, &what).into());
        }
        let (cache, tenant) = (Arc::clone(reader.cache), reader.tenant);
        let shelf = Box::new(Kept { cache, tenant, graph });
        let mut graphs = graphs.into_iter();
        let base = graphs.next().ok_or(GraphError::Missing)?;
        let view = View::new(base, graphs.next(), shelf)?;
        let (reader, root) = (Arc::clone(reader), Arc::clone(root));
        let ground = Stored { reader, graph, root, snapshot, named: None };
        Ok(Some(Self { view, ground }))
    }

    /// The same, with names looked up in the index of the ref instead of in the graph.
    pub(in crate::search) fn of_ref(mut self, repository: &Visible, ref_name: &str) -> Self {
        self.ground.named = Some((repository.clone(), ref_name.to_owned()));
        self
    }

    /// What asks the questions.
    pub fn relations(&self) -> Relations<'_, impl Ground + use<'a>> {
        Relations { view: &self.view, ground: &self.ground }
    }

    /// What it took so far.
    pub fn stats(&self) -> SearchStats {
        self.ground.reader.stats()
    }
}

fn base_of(graph: &TipGraph) -> ObjectKey {
    graph.base.unwrap_or(graph.key)
}

/// The object that a block is in. A view without a delta asks for none of it.
fn object(graph: &TipGraph, place: Place) -> ObjectKey {
    if place.in_delta { graph.key } else { base_of(graph) }
}

impl Shelf for Kept {
    fn find(&self, _: &Graph, place: Place) -> Result<Option<Arc<Block>>, GraphError> {
        let part = Part::Block(place.kind, place.block);
        Ok(self.cache.look_up(self.tenant, object(&self.graph, place), part))
    }
}

impl Ground for Stored<'_> {
    async fn blocks(&self, places: &[(Place, Range<u64>)]) -> Result<Vec<Bytes>, RelationsError> {
        let of = |in_delta: bool| {
            let ranges: Vec<_> = places.iter().filter(|(place, _)| place.in_delta == in_delta).collect();
            ranges.into_iter().map(|(_, range)| range.clone()).collect::<Vec<_>>()
        };
        let (base, delta) = (of(false), of(true));
        let reads = future::try_join(
            self.reader.graph_ranges(base_of(&self.graph), &base),
            self.reader.graph_ranges(self.graph.key, &delta),
        );
        let (base, delta) = self.reader.wave(reads).await?;
        let (mut base, mut delta) = (base.into_iter(), delta.into_iter());
        let next = |(place, _): &(Place, Range<u64>)| if place.in_delta { delta.next() } else { base.next() };
        let blocks: Option<Vec<_>> = places.iter().map(next).collect();
        Ok(blocks.ok_or_else(|| self.reader.corrupt(Kind::Graph, self.graph.key, "the store answered fewer ranges"))?)
    }

    async fn texts(&self, paths: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Bytes>, RelationsError> {
        Ok(texts::of_paths(&self.reader, (&self.root, &self.snapshot), paths).await?)
    }

    async fn ids(&self, name: &str) -> Result<Option<Vec<String>>, RelationsError> {
        let Some((repository, ref_name)) = &self.named else { return Ok(None) };
        let hits = symbols::of_ref(&self.reader, (repository, ref_name), name).await?;
        let mut ids: Vec<_> = hits.iter().map(SymbolHit::id).collect();
        ids.sort();
        Ok(Some(ids))
    }

    fn keep(&self, place: Place, block: Arc<Block>) {
        let part = Part::Block(place.kind, place.block);
        self.reader.cache.keep(self.reader.tenant, object(&self.graph, place), part, block);
    }
}
