//! Floor 1, pure: one immutable index file. Bytes in, bytes out; who reads the ranges is not its business.
#![doc = include_str!("format.md")]

mod batch;
mod builder;
mod dictionary;
mod doc_set;
mod document;
mod documents;
mod error;
mod facts_table;
mod flat_documents;
mod frame;
mod layout;
mod lists;
mod merge;
mod meta;
mod names;
mod pfor;
mod postings;
mod reader;
mod runs;
mod sink;
mod spill;
mod writer;

#[cfg(test)]
mod code_tests;
#[cfg(test)]
mod tests;

pub use self::batch::Batch;
pub use self::builder::SegmentBuilder;
pub use self::dictionary::ListRef;
pub use self::doc_set::DocSet;
pub use self::document::{PreparedDocument, Scratch};
pub use self::error::SegmentError;
pub use self::facts_table::FactsFrame;
pub use self::lists::EncodedLists;
pub use self::merge::{MergeInput, ReadRange, Recompressor, merge_facts, merge_postings};
pub use self::names::{MAX_NAME, NameBlock, NameRow, NamesWriter, WordBlocks, merge_names, name_rows};
pub use self::reader::Segment;
pub use self::runs::Postings;
pub use self::spill::{Spill, Spills};
pub use self::writer::{FactsWriter, Frame, PostingsWriter, SegmentSummary, SegmentWriter};

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

impl Class {
    /// All classes, in their order.
    pub const ALL: [Self; 5] = [Self::Source, Self::Test, Self::Docs, Self::Generated, Self::Vendored];
}

/// Reads a section of a segment.
type Cursor<'a> = crate::cursor::Cursor<'a, SegmentError>;

/// A document's number inside its segment.
pub type DocId = u32;

/// Most documents that a segment holds.
pub const MAX_DOCS: u32 = 1 << 24;
/// Longest text of one document, in bytes. The indexer's own limit is lower; this one bounds what a reader allocates.
pub const MAX_TEXT_LEN: u32 = 1 << 26;
