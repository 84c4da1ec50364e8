//! What has changed since another commit, as lines of the commit that is asked: documents are compared by name, and of those
//! that differ the texts. At most 500 files are looked at.

use super::{CommitError, OpenCommit};
use crate::search::relations::ChangedFile;
use crate::text::changed_lines;

/// Files that differ and are looked at.
const MOST_FILES: usize = 500;

/// What has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Since {
    /// Files that are there, with the lines that were not.
    pub(super) files: Vec<ChangedFile>,
    /// Files that are gone.
    pub(super) gone: Vec<Vec<u8>>,
    /// More files differ.
    pub(super) truncated: bool,
}

/// Compares a commit with another of its repository.
pub(super) async fn since(commit: &OpenCommit<'_>, reference: &str) -> Result<Since, CommitError> {
    let before = commit.other(reference).await?;
    let (old, new) = (before.snapshot().await?, commit.snapshot().await?);
    let key = |snapshot: &crate::store::Snapshot, segment: u32| snapshot.segments.get(segment as usize).copied();
    let mut differing = Vec::new();
    for entry in new.entries() {
        let same = old
            .find(entry.path)
            .map(|nth| old.entry(nth))
            .filter(|other| key(&old, other.segment) == key(&new, entry.segment) && other.doc == entry.doc);
        if same.is_none() {
            differing.push(entry.path.to_vec());
        }
    }
    let gone = old.entries().filter(|entry| new.find(entry.path).is_none()).map(|entry| entry.path.to_vec()).collect();
    let truncated = differing.len() > MOST_FILES;
    differing.truncate(MOST_FILES);
    let (before, after) = (before.texts(&old, &differing).await?, commit.texts(&new, &differing).await?);
    let none = bytes::Bytes::new();
    let changed = |path: Vec<u8>| {
        let (before, after) = (before.get(&path).unwrap_or(&none), after.get(&path).unwrap_or(&none));
        // The same text may be a document of two segments.
        let lines = changed_lines(before, after);
        (!lines.is_empty()).then_some(ChangedFile { path, lines })
    };
    Ok(Since { files: differing.into_iter().filter_map(changed).collect(), gone, truncated })
}
