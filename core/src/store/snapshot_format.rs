//! The bytes of a snapshot object: columns, paths front-coded, every section zstd'd. The layout is in `format.md`.

use bytes::Bytes;

use crate::id::ObjectId;
use crate::segment::Class;
use crate::store::codec::{Damage, Decoder, Encoder, Envelope, Format, Sections};
use crate::store::snapshot::{PathArena, Place};
use crate::store::{ObjectKey, SkipReason, Skipped, Snapshot, StoreError};
use crate::text::Language;

const FORMAT: Format = Format { magic: *b"KDBS", version: 1, min_reader: 1 };

const HEADER: u8 = 1;
const SEGMENTS: u8 = 2;
const PATH_LENGTHS: u8 = 3;
const PATH_BYTES: u8 = 4;
const PLACES: u8 = 5;
const DOCS: u8 = 6;
const SKIPPED_LENGTHS: u8 = 7;
const SKIPPED_BYTES: u8 = 8;
const SKIPPED_REASONS: u8 = 9;

const CLASSES: [Class; 5] = [Class::Source, Class::Test, Class::Docs, Class::Generated, Class::Vendored];
pub(super) const REASONS: [SkipReason; 7] = [
    SkipReason::Binary,
    SkipReason::TooLarge,
    SkipReason::Ignored,
    SkipReason::Symlink,
    SkipReason::Submodule,
    SkipReason::PathTooLong,
    SkipReason::Unreadable,
];

impl Snapshot {
    /// The bytes of a snapshot object: columns, paths front-coded, zstd.
    pub fn encode(&self) -> Bytes {
        let mut envelope = Envelope::new(FORMAT);
        encode_columns(&mut envelope, self);
        envelope.finish().into()
    }

    /// Reads a snapshot object.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let decoded = Sections::open(FORMAT, bytes).and_then(|sections| decode_columns(&sections));
        decoded.map_err(|damage| StoreError::corrupt("snapshot", damage))
    }
}

/// Sections 1 to 9, which whole snapshots and deltas have in common.
pub(super) fn encode_columns(envelope: &mut Envelope, snapshot: &Snapshot) {
    let Snapshot { commit, segments, skipped, paths, places, .. } = snapshot;
    let places: Vec<Place> = places.iter().collect();
    let mut header = Encoder::default();
    header.raw(&commit.0);
    let counts = [segments.len(), places.len(), skipped.len()];
    counts.into_iter().for_each(|count| header.number(count as u64));
    envelope.section(HEADER, &header);
    let mut keys = Encoder::default();
    segments.iter().for_each(|key| keys.raw(&key.to_bytes()));
    envelope.section(SEGMENTS, &keys);
    encode_paths(envelope, (PATH_LENGTHS, PATH_BYTES), paths.iter());
    envelope.section(PLACES, &encode_places(&places));
    envelope.section(DOCS, &encode_docs(&places));
    encode_paths(envelope, (SKIPPED_LENGTHS, SKIPPED_BYTES), skipped.iter().map(|one| one.path.as_slice()));
    let mut reasons = Encoder::default();
    reasons.runs(skipped.iter().map(|one| position(&REASONS, &one.reason)));
    envelope.section(SKIPPED_REASONS, &reasons);
}

/// The reverse of [`encode_columns`].
pub(super) fn decode_columns(sections: &Sections<'_>) -> Result<Snapshot, Damage> {
    let header = sections.section(HEADER)?;
    let mut header = Decoder::new(&header);
    let commit = ObjectId(header.array()?);
    let (n_segments, n_entries, n_skipped) = (header.size()?, header.size()?, header.size()?);
    let segments = decode_segments(&sections.section(SEGMENTS)?, n_segments)?;
    let paths = decode_paths(sections, (PATH_LENGTHS, PATH_BYTES), n_entries)?;
    let mut places = decode_places(&sections.section(PLACES)?, n_entries)?;
    decode_docs(&sections.section(DOCS)?, n_segments, &mut places)?;
    let skipped = decode_skipped(sections, n_skipped)?;
    Ok(Snapshot::from_columns(commit, segments, (paths, places), skipped))
}

fn decode_segments(bytes: &[u8], n_segments: usize) -> Result<Vec<ObjectKey>, Damage> {
    let mut decoder = Decoder::new(bytes);
    let keys = (0..n_segments).map(|_| Ok(ObjectKey::from_bytes(decoder.array()?))).collect::<Result<_, Damage>>()?;
    decoder.finish()?;
    Ok(keys)
}

/// Front coding: of each path, how much it shares with the one before, and the rest of it.
pub(super) fn encode_paths<'a>(
    envelope: &mut Envelope,
    (lengths_tag, bytes_tag): (u8, u8),
    paths: impl Iterator<Item = &'a [u8]>,
) {
    let (mut lengths, mut bytes) = (Encoder::default(), Encoder::default());
    let mut before: &[u8] = b"";
    for path in paths {
        let shared = before.iter().zip(path).take_while(|(a, b)| a == b).count();
        lengths.number(shared as u64);
        lengths.number((path.len() - shared) as u64);
        bytes.raw(&path[shared..]);
        before = path;
    }
    envelope.section(lengths_tag, &lengths);
    envelope.section(bytes_tag, &bytes);
}

