//! What of a repository is worth knowing first, within so many bytes: symbols by PageRank, or by PageRank from where the
//! reader looks.

use std::collections::BTreeMap;

use crate::graph::assemble::is_shown;
use crate::graph::error::GraphError;
use crate::graph::pagerank::times_average;
use crate::graph::view::{NodeId, View};

/// Rounds of a walk from a focus, and the share of it that goes on.
const ROUNDS: u32 = 6;
const DAMPING: f32 = 0.85;
/// Nodes that a walk holds at most: those with most of it.
const HELD: usize = 1000;

/// A symbol of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapEntry {
    /// Path of its file.
    pub path: String,
    /// Line of its name.
    pub line: u32,
    /// Its signature, on one line.
    pub signature: String,
}

/// Symbols in the order in which a map takes them, at most `most`. With a focus those that the focus builds upon come first;
/// with a prefix only files below it are shown.
pub fn candidates(view: &View, focus: &[NodeId], prefix: &[u8], most: usize) -> Result<Vec<NodeId>, GraphError> {
    let mut order = if focus.is_empty() { Vec::new() } else { near(view, focus)? };
    let general = if prefix.is_empty() { view.top()? } else { below(view, prefix)? };
    let near: std::collections::HashSet<_> = order.iter().copied().collect();
    order.extend(general.into_iter().filter(|node| !near.contains(node)));
    order.retain(|node| view.file_of(*node).is_some_and(|file| view.path(file).starts_with(prefix)));
    order.truncate(most);
    Ok(order)
}

/// As many of the entries, taken in their order, as fit into `budget` bytes once they are rendered by file; and how many.
pub fn render(entries: &[MapEntry], budget: usize) -> (String, usize) {
    let (mut low, mut high) = (0, entries.len());
    while low < high {
        let middle = (low + high).div_ceil(2);
        if text(&entries[..middle]).len() <= budget { low = middle } else { high = middle - 1 }
    }
    (text(&entries[..low]), low)
}

fn text(entries: &[MapEntry]) -> String {
    let mut files = BTreeMap::<&str, Vec<&MapEntry>>::new();
    entries.iter().for_each(|entry| files.entry(&entry.path).or_default().push(entry));
    let mut text = String::new();
    for (path, mut entries) in files {
        entries.sort_by_key(|entry| entry.line);
        text.push_str(path);
        text.push('\n');
        for entry in entries {
            text.push_str(&format!("  {}: {}\n", entry.line, entry.signature));
        }
    }
    text
}

/// Symbols that a walk from `focus` along uses meets, the most likely first.
fn near(view: &View, focus: &[NodeId]) -> Result<Vec<NodeId>, GraphError> {
    let mass = walk(view, focus)?;
    let shown = View::all(mass.iter().filter(|(node, _)| !view.is_external(**node)), |(node, mass)| {
        Ok((*mass, *node, is_shown(&*view.node(*node)?)))
    })?;
    let mut shown: Vec<_> = shown.into_iter().filter(|(.., shown)| *shown).collect();
    shown.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(shown.into_iter().map(|(_, node, _)| node).collect())
}

/// Where a walker is that starts at `focus`, and returns there with a chance of 0.15 at each step and where nothing is used.
pub(super) fn walk(view: &View, focus: &[NodeId]) -> Result<BTreeMap<NodeId, f32>, GraphError> {
    let start = 1.0 / focus.len() as f32;
    let mut mass: BTreeMap<NodeId, f32> = focus.iter().map(|node| (*node, start)).collect();
    for _ in 0..ROUNDS {
        let uses = View::all(&mass, |(node, mass)| {
            let edges = if view.is_external(*node) { Vec::new() } else { view.edges_out(*node)? };
            let weights =
                edges.iter().map(|edge| (edge.target, edge.manner.share() * (edge.sites.len() as f32).sqrt()));
            Ok((*mass, weights.collect::<Vec<_>>()))
        })?;
        let (mut next, mut home) = (BTreeMap::<NodeId, f32>::new(), 1.0);
        for (mass, weights) in uses {
            let total: f32 = weights.iter().map(|(_, weight)| weight).sum();
            for (node, weight) in weights.iter().filter(|_| total > 0.0) {
                let given = DAMPING * mass * weight / total;
                *next.entry(*node).or_default() += given;
                home -= given;
            }
        }
        focus.iter().for_each(|node| *next.entry(*node).or_default() += home.max(0.0) * start);
        mass = heaviest(next);
    }
    Ok(mass)
}

fn heaviest(mass: BTreeMap<NodeId, f32>) -> BTreeMap<NodeId, f32> {
    let mut all: Vec<_> = mass.into_iter().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(HELD);
    all.into_iter().collect()
}

/// Symbols of files below a folder, those of highest rank first.
fn below(view: &View, prefix: &[u8]) -> Result<Vec<NodeId>, GraphError> {
    let nodes = view.files_under(prefix).into_iter().flat_map(|file| view.nodes_of(file)).take(MOST_BELOW);
    let ranked = View::all(nodes, |id| {
        let node = view.node(id)?;
        Ok((node.rank, id, is_shown(&node)))
    })?;
    let mut ranked: Vec<_> = ranked.into_iter().filter(|(.., shown)| *shown).collect();
    ranked.sort_by(|a, b| times_average(b.0).total_cmp(&times_average(a.0)).then(a.1.cmp(&b.1)));
    Ok(ranked.into_iter().map(|(_, node, _)| node).collect())
}

/// Nodes below a folder that are looked at.
const MOST_BELOW: usize = 100_000;
