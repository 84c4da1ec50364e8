//! Writes a graph file from rows that come in the order of their numbers: kind after kind of blocks, then the hot tail.

use std::io::Write;

use super::codec::{pack, put_varint};
use super::edge::External;
use super::edges::{InRows, RawEdge};
use super::error::GraphError;
use super::file_edges::{FileRows, FileUse};
use super::files::Files;
use super::index::{Index, Kind};
use super::kin::{KinRow, KinRows};
use super::layout::{Part, encode_tail};
use super::manner::Manners;
use super::names::{ExternalBlock, UnclearRows, put_unclear};
use super::node::{Node, NodeRows};
use super::reader::{BaseRef, NODES_A_BLOCK};
use super::uses::UseRows;

/// Files or relations of a block at most.
const ROWS: usize = 512;
/// Bytes of the longest columns at which a block ends.
const WEIGHT: usize = 8192;
/// Targets of a block at most, of which most have few users.
const KEYS: usize = 2048;
/// Uses at which a block ends: half as many take 4 % more bytes.
const USES: usize = 16_384;
/// Bytes at which a block of names ends.
const NAMES: usize = 16 << 10;

/// What a builder made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GraphSummary {
    /// Bytes of the file.
    pub file_len: u64,
    /// Nodes.
    pub n_nodes: u32,
    /// Edges, all sites counted.
    pub n_edges: u64,
    /// Of these bytes: nodes, outgoing, incoming edges, users of files, all else, and the hot tail.
    pub parts: [u64; 6],
}

/// What the hot tail says beside the indices.
pub(super) struct Heads {
    pub(super) files: Files,
    pub(super) n_externals: u32,
    pub(super) manners: Manners,
    pub(super) base: Option<BaseRef>,
    /// Version of the rules that found the edges; 0: nobody said.
    pub(super) rules: u32,
}

/// Writes kind after kind. What is written of one kind must come in the order of its keys.
pub(super) struct GraphWriter<W> {
    out: W,
    len: u64,
    kind: Kind,
    indices: Vec<Index>,
    n_edges: u64,
    first: u32,
    nodes: NodeRows,
    outgoing: UseRows,
    incoming: InRows,
    files: FileRows,
    kin: KinRows,
}

