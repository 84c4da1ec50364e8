//! The tips of one repository: those that HEAD holds, and those that it shall hold next.

use std::collections::{BTreeMap, BTreeSet};

use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::store::{Kind, ObjectKey, Refs, Root, Snapshot, Store, Tip};

use crate::error::IndexError;
use crate::held::Held;
use crate::pipeline::Made;

/// What HEAD says of a repository.
#[derive(Clone, Debug, Default)]
pub struct Tips {
    /// Name of the default ref.
    pub default: Option<String>,
    /// By full ref name.
    pub by_name: BTreeMap<String, Tip>,
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
        let Some(entry) = root.repositories.get(&repository) else { return Ok(Self::default()) };
        let others = match entry.refs {
            Some(key) => Refs::decode(&store.get(tenant, Kind::Refs, key).await?)?.tips,
            None => Vec::new(),
        };
        let all = entry.default.iter().cloned().chain(others);
        Ok(Self {
            default: entry.default.as_ref().map(|tip| tip.ref_name.clone()),
            by_name: all.map(|tip| (tip.ref_name.clone(), tip)).collect(),
            refs: entry.refs,
        })
    }

    /// A tip at `commit`, whatever its ref.
    pub fn at(&self, commit: ObjectId) -> Option<&Tip> {
        self.by_name.values().find(|tip| tip.commit == commit)
    }

    /// Whether both hold the same refs at the same commits with the same default.
    pub fn same_commits(&self, other: &Self) -> bool {
        let commits =
            |tips: &Self| tips.by_name.iter().map(|(name, tip)| (name.clone(), tip.commit)).collect::<Vec<_>>();
        self.default == other.default && commits(self) == commits(other)
    }

    /// The tip of the default ref.
    pub fn default_tip(&self) -> Option<&Tip> {
        self.by_name.get(self.default.as_ref()?)
    }

    /// All tips but the default, as the refs object has them.
    pub fn others(&self) -> Refs {
        let others = self.by_name.values().filter(|tip| Some(&tip.ref_name) != self.default.as_ref());
        Refs { tips: others.cloned().collect() }
    }

    /// The segments that the snapshots of these tips name: of new ones from memory, of others from the store.
    pub async fn segments(
        &self,
        store: &Store,
        tenant: TenantId,
        made: &Made,
    ) -> Result<BTreeSet<ObjectKey>, IndexError> {
        let mut segments = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for tip in self.by_name.values().filter(|tip| seen.insert(tip.snapshot)) {
            match made.snapshots.get(&tip.commit).filter(|made| made.key == tip.snapshot) {
                Some(made) => segments.extend(&made.segments),
                None => {
                    let bytes = store.get(tenant, Kind::Snapshot, tip.snapshot).await?;
                    segments.extend(Snapshot::decode(&bytes)?.segments);
                }
            }
        }
        Ok(segments)
    }
}

/// Whether everything that HEAD holds of a repository was built by this version of the indexer.
pub fn is_current(root: &Root, repository: RepositoryId, held: &Held) -> bool {
    let Some(entry) = root.repositories.get(&repository) else { return true };
    let keys = entry.segments.iter().filter_map(|&i| root.segments.get(i as usize));
    keys.into_iter().all(|segment| !held.is_outdated(&segment.key))
}
