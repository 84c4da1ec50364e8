//! The files that a delta may have to tell of, and which symbols of theirs get nodes. How those are numbered and written is
//! the business of `delta_assemble`.

use std::collections::HashMap;

use super::delta::DeltaSources;
use super::edge::{FileEdges, Target};
use super::error::GraphError;
use super::files::State;
use super::node::{Node, nodes_of};
use super::view::{NodeId, View};
use crate::segment::Class;

/// A file that the delta may have to tell of.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) path: Vec<u8>,
    pub(super) class: Class,
    pub(super) state: State,
    pub(super) edges: FileEdges,
    pub(super) base_file: Option<u32>,
    /// All symbols of the file; empty while they are not wanted.
    pub(super) symbols: Vec<Node>,
    /// The node of each symbol, or [`NO_NODE`], or [`MARKED`]; those behind the last one have none.
    pub(super) nodes: Vec<NodeId>,
    /// Symbols that become nodes of the delta.
    pub(super) marks: Vec<u32>,
    /// Numbers of the nodes of the base that are these symbols.
    pub(super) aliases: Vec<(NodeId, Option<u32>)>,
    /// Ranks of the base's nodes, by symbol.
    pub(super) ranks: HashMap<u32, u8>,
    /// The number that the delta tells it by, and the first node that it has there.
    pub(super) number: u32,
    pub(super) first_node: NodeId,
}

/// A symbol without a node.
pub(super) const NO_NODE: NodeId = NodeId::MAX;
/// A symbol whose node in the delta has no number yet.
pub(super) const MARKED: NodeId = NodeId::MAX - 1;
/// A file of the snapshot that nothing has led to.
const UNSEEN: u32 = u32::MAX;

/// The files of a delta, found by path and by their number in the snapshot.
#[derive(Debug, Default)]
pub(super) struct OwnFiles {
    pub(super) files: Vec<Own>,
    by_path: HashMap<Vec<u8>, usize>,
    /// Place of each file of the snapshot: most are led to by many edges.
    by_number: Vec<u32>,
}

impl OwnFiles {
    /// Adds a file; its place.
    pub(super) fn add(&mut self, mut file: Own, base: &View) -> Result<usize, GraphError> {
        file.meet(base)?;
        self.by_path.insert(file.path.clone(), self.files.len());
        self.files.push(file);
        Ok(self.files.len() - 1)
    }

    /// The place of a file of the snapshot, if anything has led to it.
    pub(super) fn place(&self, number: u32) -> Option<usize> {
        let place = self.by_number.get(number as usize).filter(|place| **place != UNSEEN);
        place.map(|place| *place as usize)
    }

    /// The place of a file by its path.
    pub(super) fn find(&self, path: &[u8]) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// The place of a file of the snapshot that an edge leads to.
    fn reach(&mut self, number: u32, sources: &DeltaSources<'_>) -> Result<usize, GraphError> {
        if let Some(place) = self.place(number) {
            return Ok(place);
        }
        let path = path_of(number, sources)?;
        let place = match self.find(&path) {
            Some(place) => place,
            None => {
                let file = sources.base.find_file(&path).ok_or_else(|| unknown(&path))?;
                self.add(Own::new(&path, sources.base.class(file), State::Nodes), sources.base)?
            }
        };
        if self.by_number.len() <= number as usize {
            self.by_number.resize(number as usize + 1, UNSEEN);
        }
        self.by_number[number as usize] = place as u32;
        Ok(place)
    }

    /// Sees to it that whatever the edges of a file touch has a node, in the base or here.
    pub(super) fn mark_edges(
        &mut self,
        place: usize,
        edges: &FileEdges,
        sources: &mut DeltaSources<'_>,
    ) -> Result<(), GraphError> {
        for symbol in edges.edges.iter().filter_map(|edge| edge.source) {
            self.files[place].mark(symbol, sources)?;
        }
        let kin = edges.inheritance.iter().flat_map(|one| [one.below, one.above]);
        for target in edges.edges.iter().map(|edge| edge.target).chain(kin) {
            if let Target::Symbol { file, symbol } = target {
                let place = self.reach(file, sources)?;
                self.files[place].mark(symbol, sources)?;
            }
        }
        Ok(())
    }
}

