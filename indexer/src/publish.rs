//! Makes a run searchable: one compare-and-swap of HEAD. Whatever else the tenant publishes meanwhile is kept, because
//! the change is made anew on what HEAD holds then.

use std::collections::{BTreeMap, BTreeSet};

use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::segment::DocId;
use kotadb_core::store::{DocRanges, Kind, ObjectKey, RepositoryEntry, Root, SegmentEntry, Store};

use crate::error::IndexError;
use crate::fail_point;
use crate::halt::{Halt, Reason};
use crate::tips::Tips;

/// Of segments, where documents are.
pub type Docs = BTreeMap<ObjectKey, DocRanges>;

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
    /// Where the documents are that `after` names and `before` does not.
    pub docs: Docs,
    /// Most bytes that all segments of the tenant may have then; `None`: any number.
    pub most_bytes: Option<u64>,
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
        halt.begin_publish();
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
    let bytes_before = bytes(root);
    add_segments(root, &publication.new_segments);
    let segments = indices(root, &after.segments.values().flatten().copied().collect())?;
    let wanted = RepositoryEntry {
        fence: publication.fence,
        default: after.default_tip().cloned(),
        refs: after.refs,
        docs: docs(root, &known, &segments, &publication.docs),
        of_default: of_default(root, after, &segments),
        past: past(&known, &segments),
        segments,
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
    settle(root, gone, *now_ms);
    require_room(publication.most_bytes, bytes_before, bytes(root))?;
    Ok(true)
}

fn bytes(root: &Root) -> u64 {
    root.segments.iter().map(|segment| segment.bytes).sum()
}

/// Whoever has more than the plan allows may have less, or the same, but not more.
fn require_room(most: Option<u64>, before: u64, after: u64) -> Result<(), IndexError> {
    match most {
        Some(most) if after > most && after > before => Err(IndexError::PlanFull { most, bytes: after }),
        _ => Ok(()),
    }
}

/// Takes segments out of the table that no repository names any more, and notes them and `objects` as dropped.
pub fn settle(root: &mut Root, objects: impl Iterator<Item = (Kind, ObjectKey)>, now_ms: u64) {
    let untouched = drop_untouched(root);
    root.purge.retain(|key| !untouched.contains(key));
    root.drop_objects(objects.chain(untouched.into_iter().map(|key| (Kind::Segment, key))), now_ms);
}

/// Adds segments to the table that are not there yet.
pub fn add_segments(root: &mut Root, new: &[SegmentEntry]) {
    let mut missing: BTreeMap<ObjectKey, &SegmentEntry> = new.iter().map(|segment| (segment.key, segment)).collect();
    for segment in &root.segments {
        missing.remove(&segment.key);
    }
    root.segments.extend(missing.into_values().cloned());
}

/// Where the segments are in the root's table, ascending.
pub fn indices(root: &Root, keys: &BTreeSet<ObjectKey>) -> Result<Vec<u32>, IndexError> {
    let found = root.segments.iter().zip(0..).filter(|(segment, _)| keys.contains(&segment.key));
    let found: Vec<u32> = found.map(|(_, nth)| nth).collect();
    if found.len() == keys.len() { Ok(found) } else { Err(IndexError::HeldGone) }
}

/// Which of `segments`, by place, the default tip names; none where it names all of them or nobody knows.
pub fn of_default(root: &Root, after: &Tips, segments: &[u32]) -> Vec<u32> {
    let objects = after.default_tip().into_iter().flat_map(|tip| [Some(tip.snapshot), tip.base]).flatten();
    let named: Option<Vec<&Vec<ObjectKey>>> = objects.map(|key| after.segments.get(&key)).collect();
    let named: BTreeSet<ObjectKey> = named.into_iter().flatten().flatten().copied().collect();
    let is_named = |(_, nth): &(u32, &u32)| named.contains(&root.segments[**nth as usize].key);
    let places: Vec<u32> = (0..).zip(segments).filter(is_named).map(|(place, _)| place).collect();
    if places.len() == segments.len() { Vec::new() } else { places }
}

/// Where the documents of a repository are in `segments`, if they were in those of `known` before and are at `named`, too.
pub fn docs(root: &Root, known: &RepositoryEntry, segments: &[u32], named: &Docs) -> Vec<DocRanges> {
    let docs = |nth: &u32| {
        let segment = &root.segments[*nth as usize];
        let anywhere = DocRanges::all(segment.n_docs);
        let named = named.get(&segment.key);
        match known.segments.binary_search(nth) {
            Ok(at) => {
                let before = known.docs.get(at).unwrap_or(&anywhere);
                named.map_or(before.clone(), |named| named.united(before))
            }
            Err(_) => named.cloned().unwrap_or(anywhere),
        }
    };
    segments.iter().map(docs).collect()
}

/// The past segments of a repository that touches `segments` from now on.
pub fn past(known: &RepositoryEntry, segments: &[u32]) -> Vec<u32> {
    let all: BTreeSet<u32> = known.all_segments().filter(|nth| segments.binary_search(nth).is_err()).collect();
    all.into_iter().collect()
}

/// The names of all segments that may hold text of a repository.
pub fn all_segments(root: &Root, entry: &RepositoryEntry) -> BTreeSet<ObjectKey> {
    entry.all_segments().filter_map(|nth| Some(root.segments.get(nth as usize)?.key)).collect()
}

