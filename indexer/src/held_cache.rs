//! The documents of tenants that this process has met. Segments never change, so what was read of one stays true; what a
//! run needs beyond that is read once, and costs as much as the root has grown, not as much as the tenant holds.
//!
//! Places are kept in maps that are never written again, each at least [`GROWTH`] times as large as the next, as a
//! log-structured merge tree keeps its levels (O'Neil and others, 1996): a new one swallows those before it that are not
//! much larger, so that each document is copied a few times for each level, and a look-up asks few maps.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt, TryStreamExt};
use kotadb_core::id::TenantId;
use kotadb_core::segment::DocId;
use kotadb_core::store::{ObjectKey, Root, SegmentEntry, Store};
use kotadb_core::text::TEXT_VERSION;

use crate::error::IndexError;
use crate::extractors::Extractors;
use crate::held::{self, Document, Held, Outdated, Place, Places};

/// How much larger a map is than the next, at least.
const GROWTH: usize = 4;
/// Places and segments that may be kept in vain, beside as many as are of use.
const LEEWAY: usize = 1024;
/// Segments read at once.
const PARALLEL: usize = 16;
/// Tenants of which documents are kept: a process works for few at a time.
const MOST_TENANTS: usize = 8;

/// What the segments of roots hold that were read before in this process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct HeldCache {
    tenants: Arc<Mutex<HashMap<TenantId, Known>>>,
    extractors: Extractors,
}

impl HeldCache {
    /// An empty one for runs with these extractors.
    pub fn of(extractors: Extractors) -> Self {
        Self { extractors, ..Self::default() }
    }

    /// Reads what the segments of `root` hold, as far as that is not known, and those of a run that no root names yet.
    pub async fn load(
        &self,
        store: &Store,
        tenant: TenantId,
        root: &Root,
        own: &[SegmentEntry],
    ) -> Result<Held, IndexError> {
        let is_new = |known: &mut Known| {
            let new = root.segments.iter().filter(|entry| !known.has(&entry.key));
            new.collect::<Vec<&SegmentEntry>>()
        };
        let new = futures::stream::iter(self.with(tenant, is_new));
        let read = new.map(|entry| read_documents(store, tenant, entry, self.extractors));
        let read = read.buffered(PARALLEL).try_collect().await?;
        let mut held = self.with(tenant, |known| {
            known.add(read);
            known.follow(root);
            known.held(root, self.extractors)
        });
        for entry in own {
            let read = read_documents(store, tenant, entry, self.extractors).await?;
            if let Some(documents) = read.documents {
                held.add(read.key, documents);
            }
        }
        Ok(held)
    }

    fn with<T>(&self, tenant: TenantId, work: impl FnOnce(&mut Known) -> T) -> T {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= MOST_TENANTS && !tenants.contains_key(&tenant) {
            tenants.clear();
        }
        work(tenants.entry(tenant).or_default())
    }
}

/// What was read of one segment.
struct Read {
    key: ObjectKey,
    /// Its documents, without those that another extractor has seen; `None`: another version built all of it.
    documents: Option<Vec<Option<Document>>>,
}

impl Read {
    /// What of it has to be built anew.
    fn outdated(&self) -> Option<Outdated> {
        let Some(documents) = &self.documents else { return Some(Outdated::All) };
        let docs = (0..).zip(documents).filter(|(_, document)| document.is_none()).map(|(doc, _)| doc);
        Some(docs.collect::<Arc<[DocId]>>()).filter(|docs| !docs.is_empty()).map(Outdated::Documents)
    }
}

async fn read_documents(
    store: &Store,
    tenant: TenantId,
    entry: &SegmentEntry,
    extractors: Extractors,
) -> Result<Read, IndexError> {
    let (segment, key) = (held::open(store, tenant, entry).await?, entry.key);
    if segment.text_version() != TEXT_VERSION {
        return Ok(Read { key, documents: None });
    }
    let blobs = held::blobs(store, tenant, key, &segment).await?;
    let mut documents = Vec::with_capacity(blobs.len());
    for (blob, doc) in blobs.into_iter().zip(0..) {
        let language = segment.language(doc);
        let is_held = extractors.are_satisfied(language, segment.extractor(doc)?);
        documents.push(is_held.then_some((blob, language)));
    }
    Ok(Read { key, documents: Some(documents) })
}

