//! Edges of a view, both ways. A block says which files use a node; what they use it for is found in their own edges.

use std::collections::BTreeMap;
use std::ops::Range;

use super::assemble::each_incoming;
use super::builder::file_uses;
use super::edges::RawEdge;
use super::error::{GraphError, corrupt};
use super::file_edges::FileUse;
use super::index::Kind;
use super::reader::{NODES_A_BLOCK, Rows};
use super::uses::UseBlock;
use super::view::{InEdge, NodeId, OutEdge, Place, View};

/// Blocks of nodes of one file that are asked for before it is known which of its nodes matter.
const FEW_BLOCKS: usize = 2;

impl View {
    /// What a node uses.
    pub fn edges_out(&self, node: NodeId) -> Result<Vec<OutEdge>, GraphError> {
        let in_delta = self.delta.as_ref().is_some_and(|delta| delta.tells_edges_of(&self.base, node));
        let block = self.block_of(in_delta, Kind::Out, node)?;
        let Some(Rows::Out(block)) = block.as_ref().map(|block| &block.0) else { return Ok(Vec::new()) };
        let Some(graph) = self.graph(in_delta) else { return Ok(Vec::new()) };
        let mut edges = Vec::new();
        for ((target, manner), sites) in block.groups(node) {
            if let Some(target) = self.now(target) {
                edges.push(OutEdge { target, manner: graph.manner(manner)?, sites: sites.into() });
            }
        }
        Ok(edges)
    }

    /// Who uses a node.
    pub fn edges_in(&self, node: NodeId) -> Result<Vec<InEdge>, GraphError> {
        let in_base = self.delta.as_ref().map_or(Some(node), |delta| delta.in_base(&self.base, node));
        let keys = [(false, in_base), (true, Some(node).filter(|_| self.delta.is_some()))];
        let keys = keys.into_iter().filter_map(|(in_delta, key)| Some((in_delta, key?)));
        Ok(Self::all(keys, |(in_delta, key)| self.users(in_delta, key))?.concat())
    }

    /// What a file uses, by file.
    pub fn uses(&self, file: u32) -> Result<Vec<FileUse>, GraphError> {
        let in_delta = self.is_told(file);
        let Some(graph) = self.graph(in_delta) else { return Ok(Vec::new()) };
        let mut edges = self.in_blocks(in_delta, &[file], |block, ranges| {
            let of_range = |range: &Range<u32>| block.edges(range.clone());
            ranges.iter().flat_map(of_range).collect()
        })?;
        edges.sort_unstable();
        for edge in &edges {
            graph.manner(edge.manner)?;
        }
        let of = |edge: &RawEdge| (*edge, self.file_of(edge.target), graph.manners.0[edge.manner as usize]);
        let mut uses = file_uses(file, &edges, of);
        uses.retain(|one| !self.delta.as_ref().is_some_and(|delta| delta.is_removed(one.file)));
        Ok(uses)
    }

    /// What uses a file, by file.
    pub fn used_by(&self, file: u32) -> Result<Vec<FileUse>, GraphError> {
        let mut lists = Self::all([false, true], |in_delta| self.file_users(in_delta, file))?;
        lists[0].retain(|one| !self.is_told(one.file));
        Ok(lists.concat())
    }

    /// What base or delta says of what uses a file.
    fn file_users(&self, in_delta: bool, file: u32) -> Result<Vec<FileUse>, GraphError> {
        let block = self.block_of(in_delta, Kind::FileIn, file)?;
        let Some(Rows::Files(block)) = block.as_ref().map(|block| &block.0) else { return Ok(Vec::new()) };
        Ok(block.uses(file).to_vec())
    }

    /// The edges of base or delta that lead to a number.
    fn users(&self, in_delta: bool, key: NodeId) -> Result<Vec<InEdge>, GraphError> {
        let Some(graph) = self.graph(in_delta) else { return Ok(Vec::new()) };
        let own = if in_delta { self.file_of(key) } else { graph.file_of(key) };
        // All are asked for, so that all come in one wave.
        let of_own = self.users_in(in_delta, own.as_slice(), key);
        let (others, users) = (self.block_of(in_delta, Kind::In, key), own.map(|own| self.file_users(in_delta, own)));
        let (mut edges, others, users) = (of_own?, others?, users.transpose()?);
        if let Some(Rows::In(block)) = others.as_ref().map(|block| &block.0) {
            let file = |place: &u32| users.as_ref().map_or(Some(*place), |all| Some(all.get(*place as usize)?.file));
            let files: Option<Vec<u32>> = block.places(key).iter().map(file).collect();
            let files = files.ok_or_else(|| corrupt("incoming edges", "are of files that there are not"))?;
            edges.extend(self.users_in(in_delta, &files, key)?);
        }
        edges.sort_unstable();
        edges.dedup();
        for edge in &edges {
            graph.manner(edge.manner)?;
        }
        let mut found = Vec::new();
        each_incoming(&edges, &graph.manners, |_, source, manner, _| {
            found.push(InEdge { source, manner: graph.manners.0[manner as usize] });
        });
        Ok(found)
    }

    /// The edges of some files that lead to a number.
    fn users_in(&self, in_delta: bool, files: &[u32], key: NodeId) -> Result<Vec<RawEdge>, GraphError> {
        let files: Vec<u32> = files.iter().copied().filter(|file| in_delta || !self.is_told(*file)).collect();
        let found = self.in_blocks(in_delta, &files, |block, ranges| block.users(key, ranges));
        if matches!(found, Err(GraphError::Missing)) {
            files.iter().for_each(|file| self.want_nodes(*file));
        }
        found
    }

    /// What blocks say of the edges of some files.
    fn in_blocks(
        &self,
        in_delta: bool,
        files: &[u32],
        ask: impl Fn(&UseBlock, &[Range<u32>]) -> Vec<RawEdge>,
    ) -> Result<Vec<RawEdge>, GraphError> {
        let Some(graph) = self.graph(in_delta) else { return Ok(Vec::new()) };
        let mut blocks = BTreeMap::<usize, Vec<Range<u32>>>::new();
        for range in files.iter().flat_map(|file| self.sources(in_delta, *file)).filter(|range| !range.is_empty()) {
            for block in graph.index(Kind::Out).find_keys(&range) {
                blocks.entry(block).or_default().push(range.clone());
            }
        }
        let found = Self::all(&blocks, |(block, ranges)| {
            let block = self.block(Place { in_delta, kind: Kind::Out, block: *block as u32 })?;
            Ok(if let Rows::Out(block) = &block.0 { ask(block, ranges) } else { Vec::new() })
        })?;
        Ok(found.concat())
    }

    /// The numbers that the nodes of a file have as sources in base or delta.
    fn sources(&self, in_delta: bool, file: u32) -> [Range<u32>; 2] {
        if in_delta { self.node_ranges(file) } else { [self.base.files.nodes(file), 0..0] }
    }

    /// Asks for the nodes of a file, if they are in few blocks: who learns that it uses something asks for its name next.
    fn want_nodes(&self, file: u32) {
        let nodes: Vec<_> = self.node_ranges(file).into_iter().filter(|range| !range.is_empty()).collect();
        for range in nodes.iter().filter(|range| range.len() <= FEW_BLOCKS * NODES_A_BLOCK) {
            // An answer is not wanted, only that the blocks come.
            let _ = self.node(range.start);
            let _ = self.node(range.end - 1);
        }
    }
}
