//! The frame of the file: blocks, the hot tail that says where they are, the trailer.

use std::ops::Range;

use super::codec::{Cursor, pack, put_bytes, put_varint, unpack};
use super::error::{GraphError, corrupt};

/// Version that this program writes.
const VERSION: u16 = 2;
/// Oldest reader that understands what this program writes.
const MIN_READER: u16 = 2;
/// Oldest version that this program reads: what is older is made anew.
const OLDEST: u16 = 2;
/// Length of the trailer.
pub(super) const TRAILER_LEN: usize = 64;

const MAGIC: [u8; 8] = *b"KotaGRF\n";
/// Bytes of the trailer that its checksum covers.
const CHECKED: usize = TRAILER_LEN - 4;

/// A part of the hot tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Part {
    /// Numbers of nodes and externals.
    Counts = 1,
    Files = 2,
    Manners = 3,
    /// The index of each kind of blocks, in their order.
    Indices = 4,
    /// Only in a delta: what it is a delta on.
    Base = 5,
    /// Version of the rules that found the edges; absent where nobody said.
    Rules = 6,
}

/// The hot tail and the trailer of a file whose blocks take `blocks` bytes.
pub(super) fn encode_tail(parts: &[(Part, Vec<u8>)], blocks: u64) -> Result<Vec<u8>, GraphError> {
    let mut raw = Vec::new();
    for (part, bytes) in parts {
        put_varint(&mut raw, *part as u64);
        put_bytes(&mut raw, bytes);
    }
    let mut tail = pack(&raw)?;
    let file_len = blocks + (tail.len() + TRAILER_LEN) as u64;
    tail.extend(encode_trailer(blocks, file_len));
    Ok(tail)
}

fn encode_trailer(hot: u64, file_len: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TRAILER_LEN);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(MIN_READER.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(hot.to_le_bytes());
    bytes.extend(file_len.to_le_bytes());
    bytes.resize(CHECKED, 0);
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// Where the hot tail is, trailer included, from bytes that end with the trailer.
pub(super) fn hot_range(tail: &[u8], file_len: u64) -> Result<Range<u64>, GraphError> {
    let bytes = tail.last_chunk::<TRAILER_LEN>().ok_or_else(|| corrupt("trailer", "too short"))?;
    let mut cursor = Cursor::new("trailer", bytes);
    if cursor.take(MAGIC.len())? != MAGIC {
        return Err(cursor.error("this is no graph, or its end is missing"));
    }
    if crc32c::crc32c(&bytes[..CHECKED]).to_le_bytes() != bytes[CHECKED..] {
        return Err(cursor.error("checksum"));
    }
    let (version, min_reader) = (u16::from_le_bytes(cursor.array()?), u16::from_le_bytes(cursor.array()?));
    if min_reader > VERSION {
        return Err(GraphError::TooNew { found: min_reader, supported: VERSION });
    }
    if version < OLDEST {
        return Err(GraphError::TooOld { found: version, supported: OLDEST });
    }
    cursor.take(4)?;
    let (hot, len) = (u64::from_le_bytes(cursor.array()?), u64::from_le_bytes(cursor.array()?));
    let fits = len == file_len && len.checked_sub(TRAILER_LEN as u64).is_some_and(|end| hot <= end);
    if fits { Ok(hot..len) } else { Err(cursor.error("places beyond the end of the file")) }
}

/// The parts of a hot tail, by their numbers; parts that this program does not know are among them.
pub(super) struct Tail {
    raw: Vec<u8>,
    parts: Vec<(u64, Range<usize>)>,
}

impl Tail {
    /// Opens the hot tail, trailer included.
    pub(super) fn open(hot: &[u8]) -> Result<Self, GraphError> {
        let packed = hot.len().checked_sub(TRAILER_LEN).map(|end| &hot[..end]);
        let raw = unpack("hot tail", packed.ok_or_else(|| corrupt("hot tail", "too short"))?)?;
        let mut cursor = Cursor::new("hot tail", &raw);
        let mut parts = Vec::new();
        while !cursor.is_empty() {
            let (part, len) = (cursor.long_varint()?, cursor.count()?);
            let start = raw.len() - cursor.remaining();
            cursor.take(len)?;
            parts.push((part, start..start + len));
        }
        Ok(Self { raw, parts })
    }

    pub(super) fn optional(&self, part: Part) -> Option<&[u8]> {
        let found = self.parts.iter().find(|(number, _)| *number == part as u64);
        found.map(|(_, range)| &self.raw[range.clone()])
    }

    pub(super) fn part(&self, part: Part) -> Result<&[u8], GraphError> {
        self.optional(part).ok_or_else(|| corrupt("hot tail", format!("{part:?} is missing")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_file_is_told_from_a_broken_one() {
        let trailer = encode_trailer(10, 100);
        assert_eq!(hot_range(&trailer, 100).unwrap(), 10..100);
        assert!(matches!(hot_range(&trailer, 99), Err(GraphError::Corrupt { .. })));
        let resealed = |at: usize, value: u8| {
            let mut bytes = trailer.clone();
            bytes[at] = value;
            let crc = crc32c::crc32c(&bytes[..CHECKED]).to_le_bytes();
            bytes[CHECKED..].copy_from_slice(&crc);
            hot_range(&bytes, 100)
        };
        assert_eq!(resealed(8, 9).unwrap(), 10..100, "newer, but readable");
        assert!(matches!(resealed(10, 3), Err(GraphError::TooNew { found: 3, supported: 2 })));
        assert!(matches!(resealed(8, 1), Err(GraphError::TooOld { found: 1, supported: 2 })));
        assert!(resealed(16, 90).is_err(), "the hot tail holds the trailer");
    }
}
