//! Who uses a symbol, and what it uses: as a tree of a few levels, every node once, where it is nearest.

use std::collections::{BTreeMap, HashSet};

use super::{CONFIRMED, is_test};
use crate::facts::Role;
use crate::graph::edge::Confidence;
use crate::graph::error::GraphError;
use crate::graph::manner::Manner;
use crate::graph::view::{NodeId, View};

/// Which way edges are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To those who use.
    Users,
    /// To what is used.
    Used,
}

/// What is asked of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which way.
    pub direction: Direction,
    /// Levels at most.
    pub depth: u32,
    /// Edges below are left out.
    pub min_confidence: Confidence,
    /// Whether tests are among those who use.
    pub include_tests: bool,
    /// Roles that are followed.
    pub roles: Vec<Role>,
    /// Only what is in files whose path begins so.
    pub under: Vec<u8>,
    /// Lines of the tree at most.
    pub most: usize,
}

impl Question {
    /// Callers or callees at the first level, from one half on, tests included.
    pub fn calls(direction: Direction) -> Self {
        let roles = Role::ALL.into_iter().filter(|role| role.is_call()).collect();
        let (min_confidence, under) = (Confidence(50), Vec::new());
        Self { direction, depth: 1, min_confidence, include_tests: true, roles, under, most: 1000 }
    }

    /// All uses, whatever their role.
    pub fn usages() -> Self {
        let roles = Role::ALL.into_iter().filter(|role| *role != Role::Override).collect();
        Self { roles, ..Self::calls(Direction::Users) }
    }
}

/// A line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who uses, or what is used.
    pub node: NodeId,
    /// The line that it stands below; `None`: the symbol that was asked for.
    pub parent: Option<usize>,
    /// Level, from 1.
    pub depth: u32,
    /// The most certain manner of the edges.
    pub manner: Manner,
    /// Where: manner and byte in the file of the one who uses, by byte.
    pub sites: Vec<(u32, Manner)>,
}

/// A tree, level by level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Its lines; a parent comes before its children.
    pub calls: Vec<Call>,
    /// Some were left out because they are too many.
    pub truncated: bool,
}

/// Of a symbol's users, how many sites are sure, and how many are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Sites of confirmed edges.
    pub confirmed: u64,
    /// Sites of edges that are only possible, also those below the confidence that was asked for.
    pub possible: u64,
    /// References by the same name that lead nowhere.
    pub unresolved_same_name: u64,
}

/// The tree from some nodes, which are those of one symbol.
pub fn calls(view: &View, roots: &[NodeId], question: &Question) -> Result<Calls, GraphError> {
    let mut tree = Calls::default();
    let mut seen: HashSet<NodeId> = roots.iter().copied().collect();
    let mut level: Vec<(NodeId, Option<usize>)> = roots.iter().map(|root| (*root, None)).collect();
    for depth in 1..=question.depth {
        let found = View::all(&level, |(node, parent)| Ok((*parent, neighbours(view, *node, question)?)))?;
        let first = tree.calls.len();
        for (parent, neighbours) in found {
            for (node, manner, sites) in neighbours {
                // A call of itself is shown, but not followed.
                let is_new = seen.insert(node) || (depth == 1 && roots.contains(&node));
                if !is_new {
                    continue;
                }
                if tree.calls.len() == question.most {
                    tree.truncated = true;
                    return Ok(tree);
                }
                tree.calls.push(Call { node, parent, depth, manner, sites });
            }
        }
        let fresh = tree.calls.iter().enumerate().skip(first).filter(|(_, call)| !roots.contains(&call.node));
        level = fresh.map(|(nth, call)| (call.node, Some(nth))).collect();
    }
    Ok(tree)
}

/// Counts what uses some nodes by those roles at the first level, whatever the confidence. `name` is that of the symbol.
pub fn summary(view: &View, roots: &[NodeId], name: &str, question: &Question) -> Result<Summary, GraphError> {
    let all = Question { min_confidence: Confidence(0), depth: 1, most: usize::MAX, ..question.clone() };
    let (tree, unclear) = match (calls(view, roots, &all), view.unclear(name)) {
        (Ok(tree), Ok(unclear)) => (tree, unclear),
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let only_calls = question.roles.iter().all(|role| role.is_call());
    let count = |row: &crate::graph::Unclear| u64::from(row.calls) + u64::from(row.others) * u64::from(!only_calls);
    let unclear = unclear.iter().filter(|row| view.path(row.file).starts_with(&question.under));
    let mut summary = Summary { unresolved_same_name: unclear.map(count).sum(), ..Summary::default() };
    for (_, manner) in tree.calls.iter().flat_map(|call| &call.sites) {
        let sure = manner.confidence >= CONFIRMED;
        *(if sure { &mut summary.confirmed } else { &mut summary.possible }) += 1;
    }
    Ok(summary)
}

type Neighbour = (NodeId, Manner, Vec<(u32, Manner)>);

/// The nodes at the other end of a node's edges, the most certain first.
fn neighbours(view: &View, node: NodeId, question: &Question) -> Result<Vec<Neighbour>, GraphError> {
    let asked = |manner: &Manner| question.roles.contains(&manner.role) && manner.confidence >= question.min_confidence;
    let is_under = |node: NodeId| {
        let path = || view.file_of(node).map_or(&b""[..], |file| view.path(file));
        question.under.is_empty() || path().starts_with(&question.under)
    };
    let mut found = BTreeMap::<NodeId, Vec<(u32, Manner)>>::new();
    match question.direction {
        Direction::Used => {
            let edges = view.edges_out(node)?.into_iter();
            for edge in edges.filter(|edge| asked(&edge.manner) && is_under(edge.target)) {
                let sites = edge.sites.iter().map(|site| (*site, edge.manner));
                found.entry(edge.target).or_default().extend(sites);
            }
        }
        Direction::Users => {
            let edges = view.edges_in(node)?.into_iter();
            let users: HashSet<_> =
                edges.filter(|edge| asked(&edge.manner) && is_under(edge.source)).map(|edge| edge.source).collect();
            let wanted = |user: &NodeId| {
                // Both are asked for, so that both come in one wave.
                let (edges, is_test) = (view.edges_out(*user), is_test(view, *user));
                Ok((*user, edges?, is_test?))
            };
            for (user, edges, is_test) in View::all(&users, wanted)? {
                if is_test && !question.include_tests {
                    continue;
                }
                let sites = edges.iter().filter(|edge| edge.target == node && asked(&edge.manner));
                let sites = sites.flat_map(|edge| edge.sites.iter().map(|site| (*site, edge.manner)));
                found.entry(user).or_default().extend(sites);
            }
        }
    }
    let best = |sites: &Vec<(u32, Manner)>| sites.iter().map(|(_, manner)| *manner).max_by_key(|one| one.confidence);
    let mut neighbours: Vec<_> = found
        .into_iter()
        .filter_map(|(node, mut sites)| {
            sites.sort_unstable();
            best(&sites).map(|manner| (node, manner, sites))
        })
        .collect();
    neighbours.sort_by_key(|(node, manner, _)| (std::cmp::Reverse(manner.confidence), *node));
    Ok(neighbours)
}
