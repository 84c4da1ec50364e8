//! Takes repositories and commits out of the root, for good: what only they named is dropped, and segments that others
//! share are marked, so that the next compaction rewrites them without what was deleted; a graph that is a delta goes, since its
//! base may be that of a deleted commit, and the next run makes another. Commits whose time in the
//! history is over go the same way, without a mark.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};
use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::store::{Kind, ObjectKey, Root, Store, StoreError, Tip};

use crate::error::IndexError;
use crate::halt::Halt;
use crate::layers::{Bases, Layer};
use crate::tips::Tips;
use crate::{fail_point, publish, retention, upload};

/// How often others may publish in between.
const MOST_TRIES: usize = 16;
/// Refs objects read at once.
const PARALLEL: usize = 16;

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

/// Why tips of a repository are taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// Their time is over.
    Expired,
    /// They were deleted.
    Deleted,
    /// They are gone already, and nothing may be left of them.
    Purged,
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
            let segments = publish::all_segments(root, &entry);
            root.purge.extend(segments);
            gone.extend(tips.objects());
        }
        publish::settle(root, gone.into_iter(), self.now_ms);
        Ok(true)
    }

    /// Forgets commits of a repository, tips among them; how many searchable ones there were. May be done again. What
    /// a commit alone held that is not searchable any more is the business of [`Self::purge`].
    pub async fn commits(&self, id: RepositoryId, commits: &BTreeSet<ObjectId>) -> Result<usize, IndexError> {
        let forget = |tips: &mut Tips| {
            tips.by_name.retain(|_, tip| !commits.contains(&tip.commit));
            retention::forget(&mut tips.history, commits);
        };
        self.shorten(id, forget, Why::Deleted).await
    }

    /// Marks every segment that may hold text of these repositories: whatever of it is dead there goes, such as that of
    /// commits that have left the history, or left it before they could be forgotten. Snapshots of such commits that others
    /// are deltas on go first. May be done again.
    pub async fn purge(&self, ids: &BTreeSet<RepositoryId>) -> Result<(), IndexError> {
        for id in ids {
            self.shorten(*id, |_| {}, Why::Purged).await?;
        }
        let mark = |root: &mut Root| {
            self.halt.check()?;
            let before = root.purge.len();
            let entries = ids.iter().filter_map(|id| root.repositories.get(id));
            let segments: Vec<_> = entries.flat_map(|entry| publish::all_segments(root, entry)).collect();
            root.purge.extend(segments);
            Ok::<_, IndexError>(root.purge.len() > before)
        };
        self.store.update_head(self.tenant, mark).await?;
        Ok(())
    }

    /// Takes what was left too long ago out of every history: nobody else does while a repository is not pushed to. How
    /// many commits went.
    pub async fn expire(&self) -> Result<usize, IndexError> {
        let (root, _) = self.store.head(self.tenant).await?;
        let with_refs = root.repositories.iter().filter_map(|(id, entry)| Some((*id, entry.refs?)));
        let read = futures::stream::iter(with_refs).map(async |(id, key)| {
            let mut history = self.store.refs(self.tenant, key).await?.history;
            let all = history.len();
            retention::expire(&mut history, self.now_ms);
            Ok::<_, IndexError>((history.len() < all).then_some(id))
        });
        let due: Vec<Option<RepositoryId>> = read.buffer_unordered(PARALLEL).try_collect().await?;
        let mut expired = 0;
        for id in due.into_iter().flatten() {
            let expire = |tips: &mut Tips| retention::expire(&mut tips.history, self.now_ms);
            expired += self.shorten(id, expire, Why::Expired).await?;
        }
        Ok(expired)
    }

    /// Publishes what `shorten` leaves of the tips of a repository; how many tips and commits of the history it took.
    async fn shorten(&self, id: RepositoryId, shorten: impl Fn(&mut Tips), why: Why) -> Result<usize, IndexError> {
        for _ in 0..MOST_TRIES {
            self.halt.check()?;
            let (root, _) = self.store.head(self.tenant).await?;
            let before = Tips::load(self.store, self.tenant, &root, id).await?;
            let mut after = before.clone();
            shorten(&mut after);
            let gone = before.named().count() - after.named().count();
            let leans = adrift(&after).next().is_some() || after.by_name.values().any(has_base);
            if gone == 0 && !(why == Why::Purged && leans) {
                return Ok(0);
            }
            if why != Why::Expired {
                after.by_name.values_mut().filter(|tip| has_base(tip)).for_each(|tip| tip.graph = None);
            }
            self.settle(&mut after).await?;
            fail_point::hit("forget.loaded");
            let change = |root: &mut Root| self.replace(root, id, (&before, &after), why);
            match self.store.update_head(self.tenant, change).await {
                Ok(_) => return Ok(gone),
                Err(IndexError::HeldGone) => {}
                Err(error) => return Err(error),
            }
        }
        Err(IndexError::HeldGone)
    }

    /// Puts shortened tips on bases that are commits themselves: any other base may hold what has to go.
    async fn settle(&self, after: &mut Tips) -> Result<(), IndexError> {
        after.default = after.default.take().filter(|name| after.by_name.contains_key(name));
        let own = whole(after);
        let mut bases = Bases::of(self.store, self.tenant, own.iter().rev().copied()).await?;
        let mut moved: BTreeMap<ObjectKey, (ObjectKey, Option<ObjectKey>)> = BTreeMap::new();
        for tip in adrift(after).cloned().collect::<Vec<Tip>>() {
            if let Entry::Vacant(place) = moved.entry(tip.snapshot) {
                place.insert(self.anew(&tip, &mut bases, after).await?);
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
        Ok(())
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

    fn replace(
        &self,
        root: &mut Root,
        id: RepositoryId,
        (before, after): (&Tips, &Tips),
        why: Why,
    ) -> Result<bool, IndexError> {
        let segments = publish::indices(root, &after.segments.values().flatten().copied().collect())?;
        let entry = root.repositories.get(&id).ok_or(IndexError::HeldGone)?;
        let docs = publish::docs(root, entry, &segments, &publish::Docs::new());
        let of_default = publish::of_default(root, after, &segments);
        let past = publish::past(entry, &segments);
        let entry = root.repositories.get_mut(&id).ok_or(IndexError::HeldGone)?;
        if (entry.default.as_ref(), entry.refs) != (before.default_tip(), before.refs) {
            return Err(IndexError::HeldGone);
        }
        (entry.default, entry.refs) = (after.default_tip().cloned(), after.refs);
        (entry.segments, entry.docs) = (segments, docs);
        (entry.of_default, entry.past) = (of_default, past);
        let gone: BTreeSet<(Kind, ObjectKey)> = before.objects().difference(&after.objects()).copied().collect();
        let lost =
            gone.iter().filter(|_| why != Why::Expired).filter_map(|(_, key)| before.segments.get(key)).flatten();
        root.purge.extend(lost.copied());
        publish::settle(root, gone.iter().copied(), self.now_ms);
        Ok(true)
    }
}

/// Whether names of an earlier commit, which nobody notes, may be in its graph.
fn has_base(tip: &Tip) -> bool {
    tip.graph.is_some_and(|graph| graph.base.is_some())
}

/// The whole snapshots that are those of a commit.
fn whole(tips: &Tips) -> BTreeSet<ObjectKey> {
    tips.named().filter(|tip| tip.base.is_none()).map(|tip| tip.snapshot).collect()
}

/// Tips on bases of commits that are not searchable any more.
fn adrift(tips: &Tips) -> impl Iterator<Item = &Tip> {
    let whole = whole(tips);
    tips.named().filter(move |tip| tip.base.is_some_and(|base| !whole.contains(&base)))
}
