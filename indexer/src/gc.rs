//! Deletes objects that nothing names any more: [`GRACE`] after the last root that named them was replaced, and never
//! before. What a crash or an earlier version left behind, no root names and nobody listed; it is listed first.
//!
//! What is dropped is noted in HEAD by who drops it. Where that is more than HEAD should carry, a collection moves it to a
//! list that is an object of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use futures::{StreamExt, TryStreamExt};
use kotadb_core::id::TenantId;
use kotadb_core::store::{Dropped, GRACE, Kind, ObjectKey, Refs, Root, Store, TipGraph};
use uuid::Uuid;

use crate::error::IndexError;
use crate::fail_point;
use crate::halt::Halt;

/// Refs objects read, and objects deleted, at once.
const PARALLEL: usize = 16;

/// Dropped objects that HEAD may carry: with so few, a list of their own is not worth its request.
pub const FEW_DROPPED: usize = 64;

/// An object of a tenant.
type Object = (Kind, ObjectKey);

/// What a collection came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Objects deleted.
    pub deleted: u64,
    /// Their bytes, where the objects were listed.
    pub bytes: u64,
    /// Objects that nothing names and that wait for their time.
    pub waiting: u64,
}

/// Deletes what is due of one tenant at `now_ms` (milliseconds since 1970). Safe to run at any time, by anybody, and to
/// be killed at any point.
///
/// The objects are listed before HEAD is read: whatever is written after that is not looked at, and whatever was in
/// flight then is too young to be deleted.
pub async fn collect(store: &Store, tenant: TenantId, now_ms: u64, halt: &Halt) -> Result<Collected, IndexError> {
    // What was sent is named by rows: see [`collect_imports`].
    let objects = store.list(tenant).await?.into_iter().filter(|(kind, ..)| *kind != Kind::Scip);
    let there: BTreeMap<Object, u64> = objects.map(|(kind, key, bytes)| ((kind, key), bytes)).collect();
    fail_point::hit("gc.listed");
    let (root, _) = store.head(tenant).await?;
    let named = named(store, tenant, &root).await?;
    halt.check()?;
    let listed = listed(store, tenant, &root).await?;
    let verdict = Verdict::of(&there, &named, &listed, now_ms);
    delete(store, tenant, &verdict.due, halt).await?;
    fail_point::hit("gc.deleted");
    let relisting = Relisting::of(store, tenant, (&root, &listed), verdict.still_listed(now_ms)).await?;
    fail_point::hit("gc.relisted");
    store.update_head(tenant, |root| Ok::<_, IndexError>(relisting.apply(root, now_ms))).await?;
    Ok(Collected {
        deleted: verdict.due.len() as u64,
        bytes: verdict.due.iter().filter_map(|object| there.get(object)).sum(),
        waiting: relisting.list.len() as u64,
    })
}

/// Deletes of the list in HEAD what is due and what HEAD by itself shows to be named by nothing: segments, and refs
/// objects. Neither lists objects nor reads what repositories hold, so that it costs the same however large the tenant is;
/// the rest is left to [`collect`].
pub async fn collect_dropped(
    store: &Store,
    tenant: TenantId,
    now_ms: u64,
    halt: &Halt,
) -> Result<Collected, IndexError> {
    let (root, _) = store.head(tenant).await?;
    let mut named: BTreeSet<Object> = root.segments.iter().map(|segment| (Kind::Segment, segment.key)).collect();
    let refs = root.repositories.values().filter_map(|entry| entry.refs).chain(root.dropped_before);
    named.extend(refs.map(|key| (Kind::Refs, key)));
    let known = root.dropped.iter().filter(|one| matches!(one.kind, Kind::Segment | Kind::Refs));
    let listed: BTreeMap<Object, u64> = known.map(|one| ((one.kind, one.key), one.at_ms)).collect();
    let there = listed.keys().map(|object| (*object, 0)).collect();
    let due = Verdict::of(&there, &named, &listed, now_ms).due;
    if due.is_empty() {
        return Ok(Collected { waiting: root.dropped.len() as u64, ..Collected::default() });
    }
    delete(store, tenant, &due, halt).await?;
    fail_point::hit("gc.deleted");
    let take_off = |root: &mut Root| {
        let before = root.dropped.len();
        root.dropped.retain(|one| !due.contains(&(one.kind, one.key)));
        Ok::<_, IndexError>(root.dropped.len() < before)
    };
    let root = store.update_head(tenant, take_off).await?;
    Ok(Collected { deleted: due.len() as u64, bytes: 0, waiting: root.dropped.len() as u64 })
}

