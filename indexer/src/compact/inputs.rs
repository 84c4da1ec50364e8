//! The segments of one merge, on this machine, and the order of the documents that live on: as a fresh build would have
//! it, by the best class and path that any snapshot has for them; where repositories meet, what they share comes first,
//! and then each has its documents in a row, so that the root can say where.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use kotadb_core::id::{ObjectId, RepositoryId};
use kotadb_core::segment::{Class, DocId, ReadRange, Segment, SegmentError};
use kotadb_core::store::{Kind, ObjectKey, Root, SegmentEntry};
use kotadb_core::text::Language;

use super::Compaction;
use super::object::{Object, Place};
use crate::error::IndexError;
use crate::tips::Tips;

/// Bytes fetched at once.
const PART: u64 = 16 << 20;

/// What is merged.
#[derive(Debug)]
pub struct Inputs {
    /// The segments.
    pub segments: Vec<Input>,
    /// What all of them were built by.
    pub text_version: u32,
    /// Documents that live on (input, document), in their new order, each (blob, language) once.
    pub order: Vec<(usize, DocId)>,
    /// Where each living document of each input is in `order`; of equal ones all.
    pub places: HashMap<Place, usize>,
    /// The repositories whose snapshots name an input, as they were.
    pub repositories: BTreeMap<RepositoryId, Tips>,
}

/// One segment.
#[derive(Debug)]
pub struct Input {
    /// As the root has it.
    pub entry: SegmentEntry,
    /// Its tail.
    pub segment: Segment,
    /// Its blobs, by document.
    pub blobs: Vec<ObjectId>,
    /// Its file.
    pub file: LocalFile,
}

/// A segment file of this machine.
#[derive(Debug)]
pub struct LocalFile(File);

impl LocalFile {
    /// Opens it.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Ok(Self(File::open(path).map_err(IndexError::io(format!("cannot open `{}`", path.display())))?))
    }
}

impl ReadRange for LocalFile {
    fn read(&self, range: Range<u64>) -> Result<Bytes, SegmentError> {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        self.0.read_exact_at(&mut bytes, range.start).map_err(SegmentError::Write)?;
        Ok(bytes.into())
    }
}

/// Who names a document; what several name, is nobody's own.
const SHARED: u32 = 0;

/// What a document is sorted by: its owner, and the best class and path that a snapshot has for it.
type Ranks = HashMap<Place, (u32, Class, Box<[u8]>)>;

impl Inputs {
    /// Fetches them; `None`: one is gone from the root, or no two were built by the same version. Of several versions only
    /// the newest are merged: the others wait until what names them is built anew.
    pub async fn load(compaction: &Compaction<'_>, keys: &[ObjectKey]) -> Result<Option<Self>, IndexError> {
        let (store, tenant) = (compaction.store, compaction.tenant);
        let (root, _) = store.head(tenant).await?;
        let table: BTreeMap<ObjectKey, &SegmentEntry> = root.segments.iter().map(|entry| (entry.key, entry)).collect();
        let mut segments = Vec::new();
        for (nth, key) in keys.iter().enumerate() {
            compaction.halt.check()?;
            let Some(entry) = table.get(key) else { return Ok(None) };
            segments.push(Input::fetch(compaction, entry, &compaction.folder.join(format!("{nth}.input"))).await?);
        }
        let version = |input: &Input| input.segment.text_version();
        let text_version = segments.iter().map(version).max().unwrap_or_default();
        segments.retain(|input| version(input) == text_version);
        if segments.len() < keys.len().min(2) {
            return Ok(None);
        }
        let keys = &segments.iter().map(|input| input.entry.key).collect::<Vec<_>>()[..];
        let mut repositories = BTreeMap::new();
        let mut ranks = Ranks::new();
        let naming = naming(&root, keys);
        let is_shared = segments.iter().any(|input| naming.iter().any(|id| !touches(&root, *id, input.entry.key)));
        for (nth, id) in (1..).zip(naming) {
            let owner = if is_shared { nth } else { SHARED };
            let tips = Tips::load(store, tenant, &root, id).await?;
            for (key, is_delta) in tips.snapshots() {
                if tips.segments[&key].iter().any(|named| keys.contains(named)) {
                    rank(&Object::read(store, tenant, key, is_delta).await?, owner, keys, &mut ranks);
                }
            }
            repositories.insert(id, tips);
        }
        let (order, places) = sort(&segments, ranks);
        Ok(Some(Self { segments, text_version, order, places, repositories }))
    }

