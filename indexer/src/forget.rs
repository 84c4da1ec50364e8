//! Takes repositories and commits out of the root, for good: what only they named is dropped, and segments that others
//! share are marked, so that the next compaction rewrites them without what was deleted.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::store::{Kind, ObjectKey, Root, Store, StoreError, Tip};

use crate::error::IndexError;
use crate::halt::Halt;
use crate::layers::{Bases, Layer};
use crate::tips::Tips;
use crate::{fail_point, publish, upload};

/// How often others may publish in between.
const MOST_TRIES: usize = 16;

/// Where things are forgotten, and when.
#[derive(Clone, Copy, Debug)]
pub struct Forget<'a> {
    /// Where the objects are.
    pub store: &'a Store,
    /// Whose.
    pub tenant: TenantId,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Tells to stop.
    pub halt: &'a Halt,
}

impl Forget<'_> {
    /// Forgets repositories; how many the root knew. May be done again.
    pub async fn repositories(&self, ids: &BTreeSet<RepositoryId>) -> Result<usize, IndexError> {
        for _ in 0..MOST_TRIES {
            self.halt.check()?;
            let (root, _) = self.store.head(self.tenant).await?;
            let known: Vec<RepositoryId> =
                ids.iter().copied().filter(|id| root.repositories.contains_key(id)).collect();
            if known.is_empty() {
                return Ok(0);
            }
            let mut tips = BTreeMap::new();
            for id in &known {
                tips.insert(*id, self.tips(&root, *id).await?);
            }
            fail_point::hit("forget.loaded");
            match self.store.update_head(self.tenant, |root| self.remove(root, &tips)).await {
                Ok(_) => return Ok(known.len()),
                Err(IndexError::HeldGone) => {}
                Err(error) => return Err(error),
            }
        }
        Err(IndexError::HeldGone)
    }

    /// What the root says. Where an object of it is lost, the rest goes all the same.
    async fn tips(&self, root: &Root, id: RepositoryId) -> Result<Tips, IndexError> {
        let known = |entry: &kotadb_core::store::RepositoryEntry| Tips {
            default: entry.default.as_ref().map(|tip| tip.ref_name.clone()),
            by_name: entry.default.iter().map(|tip| (tip.ref_name.clone(), tip.clone())).collect(),
            refs: entry.refs,
            ..Tips::default()
        };
        match Tips::load(self.store, self.tenant, root, id).await {
            Err(IndexError::Store(StoreError::NotFound(_) | StoreError::Corrupt { .. })) => {
                Ok(root.repositories.get(&id).map(known).unwrap_or_default())
            }
            tips => tips,
        }
    }

    fn remove(&self, root: &mut Root, tips: &BTreeMap<RepositoryId, Tips>) -> Result<bool, IndexError> {
        let mut gone = BTreeSet::new();
        for (id, tips) in tips {
            let Some(entry) = root.repositories.remove(id) else { continue };
            if (entry.default.as_ref(), entry.refs) != (tips.default_tip(), tips.refs) {
                return Err(IndexError::HeldGone);
            }
            root.purge.extend(entry.segments.iter().map(|nth| root.segments[*nth as usize].key));
            gone.extend(tips.objects());
        }
        publish::settle(root, gone.into_iter(), self.now_ms);
        Ok(true)
    }

    /// Forgets commits of a repository, tips among them; how many searchable ones there were. May be done again.
    pub async fn commits(&self, id: RepositoryId, commits: &BTreeSet<ObjectId>) -> Result<usize, IndexError> {
        for _ in 0..MOST_TRIES {
            self.halt.check()?;
            let (root, _) = self.store.head(self.tenant).await?;
            let before = Tips::load(self.store, self.tenant, &root, id).await?;
            let forgotten = before.named().filter(|tip| commits.contains(&tip.commit)).count();
            if forgotten == 0 {
                return Ok(0);
            }
            let after = self.without(&before, commits).await?;
            fail_point::hit("forget.loaded");
            match self.store.update_head(self.tenant, |root| self.replace(root, id, &before, &after)).await {
                Ok(_) => return Ok(forgotten),
                Err(IndexError::HeldGone) => {}
                Err(error) => return Err(error),
            }
        }
        Err(IndexError::HeldGone)
    }

    /// The tips without these commits, on bases that are commits themselves: any other base may hold what has to go.
    async fn without(&self, before: &Tips, commits: &BTreeSet<ObjectId>) -> Result<Tips, IndexError> {
        let mut after = before.clone();
        after.by_name.retain(|_, tip| !commits.contains(&tip.commit));
        after.history.retain(|one| !commits.contains(&one.tip.commit));
        after.default = before.default.clone().filter(|name| after.by_name.contains_key(name));
        let own: BTreeSet<ObjectKey> = after.named().filter(|tip| tip.base.is_none()).map(|tip| tip.snapshot).collect();
        let mut bases = Bases::of(self.store, self.tenant, own.iter().rev().copied()).await?;
        let mut moved: BTreeMap<ObjectKey, (ObjectKey, Option<ObjectKey>)> = BTreeMap::new();
        let adrift: Vec<Tip> =
            after.named().filter(|tip| tip.base.is_some_and(|base| !own.contains(&base))).cloned().collect();
        for tip in adrift {
            if let Entry::Vacant(place) = moved.entry(tip.snapshot) {
                place.insert(self.anew(&tip, &mut bases, &mut after).await?);
            }
        }
        let history = after.history.iter_mut().map(|one| &mut one.tip);
        for tip in after.by_name.values_mut().chain(history) {
            if let Some(&(snapshot, base)) = moved.get(&tip.snapshot) {
                (tip.snapshot, tip.base) = (snapshot, base);
            }
        }
        let named = after.snapshots();
        after.segments.retain(|key, _| named.contains_key(key));
        let others = after.others();
        after.refs = match others.tips.is_empty() && others.history.is_empty() {
            true => None,
            false => Some(upload::refs(self.store, self.tenant, &others).await?.0),
        };
        Ok(after)
    }

    /// Writes the snapshot of a tip on another base, or whole, as a base for the next.
    async fn anew(
        &self,
        tip: &Tip,
        bases: &mut Bases,
        after: &mut Tips,
    ) -> Result<(ObjectKey, Option<ObjectKey>), IndexError> {
        let snapshot = self.store.snapshot(self.tenant, tip).await?;
        match bases.layer(&snapshot) {
            Layer::Delta(delta) => {
                let (key, _) = upload::delta(self.store, self.tenant, &delta).await?;
                after.segments.insert(key, delta.segments);
                Ok((key, Some(delta.base)))
            }
            Layer::Whole => {
                let (key, _) = upload::snapshot(self.store, self.tenant, &snapshot).await?;
                after.segments.insert(key, snapshot.segments.clone());
                bases.add(key, snapshot, false);
                Ok((key, None))
            }
        }
    }

    fn replace(&self, root: &mut Root, id: RepositoryId, before: &Tips, after: &Tips) -> Result<bool, IndexError> {
        let segments = publish::indices(root, &after.segments.values().flatten().copied().collect())?;
        let entry = root.repositories.get(&id).ok_or(IndexError::HeldGone)?;
        let docs = publish::docs(root, entry, &segments, &publish::Docs::new());
        let of_default = publish::of_default(root, after, &segments);
        let entry = root.repositories.get_mut(&id).ok_or(IndexError::HeldGone)?;
        if (entry.default.as_ref(), entry.refs) != (before.default_tip(), before.refs) {
            return Err(IndexError::HeldGone);
        }
        (entry.default, entry.refs) = (after.default_tip().cloned(), after.refs);
        (entry.segments, entry.docs, entry.of_default) = (segments, docs, of_default);
        let gone: BTreeSet<(Kind, ObjectKey)> = before.objects().difference(&after.objects()).copied().collect();
        let lost = gone.iter().filter_map(|(_, key)| before.segments.get(key)).flatten();
        root.purge.extend(lost.copied());
        publish::settle(root, gone.iter().copied(), self.now_ms);
        Ok(true)
    }
}