/// Adds places of documents.
pub fn add_docs(docs: &mut Docs, places: impl Iterator<Item = (ObjectKey, DocId)>) {
    let mut by_segment: BTreeMap<ObjectKey, Vec<DocId>> = BTreeMap::new();
    places.for_each(|(segment, doc)| by_segment.entry(segment).or_default().push(doc));
    unite_docs(docs, by_segment.into_iter().map(|(segment, docs)| (segment, DocRanges::of(docs))));
}

/// Adds ranges of documents.
pub fn unite_docs(docs: &mut Docs, others: impl Iterator<Item = (ObjectKey, DocRanges)>) {
    for (segment, other) in others {
        let known = docs.entry(segment).or_default();
        *known = known.united(&other);
    }
}

/// Takes segments out of the table that no repository names. Their objects stay until garbage collection.
fn drop_untouched(root: &mut Root) -> BTreeSet<ObjectKey> {
    let mut is_used = vec![false; root.segments.len()];
    for nth in root.repositories.values().flat_map(|entry| &entry.segments) {
        is_used[*nth as usize] = true;
    }
    if is_used.iter().all(|is_used| *is_used) {
        return BTreeSet::new();
    }
    let mut kept = 0..;
    let moved: Vec<Option<u32>> = is_used.iter().map(|is_used| if *is_used { kept.next() } else { None }).collect();
    for entry in root.repositories.values_mut() {
        entry.segments = entry.segments.iter().filter_map(|nth| moved[*nth as usize]).collect();
        entry.past = entry.past.iter().filter_map(|nth| moved[*nth as usize]).collect();
    }
    let (used, untouched): (Vec<_>, Vec<_>) = root.segments.drain(..).zip(is_used).partition(|(_, is_used)| *is_used);
    root.segments = used.into_iter().map(|(segment, _)| segment).collect();
    untouched.into_iter().map(|(segment, _)| segment.key).collect()
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
        let tip = Tip { ref_name: "refs/heads/main".into(), commit, snapshot, base: None, graph: None };
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
            docs: Docs::new(),
            most_bytes: None,
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
    fn documents_are_where_they_were_and_where_new_ones_are() {
        let mut root = Root::default();
        let with = |publication: Publication, places: &[(u128, DocId)]| {
            let mut docs = Docs::new();
            add_docs(&mut docs, places.iter().map(|(nth, doc)| (key(*nth), *doc)));
            Publication { docs, ..publication }
        };
        let docs = |root: &Root| root.repositories[&RepositoryId(Uuid::from_u128(1))].docs.clone();
        let of = |docs: &[DocId]| DocRanges::of(docs.to_vec());
        let first = with(publication(1, Tips::default(), 1, &[10, 11], &[10, 11]), &[(10, 3), (10, 4)]);
        assert!(apply(&mut root, &first).unwrap());
        assert_eq!(docs(&root), [of(&[3, 4]), of(&[0])], "of the second segment nothing is known");
        let second = with(publication(1, tips(1, &[10]), 2, &[12], &[10, 11, 12]), &[(10, 8), (12, 0)]);
        assert!(apply(&mut root, &second).unwrap());
        assert_eq!(docs(&root), [of(&[3, 4, 8]), of(&[0]), of(&[0])]);
        let third = publication(1, tips(2, &[10]), 3, &[], &[12]);
        assert!(apply(&mut root, &third).unwrap());
        assert_eq!(docs(&root), [of(&[0])]);
    }

    #[test]
    fn segments_that_others_touch_stay_in_the_past_of_who_left_them() {
        let mut root = Root::default();
        let past = |root: &Root, repository: u128| {
            let entry = &root.repositories[&RepositoryId(Uuid::from_u128(repository))];
            entry.past.iter().map(|nth| root.segments[*nth as usize].key.id.as_u128()).collect::<Vec<_>>()
        };
        assert!(apply(&mut root, &publication(2, Tips::default(), 1, &[9, 10], &[9, 10])).unwrap());
        assert!(apply(&mut root, &publication(1, Tips::default(), 2, &[11], &[10, 11])).unwrap());
        assert!(apply(&mut root, &publication(1, tips(2, &[]), 3, &[12], &[12])).unwrap());
        assert_eq!((past(&root, 1), past(&root, 2)), (vec![10], vec![]), "nobody touches the eleventh any more");
        assert!(apply(&mut root, &publication(2, tips(1, &[]), 4, &[], &[10])).unwrap());
        assert_eq!(past(&root, 1), [10], "numbers follow");
        assert!(apply(&mut root, &publication(1, tips(3, &[]), 5, &[], &[10])).unwrap());
        assert!(past(&root, 1).is_empty());
    }

    #[test]
    fn a_plan_that_is_full_lets_nothing_grow() {
        let mut root = Root::default();
        let at_most = |most, publication: Publication| Publication { most_bytes: Some(most), ..publication };
        let first = |most| at_most(most, publication(1, Tips::default(), 1, &[10, 11], &[10, 11]));
        let refused = apply(&mut root.clone(), &first(1));
        assert!(matches!(refused, Err(IndexError::PlanFull { most: 1, bytes: 2 })), "{refused:?}");
        assert!(apply(&mut root, &first(2)).unwrap());
        let grown = apply(&mut root.clone(), &at_most(2, publication(1, tips(1, &[]), 2, &[12], &[10, 11, 12])));
        assert!(grown.is_err());
        assert!(apply(&mut root.clone(), &at_most(2, publication(1, tips(1, &[]), 2, &[12], &[10, 12]))).unwrap());
        assert!(apply(&mut root, &at_most(0, publication(1, tips(1, &[]), 2, &[], &[10]))).unwrap(), "it shrinks");
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
