//! The document table as it lies in memory, for a reader that lives for one query: a row is read where it is mapped, and
//! nothing is decoded.
//!
//! Little-endian: number of documents (4 bytes), length of all frames (8); of each document, where its frame ends (8), length
//! of its text (4), language (2). Derived from a segment, and no part of its format.

use std::ops::Range;

use bytes::Bytes;

use super::documents::Documents;
use super::error::{SegmentError, corrupt};
use super::{DocId, MAX_DOCS};
use crate::text::Language;

const HEADER: usize = 4 + 8;
const ROW: usize = 8 + 4 + 2;

/// A table of rows.
#[derive(Debug)]
pub(super) struct FlatDocuments {
    n_docs: u32,
    content_len: u64,
    rows: Bytes,
}

/// A document of it.
#[derive(Clone, Copy, Debug)]
struct Row<'a>(&'a [u8; ROW]);

impl FlatDocuments {
    /// The bytes of a table.
    pub(super) fn write(documents: &Documents) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + documents.n_docs() as usize * ROW);
        out.extend(documents.n_docs().to_le_bytes());
        out.extend(documents.content_len().to_le_bytes());
        for doc in 0..documents.n_docs() {
            out.extend(documents.frame(doc).unwrap_or_default().end.to_le_bytes());
            out.extend(documents.text_len(doc).unwrap_or_default().to_le_bytes());
            out.extend(documents.language(doc).unwrap_or(Language::TEXT).0.to_le_bytes());
        }
        out
    }

    /// The table of a file with `content_len` bytes of content.
    pub(super) fn open(bytes: &Bytes, content_len: u64) -> Result<Self, SegmentError> {
        let refuse = || corrupt("documents", "the flat table is of another segment");
        let header = bytes.first_chunk::<HEADER>().ok_or_else(refuse)?;
        let (n_docs, len) = header.split_at(4);
        let n_docs = u32::from_le_bytes(n_docs.try_into().expect("split off above"));
        let rows = bytes.slice(HEADER..);
        let fits = n_docs <= MAX_DOCS && rows.len() == n_docs as usize * ROW && *len == content_len.to_le_bytes();
        if fits { Ok(Self { n_docs, content_len, rows }) } else { Err(refuse()) }
    }

    /// Documents in the segment.
    pub(super) fn n_docs(&self) -> u32 {
        self.n_docs
    }

    /// Bytes of all frames.
    pub(super) fn content_len(&self) -> u64 {
        self.content_len
    }

    /// Length of a document's text.
    pub(super) fn text_len(&self, doc: DocId) -> Option<u32> {
        self.row(doc).map(Row::text_len)
    }

    /// Where a document's frame is in the content.
    pub(super) fn frame(&self, doc: DocId) -> Option<Range<u64>> {
        let end = self.row(doc)?.frame_end();
        let start = doc.checked_sub(1).and_then(|before| self.row(before)).map_or(0, Row::frame_end);
        (start <= end && end <= self.content_len).then_some(start..end)
    }

    /// A document's language.
    pub(super) fn language(&self, doc: DocId) -> Option<Language> {
        self.row(doc).map(Row::language)
    }

    fn row(&self, doc: DocId) -> Option<Row<'_>> {
        self.rows.get(doc as usize * ROW..)?.first_chunk().map(Row)
    }
}

impl Row<'_> {
    fn frame_end(self) -> u64 {
        u64::from_le_bytes(self.0[..8].try_into().expect("a row has 14 bytes"))
    }

    fn text_len(self) -> u32 {
        u32::from_le_bytes(self.0[8..12].try_into().expect("a row has 14 bytes"))
    }

    fn language(self) -> Language {
        Language(u16::from_le_bytes([self.0[12], self.0[13]]))
    }
}
