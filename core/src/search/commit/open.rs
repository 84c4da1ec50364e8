//! A commit, opened: reads its snapshot, texts and graph.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future;

use super::choose::choose;
use super::{CommitError, CommitRequest, CommitState};
use crate::search::answer::{SearchError, SearchStats};
use crate::search::cache::OpenSegment;
use crate::search::reader::Reader;
use crate::search::relations::StoredGraph;
use crate::search::request::Visible;
use crate::search::texts;
use crate::store::{Entry, Kind, Root, Snapshot, StoreError};

/// A commit of a repository, opened for one question.
#[derive(Debug)]
pub struct OpenCommit<'a> {
    reader: Arc<Reader<'a>>,
    root: Arc<Root>,
    repository: Visible,
    state: CommitState,
}

impl<'a> OpenCommit<'a> {
    /// Reads which commit it is: HEAD, and the refs object where another than the default branch is asked for.
    pub(super) async fn open(reader: Arc<Reader<'a>>, request: &CommitRequest) -> Result<Self, CommitError> {
        let root = reader.head(request.min_version).await?;
        if let Some(wanted) = request.min_version.filter(|wanted| root.version < *wanted) {
            return Err(SearchError::Behind { found: root.version, wanted }.into());
        }
        let state = choose(&reader, &root, request).await?;
        Ok(Self { reader, root, repository: request.repository.clone(), state })
    }

    /// Which commit it is.
    pub fn state(&self) -> &CommitState {
        &self.state
    }

    /// The same, and whether symbols of its files are still to come; what the question has not read of its segments is read.
    pub async fn symbol_state(&self) -> Result<CommitState, CommitError> {
        let snapshot = self.snapshot().await?;
        let is_pending = self.segments(&snapshot).await?.iter().any(|open| open.segment.is_pending());
        Ok(CommitState { is_pending, ..self.state.clone() })
    }

    /// What it took so far.
    pub fn stats(&self) -> SearchStats {
        self.reader.stats()
    }

    /// Its graph; `None`: it has none.
    pub async fn graph(&self) -> Result<Option<StoredGraph<'a>>, CommitError> {
        let tip = self.state.tip(None);
        let graph = StoredGraph::open(&self.reader, &self.root, &tip).await?;
        Ok(graph.map(|graph| graph.of_ref(&self.repository, &self.state.ref_name)))
    }

    /// Its files.
    pub(super) async fn snapshot(&self) -> Result<Arc<Snapshot>, CommitError> {
        let CommitState { snapshot: key, commit, .. } = self.state;
        let snapshot = self.reader.wave(self.reader.snapshot(key)).await?;
        if snapshot.commit != commit {
            let what = format!("is of commit {}, and its ref is at {commit}", snapshot.commit);
            return Err(self.reader.corrupt(Kind::Snapshot, key, &what).into());
        }
        Ok(snapshot)
    }

    /// The segment that an entry of the snapshot is in.
    pub(super) async fn segment(
        &self,
        snapshot: &Snapshot,
        entry: &Entry<'_>,
    ) -> Result<Arc<OpenSegment>, CommitError> {
        let key = snapshot.segments.get(entry.segment as usize).copied();
        let key = key.ok_or_else(|| self.reader.corrupt(Kind::Snapshot, self.state.snapshot, "names no segment"))?;
        Ok(self.reader.wave(texts::open(&self.reader, &self.root, key)).await?)
    }

    /// The text of an entry, and what else of its segment is read with it.
    pub(super) async fn text_and(
        &self,
        open: &OpenSegment,
        entry: &Entry<'_>,
        more: Option<Range<u64>>,
    ) -> Result<(Bytes, Option<Bytes>), CommitError> {
        let docs = [entry.doc];
        let read = async {
            let ranges: Vec<_> = more.into_iter().collect();
            let (texts, more) =
                future::try_join(texts::decoded(&self.reader, open, &docs), self.reader.ranges(open, &ranges)).await?;
            Ok::<_, StoreError>((texts.into_iter().next().unwrap_or_default(), more.into_iter().next()))
        };
        Ok(self.reader.wave(read).await?)
    }

    /// All segments of its files, in the order of the snapshot.
    pub(super) async fn segments(&self, snapshot: &Snapshot) -> Result<Vec<Arc<OpenSegment>>, CommitError> {
        let opened = snapshot.segments.iter().map(|key| texts::open(&self.reader, &self.root, *key));
        Ok(self.reader.wave(future::try_join_all(opened)).await?)
    }

    /// Another commit of the same repository, as the same root has it.
    pub(super) async fn other(&self, reference: &str) -> Result<Self, CommitError> {
        let repository = self.repository.clone();
        let reference = Some(reference.to_owned());
        let request = CommitRequest { reference, ..CommitRequest::new(self.state.tenant, repository.clone()) };
        let state = choose(&self.reader, &self.root, &request).await?;
        Ok(Self { reader: Arc::clone(&self.reader), root: Arc::clone(&self.root), repository, state })
    }

    /// The texts of paths; a path that is not there has none.
    pub(super) async fn texts(
        &self,
        snapshot: &Snapshot,
        paths: &[Vec<u8>],
    ) -> Result<HashMap<Vec<u8>, Bytes>, CommitError> {
        Ok(texts::of_paths(&self.reader, (&self.root, snapshot), paths).await?)
    }

    pub(super) fn repository(&self) -> &Visible {
        &self.repository
    }

    pub(super) fn reader(&self) -> &Reader<'a> {
        &self.reader
    }
}
