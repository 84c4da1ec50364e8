//! Makes a run searchable: one compare-and-swap of HEAD. Whatever else the tenant publishes meanwhile is kept, because
//! the change is made anew on what HEAD holds then.

use std::collections::{BTreeMap, BTreeSet};

use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::{Kind, ObjectKey, RepositoryEntry, Root, SegmentEntry, Store};

use crate::error::IndexError;
use crate::fail_point;
use crate::halt::{Halt, Reason};
use crate::tips::Tips;

/// What HEAD shall hold of one repository.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Whose.
    pub tenant: TenantId,
    /// Which repository.
    pub repository: RepositoryId,
    /// Fence of the claim.
    pub fence: u64,
    /// What HEAD held when the run began, and must still hold.
    pub before: Tips,
    /// What it shall hold.
    pub after: Tips,
    /// Segments that HEAD does not name yet.
    pub new_segments: Vec<SegmentEntry>,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// Raises the fence of a repository, so that a worker whose lease expired can no longer publish.
pub async fn raise_fence(
    store: &Store,
    tenant: TenantId,
    repository: RepositoryId,
    fence: u64,
) -> Result<(), IndexError> {
    let raise = |root: &mut Root| {
        let entry = root.repositories.entry(repository).or_default();
        require_fence(entry, fence)?;
        let raised = entry.fence < fence;
        entry.fence = fence;
        Ok::<_, IndexError>(raised)
    };
    store.update_head(tenant, raise).await?;
    Ok(())
}

/// Swaps HEAD to hold the publication. Nothing changes if the fence was raised or the run has to stop.
pub async fn publish(store: &Store, publication: &Publication, halt: &Halt) -> Result<Root, IndexError> {
    let change = |root: &mut Root| {
        halt.check()?;
        let changed = apply(root, publication)?;
        fail_point::hit("publish.before_swap");
        Ok::<_, IndexError>(changed)
    };
    let root = store.update_head(publication.tenant, change).await?;
    fail_point::hit("publish.after_swap");
    Ok(root)
}

fn require_fence(entry: &RepositoryEntry, fence: u64) -> Result<(), IndexError> {
    if entry.fence > fence { Err(IndexError::Halted(Reason::LeaseLost)) } else { Ok(()) }
}

/// Writes the publication into a root; `false`: the root says so already.
fn apply(root: &mut Root, publication: &Publication) -> Result<bool, IndexError> {
    let Publication { before, after, now_ms, .. } = publication;
    let entry = root.repositories.get(&publication.repository).cloned();
    let known = entry.unwrap_or_default();
    require_fence(&known, publication.fence)?;
    let named = root.segments.iter().map(|segment| segment.key).collect();
    add_segments(root, &publication.new_segments);
    let wanted = RepositoryEntry {
        fence: publication.fence,
        default: after.default_tip().cloned(),
        refs: after.refs,
        segments: indices(root, &after.segments.values().flatten().copied().collect())?,
    };
    let is_there = |tips: &Tips| (known.default.as_ref(), known.refs) == (tips.default_tip(), tips.refs);
    if root.repositories.contains_key(&publication.repository) && known == wanted {
        return Ok(false);
    }
    if !is_there(before) && !is_there(after) {
        // A compaction has rewritten what this run builds on.
        return Err(IndexError::HeldGone);
    }
    root.repositories.insert(publication.repository, wanted);
    let kept = after.objects();
    let gone = before.objects().into_iter().filter(|object| !kept.contains(object));
    settle(root, named, gone, *now_ms);
    Ok(true)
}

/// Takes segments out of the table that no repository names any more, and notes them and `objects` as dropped; `named`
/// are the segments that the root named before.
pub fn settle(
    root: &mut Root,
    named: BTreeSet<ObjectKey>,
    objects: impl Iterator<Item = (Kind, ObjectKey)>,
    now_ms: u64,
) {
    drop_untouched(root);
    let kept: BTreeSet<ObjectKey> = root.segments.iter().map(|segment| segment.key).collect();
    root.purge.retain(|key| kept.contains(key));
    let segments = named.difference(&kept).map(|key| (Kind::Segment, *key));
    root.drop_objects(objects.chain(segments), now_ms);
}

/// Adds segments to the table that are not there yet.
pub fn add_segments(root: &mut Root, new: &[SegmentEntry]) {
    let known: BTreeSet<_> = root.segments.iter().map(|segment| segment.key).collect();
    root.segments.extend(new.iter().filter(|segment| !known.contains(&segment.key)).cloned());
}

/// Where the segments are in the root's table, ascending.
pub fn indices(root: &Root, keys: &BTreeSet<ObjectKey>) -> Result<Vec<u32>, IndexError> {
    let table: BTreeMap<_, u32> = root.segments.iter().map(|segment| segment.key).zip(0..).collect();
    let found: Option<BTreeSet<u32>> = keys.iter().map(|key| table.get(key).copied()).collect();
    Ok(found.ok_or(IndexError::HeldGone)?.into_iter().collect())
}

