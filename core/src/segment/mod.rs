//! Floor 1, pure: one immutable index file. Bytes in, bytes out; who reads the ranges is not its business.
//! The byte layout is in `format.md`.
#![allow(unused_variables, reason = "contract stub")]

use std::io::Write;
use std::ops::Range;

use bytes::Bytes;

use crate::id::ObjectId;
use crate::text::{Language, Trigram};

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

/// Ascending document numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocSet(pub Vec<DocId>);

/// One (blob, language) ready to be added: compressed, its trigrams collected. Made in parallel, added in order.
#[derive(Debug)]
pub struct PreparedDocument {}

impl PreparedDocument {
    /// Compresses the content and collects its trigrams. `scratch` is reused between calls on one thread.
    pub fn new(blob: ObjectId, language: Language, content: &[u8], scratch: &mut Scratch) -> Result<Self, SegmentError> {
        unimplemented!()
    }
}

/// Per-thread working memory of [`PreparedDocument::new`].
#[derive(Debug, Default)]
pub struct Scratch {}

/// Writes one segment. Documents arrive in their final order (class, then path): a document's id is its rank.
#[derive(Debug)]
pub struct SegmentBuilder<W> {
    out: W,
}

/// What a finished segment is, for the root's segment table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSummary {
    /// Length of the file.
    pub bytes: u64,
    /// Length of the tail that [`Segment::open`] wants: dictionary, document table, meta, table of contents, trailer.
    pub hot_bytes: u64,
    /// Documents.
    pub n_docs: u32,
    /// Bytes of text before compression.
    pub text_bytes: u64,
    /// Bytes by section name, for `inspect` and the benches.
    pub sections: Vec<(&'static str, u64)>,
}

impl<W: Write> SegmentBuilder<W> {
    /// Starts a segment; content frames are written to `out` as documents come.
    pub fn new(out: W) -> Result<Self, SegmentError> {
        unimplemented!()
    }
    /// Adds the next document; its id is the number of documents before it.
    pub fn add(&mut self, document: PreparedDocument) -> Result<DocId, SegmentError> {
        unimplemented!()
    }
    /// Documents so far.
    pub fn n_docs(&self) -> u32 {
        unimplemented!()
    }
    /// Bytes of text so far.
    pub fn text_bytes(&self) -> u64 {
        unimplemented!()
    }
    /// Writes postings, dictionary, tables and trailer; gives the writer back.
    pub fn finish(self) -> Result<(W, SegmentSummary), SegmentError> {
        unimplemented!()
    }
}

/// Where one trigram's postings are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListRef {
    /// One document, written in the dictionary itself: nothing to read.
    Inline(DocId),
    /// A list in the postings section.
    Stored {
        /// Bytes in the file.
        range: Range<u64>,
        /// Documents in the list.
        count: u32,
    },
}

/// The opened tail of a segment: says which ranges hold what and decodes them.
#[derive(Debug)]
pub struct Segment {}

impl Segment {
    /// Length of the fixed trailer, the last bytes of every segment.
    pub const TRAILER_LEN: u64 = 64;

    /// From the trailer alone, the range that [`Segment::open`] wants (for a reader that has no root entry).
    pub fn hot_range(trailer: &[u8], file_len: u64) -> Result<Range<u64>, SegmentError> {
        unimplemented!()
    }
    /// Opens the hot tail of a file of `file_len` bytes. Checks magic, versions and checksums of what it is given.
    pub fn open(hot: Bytes, file_len: u64) -> Result<Self, SegmentError> {
        unimplemented!()
    }
    /// Documents in the segment.
    pub fn n_docs(&self) -> u32 {
        unimplemented!()
    }
    /// Text version of the builder, to tell whether its documents are held.
    pub fn text_version(&self) -> u32 {
        unimplemented!()
    }
    /// Where the postings of `trigram` are; `None`: no document has it.
    pub fn list(&self, trigram: Trigram) -> Result<Option<ListRef>, SegmentError> {
        unimplemented!()
    }
    /// Decodes the bytes of a stored list's range (or nothing, for an inline one).
    pub fn decode_list(&self, list: &ListRef, bytes: &[u8]) -> Result<DocSet, SegmentError> {
        unimplemented!()
    }
    /// Where the content frame of a document is.
    pub fn frame_range(&self, doc: DocId) -> Range<u64> {
        unimplemented!()
    }
    /// Checks and decompresses a content frame.
    pub fn decode_frame(&self, doc: DocId, bytes: &[u8]) -> Result<Vec<u8>, SegmentError> {
        unimplemented!()
    }
    /// Length of a document's text.
    pub fn text_len(&self, doc: DocId) -> u64 {
        unimplemented!()
    }
    /// Language of a document as indexed (the snapshot entry says the same).
    pub fn language(&self, doc: DocId) -> Language {
        unimplemented!()
    }
    /// Where the blob ids are (not in the hot tail: only the indexer asks).
    pub fn blobs_range(&self) -> Range<u64> {
        unimplemented!()
    }
    /// Decodes the blob ids, by document.
    pub fn decode_blobs(&self, bytes: &[u8]) -> Result<Vec<ObjectId>, SegmentError> {
        unimplemented!()
    }
}

/// Why a segment cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The bytes are not what the format says; nothing read from them may be used.
    #[error("segment is corrupt: {what}")]
    Corrupt {
        /// Section and what is wrong with it.
        what: String,
    },
    /// Written by a newer KotaDB.
    #[error("segment format {found} is newer than this program reads ({supported}): upgrade KotaDB")]
    TooNew {
        /// Version the file requires of its readers.
        found: u16,
        /// Newest version this program reads.
        supported: u16,
    },
    /// A limit of the format (documents, lengths).
    #[error("segment limit exceeded: {0}")]
    Limit(&'static str),
    /// The sink refused.
    #[error("cannot write segment: {0}")]
    Write(#[from] std::io::Error),
}
