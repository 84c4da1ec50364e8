//! Many segments: fetch ranges, fan out, verify, rank, stop within a budget. Knows no HTTP and no SQL.
#![allow(unused_variables, reason = "contract stub")]

use crate::id::{ObjectId, RepositoryId, TenantId};
use crate::query::Query;
use crate::store::{Store, StoreError};

/// A repository the asker may see; whoever calls has checked that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visible {
    /// Its id.
    pub id: RepositoryId,
    /// `owner/name`, for `repo:` and for answers.
    pub name: String,
}

/// What to search and how much of the answer is wanted.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// Whose index.
    pub tenant: TenantId,
    /// Repositories the asker may see; others are as if they did not exist.
    pub visible: Vec<Visible>,
    /// What is asked.
    pub query: Query,
    /// Lines wanted; `None`: all of them.
    pub limit: Option<usize>,
}

/// Answers queries from the object store. Cheap to clone; shared by all requests of a process.
#[derive(Clone, Debug)]
pub struct Searcher {
    store: Store,
}

impl Searcher {
    /// A searcher over `store`, holding at most `cache_bytes` of immutable data in memory.
    pub fn new(store: Store, cache_bytes: u64) -> Self {
        unimplemented!()
    }
    /// Runs a query. The answer is exact: every line was verified against its content.
    pub async fn search(&self, request: &SearchRequest) -> Result<SearchResult, SearchError> {
        unimplemented!()
    }
}

/// One file with matching lines (or, for a query without text, none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMatch {
    /// Which repository.
    pub repository: RepositoryId,
    /// `owner/name`.
    pub repository_name: String,
    /// Ref the snapshot belongs to, and its commit.
    pub ref_name: String,
    /// The commit.
    pub commit: ObjectId,
    /// Path as in the commit.
    pub path: Vec<u8>,
    /// Language of the entry.
    pub language: crate::text::Language,
    /// Matching lines in order.
    pub lines: Vec<LineMatch>,
}

/// One matching line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineMatch {
    /// 1-based.
    pub line: u64,
    /// 1-based, in code points, of the first match.
    pub column: u64,
    /// First match in the file.
    pub byte_start: u64,
    /// End of the first match in the file.
    pub byte_end: u64,
    /// The line without its terminator, cut to 4 KiB round the match.
    pub text: Vec<u8>,
    /// Whether `text` is cut.
    pub cut: bool,
    /// All matches, byte offsets in `text`.
    pub ranges: Vec<std::ops::Range<u32>>,
}

/// Counts that do not depend on the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchStats {
    /// Sequential waves of reads.
    pub round_trips: u32,
    /// Reads sent to the store.
    pub gets: u32,
    /// Bytes read from the store.
    pub bytes: u64,
    /// Reads answered from memory.
    pub cache_hits: u32,
    /// Documents that the postings could not rule out.
    pub candidates: u32,
    /// Documents whose content was searched.
    pub verified: u32,
}

/// The answer to a [`SearchRequest`].
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
