//! Symbols of a file as it says them itself, be they in a graph or not: what nobody uses and nobody else may use is in none.

use super::find::is_named;
use super::places::SymbolPlace;
use crate::facts::{Facts, Flags, SymbolKind};
use crate::graph::{Node, NodeId, nodes_of};

/// No graph has a node of this number.
pub(in crate::search) const NO_NODE: NodeId = NodeId::MAX;

/// A file and what it says.
#[derive(Clone, Copy, Debug)]
pub struct NamedFile<'a> {
    /// Its path.
    pub path: &'a [u8],
    /// Whether all of it is a test.
    pub is_test: bool,
    /// What it says.
    pub facts: &'a Facts,
}

impl NamedFile<'_> {
    /// Its symbols that a text means: an id, a name or a qualified name.
    pub fn named(&self, text: &str) -> Vec<SymbolPlace> {
        let nodes = nodes_of(self.facts);
        let places = nodes.iter().map(|node| (self.place(Some(node)), is_named(node, text)));
        places.filter(|(place, is_named)| *is_named || place.id == text).map(|(place, _)| place).collect()
    }

    /// A symbol of it; `None`: itself as a whole.
    pub(in crate::search) fn place(&self, node: Option<&Node>) -> SymbolPlace {
        let path = String::from_utf8_lossy(self.path);
        let flags = node.map_or_else(Flags::default, |node| node.flags);
        let file_name = || path.rsplit('/').next().unwrap_or(&path).to_owned();
        SymbolPlace {
            node: NO_NODE,
            id: node.map_or_else(|| path.to_string(), |node| format!("{path}#{}", node.label())),
            name: node.map_or_else(file_name, |node| node.name().to_owned()),
            kind: Some(node.map_or(SymbolKind::Module, |node| node.kind)),
            is_file: node.is_none(),
            flags,
            path: self.path.to_vec(),
            line: node.map_or(0, |node| node.line),
            is_test: self.is_test || flags.has(Flags::TEST),
        }
    }
}
