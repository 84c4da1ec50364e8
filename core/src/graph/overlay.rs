//! What a delta changes of its base: which files, which nodes go by another number, whose edges are told anew.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::error::{GraphError, corrupt};
use super::files::State;
use super::reader::{BaseRef, Graph};

/// A delta, ready to be asked. Files go by the numbers of the base, those that it has not by what follows.
#[derive(Debug)]
pub(super) struct Overlay {
    pub(super) graph: Arc<Graph>,
    removed: HashSet<u32>,
    /// The delta's own number of files of the base.
    own_files: HashMap<u32, u32>,
    /// The base's number of the delta's files.
    base_files: Vec<Option<u32>>,
    now: HashMap<u32, u32>,
    before: HashMap<u32, u32>,
    n_numbers: u32,
}

impl Overlay {
    pub(super) fn new(base: &Graph, graph: Arc<Graph>) -> Result<Self, GraphError> {
        let told = graph.base.as_ref().ok_or_else(|| corrupt("delta", "is a whole graph"))?;
        let fits = (told.n_numbers, told.n_files) == (base.n_numbers(), base.n_files());
        if !fits || !agrees(told, base, &graph) {
            return Err(corrupt("delta", "is one on another base"));
        }
        let files = &graph.files;
        let base_files: Vec<_> = (0..files.len()).map(|own| base.files.find(files.path(own))).collect();
        let own_files = (0..).zip(&base_files).filter_map(|(own, file)| Some(((*file)?, own))).collect();
        let strange = (0..).zip(&base_files).any(|(own, file)| file.is_none() && files.state(own) != State::Whole);
        if strange {
            return Err(corrupt("delta", "changes a file that there is not"));
        }
        let numbered = |(old, own): &(u32, u32)| (*old, told.n_numbers + own);
        let now: HashMap<_, _> = told.aliases.iter().map(numbered).collect();
        Ok(Self {
            removed: told.removed.iter().copied().collect(),
            own_files,
            before: now.iter().map(|(old, own)| (*own, *old)).collect(),
            now,
            n_numbers: told.n_numbers,
            base_files,
            graph,
        })
    }

    pub(super) fn is_removed(&self, file: u32) -> bool {
        self.removed.contains(&file)
    }

    /// The delta's own number of a file.
    pub(super) fn own_file(&self, base: &Graph, file: u32) -> Option<u32> {
        match file.checked_sub(base.n_files()) {
            Some(own) => Some(own).filter(|own| *own < self.graph.n_files()),
            None => self.own_files.get(&file).copied(),
        }
    }

    /// The number of a file by the delta's own.
    pub(super) fn view_file(&self, base: &Graph, own: u32) -> u32 {
        let in_base = self.base_files.get(own as usize).copied().flatten();
        in_base.unwrap_or_else(|| base.n_files().saturating_add(own))
    }

    pub(super) fn state(&self, base: &Graph, file: u32) -> Option<State> {
        self.own_file(base, file).map(|own| self.graph.files.state(own))
    }

    /// The file of a node of the delta, by its own number.
    pub(super) fn file_of(&self, base: &Graph, own: u32) -> u32 {
        self.view_file(base, self.graph.files.of_node(own))
    }

    /// Whether what a file uses is told by the delta, or gone.
    pub(super) fn tells_uses_of(&self, base: &Graph, file: u32) -> bool {
        self.is_removed(file) || matches!(self.state(base, file), Some(State::Whole | State::Edges))
    }

    /// Whether what a node uses is told by the delta, or gone.
    pub(super) fn tells_edges_of(&self, base: &Graph, node: u32) -> bool {
        node >= self.n_numbers || (node < base.n_nodes() && self.tells_uses_of(base, base.files.of_node(node)))
    }

    /// What a number of the base is now; `None`: gone.
    pub(super) fn now(&self, base: &Graph, node: u32) -> Option<u32> {
        if node >= base.n_nodes() {
            return Some(node);
        }
        let file = base.files.of_node(node);
        if self.is_removed(file) {
            return None;
        }
        if self.state(base, file) == Some(State::Whole) { self.now.get(&node).copied() } else { Some(node) }
    }

    /// What a number is called in the base.
    pub(super) fn in_base(&self, base: &Graph, node: u32) -> Option<u32> {
        if node >= self.n_numbers {
            return self.before.get(&node).copied();
        }
        self.now(base, node).filter(|now| *now == node)
    }
}

fn agrees(told: &BaseRef, base: &Graph, graph: &Graph) -> bool {
    let known = told.removed.iter().all(|file| *file < base.n_files());
    known && told.aliases.iter().all(|(old, own)| *old < base.n_nodes() && *own < graph.n_nodes())
}
