//! What a search answers, before it gets the shape of the wire.

use crate::id::{ObjectId, RepositoryId};
use crate::query::{CompileError, LineMatch};
use crate::store::StoreError;
use crate::text::Language;

/// One file with matching lines (or, for a query without text, none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMatch {
    /// Which repository.
    pub repository: RepositoryId,
    /// `owner/name`.
    pub repository_name: String,
    /// Full name of the ref that the snapshot belongs to.
    pub ref_name: String,
    /// Further searched refs at the same snapshot.
    pub other_refs: Vec<String>,
    /// The commit.
    pub commit: ObjectId,
    /// Path as in the commit.
    pub path: Vec<u8>,
    /// Language of the entry.
    pub language: Language,
    /// Matching lines in order.
    pub lines: Vec<LineMatch>,
}

/// Counts that do not depend on the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchStats {
    /// Sequential waves of reads.
    pub round_trips: u32,
    /// Reads sent to the store.
    pub gets: u32,
    /// Bytes read from the store, HEAD apart.
    pub bytes: u64,
    /// Reads answered from memory.
    pub cache_hits: u32,
    /// Files whose content decides: neither the postings nor path and language could rule them out.
    pub candidates: u32,
    /// Documents whose content was searched.
    pub verified: u32,
}

/// The answer to a [`SearchRequest`](super::SearchRequest).
#[derive(Clone, Debug)]
pub struct SearchResult {
    /// Files in rank order: class, then repository, then path.
    pub files: Vec<FileMatch>,
    /// Matching lines in `files`.
    pub n_matches: u64,
    /// Files matching (in `files`).
    pub n_files: u64,
    /// Paths that the searched snapshots leave out of the index.
    pub n_skipped: u64,
    /// Whether every match is in `files` (`false`: the limit stopped the search).
    pub complete: bool,
    /// The commit, where just one was searched.
    pub commit: Option<ObjectId>,
    /// The root version that was searched.
    pub root_version: u64,
    /// Counts.
    pub stats: SearchStats,
}

/// Why a search gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The query cannot run (a regex that is too large, a pattern that matches line ends).
    #[error("{0}")]
    Query(String),
    /// The store failed or holds something corrupt.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CompileError> for SearchError {
    fn from(error: CompileError) -> Self {
        Self::Query(error.to_string())
    }
}
