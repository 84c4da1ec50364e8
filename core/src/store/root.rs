//! The root, which HEAD holds: a version of what a tenant has. The layout of its bytes is in `format.md`.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use uuid::Uuid;

use crate::id::{ObjectId, RepositoryId};
use crate::store::codec::{Damage, Decoder, Encoder, Envelope, Format, Sections};
use crate::store::{DocRanges, Dropped, ObjectKey, StoreError, TipGraph, dropped, graphs};

const FORMAT: Format = Format { magic: *b"KDBR", version: 1, min_reader: 1 };

const HEADER: u8 = 1;
const SEGMENTS: u8 = 2;
const REPOSITORIES: u8 = 3;
const REF_NAMES: u8 = 4;
const WRITER: u8 = 5;
const BASES: u8 = 6;
const DROPPED: u8 = 7;
const PURGE: u8 = 8;
const DROPPED_BEFORE: u8 = 9;
const DOCS: u8 = 10;
const OF_DEFAULT: u8 = 11;
const PAST: u8 = 12;
const GRAPHS: u8 = 13;
const DROPPED_GRAPHS: u8 = 14;

const HAS_DEFAULT: u8 = 1;
const HAS_REFS: u8 = 2;

/// A version of what a tenant has. Lives in HEAD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Root {
    /// Grows by one with every swap, so HEAD's bytes never repeat.
    pub version: u64,
    /// Segments, in no particular order; entries of repositories name them by index.
    pub segments: Vec<SegmentEntry>,
    /// Repositories by id.
    pub repositories: BTreeMap<RepositoryId, RepositoryEntry>,
    /// Segments with documents of something that was deleted: they are to be rewritten, whatever their size.
    pub purge: BTreeSet<ObjectKey>,
    /// Objects that earlier roots named and this one does not, until the collector has deleted them, or moved them to
    /// the list that `dropped_before` names.
    pub dropped: Vec<Dropped>,
    /// The object with the collector's own list of dropped objects, where that is too long for HEAD.
    pub dropped_before: Option<ObjectKey>,
}

/// One segment of the root's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// Its name.
    pub key: ObjectKey,
    /// Its length.
    pub bytes: u64,
    /// Length of its hot tail.
    pub hot_bytes: u64,
    /// Documents in it.
    pub n_docs: u32,
    /// Bytes of text in it.
    pub text_bytes: u64,
}

/// What the root says of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryEntry {
    /// Highest fence that published or was raised; publishing requires a fence at least as high.
    pub fence: u64,
    /// The default ref's tip; `None` before the first publish or for an unborn HEAD.
    pub default: Option<Tip>,
    /// The refs object with the other tracked refs; `None` where the default is the only one.
    pub refs: Option<ObjectKey>,
    /// Indices into [`Root::segments`] of every segment that its snapshots touch, ascending.
    pub segments: Vec<u32>,
    /// Of each of `segments`, where the documents are that its snapshots name: no others than these. Empty: anywhere.
    pub docs: Vec<DocRanges>,
    /// Places in `segments`, ascending, of those that the default tip's snapshot names. Empty: all of them, or nobody knows.
    pub of_default: Vec<u32>,
    /// Indices of its past segments, ascending: none of its snapshots touches them, but an earlier one did, and they may
    /// hold its text still. When it is deleted, they are to be purged, too.
    pub past: Vec<u32>,
}

impl RepositoryEntry {
    /// Every segment that may hold text of it.
    pub fn all_segments(&self) -> impl Iterator<Item = u32> {
        self.segments.iter().chain(&self.past).copied()
    }
}

/// A ref at a commit with its snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Full name: `refs/heads/main`, `refs/tags/v1`.
    pub ref_name: String,
    /// The commit.
    pub commit: ObjectId,
    /// Its snapshot object: whole, or a delta on `base`.
    pub snapshot: ObjectKey,
    /// The whole snapshot that `snapshot` is a delta on; `None`: it is whole itself. Default tips are always whole.
    pub base: Option<ObjectKey>,
    /// Its graph; `None`: callers are known by name only. What a ref has left has none.
    pub graph: Option<TipGraph>,
}

