//! The document table: what a reader must know of every document before it asks for content.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;

use super::Cursor;
use super::error::SegmentError;
use super::flat_documents::FlatDocuments;
use super::writer::Frame;
use super::{DocId, MAX_DOCS, MAX_TEXT_LEN};
use crate::cursor::put_varint;
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
    pub(super) fn add(&mut self, document: &Frame<'_>) -> Result<DocId, SegmentError> {
        if self.n_docs == MAX_DOCS {
            return Err(SegmentError::Limit("a segment has more than 16,777,216 documents"));
        }
        put_varint(&mut self.text_lens, document.text_len);
        put_varint(&mut self.frame_lens, document.bytes.len() as u32);
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

/// A table that was read. Its columns are decoded when the first number of them is asked for: a search wants few of
/// them, and often no document at all.
#[derive(Debug)]
pub(super) struct Documents {
    n_docs: u32,
    /// Bytes of all frames, as the file says.
    content_len: u64,
    /// The same numbers, to be read where they lie; the columns are empty then.
    flat: Option<FlatDocuments>,
    columns: [Bytes; 3],
    text_lens: OnceLock<Vec<u32>>,
    /// Where each frame ends, from the start of the content.
    frame_ends: OnceLock<Vec<u64>>,
    languages: OnceLock<Vec<Language>>,
}

impl Documents {
    /// Reads a section of a file with `content_len` bytes of content.
    ///
    /// Only the number of numbers is checked. The section has passed its checksum, so a number out of range was written
    /// as one: every document of such a column is then one that is not there.
    pub(super) fn open(section: &Bytes, content_len: u64) -> Result<Self, SegmentError> {
        let mut cursor = Cursor::new(SECTION, section);
        let n_docs = cursor.u32()?;
        if n_docs > MAX_DOCS || n_docs as usize > cursor.remaining() / 3 {
            return Err(cursor.error("counts more documents than it lists"));
        }
        let mut rest = section.slice(section.len() - cursor.remaining()..);
        let mut next = || -> Result<Bytes, SegmentError> {
            let len = column_len(&rest, n_docs as usize).ok_or_else(|| cursor.error("ends too early"))?;
            Ok(rest.split_to(len))
        };
        let columns = [next()?, next()?, next()?];
        if !rest.is_empty() {
            return Err(cursor.error("has bytes left over"));
        }
        Ok(Self { columns, ..Self::without_columns(n_docs, content_len) })
    }

    /// A table that needs no decoding.
    pub(super) fn flat(table: FlatDocuments) -> Self {
        let without = Self::without_columns(table.n_docs(), table.content_len());
        Self { flat: Some(table), ..without }
    }

    fn without_columns(n_docs: u32, content_len: u64) -> Self {
        let (flat, columns, text_lens, frame_ends, languages) = <_>::default();
        Self { n_docs, content_len, flat, columns, text_lens, frame_ends, languages }
    }

    /// Documents in the segment.
    pub(super) fn n_docs(&self) -> u32 {
        self.n_docs
    }

    /// Bytes of all frames.
    pub(super) fn content_len(&self) -> u64 {
        self.content_len
    }

    /// Bytes of the columns, once decoded.
    pub(super) fn decoded_bytes(&self) -> u64 {
        if self.flat.is_some() {
            return 0;
        }
        let row = size_of::<u32>() + size_of::<u64>() + size_of::<Language>();
        u64::from(self.n_docs) * row as u64
    }

    /// Length of a document's text; `None`: there is no such document.
    pub(super) fn text_len(&self, doc: DocId) -> Option<u32> {
        if let Some(flat) = &self.flat {
            return flat.text_len(doc);
        }
        let lens = self.text_lens.get_or_init(|| self.column(0, |len| (len <= MAX_TEXT_LEN).then_some(len)));
        lens.get(doc as usize).copied()
    }

    /// Where a document's frame is in the content.
    pub(super) fn frame(&self, doc: DocId) -> Option<Range<u64>> {
        if let Some(flat) = &self.flat {
            return flat.frame(doc);
        }
        let ends = self.frame_ends.get_or_init(|| self.decode_frame_ends());
        let end = *ends.get(doc as usize)?;
        let start = (doc as usize).checked_sub(1).map_or(0, |before| ends[before]);
        Some(start..end)
    }

    /// A document's language.
    pub(super) fn language(&self, doc: DocId) -> Option<Language> {
        if let Some(flat) = &self.flat {
            return flat.language(doc);
        }
        let languages =
            self.languages.get_or_init(|| self.column(2, |number| u16::try_from(number).ok().map(Language)));
        languages.get(doc as usize).copied()
    }

    fn decode_frame_ends(&self) -> Vec<u64> {
        let mut end = 0;
        let ends = self.column(1, |len| {
            end += u64::from(len);
            Some(end)
        });
        if end == self.content_len { ends } else { Vec::new() }
    }

    /// The numbers of a column; none if one of them is impossible.
    fn column<T>(&self, nth: usize, mut value: impl FnMut(u32) -> Option<T>) -> Vec<T> {
        let mut cursor = Cursor::new(SECTION, &self.columns[nth]);
        let mut values = Vec::with_capacity(self.n_docs as usize);
        for _ in 0..self.n_docs {
            match cursor.varint().ok().and_then(&mut value) {
                Some(value) => values.push(value),
                None => return Vec::new(),
            }
        }
        values
    }
}

/// Bytes of the first `n` varints; `None`: there are not so many.
fn column_len(bytes: &[u8], n: usize) -> Option<usize> {
    // Counting the last bytes of varints is what a processor does 32 at a time.
    const STEP: usize = 4096;
    let ends = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte < 0x80).count();
    let (mut left, mut at) = (n, 0);
    while let Some(step) = bytes.get(at..at + STEP).map(ends).filter(|&step| step < left) {
        left -= step;
        at += STEP;
    }
    for &byte in &bytes[at..] {
        if left == 0 {
            break;
        }
        left -= usize::from(byte < 0x80);
        at += 1;
    }
    (left == 0).then_some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn section(rows: &[(u32, u32, u32)]) -> Bytes {
        let mut section = (rows.len() as u32).to_le_bytes().to_vec();
        rows.iter().for_each(|row| put_varint(&mut section, row.0));
        rows.iter().for_each(|row| put_varint(&mut section, row.1));
        rows.iter().for_each(|row| put_varint(&mut section, row.2));
        section.into()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn says_of_each_document_what_was_written(
            rows in prop::collection::vec((0..MAX_TEXT_LEN, 0u32..1 << 20, 0u32..300), 0..3_000)
        ) {
            let content_len = rows.iter().map(|row| u64::from(row.1)).sum();
            let packed = Documents::open(&section(&rows), content_len).unwrap();
            let flat = FlatDocuments::open(&FlatDocuments::write(&packed).into(), content_len).unwrap();
            for table in [packed, Documents::flat(flat)] {
                prop_assert_eq!(table.n_docs() as usize, rows.len());
                let mut start = 0;
                for (doc, (text_len, frame_len, language)) in (0..).zip(&rows) {
                    let end = start + u64::from(*frame_len);
                    prop_assert_eq!(table.text_len(doc), Some(*text_len));
                    prop_assert_eq!(table.frame(doc), Some(start..end));
                    prop_assert_eq!(table.language(doc), Some(Language(*language as u16)));
                    start = end;
                }
                prop_assert_eq!(table.frame(table.n_docs()), None);
                prop_assert_eq!(table.text_len(u32::MAX), None);
            }
        }

        #[test]
        fn a_flat_table_of_arbitrary_bytes_never_panics(
            bytes in prop::collection::vec(any::<u8>(), 0..100), n_docs in 0u32..6, doc in 0u32..8
        ) {
            let bytes = Bytes::from([&n_docs.to_le_bytes()[..], &7u64.to_le_bytes(), &bytes].concat());
            if let Ok(table) = FlatDocuments::open(&bytes, 7) {
                prop_assert!(table.frame(doc).is_none_or(|frame| frame.start <= frame.end && frame.end <= 7));
                prop_assert_eq!(table.text_len(doc).is_some(), doc < n_docs);
            }
        }
    }

    #[test]
    fn impossible_numbers_are_documents_that_are_not_there() {
        let table = |rows: &[(u32, u32, u32)], content_len| Documents::open(&section(rows), content_len).unwrap();
        assert_eq!(table(&[(1, 1, 1), (MAX_TEXT_LEN + 1, 1, 1)], 2).text_len(0), None);
        assert_eq!(table(&[(1, 1, 1), (1, 1, 1)], 3).frame(0), None);
        assert_eq!(table(&[(1, 1, 1), (1, 1, 1 << 16)], 2).language(0), None);
        let whole = section(&[(1, 300, 1), (1, 2, 1)]);
        assert!((0..whole.len()).all(|len| Documents::open(&whole.slice(..len), 302).is_err()));
        let longer = Bytes::from([&whole[..], &[0]].concat());
        assert!(Documents::open(&longer, 302).is_err());
    }
}
