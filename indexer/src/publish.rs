//! Makes a run searchable: one compare-and-swap of HEAD. Whatever else the tenant publishes meanwhile is kept, because
//! the change is made anew on what HEAD holds then.

use std::collections::{BTreeMap, BTreeSet};

use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::{ObjectKey, RepositoryEntry, Root, SegmentEntry, Store, Tip};

use crate::error::IndexError;
use crate::fail_point;
use crate::halt::{Halt, Reason};

/// What HEAD shall hold of one repository.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Whose.
    pub tenant: TenantId,
    /// Which repository.
    pub repository: RepositoryId,
    /// Fence of the claim.
    pub fence: u64,
    /// Tip of the default ref.
    pub default: Option<Tip>,
    /// The refs object.
    pub refs: Option<ObjectKey>,
    /// Every segment that the tips' snapshots name.
    pub touched: BTreeSet<ObjectKey>,
    /// Segments that HEAD does not name yet.
    pub new_segments: Vec<SegmentEntry>,
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
    let known = root.repositories.contains_key(&publication.repository);
    let entry = root.repositories.entry(publication.repository).or_default().clone();
    require_fence(&entry, publication.fence)?;
    add_segments(root, &publication.new_segments);
    let wanted = RepositoryEntry {
        fence: publication.fence,
        default: publication.default.clone(),
        refs: publication.refs,
        segments: indices(root, &publication.touched)?,
    };
    if known && wanted == entry {
        return Ok(false);
    }
    root.repositories.insert(publication.repository, wanted);
    drop_untouched(root);
    Ok(true)
}

fn add_segments(root: &mut Root, new: &[SegmentEntry]) {
    let known: BTreeSet<_> = root.segments.iter().map(|segment| segment.key).collect();
    root.segments.extend(new.iter().filter(|segment| !known.contains(&segment.key)).cloned());
}

/// Where the segments are in the root's table, ascending.
fn indices(root: &Root, keys: &BTreeSet<ObjectKey>) -> Result<Vec<u32>, IndexError> {
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
    use uuid::Uuid;

    use super::*;

    fn key(n: u128) -> ObjectKey {
        ObjectKey { id: Uuid::from_u128(n), hash: [0; 8] }
    }

    fn segment(n: u128) -> SegmentEntry {
        SegmentEntry { key: key(n), bytes: 1, hot_bytes: 1, n_docs: 1, text_bytes: 1 }
    }

    fn publication(repository: u128, fence: u64, new: &[u128], touched: &[u128]) -> Publication {
        let commit = kotadb_core::id::ObjectId([u8::try_from(fence).unwrap(); 20]);
        Publication {
            tenant: TenantId::LOCAL,
            repository: RepositoryId(Uuid::from_u128(repository)),
            fence,
            default: Some(Tip { ref_name: "refs/heads/main".into(), commit, snapshot: key(fence.into()) }),
            refs: None,
            touched: touched.iter().copied().map(key).collect(),
            new_segments: new.iter().copied().map(segment).collect(),
        }
    }

    fn keys_of(root: &Root, repository: u128) -> Vec<u128> {
        let entry = &root.repositories[&RepositoryId(Uuid::from_u128(repository))];
        entry.segments.iter().map(|&i| root.segments[i as usize].key.id.as_u128()).collect()
    }

    #[test]
    fn untouched_segments_leave_the_table_and_indices_follow() {
        let mut root = Root::default();
        assert!(apply(&mut root, &publication(1, 1, &[10, 11], &[10, 11])).unwrap());
        assert!(apply(&mut root, &publication(2, 2, &[20], &[11, 20])).unwrap());
        assert!(apply(&mut root, &publication(1, 3, &[30], &[30])).unwrap());
        assert_eq!(root.segments.len(), 3);
        assert_eq!(keys_of(&root, 1), [30]);
        assert_eq!(keys_of(&root, 2), [11, 20]);
    }

    #[test]
    fn same_publication_changes_nothing() {
        let mut root = Root::default();
        assert!(apply(&mut root, &publication(1, 1, &[10], &[10])).unwrap());
        assert!(!apply(&mut root, &publication(1, 1, &[10], &[10])).unwrap());
    }

    #[test]
    fn lower_fence_and_dropped_segment_are_refused() {
        let mut root = Root::default();
        assert!(apply(&mut root, &publication(1, 5, &[10], &[10])).unwrap());
        let late = apply(&mut root.clone(), &publication(1, 4, &[], &[10]));
        assert!(late.is_err_and(|error| error.is_lease_lost()));
        assert!(matches!(apply(&mut root, &publication(1, 6, &[], &[99])), Err(IndexError::HeldGone)));
    }
}
