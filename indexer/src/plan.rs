//! Decides what has to be built: files whose document is held are settled at once; the blobs of all others are put in
//! the order in which their documents rank.

use std::collections::HashMap;

use kotadb_core::id::ObjectId;
use kotadb_core::store::{SkipReason, Snapshot};
use kotadb_core::text::Language;

use crate::contents::Contents;
use crate::facts::{Fact, FileRef, Group};
use crate::held::{Held, Place};
use crate::layers::Bases;
use crate::limits;
use crate::listing::File;

/// One blob to read, once, for all files that hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The blob.
    pub blob: ObjectId,
    /// Its length.
    pub bytes: u64,
    /// Files that hold it and are not settled.
    pub files: Vec<FileRef>,
}

/// Settles what needs no content and returns what does, by best class, then path.
pub fn plan(group: &mut Group, (held, bases): (&Held, &Bases), contents: &Contents<'_>) -> Vec<Item> {
    let (settled, mut items) = split(group, &Known::new(held, bases));
    for (at, fact) in settled {
        group.settle(at, fact);
    }
    items.retain_mut(|item| match admit(contents, item) {
        Ok(bytes) => {
            item.bytes = bytes;
            true
        }
        Err(reason) => {
            item.files.iter().for_each(|&at| group.settle(at, Fact::Left(reason)));
            false
        }
    });
    items.sort_by_cached_key(|item| rank(group, item));
    items
}

/// What is known without seeing content.
#[derive(Debug)]
pub struct Known<'a> {
    held: &'a Held,
    /// Snapshots of the repository, with the index in `held` of each of their segments.
    snapshots: Vec<(&'a Snapshot, Vec<Option<u32>>)>,
}

impl<'a> Known<'a> {
    /// What `held` and the snapshots of `bases` tell.
    pub fn new(held: &'a Held, bases: &'a Bases) -> Self {
        let named = bases.snapshots().flat_map(|snapshot| snapshot.segments.iter().copied()).collect();
        let table = held.indices(&named);
        let indices = |snapshot: &Snapshot| snapshot.segments.iter().map(|key| table.get(key).copied()).collect();
        Self { held, snapshots: bases.snapshots().map(|snapshot| (snapshot, indices(snapshot))).collect() }
    }

    /// What `held` alone tells.
    pub fn without_bases(held: &'a Held) -> Self {
        Self { held, snapshots: Vec::new() }
    }

    /// The document of a file, if it is held. Where the path does not name the language, the first line does; that is
    /// known of the same blob at the same path.
    pub fn place(&self, file: &File) -> Option<(Language, Place)> {
        match Language::of_path(&file.path) {
            Some(language) => Some((language, self.held.get(file.blob, language)?)),
            None => self.snapshots.iter().find_map(|(snapshot, indices)| {
                let entry = snapshot.entry(snapshot.find(&file.path)?);
                let there = Place { segment: indices[entry.segment as usize]?, doc: entry.doc };
                (self.held.get(file.blob, entry.language)? == there).then_some((entry.language, there))
            }),
        }
    }
}

/// Files that are settled, and the blobs of the others, whose content has to be seen.
fn split(group: &Group, known: &Known<'_>) -> (Vec<(FileRef, Fact)>, Vec<Item>) {
    let (mut settled, mut items) = (Vec::new(), Vec::<Item>::new());
    let mut by_blob = HashMap::new();
    for (at, file) in group.files() {
        match known.place(file) {
            Some((language, place)) => settled.push((at, Fact::Text(language, place))),
            None => {
                let i = *by_blob.entry(file.blob).or_insert_with(|| {
                    items.push(Item { blob: file.blob, bytes: 0, files: Vec::new() });
                    items.len() - 1
                });
                items[i].files.push(at);
            }
        }
    }
    (settled, items)
}

/// The length of a blob that may be read.
fn admit(contents: &Contents<'_>, item: &Item) -> Result<u64, SkipReason> {
    if let Some(reason) = contents.left(item.blob) {
        return Err(reason);
    }
    match contents.size(item.blob) {
        None => Err(SkipReason::Unreadable),
        Some(bytes) if bytes > limits::MAX_BLOB_BYTES => Err(SkipReason::TooLarge),
        Some(bytes) => Ok(bytes),
    }
}

fn rank(group: &Group, item: &Item) -> (kotadb_core::segment::Class, Vec<u8>) {
    let files = item.files.iter().map(|&at| group.file(at));
    let best = files.min_by(|a, b| (a.class, &a.path).cmp(&(b.class, &b.path)));
    best.map(|file| (file.class, file.path.clone())).expect("an item has a file")
}

#[cfg(test)]
mod tests {
    use kotadb_core::segment::Class;
    use kotadb_core::store::{ObjectKey, SnapshotEntry};
    use uuid::Uuid;

    use super::*;
    use crate::listing::Listing;

    fn shell() -> Language {
        Language::from_name("shell").unwrap()
    }

    fn file(path: &str, blob: u8) -> File {
        File { path: path.into(), mode: 0o100_644, blob: ObjectId([blob; 20]), class: Class::Source }
    }

    /// Blob 1 is a script at `run`, and 2 is a C file; both are held.
    fn before() -> (Held, Bases) {
        let key = ObjectKey { id: Uuid::from_u128(1), hash: [0; 8] };
        let c = Language::from_name("c").unwrap();
        let mut held = Held::default();
        held.add(ObjectKey { id: Uuid::from_u128(9), hash: [0; 8] }, None::<crate::held::Document>);
        held.add(key, [(ObjectId([1; 20]), shell()), (ObjectId([2; 20]), c)]);
        let entry = |path: &str, doc, language| SnapshotEntry {
            path: path.into(),
            mode: 0o100_644,
            segment: 0,
            doc,
            class: Class::Source,
            language,
        };
        let entries = vec![entry("a.c", 1, c), entry("run", 0, shell())];
        let mut bases = Bases::default();
        bases.add(key, Snapshot::new(ObjectId([0; 20]), vec![key], entries, Vec::new()), true);
        (held, bases)
    }

    #[test]
    fn content_is_seen_only_where_neither_path_nor_a_base_names_the_language() {
        let (held, bases) = before();
        let files = vec![file("b.c", 2), file("go", 1), file("run", 1), file("run2", 3)];
        let mut group = Group::new(vec![Listing { commit: ObjectId([5; 20]), files, skipped: Vec::new() }]);
        let (settled, items) = split(&group, &Known::new(&held, &bases));
        let settled: Vec<_> = settled.into_iter().map(|(at, fact)| (at.file, fact)).collect();
        let place = |doc| Place { segment: 1, doc };
        let c = Language::from_name("c").unwrap();
        assert_eq!(settled, [(0, Fact::Text(c, place(1))), (2, Fact::Text(shell(), place(0)))]);
        let unseen: Vec<_> = items.iter().map(|item| (item.blob.0[0], item.files[0].file)).collect();
        assert_eq!(unseen, [(1, 1), (3, 3)], "the script at another path, and the new blob");
        group.listings[0].files[2].blob = ObjectId([3; 20]);
        assert_eq!(split(&group, &Known::new(&held, &bases)).0.len(), 1, "another blob at the path of a base");
    }
}
