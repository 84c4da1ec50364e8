//! Immutable things kept in memory, decoded, within a budget of bytes. Advisory: losing any of it only costs a read.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use quick_cache::sync::Cache as QuickCache;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::time::Instant;

use super::definitions::KnownSymbols;
use super::flights::Flights;
use super::layers::OpenDelta;
use super::weight;
use crate::graph::{self, Block, Graph};
use crate::id::TenantId;
use crate::segment::{DocId, DocSet, Segment};
use crate::store::{HeadMark, ObjectKey, Refs, Root, Snapshot};
use crate::text::{Sketch, Trigram};

/// A segment whose hot tail is open.
#[derive(Debug)]
pub(super) struct OpenSegment {
    pub(super) key: ObjectKey,
    pub(super) segment: Segment,
    /// The whole file, where it is small enough to be read at once.
    pub(super) whole: Option<Bytes>,
    /// Bytes that it holds in memory, roughly.
    pub(super) weight: u64,
}

/// HEAD as it was read.
#[derive(Debug)]
pub(super) struct SeenHead {
    pub(super) root: Arc<Root>,
    pub(super) mark: HeadMark,
    /// When it last was what the store has.
    pub(super) checked: Instant,
}

/// What of an object is kept. Names are used once and hold a hash, so no entry but HEAD is ever stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Of the key that is nil.
    Head,
    Refs,
    Snapshot,
    Delta,
    Segment,
    List(Trigram),
    Content(DocId),
    Sketch(DocId),
    Graph,
    Block(graph::Kind, u32),
    /// A block of names.
    Names(u32),
    /// A block of parts of names.
    Words(u32),
    /// The symbols of a name, by its hash.
    Symbols(u64),
}

#[derive(Clone)]
enum Item {
    Head(Arc<SeenHead>),
    Refs(Arc<Refs>),
    Snapshot(Arc<Snapshot>),
    Delta(Arc<OpenDelta>),
    Segment(Arc<OpenSegment>),
    List(Arc<DocSet>),
    Content(Bytes),
    Sketch(Arc<Sketch>),
    Graph(Arc<Graph>),
    Block(Arc<Block>),
    Symbols(Arc<KnownSymbols>),
}

pub(super) type Key = (TenantId, ObjectKey, Part);

/// The cache of a process. Scans do not wash out what is used often (S3-FIFO, Yang et al. 2023, as `quick_cache` has it).
pub(super) struct Cache {
    items: QuickCache<Key, Item, ByBytes>,
    /// Reads of objects and lists that are under way.
    pub(super) objects: Flights<Key, CacheItem>,
    /// The same of content, as read.
    pub(super) frames: Flights<Key, Bytes>,
    /// The same of HEAD.
    pub(super) heads: Flights<TenantId, Arc<Root>>,
}

/// A kind of thing that is kept.
pub(super) trait Kept: Sized {
    fn wrap(self) -> CacheItem;
    fn unwrap(item: CacheItem) -> Option<Self>;
}

/// An entry, whatever its kind.
#[derive(Clone)]
pub(super) struct CacheItem(Item);

impl Cache {
    pub(super) fn new(bytes: u64) -> Self {
        // A shard must hold the largest snapshot, so a small budget is not divided.
        let shards = usize::try_from(bytes / SHARD_BYTES).unwrap_or(usize::MAX).clamp(1, MAX_SHARDS);
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(usize::try_from(bytes / AVERAGE_BYTES).unwrap_or(usize::MAX).clamp(64, 1 << 20))
            .weight_capacity(bytes)
            .build()
            .expect("all three capacities are given");
        let hasher = DefaultHashBuilder::default();
        Self {
            items: QuickCache::with_options(options, ByBytes, hasher, quick_cache::sync::DefaultLifecycle::default()),
            objects: Flights::default(),
            frames: Flights::default(),
            heads: Flights::default(),
        }
    }

    pub(super) fn look_up<T: Kept>(&self, tenant: TenantId, key: ObjectKey, part: Part) -> Option<T> {
        self.items.get(&(tenant, key, part)).and_then(|item| T::unwrap(CacheItem(item)))
    }

    pub(super) fn keep<T: Kept>(&self, tenant: TenantId, key: ObjectKey, part: Part, item: T) {
        self.items.insert((tenant, key, part), item.wrap().0);
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} of {} bytes)", self.items.weight(), self.items.capacity())
    }
}