impl Tip {
    /// The whole snapshot that it is answered from.
    pub fn whole_snapshot(&self) -> ObjectKey {
        self.base.unwrap_or(self.snapshot)
    }
}

impl Root {
    /// The bytes of HEAD: magic, version, checksum.
    pub fn encode(&self) -> Bytes {
        self.envelope().finish().into()
    }

    /// The bytes of HEAD with a mark of who wrote them, so that two writers that make the same change to the same
    /// version never write the same bytes, and each can tell whether a swap whose answer was lost was its own.
    pub(super) fn encode_marked(&self, writer: [u8; 16]) -> Bytes {
        let mut envelope = self.envelope();
        let mut mark = Encoder::default();
        mark.raw(&writer);
        envelope.section(WRITER, &mark);
        envelope.finish().into()
    }

    /// Reads HEAD.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        decode(bytes).map_err(|damage| StoreError::corrupt("HEAD", damage))
    }

    fn envelope(&self) -> Envelope {
        let mut names: Vec<&str> =
            self.repositories.values().flat_map(|one| &one.default).map(|tip| &*tip.ref_name).collect();
        names.sort_unstable();
        names.dedup();
        let mut envelope = Envelope::new(FORMAT);
        let mut header = Encoder::default();
        header.number(self.version);
        header.number(names.len() as u64);
        envelope.section(HEADER, &header);
        envelope.section(SEGMENTS, &encode_segments(&self.segments));
        envelope.section(REPOSITORIES, &encode_repositories(&self.repositories, &names));
        let mut texts = Encoder::default();
        names.iter().for_each(|name| texts.text(name.as_bytes()));
        envelope.section(REF_NAMES, &texts);
        if self.repositories.values().flat_map(|entry| &entry.default).any(|tip| tip.base.is_some()) {
            envelope.section(BASES, &encode_bases(&self.repositories));
        }
        let (graphs, others) = dropped::apart(&self.dropped);
        if !others.is_empty() {
            envelope.section(DROPPED, &dropped::encode(&others));
        }
        if !graphs.is_empty() {
            envelope.section(DROPPED_GRAPHS, &dropped::encode(&graphs));
        }
        let tips = || self.repositories.values().map(|entry| entry.default.as_ref());
        if tips().flatten().any(|tip| tip.graph.is_some()) {
            envelope.section(GRAPHS, &graphs::encode(tips().map(|tip| tip?.graph)));
        }
        if self.repositories.values().any(|entry| !entry.docs.is_empty()) {
            envelope.section(DOCS, &encode_docs(&self.repositories));
        }
        if self.repositories.values().any(|entry| !entry.of_default.is_empty()) {
            envelope.section(OF_DEFAULT, &encode_of_default(&self.repositories));
        }
        if self.repositories.values().any(|entry| !entry.past.is_empty()) {
            envelope.section(PAST, &encode_past(&self.repositories));
        }
        if let Some(key) = self.dropped_before {
            let mut before = Encoder::default();
            before.raw(&key.to_bytes());
            envelope.section(DROPPED_BEFORE, &before);
        }
        if !self.purge.is_empty() {
            let mut purge = Encoder::default();
            purge.number(self.purge.len() as u64);
            purge.transposed(&self.purge.iter().map(|key| key.to_bytes()).collect::<Vec<_>>());
            envelope.section(PURGE, &purge);
        }
        envelope
    }
}

