//! Floor 2, pure: symbols and resolved edges of one snapshot, and what follows from them. How names are resolved (by
//! tiers, in the indexer) and where the bytes come from (`search`) is others' business.
#![doc = include_str!("format.md")]

pub mod ask;
mod assemble;
mod builder;
mod codec;
mod delta;
mod delta_assemble;
mod delta_files;
mod edge;
mod edges;
mod error;
mod file_edges;
mod files;
mod follow;
mod index;
mod keys;
mod kin;
mod layout;
mod manner;
mod names;
mod node;
mod node_block;
mod numbering;
mod overlay;
mod pagerank;
mod reader;
mod recent;
mod tape;
mod uses;
mod view;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

pub use self::builder::{GraphBuilder, GraphFile};
pub use self::delta::{DeltaBuilder, DeltaFile, DeltaSources};
pub use self::edge::{Confidence, Edge, External, FileEdges, Inheritance, Target, Tier, Unresolved};
pub use self::error::GraphError;
pub use self::file_edges::FileUse;
pub use self::index::Kind;
pub use self::manner::Manner;
pub use self::names::Unclear;
pub use self::node::Node;
pub(crate) use self::node::nodes_of;
pub use self::reader::{Block, Graph};
pub use self::view::{InEdge, Kin, NodeId, NodeRef, OutEdge, Place, Shelf, View};
pub use self::writer::GraphSummary;
