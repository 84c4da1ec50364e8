//! Floor 1, pure: one immutable index file. Bytes in, bytes out; who reads the ranges is not its business.
#![doc = include_str!("format.md")]

mod accumulate;
mod builder;
mod cursor;
mod dictionary;
mod doc_set;
mod document;
mod documents;
mod error;
mod frame;
mod layout;
mod meta;
mod pfor;
mod postings;
mod reader;
mod sink;

#[cfg(test)]
mod tests;

pub use self::builder::{SegmentBuilder, SegmentSummary};
pub use self::dictionary::ListRef;
pub use self::doc_set::DocSet;
pub use self::document::{PreparedDocument, Scratch};
pub use self::error::SegmentError;
pub use self::reader::Segment;

/// What kind of file a path is, in the order in which results rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// Code that people wrote, and anything not below.
    Source = 0,
    /// Tests, benches, examples, fixtures.
    Test = 1,
    /// Prose.
    Docs = 2,
    /// `linguist-generated`, lock files, minified files.
    Generated = 3,
    /// `linguist-vendored`, `vendor/`, `third_party/`, `node_modules/`.
    Vendored = 4,
}

/// A document's number inside its segment.
pub type DocId = u32;

/// Most documents that a segment holds.
pub const MAX_DOCS: u32 = 1 << 24;
/// Longest text of one document, in bytes. The indexer's own limit is lower; this one bounds what a reader allocates.
pub const MAX_TEXT_LEN: u32 = 1 << 26;
