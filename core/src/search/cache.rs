//! Immutable things kept in memory, decoded, within a budget of bytes. Advisory: losing any of it only costs a read.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use quick_cache::sync::Cache as QuickCache;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::time::Instant;

use super::flights::Flights;
use super::layers::OpenDelta;
use crate::id::TenantId;
use crate::segment::{DocId, DocSet, Segment};
use crate::store::{HeadMark, ObjectKey, Refs, Root, Snapshot};
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
/// Weight of an entry besides its payload.
const ENTRY_BYTES: u64 = 128;

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Item> for ByBytes {
    fn weight(&self, _: &Key, item: &Item) -> u64 {
        let payload = match item {
            Item::Head(head) => root_bytes(&head.root),
            Item::Refs(refs) => refs.tips.len() as u64 * 160,
            Item::Snapshot(snapshot) => snapshot_bytes(snapshot),
            Item::Delta(open) => open.weight(),
            Item::Segment(segment) => segment.weight,
            Item::List(list) => list.memory() as u64,
            Item::Content(content) => content.len() as u64,
        };
        payload + ENTRY_BYTES
    }
}

/// Places, the index by document, and paths by a guess: counting them would touch every one.
fn snapshot_bytes(snapshot: &Snapshot) -> u64 {
    (snapshot.len() + snapshot.skipped.len()) as u64 * 96
}

fn root_bytes(root: &Root) -> u64 {
    (root.segments.len() * 64 + root.repositories.len() * 256) as u64
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