/// Bytes of budget for each shard, at least.
const SHARD_BYTES: u64 = 128 << 20;
const MAX_SHARDS: usize = 8;
/// What an entry is expected to weigh: a list or the content of a document.
const AVERAGE_BYTES: u64 = 8 << 10;
/// Weight of an entry besides its payload: key, item, the allocation behind it, and its places in the cache's tables.
const ENTRY_BYTES: u64 = 160;

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Item> for ByBytes {
    fn weight(&self, _: &Key, item: &Item) -> u64 {
        let payload = match item {
            Item::Head(head) => weight::root(&head.root),
            Item::Refs(refs) => weight::refs(refs),
            Item::Snapshot(snapshot) => weight::snapshot(snapshot),
            Item::Delta(open) => weight::delta(open),
            Item::Segment(segment) => segment.weight,
            Item::List(list) => list.memory() as u64,
            Item::Content(content) => content.len() as u64,
            Item::Sketch(sketch) => sketch.memory() as u64,
            Item::Graph(graph) => graph.memory() as u64,
            Item::Block(block) => block.memory() as u64,
            Item::Symbols(symbols) => symbols.memory(),
        };
        payload + ENTRY_BYTES
    }
}

macro_rules! kept {
    ($type:ty, $variant:ident) => {
        impl Kept for $type {
            fn wrap(self) -> CacheItem {
                CacheItem(Item::$variant(self))
            }

            fn unwrap(item: CacheItem) -> Option<Self> {
                match item.0 {
                    Item::$variant(value) => Some(value),
                    _ => None,
                }
            }
        }
    };
}

