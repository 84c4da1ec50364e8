//! A graph as it is asked: a base, a delta on it or none, and the blocks that were read. What is not there yet is noted, and
//! the caller told so: it reads what was noted and asks again. So nothing here waits, and many blocks come in one wave.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::edge::External;
use super::error::{GraphError, corrupt};
use super::files::State;
use super::index::Kind;
use super::manner::Manner;
use super::names::Unclear;
use super::node::Node;
use super::node_block::NodeBlock;
use super::overlay::Overlay;
use super::reader::{Block, Graph, Rows};
use crate::facts::Relation;
use crate::segment::Class;

/// A node or external of a view. Numbers are those of the base, then those of the delta; a node of the base that the delta
/// has anew goes by the delta's number alone.
pub type NodeId = u32;

/// Which block of which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Of the delta, not of the base.
    pub in_delta: bool,
    /// Which kind of block.
    pub kind: Kind,
    /// Its number.
    pub block: u32,
}

/// Where blocks may be found at once: in memory, in a mapped file.
pub trait Shelf {
    /// A block, or `None` if it must be read first.
    fn find(&self, graph: &Graph, place: Place) -> Result<Option<Arc<Block>>, GraphError>;
}

/// An outgoing edge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutEdge {
    /// What is used.
    pub target: NodeId,
    /// How.
    pub manner: Manner,
    /// Where the name stands in the file of the source, in bytes.
    pub sites: Box<[u32]>,
}

/// An incoming edge: the best manner of its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InEdge {
    /// Who uses.
    pub source: NodeId,
    /// How.
    pub manner: Manner,
}

/// That a node stands below or above another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kin {
    /// The other one.
    pub node: NodeId,
    /// Which rule found it, how surely; its role is always that of inheritance.
    pub manner: Manner,
    /// How the lower one stands to the upper one.
    pub relation: Relation,
    /// The file that says so.
    pub file: u32,
    /// Where in that file, in bytes.
    pub site: u32,
}

/// A node, borrowed from its block.
#[derive(Clone, Debug)]
pub struct NodeRef(Arc<Block>, usize);

impl Deref for NodeRef {
    type Target = Node;

    fn deref(&self) -> &Node {
        match &self.0.0 {
            Rows::Nodes(block) => &block.rows().expect("they were decoded when this was made")[self.1],
            _ => unreachable!("a reference is made of a block of nodes alone"),
        }
    }
}

/// A base with a delta or none.
pub struct View {
    pub(super) base: Arc<Graph>,
    pub(super) delta: Option<Overlay>,
    shelf: Box<dyn Shelf + Send + Sync>,
    loaded: Mutex<HashMap<Place, Arc<Block>>>,
    wanted: Mutex<BTreeSet<Place>>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("base", &self.base.n_nodes()).field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

impl View {
    /// A base with a delta or none; fails if the delta is one on another base.
    pub fn new(
        base: Arc<Graph>,
        delta: Option<Arc<Graph>>,
        shelf: Box<dyn Shelf + Send + Sync>,
    ) -> Result<Self, GraphError> {
        if base.base.is_some() {
            return Err(corrupt("base", "is itself a delta"));
        }
        let delta = delta.map(|delta| Overlay::new(&base, delta)).transpose()?;
        Ok(Self { base, delta, shelf, loaded: Mutex::default(), wanted: Mutex::default() })
    }

    /// Nodes of base and delta, also those of the base that are gone.
    pub fn n_nodes(&self) -> u32 {
        self.base.n_nodes().saturating_add(self.delta.as_ref().map_or(0, |delta| delta.graph.n_nodes()))
    }

    /// What was asked for in vain since the last time.
    pub fn take_wanted(&self) -> Vec<Place> {
        std::mem::take(&mut *locked(&self.wanted)).into_iter().collect()
    }

    /// Where a block is in its file.
    pub fn range(&self, place: Place) -> Range<u64> {
        self.graph(place.in_delta).map_or(0..0, |graph| graph.range(place.kind, place.block))
    }

