//! The frame of the file: the table of contents and the fixed trailer. What is in the sections is not its business.

use std::ops::Range;

use super::Cursor;
use super::error::{SegmentError, corrupt};

/// Version of a file without facts.
pub(super) const PLAIN: u16 = 1;
/// Version of a file with facts, and the newest that this program reads.
pub(super) const VERSION: u16 = 2;
/// Oldest reader that understands what this program writes.
pub(super) const MIN_READER: u16 = 1;
/// Length of the trailer.
pub(super) const TRAILER_LEN: usize = 64;

const MAGIC: [u8; 8] = *b"KotaSEG\n";
/// Bytes of the trailer that its checksum covers.
const CHECKED: usize = TRAILER_LEN - 4;
const CONTENTS: &str = "table of contents";
/// Bytes of one row of the table.
const ROW: usize = 4 + 4 + 8 + 8;

/// What a section holds: four letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(pub(super) [u8; 4]);

impl Tag {
    pub(super) const CONTENT: Self = Self(*b"CONT");
    pub(super) const POSTINGS: Self = Self(*b"POST");
    pub(super) const BLOBS: Self = Self(*b"BLOB");
    pub(super) const DICTIONARY: Self = Self(*b"DICT");
    pub(super) const DOCUMENTS: Self = Self(*b"DOCS");
    pub(super) const META: Self = Self(*b"META");
    pub(super) const FACTS: Self = Self(*b"FACT");
    pub(super) const FACTS_TABLE: Self = Self(*b"FTAB");
    pub(super) const NAMES: Self = Self(*b"NAME");
    pub(super) const NAMES_TABLE: Self = Self(*b"NTAB");
    pub(super) const WORDS: Self = Self(*b"WORD");
    pub(super) const WORDS_TABLE: Self = Self(*b"WTAB");

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CONTENT => "content",
            Self::POSTINGS => "postings",
            Self::BLOBS => "blobs",
            Self::DICTIONARY => "dictionary",
            Self::DOCUMENTS => "documents",
            Self::META => "meta",
            Self::FACTS => "facts",
            Self::FACTS_TABLE => "facts table",
            Self::NAMES => "names",
            Self::NAMES_TABLE => "names table",
            Self::WORDS => "words",
            Self::WORDS_TABLE => "words table",
            _ => "unknown",
        }
    }
}

/// One row of the table of contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) tag: Tag,
    /// CRC-32C of its bytes.
    pub(super) crc: u32,
    /// Bytes in the file.
    pub(super) range: Range<u64>,
}

impl Section {
    /// Fails unless `bytes` are what was written.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), SegmentError> {
        let intact = bytes.len() as u64 == self.range.end - self.range.start && crc32c::crc32c(bytes) == self.crc;
        if intact { Ok(()) } else { Err(corrupt(self.tag.name(), "checksum")) }
    }
}

/// Writes the table: the rows, then their checksum.
pub(super) fn encode_contents(sections: &[Section]) -> Vec<u8> {
    let mut table = Vec::with_capacity(sections.len() * ROW + 4);
    for section in sections {
        table.extend(section.tag.0);
        table.extend(section.crc.to_le_bytes());
        table.extend(section.range.start.to_le_bytes());
        table.extend((section.range.end - section.range.start).to_le_bytes());
    }
    table.extend(crc32c::crc32c(&table).to_le_bytes());
    table
}

/// Reads the table of a file in which it starts at `offset`.
pub(super) fn decode_contents(table: &[u8], offset: u64) -> Result<Vec<Section>, SegmentError> {
    let (rows, crc) = table.split_last_chunk().ok_or_else(|| corrupt(CONTENTS, "too short"))?;
    if crc32c::crc32c(rows) != u32::from_le_bytes(*crc) || rows.len() % ROW != 0 {
        return Err(corrupt(CONTENTS, "checksum"));
    }
    rows.chunks_exact(ROW).map(|row| decode_row(row, offset)).collect()
}

