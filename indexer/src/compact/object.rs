//! A snapshot object as compaction sees it: whole or delta, it names documents of segments.

use kotadb_core::id::TenantId;
use kotadb_core::segment::{Class, DocId};
use kotadb_core::store::{Entry, ObjectKey, Snapshot, SnapshotDelta, SnapshotEntry, Store};

use crate::error::IndexError;

/// A snapshot object.
#[derive(Debug)]
pub enum Object {
    /// Of all files of a commit.
    Whole(Snapshot),
    /// Of what differs from another.
    Delta(SnapshotDelta),
}

/// Where a document is.
pub type Place = (ObjectKey, DocId);

impl Object {
    /// Reads it.
    pub async fn read(store: &Store, tenant: TenantId, key: ObjectKey, is_delta: bool) -> Result<Self, IndexError> {
        Ok(match is_delta {
            true => Self::Delta(store.delta(tenant, key).await?),
            false => Self::Whole(store.whole_snapshot(tenant, key).await?),
        })
    }

    /// Tells of each file where its document is, its class and its path.
    pub fn each(&self, mut tell: impl FnMut(Place, Class, &[u8])) {
        match self {
            Self::Whole(snapshot) => snapshot
                .entries()
                .for_each(|file| tell((snapshot.segments[file.segment as usize], file.doc), file.class, file.path)),
            Self::Delta(delta) => delta
                .entries
                .iter()
                .for_each(|file| tell((delta.segments[file.segment as usize], file.doc), file.class, &file.path)),
        }
    }

    /// The same files with their documents elsewhere; a delta on another base. `None`: a document has nowhere to go.
    pub fn moved(&self, base: Option<ObjectKey>, to: impl Fn(Place) -> Option<Place>) -> Option<Self> {
        match self {
            Self::Whole(snapshot) => {
                let entries = snapshot.entries().map(owned);
                let (segments, entries) = renumber(&snapshot.segments, entries, to)?;
                Some(Self::Whole(Snapshot::new(snapshot.commit, segments, entries, snapshot.skipped.clone())))
            }
            Self::Delta(delta) => {
                let (segments, entries) = renumber(&delta.segments, delta.entries.iter().cloned(), to)?;
                let base = base.unwrap_or(delta.base);
                Some(Self::Delta(SnapshotDelta { base, segments, entries, ..delta.clone() }))
            }
        }
    }

    /// The segments that it names.
    pub fn segments(&self) -> &[ObjectKey] {
        match self {
            Self::Whole(snapshot) => &snapshot.segments,
            Self::Delta(delta) => &delta.segments,
        }
    }
}

fn owned(entry: Entry<'_>) -> SnapshotEntry {
    let Entry { path, mode, segment, doc, class, language } = entry;
    SnapshotEntry { path: path.to_vec(), mode, segment, doc, class, language }
}

fn renumber(
    from: &[ObjectKey],
    entries: impl Iterator<Item = SnapshotEntry>,
    to: impl Fn(Place) -> Option<Place>,
) -> Option<(Vec<ObjectKey>, Vec<SnapshotEntry>)> {
    let mut segments: Vec<ObjectKey> = Vec::new();
    let mut moved = Vec::with_capacity(entries.size_hint().0);
    for entry in entries {
        let (key, doc) = to((from[entry.segment as usize], entry.doc))?;
        let segment = segments.iter().position(|other| *other == key).unwrap_or_else(|| {
            segments.push(key);
            segments.len() - 1
        });
        moved.push(SnapshotEntry { segment: u32::try_from(segment).ok()?, doc, ..entry });
    }
    Some((segments, moved))
}
