//! Many segments: fetch ranges, fan out, verify, rank, stop within a budget. Knows no HTTP and no SQL.
//!
//! A search is a few sequential waves of reads: HEAD (and refs objects, where refs are named), then snapshots and the hot
//! tails of segments, then posting lists, then content in rank order until enough is found. What is immutable is kept in
//! memory within a budget.

mod answer;
mod cache;
mod candidates;
mod reader;
mod request;
mod searcher;
mod targets;
mod verify;

pub use self::answer::{FileMatch, SearchError, SearchResult, SearchStats};
pub use self::request::{SearchRequest, Visible};
pub use self::searcher::Searcher;
pub use crate::query::LineMatch;