    /// Bytes of all inputs.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|input| input.entry.bytes).sum()
    }

    /// The blob of a document.
    pub fn blob(&self, (input, doc): (usize, DocId)) -> ObjectId {
        self.segments[input].blobs[doc as usize]
    }
}

/// The repositories that touch any of these segments.
pub fn naming(root: &Root, keys: &[ObjectKey]) -> BTreeSet<RepositoryId> {
    let is_input: Vec<bool> = root.segments.iter().map(|segment| keys.contains(&segment.key)).collect();
    let touches = |segments: &[u32]| segments.iter().any(|nth| is_input.get(*nth as usize) == Some(&true));
    root.repositories.iter().filter(|(_, entry)| touches(&entry.segments)).map(|(id, _)| *id).collect()
}

fn touches(root: &Root, id: RepositoryId, key: ObjectKey) -> bool {
    let is_it = |nth: &u32| root.segments.get(*nth as usize).is_some_and(|segment| segment.key == key);
    root.repositories.get(&id).is_some_and(|entry| entry.segments.iter().any(is_it))
}

impl Input {
    async fn fetch(compaction: &Compaction<'_>, entry: &SegmentEntry, path: &Path) -> Result<Self, IndexError> {
        let failed = || IndexError::io(format!("cannot write `{}`", path.display()));
        let mut out = File::create(path).map_err(failed())?;
        let mut at = 0;
        while at < entry.bytes {
            compaction.halt.check()?;
            let part = at..(at + PART).min(entry.bytes);
            at = part.end;
            let ranges = compaction.store.get_ranges(compaction.tenant, Kind::Segment, entry.key, &[part]).await?;
            for bytes in ranges.parts {
                out.write_all(&bytes).map_err(failed())?;
            }
        }
        let file = LocalFile::open(path)?;
        let hot = file.read(entry.bytes.saturating_sub(entry.hot_bytes)..entry.bytes)?;
        let segment = Segment::open(hot, entry.bytes)?;
        let blobs = segment.decode_blobs(&file.read(segment.blobs_range())?)?;
        // The file is open: its name is no longer needed, and its place is free when this process ends.
        std::fs::remove_file(path).map_err(failed())?;
        Ok(Self { entry: entry.clone(), segment, blobs, file })
    }
}

fn rank(object: &Object, owner: u32, keys: &[ObjectKey], ranks: &mut Ranks) {
    object.each(|place, class, path| {
        if !keys.contains(&place.0) {
            return;
        }
        let best = ranks.entry(place).or_insert_with(|| (owner, class, path.into()));
        if best.0 != owner {
            best.0 = SHARED;
        }
        if (class, path) < (best.1, &best.2) {
            (best.1, best.2) = (class, path.into());
        }
    });
}

/// The order, and where everything is in it.
fn sort(segments: &[Input], ranks: Ranks) -> (Vec<(usize, DocId)>, HashMap<Place, usize>) {
    let number: HashMap<ObjectKey, usize> = segments.iter().map(|input| input.entry.key).zip(0..).collect();
    let known = ranks.into_iter().filter(|((key, doc), _)| *doc < segments[number[key]].segment.n_docs());
    let mut ranked: Vec<_> = known
        .map(|(place, (owner, class, path))| {
            let input = &segments[number[&place.0]];
            (owner, class, path, input.blobs[place.1 as usize], input.segment.language(place.1).0, place)
        })
        .collect();
    ranked.sort_unstable();
    let mut order = Vec::with_capacity(ranked.len());
    let mut first: HashMap<(ObjectId, Language), usize> = HashMap::new();
    let mut places = HashMap::with_capacity(ranked.len());
    for (_, _, _, blob, language, place) in ranked {
        let nth = *first.entry((blob, Language(language))).or_insert_with(|| {
            order.push((number[&place.0], place.1));
            order.len() - 1
        });
        places.insert(place, nth);
    }
    (order, places)
}
