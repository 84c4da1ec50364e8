//! Blocks that are compressed each by itself, and the least key of each, in the hot tail: a look-up reads only blocks that
//! may hold what is asked for.

use std::io::Write;
use std::ops::Range;

use zstd::bulk::Compressor;

use super::block::{put_text, shared, text};
use crate::cursor::put_varint;
use crate::segment::Cursor;
use crate::segment::error::{SegmentError, corrupt};
use crate::segment::frame;
use crate::segment::sink::Sink;

const SECTION: &str = "names";
/// Longest block before compression; bounds what a reader allocates.
const MAX_BLOCK: u32 = 1 << 20;

/// Writes blocks and collects their index.
pub(super) struct BlocksEncoder {
    n_blocks: u32,
    entries: Vec<u8>,
    last: String,
    compressor: Compressor<'static>,
}

impl BlocksEncoder {
    pub(super) fn new() -> Result<Self, SegmentError> {
        let compressor = Compressor::new(frame::LEVEL)?;
        Ok(Self { n_blocks: 0, entries: Vec::new(), last: String::new(), compressor })
    }

    /// Blocks so far.
    pub(super) fn n_blocks(&self) -> u32 {
        self.n_blocks
    }

    /// Writes the next block. `key` is beyond all keys of the blocks before, unless it is the last of them, and not
    /// beyond any of this one.
    pub(super) fn write<W: Write>(&mut self, sink: &mut Sink<W>, key: &str, block: &[u8]) -> Result<(), SegmentError> {
        let frame = frame::encode(block, &mut self.compressor)?;
        sink.write(&frame)?;
        let shared = shared(&self.last, key);
        put_varint(&mut self.entries, shared as u32);
        put_text(&mut self.entries, &key[shared..]);
        put_varint(&mut self.entries, frame.len() as u32);
        put_varint(&mut self.entries, block.len() as u32);
        key.clone_into(&mut self.last);
        self.n_blocks += 1;
        Ok(())
    }

    /// The section.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut section = Vec::with_capacity(self.entries.len() + 5);
        put_varint(&mut section, self.n_blocks);
        section.extend(self.entries);
        section
    }
}

impl std::fmt::Debug for BlocksEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlocksEncoder").field("n_blocks", &self.n_blocks).finish_non_exhaustive()
    }
}

/// The shortest key that tells `first` apart from `last`, the key before it; all of it where they are equal.
pub(super) fn separator<'k>(last: &str, first: &'k str) -> &'k str {
    let same = shared(last, first);
    let next = first[same..].chars().next().map_or(0, char::len_utf8);
    &first[..same + next]
}

/// An index that was read.
#[derive(Debug)]
pub(super) struct Blocks {
    /// The least key of each block and all before it; ascending.
    keys: Vec<Box<str>>,
    places: Vec<Place>,
}

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes in the file.
    pub(super) range: Range<u64>,
    /// Its length before compression.
    len: u32,
}

impl Blocks {
    /// Reads the index of the blocks at `section` in the file.
    pub(super) fn open(bytes: &[u8], section: &Range<u64>) -> Result<Self, SegmentError> {
        let mut cursor = Cursor::new(SECTION, bytes);
        let n_blocks = cursor.varint()? as usize;
        let capacity = n_blocks.min(cursor.remaining() / 4);
        let mut blocks = Self { keys: Vec::with_capacity(capacity), places: Vec::with_capacity(capacity) };
        let (mut key, mut end) = (String::new(), section.start);
        for _ in 0..n_blocks {
            let shared = cursor.varint()? as usize;
            if !key.is_char_boundary(shared) {
                return Err(cursor.error("shares more than there is"));
            }
            key.truncate(shared);
            key.push_str(text(&mut cursor)?);
            let (frame_len, len) = (u64::from(cursor.varint()?), cursor.varint()?);
            let is_next = blocks.keys.last().is_none_or(|last| **last <= *key);
            if len > MAX_BLOCK || !is_next || key.len() > super::MAX_NAME {
                return Err(cursor.error("has an impossible block"));
            }
            blocks.keys.push(key.as_str().into());
            blocks.places.push(Place { range: end..end + frame_len, len });
            end += frame_len;
        }
        if end != section.end {
            return Err(cursor.error("has blocks of another length"));
        }
        cursor.finish()?;
        Ok(blocks)
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn place(&self, number: usize) -> Option<&Place> {
        self.places.get(number)
    }

    /// Numbers of the blocks that may hold keys from `from` on that are before `to`; or `from` itself.
    pub(super) fn within(&self, from: &str, to: Option<&str>) -> Range<usize> {
        let start = self.keys.partition_point(|key| **key < *from).saturating_sub(1);
        let end = match to {
            Some(to) => self.keys.partition_point(|key| **key < *to || **key <= *from),
            None => self.keys.len(),
        };
        start..end.max(start)
    }

    /// Bytes in memory.
    pub(super) fn decoded_bytes(&self) -> u64 {
        let row = size_of::<Box<str>>() + size_of::<Place>();
        (self.keys.iter().map(|key| key.len()).sum::<usize>() + self.keys.len() * row) as u64
    }
}

impl Place {
    /// Checks and decompresses the block.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>, SegmentError> {
        if bytes.len() as u64 != self.range.end - self.range.start {
            return Err(corrupt(SECTION, "a block of another length"));
        }
        frame::decode(bytes, self.len)
    }
}
