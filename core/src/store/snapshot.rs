//! The snapshot: which (path, mode, document, class) one commit holds, and what it leaves out. Kept as columns and one
//! arena of paths, because 80,000 entries are opened for every query. Its bytes are the business of `snapshot_format`.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::id::ObjectId;
use crate::segment::{Class, DocId};
use crate::store::column::{Column, Row};
use crate::store::stems::Stems;
use crate::store::{ObjectKey, Ranks};
use crate::text::{self, Language};

/// Which (path, mode, document, class) one commit holds, and what it leaves out. Entries are in path order.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The commit.
    pub commit: ObjectId,
    /// Segments that [`Entry::segment`] indexes.
    pub segments: Vec<ObjectKey>,
    /// Paths left out, in path order.
    pub skipped: Vec<Skipped>,
    pub(super) paths: Paths,
    pub(super) places: Column<Place>,
    ranks: OnceLock<Ranks>,
    stems: OnceLock<Stems>,
}

/// One file of a snapshot, as a snapshot is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotEntry {
    /// Path in the tree, as git has it.
    pub path: Vec<u8>,
    /// git mode (0o100644, 0o100755).
    pub mode: u32,
    /// Index into [`Snapshot::segments`].
    pub segment: u32,
    /// Document in that segment.
    pub doc: DocId,
    /// Class of the path at this commit.
    pub class: Class,
    /// Language of the path at this commit.
    pub language: Language,
}

/// One file of a snapshot, as a snapshot is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Path in the tree, as git has it.
    pub path: &'a [u8],
    /// git mode (0o100644, 0o100755).
    pub mode: u32,
    /// Index into [`Snapshot::segments`].
    pub segment: u32,
    /// Document in that segment.
    pub doc: DocId,
    /// Class of the path at this commit.
    pub class: Class,
    /// Language of the path at this commit.
    pub language: Language,
}

/// A path that is not searchable, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Path in the tree.
    pub path: Vec<u8>,
    /// Why.
    pub reason: SkipReason,
}

/// Why a path of a commit is not in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// NUL in the first 8,000 bytes.
    Binary,
    /// More than 8 MiB.
    TooLarge,
    /// Matched by `.kotadbignore`.
    Ignored,
    /// A symbolic link: its target is indexed under its own path.
    Symlink,
    /// A submodule: another repository.
    Submodule,
    /// Path longer than 4,096 bytes.
    PathTooLong,
    /// The object database lacks the blob or cannot read it.
    Unreadable,
}

impl SkipReason {
    /// As programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::TooLarge => "too_large",
            Self::Ignored => "ignored",
            Self::Symlink => "symlink",
            Self::Submodule => "submodule",
            Self::PathTooLong => "path_too_long",
            Self::Unreadable => "unreadable",
        }
    }

    /// As people read it.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Binary => "it is binary",
            Self::TooLarge => "it is larger than 8 MiB",
            Self::Ignored => "`.kotadbignore` names it",
            Self::Symlink => "it is a symbolic link: ask for its target by its own path",
            Self::Submodule => "it is a submodule, which is another repository",
            Self::PathTooLong => "its path is longer than 4,096 bytes",
            Self::Unreadable => "the repository lacks it, or cannot read it",
        }
    }
}

/// All of an entry but its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) mode: u32,
    pub(super) segment: u32,
    pub(super) doc: DocId,
    pub(super) class: Class,
    pub(super) language: Language,
}

/// Paths end to end: one allocation for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PathArena {
    pub(super) bytes: Vec<u8>,
    pub(super) ends: Vec<u32>,
}

/// The same when it is complete.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Paths {
    pub(super) bytes: Bytes,
    pub(super) ends: Column<u32>,
}

impl Snapshot {
    /// A snapshot of these entries and left-out paths, which need not be in path order yet. Paths must differ, and each
    /// entry's segment must be in `segments`.
    pub fn new(
        commit: ObjectId,
        segments: Vec<ObjectKey>,
        mut entries: Vec<SnapshotEntry>,
        mut skipped: Vec<Skipped>,
    ) -> Self {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        let mut paths = PathArena::default();
        entries.iter().for_each(|entry| paths.push(&entry.path));
        let places = entries.iter().map(Place::of).collect();
        Self::from_columns(commit, segments, (paths, places), skipped)
    }

    pub(super) fn from_columns(
        commit: ObjectId,
        segments: Vec<ObjectKey>,
        (paths, places): (PathArena, Vec<Place>),
        skipped: Vec<Skipped>,
    ) -> Self {
        let paths = Paths { bytes: paths.bytes.into(), ends: Column::Made(paths.ends) };
        Self::from_parts(commit, segments, (paths, Column::Made(places)), skipped)
    }

    pub(super) fn from_parts(
        commit: ObjectId,
        segments: Vec<ObjectKey>,
        (paths, places): (Paths, Column<Place>),
        skipped: Vec<Skipped>,
    ) -> Self {
        Self { commit, segments, skipped, paths, places, ranks: OnceLock::new(), stems: OnceLock::new() }
    }

    /// The same with ranks that are made already.
    pub(super) fn with_ranks(self, ranks: Ranks) -> Self {
        Self { ranks: ranks.into(), ..self }
    }

