//! Makes the delta of a tip on its base: the files whose edges are told anew, and what that needs of nodes.
//!
//! A symbol of a changed file is the one of the base that has its qualified name and place among equals, so edges of files
//! that did not change still lead to it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Write;

use super::builder::GraphFile;
use super::delta_assemble::write;
use super::edge::{External, FileEdges, Target};
use super::error::GraphError;
use super::files::State;
use super::node::{Node, nodes_of};
use super::view::{NodeId, View};
use super::writer::GraphSummary;
use crate::facts::Facts;
use crate::segment::Class;

/// A file that a delta tells of.
#[derive(Clone, Copy, Debug)]
pub struct DeltaFile<'a> {
    /// The file as it is now.
    pub file: GraphFile<'a>,
    /// Its text is not that of the base, or the base has it not. Else only its edges are told anew.
    pub is_changed: bool,
}

/// What a delta is made from beside its files.
pub struct DeltaSources<'a> {
    /// The base alone, with a shelf that has all blocks.
    pub base: &'a View,
    /// How the caller names the base.
    pub base_name: [u8; 24],
    /// Path of a file by its number in the snapshot that edges are of.
    pub path: &'a dyn Fn(u32) -> Option<Vec<u8>>,
    /// Externals that edges name by number.
    pub externals: &'a [External],
    /// Facts of a file that did not change; asked for where an edge leads to a symbol that the base has no node of.
    pub facts: &'a mut dyn FnMut(&[u8]) -> Result<Facts, GraphError>,
}

/// Collects files, and writes the delta.
#[derive(Debug, Default)]
pub struct DeltaBuilder {
    pub(super) files: BTreeMap<Vec<u8>, Own>,
    removed: Vec<Vec<u8>>,
}

/// A file that the delta may have to tell of.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) class: Class,
    pub(super) state: State,
    pub(super) edges: FileEdges,
    pub(super) base_file: Option<u32>,
    /// All symbols of the file; empty while they are not wanted.
    pub(super) symbols: Vec<Node>,
    /// Nodes of the base by symbol, where the text is the base's.
    pub(super) base_nodes: HashMap<u32, NodeId>,
    /// Symbols that become nodes of the delta.
    pub(super) marks: BTreeSet<u32>,
    /// Numbers of the nodes of the base that are these symbols.
    pub(super) aliases: Vec<(NodeId, Option<u32>)>,
    /// Ranks of the base's nodes, by symbol.
    pub(super) ranks: HashMap<u32, u8>,
}

impl DeltaBuilder {
    /// Says that a file of the base is gone.
    pub fn remove(&mut self, path: &[u8]) {
        self.removed.push(path.to_vec());
    }

    /// Adds a file, in any order.
    pub fn add(&mut self, file: &DeltaFile<'_>) {
        let DeltaFile { file, is_changed } = file;
        let state = if *is_changed { State::Whole } else { State::Edges };
        let mut own = Own::new(file.class, state);
        own.symbols = nodes_of(file.facts);
        own.edges = file.edges.clone();
        self.files.insert(file.path.to_vec(), own);
    }

    /// Writes the delta.
    pub fn finish(mut self, sources: &mut DeltaSources<'_>, out: impl Write) -> Result<GraphSummary, GraphError> {
        for (path, own) in &mut self.files {
            own.meet(path, sources.base)?;
        }
        let paths: Vec<_> = self.files.keys().cloned().collect();
        // Most are used many times.
        let mut marked = HashSet::new();
        for path in paths {
            let edges = self.files.get(&path).map(|own| own.edges.clone()).unwrap_or_default();
            for symbol in edges.edges.iter().filter_map(|edge| edge.source) {
                self.mark(&path, symbol, sources)?;
            }
            let kin = edges.inheritance.iter().flat_map(|one| [one.below, one.above]);
            for target in edges.edges.iter().map(|edge| edge.target).chain(kin) {
                if let Target::Symbol { file, symbol } = target
                    && marked.insert((file, symbol))
                {
                    self.mark(&path_of(file, sources)?, symbol, sources)?;
                }
            }
        }
        let gone = self.removed.iter().filter_map(|path| sources.base.find_file(path));
        let removed: BTreeSet<_> = gone.collect();
        write(self.files, removed.into_iter().collect(), sources, out)
    }

    /// Sees to it that a symbol has a node, in the base or here.
    fn mark(&mut self, path: &[u8], symbol: u32, sources: &mut DeltaSources<'_>) -> Result<(), GraphError> {
        if !self.files.contains_key(path) {
            let file = sources.base.find_file(path).ok_or_else(|| unknown(path))?;
            let mut own = Own::new(sources.base.class(file), State::Nodes);
            own.meet(path, sources.base)?;
            self.files.insert(path.to_vec(), own);
        }
        let own = self.files.get_mut(path).ok_or_else(|| unknown(path))?;
        if own.base_nodes.contains_key(&symbol) {
            return Ok(());
        }
        if own.state == State::Nodes && own.symbols.is_empty() {
            own.symbols = nodes_of(&(sources.facts)(path)?);
        }
        if own.symbols.len() <= symbol as usize {
            return Err(GraphError::Build(format!(
                "there is no symbol {symbol} in `{}`",
                String::from_utf8_lossy(path)
            )));
        }
        own.marks.insert(symbol);
        Ok(())
    }
}

impl Own {
    fn new(class: Class, state: State) -> Self {
        Self {
            class,
            state,
            edges: FileEdges::default(),
            base_file: None,
            symbols: Vec::new(),
            base_nodes: HashMap::new(),
            marks: BTreeSet::new(),
            aliases: Vec::new(),
            ranks: HashMap::new(),
        }
    }

    /// Looks at what the base has of the file.
    fn meet(&mut self, path: &[u8], base: &View) -> Result<(), GraphError> {
        self.base_file = base.find_file(path);
        let offered = self.symbols.iter().filter(|node| self.state == State::Whole && node.is_offered());
        self.marks.extend(offered.filter_map(|node| node.symbol));
        let Some(file) = self.base_file else {
            return if self.state == State::Whole { Ok(()) } else { Err(unknown(path)) };
        };
        if self.state != State::Whole {
            let old = View::all(base.nodes_of(file), |node| Ok((base.symbol(node)?, node)))?;
            self.base_nodes = old.into_iter().filter_map(|(symbol, id)| Some((symbol?, id))).collect();
            return Ok(());
        }
        let old = View::all(base.nodes_of(file), |node| Ok((node, base.node(node)?)))?;
        let labels: HashMap<_, _> = self.symbols.iter().map(|node| ((&node.qualified, node.ordinal), node)).collect();
        for (id, node) in old {
            if node.symbol.is_none() {
                self.aliases.push((id, None));
            } else if let Some(symbol) = labels.get(&(&node.qualified, node.ordinal)).and_then(|now| now.symbol) {
                self.aliases.push((id, Some(symbol)));
                self.ranks.insert(symbol, node.rank);
                self.marks.insert(symbol);
            }
        }
        Ok(())
    }
}

/// The path of a file by its number.
pub(super) fn path_of(file: u32, sources: &DeltaSources<'_>) -> Result<Vec<u8>, GraphError> {
    (sources.path)(file).ok_or_else(|| GraphError::Build(format!("there is no file {file}")))
}

pub(super) fn unknown(path: &[u8]) -> GraphError {
    let path = String::from_utf8_lossy(path);
    GraphError::Build(format!("neither the base nor the delta has `{path}`"))
}
