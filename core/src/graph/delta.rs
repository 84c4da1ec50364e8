//! Makes the delta of a tip on its base: the files whose edges are told anew, and what that needs of nodes.
//!
//! A symbol of a changed file is the one of the base that has its qualified name and place among equals, so edges of files
//! that did not change still lead to it.

use std::collections::BTreeSet;
use std::io::Write;

use super::delta_assemble::write;
use super::delta_files::{Own, OwnFiles};
use super::edge::{External, FileEdges};
use super::error::GraphError;
use super::files::State;
use super::node::nodes_of;
use super::view::View;
use super::writer::GraphSummary;
use crate::facts::Facts;
use crate::segment::Class;

/// A file that a delta tells of.
#[derive(Clone, Debug)]
pub struct DeltaFile<'a> {
    /// Its path.
    pub path: &'a [u8],
    /// What kind of file it is.
    pub class: Class,
    /// What its text says.
    pub facts: &'a Facts,
    /// Where its references lead.
    pub edges: FileEdges,
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
    /// Facts of a file whose text did not change; asked for where an edge touches a symbol that the base has no node of.
    pub facts: &'a mut dyn FnMut(&[u8]) -> Result<Facts, GraphError>,
}

/// Collects files, and writes the delta.
#[derive(Debug, Default)]
pub struct DeltaBuilder {
    files: Vec<Own>,
    removed: Vec<Vec<u8>>,
}

impl DeltaBuilder {
    /// Says that a file of the base is gone.
    pub fn remove(&mut self, path: &[u8]) {
        self.removed.push(path.to_vec());
    }

    /// Adds a file, in any order, each once.
    pub fn add(&mut self, file: DeltaFile<'_>) {
        let DeltaFile { path, class, facts, edges, is_changed } = file;
        let state = if is_changed { State::Whole } else { State::Edges };
        let symbols = if is_changed { nodes_of(facts) } else { Vec::new() };
        self.files.push(Own { symbols, edges, ..Own::new(path, class, state) });
    }

    /// Writes the delta.
    pub fn finish(self, sources: &mut DeltaSources<'_>, out: impl Write) -> Result<GraphSummary, GraphError> {
        let mut all = OwnFiles::default();
        for file in self.files {
            all.add(file, sources.base)?;
        }
        for place in 0..all.files.len() {
            let edges = std::mem::take(&mut all.files[place].edges);
            all.mark_edges(place, &edges, sources)?;
            all.files[place].edges = edges;
        }
        let gone: BTreeSet<_> = self.removed.iter().filter_map(|path| sources.base.find_file(path)).collect();
        write(all, gone.into_iter().collect(), sources, out)
    }
}