    /// Files held.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no file is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The path of an entry; panics like an index where there is no such entry.
    pub fn path(&self, entry: usize) -> &[u8] {
        self.paths.path(entry)
    }

    /// Calls `found` with the number of each entry whose path holds `literal`, which is not empty, in path order. One search
    /// through all paths.
    pub fn each_path_with(&self, literal: &[u8], mut found: impl FnMut(usize)) {
        let finder = memchr::memmem::Finder::new(literal);
        let (mut entry, mut from) = (0, 0);
        while let Some(at) = finder.find(&self.paths.bytes[from..]) {
            let start = from + at;
            while self.paths.ends.get(entry).is_some_and(|end| end as usize <= start) {
                entry += 1;
            }
            let Some(end) = self.paths.ends.get(entry) else { return };
            let end = (end as usize).min(self.paths.bytes.len());
            let is_within = start + literal.len() <= end;
            from = if is_within { end } else { start + 1 };
            if is_within {
                found(entry);
            }
        }
    }

    /// The numbers of the entries whose file name has this stem in any case of its ASCII letters, ascending. The first call
    /// looks at all paths.
    pub fn named<'s>(&'s self, stem: &'s [u8]) -> impl Iterator<Item = usize> + 's {
        let stems = self.stems.get_or_init(|| Stems::new(self.paths.iter()));
        stems.may_be(stem).filter(move |entry| text::stem(self.path(*entry)).eq_ignore_ascii_case(stem))
    }

    /// An entry by its number in path order; panics like an index where there is no such entry.
    pub fn entry(&self, entry: usize) -> Entry<'_> {
        let Place { mode, segment, doc, class, language } = self.places.row(entry);
        // Of a mapped snapshot nobody has checked the numbers.
        let segment = segment.min((self.segments.len() as u32).saturating_sub(1));
        Entry { path: self.path(entry), mode, segment, doc, class, language }
    }

    /// All entries in path order.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Entry<'_>> + ExactSizeIterator {
        (0..self.len()).map(|entry| self.entry(entry))
    }

    /// The number of the entry with this path.
    pub fn find(&self, path: &[u8]) -> Option<usize> {
        let first = partition_point(self.len(), |entry| self.path(entry) < path);
        (first < self.len() && self.path(first) == path).then_some(first)
    }

    /// Bytes that paths, places and ranks take in memory, at most; those of a mapped snapshot lie in its file.
    pub fn memory(&self) -> usize {
        self.paths.bytes.len() + self.len() * (size_of::<u32>() + size_of::<Place>() + Ranks::MOST_BYTES + Stems::BYTES)
    }

    /// The rank order of the files. The first call makes it (0.5 ms for 80,000 files).
    pub fn ranks(&self) -> &Ranks {
        let places = || self.places.iter().map(|place| (place.class, place.segment, place.doc));
        self.ranks.get_or_init(|| Ranks::new(self.segments.len(), places()))
    }
}

/// What was built from the same parts is the same, whether or not somebody has asked for its ranks.
impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.commit == other.commit
            && self.segments == other.segments
            && self.skipped == other.skipped
            && self.paths == other.paths
            && self.places == other.places
    }
}

impl Eq for Snapshot {}

impl Place {
    fn of(entry: &SnapshotEntry) -> Self {
        let SnapshotEntry { mode, segment, doc, class, language, path: _ } = *entry;
        Self { mode, segment, doc, class, language }
    }
}

impl Row for Place {
    const LEN: usize = 16;

    /// The class is a number of [`Class::ALL`]; one that is none counts as the first.
    fn read(bytes: &[u8]) -> Self {
        let (words, rest) = bytes.split_at(12);
        let word = |nth: usize| u32::read(&words[nth * 4..][..4]);
        Self {
            mode: word(0),
            segment: word(1),
            doc: word(2),
            class: Class::ALL.get(rest[2] as usize).copied().unwrap_or(Class::Source),
            language: Language(u16::from_le_bytes([rest[0], rest[1]])),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        [self.mode, self.segment, self.doc].iter().for_each(|word| word.write(out));
        out.extend(self.language.0.to_le_bytes());
        let class = Class::ALL.iter().position(|class| *class == self.class);
        out.extend([class.and_then(|class| u8::try_from(class).ok()).unwrap_or(0), 0]);
    }
}

impl Paths {
    pub(super) fn path(&self, entry: usize) -> &[u8] {
        let start = if entry == 0 { 0 } else { self.ends.row(entry - 1) };
        self.bytes.get(start as usize..self.ends.row(entry) as usize).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map(|entry| self.path(entry))
    }
}

impl PathArena {
    pub(super) fn push(&mut self, path: &[u8]) {
        self.bytes.extend_from_slice(path);
        self.ends.push(u32::try_from(self.bytes.len()).expect("500,000 paths of at most 4,096 bytes stay below 4 GiB"));
    }

    pub(super) fn path(&self, entry: usize) -> &[u8] {
        let start = if entry == 0 { 0 } else { self.ends[entry - 1] };
        &self.bytes[start as usize..self.ends[entry] as usize]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map(|entry| self.path(entry))
    }
}

fn partition_point(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