    /// Takes a block that was read. Gives it decoded, for others.
    pub fn insert(&self, place: Place, bytes: &[u8]) -> Result<Arc<Block>, GraphError> {
        let graph = self.graph(place.in_delta).ok_or_else(|| corrupt("delta", "there is none"))?;
        let block = Arc::new(graph.decode(place.kind, place.block, bytes)?);
        locked(&self.loaded).insert(place, Arc::clone(&block));
        Ok(block)
    }

    /// All answers of `ask`, or `Missing` once all have been asked: what they want comes in one wave.
    pub fn all<I, T>(
        items: impl IntoIterator<Item = I>,
        mut ask: impl FnMut(I) -> Result<T, GraphError>,
    ) -> Result<Vec<T>, GraphError> {
        let (mut answers, mut missing) = (Vec::new(), false);
        for item in items {
            match ask(item) {
                Ok(answer) => answers.push(answer),
                Err(GraphError::Missing) => missing = true,
                Err(error) => return Err(error),
            }
        }
        if missing { Err(GraphError::Missing) } else { Ok(answers) }
    }

    /// A node. Externals are none.
    pub fn node(&self, node: NodeId) -> Result<NodeRef, GraphError> {
        self.row(node, |block, rows, nth| {
            rows.rows()?;
            Ok(NodeRef(Arc::clone(block), nth))
        })
    }

    /// The number of a node's symbol in the facts of its file, without a look at what it is; `None`: it is the file itself.
    pub fn symbol(&self, node: NodeId) -> Result<Option<u32>, GraphError> {
        self.row(node, |_, rows, nth| Ok(rows.symbol(nth)))
    }

    fn row<T>(
        &self,
        node: NodeId,
        show: impl FnOnce(&Arc<Block>, &NodeBlock, usize) -> Result<T, GraphError>,
    ) -> Result<T, GraphError> {
        let (in_delta, number) = self.place_of(node);
        let block = self.block_of(in_delta, Kind::Nodes, number)?;
        let block = block.ok_or_else(|| corrupt("nodes", format!("there is no node {node}")))?;
        let Rows::Nodes(rows) = &block.0 else { return Err(corrupt("nodes", "another kind of block")) };
        let nth = rows.place(number).ok_or_else(|| corrupt("nodes", "a block is too short"))?;
        show(&block, rows, nth)
    }

    /// Whether it is an external.
    pub fn is_external(&self, node: NodeId) -> bool {
        let (in_delta, number) = self.place_of(node);
        self.graph(in_delta).is_none_or(|graph| number >= graph.n_nodes())
    }

    /// An external.
    pub fn external(&self, node: NodeId) -> Result<External, GraphError> {
        let (in_delta, number) = self.place_of(node);
        let missing = || corrupt("externals", format!("there is no external {node}"));
        let graph = self.graph(in_delta).ok_or_else(missing)?;
        let number = number.checked_sub(graph.n_nodes()).ok_or_else(missing)?;
        let index = graph.index(Kind::Externals);
        let found = index.find(number).ok_or_else(missing)?;
        let block = self.block(Place { in_delta, kind: Kind::Externals, block: found as u32 })?;
        let Rows::Externals(externals) = &block.0 else { return Err(missing()) };
        let nth = number - index.first(found).unwrap_or(0);
        externals.0.get(nth as usize).cloned().ok_or_else(missing)
    }

    /// The package itself and all names in it that the repository uses.
    pub fn externals_of(&self, package: &str) -> Result<Vec<(NodeId, External)>, GraphError> {
        let (low, high) = ([package.as_bytes(), b"\0"].concat(), [package.as_bytes(), b"\x01"].concat());
        let mut found = Vec::new();
        for in_delta in [false, true] {
            let Some(graph) = self.graph(in_delta) else { continue };
            let index = graph.index(Kind::Externals);
            let first = self.number(in_delta, graph.n_nodes());
            let blocks = Self::all(index.find_names(&low, &high), |block| {
                Ok((block, self.block(Place { in_delta, kind: Kind::Externals, block: block as u32 })?))
            })?;
            for (nth, block) in blocks {
                let Rows::Externals(externals) = &block.0 else { continue };
                let numbers = first.saturating_add(index.first(nth).unwrap_or(0))..;
                let of_package = numbers.zip(&externals.0).filter(|(_, one)| &*one.package == package);
                found.extend(of_package.map(|(number, one)| (number, one.clone())));
            }
        }
        Ok(found)
    }

