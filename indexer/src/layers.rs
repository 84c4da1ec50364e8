//! Whether a snapshot is written whole or as a delta on another one of its repository. A delta costs what differs, to
//! keep and to search; beyond a tenth it is no longer worth its second read.

use std::collections::BTreeMap;

use kotadb_core::id::TenantId;
use kotadb_core::store::{ObjectKey, Snapshot, SnapshotDelta, Store};

use crate::error::IndexError;
use crate::tips::Tips;

/// Most that a delta may hold, as a share of its base's entries: one in so many.
const SHARE: usize = 10;
/// Most bases that are compared with one snapshot.
pub const MOST_BASES: usize = 8;

/// Whole snapshots that new ones may differ from, the best first.
#[derive(Clone, Debug, Default)]
pub struct Bases(Vec<(ObjectKey, Snapshot)>);

/// A snapshot object on its way into the store.
#[derive(Debug)]
pub enum Layer {
    /// Whole.
    Whole,
    /// A delta on one of the bases.
    Delta(SnapshotDelta),
}

impl Bases {
    /// The bases of these tips: the default one, then those that most others differ from, then other whole ones.
    pub async fn load(store: &Store, tenant: TenantId, tips: &Tips) -> Result<Self, IndexError> {
        let mut uses: BTreeMap<ObjectKey, usize> = BTreeMap::new();
        for tip in tips.by_name.values() {
            *uses.entry(tip.whole_snapshot()).or_default() += 1;
        }
        if let Some(default) = tips.default_tip().filter(|tip| tip.base.is_none()) {
            uses.insert(default.snapshot, usize::MAX);
        }
        let mut keys: Vec<_> = uses.into_iter().map(|(key, uses)| (uses, key)).collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        Self::of(store, tenant, keys.into_iter().map(|(_, key)| key)).await
    }

    /// These bases, but for those that are too many.
    pub async fn of(
        store: &Store,
        tenant: TenantId,
        keys: impl Iterator<Item = ObjectKey>,
    ) -> Result<Self, IndexError> {
        let mut bases = Vec::new();
        for key in keys.take(MOST_BASES) {
            bases.push((key, store.whole_snapshot(tenant, key).await?));
        }
        Ok(Self(bases))
    }

    /// The snapshots, the best first.
    pub fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.0.iter().map(|(_, snapshot)| snapshot)
    }

    /// Adds a whole snapshot that was just written; `first`: prefer it from now on.
    pub fn add(&mut self, key: ObjectKey, snapshot: Snapshot, first: bool) {
        let at = if first { 0 } else { self.0.len() };
        self.0.insert(at, (key, snapshot));
        if self.0.len() > MOST_BASES {
            // The oldest that is not preferred makes room.
            self.0.remove(1);
        }
    }

    /// The smallest delta that is worth writing; whole where there is none.
    pub fn layer(&self, snapshot: &Snapshot) -> Layer {
        let mut best: Option<SnapshotDelta> = None;
        for (key, base) in &self.0 {
            let delta = SnapshotDelta::between(*key, base, snapshot);
            let most = best.as_ref().map_or(base.len() / SHARE, |best| best.len() / 2);
            if delta.len() <= most {
                best = Some(delta);
            }
        }
        best.map_or(Layer::Whole, Layer::Delta)
    }
}

#[cfg(test)]
mod tests {
    use kotadb_core::id::ObjectId;
    use kotadb_core::segment::Class;
    use kotadb_core::store::SnapshotEntry;
    use kotadb_core::text::Language;
    use uuid::Uuid;

    use super::*;

    fn key(n: u128) -> ObjectKey {
        ObjectKey { id: Uuid::from_u128(n), hash: [0; 8] }
    }

    /// 100 files, the first `changed` of which are others.
    fn snapshot(changed: u32) -> Snapshot {
        let entry = |nth: u32| SnapshotEntry {
            path: format!("{nth:03}").into_bytes(),
            mode: 0o100_644,
            segment: 0,
            doc: if nth < changed { nth + 1000 } else { nth },
            class: Class::Source,
            language: Language::TEXT,
        };
        Snapshot::new(ObjectId([1; 20]), vec![key(1)], (0..100).map(entry).collect(), Vec::new())
    }

    #[test]
    fn a_tenth_is_a_delta_and_more_is_whole() {
        let mut bases = Bases::default();
        assert!(matches!(bases.layer(&snapshot(0)), Layer::Whole), "nothing to differ from");
        bases.add(key(7), snapshot(0), false);
        assert!(matches!(bases.layer(&snapshot(10)), Layer::Delta(delta) if delta.len() == 10 && delta.base == key(7)));
        assert!(matches!(bases.layer(&snapshot(11)), Layer::Whole));
    }

    #[test]
    fn the_first_base_wins_unless_another_is_twice_as_near() {
        let mut bases = Bases::default();
        bases.add(key(7), snapshot(0), false);
        bases.add(key(8), snapshot(4), false);
        let base = |changed| match bases.layer(&snapshot(changed)) {
            Layer::Delta(delta) => delta.base,
            Layer::Whole => panic!("whole"),
        };
        assert_eq!(base(1), key(7));
        assert_eq!(base(5), key(8));
    }
}
