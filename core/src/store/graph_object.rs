//! Names of the objects that hold a graph: what a reader must know to ask for their tails at once.

use crate::store::ObjectKey;

/// One object of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphObject {
    /// Its name.
    pub key: ObjectKey,
    /// Its length.
    pub bytes: u64,
    /// Length of its hot tail, trailer included.
    pub hot_bytes: u64,
}

/// The graph of a tip: a base, and what differs from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphObjects {
    /// Made of a whole snapshot.
    pub base: GraphObject,
    /// A delta on it; `None`: the tip is the base's own.
    pub delta: Option<GraphObject>,
}

impl GraphObjects {
    /// Base and delta.
    pub fn all(&self) -> impl Iterator<Item = GraphObject> {
        std::iter::once(self.base).chain(self.delta)
    }
}
