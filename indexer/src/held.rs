//! Which documents the tenant holds already, read from the segments of its root. A document counts only if the running
//! indexer would build the same: others are built anew.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::segment::{DocId, Segment};
use kotadb_core::store::{Kind, ObjectKey, Root, SegmentEntry, Store};
use kotadb_core::text::{Language, TEXT_VERSION};

use crate::error::IndexError;

/// Where a document is: an index into [`Held::table`] and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index into the table of segments.
    pub segment: u32,
    /// Document in that segment.
    pub doc: DocId,
}

/// The documents that need not be built.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Segments that hold them; grows as a run uploads its own.
    pub table: Vec<ObjectKey>,
    places: HashMap<(ObjectId, Language), Place>,
    outdated: HashSet<ObjectKey>,
}

impl Held {
    /// Where the document is.
    pub fn get(&self, blob: ObjectId, language: Language) -> Option<Place> {
        self.places.get(&(blob, language)).copied()
    }

    /// Adds a segment and its documents; a document that is held already keeps its first place.
    pub fn add(&mut self, key: ObjectKey, documents: impl IntoIterator<Item = (ObjectId, Language)>) {
        let segment = u32::try_from(self.table.len()).expect("a root names fewer than 2^32 segments");
        self.table.push(key);
        for (document, doc) in documents.into_iter().zip(0..) {
            self.places.entry(document).or_insert(Place { segment, doc });
        }
    }

    /// Whether another version of the indexer built this segment, so that what names it has to be made anew.
    pub fn is_outdated(&self, key: &ObjectKey) -> bool {
        self.outdated.contains(key)
    }
}

type Documents = Arc<Vec<(ObjectId, Language)>>;

/// The documents of segments read before in this process. Segments never change, so neither does this.
#[derive(Clone, Debug, Default)]
pub struct HeldCache(Arc<Mutex<HashMap<ObjectKey, Option<Documents>>>>);

impl HeldCache {
    /// Reads what the segments of `root` hold, and forgets segments of this cache that the root does not name.
    pub async fn load(&self, store: &Store, tenant: TenantId, root: &Root) -> Result<Held, IndexError> {
        let mut held = Held::default();
        let mut read = HashMap::new();
        for entry in &root.segments {
            let known = self.lock().get(&entry.key).cloned();
            let documents = match known {
                Some(documents) => documents,
                None => read_documents(store, tenant, entry).await?,
            };
            match &documents {
                Some(documents) => held.add(entry.key, documents.iter().copied()),
                None => _ = held.outdated.insert(entry.key),
            }
            read.insert(entry.key, documents);
        }
        *self.lock() = read;
        Ok(held)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectKey, Option<Documents>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None`: built by another version.
async fn read_documents(
    store: &Store,
    tenant: TenantId,
    entry: &SegmentEntry,
) -> Result<Option<Documents>, IndexError> {
    let segment = open(store, tenant, entry).await?;
    if segment.text_version() != TEXT_VERSION {
        return Ok(None);
    }
    let blobs = blobs(store, tenant, entry.key, &segment).await?;
    let documents = blobs.into_iter().zip(0..).map(|(blob, doc)| (blob, segment.language(doc)));
    Ok(Some(Arc::new(documents.collect())))
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