fn decode(bytes: &[u8]) -> Result<Root, Damage> {
    let sections = Sections::open(FORMAT, bytes)?;
    let header = sections.section(HEADER)?;
    let mut header = Decoder::new(&header);
    let (version, n_names) = (header.number()?, header.size()?);
    let segments = decode_segments(&sections.section(SEGMENTS)?)?;
    let names = decode_names(&sections.section(REF_NAMES)?, n_names)?;
    let mut repositories = decode_repositories(&sections.section(REPOSITORIES)?, &names)?;
    if let Some(bases) = sections.optional(BASES)? {
        decode_bases(&bases, &mut repositories)?;
    }
    if let Some(found) = sections.optional(GRAPHS)? {
        let tips = repositories.values_mut().map(|entry| entry.default.as_mut());
        graphs::decode(&found, tips.collect())?;
    }
    let mut dropped = sections.optional(DROPPED)?.map(|bytes| dropped::decode(&bytes)).transpose()?.unwrap_or_default();
    if let Some(graphs) = sections.optional(DROPPED_GRAPHS)? {
        dropped.extend(dropped::decode(&graphs)?);
    }
    let purge = sections.optional(PURGE)?.map(|bytes| decode_purge(&bytes)).transpose()?.unwrap_or_default();
    if let Some(docs) = sections.optional(DOCS)? {
        decode_docs(&docs, &mut repositories)?;
    }
    if let Some(of_default) = sections.optional(OF_DEFAULT)? {
        decode_of_default(&of_default, &mut repositories)?;
    }
    if let Some(past) = sections.optional(PAST)? {
        decode_past(&past, &mut repositories)?;
    }
    let dropped_before = sections.optional(DROPPED_BEFORE)?.map(|bytes| decode_key(&bytes)).transpose()?;
    let in_table = |entry: &RepositoryEntry| entry.all_segments().all(|nth| (nth as usize) < segments.len());
    if !repositories.values().all(in_table) {
        return Err(Damage::new("segment of a repository is not in the table"));
    }
    Ok(Root { version, segments, repositories, purge, dropped, dropped_before })
}

fn encode_segments(segments: &[SegmentEntry]) -> Encoder {
    let mut encoder = Encoder::default();
    encoder.number(segments.len() as u64);
    let keys: Vec<_> = segments.iter().map(|segment| segment.key.to_bytes()).collect();
    encoder.transposed(&keys);
    for SegmentEntry { key: _, bytes, hot_bytes, n_docs, text_bytes } in segments {
        [*bytes, *hot_bytes, u64::from(*n_docs), *text_bytes].into_iter().for_each(|number| encoder.number(number));
    }
    encoder
}

fn decode_segments(bytes: &[u8]) -> Result<Vec<SegmentEntry>, Damage> {
    let mut decoder = Decoder::new(bytes);
    let count = decoder.count(ObjectKey::LEN + 4)?;
    let keys = decoder.transposed(count)?;
    let mut segments = Vec::with_capacity(count);
    for key in keys {
        segments.push(SegmentEntry {
            key: ObjectKey::from_bytes(key),
            bytes: decoder.number()?,
            hot_bytes: decoder.number()?,
            n_docs: decoder.number32()?,
            text_bytes: decoder.number()?,
        });
    }
    decoder.finish()?;
    Ok(segments)
}

fn encode_repositories(repositories: &BTreeMap<RepositoryId, RepositoryEntry>, names: &[&str]) -> Encoder {
    let mut encoder = Encoder::default();
    encoder.number(repositories.len() as u64);
    let ids: Vec<_> = repositories.keys().map(|id| *id.0.as_bytes()).collect();
    encoder.transposed(&ids);
    for entry in repositories.values() {
        encode_entry(&mut encoder, entry, names);
    }
    let tips = || repositories.values().flat_map(|entry| &entry.default);
    encoder.transposed(&tips().map(|tip| tip.commit.0).collect::<Vec<_>>());
    encoder.transposed(&tips().map(|tip| tip.snapshot.to_bytes()).collect::<Vec<_>>());
    encoder
        .transposed(&repositories.values().flat_map(|entry| entry.refs).map(ObjectKey::to_bytes).collect::<Vec<_>>());
    encoder
}

