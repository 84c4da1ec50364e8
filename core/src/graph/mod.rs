//! Floor 2, pure: symbols and resolved edges of one snapshot, and what follows from them. How names are resolved (by
//! tiers, in the indexer) and where the bytes come from (`search`) is others' business.

mod edge;

pub use self::edge::{Confidence, Edge, External, FileEdges, Inheritance, Target, Tier, Unresolved};
