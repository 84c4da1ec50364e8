//! Makes the graph of one snapshot, whole or as a delta on that of an earlier one.

use std::fs::File;
use std::io::BufWriter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use bytes::Bytes;
use kotadb_core::facts::Facts;
use kotadb_core::store::{Kind, ObjectKey, Snapshot, SnapshotDelta, TipGraph};
use uuid::Uuid;

use super::documents::Documents;
use super::files::{Files, sources, text};
use super::footing::{self, Footing};
use super::{Workroom, delta, whole};
use crate::error::IndexError;
use crate::names::{self, Change, Resolution};
use crate::{disk, fail_point};

/// A graph that is written, and not in the store.
enum Written {
    Delta(Vec<u8>, ObjectKey),
    Whole(PathBuf),
}

/// A path, and what became of it.
pub type Changed = (Vec<u8>, Change);

impl Workroom<'_> {
    /// The graph of a snapshot, and the bytes that were uploaded. `earlier`: a snapshot of the repository that has a graph.
    pub async fn make(
        &self,
        snapshot: &Snapshot,
        earlier: Option<&(Snapshot, TipGraph)>,
    ) -> Result<(TipGraph, u64), IndexError> {
        fail_point::hit("graph.start");
        let mut documents = Documents::open(self, snapshot).await?;
        documents.precise = tokio::task::block_in_place(|| self.imports.precise(&documents))?;
        let mut since = None;
        // What is imported is laid over all files.
        if let Some((before, graph)) = earlier.filter(|_| documents.precise.is_none()) {
            let delta = SnapshotDelta::between(graph.key, before, snapshot);
            let before = Documents::open(self, before).await?;
            let changes = tokio::task::block_in_place(|| since_then(&delta, &before, &documents))?;
            let nothing = changes.as_ref().is_some_and(Vec::is_empty);
            if nothing && footing::is_readable(self.store, self.tenant, *graph).await? {
                return Ok((*graph, 0));
            }
            if let Some(changes) = changes {
                since = Footing::load(self.store, self.tenant, *graph).await?.map(|footing| (changes, footing));
            }
        }
        fail_point::hit("graph.opened");
        let work = || catch_unwind(AssertUnwindSafe(|| self.write(&documents, since)));
        // A thread that panicked has said so; what it was to resolve is searchable all the same.
        let written = tokio::task::block_in_place(work).unwrap_or(Err(IndexError::BuildThread))?;
        fail_point::hit("graph.made");
        self.upload(written).await
    }

    fn write(&self, documents: &Documents<'_>, since: Option<(Vec<Changed>, Footing)>) -> Result<Written, IndexError> {
        let (files, threads) = (sources(documents), self.threads);
        let Some((changes, mut footing)) = since else {
            return self.write_whole(documents, Resolution::new(&files, documents, threads)?);
        };
        footing.change(changes.iter().map(|(path, _)| path.as_slice()), documents);
        if Footing::is_too_large(footing.told.len(), documents.n_files()) {
            return self.write_whole(documents, Resolution::new(&files, documents, threads)?);
        }
        let resolution = Resolution::of_changed(&files, documents, threads)?;
        documents.read_singly(true);
        if let Some(bytes) = delta::write(documents, &resolution, &footing, &changes)? {
            resolution.let_go();
            return Ok(Written::Delta(bytes, footing.key));
        }
        documents.read_singly(false);
        self.write_whole(documents, resolution)
    }

    fn write_whole(&self, documents: &Documents<'_>, resolution: Resolution<'_>) -> Result<Written, IndexError> {
        let path = self.folder.join("graph");
        let failed = || IndexError::io(format!("cannot write `{}`", path.display()));
        disk::ask("disk write graph", &path).map_err(failed())?;
        let mut out = BufWriter::new(File::create(&path).map_err(failed())?);
        whole::write(documents, resolution, &mut out)?;
        out.into_inner().map_err(|error| failed()(error.into_error()))?;
        Ok(Written::Whole(path))
    }

    async fn upload(&self, written: Written) -> Result<(TipGraph, u64), IndexError> {
        let (store, tenant, id) = (self.store, self.tenant, Uuid::now_v7());
        let made = match written {
            Written::Delta(bytes, base) => {
                let length = bytes.len() as u64;
                let key = store.put(tenant, Kind::Graph, id, Bytes::from(bytes)).await?;
                (TipGraph { key, base: Some(base) }, length)
            }
            Written::Whole(path) => {
                let failed = || IndexError::io(format!("cannot read `{}`", path.display()));
                let length = path.metadata().map_err(failed())?.len();
                let key = store.put_file(tenant, Kind::Graph, id, &path).await?;
                disk::remove(&path).map_err(failed())?;
                (TipGraph { key, base: None }, length)
            }
        };
        fail_point::hit("graph.uploaded");
        Ok(made)
    }
}

/// What matters of a difference; `None`: so much is otherwise that nobody need look.
fn since_then(
    delta: &SnapshotDelta,
    before: &Documents<'_>,
    after: &Documents<'_>,
) -> Result<Option<Vec<Changed>>, IndexError> {
    let SnapshotDelta { entries, removed, .. } = delta;
    if Footing::is_too_large(entries.len() + removed.len(), after.n_files()) {
        return Ok(None);
    }
    [before, after].iter().for_each(|documents| documents.read_singly(true));
    let paths = entries.iter().map(|entry| &entry.path).chain(removed).map(Vec::as_slice);
    let changes = changes(paths, before, after)?;
    after.read_singly(false);
    Ok(Some(changes))
}

/// What became of paths, as far as it matters.
pub fn changes<'p>(
    paths: impl Iterator<Item = &'p [u8]>,
    before: &dyn Files,
    after: &dyn Files,
) -> Result<Vec<Changed>, IndexError> {
    let kind = |of: &dyn Files, file: u32| (of.class(file), of.language(file));
    let mut changes = Vec::new();
    for path in paths {
        let (was, is) = (before.find(path), after.find(path));
        let same_kind = was.zip(is).is_some_and(|(was, is)| kind(before, was) == kind(after, is));
        let change = Change {
            path: text(path),
            existed: (was.is_some(), is.is_some()),
            before: facts(before, was)?,
            after: facts(after, is)?,
        };
        if change.matters() || !same_kind {
            changes.push((path.to_vec(), change));
        }
    }
    Ok(changes)
}

/// Facts as resolution sees them.
fn facts(of: &dyn Files, file: Option<u32>) -> Result<Option<Facts>, IndexError> {
    match file.filter(|file| names::is_resolved(of.language(*file))) {
        Some(file) => of.facts(file),
        None => Ok(None),
    }
}
