//! What a delta stands on: a base, and what an earlier delta on it tells otherwise. A new delta tells that again and what has
//! changed since, so it needs neither the commit of the base nor its snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use kotadb_core::graph::{Block, Graph, GraphError, Place, Shelf, View};
use kotadb_core::id::TenantId;
use kotadb_core::store::{Kind, ObjectKey, Store, StoreError, TipGraph};

use super::files::Files;
use crate::error::IndexError;
use crate::names::RULES;

/// Most files that a delta may tell of: one in so many, as of snapshots.
const SHARE: usize = 10;

/// A base, and what is otherwise.
#[derive(Debug)]
pub struct Footing {
    /// The base alone.
    pub base: View,
    /// Its bytes.
    pub bytes: Bytes,
    /// Its name.
    pub key: ObjectKey,
    /// Files that have to be told of, and whether their text is another than that of the base.
    pub told: BTreeMap<Vec<u8>, bool>,
    /// Files of the base that are gone.
    pub removed: BTreeSet<Vec<u8>>,
}

/// A base and a delta that lie in memory, or are mapped.
#[derive(Clone, Debug)]
struct Both(Bytes, Bytes);

/// A graph that lies in memory, or is mapped.
#[derive(Clone, Debug)]
pub struct InMemory(pub Bytes);

impl Footing {
    /// The graph of an earlier commit; `None`: earlier rules made it.
    pub async fn load(store: &Store, tenant: TenantId, graph: TipGraph) -> Result<Option<Self>, IndexError> {
        let key = graph.base.unwrap_or(graph.key);
        let bytes = read(store, tenant, key).await?;
        if opened(&bytes)?.rules() != RULES {
            return Ok(None);
        }
        let base = in_memory(bytes.clone(), None)?;
        let mut footing = Self { base, bytes, key, told: BTreeMap::new(), removed: BTreeSet::new() };
        if graph.base.is_some() {
            let delta = opened(&read(store, tenant, graph.key).await?)?;
            footing.told = delta.told().map(|(path, is_changed)| (path.to_vec(), is_changed)).collect();
            footing.removed = delta.removed().iter().map(|file| footing.base.path(*file).to_vec()).collect();
        }
        Ok(Some(footing))
    }

    /// Notes what is otherwise than it was, and lets go of what is no file, or a file again.
    pub fn change<'p>(&mut self, changed: impl Iterator<Item = &'p [u8]>, files: &dyn Files) {
        for path in changed {
            if files.find(path).is_some() {
                self.told.insert(path.to_vec(), true);
            } else {
                self.removed.insert(path.to_vec());
            }
        }
        self.told.retain(|path, _| files.find(path).is_some());
        self.removed.retain(|path| files.find(path).is_none());
    }

    /// Whether a delta that tells of so many files of `all` is worth less than a whole graph.
    pub fn is_too_large(told: usize, all: usize) -> bool {
        told > all / SHARE
    }
}

/// Whether a graph is there, and of a version that is still read.
pub async fn is_readable(store: &Store, tenant: TenantId, graph: TipGraph) -> Result<bool, IndexError> {
    for (kind, key) in graph.objects() {
        let (tail, length) = match store.get_tail(tenant, kind, key, Graph::TRAILER_LEN).await {
            Err(StoreError::NotFound(_)) => return Ok(false),
            other => other?,
        };
        if Graph::hot_range(&tail, length).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The graph of a tip with all its blocks at hand.
pub async fn view(store: &Store, tenant: TenantId, graph: TipGraph) -> Result<View, IndexError> {
    let base = read(store, tenant, graph.base.unwrap_or(graph.key)).await?;
    let delta = match graph.base {
        Some(_) => Some(read(store, tenant, graph.key).await?),
        None => None,
    };
    in_memory(base, delta)
}

/// The view of a base and a delta on it, or none.
pub fn in_memory(base: Bytes, delta: Option<Bytes>) -> Result<View, IndexError> {
    let graph = Arc::new(opened(&base)?);
    let Some(delta) = delta else { return Ok(View::new(graph, None, Box::new(InMemory(base)))?) };
    Ok(View::new(graph, Some(Arc::new(opened(&delta)?)), Box::new(Both(base, delta)))?)
}

/// Reads a graph as a whole; of a near store it is mapped.
pub async fn read(store: &Store, tenant: TenantId, key: ObjectKey) -> Result<Bytes, IndexError> {
    Ok(match store.is_near() {
        true => store.get_tail(tenant, Kind::Graph, key, u64::MAX).await?.0,
        false => store.get(tenant, Kind::Graph, key).await?,
    })
}

fn opened(bytes: &[u8]) -> Result<Graph, IndexError> {
    let hot = Graph::hot_range(bytes, bytes.len() as u64)?;
    Ok(Graph::open(&bytes[hot.start as usize..], bytes.len() as u64)?)
}

fn block(bytes: &[u8], graph: &Graph, place: Place) -> Result<Option<Arc<Block>>, GraphError> {
    let range = graph.range(place.kind, place.block);
    let bytes = bytes.get(range.start as usize..range.end as usize).unwrap_or_default();
    graph.decode(place.kind, place.block, bytes).map(|block| Some(Arc::new(block)))
}

impl Shelf for InMemory {
    fn find(&self, graph: &Graph, place: Place) -> Result<Option<Arc<Block>>, GraphError> {
        block(&self.0, graph, place)
    }
}

impl Shelf for Both {
    fn find(&self, graph: &Graph, place: Place) -> Result<Option<Arc<Block>>, GraphError> {
        block(if place.in_delta { &self.1 } else { &self.0 }, graph, place)
    }
}

#[cfg(test)]
mod tests {
    use kotadb_core::graph::GraphBuilder;
    use kotadb_core::store::StoreOptions;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn nothing_stands_on_what_other_rules_made() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        for (rules, is_usable) in [(RULES, true), (RULES + 1, false), (0, false)] {
            let mut bytes = Vec::new();
            GraphBuilder::default().by_rules(rules).finish(&[], &mut bytes).unwrap();
            let key = store.put(TenantId::LOCAL, Kind::Graph, Uuid::now_v7(), bytes.into()).await.unwrap();
            let found = Footing::load(&store, TenantId::LOCAL, TipGraph { key, base: None }).await.unwrap();
            assert_eq!(found.is_some(), is_usable, "{rules}");
        }
    }

    #[tokio::test]
    async fn a_graph_of_an_old_version_is_not_kept() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let (mut new, old) = (Vec::new(), include_bytes!("../../../core/src/graph/golden/v1.graph").to_vec());
        GraphBuilder::default().finish(&[], &mut new).unwrap();
        for (bytes, is_read) in [(new, true), (old, false)] {
            let key = store.put(TenantId::LOCAL, Kind::Graph, Uuid::now_v7(), bytes.into()).await.unwrap();
            let graph = TipGraph { key, base: None };
            assert_eq!(is_readable(&store, TenantId::LOCAL, graph).await.unwrap(), is_read);
        }
    }
}
