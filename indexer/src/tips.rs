//! The tips of one repository: those that HEAD holds, and those that it shall hold next.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::store::{Kind, ObjectKey, Refs, Retained, Root, Store, Tip, TipGraph};

use crate::compact::Object;
use crate::error::IndexError;
use crate::held::{Held, Outdated};

/// What HEAD says of a repository.
#[derive(Clone, Debug, Default)]
pub struct Tips {
    /// Name of the default ref.
    pub default: Option<String>,
    /// By full ref name.
    pub by_name: BTreeMap<String, Tip>,
    /// Commits that refs have left; of each ref the newest first.
    pub history: Vec<Retained>,
    /// Segments of every snapshot object that is named, bases too.
    pub segments: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// The refs object that holds all but the default.
    pub refs: Option<ObjectKey>,
}

impl Tips {
    /// Reads them.
    pub async fn load(
        store: &Store,
        tenant: TenantId,
        root: &Root,
        repository: RepositoryId,
    ) -> Result<Self, IndexError> {
        let mut tips = Self::read(store, tenant, root, repository).await?;
        tips.complete(store, tenant).await?;
        Ok(tips)
    }

    /// The same as far as HEAD and the refs object tell: `segments` may lack some.
    pub async fn read(
        store: &Store,
        tenant: TenantId,
        root: &Root,
        repository: RepositoryId,
    ) -> Result<Self, IndexError> {
        let Some(entry) = root.repositories.get(&repository) else { return Ok(Self::default()) };
        let others = match entry.refs {
            Some(key) => store.refs(tenant, key).await?,
            None => Refs::default(),
        };
        let all = entry.default.iter().cloned().chain(others.tips);
        Ok(Self {
            default: entry.default.as_ref().map(|tip| tip.ref_name.clone()),
            by_name: all.map(|tip| (tip.ref_name.clone(), tip)).collect(),
            history: others.history,
            segments: others.segments,
            refs: entry.refs,
        })
    }

    /// Reads the segments of snapshots that the refs object does not tell, as those of earlier versions do not.
    async fn complete(&mut self, store: &Store, tenant: TenantId) -> Result<(), IndexError> {
        let mut objects = self.snapshots();
        objects.retain(|key, _| !self.segments.contains_key(key));
        for (key, is_delta) in objects {
            let segments = match is_delta {
                true => store.delta(tenant, key).await?.segments,
                false => store.whole_snapshot(tenant, key).await?.segments,
            };
            self.segments.insert(key, segments);
        }
        Ok(())
    }

    /// A tip at `commit`, whatever its ref, or what a ref has left there.
    pub fn at(&self, commit: ObjectId) -> Option<&Tip> {
        self.named().find(|tip| tip.commit == commit)
    }

    /// The tips, then the history.
    pub fn named(&self) -> impl Iterator<Item = &Tip> + Clone {
        self.by_name.values().chain(self.history.iter().map(|one| &one.tip))
    }

    /// Every snapshot object that is named, bases too, and whether it is a delta.
    pub fn snapshots(&self) -> BTreeMap<ObjectKey, bool> {
        let tips = self.named();
        tips.flat_map(|tip| [(Some(tip.snapshot), tip.base.is_some()), (tip.base, false)])
            .filter_map(|(key, is_delta)| Some((key?, is_delta)))
            .collect()
    }

    /// Whether both hold the same refs at the same commits with the same default.
    pub fn same_commits(&self, other: &Self) -> bool {
        let commits =
            |tips: &Self| tips.by_name.iter().map(|(name, tip)| (name.clone(), tip.commit)).collect::<Vec<_>>();
        self.default == other.default && commits(self) == commits(other)
    }

    /// Whether their refs have the same graphs.
    pub fn same_graphs(&self, other: &Self) -> bool {
        self.by_name.values().map(|tip| tip.graph).eq(other.by_name.values().map(|tip| tip.graph))
    }

    /// The tip of the default ref.
    pub fn default_tip(&self) -> Option<&Tip> {
        self.by_name.get(self.default.as_ref()?)
    }

    /// What the refs object holds.
    pub fn others(&self) -> Refs {
        let others = self.by_name.values().filter(|tip| Some(&tip.ref_name) != self.default.as_ref());
        Refs { tips: others.cloned().collect(), history: self.history.clone(), segments: self.segments.clone() }
    }

    /// Every object that HEAD names for these tips, segments apart.
    pub fn objects(&self) -> BTreeSet<(Kind, ObjectKey)> {
        let snapshots = self.snapshots().into_keys().map(|key| (Kind::Snapshot, key));
        let graphs = self.by_name.values().filter_map(|tip| tip.graph).flat_map(TipGraph::objects);
        snapshots.chain(graphs).chain(self.refs.map(|key| (Kind::Refs, key))).collect()
    }
}

/// Whether everything that HEAD holds of a repository was built by this version of the indexer. Of segments that hold
/// documents of other versions, too, only what the tips name has a say: what else is in them is of nobody, or of others.
pub async fn is_current(
    store: &Store,
    tenant: TenantId,
    (root, repository): (&Root, RepositoryId),
    tips: &Tips,
    held: &Held,
) -> Result<bool, IndexError> {
    let Some(entry) = root.repositories.get(&repository) else { return Ok(true) };
    let mut partly = HashSet::new();
    for segment in entry.segments.iter().filter_map(|&i| root.segments.get(i as usize)) {
        match held.outdated(&segment.key) {
            None => {}
            Some(Outdated::All) => return Ok(false),
            Some(Outdated::Documents(_)) => _ = partly.insert(segment.key),
        }
    }
    if partly.is_empty() {
        return Ok(true);
    }
    let of_tips = tips.by_name.values().flat_map(|tip| [(Some(tip.snapshot), tip.base.is_some()), (tip.base, false)]);
    let objects: BTreeMap<ObjectKey, bool> = of_tips.filter_map(|(key, is_delta)| Some((key?, is_delta))).collect();
    for (key, is_delta) in objects {
        let names_partly = |named: &Vec<ObjectKey>| named.iter().any(|segment| partly.contains(segment));
        if !tips.segments.get(&key).is_none_or(names_partly) {
            continue;
        }
        let mut is_current = true;
        Object::read(store, tenant, key, is_delta).await?.each(|(segment, doc), _, _| {
            is_current &= !held.outdated(&segment).is_some_and(|outdated| outdated.holds(doc));
        });
        if !is_current {
            return Ok(false);
        }
    }
    Ok(true)
}