/// The fields of varying length; names and ids follow in tables of their own.
fn encode_entry(encoder: &mut Encoder, entry: &RepositoryEntry, names: &[&str]) {
    let has_default = if entry.default.is_some() { HAS_DEFAULT } else { 0 };
    let has_refs = if entry.refs.is_some() { HAS_REFS } else { 0 };
    encoder.raw(&[has_default | has_refs]);
    encoder.number(entry.fence);
    if let Some(tip) = &entry.default {
        let name = names.binary_search(&&*tip.ref_name).expect("the table names every default ref");
        encoder.number(name as u64);
    }
    encoder.number(entry.segments.len() as u64);
    let mut before = 0;
    for segment in &entry.segments {
        encoder.signed(i64::from(*segment) - before);
        before = i64::from(*segment);
    }
}

/// A repository entry whose object names are still to come.
struct Row {
    flags: u8,
    fence: u64,
    ref_name: String,
    segments: Vec<u32>,
}

fn decode_repositories(bytes: &[u8], names: &[String]) -> Result<BTreeMap<RepositoryId, RepositoryEntry>, Damage> {
    let mut decoder = Decoder::new(bytes);
    let count = decoder.count(16 + 3)?;
    let ids = decoder.transposed::<16>(count)?;
    let rows = ids.iter().map(|_| decode_row(&mut decoder, names)).collect::<Result<Vec<_>, _>>()?;
    let with = |flag: u8| rows.iter().filter(|row| row.flags & flag != 0).count();
    let mut commits = decoder.transposed(with(HAS_DEFAULT))?.into_iter().map(ObjectId);
    let mut snapshots = decoder.transposed(with(HAS_DEFAULT))?.into_iter().map(ObjectKey::from_bytes);
    let mut refs = decoder.transposed(with(HAS_REFS))?.into_iter().map(ObjectKey::from_bytes);
    decoder.finish()?;
    let mut repositories = BTreeMap::new();
    for (id, Row { flags, fence, ref_name, segments }) in ids.into_iter().zip(rows) {
        let tip = if flags & HAS_DEFAULT == 0 { None } else { commits.next().zip(snapshots.next()) };
        let default = tip.map(|(commit, snapshot)| Tip { ref_name, commit, snapshot, base: None, graph: None });
        let refs = if flags & HAS_REFS == 0 { None } else { refs.next() };
        repositories.insert(
            RepositoryId(Uuid::from_bytes(id)),
            RepositoryEntry { fence, default, refs, segments, ..RepositoryEntry::default() },
        );
    }
    if repositories.len() == count { Ok(repositories) } else { Err(Damage::new("a repository comes twice")) }
}

fn decode_row(decoder: &mut Decoder<'_>, names: &[String]) -> Result<Row, Damage> {
    let flags = decoder.byte()?;
    if flags & !(HAS_DEFAULT | HAS_REFS) != 0 {
        return Err(decoder.damage("flags of a repository are unknown"));
    }
    let fence = decoder.number()?;
    let mut ref_name = String::new();
    if flags & HAS_DEFAULT != 0 {
        let name = names.get(decoder.size()?);
        ref_name.clone_from(name.ok_or_else(|| decoder.damage("ref name is not in the table"))?);
    }
    let count = decoder.count(1)?;
    let mut segments = Vec::with_capacity(count);
    let mut before = 0i64;
    for _ in 0..count {
        let segment = before.checked_add(decoder.signed()?).and_then(|segment| u32::try_from(segment).ok());
        segments.push(segment.ok_or_else(|| decoder.damage("segment is out of reach"))?);
        before = segments.last().copied().unwrap_or_default().into();
    }
    Ok(Row { flags, fence, ref_name, segments })
}

