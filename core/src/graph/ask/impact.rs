//! What may break when symbols change: all that reaches them, with a confidence that decays on the way.

use std::collections::{BTreeMap, BTreeSet};

use super::is_test;
use crate::facts::{Flags, Role, SymbolKind};
use crate::graph::error::GraphError;
use crate::graph::view::{NodeId, View};

/// What a step costs beside the confidence of its edge.
const DECAY: f32 = 0.9;
/// Direct users and files from which on the risk grows no more.
const MANY_USERS: f32 = 20.0;
const MANY_FILES: f32 = 20.0;

/// How far it is looked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// Steps at most.
    pub depth: u32,
    /// What is less likely is left out.
    pub least: f32,
    /// Nodes at most.
    pub most: usize,
}

impl Default for Reach {
    fn default() -> Self {
        Self { depth: 5, least: 0.1, most: 2000 }
    }
}

/// A node that a change may touch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impacted {
    /// The node.
    pub node: NodeId,
    /// Steps of the shortest way to what changes.
    pub depth: u32,
    /// The highest product of confidences over all ways, times 0.9 for each step.
    pub confidence: f32,
    /// How it uses the next node on that way.
    pub via: Role,
    /// That next node.
    pub from: NodeId,
    /// Whether it is a test.
    pub is_test: bool,
    /// Whether programs or people enter here.
    pub is_entry: bool,
}

/// What a change may touch, and how grave that is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impact {
    /// By depth, then the most likely first. Files as a whole stand for code outside of functions.
    pub nodes: Vec<Impacted>,
    /// More than were looked at.
    pub truncated: bool,
    /// Direct users that are no tests.
    pub direct: usize,
    /// All others that are no tests.
    pub transitive: usize,
    /// Files of those that are no tests.
    pub files: usize,
    /// Changed symbols that others may use by name.
    pub public: usize,
    /// Tests that reach the change.
    pub tests: usize,
    /// From 0 to 1: 0.4 × direct / 20 + 0.2 × files / 20 + 0.2 if public + 0.2 if no test reaches it (each at most once).
    pub score: f32,
}

#[derive(Clone, Copy)]
struct Way {
    depth: u32,
    confidence: f32,
    via: Role,
    from: NodeId,
}

/// What reaches `seeds` by uses, inheritance and overrides. A member that overrides another is reached by that one's users
/// too. Where a file only imports a name, nothing beyond that file is looked at.
pub fn impact(view: &View, seeds: &[NodeId], reach: Reach) -> Result<Impact, GraphError> {
    let seeds: BTreeSet<_> = seeds.iter().copied().collect();
    let mut ways = BTreeMap::<NodeId, Way>::new();
    let mut level: BTreeMap<NodeId, f32> = seeds.iter().map(|seed| (*seed, 1.0)).collect();
    let mut truncated = false;
    for depth in 1..=reach.depth {
        let found = View::all(&level, |(node, confidence)| Ok((*node, *confidence, steps(view, *node)?)))?;
        let mut next = BTreeMap::<NodeId, f32>::new();
        for (from, confidence, steps) in found {
            for (node, via, share) in steps {
                let confidence = confidence * share * DECAY;
                let known = ways.get(&node);
                let better = known.is_none_or(|way| way.confidence < confidence);
                if confidence < reach.least || seeds.contains(&node) || !better {
                    continue;
                }
                if known.is_none() && ways.len() == reach.most {
                    truncated = true;
                    continue;
                }
                let depth = known.map_or(depth, |way| way.depth);
                ways.insert(node, Way { depth, confidence, via, from });
                let leads_on =
                    via != Role::Import || view.file_of(node).and_then(|file| view.file_node(file)) != Some(node);
                if leads_on {
                    next.insert(node, confidence);
                }
            }
        }
        level = next;
    }
    weigh(view, &seeds, &ways, truncated)
}

/// Who reaches a node in one step, how and how surely.
fn steps(view: &View, node: NodeId) -> Result<Vec<(NodeId, Role, f32)>, GraphError> {
    let (edges, kin, kind) = (view.edges_in(node), view.kin(node, true), kind(view, node));
    let (edges, kin) = (edges?, kin?);
    let mut steps: Vec<_> = edges.iter().map(|edge| (edge.source, edge.manner.role, edge.manner.share())).collect();
    steps.extend(kin.iter().map(|one| (one.node, Role::Inherit, one.manner.share())));
    if kind? == Some(SymbolKind::Method) {
        // Who calls the member above may get this one.
        let above = view.edges_out(node)?.into_iter().filter(|edge| edge.manner.role == Role::Override);
        steps.extend(above.map(|edge| (edge.target, Role::Override, edge.manner.share())));
    }
    Ok(steps)
}

fn kind(view: &View, node: NodeId) -> Result<Option<SymbolKind>, GraphError> {
    if view.is_external(node) { Ok(None) } else { view.node(node).map(|node| Some(node.kind)) }
}

fn weigh(
    view: &View,
    seeds: &BTreeSet<NodeId>,
    ways: &BTreeMap<NodeId, Way>,
    truncated: bool,
) -> Result<Impact, GraphError> {
    let reached = ways.iter().filter(|(node, _)| !view.is_external(**node));
    let mut nodes = View::all(reached, |(node, way)| {
        let (Way { depth, confidence, via, from }, node) = (*way, *node);
        let is_entry = view.node(node)?.flags.has(Flags::ENTRY);
        Ok(Impacted { node, depth, confidence, via, from, is_test: is_test(view, node)?, is_entry })
    })?;
    nodes.sort_by(|a, b| a.depth.cmp(&b.depth).then(b.confidence.total_cmp(&a.confidence)).then(a.node.cmp(&b.node)));
    let symbols = seeds.iter().filter(|seed| !view.is_external(**seed));
    let public = View::all(symbols, |seed| {
        let node = view.node(*seed)?;
        Ok(node.symbol.is_some() && node.flags.has(Flags::EXPORTED))
    })?;
    let (direct, transitive): (Vec<_>, Vec<_>) =
        nodes.iter().filter(|one| !one.is_test).partition::<Vec<&Impacted>, _>(|one| one.depth == 1);
    let files: BTreeSet<_> = direct.iter().chain(&transitive).filter_map(|one| view.file_of(one.node)).collect();
    let (direct, transitive, files) = (direct.len(), transitive.len(), files.len());
    let public = public.into_iter().filter(|is_public| *is_public).count();
    let tests = nodes.iter().filter(|one| one.is_test).count();
    let score = 0.4 * (direct as f32 / MANY_USERS).min(1.0)
        + 0.2 * (files as f32 / MANY_FILES).min(1.0)
        + if public > 0 { 0.2 } else { 0.0 }
        + if tests == 0 { 0.2 } else { 0.0 };
    Ok(Impact { nodes, truncated, direct, transitive, files, public, tests, score })
}
