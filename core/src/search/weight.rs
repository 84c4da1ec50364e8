//! What kept things weigh: bytes of memory, counted part by part or, where that would touch every part, bounded from above.

use super::layers::OpenDelta;
use crate::id::RepositoryId;
use crate::segment::Class;
use crate::store::{
    Dropped, ObjectKey, Refs, RepositoryEntry, Root, SegmentEntry, Skipped, Snapshot, SnapshotEntry, Tip,
};

/// What an allocation takes beside what was asked for, and a node of a tree beside its entries, for each.
const ALLOCATION: usize = 16;

pub(super) fn root(root: &Root) -> u64 {
    let repositories = root.repositories.values().map(|entry| {
        let own = size_of::<(RepositoryId, RepositoryEntry)>() * 2 + 2 * ALLOCATION;
        own + entry.default.as_ref().map_or(0, |tip| tip.ref_name.capacity())
            + (entry.segments.capacity() + entry.of_default.capacity()) * 4
    });
    let tables = root.segments.capacity() * size_of::<SegmentEntry>() + root.dropped.capacity() * size_of::<Dropped>();
    let purge = root.purge.len() * (size_of::<ObjectKey>() * 2 + ALLOCATION);
    (size_of::<Root>() + repositories.sum::<usize>() + tables + purge) as u64
}

pub(super) fn refs(refs: &Refs) -> u64 {
    let tip = |tip: &Tip| size_of::<Tip>() + size_of::<u64>() + tip.ref_name.capacity() + ALLOCATION;
    let tips = refs.tips.iter().chain(refs.history.iter().map(|one| &one.tip)).map(tip);
    let key = size_of::<ObjectKey>();
    let segments = refs
        .segments
        .values()
        .map(|named| 2 * (key + size_of::<Vec<ObjectKey>>()) + named.capacity() * key + ALLOCATION);
    (size_of::<Refs>() + tips.sum::<usize>() + segments.sum::<usize>()) as u64
}

/// Paths, places and ranks of its entries, mapped ones included.
pub(super) fn snapshot(snapshot: &Snapshot) -> u64 {
    let segments = snapshot.segments.capacity() * (size_of::<ObjectKey>() + 2 * ALLOCATION);
    (size_of::<Snapshot>() + Class::ALL.len() * 4 + segments + snapshot.memory()) as u64 + left_out(&snapshot.skipped)
}

pub(super) fn delta(open: &OpenDelta) -> u64 {
    let delta = &open.delta;
    let path = |path: &Vec<u8>| size_of::<Vec<u8>>() + path.capacity() + ALLOCATION;
    let paths = delta.removed.iter().chain(&delta.unskipped).map(path).sum::<usize>();
    let entries = delta.entries.iter().map(|entry| size_of::<SnapshotEntry>() + entry.path.capacity() + ALLOCATION);
    // The entries of the base that it hides are numbered when somebody asks.
    let hides = (delta.removed.len() + delta.entries.len()) * 4;
    let own = size_of::<OpenDelta>() + delta.segments.capacity() * size_of::<ObjectKey>();
    (own + paths + entries.sum::<usize>() + hides) as u64 + left_out(&delta.skipped)
}

fn left_out(skipped: &[Skipped]) -> u64 {
    skipped.iter().map(|one| (size_of::<Skipped>() + one.path.capacity() + ALLOCATION) as u64).sum()
}