/// What is known of one tenant.
#[derive(Debug, Default)]
struct Known {
    /// Version of the newest root that was seen; what it does not name is gone.
    version: u64,
    table: Vec<ObjectKey>,
    is_there: Vec<bool>,
    /// Where segments that are not gone are in the table.
    numbers: HashMap<ObjectKey, u32>,
    outdated: HashMap<ObjectKey, Outdated>,
    /// The largest first.
    maps: Vec<Arc<Places>>,
}

impl Known {
    fn has(&self, key: &ObjectKey) -> bool {
        self.numbers.contains_key(key) || self.outdated.contains_key(key)
    }

    /// Adds segments, those of them that nobody has added meanwhile.
    fn add(&mut self, read: Vec<Read>) {
        let mut new = Places::new();
        for read in read {
            if self.has(&read.key) {
                continue;
            }
            if let Some(outdated) = read.outdated() {
                self.outdated.insert(read.key, outdated);
            }
            let Read { key, documents: Some(documents) } = read else { continue };
            let segment = u32::try_from(self.table.len()).expect("a root names fewer than 2^32 segments");
            self.table.push(key);
            self.is_there.push(true);
            self.numbers.insert(key, segment);
            for (document, doc) in documents.into_iter().zip(0..) {
                if let Some(document) = document {
                    new.entry(document).or_insert(Place { segment, doc });
                }
            }
        }
        if !new.is_empty() {
            self.push(new);
        }
    }

    fn push(&mut self, mut new: Places) {
        while let Some(older) = self.maps.pop_if(|older| older.len() <= GROWTH * new.len()) {
            let mut merged = Arc::unwrap_or_clone(older);
            merged.retain(|_, place| self.is_there[place.segment as usize]);
            for (document, place) in new {
                merged.entry(document).or_insert(place);
            }
            new = merged;
        }
        self.maps.push(Arc::new(new));
    }

    /// Notes what is gone, unless a newer root was seen already; makes everything anew once half of it is of no use.
    fn follow(&mut self, root: &Root) {
        if root.version < self.version {
            return;
        }
        self.version = root.version;
        self.is_there = self.named_by(root);
        self.numbers.retain(|_, number| self.is_there[*number as usize]);
        if !self.outdated.is_empty() {
            let named: HashSet<ObjectKey> = root.segments.iter().map(|entry| entry.key).collect();
            self.outdated.retain(|key, _| named.contains(key));
        }
        let documents: usize = root.segments.iter().map(|entry| entry.n_docs as usize).sum();
        let places: usize = self.maps.iter().map(|places| places.len()).sum();
        if self.table.len() > 2 * self.numbers.len() + LEEWAY || places > 2 * documents + LEEWAY {
            self.renumber();
        }
    }

    fn named_by(&self, root: &Root) -> Vec<bool> {
        let mut named = vec![false; self.table.len()];
        for number in root.segments.iter().filter_map(|entry| self.numbers.get(&entry.key)) {
            named[*number as usize] = true;
        }
        named
    }

    fn renumber(&mut self) {
        let mut moved = vec![None; self.table.len()];
        let old = std::mem::take(&mut self.table);
        for ((key, moved), before) in old.into_iter().zip(&mut moved).zip(0..) {
            // A segment that was gone and came back is in the table twice; only its last number counts.
            if let Some(number) = self.numbers.get_mut(&key).filter(|number| **number == before) {
                *number = u32::try_from(self.table.len()).expect("a root names fewer than 2^32 segments");
                *moved = Some(*number);
                self.table.push(key);
            }
        }
        self.is_there = vec![true; self.table.len()];
        let mut places = Places::new();
        for (document, place) in std::mem::take(&mut self.maps).iter().flat_map(|map| map.iter()) {
            if let Some(segment) = moved[place.segment as usize] {
                places.entry(*document).or_insert(Place { segment, ..*place });
            }
        }
        self.maps = vec![Arc::new(places)];
    }

    fn held(&self, root: &Root, extractors: Extractors) -> Held {
        let outdated = self.outdated.clone();
        Held::of_root(self.table.clone(), self.named_by(root), self.maps.clone(), outdated, extractors)
    }
}

