//! Immutable things kept in memory, decoded, within a budget of bytes. Advisory: losing any of it only costs a read.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use quick_cache::sync::Cache as QuickCache;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::id::TenantId;
use crate::segment::{DocId, DocSet, Segment};
use crate::store::{ObjectKey, Refs, Snapshot};
use crate::text::Trigram;

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

/// What of an object is kept. Names are used once and hold a hash, so no entry is ever stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Refs,
    Snapshot,
    Segment,
    List(Trigram),
    Content(DocId),
}

#[derive(Clone)]
enum Item {
    Refs(Arc<Refs>),
    Snapshot(Arc<Snapshot>),
    Segment(Arc<OpenSegment>),
    List(Arc<DocSet>),
    Content(Bytes),
}

type Key = (TenantId, ObjectKey, Part);

/// The cache of a process. Scans do not wash out what is used often (S3-FIFO, Yang et al. 2023, as `quick_cache` has it).
pub(super) struct Cache {
    items: QuickCache<Key, Item, ByBytes>,
}

/// A kind of thing that is kept.
pub(super) trait Kept: Sized {
    fn wrap(self) -> CacheItem;
    fn unwrap(item: CacheItem) -> Option<Self>;
}

/// An entry, whatever its kind.
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
/// Weight of an entry besides its payload.
const ENTRY_BYTES: u64 = 128;

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Item> for ByBytes {
    fn weight(&self, _: &Key, item: &Item) -> u64 {
        let payload = match item {
            Item::Refs(refs) => refs.tips.len() as u64 * 160,
            Item::Snapshot(snapshot) => snapshot_bytes(snapshot),
            Item::Segment(segment) => segment.weight,
            Item::List(list) => list.0.len() as u64 * 4,
            Item::Content(content) => content.len() as u64,
        };
        payload + ENTRY_BYTES
    }
}

/// Places, the index by document, and paths by a guess: counting them would touch every one.
fn snapshot_bytes(snapshot: &Snapshot) -> u64 {
    (snapshot.len() + snapshot.skipped.len()) as u64 * 96
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

kept!(Arc<Refs>, Refs);
kept!(Arc<Snapshot>, Snapshot);
kept!(Arc<OpenSegment>, Segment);
kept!(Arc<DocSet>, List);
kept!(Bytes, Content);