fn decode_row(row: &[u8], limit: u64) -> Result<Section, SegmentError> {
    let mut cursor = Cursor::new(CONTENTS, row);
    let tag = Tag(cursor.u32()?.to_le_bytes());
    let (crc, start, len) = (cursor.u32()?, cursor.u64()?, cursor.u64()?);
    let end = start.checked_add(len).filter(|&end| end <= limit);
    let end = end.ok_or_else(|| cursor.error("has a section beyond its end"))?;
    Ok(Section { tag, crc, range: start..end })
}

/// The last bytes of the file. Their shape never changes, so that every program can tell what it has before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trailer {
    /// Where the table of contents starts; it ends where the trailer starts.
    pub(super) contents: u64,
    /// Where the hot tail starts.
    pub(super) hot: u64,
    /// Length of the file, trailer included.
    pub(super) file_len: u64,
}

impl Trailer {
    /// The trailer's bytes, of a file of this version.
    pub(super) fn encode(&self, version: u16) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(TRAILER_LEN);
        bytes.extend(MAGIC);
        bytes.extend(version.to_le_bytes());
        bytes.extend(MIN_READER.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.contents.to_le_bytes());
        bytes.extend(self.hot.to_le_bytes());
        bytes.extend(self.file_len.to_le_bytes());
        bytes.resize(CHECKED, 0);
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// Reads the trailer of a file of `file_len` bytes from bytes that end with it.
    pub(super) fn decode(tail: &[u8], file_len: u64) -> Result<Self, SegmentError> {
        let bytes = tail.last_chunk::<TRAILER_LEN>().ok_or_else(|| corrupt("trailer", "too short"))?;
        let mut cursor = Cursor::new("trailer", bytes);
        if cursor.take(MAGIC.len())? != MAGIC {
            return Err(cursor.error("this is no segment, or its end is missing"));
        }
        if crc32c::crc32c(&bytes[..CHECKED]).to_le_bytes() != bytes[CHECKED..] {
            return Err(cursor.error("checksum"));
        }
        let (_version, min_reader, _reserved) = (cursor.u16()?, cursor.u16()?, cursor.u32()?);
        if min_reader > VERSION {
            return Err(SegmentError::TooNew { found: min_reader, supported: VERSION });
        }
        let trailer = Self { contents: cursor.u64()?, hot: cursor.u64()?, file_len: cursor.u64()? };
        let contents_end = trailer.file_len.checked_sub(TRAILER_LEN as u64);
        if trailer.file_len != file_len || trailer.hot > trailer.contents || Some(trailer.contents) > contents_end {
            return Err(cursor.error("places beyond the end of the file"));
        }
        Ok(trailer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resealed(mut bytes: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
        bytes[at] = value;
        let crc = crc32c::crc32c(&bytes[..CHECKED]).to_le_bytes();
        bytes[CHECKED..].copy_from_slice(&crc);
        bytes
    }

    #[test]
    fn a_newer_file_is_told_from_a_broken_one() {
        let trailer = Trailer { contents: 20, hot: 10, file_len: 100 };
        let bytes = trailer.encode(VERSION);
        assert_eq!(Trailer::decode(&bytes, 100).unwrap(), trailer);
        let newer_but_readable = resealed(bytes.clone(), 8, 9);
        assert_eq!(Trailer::decode(&newer_but_readable, 100).unwrap(), trailer);
        let too_new = Trailer::decode(&resealed(bytes.clone(), 10, 3), 100);
        assert!(matches!(too_new, Err(SegmentError::TooNew { found: 3, supported: 2 })), "{too_new:?}");
        assert!(matches!(Trailer::decode(&bytes, 99), Err(SegmentError::Corrupt { .. })));
        assert!(Trailer::decode(&resealed(bytes, 16, 5), 100).is_err(), "the hot tail holds the table of contents");
    }

    #[test]
    fn sections_lie_before_the_table() {
        let section = Section { tag: Tag(*b"NEWS"), crc: 7, range: 3..9 };
        let table = encode_contents(std::slice::from_ref(&section));
        assert_eq!(decode_contents(&table, 9).unwrap(), [section]);
        assert!(decode_contents(&table, 8).is_err());
        assert!(decode_contents(&table[1..], 9).is_err());
    }
}