#[cfg(test)]
mod tests {
    use kotadb_core::id::ObjectId;
    use kotadb_core::text::Language;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn key(nth: u32) -> ObjectKey {
        ObjectKey { id: Uuid::from_u128(nth.into()), hash: [0; 8] }
    }

    fn document(nth: u32) -> Document {
        let mut id = [0; 20];
        id[..4].copy_from_slice(&nth.to_le_bytes());
        (ObjectId(id), Language::TEXT)
    }

    /// Segment `nth` holds three documents of its own and one that every third segment holds.
    fn documents(nth: u32) -> Vec<Document> {
        [nth * 10, nth * 10 + 1, nth * 10 + 2, 1_000_000 + nth % 3].map(document).to_vec()
    }

    fn root(version: u64, segments: &[u32]) -> Root {
        let entry = |nth: &u32| SegmentEntry { key: key(*nth), bytes: 1, hot_bytes: 1, n_docs: 4, text_bytes: 1 };
        Root { version, segments: segments.iter().map(entry).collect(), ..Root::default() }
    }

    /// What `HeldCache::load` does, with segments that need not be read.
    fn load(known: &mut Known, root: &Root) -> Held {
        let new: Vec<_> = root.segments.iter().filter(|entry| !known.has(&entry.key)).collect();
        let nth = |entry: &SegmentEntry| u32::try_from(entry.key.id.as_u128()).unwrap();
        let read = |entry: &SegmentEntry| Read {
            key: entry.key,
            documents: Some(documents(nth(entry)).into_iter().map(Some).collect()),
        };
        known.add(new.into_iter().map(read).collect());
        known.follow(root);
        known.held(root, Extractors::default())
    }

    fn check(held: &Held, segments: &[u32], all: u32) {
        for nth in 0..all {
            for (doc, (blob, language)) in (0..).zip(documents(nth)) {
                let found = held.get(blob, language).map(|place| (held.table[place.segment as usize], place.doc));
                match doc {
                    0..3 => assert_eq!(found, segments.contains(&nth).then_some((key(nth), doc)), "{nth} {doc}"),
                    _ => assert!(found.is_none_or(|(key, doc)| {
                        doc == 3 && segments.iter().any(|other| self::key(*other) == key && other % 3 == nth % 3)
                    })),
                }
            }
        }
    }

    proptest! {
        /// Roots that follow each other and sometimes do not, each with some segments that the one before did not name.
        #[test]
        fn documents_are_held_as_long_as_a_root_names_their_segment(
            steps in prop::collection::vec((0..40u32, 0..40u32, any::<bool>()), 1..60),
        ) {
            let (mut known, mut roots) = (Known::default(), Vec::<Vec<u32>>::new());
            for (from, len, is_late) in steps {
                let segments: Vec<u32> = (from..from + len).collect();
                roots.push(segments.clone());
                let held = load(&mut known, &root(roots.len() as u64, &segments));
                check(&held, &segments, 80);
                if is_late && roots.len() > 1 {
                    let before = &roots[roots.len() - 2];
                    check(&load(&mut known, &root(roots.len() as u64 - 1, before)), before, 80);
                }
            }
        }
    }

    #[test]
    fn a_push_copies_little_of_what_a_large_tenant_holds() {
        let mut known = Known::default();
        let mut segments: Vec<u32> = (0..5000).collect();
        load(&mut known, &root(1, &segments));
        let largest = Arc::as_ptr(&known.maps[0]);
        for version in 0..300 {
            segments.push(5000 + version);
            let held = load(&mut known, &root(2 + u64::from(version), &segments));
            check(&held, &segments[segments.len() - 2..], 0);
            assert_eq!(Arc::as_ptr(&known.maps[0]), largest);
            assert!(known.maps.len() <= 6, "{} maps", known.maps.len());
        }
    }

    #[test]
    fn what_is_gone_is_not_kept_for_ever() {
        let mut known = Known::default();
        for version in 0..5000 {
            let held = load(&mut known, &root(version.into(), &[version, version + 1]));
            check(&held, &[version, version + 1], 3);
        }
        let places: usize = known.maps.iter().map(|places| places.len()).sum();
        assert!(known.table.len() <= 4 + LEEWAY && places <= 20 + LEEWAY, "{} {places}", known.table.len());
    }
}
