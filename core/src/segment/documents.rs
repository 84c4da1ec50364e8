//! The document table: what a reader must know of every document before it asks for content.

use std::ops::Range;

use super::cursor::{Cursor, put_varint};
use super::document::PreparedDocument;
use super::error::SegmentError;
use super::{DocId, MAX_DOCS, MAX_TEXT_LEN};
use crate::text::Language;

const SECTION: &str = "documents";

/// Collects the columns of the table.
#[derive(Debug, Default)]
pub(super) struct DocumentsEncoder {
    n_docs: u32,
    text_lens: Vec<u8>,
    frame_lens: Vec<u8>,
    languages: Vec<u8>,
}

impl DocumentsEncoder {
    /// Appends a document; its number.
    pub(super) fn add(&mut self, document: &PreparedDocument) -> Result<DocId, SegmentError> {
        if self.n_docs == MAX_DOCS {
            return Err(SegmentError::Limit("a segment has more than 16,777,216 documents"));
        }
        put_varint(&mut self.text_lens, document.text_len);
        put_varint(&mut self.frame_lens, document.frame.len() as u32);
        put_varint(&mut self.languages, u32::from(document.language.0));
        self.n_docs += 1;
        Ok(self.n_docs - 1)
    }

    /// Documents so far.
    pub(super) fn n_docs(&self) -> u32 {
        self.n_docs
    }

    /// The section.
    pub(super) fn finish(self) -> Vec<u8> {
        [&self.n_docs.to_le_bytes(), &self.text_lens[..], &self.frame_lens, &self.languages].concat()
    }
}

/// A table that was read.
#[derive(Debug)]
pub(super) struct Documents {
    text_lens: Vec<u32>,
    /// Where each frame ends, from the start of the content.
    frame_ends: Vec<u64>,
    languages: Vec<Language>,
}

impl Documents {
    /// Reads a section.
    pub(super) fn open(section: &[u8]) -> Result<Self, SegmentError> {
        let mut cursor = Cursor::new(SECTION, section);
        let n_docs = cursor.u32()?;
        if n_docs > MAX_DOCS || n_docs as usize > cursor.remaining() / 3 {
            return Err(cursor.error("counts more documents than it lists"));
        }
        let text_lens = column(&mut cursor, n_docs, |len| (len <= MAX_TEXT_LEN).then_some(len))?;
        let mut end = 0;
        let frame_ends = column(&mut cursor, n_docs, |len| {
            end += u64::from(len);
            Some(end)
        })?;
        let languages = column(&mut cursor, n_docs, |number| u16::try_from(number).ok().map(Language))?;
        cursor.finish()?;
        Ok(Self { text_lens, frame_ends, languages })
    }

    /// Documents in the segment.
    pub(super) fn n_docs(&self) -> u32 {
        self.text_lens.len() as u32
    }

    /// Bytes of all frames.
    pub(super) fn content_len(&self) -> u64 {
        self.frame_ends.last().copied().unwrap_or(0)
    }

    /// Length of a document's text; `None`: there is no such document.
    pub(super) fn text_len(&self, doc: DocId) -> Option<u32> {
        self.text_lens.get(doc as usize).copied()
    }

    /// Where a document's frame is in the content.
    pub(super) fn frame(&self, doc: DocId) -> Option<Range<u64>> {
        let end = *self.frame_ends.get(doc as usize)?;
        let start = (doc as usize).checked_sub(1).map_or(0, |before| self.frame_ends[before]);
        Some(start..end)
    }

    /// A document's language.
    pub(super) fn language(&self, doc: DocId) -> Option<Language> {
        self.languages.get(doc as usize).copied()
    }
}

fn column<T>(
    cursor: &mut Cursor<'_>,
    n_docs: u32,
    mut value: impl FnMut(u32) -> Option<T>,
) -> Result<Vec<T>, SegmentError> {
    let mut values = Vec::with_capacity(n_docs as usize);
    for _ in 0..n_docs {
        values.push(value(cursor.varint()?).ok_or_else(|| cursor.error("has a number out of range"))?);
    }
    Ok(values)
}
