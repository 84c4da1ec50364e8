//! Makes the graph of one snapshot, whole or as a delta on that of an earlier one.

use std::fs::File;
use std::io::BufWriter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use bytes::Bytes;
use kotadb_core::store::{Kind, ObjectKey, Snapshot, SnapshotDelta, TipGraph};
use uuid::Uuid;

use super::documents::Documents;
use super::files::{Files, sources, text};
use super::footing::Footing;
use super::{Workroom, delta, whole};
use crate::error::IndexError;
use crate::names::{Change, Resolution, Source};
use crate::{disk, fail_point};

/// A graph that is written, and not in the store.
enum Written {
    Delta(Vec<u8>, ObjectKey),
    Whole(PathBuf),
}

/// What has changed since an earlier commit that has a graph.
struct Since<'a> {
    documents: Documents<'a>,
    delta: SnapshotDelta,
    footing: Footing,
}

impl Workroom<'_> {
    /// The graph of a snapshot, and the bytes that were uploaded. `earlier`: a snapshot of the repository that has a graph.
    pub async fn make(
        &self,
        snapshot: &Snapshot,
        earlier: Option<&(Snapshot, TipGraph)>,
    ) -> Result<(TipGraph, u64), IndexError> {
        fail_point::hit("graph.start");
        let documents = Documents::open(self, snapshot).await?;
        let mut since = None;
        if let Some((before, graph)) = earlier {
            let delta = SnapshotDelta::between(graph.key, before, snapshot);
            if delta.entries.is_empty() && delta.removed.is_empty() {
                return Ok((*graph, 0));
            }
            if !Footing::is_too_large(delta.entries.len() + delta.removed.len(), snapshot.len())
                && let Some(footing) = Footing::load(self.store, self.tenant, *graph).await?
            {
                since = Some(Since { documents: Documents::open(self, before).await?, delta, footing });
            }
        }
        fail_point::hit("graph.opened");
        let work = || catch_unwind(AssertUnwindSafe(|| self.write(&documents, since)));
        // A thread that panicked has said so; what it was to resolve is searchable all the same.
        let written = tokio::task::block_in_place(work).unwrap_or(Err(IndexError::BuildThread))?;
        fail_point::hit("graph.made");
        self.upload(written).await
    }

    fn write(&self, documents: &Documents<'_>, since: Option<Since<'_>>) -> Result<Written, IndexError> {
        let (files, threads) = (sources(documents), self.threads);
        let Some(mut since) = since else {
            return self.write_whole(documents, Resolution::new(&files, documents, threads)?);
        };
        let SnapshotDelta { entries, removed, .. } = &since.delta;
        let paths = entries.iter().map(|entry| &entry.path).chain(removed).map(Vec::as_slice);
        since.footing.change(paths.clone(), documents);
        if Footing::is_too_large(since.footing.told.len(), documents.n_files()) {
            return self.write_whole(documents, Resolution::new(&files, documents, threads)?);
        }
        let resolution = Resolution::of_changed(&files, documents, threads)?;
        since.documents.read_singly();
        let changes = paths.map(|path| change(path, &since.documents, documents)).collect::<Result<Vec<_>, _>>()?;
        match delta::write(documents, &resolution, &since.footing, &changes)? {
            Some(bytes) => Ok(Written::Delta(bytes, since.footing.key)),
            None => self.write_whole(documents, resolution),
        }
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

/// What became of a path.
pub fn change<F: Files, G: Files>(path: &[u8], before: &F, after: &G) -> Result<Change, IndexError> {
    let facts = |of: &dyn Source, file: Option<u32>| file.map_or(Ok(None), |file| of.facts(file));
    let (was, is) = (before.find(path), after.find(path));
    Ok(Change {
        path: text(path),
        existed: (was.is_some(), is.is_some()),
        before: facts(before, was)?,
        after: facts(after, is)?,
    })
}
