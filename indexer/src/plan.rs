//! Decides what has to be built: files whose document is held are settled at once; the blobs of all others are put in
//! the order in which their documents rank.

use std::collections::HashMap;

use kotadb_core::id::ObjectId;
use kotadb_core::store::SkipReason;
use kotadb_core::text::Language;

use crate::contents::Contents;
use crate::facts::{Fact, FileRef, Group};
use crate::held::Held;
use crate::limits;

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
pub fn plan(group: &mut Group, held: &Held, contents: &Contents<'_>) -> Vec<Item> {
    let (settled, mut items) = split(group, held);
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

/// Where the path alone names the language, a held document settles the file. Otherwise the first line decides, so the
/// content has to be seen.
fn split(group: &Group, held: &Held) -> (Vec<(FileRef, Fact)>, Vec<Item>) {
    let (mut settled, mut items) = (Vec::new(), Vec::<Item>::new());
    let mut by_blob = HashMap::new();
    for (at, file) in group.files() {
        let language = Language::detect(&file.path, b"");
        let place = if language == Language::TEXT { None } else { held.get(file.blob, language) };
        match place {
            Some(place) => settled.push((at, Fact::Text(language, place))),
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