fn decode_names(bytes: &[u8], n_names: usize) -> Result<Vec<String>, Damage> {
    let mut decoder = Decoder::new(bytes);
    let mut names = Vec::new();
    for _ in 0..n_names {
        let name = std::str::from_utf8(decoder.text()?).map_err(|_| decoder.damage("ref name is not UTF-8"))?;
        names.push(name.to_owned());
    }
    decoder.finish()?;
    Ok(names)
}

/// Bases of the default tips that have one: the number of the repository, and the key.
fn encode_bases(repositories: &BTreeMap<RepositoryId, RepositoryEntry>) -> Encoder {
    let based = repositories.values().enumerate();
    let based = based.filter_map(|(nth, entry)| Some((nth, entry.default.as_ref()?.base?)));
    let mut encoder = Encoder::default();
    encoder.number(based.clone().count() as u64);
    based.for_each(|(nth, base)| {
        encoder.number(nth as u64);
        encoder.raw(&base.to_bytes());
    });
    encoder
}

fn decode_bases(bytes: &[u8], repositories: &mut BTreeMap<RepositoryId, RepositoryEntry>) -> Result<(), Damage> {
    let mut tips: Vec<_> = repositories.values_mut().map(|entry| entry.default.as_mut()).collect();
    let mut decoder = Decoder::new(bytes);
    for _ in 0..decoder.count(1 + ObjectKey::LEN)? {
        let (nth, base) = (decoder.size()?, ObjectKey::from_bytes(decoder.array()?));
        let tip = tips.get_mut(nth).and_then(Option::as_mut);
        tip.ok_or_else(|| decoder.damage("base of a tip that is not there"))?.base = Some(base);
    }
    decoder.finish()
}

/// Of each repository whether it has ranges; how many those of each of its segments are; then the columns: where each
/// begins, and how long it is.
fn encode_docs(repositories: &BTreeMap<RepositoryId, RepositoryEntry>) -> Encoder {
    let mut encoder = Encoder::default();
    encoder.runs(repositories.values().map(|entry| (!entry.docs.is_empty()).into()));
    let docs = || repositories.values().flat_map(|entry| &entry.docs);
    encoder.runs(docs().map(|docs| docs.ranges().len() as u64));
    docs().flat_map(DocRanges::ranges).for_each(|range| encoder.number(range.start.into()));
    docs().flat_map(DocRanges::ranges).for_each(|range| encoder.number(range.len() as u64));
    encoder
}

fn decode_docs(bytes: &[u8], repositories: &mut BTreeMap<RepositoryId, RepositoryEntry>) -> Result<(), Damage> {
    let mut entries: Vec<&mut RepositoryEntry> = repositories.values_mut().collect();
    let mut decoder = Decoder::new(bytes);
    decoder.runs(entries.len(), |run, value| {
        for entry in entries[run].iter_mut().filter(|_| value != 0) {
            entry.docs = vec![DocRanges::default(); entry.segments.len()];
        }
        Ok(())
    })?;
    let docs: Vec<&mut DocRanges> = entries.into_iter().flat_map(|entry| &mut entry.docs).collect();
    let mut counts = vec![0; docs.len()];
    decoder.runs(docs.len(), |run, value| {
        let count = usize::try_from(value).ok().filter(|count| *count <= DocRanges::MOST);
        counts[run].fill(count.ok_or_else(|| Damage::new("too many ranges of documents"))?);
        Ok(())
    })?;
    let n_ranges = counts.iter().sum();
    let starts = (0..n_ranges).map(|_| decoder.number32()).collect::<Result<Vec<u32>, _>>()?;
    let lengths = (0..n_ranges).map(|_| decoder.number32()).collect::<Result<Vec<u32>, _>>()?;
    decoder.finish()?;
    let mut ranges = starts.into_iter().zip(lengths).map(|(start, length)| start..start.saturating_add(length));
    for (docs, count) in docs.into_iter().zip(counts) {
        let read: Vec<_> = ranges.by_ref().take(count).collect();
        *docs = DocRanges::closed(read.clone());
        if docs.ranges() != read {
            return Err(Damage::new("ranges of documents do not ascend"));
        }
    }
    Ok(())
}

