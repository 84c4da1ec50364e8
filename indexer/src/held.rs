//! Which documents the tenant holds already, read from the segments of its root. A document counts only if the running
//! indexer would build the same: others are built anew. How runs share this is the business of `held_cache`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::segment::{DocId, Segment};
use kotadb_core::store::{Kind, ObjectKey, SegmentEntry, Store};
use kotadb_core::text::Language;

use crate::error::IndexError;
use crate::extractors::Extractors;

/// What a document is known by.
pub type Document = (ObjectId, Language);

/// Where documents are.
pub(crate) type Places = HashMap<Document, Place>;

/// Where a document is: an index into [`Held::table`] and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index into the table of segments.
    pub segment: u32,
    /// Document in that segment.
    pub doc: DocId,
}

/// Documents of a segment that another version of the indexer built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// All of them.
    All,
    /// These, ascending: another version of their extractor saw them.
    Documents(Arc<[DocId]>),
}

/// The documents that need not be built. Cheap to clone, however many the tenant holds: runs share what the root names.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Segments that hold them, and some that are gone; grows as a run uploads its own.
    pub table: Vec<ObjectKey>,
    /// By index into the table: whether it is not gone.
    is_there: Vec<bool>,
    /// What the root's segments hold, the most first.
    shared: Vec<Arc<Places>>,
    /// What the segments of this run hold.
    own: Places,
    /// Segments of which another version of the indexer built something.
    outdated: HashMap<ObjectKey, Outdated>,
    /// What has to have seen documents that are held.
    pub extractors: Extractors,
}

impl Held {
    /// `is_there` says of each segment of the table whether it is not gone.
    pub(crate) fn of_root(
        table: Vec<ObjectKey>,
        is_there: Vec<bool>,
        shared: Vec<Arc<Places>>,
        outdated: HashMap<ObjectKey, Outdated>,
        extractors: Extractors,
    ) -> Self {
        Self { table, is_there, shared, own: Places::new(), outdated, extractors }
    }

    /// Whether it holds nothing at all.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.shared.iter().all(|places| places.is_empty())
    }

    /// Where the document is.
    pub fn get(&self, blob: ObjectId, language: Language) -> Option<Place> {
        let document = (blob, language);
        let shared = self.shared.iter().filter_map(|places| places.get(&document));
        shared.chain(self.own.get(&document)).find(|place| self.is_there[place.segment as usize]).copied()
    }

    /// Adds a segment and its documents, `None` for those that are not held; a document that is held already keeps its
    /// first place.
    pub fn add(&mut self, key: ObjectKey, documents: impl IntoIterator<Item = impl Into<Option<Document>>>) {
        let segment = u32::try_from(self.table.len()).expect("a root names fewer than 2^32 segments");
        self.table.push(key);
        self.is_there.push(true);
        for (document, doc) in documents.into_iter().zip(0..) {
            if let Some(document) = document.into() {
                self.own.entry(document).or_insert(Place { segment, doc });
            }
        }
    }

    /// Where some segments are in the table.
    pub fn indices(&self, keys: &HashSet<ObjectKey>) -> HashMap<ObjectKey, u32> {
        let there = self.table.iter().zip(&self.is_there).zip(0..).filter(|((_, is_there), _)| **is_there);
        there.filter(|((key, _), _)| keys.contains(key)).map(|((key, _), index)| (*key, index)).collect()
    }

    /// What another version of the indexer built of this segment, so that what names it has to be made anew.
    pub fn outdated(&self, key: &ObjectKey) -> Option<&Outdated> {
        self.outdated.get(key)
    }
}

impl Outdated {
    /// Whether a document is one of them.
    pub fn holds(&self, doc: DocId) -> bool {
        match self {
            Self::All => true,
            Self::Documents(docs) => docs.binary_search(&doc).is_ok(),
        }
    }
}

/// Opens the tail of a segment.
pub async fn open(store: &Store, tenant: TenantId, entry: &SegmentEntry) -> Result<Segment, IndexError> {
    let hot = entry.bytes.saturating_sub(entry.hot_bytes)..entry.bytes;
    let ranges = store.get_ranges(tenant, Kind::Segment, entry.key, &[hot]).await?;
    let hot = ranges.parts.into_iter().next().unwrap_or_default();
    Ok(Segment::open(hot, entry.bytes)?)
}

/// The blob of each document of a segment.
pub async fn blobs(
    store: &Store,
    tenant: TenantId,
    key: ObjectKey,
    segment: &Segment,
) -> Result<Vec<ObjectId>, IndexError> {
    let ranges = store.get_ranges(tenant, Kind::Segment, key, &[segment.blobs_range()]).await?;
    Ok(segment.decode_blobs(&ranges.parts.into_iter().next().unwrap_or_default())?)
}