kept!(Arc<SeenHead>, Head);
kept!(Arc<Refs>, Refs);
kept!(Arc<Snapshot>, Snapshot);
kept!(Arc<OpenDelta>, Delta);
kept!(Arc<OpenSegment>, Segment);
kept!(Arc<DocSet>, List);
kept!(Bytes, Content);
kept!(Arc<Sketch>, Sketch);
kept!(Arc<Graph>, Graph);
kept!(Arc<Block>, Block);
kept!(Arc<KnownSymbols>, Symbols);

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::ObjectId;
    use crate::segment::Class;
    use crate::store::{RepositoryEntry, SegmentEntry, SnapshotDelta, SnapshotEntry, Store, StoreOptions, Tip};
    use crate::text::Language;

    const TENANT: TenantId = TenantId(Uuid::nil());

    fn key(n: usize) -> ObjectKey {
        ObjectKey { id: Uuid::from_u128(n as u128), hash: [1; 8] }
    }

    fn tip(n: usize) -> Tip {
        let (ref_name, commit) = (format!("refs/heads/branch-{n}"), ObjectId([3; 20]));
        Tip { ref_name, commit, snapshot: key(n), base: None, graph: None }
    }

    /// Of a tenant that has none.
    fn mark() -> HeadMark {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(store.head_since(TENANT, None)).unwrap().unwrap().mark
    }

    fn entries(len: usize) -> Vec<SnapshotEntry> {
        let entry = |n: usize| SnapshotEntry {
            path: format!("some/folder/file-{n}.c").into_bytes(),
            mode: 0o100_644,
            segment: 0,
            doc: n as u32,
            class: Class::Source,
            language: Language(0),
        };
        (0..len).map(entry).collect()
    }

    fn root(len: usize) -> Root {
        let segment = |n| SegmentEntry { key: key(n), bytes: 1, hot_bytes: 1, n_docs: 1, text_bytes: 1 };
        let entry =
            |n| RepositoryEntry { default: Some(tip(n)), segments: vec![0; n % 7], ..RepositoryEntry::default() };
        Root {
            segments: (0..len).map(segment).collect(),
            repositories: (0..len).map(|n| (crate::id::RepositoryId(Uuid::from_u128(n as u128)), entry(n))).collect(),
            ..Root::default()
        }
    }

    /// Keeps the `n`-th of all kinds of things; each with the bytes that its parts are known to take at least.
    fn keep_one(cache: &Cache, n: usize) -> (Part, u64) {
        let len = 1 + n * 7 % 300;
        let (path, doc) = ("some/folder/file-0.c".len(), n as u32);
        let (part, bytes) = match n % 7 {
            0 => (Part::Content(doc), len * 64),
            1 => (Part::Sketch(doc), len * 8),
            2 => (Part::List(Trigram(doc)), len * 4),
            3 => (Part::Snapshot, len * (path + 16 + 4 + 8)),
            4 => (Part::Delta, len * (size_of::<SnapshotEntry>() + path)),
            5 => (Part::Refs, len * (size_of::<Tip>() + "refs/heads/branch-0".len())),
            _ => (Part::Head, len * (size_of::<SegmentEntry>() + size_of::<RepositoryEntry>() + 16)),
        };
        let commit = ObjectId([2; 20]);
        match part {
            Part::Content(_) | Part::Names(_) | Part::Words(_) | Part::Symbols(_) | Part::Graph | Part::Block(..) => {
                cache.keep(TENANT, key(n), part, Bytes::from(vec![b'x'; len * 64]))
            }
            Part::Sketch(_) => cache.keep(TENANT, key(n), part, Arc::new(Sketch::new(&vec![b'x'; len * 64]))),
            Part::List(_) => {
                let list = (0..len as u32).map(|doc| doc * 1000).collect();
                cache.keep(TENANT, key(n), part, Arc::new(DocSet::ascending(list)));
            }
            Part::Snapshot => {
                let snapshot = Snapshot::new(commit, vec![key(0)], entries(len), Vec::new());
                snapshot.ranks();
                cache.keep(TENANT, key(n), part, Arc::new(snapshot));
            }
            Part::Delta => {
                let base = Snapshot::new(commit, vec![key(0)], Vec::new(), Vec::new());
                let target = Snapshot::new(commit, vec![key(0)], entries(len), Vec::new());
                cache.keep(
                    TENANT,
                    key(n),
                    part,
                    Arc::new(OpenDelta::new(SnapshotDelta::between(key(0), &base, &target))),
                );
            }
            Part::Refs => {
                let refs = Refs { tips: (0..len).map(tip).collect(), ..Refs::default() };
                cache.keep(TENANT, key(n), part, Arc::new(refs));
            }
            Part::Head | Part::Segment => {
                let (root, mark) = (Arc::new(root(len)), mark());
                cache.keep(TENANT, key(n), part, Arc::new(SeenHead { root, mark, checked: Instant::now() }));
            }
        }
        (part, bytes as u64)
    }

    #[test]
    fn nothing_weighs_less_than_it_takes() {
        for n in 0..70 {
            let cache = Cache::new(64 << 20);
            let (_, bytes) = keep_one(&cache, n);
            let entry = size_of::<Key>() + size_of::<Item>();
            assert!(cache.items.weight() >= bytes + entry as u64, "{n}: {} < {bytes}", cache.items.weight());
        }
    }

    #[test]
    fn all_that_is_kept_stays_within_the_budget() {
        for budget in [0, 100, 10_000, 300_000] {
            let cache = Cache::new(budget);
            let mut kept = Vec::new();
            for n in 0..2_000 {
                let (part, bytes) = keep_one(&cache, n);
                kept.push(((TENANT, key(n), part), bytes));
                assert!(cache.items.weight() <= budget, "{} of {budget}", cache.items.weight());
            }
            let held: u64 =
                kept.iter().filter(|(key, _)| cache.items.peek(key).is_some()).map(|(_, bytes)| bytes).sum();
            assert!(held <= budget && (budget < 300_000 || held > budget / 4), "{held} of {budget}");
        }
    }

    #[test]
    fn a_scan_does_not_wash_out_what_is_used() {
        let cache = Cache::new(1 << 20);
        let text = |n: usize| (Part::Content(n as u32), Bytes::from(vec![b'x'; 1000]));
        let keep = |n: usize| cache.keep(TENANT, key(0), text(n).0, text(n).1);
        let is_kept = |n: &usize| cache.look_up::<Bytes>(TENANT, key(0), text(*n).0).is_some();
        (0..200).for_each(keep);
        for scanned in 1_000..11_000 {
            keep(scanned);
            if scanned % 100 == 0 {
                (0..200).filter(|n| !is_kept(n)).for_each(keep);
            }
        }
        let left = (0..200).filter(is_kept).count();
        assert!(left >= 150, "{left} of 200 are left after ten times the budget");
    }
}
