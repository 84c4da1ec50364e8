//! Opens one graph file: from the hot tail it tells which ranges hold which blocks, and decodes those that the caller read.

use std::ops::Range;

use super::codec::{Cursor, put_varint, unpack};
use super::edges::InBlock;
use super::error::{GraphError, corrupt};
use super::file_edges::FileBlock;
use super::files::{Files, State};
use super::index::{Index, Kind};
use super::kin::KinBlock;
use super::layout::{self, Part, Tail};
use super::manner::{Manner, Manners};
use super::names::{ExternalBlock, UnclearBlock};
use super::node_block::NodeBlock;
use super::uses::UseBlock;

/// Nodes of a block at most: a quarter as many take 8 % more bytes.
pub(super) const NODES_A_BLOCK: usize = 2048;

/// The opened tail of a graph, whole or a delta.
#[derive(Debug)]
pub struct Graph {
    pub(super) files: Files,
    pub(super) n_externals: u32,
    pub(super) manners: Manners,
    pub(super) indices: Vec<Index>,
    pub(super) base: Option<BaseRef>,
    rules: u32,
}

/// What a delta says of its base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BaseRef {
    /// How the caller names the base.
    pub(super) name: [u8; 24],
    /// Nodes and externals of the base: numbers of the delta's own begin there.
    pub(super) n_numbers: u32,
    /// Files of the base.
    pub(super) n_files: u32,
    /// Files of the base that are gone.
    pub(super) removed: Vec<u32>,
    /// Which node of the delta (without `n_numbers`) a node of the base is now, by the base's node.
    pub(super) aliases: Vec<(u32, u32)>,
}

/// A decoded block.
#[derive(Debug)]
pub struct Block(pub(super) Rows);

#[derive(Debug)]
pub(super) enum Rows {
    Nodes(NodeBlock),
    Out(UseBlock),
    In(InBlock),
    Files(FileBlock),
    Externals(ExternalBlock),
    Unclear(UnclearBlock),
    Top(Vec<u32>),
    Kin(KinBlock),
}

impl Block {
    /// Bytes that it takes in memory, roughly.
    pub fn memory(&self) -> usize {
        match &self.0 {
            Rows::Nodes(block) => block.memory(),
            Rows::Out(block) => block.memory(),
            Rows::In(block) => block.memory(),
            Rows::Files(block) => block.memory(),
            Rows::Externals(block) => block.0.iter().map(|one| 64 + one.package.len() + one.name.len()).sum(),
            Rows::Unclear(block) => block.memory(),
            Rows::Top(top) => size_of_val(&top[..]),
            Rows::Kin(block) => block.memory(),
        }
    }
}

impl Graph {
    /// Bytes that it takes in memory, roughly.
    pub fn memory(&self) -> usize {
        self.files.memory() + self.indices.iter().map(Index::memory).sum::<usize>()
    }

    /// Length of the fixed trailer, the last bytes of every graph.
    pub const TRAILER_LEN: u64 = layout::TRAILER_LEN as u64;

    /// From the trailer alone, the range that [`Graph::open`] wants. `trailer` may have other bytes of the file before it.
    pub fn hot_range(trailer: &[u8], file_len: u64) -> Result<Range<u64>, GraphError> {
        layout::hot_range(trailer, file_len)
    }

    /// Opens the hot tail of a file of `file_len` bytes. Checks magic, versions and checksums.
    pub fn open(hot: &[u8], file_len: u64) -> Result<Self, GraphError> {
        let range = layout::hot_range(hot, file_len)?;
        if range.end - range.start != hot.len() as u64 {
            return Err(corrupt("hot tail", "has another length"));
        }
        let tail = Tail::open(hot)?;
        let mut counts = Cursor::new("counts", tail.part(Part::Counts)?);
        let (n_nodes, n_externals) = (counts.varint()?, counts.varint()?);
        let mut indices = Vec::new();
        let mut column = Cursor::new("index of blocks", tail.part(Part::Indices)?);
        while !column.is_empty() {
            indices.push(Index::decode(column.bytes()?, range.start)?);
        }
        let graph = Self {
            files: Files::decode(tail.part(Part::Files)?)?,
            n_externals,
            manners: Manners::decode(tail.part(Part::Manners)?)?,
            indices,
            base: tail.optional(Part::Base).map(BaseRef::decode).transpose()?,
            rules: tail
                .optional(Part::Rules)
                .and_then(|part| Some(u32::from_le_bytes(part.try_into().ok()?)))
                .unwrap_or(0),
        };
        graph.agree(n_nodes)?;
        Ok(graph)
    }

    /// Nodes in it.
    pub fn n_nodes(&self) -> u32 {
        self.files.n_nodes()
    }

    /// Nodes and externals in it.
    pub(super) fn n_numbers(&self) -> u32 {
        self.n_nodes().saturating_add(self.n_externals)
    }

    /// The file of a node; an external has none.
    pub(super) fn file_of(&self, node: u32) -> Option<u32> {
        (node < self.n_nodes()).then(|| self.files.of_node(node))
    }

    /// Files in its table.
    pub fn n_files(&self) -> u32 {
        self.files.len()
    }

    /// Version of the rules that found its edges, as its builder was told; 0: it was not told.
    pub fn rules(&self) -> u32 {
        self.rules
    }