/// Refuses paths that are not strictly ascending, which front coding shows at the first byte that is not shared.
pub(super) fn decode_paths(
    sections: &Sections<'_>,
    (lengths, bytes): (u8, u8),
    n_paths: usize,
) -> Result<PathArena, Damage> {
    let (lengths, bytes) = (sections.section(lengths)?, sections.section(bytes)?);
    let (mut lengths, mut bytes) = (Decoder::new(&lengths), Decoder::new(&bytes));
    let mut arena = PathArena::default();
    let mut before = 0..0;
    for nth in 0..n_paths {
        let (shared, fresh) = (lengths.size()?, lengths.size()?);
        let fresh = bytes.take(fresh)?;
        let next_before = arena.bytes.get(before.start + shared.min(before.len())).filter(|_| shared < before.len());
        let ascends = match (fresh.first(), next_before) {
            (Some(byte), Some(old)) => byte > old,
            (fresh, _) => nth == 0 || fresh.is_some(),
        };
        if shared > before.len() || !ascends {
            return Err(lengths.damage("paths are not in order"));
        }
        let start = arena.bytes.len();
        arena.bytes.extend_from_within(before.start..before.start + shared);
        arena.bytes.extend_from_slice(fresh);
        before = start..arena.bytes.len();
        let end = u32::try_from(before.end).map_err(|_| lengths.damage("paths are out of reach"))?;
        arena.ends.push(end);
    }
    lengths.finish()?;
    bytes.finish()?;
    Ok(arena)
}

fn encode_places(places: &[Place]) -> Encoder {
    let mut columns = Encoder::default();
    columns.runs(places.iter().map(|place| place.mode.into()));
    columns.runs(places.iter().map(|place| place.segment.into()));
    columns.runs(places.iter().map(|place| position(&CLASSES, &place.class)));
    columns.runs(places.iter().map(|place| place.language.0.into()));
    columns
}

/// `n_entries` has been met by the paths already, so it may size the column.
fn decode_places(bytes: &[u8], n_entries: usize) -> Result<Vec<Place>, Damage> {
    let mut columns = Decoder::new(bytes);
    let blank = Place { mode: 0, segment: 0, doc: 0, class: Class::Source, language: Language::TEXT };
    let mut places = vec![blank; n_entries];
    columns.runs(n_entries, |run, value| {
        let mode = narrow(value, "mode")?;
        places[run].iter_mut().for_each(|place| place.mode = mode);
        Ok(())
    })?;
    columns.runs(n_entries, |run, value| {
        let segment = narrow(value, "segment")?;
        places[run].iter_mut().for_each(|place| place.segment = segment);
        Ok(())
    })?;
    columns.runs(n_entries, |run, value| {
        let class = known(&CLASSES, value, "class")?;
        places[run].iter_mut().for_each(|place| place.class = class);
        Ok(())
    })?;
    columns.runs(n_entries, |run, value| {
        let language = Language(narrow(value, "language")?);
        places[run].iter_mut().for_each(|place| place.language = language);
        Ok(())
    })?;
    columns.finish()?;
    Ok(places)
}

/// Documents are numbered by class, then path: in path order each one follows the last of its segment and class, so
/// most differences are nought.
fn encode_docs(places: &[Place]) -> Encoder {
    let n_segments = places.iter().map(|place| place.segment as usize + 1).max().unwrap_or(0);
    let mut expected = vec![0i64; n_segments * CLASSES.len()];
    let mut docs = Encoder::default();
    for place in places {
        let expected = &mut expected[place.segment as usize * CLASSES.len() + place.class as usize];
        docs.signed(i64::from(place.doc) - *expected);
        *expected = i64::from(place.doc) + 1;
    }
    docs
}

fn decode_docs(bytes: &[u8], n_segments: usize, places: &mut [Place]) -> Result<(), Damage> {
    let mut docs = Decoder::new(bytes);
    let mut expected = vec![0i64; n_segments * CLASSES.len()];
    for place in places {
        let slot = place.segment as usize * CLASSES.len() + place.class as usize;
        let expected = expected.get_mut(slot).ok_or_else(|| docs.damage("segment of an entry is not in the table"))?;
        let doc = expected.checked_add(docs.signed()?).and_then(|doc| u32::try_from(doc).ok());
        place.doc = doc.ok_or_else(|| docs.damage("document is out of reach"))?;
        *expected = i64::from(place.doc) + 1;
    }
    docs.finish()
}

fn decode_skipped(sections: &Sections<'_>, n_skipped: usize) -> Result<Vec<Skipped>, Damage> {
    let paths = decode_paths(sections, (SKIPPED_LENGTHS, SKIPPED_BYTES), n_skipped)?;
    let blank = |path: &[u8]| Skipped { path: path.to_vec(), reason: SkipReason::Unreadable };
    let mut skipped: Vec<Skipped> = paths.iter().map(blank).collect();
    let bytes = sections.section(SKIPPED_REASONS)?;
    let mut reasons = Decoder::new(&bytes);
    reasons.runs(n_skipped, |run, value| {
        let reason = known(&REASONS, value, "reason")?;
        skipped[run].iter_mut().for_each(|one| one.reason = reason);
        Ok(())
    })?;
    reasons.finish()?;
    Ok(skipped)
}

/// The number that stands for `item` in the file: its place in the table, which only ever grows at its end.
fn position<T: PartialEq>(table: &[T], item: &T) -> u64 {
    table.iter().position(|known| known == item).expect("the table names every variant") as u64
}

fn known<T: Copy>(table: &[T], value: u64, what: &str) -> Result<T, Damage> {
    let known = usize::try_from(value).ok().and_then(|value| table.get(value));
    known.copied().ok_or_else(|| Damage::new(format!("{what} {value} is unknown")))
}

fn narrow<T: TryFrom<u64>>(value: u64, what: &str) -> Result<T, Damage> {
    T::try_from(value).map_err(|_| Damage::new(format!("{what} {value} is out of reach")))
}
