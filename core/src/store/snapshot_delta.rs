//! A snapshot as its difference from another: what a branch costs that is nearly the default one. Its bytes are those of
//! a snapshot, of version 2, with the name of its base and the paths that leave it.

use bytes::Bytes;

use crate::id::ObjectId;
use crate::store::codec::{Damage, Decoder, Encoder, Envelope, Format, Sections};
use crate::store::snapshot::PathArena;
use crate::store::snapshot_format::{decode_columns, decode_paths, encode_columns, encode_paths};
use crate::store::{Entry, ObjectKey, Skipped, Snapshot, SnapshotEntry, StoreError};

/// Readers of version 1 refuse it by name: they would take it for a snapshot of a few files.
const FORMAT: Format = Format { magic: *b"KDBS", version: 2, min_reader: 2 };

const BASE: u8 = 10;
const REMOVED: (u8, u8) = (11, 12);
const UNSKIPPED: (u8, u8) = (13, 14);

/// What one commit holds, as its difference from a whole snapshot of the same repository. Lists are in path order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotDelta {
    /// The commit.
    pub commit: ObjectId,
    /// The whole snapshot that this one differs from.
    pub base: ObjectKey,
    /// Segments that [`SnapshotEntry::segment`] of `entries` indexes; the base's own are not among them.
    pub segments: Vec<ObjectKey>,
    /// Paths of files of the base that are no files of this commit.
    pub removed: Vec<Vec<u8>>,
    /// Files that the base has not, or has otherwise.
    pub entries: Vec<SnapshotEntry>,
    /// Paths left out that the base does not leave out, or for another reason.
    pub skipped: Vec<Skipped>,
    /// Paths that the base leaves out and this commit does not.
    pub unskipped: Vec<Vec<u8>>,
}

impl SnapshotDelta {
    /// The difference of `target` from `base`, whose name is `key`.
    pub fn between(key: ObjectKey, base: &Snapshot, target: &Snapshot) -> Self {
        let (removed, changed) =
            differences(base.entries(), target.entries(), |one| one.path, |a, b| same_file((base, a), (target, b)));
        let left = |snapshot: &Snapshot| snapshot.skipped.clone().into_iter();
        let (unskipped, skipped) = differences(left(base), left(target), |one| one.path.clone(), PartialEq::eq);
        let mut segments = Vec::new();
        let entries = changed.into_iter().map(|entry| renumbered(entry, &target.segments, &mut segments)).collect();
        let paths = |entry: &Entry<'_>| entry.path.to_vec();
        Self {
            commit: target.commit,
            base: key,
            segments,
            removed: removed.iter().map(paths).collect(),
            entries,
            skipped,
            unskipped: unskipped.into_iter().map(|one| one.path).collect(),
        }
    }

    /// Entries, left-out paths and paths that leave: what the difference costs.
    pub fn len(&self) -> usize {
        self.entries.len() + self.removed.len() + self.skipped.len() + self.unskipped.len()
    }

    /// Whether both hold the same files and leave out the same paths.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the object.
    pub fn encode(&self) -> Bytes {
        let own = Snapshot::new(self.commit, self.segments.clone(), self.entries.clone(), self.skipped.clone());
        let mut envelope = Envelope::new(FORMAT);
        encode_columns(&mut envelope, &own);
        let mut base = Encoder::default();
        base.raw(&self.base.to_bytes());
        base.number(self.removed.len() as u64);
        base.number(self.unskipped.len() as u64);
        envelope.section(BASE, &base);
        encode_paths(&mut envelope, REMOVED, self.removed.iter().map(Vec::as_slice));
        encode_paths(&mut envelope, UNSKIPPED, self.unskipped.iter().map(Vec::as_slice));
        envelope.finish().into()
    }

    /// Reads the object.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        decode(bytes).map_err(|damage| StoreError::corrupt("snapshot", damage))
    }
}

