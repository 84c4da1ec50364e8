//! SCIP indexes that were sent for a repository, as the graphs of its tips use them: of each file that is the same document as in
//! the commit of the index. A graph with them is whole: what compilers say is laid over all files.

use std::collections::BTreeMap;

use bytes::Bytes;
use kotadb_core::id::ObjectId;
use kotadb_core::scip::{MOST_UNPACKED, unpack};
use kotadb_core::store::{Kind, ObjectKey, Snapshot, StoreError, TipGraph};
use kotadb_core::telemetry::events;
use tracing::warn;

use super::Graphs;
use super::documents::Documents;
use super::files::Files;
use crate::error::IndexError;
use crate::names::Source;
use crate::scip::{HeldFile, Precise};
use crate::tips::Tips;

/// An index that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// The commit that it is of.
    pub commit: ObjectId,
    /// Where it is.
    pub key: ObjectKey,
    /// Whether no graph was made with it yet.
    pub is_new: bool,
}

/// Indexes with the snapshots of their commits, the oldest first.
#[derive(Debug, Default)]
pub struct Imports(Vec<(Snapshot, Bytes)>);

/// Takes the graphs away that were made without an index of a searchable commit.
pub fn make_room(imports: &[Import], before: Option<&Tips>, after: &mut Tips, known: &BTreeMap<ObjectId, TipGraph>) {
    let is_there = |import: &&Import| find(import.commit, before, after).is_some();
    if imports.iter().filter(|import| import.is_new).any(|import| is_there(&import)) {
        // What this run has made has been made with it.
        after.by_name.values_mut().for_each(|tip| tip.graph = known.get(&tip.commit).copied());
    }
}

fn find<'t>(commit: ObjectId, before: Option<&'t Tips>, after: &'t Tips) -> Option<&'t kotadb_core::store::Tip> {
    after.at(commit).or_else(|| before?.at(commit))
}

impl Imports {
    /// Reads the indexes of searchable commits. One that is lost, or a commit that is, says nothing.
    pub async fn load(graphs: &Graphs<'_>, after: &Tips) -> Result<Self, IndexError> {
        let &Graphs { store, tenant, before, imports, .. } = graphs;
        let mut loaded = Vec::new();
        for import in imports {
            let Some(tip) = find(import.commit, before, after) else { continue };
            let read = async {
                let snapshot = store.snapshot(tenant, tip).await?;
                Ok((snapshot, store.get(tenant, Kind::Scip, import.key).await?))
            };
            match read.await {
                Ok(read) => loaded.push(read),
                Err(error @ (StoreError::NotFound(_) | StoreError::Corrupt { .. })) => {
                    warn!(commit = %import.commit, %error, "{}", events::IMPORT_LOST);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self(loaded))
    }

    /// What they say of files; `None`: nothing. Blocks.
    pub fn precise(&self, documents: &Documents<'_>) -> Result<Option<Precise>, IndexError> {
        let (mut precise, mut taken) = (Precise::default(), 0);
        for (snapshot, packed) in &self.0 {
            let held = |path: &str| held(documents, snapshot, path);
            // Looked through when it came: what cannot be read now was damaged since.
            let added = unpack(packed, MOST_UNPACKED).and_then(|index| precise.add(&index, held));
            match added {
                Ok(n) => taken += n,
                Err(error) => warn!(%error, "{}", events::IMPORT_LOST),
            }
        }
        Ok((taken > 0).then_some(precise))
    }
}

/// The file at a path, if it is the same in both.
fn held(documents: &Documents<'_>, snapshot: &Snapshot, path: &str) -> Option<HeldFile> {
    let file = documents.find(path.as_bytes())?;
    if !documents.is_as_in(file, snapshot, snapshot.find(path.as_bytes())?) {
        return None;
    }
    let facts = documents.facts(file).ok().flatten()?;
    Some(HeldFile::of(file, documents.text(file).ok()?.into(), &facts))
}
