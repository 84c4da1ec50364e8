//! The canonical text of what is searchable: refs and their commits; of each commit every path with mode, blob, language,
//! class and SHA-256 of its decoded content; and what is left out, with reasons.

use std::collections::BTreeMap;
use std::io::Write;

use kotadb_core::crypto;
use kotadb_core::id::ObjectId;
use kotadb_core::segment::{DocId, Segment};
use kotadb_core::store::{Entry, Kind, ObjectKey, Root, Snapshot};

use super::{Inspected, printing, snapshot};
use crate::error::IndexError;
use crate::held;
use crate::tips::Tips;

/// Documents read in one wave.
const WAVE: usize = 256;

/// Writes all facts of a repository.
pub(super) async fn write(
    inspected: &Inspected<'_>,
    root: &Root,
    tips: &Tips,
    out: &mut (dyn Write + Send),
) -> Result<(), IndexError> {
    let mut documents = Documents { inspected, root, known: BTreeMap::new() };
    for tip in tips.by_name.values() {
        let default = if Some(&tip.ref_name) == tips.default.as_ref() { " default" } else { "" };
        writeln!(out, "ref {} {}{default}", tip.ref_name, tip.commit).map_err(printing)?;
    }
    let commits: BTreeMap<_, _> = tips.by_name.values().map(|tip| (tip.commit, tip)).collect();
    for (commit, tip) in commits {
        let snapshot = snapshot(inspected.store, inspected.tenant, tip).await?;
        documents.read(&snapshot).await?;
        writeln!(out, "commit {commit}").map_err(printing)?;
        write_snapshot(&snapshot, &documents, out).map_err(printing)?;
    }
    Ok(())
}

fn write_snapshot(snapshot: &Snapshot, documents: &Documents<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    for entry in snapshot.entries() {
        let (blob, hash) = &documents.known[&place(snapshot, &entry)];
        let language = entry.language.name();
        let path = entry.path.escape_ascii();
        writeln!(out, "file {:o} {blob} {language} {:?} {hash} {path}", entry.mode, entry.class)?;
    }
    for skipped in &snapshot.skipped {
        writeln!(out, "skipped {} {}", skipped.reason.name(), skipped.path.escape_ascii())?;
    }
    Ok(())
}

fn place(snapshot: &Snapshot, entry: &Entry<'_>) -> (ObjectKey, DocId) {
    (snapshot.segments[entry.segment as usize], entry.doc)
}

/// Blob and content hash of every document met so far.
struct Documents<'a> {
    inspected: &'a Inspected<'a>,
    root: &'a Root,
    known: BTreeMap<(ObjectKey, DocId), (ObjectId, String)>,
}

impl Documents<'_> {
    async fn read(&mut self, snapshot: &Snapshot) -> Result<(), IndexError> {
        let mut wanted = BTreeMap::<ObjectKey, Vec<DocId>>::new();
        for entry in snapshot.entries() {
            let (segment, doc) = place(snapshot, &entry);
            if !self.known.contains_key(&(segment, doc)) {
                wanted.entry(segment).or_default().push(doc);
            }
        }
        for (key, mut docs) in wanted {
            docs.sort_unstable();
            docs.dedup();
            self.read_segment(key, &docs).await?;
        }
        Ok(())
    }

    async fn read_segment(&mut self, key: ObjectKey, docs: &[DocId]) -> Result<(), IndexError> {
        let Inspected { store, tenant, .. } = *self.inspected;
        let entry = self.root.segments.iter().find(|segment| segment.key == key).ok_or(IndexError::HeldGone)?;
        let segment = held::open(store, tenant, entry).await?;
        let blobs = held::blobs(store, tenant, key, &segment).await?;
        for wave in docs.chunks(WAVE) {
            let ranges: Vec<_> = wave.iter().map(|&doc| segment.frame_range(doc)).collect();
            let frames = store.get_ranges(tenant, Kind::Segment, key, &ranges).await?.parts;
            for (&doc, frame) in wave.iter().zip(frames) {
                let hash = content_hash(&segment, doc, &frame)?;
                self.known.insert((key, doc), (blobs[doc as usize], hash));
            }
        }
        Ok(())
    }
}

fn content_hash(segment: &Segment, doc: DocId, frame: &[u8]) -> Result<String, IndexError> {
    Ok(crypto::to_hex(&crypto::sha256(&segment.decode_frame(doc, frame)?)))
}