    /// Who stands below a node, or above it.
    pub fn kin(&self, node: NodeId, below: bool) -> Result<Vec<Kin>, GraphError> {
        let kind = if below { Kind::Below } else { Kind::Above };
        let mut kin = Vec::new();
        for (in_delta, key, block) in self.blocks_of(kind, node)? {
            let (Rows::Kin(block), Some(graph)) = (&block.0, self.graph(in_delta)) else { continue };
            for row in block.rows(key) {
                let node = self.now(row.node).filter(|_| in_delta || !self.is_told(row.file));
                let Some(node) = node else { continue };
                let (manner, relation) = (graph.manner(row.manner)?, row.relation);
                kin.push(Kin { node, manner, relation, file: row.file, site: row.site });
            }
        }
        Ok(kin)
    }

    /// The file of a node; an external has none.
    pub fn file_of(&self, node: NodeId) -> Option<u32> {
        if self.is_external(node) {
            return None;
        }
        match self.place_of(node) {
            (false, number) => Some(self.base.files.of_node(number)),
            (true, number) => self.delta.as_ref().map(|delta| delta.file_of(&self.base, number)),
        }
    }

    /// Path of a file; empty if there is no such file.
    pub fn path(&self, file: u32) -> &[u8] {
        match &self.delta {
            Some(delta) if file >= self.base.n_files() => delta.graph.files.path(file - self.base.n_files()),
            _ => self.base.files.path(file),
        }
    }

    /// What kind of file it is.
    pub fn class(&self, file: u32) -> Class {
        match self.delta.as_ref().and_then(|delta| Some((delta, delta.own_file(&self.base, file)?))) {
            Some((delta, own)) => delta.graph.files.class(own),
            None => self.base.files.class(file),
        }
    }

    /// The file of a path.
    pub fn find_file(&self, path: &[u8]) -> Option<u32> {
        match (self.base.files.find(path), &self.delta) {
            (Some(file), delta) => delta.as_ref().is_none_or(|delta| !delta.is_removed(file)).then_some(file),
            (None, Some(delta)) => Some(delta.graph.files.find(path)? + self.base.n_files()),
            (None, None) => None,
        }
    }

    /// Files whose path begins so; those that the delta adds come last.
    pub fn files_under(&self, prefix: &[u8]) -> Vec<u32> {
        let Some(delta) = &self.delta else { return self.base.files.under(prefix).collect() };
        let base = self.base.files.under(prefix).filter(|file| !delta.is_removed(*file));
        let own = delta.graph.files.under(prefix).map(|own| delta.view_file(&self.base, own));
        base.chain(own.filter(|file| *file >= self.base.n_files())).collect()
    }

    /// The node of a file as a whole.
    pub fn file_node(&self, file: u32) -> Option<NodeId> {
        self.node_ranges(file).into_iter().find(|range| !range.is_empty()).map(|range| range.start)
    }

    /// The nodes of a file, its own first.
    pub fn nodes_of(&self, file: u32) -> impl Iterator<Item = NodeId> {
        self.node_ranges(file).into_iter().flatten()
    }

    /// The node of a symbol by its number in the facts of the file.
    pub fn find(&self, file: u32, symbol: u32) -> Result<Option<NodeId>, GraphError> {
        let nodes = Self::all(self.nodes_of(file), |node| Ok((node, self.symbol(node)?)))?;
        Ok(nodes.into_iter().find(|(_, number)| *number == Some(symbol)).map(|(node, _)| node))
    }

    /// References by that name that lead nowhere, by file.
    pub fn unclear(&self, name: &str) -> Result<Vec<Unclear>, GraphError> {
        let lists = Self::all([false, true], |in_delta| {
            let index = self.graph(in_delta).map(|graph| graph.index(Kind::Unclear));
            let Some(block) = index.and_then(|index| index.find_name(name.as_bytes())) else { return Ok(Vec::new()) };
            let block = self.block(Place { in_delta, kind: Kind::Unclear, block: block as u32 })?;
            let Rows::Unclear(block) = &block.0 else { return Ok(Vec::new()) };
            let stays = |row: &&Unclear| in_delta || !self.is_told(row.file);
            Ok(block.rows(name).iter().filter(stays).copied().collect())
        })?;
        Ok(lists.concat())
    }

