//! Tells which blocks may hold a name, and decodes them.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;

use super::index::{Blocks, Place};
use super::words::WordBlocks;
use super::{NameRow, block, words};
use crate::segment::DocId;
use crate::segment::error::{SegmentError, corrupt};

/// One block of names, or of their parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameBlock {
    /// Its number.
    pub number: u32,
    place: Place,
}

impl NameBlock {
    /// Bytes in the file.
    pub fn range(&self) -> Range<u64> {
        self.place.range.clone()
    }
}

/// The indices of a segment, decoded when they are asked for.
#[derive(Debug)]
pub(in crate::segment) struct NamesTable {
    pub(in crate::segment) names: Lazy,
    pub(in crate::segment) words: Lazy,
}

/// An index that is read once.
#[derive(Debug)]
pub(in crate::segment) struct Lazy {
    section: Range<u64>,
    bytes: Bytes,
    opened: OnceLock<Option<Blocks>>,
}

impl Lazy {
    /// The index of the blocks at `section`.
    pub(in crate::segment) fn new(section: Range<u64>, bytes: Bytes) -> Self {
        Self { section, bytes, opened: OnceLock::new() }
    }

    fn open(&self) -> Result<&Blocks, SegmentError> {
        let opened = self.opened.get_or_init(|| Blocks::open(&self.bytes, &self.section).ok());
        opened.as_ref().ok_or_else(|| corrupt("names", "the index of blocks"))
    }

    fn blocks(&self, numbers: Range<usize>) -> Result<Vec<NameBlock>, SegmentError> {
        let blocks = self.open()?;
        let block =
            |number| Some(NameBlock { number: u32::try_from(number).ok()?, place: blocks.place(number)?.clone() });
        Ok(numbers.filter_map(block).collect())
    }

    /// The blocks that may hold `key`, or keys that begin with it.
    pub(in crate::segment) fn holding(&self, key: &str, as_prefix: bool) -> Result<Vec<NameBlock>, SegmentError> {
        let to = if as_prefix { beyond(key) } else { Some(key.to_owned()) };
        self.blocks(self.open()?.within(key, to.as_deref()))
    }

    /// All blocks.
    pub(in crate::segment) fn all(&self) -> Result<Vec<NameBlock>, SegmentError> {
        self.blocks(0..self.open()?.len())
    }

    /// A block by its number.
    pub(in crate::segment) fn block(&self, number: u32) -> Result<NameBlock, SegmentError> {
        let place = self.open()?.place(number as usize).cloned();
        let place = place.ok_or_else(|| corrupt("names", format!("there is no block {number}")))?;
        Ok(NameBlock { number, place })
    }

    /// Bytes in memory, once read.
    pub(in crate::segment) fn decoded_bytes(&self) -> u64 {
        self.opened.get().and_then(Option::as_ref).map_or(4 * self.bytes.len() as u64, Blocks::decoded_bytes)
    }
}

impl NamesTable {
    /// The rows of a block of names that are wanted.
    pub(in crate::segment) fn rows(
        &self,
        block: &NameBlock,
        bytes: &[u8],
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<NameRow>, SegmentError> {
        block::decode(&block.place.decode(bytes)?, is_wanted)
    }

    /// Shows name, document and symbol of every row of a block of names.
    pub(in crate::segment) fn each(
        &self,
        block: &NameBlock,
        bytes: &[u8],
        show: &mut dyn FnMut(&str, DocId, u32),
    ) -> Result<(), SegmentError> {
        block::each(&block.place.decode(bytes)?, show)
    }

    /// The rows of a block of parts that are wanted.
    pub(in crate::segment) fn words(
        &self,
        block: &NameBlock,
        bytes: &[u8],
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<WordBlocks>, SegmentError> {
        let n_blocks = u32::try_from(self.names.open()?.len()).unwrap_or(u32::MAX);
        words::decode(&block.place.decode(bytes)?, n_blocks, is_wanted)
    }
}

/// The least text beyond all that begin with `prefix`; `None`: there is none.
fn beyond(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}