/// Deletes SCIP indexes that no row names (`kept`) and that were written long enough ago to have one. How many.
pub async fn collect_imports(
    store: &Store,
    tenant: TenantId,
    kept: &BTreeSet<ObjectKey>,
    now_ms: u64,
    halt: &Halt,
) -> Result<u64, IndexError> {
    let listed = store.list_kind(tenant, Kind::Scip).await?;
    let is_due = |key: &ObjectKey| {
        let due_ms = u128::from(written_ms(*key)) + GRACE.as_millis();
        !kept.contains(key) && u128::from(now_ms) >= due_ms
    };
    let due: BTreeSet<Object> =
        listed.into_iter().map(|(key, _)| key).filter(is_due).map(|key| (Kind::Scip, key)).collect();
    delete(store, tenant, &due, halt).await?;
    Ok(due.len() as u64)
}

/// Removes folders of runs that died long ago; those of living ones are younger.
pub fn clean_scratch(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let changed = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        if age.is_some_and(|age| age > GRACE) {
            let _stays = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Every object that a root names. Fails rather than leave one out.
pub async fn named(store: &Store, tenant: TenantId, root: &Root) -> Result<BTreeSet<Object>, IndexError> {
    let mut named: BTreeSet<Object> = root.segments.iter().map(|segment| (Kind::Segment, segment.key)).collect();
    let tips = root.repositories.values().flat_map(|entry| &entry.default);
    named.extend(tips.clone().filter_map(|tip| tip.graph).flat_map(TipGraph::objects));
    let snapshots = tips.flat_map(|tip| std::iter::once(tip.snapshot).chain(tip.base));
    named.extend(snapshots.map(|key| (Kind::Snapshot, key)));
    named.extend(root.dropped_before.map(|key| (Kind::Refs, key)));
    let refs: Vec<ObjectKey> = root.repositories.values().filter_map(|entry| entry.refs).collect();
    named.extend(refs.iter().map(|key| (Kind::Refs, *key)));
    let read = futures::stream::iter(refs).map(|key| store.refs(tenant, key)).buffer_unordered(PARALLEL);
    let read: Vec<Refs> = read.try_collect().await?;
    for refs in read {
        named.extend(refs.tips.iter().filter_map(|tip| tip.graph).flat_map(TipGraph::objects));
        let tips = refs.tips.iter().chain(refs.history.iter().map(|one| &one.tip));
        let snapshots = tips.flat_map(|tip| std::iter::once(tip.snapshot).chain(tip.base));
        named.extend(snapshots.map(|key| (Kind::Snapshot, key)));
    }
    Ok(named)
}

/// What was dropped when, by the list in HEAD and the one that it names.
async fn listed(store: &Store, tenant: TenantId, root: &Root) -> Result<BTreeMap<Object, u64>, IndexError> {
    let before = match root.dropped_before {
        Some(key) => store.dropped(tenant, key).await?,
        None => Vec::new(),
    };
    let mut listed = BTreeMap::new();
    for one in before.iter().chain(&root.dropped) {
        let at = listed.entry((one.kind, one.key)).or_insert(one.at_ms);
        *at = one.at_ms.max(*at);
    }
    Ok(listed)
}

/// What is to become of the objects that are there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    /// Unnamed, listed [`GRACE`] ago or longer, written so long ago or longer.
    due: BTreeSet<Object>,
    /// Unnamed, listed, and too early to delete, with the time when each was dropped.
    waiting: BTreeMap<Object, u64>,
    /// Unnamed and not listed yet.
    unlisted: BTreeSet<Object>,
}

impl Verdict {
    fn of(
        there: &BTreeMap<Object, u64>,
        named: &BTreeSet<Object>,
        listed: &BTreeMap<Object, u64>,
        now_ms: u64,
    ) -> Self {
        let is_old = |ms: u64| u128::from(now_ms) >= u128::from(ms) + GRACE.as_millis();
        let mut verdict = Self::default();
        for &object in there.keys().filter(|object| !named.contains(object)) {
            match listed.get(&object) {
                None => drop(verdict.unlisted.insert(object)),
                Some(&at) if is_old(at) && is_old(written_ms(object.1)) => drop(verdict.due.insert(object)),
                Some(&at) => drop(verdict.waiting.insert(object, at)),
            }
        }
        verdict
    }

    /// The list as it shall be when what is due is gone.
    fn still_listed(&self, now_ms: u64) -> BTreeMap<Object, u64> {
        let unlisted = self.unlisted.iter().map(|object| (*object, now_ms));
        self.waiting.iter().map(|(object, at)| (*object, *at)).chain(unlisted).collect()
    }
}

/// When an object was named, by the clock of who wrote it; never, where its name has no time.
pub(crate) fn written_ms(key: ObjectKey) -> u64 {
    key.written_ms().unwrap_or(0)
}

async fn delete(store: &Store, tenant: TenantId, due: &BTreeSet<Object>, halt: &Halt) -> Result<(), IndexError> {
    let deletions = futures::stream::iter(due).map(async |&(kind, key)| {
        halt.check()?;
        fail_point::hit("gc.delete");
        Ok::<_, IndexError>(store.delete(tenant, kind, key).await?)
    });
    deletions.buffer_unordered(PARALLEL).try_collect().await
}

/// Lists what was not listed, and takes off the list what is deleted or named.
struct Relisting {
    /// What is listed from now on.
    list: BTreeMap<Object, u64>,
    /// The list in HEAD as it was read.
    in_head: BTreeSet<Dropped>,
    /// The list beside HEAD that was read, and the one that takes its place.
    before: Option<ObjectKey>,
    after: Option<ObjectKey>,
}

impl Relisting {
    /// Writes the list, where it is long and another than before.
    async fn of(
        store: &Store,
        tenant: TenantId,
        (root, listed): (&Root, &BTreeMap<Object, u64>),
        list: BTreeMap<Object, u64>,
    ) -> Result<Self, IndexError> {
        let before = root.dropped_before;
        let is_kept = before.is_some() && root.dropped.len() <= FEW_DROPPED && list == *listed;
        let after = if is_kept {
            before
        } else if list.len() <= FEW_DROPPED {
            None
        } else {
            let bytes = Dropped::encode_list(&dropped(&list));
            Some(store.put(tenant, Kind::Refs, Uuid::now_v7(), bytes).await?)
        };
        Ok(Self { list, in_head: root.dropped.iter().copied().collect(), before, after })
    }

    /// Whether that changes the root.
    fn apply(&self, root: &mut Root, now_ms: u64) -> bool {
        if root.dropped_before != self.before {
            // Another collection was faster: nothing is known of its list here.
            return false;
        }
        if self.before.is_some() && self.before == self.after {
            return false;
        }
        let read = (root.dropped.clone(), root.dropped_before);
        // What was listed since HEAD was read stays.
        root.dropped.retain(|one| !self.in_head.contains(one));
        if self.after.is_none() {
            let later: BTreeSet<Object> = root.dropped.iter().map(|one| (one.kind, one.key)).collect();
            let listed = dropped(&self.list).into_iter().filter(|one| !later.contains(&(one.kind, one.key)));
            root.dropped.extend(listed);
        }
        root.dropped_before = self.after;
        root.drop_objects(self.before.map(|key| (Kind::Refs, key)), now_ms);
        read != (root.dropped.clone(), root.dropped_before)
    }
}

fn dropped(list: &BTreeMap<Object, u64>) -> Vec<Dropped> {
    list.iter().map(|(&(kind, key), &at_ms)| Dropped { kind, key, at_ms }).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kotadb_core::store::{SegmentEntry, StoreOptions};
    use uuid::{NoContext, Timestamp, Uuid};

    use super::*;

    const TENANT: TenantId = TenantId::LOCAL;
    const HOUR: u64 = 3600 * 1000;
    const START: u64 = 1_795_000_000_000;

    async fn put(store: &Store, kind: Kind, at_ms: u64) -> ObjectKey {
        let time = Timestamp::from_unix(NoContext, at_ms / 1000, 0);
        store.put(TENANT, kind, Uuid::new_v7(time), Bytes::from_static(b"object")).await.unwrap()
    }

    async fn there(store: &Store) -> Vec<ObjectKey> {
        store.list(TENANT).await.unwrap().into_iter().map(|(_, key, _)| key).collect()
    }

    async fn collect_at(store: &Store, now_ms: u64) -> Collected {
        collect(store, TENANT, now_ms, &Halt::default()).await.unwrap()
    }

    #[tokio::test]
    async fn what_no_root_names_goes_twenty_hours_after_it_was_dropped() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let (kept, gone) = (put(&store, Kind::Segment, START).await, put(&store, Kind::Segment, START).await);
        let entry = |key| SegmentEntry { key, bytes: 6, hot_bytes: 1, n_docs: 1, text_bytes: 1 };
        let publish = |root: &mut Root| {
            root.segments = vec![entry(kept)];
            root.drop_objects([(Kind::Segment, gone)], START + HOUR);
            Ok::<_, IndexError>(true)
        };
        store.update_head(TENANT, publish).await.unwrap();
        assert_eq!(collect_at(&store, START + 20 * HOUR).await, Collected { waiting: 1, ..Collected::default() });
        assert_eq!(collect_at(&store, START + 21 * HOUR).await, Collected { deleted: 1, bytes: 6, waiting: 0 });
        assert_eq!(there(&store).await, [kept]);
        assert!(store.head(TENANT).await.unwrap().0.dropped.is_empty());
        let version = store.head(TENANT).await.unwrap().0.version;
        assert_eq!(collect_at(&store, START + 99 * HOUR).await, Collected::default());
        assert_eq!(store.head(TENANT).await.unwrap().0.version, version, "nothing to do swaps nothing");
    }

    #[tokio::test]
    async fn after_a_run_goes_what_the_list_in_head_and_head_itself_say() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let mut keys = Vec::new();
        for kind in [Kind::Segment, Kind::Segment, Kind::Refs, Kind::Snapshot, Kind::Segment] {
            keys.push((kind, put(&store, kind, START).await));
        }
        let named = SegmentEntry { key: keys[0].1, bytes: 6, hot_bytes: 1, n_docs: 1, text_bytes: 1 };
        let publish = |root: &mut Root| {
            root.segments = vec![named.clone()];
            root.drop_objects(keys[..4].iter().copied(), START);
            Ok::<_, IndexError>(true)
        };
        store.update_head(TENANT, publish).await.unwrap();
        let collect =
            async |hours| collect_dropped(&store, TENANT, START + hours * HOUR, &Halt::default()).await.unwrap();
        assert_eq!(collect(19).await, Collected { waiting: 4, ..Collected::default() });
        assert_eq!(collect(20).await, Collected { deleted: 2, bytes: 0, waiting: 2 });
        let mut left = vec![keys[0].1, keys[3].1, keys[4].1];
        let mut found = there(&store).await;
        left.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, left, "what is named, what only snapshots could tell of, and what nobody listed");
        let version = store.head(TENANT).await.unwrap().0.version;
        assert_eq!(collect(99).await.deleted, 0);
        assert_eq!(store.head(TENANT).await.unwrap().0.version, version);
    }

    /// A graph holds names of its repository: it goes when no tip names it, and its base with the last delta on it.
    #[tokio::test]
    async fn graphs_stay_while_a_tip_names_them() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let mut keys = Vec::new();
        for _ in 0..3 {
            keys.push(put(&store, Kind::Graph, START).await);
        }
        let (ref_name, commit) = ("refs/heads/main".to_owned(), kotadb_core::id::ObjectId([1; 20]));
        let (snapshot, graph) =
            (put(&store, Kind::Snapshot, START).await, TipGraph { key: keys[0], base: Some(keys[1]) });
        let tip = kotadb_core::store::Tip { ref_name, commit, snapshot, base: None, graph: Some(graph) };
        let publish = |root: &mut Root| {
            let entry = root.repositories.entry(kotadb_core::id::RepositoryId(Uuid::nil())).or_default();
            entry.default = Some(tip.clone());
            root.drop_objects([(Kind::Graph, keys[2])], START);
            Ok::<_, IndexError>(true)
        };
        store.update_head(TENANT, publish).await.unwrap();
        let collect =
            async |hours| collect_dropped(&store, TENANT, START + hours * HOUR, &Halt::default()).await.unwrap();
        assert_eq!(collect(30).await.deleted, 0, "HEAD by itself does not tell whether another ref names it");
        assert_eq!(collect_at(&store, START + 30 * HOUR).await.deleted, 1);
        assert_eq!(there(&store).await.len(), 3);
        let forget = |root: &mut Root| {
            root.repositories.clear();
            root.drop_objects(graph.objects(), START + 40 * HOUR);
            Ok::<_, IndexError>(true)
        };
        store.update_head(TENANT, forget).await.unwrap();
        assert_eq!(collect_at(&store, START + 60 * HOUR).await.deleted, 2);
    }

    #[tokio::test]
    async fn what_nobody_listed_is_listed_first() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let lost = put(&store, Kind::Snapshot, START).await;
        assert_eq!(collect_at(&store, START + 99 * HOUR).await.waiting, 1);
        assert_eq!(there(&store).await, [lost]);
        assert_eq!(collect_at(&store, START + 118 * HOUR).await.waiting, 1);
        assert_eq!(collect_at(&store, START + 119 * HOUR).await.deleted, 1);
        assert!(there(&store).await.is_empty());
    }

    /// An object in flight is listed by a collection, then published, then dropped: its day begins with that.
    #[tokio::test]
    async fn the_day_begins_when_the_last_root_let_go() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let key = put(&store, Kind::Segment, START).await;
        collect_at(&store, START).await;
        let drop = |root: &mut Root| {
            root.drop_objects([(Kind::Segment, key)], START + 20 * HOUR);
            Ok::<_, IndexError>(true)
        };
        store.update_head(TENANT, drop).await.unwrap();
        assert_eq!(collect_at(&store, START + 25 * HOUR).await.deleted, 0);
        assert_eq!(collect_at(&store, START + 44 * HOUR).await.deleted, 1);
    }

    #[tokio::test]
    async fn a_refs_object_that_cannot_be_read_stops_the_collection() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let (lost, refs) = (put(&store, Kind::Snapshot, START).await, put(&store, Kind::Refs, START).await);
        let publish = |root: &mut Root| {
            root.drop_objects([(Kind::Snapshot, lost)], START);
            root.repositories.entry(kotadb_core::id::RepositoryId(Uuid::nil())).or_default().refs = Some(refs);
            Ok::<_, IndexError>(true)
        };
        store.update_head(TENANT, publish).await.unwrap();
        assert!(collect(&store, TENANT, START + 99 * HOUR, &Halt::default()).await.is_err());
        assert_eq!(there(&store).await.len(), 2);
    }

    /// Three days of a tenant that drops more than HEAD should carry: what the list beside HEAD holds, goes in its time,
    /// and so does the list.
    #[tokio::test]
    async fn a_long_list_leaves_head() {
        let (store, start) = (Store::open(&StoreOptions::Memory).unwrap(), crate::clock::now_ms());
        let mut gone = Vec::new();
        for _ in 0..FEW_DROPPED + 1 {
            gone.push((Kind::Snapshot, put(&store, Kind::Snapshot, start).await));
        }
        let drop = |at_ms, objects: Vec<Object>| {
            let store = &store;
            async move {
                let change = |root: &mut Root| {
                    root.drop_objects(objects.iter().copied(), at_ms);
                    Ok::<_, IndexError>(true)
                };
                store.update_head(TENANT, change).await.unwrap()
            }
        };
        drop(start, gone.clone()).await;
        assert_eq!(collect_at(&store, start + HOUR).await.waiting, gone.len() as u64);
        let (root, _) = store.head(TENANT).await.unwrap();
        assert!(root.dropped.is_empty() && root.dropped_before.is_some());
        collect_at(&store, start + 2 * HOUR).await;
        assert_eq!(store.head(TENANT).await.unwrap().0.version, root.version, "the same list is not written again");
        // One is dropped again: only what HEAD says of it counts.
        drop(start + 20 * HOUR, gone[..1].to_vec()).await;
        assert_eq!(collect_at(&store, start + 25 * HOUR).await.deleted, FEW_DROPPED as u64);
        let (root, _) = store.head(TENANT).await.unwrap();
        let left: Vec<_> = root.dropped.iter().map(|one| (one.key == gone[0].1, one.at_ms - start)).collect();
        assert_eq!(
            left,
            [(true, 20 * HOUR), (false, 25 * HOUR)],
            "the object, and the list that is not needed any more"
        );
        assert_eq!(root.dropped_before, None);
        assert_eq!(collect_at(&store, start + 50 * HOUR).await.deleted, 2);
        assert!(there(&store).await.is_empty());
        assert!(store.head(TENANT).await.unwrap().0.dropped.is_empty());
    }

    /// Two collections read the same lists; the slower one must not undo what the faster one wrote.
    #[tokio::test]
    async fn the_slower_of_two_collections_changes_nothing() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let mut list = BTreeMap::new();
        for _ in 0..FEW_DROPPED + 1 {
            list.insert((Kind::Snapshot, put(&store, Kind::Snapshot, START).await), START);
        }
        let none = BTreeMap::new();
        let read = Root::default();
        let fast = Relisting::of(&store, TENANT, (&read, &none), list.clone()).await.unwrap();
        let slow = Relisting::of(&store, TENANT, (&read, &none), list).await.unwrap();
        let mut root = Root::default();
        assert!(fast.apply(&mut root, START) && !slow.apply(&mut root, START));
        assert_eq!(root.dropped_before, fast.after);
        assert!(root.dropped.is_empty());
    }

    #[test]
    fn scratch_folders_of_the_dead_go() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["living", "dead"] {
            std::fs::create_dir(parent.path().join(name)).unwrap();
        }
        let dead = std::fs::File::open(parent.path().join("dead")).unwrap();
        dead.set_modified(SystemTime::now() - GRACE - GRACE).unwrap();
        clean_scratch(parent.path());
        assert!(parent.path().join("living").is_dir());
        assert!(!parent.path().join("dead").exists());
    }
}