/// Takes segments out of the table that no repository names. Their objects stay until garbage collection.
fn drop_untouched(root: &mut Root) {
    let used: BTreeSet<u32> = root.repositories.values().flat_map(|entry| entry.segments.iter().copied()).collect();
    let moved: BTreeMap<u32, u32> = used.iter().copied().zip(0..).collect();
    root.segments = used.iter().filter_map(|&i| root.segments.get(i as usize).cloned()).collect();
    for entry in root.repositories.values_mut() {
        entry.segments = entry.segments.iter().filter_map(|i| moved.get(i).copied()).collect();
    }
}

#[cfg(test)]
mod tests {
    use kotadb_core::id::ObjectId;
    use kotadb_core::store::Tip;
    use uuid::Uuid;

    use super::*;

    fn key(n: u128) -> ObjectKey {
        ObjectKey { id: Uuid::from_u128(n), hash: [0; 8] }
    }

    fn segment(n: u128) -> SegmentEntry {
        SegmentEntry { key: key(n), bytes: 1, hot_bytes: 1, n_docs: 1, text_bytes: 1 }
    }

    /// Of the `nth` commit of a repository, whose snapshot has the same number.
    fn tips(nth: u128, touched: &[u128]) -> Tips {
        let (commit, snapshot) = (ObjectId([u8::try_from(nth).unwrap(); 20]), key(nth));
        let tip = Tip { ref_name: "refs/heads/main".into(), commit, snapshot, base: None };
        Tips {
            default: Some(tip.ref_name.clone()),
            segments: BTreeMap::from([(snapshot, touched.iter().copied().map(key).collect())]),
            by_name: BTreeMap::from([(tip.ref_name.clone(), tip)]),
            ..Tips::default()
        }
    }

    fn publication(repository: u128, before: Tips, fence: u64, new: &[u128], touched: &[u128]) -> Publication {
        Publication {
            tenant: TenantId::LOCAL,
            repository: RepositoryId(Uuid::from_u128(repository)),
            fence,
            before,
            after: tips(fence.into(), touched),
            new_segments: new.iter().copied().map(segment).collect(),
            now_ms: fence,
        }
    }

    fn keys_of(root: &Root, repository: u128) -> Vec<u128> {
        let entry = &root.repositories[&RepositoryId(Uuid::from_u128(repository))];
        entry.segments.iter().map(|&i| root.segments[i as usize].key.id.as_u128()).collect()
    }

    #[test]
    fn untouched_segments_leave_the_table_and_indices_follow() {
        let mut root = Root::default();
        assert!(apply(&mut root, &publication(1, Tips::default(), 1, &[10, 11], &[10, 11])).unwrap());
        assert!(apply(&mut root, &publication(2, Tips::default(), 2, &[20], &[11, 20])).unwrap());
        assert!(apply(&mut root, &publication(1, tips(1, &[]), 3, &[30], &[30])).unwrap());
        assert_eq!(root.segments.len(), 3);
        assert_eq!(keys_of(&root, 1), [30]);
        assert_eq!(keys_of(&root, 2), [11, 20]);
        let dropped: Vec<_> = root.dropped.iter().map(|one| (one.kind, one.key.id.as_u128(), one.at_ms)).collect();
        assert_eq!(dropped, [(Kind::Segment, 10, 3), (Kind::Snapshot, 1, 3)]);
    }

    #[test]
    fn same_publication_changes_nothing() {
        let mut root = Root::default();
        assert!(apply(&mut root, &publication(1, Tips::default(), 1, &[10], &[10])).unwrap());
        assert!(!apply(&mut root, &publication(1, Tips::default(), 1, &[10], &[10])).unwrap());
    }

    #[test]
    fn lower_fence_and_dropped_segment_are_refused() {
        let mut root = Root::default();
        assert!(apply(&mut root, &publication(1, Tips::default(), 5, &[10], &[10])).unwrap());
        let late = apply(&mut root.clone(), &publication(1, tips(5, &[]), 4, &[], &[10]));
        assert!(late.is_err_and(|error| error.is_lease_lost()));
        let gone = apply(&mut root, &publication(1, tips(5, &[]), 6, &[], &[99]));
        assert!(matches!(gone, Err(IndexError::HeldGone)));
    }

    #[test]
    fn what_was_rewritten_meanwhile_is_not_built_upon() {
        let mut root = Root::default();
        assert!(apply(&mut root, &publication(1, Tips::default(), 1, &[10], &[10])).unwrap());
        let moved = apply(&mut root, &publication(1, tips(7, &[]), 2, &[], &[10]));
        assert!(matches!(moved, Err(IndexError::HeldGone)));
    }
}