/// Of each repository whether its default tip names less than all segments; then of each segment of those whether it does.
fn encode_of_default(repositories: &BTreeMap<RepositoryId, RepositoryEntry>) -> Encoder {
    let mut encoder = Encoder::default();
    encoder.runs(repositories.values().map(|entry| (!entry.of_default.is_empty()).into()));
    let entries = repositories.values().filter(|entry| !entry.of_default.is_empty());
    encoder.runs(entries.flat_map(|entry| {
        let places = (0..).zip(&entry.segments).map(|(place, _)| place);
        places.map(|place: u32| entry.of_default.binary_search(&place).is_ok().into())
    }));
    encoder
}

fn decode_of_default(bytes: &[u8], repositories: &mut BTreeMap<RepositoryId, RepositoryEntry>) -> Result<(), Damage> {
    let mut entries: Vec<&mut RepositoryEntry> = repositories.values_mut().collect();
    let mut decoder = Decoder::new(bytes);
    let mut partly = vec![false; entries.len()];
    decoder.runs(entries.len(), |run, value| {
        partly[run].fill(value != 0);
        Ok(())
    })?;
    let mut partly = partly.into_iter();
    entries.retain(|_| partly.next().unwrap_or(false));
    let mut is_named = vec![false; entries.iter().map(|entry| entry.segments.len()).sum()];
    decoder.runs(is_named.len(), |run, value| {
        is_named[run].fill(value != 0);
        Ok(())
    })?;
    decoder.finish()?;
    let mut is_named = is_named.into_iter();
    for entry in entries {
        let named = (0..).zip(is_named.by_ref().take(entry.segments.len())).filter(|(_, is_named)| *is_named);
        entry.of_default = named.map(|(place, _)| place).collect();
    }
    Ok(())
}

/// Of each repository how many past segments it has; then the differences between their indices.
fn encode_past(repositories: &BTreeMap<RepositoryId, RepositoryEntry>) -> Encoder {
    let mut encoder = Encoder::default();
    encoder.runs(repositories.values().map(|entry| entry.past.len() as u64));
    for entry in repositories.values() {
        let mut before = 0;
        for segment in &entry.past {
            encoder.number(u64::from(*segment) - before);
            before = u64::from(*segment);
        }
    }
    encoder
}

fn decode_past(bytes: &[u8], repositories: &mut BTreeMap<RepositoryId, RepositoryEntry>) -> Result<(), Damage> {
    let mut decoder = Decoder::new(bytes);
    let mut counts = vec![0; repositories.len()];
    decoder.runs(counts.len(), |run, value| {
        counts[run].fill(value);
        Ok(())
    })?;
    for (entry, count) in repositories.values_mut().zip(counts) {
        let mut before = 0u32;
        for _ in 0..count {
            let segment = before.checked_add(decoder.number32()?);
            before = segment.ok_or_else(|| decoder.damage("past segment is out of reach"))?;
            entry.past.push(before);
        }
    }
    decoder.finish()
}

fn decode_key(bytes: &[u8]) -> Result<ObjectKey, Damage> {
    let mut decoder = Decoder::new(bytes);
    let key = ObjectKey::from_bytes(decoder.array()?);
    decoder.finish()?;
    Ok(key)
}

fn decode_purge(bytes: &[u8]) -> Result<BTreeSet<ObjectKey>, Damage> {
    let mut decoder = Decoder::new(bytes);
    let count = decoder.count(ObjectKey::LEN)?;
    let keys = decoder.transposed(count)?;
    decoder.finish()?;
    Ok(keys.into_iter().map(ObjectKey::from_bytes).collect())
}
