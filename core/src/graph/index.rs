//! Where the blocks of one kind are, and which is the one to read.

use std::ops::Range;

use super::codec::{Cursor, put_bytes, put_varint};
use super::error::GraphError;

/// The kinds of blocks, in the order in which the file has them. Numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Nodes, by number.
    Nodes = 0,
    /// Outgoing edges, file by file.
    Out = 1,
    /// Files that use a node or external, by its number.
    In = 2,
    /// What files are used by, by file.
    FileIn = 3,
    /// Externals, by number, which is the order of their names.
    Externals = 4,
    /// Unresolved references, by name.
    Unclear = 5,
    /// The nodes of highest rank.
    Top = 6,
    /// Who stands below, by the node above.
    Below = 7,
    /// Who stands above, by the node below.
    Above = 8,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Nodes,
        Self::Out,
        Self::In,
        Self::FileIn,
        Self::Externals,
        Self::Unclear,
        Self::Top,
        Self::Below,
        Self::Above,
    ];
}

/// The blocks of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// The lowest key of each block.
    firsts: Vec<u32>,
    /// The lowest name of each block, where blocks are found by name.
    names: Vec<Box<[u8]>>,
    /// Where each block ends in the file.
    ends: Vec<u64>,
    start: u64,
}

impl Index {
    pub(super) fn starting(start: u64) -> Self {
        Self { start, ..Self::default() }
    }

    pub(super) fn push(&mut self, first: u32, name: Option<&[u8]>, len: usize) {
        self.firsts.push(first);
        self.names.extend(name.map(Into::into));
        self.ends.push(self.ends.last().copied().unwrap_or(self.start) + len as u64);
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn memory(&self) -> usize {
        self.ends.len() * 12 + self.names.iter().map(|name| 16 + name.len()).sum::<usize>()
    }

    /// Where the blocks start.
    pub(super) fn begin(&self) -> u64 {
        self.start
    }

    /// Where the last block ends.
    pub(super) fn end(&self) -> u64 {
        self.ends.last().copied().unwrap_or(self.start)
    }

    pub(super) fn first(&self, block: usize) -> Option<u32> {
        self.firsts.get(block).copied()
    }

    pub(super) fn range(&self, block: usize) -> Option<Range<u64>> {
        let end = *self.ends.get(block)?;
        Some(block.checked_sub(1).map_or(self.start, |before| self.ends[before])..end)
    }

    /// The block that may have a key.
    pub(super) fn find(&self, key: u32) -> Option<usize> {
        self.firsts.partition_point(|first| *first <= key).checked_sub(1)
    }

    /// The blocks that may have some keys.
    pub(super) fn find_keys(&self, keys: &Range<u32>) -> Range<usize> {
        let begin = self.find(keys.start).unwrap_or(0);
        begin..self.firsts.partition_point(|first| *first < keys.end).max(begin)
    }

    /// The block that may have a name.
    pub(super) fn find_name(&self, name: &[u8]) -> Option<usize> {
        self.names.partition_point(|first| **first <= *name).checked_sub(1)
    }

    /// The blocks that may have names from `low` on and below `high`.
    pub(super) fn find_names(&self, low: &[u8], high: &[u8]) -> Range<usize> {
        let begin = self.find_name(low).unwrap_or(0);
        begin..self.names.partition_point(|first| **first < *high).max(begin)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let (mut firsts, mut lens, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let mut before = (0, self.start);
        for (first, end) in self.firsts.iter().zip(&self.ends) {
            put_varint(&mut firsts, first - before.0);
            put_varint(&mut lens, end - before.1);
            before = (*first, *end);
        }
        self.names.iter().for_each(|name| put_bytes(&mut names, name));
        let mut raw = Vec::new();
        put_varint(&mut raw, self.start);
        [firsts, lens, names].iter().for_each(|column| put_bytes(&mut raw, column));
        raw
    }

    /// Reads the index of a file whose blocks end at `limit`.
    pub(super) fn decode(raw: &[u8], limit: u64) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("index of blocks", raw);
        let mut index = Self::starting(cursor.long_varint()?);
        let (mut firsts, mut lens, mut names) = (cursor.column()?, cursor.column()?, cursor.column()?);
        let (mut first, mut end) = (0, index.start);
        while !firsts.is_empty() {
            first = firsts.beyond(first)?;
            end = end
                .checked_add(lens.long_varint()?)
                .filter(|end| *end <= limit)
                .ok_or_else(|| lens.error("ends late"))?;
            index.firsts.push(first);
            index.ends.push(end);
        }
        while !names.is_empty() {
            index.names.push(names.bytes()?.into());
        }
        if !index.names.is_empty() && index.names.len() != index.ends.len() {
            return Err(names.error("has other names than blocks"));
        }
        lens.finish()?;
        Ok(index)
    }
}
