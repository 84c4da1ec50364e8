//! Who implements, extends or overrides a symbol, and what it does so to.

use std::collections::HashSet;

use crate::facts::{Relation, Role};
use crate::graph::edge::Confidence;
use crate::graph::error::GraphError;
use crate::graph::manner::Manner;
use crate::graph::view::{NodeId, View};

/// Levels that are followed at most.
const DEPTH: u32 = 8;

/// A type or member below, or above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The node.
    pub node: NodeId,
    /// The one that it stands directly below, or above.
    pub of: NodeId,
    /// Level, from 1.
    pub depth: u32,
    /// How the types stand to each other; `None`: members, of which one overrides the other.
    pub relation: Option<Relation>,
    /// How surely.
    pub manner: Manner,
    /// Where that is said: file and byte; `None`: at the name of the member.
    pub site: Option<(u32, u32)>,
}

/// All that stands below a node, or above it, level by level, each once.
pub fn relatives(
    view: &View,
    root: NodeId,
    below: bool,
    min_confidence: Confidence,
) -> Result<Vec<Member>, GraphError> {
    let mut members: Vec<Member> = Vec::new();
    let mut seen = HashSet::from([root]);
    let mut level = vec![root];
    for depth in 1..=DEPTH {
        let found = View::all(&level, |node| {
            let (types, overrides) = (types(view, *node, below), overrides(view, *node, below));
            Ok((*node, [types?, overrides?].concat()))
        })?;
        level.clear();
        for (of, relatives) in found {
            for (node, relation, manner, site) in relatives {
                if manner.confidence >= min_confidence && seen.insert(node) {
                    members.push(Member { node, of, depth, relation, manner, site });
                    level.push(node);
                }
            }
        }
    }
    Ok(members)
}

type Relative = (NodeId, Option<Relation>, Manner, Option<(u32, u32)>);

fn types(view: &View, node: NodeId, below: bool) -> Result<Vec<Relative>, GraphError> {
    let relative = |kin: crate::graph::Kin| (kin.node, Some(kin.relation), kin.manner, Some((kin.file, kin.site)));
    Ok(view.kin(node, below)?.into_iter().map(relative).collect())
}

fn overrides(view: &View, node: NodeId, below: bool) -> Result<Vec<Relative>, GraphError> {
    let edges: Vec<_> = if below {
        view.edges_in(node)?.into_iter().map(|edge| (edge.source, edge.manner)).collect()
    } else {
        view.edges_out(node)?.into_iter().map(|edge| (edge.target, edge.manner)).collect()
    };
    let overrides = edges.into_iter().filter(|(_, manner)| manner.role == Role::Override);
    Ok(overrides.map(|(node, manner)| (node, None, manner, None)).collect())
}
