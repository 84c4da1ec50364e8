//! Deletes objects that nothing names any more: a day after the last root that named them was replaced, and never
//! before. What a crash or an earlier version left behind, no root names and nobody listed; it is listed first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use futures::{StreamExt, TryStreamExt};
use kotadb_core::id::TenantId;
use kotadb_core::store::{Dropped, GRACE, Kind, ObjectKey, Refs, Root, Store};

use crate::error::IndexError;
use crate::halt::Halt;
use crate::{fail_point, limits};

/// Refs objects read, and objects deleted, at once.
const PARALLEL: usize = 16;

/// Whoever holds on to a root is done before what only it names may go.
const _: () = assert!(limits::JOB_DEADLINE.as_secs() < GRACE.as_secs());

/// An object of a tenant.
type Object = (Kind, ObjectKey);

/// What a collection came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Objects deleted.
    pub deleted: u64,
    /// Their bytes.
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
    let there: BTreeMap<Object, u64> =
        store.list(tenant).await?.into_iter().map(|(kind, key, bytes)| ((kind, key), bytes)).collect();
    fail_point::hit("gc.listed");
    let (root, _) = store.head(tenant).await?;
    let named = named(store, tenant, &root).await?;
    halt.check()?;
    let verdict = Verdict::of(&there, &named, &root, now_ms);
    delete(store, tenant, &verdict.due, halt).await?;
    fail_point::hit("gc.deleted");
    relist(store, tenant, &verdict, now_ms).await?;
    Ok(Collected {
        deleted: verdict.due.len() as u64,
        bytes: verdict.due.iter().filter_map(|object| there.get(object)).sum(),
        waiting: (verdict.waiting.len() + verdict.unlisted.len()) as u64,
    })
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
    let snapshots = tips.flat_map(|tip| std::iter::once(tip.snapshot).chain(tip.base));
    named.extend(snapshots.map(|key| (Kind::Snapshot, key)));
    let refs: Vec<ObjectKey> = root.repositories.values().filter_map(|entry| entry.refs).collect();
    named.extend(refs.iter().map(|key| (Kind::Refs, *key)));
    let read = futures::stream::iter(refs).map(|key| store.refs(tenant, key)).buffer_unordered(PARALLEL);
    let read: Vec<Refs> = read.try_collect().await?;
    for refs in read {
        let tips = refs.tips.iter().chain(refs.history.iter().map(|one| &one.tip));
        let snapshots = tips.flat_map(|tip| std::iter::once(tip.snapshot).chain(tip.base));
        named.extend(snapshots.map(|key| (Kind::Snapshot, key)));
    }
    Ok(named)
}

/// What is to become of the objects that are there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    /// Unnamed, listed a day ago or longer, written a day ago or longer.
    due: BTreeSet<Object>,
    /// Unnamed, listed, and too early to delete.
    waiting: BTreeSet<Object>,
    /// Unnamed and not listed yet.
    unlisted: BTreeSet<Object>,
    /// The list as it was read.
    listed: BTreeSet<Dropped>,
}

impl Verdict {
    fn of(there: &BTreeMap<Object, u64>, named: &BTreeSet<Object>, root: &Root, now_ms: u64) -> Self {
        let listed: BTreeMap<Object, u64> = root.dropped.iter().map(|one| ((one.kind, one.key), one.at_ms)).collect();
        let is_old = |ms: u64| u128::from(now_ms) >= u128::from(ms) + GRACE.as_millis();
        let mut verdict = Self { listed: root.dropped.iter().copied().collect(), ..Self::default() };
        for &object in there.keys().filter(|object| !named.contains(object)) {
            let group = match listed.get(&object) {
                None => &mut verdict.unlisted,
                Some(&at) if is_old(at) && is_old(written_ms(object.1)) => &mut verdict.due,
                Some(_) => &mut verdict.waiting,
            };
            group.insert(object);
        }
        verdict
    }
}

/// When an object was named, by the clock of who wrote it; never, where its name has no time.
fn written_ms(key: ObjectKey) -> u64 {
    let time = key.id.get_timestamp().map(|time| time.to_unix());
    time.map_or(0, |(seconds, nanos)| seconds * 1000 + u64::from(nanos) / 1_000_000)
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
async fn relist(store: &Store, tenant: TenantId, verdict: &Verdict, now_ms: u64) -> Result<(), IndexError> {
    let change = |root: &mut Root| {
        let before = root.dropped.clone();
        // What was listed since HEAD was read stays: nothing is known of it here.
        root.dropped.retain(|one| !verdict.listed.contains(one) || verdict.waiting.contains(&(one.kind, one.key)));
        root.drop_objects(verdict.unlisted.iter().copied(), now_ms);
        Ok::<_, IndexError>(root.dropped != before)
    };
    store.update_head(tenant, change).await?;
    Ok(())
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
    async fn what_no_root_names_goes_a_day_after_it_was_dropped() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let (kept, gone) = (put(&store, Kind::Segment, START).await, put(&store, Kind::Segment, START).await);
        let entry = |key| SegmentEntry { key, bytes: 6, hot_bytes: 1, n_docs: 1, text_bytes: 1 };
        let publish = |root: &mut Root| {
            root.segments = vec![entry(kept)];
            root.drop_objects([(Kind::Segment, gone)], START + HOUR);
            Ok::<_, IndexError>(true)
        };
        store.update_head(TENANT, publish).await.unwrap();
        assert_eq!(collect_at(&store, START + 24 * HOUR).await, Collected { waiting: 1, ..Collected::default() });
        assert_eq!(collect_at(&store, START + 25 * HOUR).await, Collected { deleted: 1, bytes: 6, waiting: 0 });
        assert_eq!(there(&store).await, [kept]);
        assert!(store.head(TENANT).await.unwrap().0.dropped.is_empty());
        let version = store.head(TENANT).await.unwrap().0.version;
        assert_eq!(collect_at(&store, START + 99 * HOUR).await, Collected::default());
        assert_eq!(store.head(TENANT).await.unwrap().0.version, version, "nothing to do swaps nothing");
    }

    #[tokio::test]
    async fn what_nobody_listed_is_listed_first() {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let lost = put(&store, Kind::Snapshot, START).await;
        assert_eq!(collect_at(&store, START + 99 * HOUR).await.waiting, 1);
        assert_eq!(there(&store).await, [lost]);
        assert_eq!(collect_at(&store, START + 122 * HOUR).await.waiting, 1);
        assert_eq!(collect_at(&store, START + 123 * HOUR).await.deleted, 1);
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
