//! Makes the snapshot of a commit from its listing and the facts found out about its files.

use std::collections::BTreeMap;

use kotadb_core::store::{ObjectKey, SkipReason, Skipped, Snapshot, SnapshotEntry};

use crate::facts::Fact;
use crate::held::Place;
use crate::listing::{File, Listing};

/// A snapshot names only the segments that its files are in, in the order of `table`.
pub fn assemble(listing: Listing, facts: &[Fact], table: &[ObjectKey]) -> Snapshot {
    let (segments, local) = used_segments(facts, table);
    let mut skipped = listing.skipped;
    let mut entries = Vec::with_capacity(listing.files.len());
    for (file, fact) in listing.files.into_iter().zip(facts) {
        match *fact {
            Fact::Text(language, place) => entries.push(entry(file, language, place, &local)),
            Fact::Left(reason) => skipped.push(Skipped { path: file.path, reason }),
            Fact::Pending => skipped.push(Skipped { path: file.path, reason: SkipReason::Unreadable }),
        }
    }
    Snapshot::new(listing.commit, segments, entries, skipped)
}

/// The segments in use, and where each index of the table went.
fn used_segments(facts: &[Fact], table: &[ObjectKey]) -> (Vec<ObjectKey>, BTreeMap<u32, u32>) {
    let used = facts.iter().filter_map(|fact| match fact {
        Fact::Text(_, place) => Some((place.segment, 0)),
        _ => None,
    });
    let mut local: BTreeMap<u32, u32> = used.collect();
    local.values_mut().zip(0..).for_each(|(slot, i)| *slot = i);
    (local.keys().map(|&i| table[i as usize]).collect(), local)
}

fn entry(file: File, language: kotadb_core::text::Language, place: Place, local: &BTreeMap<u32, u32>) -> SnapshotEntry {
    SnapshotEntry {
        path: file.path,
        mode: file.mode,
        segment: local[&place.segment],
        doc: place.doc,
        class: file.class,
        language,
    }
}
