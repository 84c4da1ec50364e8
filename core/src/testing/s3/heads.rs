//! Every HEAD that was ever written, as the roots that it held: what was published when, by whom, and whether it was there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bytes::Bytes;

use crate::id::{ObjectId, RepositoryId, TenantId};
use crate::store::{Kind, ObjectKey, Root, TipGraph, object_path};

/// One version of the HEAD of a tenant.
#[derive(Clone, Debug)]
pub struct Version {
    /// When it was written.
    pub at: Instant,
    /// What it held.
    pub root: Root,
}

/// All versions, in the order in which they were written.
#[derive(Debug, Default)]
pub struct Heads {
    by_tenant: BTreeMap<TenantId, Vec<Version>>,
    /// Names of objects that a HEAD named before they were there, and HEADs that could not be read.
    faults: Vec<String>,
}

/// What was wrong with the versions of all tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaches {
    /// Versions looked at.
    pub versions: u64,
    /// Fences that fell.
    pub fence_fell: u64,
    /// Default refs that were set to the commit that they were at.
    pub published_twice: u64,
    /// Objects that were named and not there.
    pub dangling: u64,
}

impl Heads {
    pub(super) fn note(&mut self, object: &str, bytes: &Bytes, is_there: impl Fn(&str) -> bool) {
        let tenant = object.split('/').nth(1).and_then(|text| text.parse().ok());
        let (Some(tenant), Ok(root)) = (tenant, Root::decode(bytes)) else {
            return self.faults.push(format!("{object} cannot be read"));
        };
        let missing = named(&root).into_iter().map(|(kind, key)| object_path(tenant, kind, key));
        self.faults.extend(missing.filter(|name| !is_there(name)));
        self.by_tenant.entry(tenant).or_default().push(Version { at: Instant::now(), root });
    }

    /// The versions of a tenant.
    pub fn of(&self, tenant: TenantId) -> &[Version] {
        self.by_tenant.get(&tenant).map_or(&[], Vec::as_slice)
    }

    /// When the default ref of a repository was first at a commit.
    pub fn published_at(&self, tenant: TenantId, repository: RepositoryId, commit: ObjectId) -> Option<Instant> {
        let is_at = |version: &&Version| tip(&version.root, repository).is_some_and(|(at, _)| at == commit);
        self.of(tenant).iter().find(is_at).map(|version| version.at)
    }

    /// Looks at all versions.
    pub fn breaches(&self) -> Breaches {
        let mut breaches = Breaches { dangling: self.faults.len() as u64, ..Breaches::default() };
        for versions in self.by_tenant.values() {
            breaches.versions += versions.len() as u64;
            for pair in versions.windows(2) {
                compare(&pair[0].root, &pair[1].root, &mut breaches);
            }
        }
        breaches
    }
}

fn compare(before: &Root, after: &Root, breaches: &mut Breaches) {
    let there: BTreeSet<ObjectKey> = after.segments.iter().map(|segment| segment.key).collect();
    // A merge writes snapshots of the same commits anew, and takes segments out of the table.
    let merged = before.segments.iter().any(|segment| !there.contains(&segment.key));
    for (id, entry) in &before.repositories {
        let Some(now) = after.repositories.get(id) else { continue };
        breaches.fence_fell += u64::from(now.fence < entry.fence);
        let same_commit = match (tip(before, *id), tip(after, *id)) {
            (Some((commit, snapshot)), Some((now, other))) => commit == now && snapshot != other,
            _ => false,
        };
        breaches.published_twice += u64::from(same_commit && !merged);
    }
}

fn tip(root: &Root, repository: RepositoryId) -> Option<(ObjectId, ObjectKey)> {
    let tip = root.repositories.get(&repository)?.default.as_ref()?;
    Some((tip.commit, tip.snapshot))
}

fn named(root: &Root) -> Vec<(Kind, ObjectKey)> {
    let segments = root.segments.iter().map(|segment| (Kind::Segment, segment.key));
    let tips = root.repositories.values().flat_map(|entry| &entry.default);
    let graphs = tips.clone().filter_map(|tip| tip.graph).flat_map(TipGraph::objects);
    let snapshots = tips.flat_map(|tip| [Some(tip.snapshot), tip.base]).flatten().map(|key| (Kind::Snapshot, key));
    let refs = root.repositories.values().filter_map(|entry| entry.refs).map(|key| (Kind::Refs, key));
    segments.chain(snapshots).chain(graphs).chain(refs).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::{RepositoryEntry, SegmentEntry, Tip};

    fn key(nth: u128) -> ObjectKey {
        ObjectKey { id: Uuid::from_u128(nth), hash: [0; 8] }
    }

    /// A root in which one repository is at a commit, with a snapshot and a segment.
    fn root(fence: u64, commit: u8, snapshot: u128, segment: u128) -> Root {
        let commit = ObjectId([commit; 20]);
        let tip = Tip { ref_name: "refs/heads/main".into(), commit, snapshot: key(snapshot), base: None, graph: None };
        let entry = RepositoryEntry { fence, default: Some(tip), segments: vec![0], ..RepositoryEntry::default() };
        let segment = SegmentEntry { key: key(segment), bytes: 1, hot_bytes: 1, n_docs: 1, text_bytes: 1 };
        let repositories = BTreeMap::from([(RepositoryId(Uuid::nil()), entry)]);
        Root { segments: vec![segment], repositories, ..Root::default() }
    }

    fn breaches(roots: &[Root]) -> Breaches {
        let mut heads = Heads::default();
        let object = format!("t/{}/HEAD", TenantId::LOCAL);
        roots.iter().for_each(|root| heads.note(&object, &root.encode(), |_| true));
        heads.breaches()
    }

    #[test]
    fn publishes_and_merges_are_no_breaches() {
        let sound = breaches(&[root(1, 1, 1, 1), root(2, 1, 1, 1), root(2, 2, 2, 1), root(2, 2, 3, 2)]);
        assert_eq!(sound, Breaches { versions: 4, ..Breaches::default() });
    }

    #[test]
    fn breaches_are_seen() {
        assert_eq!(breaches(&[root(2, 1, 1, 1), root(1, 2, 2, 1)]).fence_fell, 1);
        assert_eq!(breaches(&[root(1, 1, 1, 1), root(2, 1, 2, 1)]).published_twice, 1);
        let mut heads = Heads::default();
        heads.note(&format!("t/{}/HEAD", TenantId::LOCAL), &root(1, 1, 1, 1).encode(), |_| false);
        assert_eq!(heads.breaches().dangling, 2);
    }
}
