//! What of a tenant's segments is alive: named by a snapshot of a tip, of a base, or of the history of any repository.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::segment::DocId;
use kotadb_core::store::{ObjectKey, Root, SegmentEntry, Store};

use super::bound;
use super::object::Object;
use super::plan::State;
use super::seal;
use crate::error::IndexError;
use crate::held;
use crate::tips::Tips;

/// Repositories read at once.
const PARALLEL: usize = 16;

/// What a survey found.
#[derive(Debug)]
pub struct Survey {
    /// The root that was looked at.
    pub root: Root,
    /// The segments that each searchable commit touches.
    pub refs: Vec<Vec<ObjectKey>>,
    segments: BTreeMap<ObjectKey, Living>,
}

/// What is alive of one segment.
#[derive(Debug)]
struct Living {
    entry: SegmentEntry,
    /// A bit for each document.
    alive: Vec<u64>,
    /// Bytes of text of documents that are not.
    dead_text: u64,
    unsealed: bool,
    repositories: BTreeSet<RepositoryId>,
}

impl Survey {
    /// Reads HEAD and every snapshot that it names, a few at a time.
    pub async fn of(store: &Store, tenant: TenantId) -> Result<Self, IndexError> {
        let (root, _) = store.head(tenant).await?;
        let living = |entry: &SegmentEntry| {
            let alive = vec![0; (entry.n_docs as usize).div_ceil(64)];
            let living =
                Living { entry: entry.clone(), alive, dead_text: 0, unsealed: false, repositories: BTreeSet::new() };
            (entry.key, living)
        };
        let segments = root.segments.iter().map(living).collect();
        let mut survey = Self { root, refs: Vec::new(), segments };
        let ids: Vec<RepositoryId> = survey.root.repositories.keys().copied().collect();
        let root = survey.root.clone();
        let mut read = futures::stream::iter(ids).map(|id| repository(store, tenant, &root, id)).buffered(PARALLEL);
        while let Some((id, tips, named)) = read.try_next().await? {
            survey.add(id, &tips, &named);
        }
        drop(read);
        survey.weigh(store, tenant).await?;
        Ok(survey)
    }

    /// The segments as the plan sees them.
    pub fn states(&self) -> Vec<State> {
        let state = |living: &Living| State {
            key: living.entry.key,
            bytes: living.entry.bytes,
            text: living.entry.text_bytes,
            dead_text: living.dead_text,
            is_dead: living.n_alive() == 0,
            unsealed: living.unsealed,
            fixed: false,
            purge: self.root.purge.contains(&living.entry.key) && living.n_alive() < living.entry.n_docs,
            repositories: living.repositories.clone(),
        };
        self.segments.values().map(state).collect()
    }

    /// Segments to be purged of which every document is alive.
    pub fn clean(&self) -> BTreeSet<ObjectKey> {
        let is_clean =
            |key: &&ObjectKey| self.segments.get(key).is_none_or(|living| living.n_alive() == living.entry.n_docs);
        self.root.purge.iter().filter(is_clean).copied().collect()
    }

    fn add(&mut self, id: RepositoryId, tips: &Tips, named: &BTreeMap<ObjectKey, Vec<DocId>>) {
        for (key, docs) in named {
            let Some(living) = self.segments.get_mut(key) else { continue };
            living.repositories.insert(id);
            for doc in docs.iter().filter(|doc| **doc < living.entry.n_docs) {
                living.alive[*doc as usize / 64] |= 1 << (doc % 64);
            }
        }
        let sets: BTreeSet<Vec<ObjectKey>> = tips.named().map(|tip| bound::touched(tips, tip)).collect();
        self.refs.extend(sets);
    }

    /// Weighs what is dead, where anything is, and looks how large segments are compressed.
    async fn weigh(&mut self, store: &Store, tenant: TenantId) -> Result<(), IndexError> {
        for living in self.segments.values_mut() {
            let is_large = living.entry.text_bytes >= seal::TEXT;
            if is_large || living.n_alive() < living.entry.n_docs {
                let segment = held::open(store, tenant, &living.entry).await?;
                living.unsealed = is_large && !seal::of_object(store, tenant, living.entry.key, &segment).await?;
                let dead = (0..living.entry.n_docs).filter(|doc| !living.is_alive(*doc));
                living.dead_text = dead.map(|doc| segment.text_len(doc)).sum();
            }
        }
        Ok(())
    }
}

impl Living {
    fn n_alive(&self) -> u32 {
        self.alive.iter().map(|bits| bits.count_ones()).sum()
    }

    fn is_alive(&self, doc: DocId) -> bool {
        self.alive[doc as usize / 64] & 1 << (doc % 64) != 0
    }
}

/// The tips of a repository and, by segment, the documents that its snapshots name.
async fn repository(
    store: &Store,
    tenant: TenantId,
    root: &Root,
    id: RepositoryId,
) -> Result<(RepositoryId, Tips, BTreeMap<ObjectKey, Vec<DocId>>), IndexError> {
    let tips = Tips::load(store, tenant, root, id).await?;
    let mut named: BTreeMap<ObjectKey, Vec<DocId>> = BTreeMap::new();
    for (key, is_delta) in tips.snapshots() {
        Object::read(store, tenant, key, is_delta).await?.each(|(segment, doc), _, _| {
            named.entry(segment).or_default().push(doc);
        });
    }
    for docs in named.values_mut() {
        docs.sort_unstable();
        docs.dedup();
    }
    Ok((id, tips, named))
}
