//! What of a working tree, or of an indexed commit, is not as in another commit: lines of files, for `kotadb impact --since`.

use std::collections::HashMap;

use git2::{ObjectType, Oid, Repository};
use kotadb_core::search::relations::ChangedFile;
use kotadb_core::text::{changed_lines, is_binary};

use super::{LocalCode, LocalError, LocalIndex, index};
use crate::limits::MAX_BLOB_BYTES;
use crate::tree;

/// What has changed since a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Files that are there, with the lines that were not.
    pub files: Vec<ChangedFile>,
    /// Files that are gone.
    pub gone: Vec<Vec<u8>>,
}

impl LocalIndex {
    /// Compares what `code` has with a branch, tag or commit, which need not be indexed.
    pub fn since(&self, code: &LocalCode, reference: &str) -> Result<Since, LocalError> {
        let repository = self.place.repository.as_ref().ok_or(LocalError::NoCommit)?;
        let commit = index::resolve(repository, reference)?.1;
        let listing = tree::list(repository, commit)?;
        let mut before: HashMap<&[u8], Oid> =
            listing.files.iter().map(|file| (file.path.as_slice(), tree::oid(file.blob))).collect();
        let mut since = Since::default();
        for (path, text) in code.texts() {
            let (text, before) = (text?, before.remove(path));
            let is_same = |before| Oid::hash_object(ObjectType::Blob, &text).is_ok_and(|now| now == before);
            if before.is_some_and(is_same) {
                continue;
            }
            let before = before.and_then(|before| repository.find_blob(before).ok());
            let lines = changed_lines(before.as_ref().map_or(&[], |blob| blob.content()), &text);
            if !lines.is_empty() {
                since.files.push(ChangedFile { path: path.to_vec(), lines });
            }
        }
        // What would have been in no index is not gone from it.
        let gone = before.into_iter().filter(|(_, blob)| is_indexed(repository, *blob));
        since.gone = gone.map(|(path, _)| path.to_vec()).collect();
        since.gone.sort();
        Ok(since)
    }
}

fn is_indexed(repository: &Repository, blob: Oid) -> bool {
    let is_text = |blob: git2::Blob<'_>| blob.size() as u64 <= MAX_BLOB_BYTES && !is_binary(blob.content());
    repository.find_blob(blob).is_ok_and(is_text)
}
