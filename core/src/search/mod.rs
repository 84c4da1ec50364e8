//! Many segments: fetch ranges, fan out, verify, rank, stop within a budget. Knows no HTTP and no SQL.
//!
//! A search is a few sequential waves of reads: HEAD (and refs objects, where refs are named), then snapshots and the hot
//! tails of segments, then posting lists, then content in rank order until enough is found. What is immutable is kept in
//! memory within a budget.

mod answer;
mod budget;
mod cache;
mod candidates;
pub mod commit;
mod cursor;
mod definitions;
mod facets;
mod flights;
mod head;
mod hidden;
mod layers;
mod lines;
mod lists;
mod named;
mod near_lists;
mod near_names;
mod open;
mod overlay;
mod page;
mod pin;
mod prune;
mod rank_set;
mod reader;
pub mod relations;
mod request;
mod searcher;
mod spread;
mod symbols;
mod targets;
mod texts;
mod verify;
mod waves;
mod weight;
mod workers;

pub use self::answer::{Around, FileMatch, Hidden, SearchError, SearchResult, SearchStats, StopReason, Totals};
pub use self::cursor::{CursorError, SearchCursor};
pub use self::facets::Facets;
pub use self::near_names::NearNames;
pub use self::overlay::{Overlay, OverlayFile};
pub use self::request::{Budget, Context, Page, SearchRequest, Visible};
pub use self::searcher::Searcher;
pub use self::symbols::{NameMatch, SymbolAnswer, SymbolHit, SymbolRequest, symbol_id};
pub use self::targets::AHEAD;
pub use crate::query::{LineMatch, Score};