impl Snapshot {
    /// The snapshot that differs from this one by `delta`: whole again. Its table of segments has those in use, this
    /// one's before the delta's.
    pub fn with(&self, delta: &SnapshotDelta) -> Self {
        let mut segments = self.segments.clone();
        let moved: Vec<u32> = delta.segments.iter().map(|key| place_of(*key, &mut segments)).collect();
        let mut entries = Vec::with_capacity(self.len() + delta.entries.len());
        let stays = |entry: &Entry<'_>| {
            let listed = delta.removed.binary_search_by(|path| path.as_slice().cmp(entry.path)).is_ok();
            !listed && delta.entries.binary_search_by(|own| own.path.as_slice().cmp(entry.path)).is_err()
        };
        entries.extend(self.entries().filter(stays).map(|entry| owned(entry, entry.segment)));
        let own = |entry: &SnapshotEntry| SnapshotEntry { segment: moved[entry.segment as usize], ..entry.clone() };
        entries.extend(delta.entries.iter().map(own));
        let stays = |one: &&Skipped| {
            let hidden = |other: &Skipped| other.path.cmp(&one.path);
            delta.unskipped.binary_search(&one.path).is_err() && delta.skipped.binary_search_by(hidden).is_err()
        };
        let skipped = self.skipped.iter().filter(stays).chain(&delta.skipped).cloned().collect();
        let segments = keep_used(segments, &mut entries);
        Self::new(delta.commit, segments, entries, skipped)
    }
}

fn decode(bytes: &[u8]) -> Result<SnapshotDelta, Damage> {
    let sections = Sections::open(FORMAT, bytes)?;
    let base = sections.section(BASE)?;
    let mut header = Decoder::new(&base);
    let base = ObjectKey::from_bytes(header.array()?);
    let (n_removed, n_unskipped) = (header.size()?, header.size()?);
    let own = decode_columns(&sections)?;
    let entries = own.entries().map(|entry| owned(entry, entry.segment)).collect();
    Ok(SnapshotDelta {
        commit: own.commit,
        base,
        removed: owned_paths(&decode_paths(&sections, REMOVED, n_removed)?),
        entries,
        unskipped: owned_paths(&decode_paths(&sections, UNSKIPPED, n_unskipped)?),
        segments: own.segments,
        skipped: own.skipped,
    })
}

fn owned_paths(paths: &PathArena) -> Vec<Vec<u8>> {
    paths.iter().map(<[u8]>::to_vec).collect()
}

fn owned(entry: Entry<'_>, segment: u32) -> SnapshotEntry {
    let Entry { path, mode, doc, class, language, segment: _ } = entry;
    SnapshotEntry { path: path.to_vec(), mode, segment, doc, class, language }
}

fn same_file((old, a): (&Snapshot, &Entry<'_>), (new, b): (&Snapshot, &Entry<'_>)) -> bool {
    let segment = |snapshot: &Snapshot, entry: &Entry<'_>| snapshot.segments.get(entry.segment as usize).copied();
    (a.mode, a.doc, a.class, a.language) == (b.mode, b.doc, b.class, b.language) && segment(old, a) == segment(new, b)
}

/// The entry with its segment numbered in a table of its own, which grows as need be.
fn renumbered(entry: Entry<'_>, from: &[ObjectKey], table: &mut Vec<ObjectKey>) -> SnapshotEntry {
    owned(entry, place_of(from[entry.segment as usize], table))
}

/// The segments that entries name, in their order; entries are renumbered.
fn keep_used(segments: Vec<ObjectKey>, entries: &mut [SnapshotEntry]) -> Vec<ObjectKey> {
    let mut is_used = vec![false; segments.len()];
    entries.iter().for_each(|entry| is_used[entry.segment as usize] = true);
    let mut next = 0;
    let place = |used: &bool| {
        next += u32::from(*used);
        next - u32::from(*used)
    };
    let moved: Vec<u32> = is_used.iter().map(place).collect();
    entries.iter_mut().for_each(|entry| entry.segment = moved[entry.segment as usize]);
    segments.into_iter().zip(is_used).filter(|(_, used)| *used).map(|(key, _)| key).collect()
}

fn place_of(key: ObjectKey, table: &mut Vec<ObjectKey>) -> u32 {
    let place = table.iter().position(|other| *other == key).unwrap_or_else(|| {
        table.push(key);
        table.len() - 1
    });
    u32::try_from(place).expect("a root names fewer than 2^32 segments")
}

/// A merge of two lists in path order: what only the first has, and what the second has anew or otherwise.
fn differences<T, P: Ord>(
    old: impl Iterator<Item = T>,
    new: impl Iterator<Item = T>,
    path: impl Fn(&T) -> P,
    same: impl Fn(&T, &T) -> bool,
) -> (Vec<T>, Vec<T>) {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    let (mut gone, mut changed) = (Vec::new(), Vec::new());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return (gone, changed),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => path(a).cmp(&path(b)),
        };
        if order.is_lt() {
            gone.extend(old.next());
        } else if order.is_gt() {
            changed.extend(new.next());
        } else if let (Some(a), Some(b)) = (old.next(), new.next())
            && !same(&a, &b)
        {
            changed.push(b);
        }
    }
}