impl<W: Write> GraphWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            len: 0,
            kind: Kind::Nodes,
            indices: Vec::new(),
            n_edges: 0,
            first: 0,
            nodes: NodeRows::default(),
            outgoing: UseRows::default(),
            incoming: InRows::default(),
            files: FileRows::default(),
            kin: KinRows::default(),
        }
    }

    /// Appends a node; `begins`: it is the first of its file.
    pub(super) fn node(&mut self, number: u32, node: Node, begins: bool) -> Result<(), GraphError> {
        if self.nodes.len() == NODES_A_BLOCK {
            self.flush()?;
        }
        if self.nodes.len() == 0 {
            self.first = number;
        }
        self.nodes.push(node, begins);
        Ok(())
    }

    /// Appends edges, each once, of sources from a number on: a whole file's, or those of one source.
    pub(super) fn outgoing(&mut self, first: u32, edges: &[RawEdge]) -> Result<(), GraphError> {
        if self.outgoing.len() >= USES {
            self.flush()?;
        }
        if self.outgoing.len() == 0 {
            self.first = first;
        }
        self.outgoing.push(edges);
        self.n_edges += edges.len() as u64;
        Ok(())
    }

    /// Appends the places of the files that use a target, ascending.
    pub(super) fn incoming(&mut self, target: u32, places: &[u32]) -> Result<(), GraphError> {
        if self.incoming.n_keys() == KEYS || self.incoming.weight() >= WEIGHT {
            self.flush()?;
        }
        if self.incoming.n_keys() == 0 {
            self.first = target;
        }
        self.incoming.push(target, places);
        Ok(())
    }

    /// Appends what uses a file, by the other file.
    pub(super) fn file(&mut self, file: u32, uses: &[FileUse]) -> Result<(), GraphError> {
        if self.files.n_keys() == ROWS || self.files.weight() >= WEIGHT {
            self.flush()?;
        }
        if self.files.n_keys() == 0 {
            self.first = file;
        }
        self.files.push(file, uses);
        Ok(())
    }

    /// Writes the relations of a kind, sorted by key.
    pub(super) fn kin(&mut self, kind: Kind, rows: &[(u32, KinRow)]) -> Result<(), GraphError> {
        self.begin(kind)?;
        for of_key in rows.chunk_by(|a, b| a.0 == b.0) {
            if self.kin.n_keys() == ROWS || self.kin.weight() >= WEIGHT {
                self.flush()?;
            }
            if self.kin.n_keys() == 0 {
                self.first = of_key[0].0;
            }
            let rows: Vec<_> = of_key.iter().map(|(_, row)| *row).collect();
            self.kin.push(of_key[0].0, &rows);
        }
        self.flush()
    }

    /// Writes all externals, which are sorted.
    pub(super) fn externals(&mut self, externals: &[External]) -> Result<(), GraphError> {
        let mut first = 0;
        for block in externals.chunks(ROWS) {
            let raw = ExternalBlock::encode(block);
            self.block(&raw, first, Some(&key_of(&block[0])))?;
            first += block.len() as u32;
        }
        Ok(())
    }

    /// Writes all unresolved references, sorted by name.
    pub(super) fn unclear<'a>(
        &mut self,
        names: impl Iterator<Item = (&'a str, &'a UnclearRows)>,
    ) -> Result<(), GraphError> {
        let (mut raw, mut first) = (Vec::new(), None);
        for (name, rows) in names {
            if raw.len() + rows.len() > NAMES && !raw.is_empty() {
                self.block(&raw, 0, first.map(str::as_bytes))?;
                (raw, first) = (Vec::new(), None);
            }
            first.get_or_insert(name);
            put_unclear(&mut raw, name, rows);
        }
        if raw.is_empty() { Ok(()) } else { self.block(&raw, 0, first.map(str::as_bytes)) }
    }

    /// Writes the nodes of highest rank.
    pub(super) fn top(&mut self, nodes: &[u32]) -> Result<(), GraphError> {
        let mut raw = Vec::new();
        nodes.iter().for_each(|node| put_varint(&mut raw, *node));
        if raw.is_empty() { Ok(()) } else { self.block(&raw, 0, None) }
    }

    /// Ends what comes before `kind`.
    pub(super) fn begin(&mut self, kind: Kind) -> Result<(), GraphError> {
        self.flush()?;
        while self.indices.len() <= kind as usize {
            self.indices.push(Index::starting(self.len));
        }
        self.kind = kind;
        Ok(())
    }

    /// Ends the file.
    pub(super) fn finish(mut self, heads: Heads) -> Result<GraphSummary, GraphError> {
        self.begin(Kind::Above)?;
        let mut counts = Vec::new();
        put_varint(&mut counts, heads.files.n_nodes());
        put_varint(&mut counts, heads.n_externals);
        let mut indices = Vec::new();
        self.indices.iter().for_each(|index| super::codec::put_bytes(&mut indices, &index.encode()));
        let mut parts = vec![
            (Part::Counts, counts),
            (Part::Files, heads.files.encode()),
            (Part::Manners, heads.manners.encode()),
            (Part::Indices, indices),
        ];
        parts.extend(heads.base.map(|base| (Part::Base, base.encode())));
        parts.extend((heads.rules > 0).then(|| (Part::Rules, heads.rules.to_le_bytes().to_vec())));
        let tail = encode_tail(&parts, self.len)?;
        self.out.write_all(&tail)?;
        self.out.flush()?;
        let mut summary = GraphSummary { n_nodes: heads.files.n_nodes(), n_edges: self.n_edges, ..<_>::default() };
        summary.file_len = self.len + tail.len() as u64;
        for (kind, index) in self.indices.iter().enumerate() {
            let len = index.end() - index.begin();
            summary.parts[[0, 1, 2, 3, 4, 4, 4, 4, 4][kind]] += len;
        }
        summary.parts[5] = tail.len() as u64;
        Ok(summary)
    }

    fn flush(&mut self) -> Result<(), GraphError> {
        let raw = match self.kind {
            Kind::Nodes if self.nodes.len() > 0 => self.nodes.take(),
            Kind::Out if self.outgoing.len() > 0 => self.outgoing.take(),
            Kind::In if self.incoming.n_keys() > 0 => self.incoming.take(),
            Kind::FileIn if self.files.n_keys() > 0 => self.files.take(),
            Kind::Below | Kind::Above if self.kin.n_keys() > 0 => self.kin.take(),
            _ => return Ok(()),
        };
        self.block(&raw, self.first, None)
    }

    fn block(&mut self, raw: &[u8], first: u32, name: Option<&[u8]>) -> Result<(), GraphError> {
        let block = pack(raw)?;
        self.out.write_all(&block)?;
        self.len += block.len() as u64;
        self.indices[self.kind as usize].push(first, name, block.len());
        Ok(())
    }
}

/// How externals are ordered, as bytes: a package comes before its names.
pub(super) fn key_of(external: &External) -> Vec<u8> {
    [external.package.as_bytes(), b"\0", external.name.as_bytes()].concat()
}
