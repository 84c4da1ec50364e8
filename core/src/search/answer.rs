//! What a search answers, before it gets the shape of the wire.

use super::cursor::{CursorError, SearchCursor};
use super::facets::Facets;
use super::near_names::NearNames;
use crate::id::{ObjectId, RepositoryId};
use crate::query::{CompileError, LineMatch, Score};
use crate::segment::{Class, NameRow};
use crate::store::StoreError;
use crate::text::Language;

/// One file with matching lines (or, for a query without text, none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMatch {
    /// Which repository.
    pub repository: RepositoryId,
    /// `owner/name`.
    pub repository_name: String,
    /// Full names of the searched refs that have this hit: the same text under the same path. At least one.
    pub refs: Vec<String>,
    /// The commit of the first of `refs`.
    pub commit: ObjectId,
    /// Path as in the commit.
    pub path: Vec<u8>,
    /// Class of the path.
    pub class: Class,
    /// Language of the entry.
    pub language: Language,
    /// Where an explanation was asked for: what ranks the file among those of its batch.
    pub score: Option<Score>,
    /// Matching lines in order; a page may begin or end within them.
    pub lines: Vec<LineMatch>,
    /// Where context was asked for: what is around each of `lines`.
    pub around: Vec<Around>,
    /// Where symbols are asked for: those that `lines` define.
    pub symbols: Vec<NameRow>,
}

/// The lines around a matching one, without their terminators, each cut to 4 KiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// Those before it, in order.
    pub before: Vec<Vec<u8>>,
    /// Those after it, in order.
    pub after: Vec<Vec<u8>>,
}

/// How many matches there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Matching files.
    pub files: u64,
    /// Matching lines.
    pub lines: u64,
    /// Whether these are the numbers, or only those of the matches that the search came across.
    pub exact: bool,
}

/// Files that match but are left out of answer and totals, since nobody asked for such files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Generated ones.
    pub generated: u64,
    /// Vendored ones.
    pub vendored: u64,
    /// Whether these are the numbers, or the most there can be.
    pub exact: bool,
}

/// Why an answer ends before the last match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The page is full.
    Limit,
    /// The deadline passed.
    Deadline,
    /// As many bytes were read as may be.
    Bytes,
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
    /// Files whose content decides: neither the postings, nor path and language, nor a sketch could rule them out.
    pub candidates: u32,
    /// Documents whose content was searched.
    pub verified: u32,
}

/// The answer to a [`SearchRequest`](super::SearchRequest).
#[derive(Clone, Debug)]
pub struct SearchResult {
    /// The files of the page, in answer order.
    pub files: Vec<FileMatch>,
    /// How many matches there are on all pages.
    pub totals: Totals,
    /// What is left out because of its class; `None`: the time was over before anything was known of that.
    pub hidden: Option<Hidden>,
    /// Where facets were asked for.
    pub facets: Option<Facets>,
    /// Whether symbols are asked for and those of some files are still to come: another version of the indexer saw them.
    pub pending: bool,
    /// Where nothing matches: names near those that are asked for and no symbol has.
    pub near: Vec<NearNames>,
    /// Refs that were searched: none, where no repository that may be seen has what was asked for.
    pub n_refs: u64,
    /// Paths that the snapshots which had to be opened leave out of the index.
    pub n_skipped: u64,
    /// Whether no match comes after this page.
    pub complete: bool,
    /// If not: why.
    pub reason: Option<StopReason>,
    /// Where the next page begins; of an incomplete answer `None` if the time was over before the first page began.
    pub next: Option<SearchCursor>,
    /// The commit, where just one was searched.
    pub commit: Option<ObjectId>,
    /// The root version that was searched; 0 where there is none, or was none in time.
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
    /// HEAD, or the root that the cursor pins, is older than was asked for.
    #[error(
        "the index is at version {found} and not yet at {wanted}: ask again when the job that publishes it is done"
    )]
    Behind {
        /// The version that there is.
        found: u64,
        /// The version that was asked for.
        wanted: u64,
    },
    /// One file takes longer than the search may.
    #[error(
        "there is no time to search `{path}` ({bytes} bytes): repeat less in the regex, or leave the file out with `-path:`"
    )]
    TooSlow {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// The page cannot be continued.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The store failed or holds something corrupt.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CompileError> for SearchError {
    fn from(error: CompileError) -> Self {
        Self::Query(error.to_string())
    }
}