    /// The nodes of highest rank, the highest first.
    pub fn top(&self) -> Result<Vec<NodeId>, GraphError> {
        if self.base.n_blocks(Kind::Top) == 0 {
            return Ok(Vec::new());
        }
        let block = self.block(Place { in_delta: false, kind: Kind::Top, block: 0 })?;
        let Rows::Top(top) = &block.0 else { return Ok(Vec::new()) };
        Ok(top.iter().filter_map(|node| self.now(*node)).collect())
    }

    /// Nodes and externals of the base, and its files.
    pub(super) fn base_counts(&self) -> (u32, u32) {
        (self.base.n_numbers(), self.base.n_files())
    }

    /// What a number of the base is now; `None`: gone. Other numbers are what they are.
    pub(super) fn now(&self, node: NodeId) -> Option<NodeId> {
        self.delta.as_ref().map_or(Some(node), |delta| delta.now(&self.base, node))
    }

    /// Whether what a file of the base says is told by the delta, or gone.
    pub(super) fn is_told(&self, file: u32) -> bool {
        self.delta.as_ref().is_some_and(|delta| delta.tells_uses_of(&self.base, file))
    }

    pub(super) fn node_ranges(&self, file: u32) -> [Range<u32>; 2] {
        let Some(delta) = &self.delta else { return [self.base.files.nodes(file), 0..0] };
        let own = delta.own_file(&self.base, file).map_or(0..0, |own| {
            let nodes = delta.graph.files.nodes(own);
            self.number(true, nodes.start)..self.number(true, nodes.end)
        });
        if delta.is_removed(file) {
            [0..0, 0..0]
        } else if file >= self.base.n_files() || delta.state(&self.base, file) == Some(State::Whole) {
            [own, 0..0]
        } else {
            [self.base.files.nodes(file), own]
        }
    }

    /// The blocks of base and delta that may tell of a node, with its number there.
    fn blocks_of(&self, kind: Kind, node: NodeId) -> Result<Vec<(bool, u32, Arc<Block>)>, GraphError> {
        let in_base = self.delta.as_ref().map_or(Some(node), |delta| delta.in_base(&self.base, node));
        let keys = [(false, in_base), (true, Some(node))];
        let keys = keys.into_iter().filter_map(|(in_delta, key)| Some((in_delta, key?)));
        let blocks = Self::all(keys, |(in_delta, key)| Ok((in_delta, key, self.block_of(in_delta, kind, key)?)))?;
        Ok(blocks.into_iter().filter_map(|(in_delta, key, block)| Some((in_delta, key, block?))).collect())
    }

    /// The block of a key, read or wanted; `None`: no block has it.
    pub(super) fn block_of(&self, in_delta: bool, kind: Kind, key: u32) -> Result<Option<Arc<Block>>, GraphError> {
        let found = self.graph(in_delta).and_then(|graph| graph.index(kind).find(key));
        found.map(|block| self.block(Place { in_delta, kind, block: block as u32 })).transpose()
    }

    pub(super) fn block(&self, place: Place) -> Result<Arc<Block>, GraphError> {
        if let Some(block) = locked(&self.loaded).get(&place) {
            return Ok(Arc::clone(block));
        }
        let graph = self.graph(place.in_delta).ok_or_else(|| corrupt("delta", "there is none"))?;
        if let Some(block) = self.shelf.find(graph, place)? {
            locked(&self.loaded).insert(place, Arc::clone(&block));
            return Ok(block);
        }
        locked(&self.wanted).insert(place);
        Err(GraphError::Missing)
    }

    pub(super) fn graph(&self, in_delta: bool) -> Option<&Graph> {
        if in_delta { self.delta.as_ref().map(|delta| &*delta.graph) } else { Some(&self.base) }
    }

    /// Whether a number is the delta's, and which one of its own it is.
    fn place_of(&self, node: NodeId) -> (bool, u32) {
        match node.checked_sub(self.base.n_numbers()) {
            Some(own) if self.delta.is_some() => (true, own),
            _ => (false, node),
        }
    }

    fn number(&self, in_delta: bool, own: u32) -> NodeId {
        if in_delta { self.base.n_numbers().saturating_add(own) } else { own }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