impl Own {
    pub(super) fn new(path: &[u8], class: Class, state: State) -> Self {
        Self {
            path: path.to_vec(),
            class,
            state,
            edges: FileEdges::default(),
            base_file: None,
            symbols: Vec::new(),
            nodes: Vec::new(),
            marks: Vec::new(),
            aliases: Vec::new(),
            ranks: HashMap::new(),
            number: 0,
            first_node: NO_NODE,
        }
    }

    /// The node of a symbol.
    pub(super) fn node(&self, symbol: u32) -> Option<NodeId> {
        self.nodes.get(symbol as usize).copied().filter(|node| *node != NO_NODE)
    }

    pub(super) fn set_node(&mut self, symbol: u32, node: NodeId) {
        if self.nodes.len() <= symbol as usize {
            self.nodes.resize(symbol as usize + 1, NO_NODE);
        }
        self.nodes[symbol as usize] = node;
    }

    /// Sees to it that a symbol has a node.
    fn mark(&mut self, symbol: u32, sources: &mut DeltaSources<'_>) -> Result<(), GraphError> {
        if self.node(symbol).is_some() {
            return Ok(());
        }
        if self.state != State::Whole && self.symbols.is_empty() {
            self.symbols = nodes_of(&(sources.facts)(&self.path)?);
        }
        self.mark_known(symbol)
    }

    fn mark_known(&mut self, symbol: u32) -> Result<(), GraphError> {
        if self.symbols.len() <= symbol as usize {
            let path = String::from_utf8_lossy(&self.path);
            return Err(GraphError::Build(format!("there is no symbol {symbol} in `{path}`")));
        }
        if self.node(symbol).is_none() {
            self.set_node(symbol, MARKED);
            self.marks.push(symbol);
        }
        Ok(())
    }

    /// Whether the delta names it.
    pub(super) fn is_told(&self) -> bool {
        self.state != State::Nodes || !self.marks.is_empty()
    }

    /// Looks at what the base has of the file.
    fn meet(&mut self, base: &View) -> Result<(), GraphError> {
        self.base_file = base.find_file(&self.path);
        if self.state == State::Whole {
            return self.meet_changed(base);
        }
        let file = self.base_file.ok_or_else(|| unknown(&self.path))?;
        for (symbol, node) in View::all(base.nodes_of(file), |node| Ok((base.symbol(node)?, node)))? {
            symbol.into_iter().for_each(|symbol| self.set_node(symbol, node));
        }
        Ok(())
    }

    fn meet_changed(&mut self, base: &View) -> Result<(), GraphError> {
        let offered = self.symbols.iter().filter(|node| node.is_offered());
        let mut marks: Vec<u32> = offered.filter_map(|node| node.symbol).collect();
        let Some(file) = self.base_file else {
            return marks.into_iter().try_for_each(|symbol| self.mark_known(symbol));
        };
        let old = View::all(base.nodes_of(file), |node| Ok((node, base.node(node)?)))?;
        let labels: HashMap<_, _> = self.symbols.iter().map(|node| ((&node.qualified, node.ordinal), node)).collect();
        for (id, node) in old {
            if node.symbol.is_none() {
                self.aliases.push((id, None));
            } else if let Some(symbol) = labels.get(&(&node.qualified, node.ordinal)).and_then(|now| now.symbol) {
                self.aliases.push((id, Some(symbol)));
                self.ranks.insert(symbol, node.rank);
                marks.push(symbol);
            }
        }
        marks.into_iter().try_for_each(|symbol| self.mark_known(symbol))
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