    /// If this is a delta: the name of its base, as its builder was told.
    pub fn base_name(&self) -> Option<[u8; 24]> {
        self.base.as_ref().map(|base| base.name)
    }

    /// If this is a delta: the files that it tells the edges of, and whether their text is another than that of the base.
    pub fn told(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let told = (0..self.n_files()).map(|file| (self.files.path(file), self.files.state(file)));
        told.filter(|(_, state)| *state != State::Nodes).map(|(path, state)| (path, state == State::Whole))
    }

    /// If this is a delta: the files of its base that are gone, by the base's numbers.
    pub fn removed(&self) -> &[u32] {
        self.base.as_ref().map_or(&[], |base| &base.removed)
    }

    /// Where a block is in the file; empty if there is no such block.
    pub fn range(&self, kind: Kind, block: u32) -> Range<u64> {
        let index = self.indices.get(kind as usize);
        index.and_then(|index| index.range(block as usize)).unwrap_or_default()
    }

    /// Blocks of a kind.
    pub fn n_blocks(&self, kind: Kind) -> u32 {
        self.indices.get(kind as usize).map_or(0, |index| index.len() as u32)
    }

    /// Checks and decodes a block.
    pub fn decode(&self, kind: Kind, block: u32, bytes: &[u8]) -> Result<Block, GraphError> {
        let raw = unpack("block", bytes)?;
        Ok(Block(match kind {
            Kind::Nodes => Rows::Nodes(self.decode_nodes(block, raw)?),
            Kind::Out => Rows::Out(UseBlock::decode(&raw)?),
            Kind::In => Rows::In(InBlock::decode(&raw)?),
            Kind::FileIn => Rows::Files(FileBlock::decode(&raw)?),
            Kind::Externals => Rows::Externals(ExternalBlock::decode(&raw)?),
            Kind::Unclear => Rows::Unclear(UnclearBlock::decode(&raw)?),
            Kind::Top => Rows::Top(decode_top(&raw)?),
            Kind::Below | Kind::Above => Rows::Kin(KinBlock::decode(&raw)?),
        }))
    }

    pub(super) fn manner(&self, number: u32) -> Result<Manner, GraphError> {
        let manner = self.manners.0.get(number as usize).copied();
        manner.ok_or_else(|| corrupt("edges", "have a manner that is unknown"))
    }

    pub(super) fn index(&self, kind: Kind) -> &Index {
        &self.indices[kind as usize]
    }

    fn decode_nodes(&self, block: u32, raw: Vec<u8>) -> Result<NodeBlock, GraphError> {
        let first = self.index(Kind::Nodes).first(block as usize).unwrap_or(0);
        let mut file = self.files.of_node(first);
        let begins = |nth: usize| {
            let node = first.saturating_add(nth as u32);
            while file < self.files.len() && self.files.nodes(file).end <= node {
                file += 1;
            }
            self.files.nodes(file).start == node
        };
        NodeBlock::decode(first, raw, begins)
    }

    fn agree(&self, n_nodes: u32) -> Result<(), GraphError> {
        let first = self.base.as_ref().map_or(0, |base| base.n_numbers);
        let numbers = u64::from(first) + u64::from(n_nodes) + u64::from(self.n_externals);
        let is_whole = (0..self.files.len()).all(|file| self.files.state(file) == State::Whole);
        if self.files.n_nodes() != n_nodes || numbers > u32::MAX.into() || self.indices.len() < Kind::ALL.len() {
            return Err(corrupt("hot tail", "counts differ"));
        }
        // So a few bytes cannot claim nodes that a reader would then go through.
        if n_nodes as usize > self.index(Kind::Nodes).len() * NODES_A_BLOCK {
            return Err(corrupt("files", "have more nodes than there are blocks for"));
        }
        if self.base.is_none() && !is_whole { Err(corrupt("files", "are not whole")) } else { Ok(()) }
    }
}

impl BaseRef {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut raw = self.name.to_vec();
        put_varint(&mut raw, self.n_numbers);
        put_varint(&mut raw, self.n_files);
        put_varint(&mut raw, self.removed.len() as u64);
        let mut before = 0;
        for &file in &self.removed {
            put_varint(&mut raw, file - before);
            before = file;
        }
        let mut before = 0;
        for &(base, own) in &self.aliases {
            put_varint(&mut raw, base - before);
            put_varint(&mut raw, own);
            before = base;
        }
        raw
    }

    fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("base", raw);
        let mut base = Self { name: cursor.array()?, ..Self::default() };
        (base.n_numbers, base.n_files) = (cursor.varint()?, cursor.varint()?);
        let mut file = 0;
        for _ in 0..cursor.count()? {
            file = cursor.beyond(file)?;
            base.removed.push(file);
        }
        let mut node = 0;
        while !cursor.is_empty() {
            node = cursor.beyond(node)?;
            base.aliases.push((node, cursor.varint()?));
        }
        Ok(base)
    }
}

fn decode_top(raw: &[u8]) -> Result<Vec<u32>, GraphError> {
    let mut cursor = Cursor::new("top", raw);
    let mut top = Vec::new();
    while !cursor.is_empty() {
        top.push(cursor.varint()?);
    }
    Ok(top)
}
