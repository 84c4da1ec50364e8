//! Why a question about a commit has no answer.

use crate::search::answer::SearchError;
use crate::search::relations::RelationsError;
use crate::store::{SkipReason, StoreError};

/// Why a question about a commit has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The repository has no commit in the index.
    #[error("nothing of `{0}` is indexed yet: ask again when its first job is done")]
    NotIndexed(String),
    /// No such ref or commit is in the index.
    #[error(
        "`{asked}` is no indexed branch, tag or commit of `{repository}`: its `snapshots` are those that there are; a \
         commit is named by 40 digits, or by the first seven or more that no other commit begins with"
    )]
    NoCommit {
        /// `owner/name`.
        repository: String,
        /// What was asked for.
        asked: String,
    },
    /// The commit has no such file.
    #[error(
        "there is no file `{0}` in this commit: give its path from the root of the repository, or look at its tree"
    )]
    NoFile(String),
    /// The commit has no such folder.
    #[error("there is no folder `{0}` in this commit: give its path from the root of the repository")]
    NoFolder(String),
    /// A path is that of a folder.
    #[error("`{0}` is a folder: ask for its tree, or for a file in it")]
    IsFolder(String),
    /// A file has fewer lines.
    #[error("`{path}` has {n_lines} lines: line {asked} is behind them")]
    NoLine {
        /// The file.
        path: String,
        /// Its lines.
        n_lines: u64,
        /// The first line that was asked for.
        asked: u64,
    },
    /// The commit has the file, and the index has not.
    #[error("`{path}` is not in the index: {}", .reason.sentence())]
    LeftOut {
        /// The file.
        path: String,
        /// Why.
        reason: SkipReason,
    },
    /// The commit has no graph.
    #[error(
        "there is no graph of this commit, which this needs: graphs are kept for the tips of tracked refs, so leave `ref` out"
    )]
    NoGraph,
    /// HEAD is too old, or the store failed.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The graph cannot answer.
    #[error(transparent)]
    Relations(RelationsError),
}

impl CommitError {
    /// Whether an object is gone that a root has named.
    pub(super) fn is_gone(&self) -> bool {
        let store = match self {
            Self::Search(SearchError::Store(error))
            | Self::Relations(RelationsError::Store(error) | RelationsError::Search(SearchError::Store(error))) => {
                error
            }
            _ => return false,
        };
        matches!(store, StoreError::NotFound(_))
    }
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Search(error.into())
    }
}

impl From<RelationsError> for CommitError {
    fn from(error: RelationsError) -> Self {
        match error {
            RelationsError::NoFile(path) => Self::NoFile(path),
            other => Self::Relations(other),
        }
    }
}
