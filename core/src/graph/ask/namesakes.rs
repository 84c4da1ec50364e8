//! Callers by name alone: where few symbols share a name, whoever calls one of them may call another, since no rule is always right.

use std::collections::{HashMap, HashSet};

use super::calls::{Call, Calls, Question, calls};
use crate::facts::Role;
use crate::graph::edge::{Confidence, Tier};
use crate::graph::error::GraphError;
use crate::graph::manner::Manner;
use crate::graph::view::{NodeId, View};

/// Symbols of one name at most: of more the name says too little.
pub const NAMESAKES: usize = 8;

/// How sure it is that a call means another symbol of the name than the rules say, as `make accuracy` measures it.
pub const NAMESAKE: Confidence = Confidence(1);

/// Another symbol of the name of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namesake {
    /// Where it is in the graph.
    pub node: NodeId,
    /// It is the class that the other makes, or makes the class that the other is: who calls one calls both.
    pub is_same: bool,
}

/// Adds to the callers of a symbol those of others of its name, behind what is more certain. What it overrides, and what that is
/// overridden by, has more than the name in common with it, and edges of its own.
pub fn add_namesakes(
    view: &View,
    tree: &mut Calls,
    (of, others): (NodeId, &[Namesake]),
    question: &Question,
) -> Result<(), GraphError> {
    if others.is_empty() {
        return Ok(());
    }
    let kin = kin(view, of)?;
    let question = Question { depth: 1, ..question.clone() };
    let mut others: Vec<&Namesake> = others.iter().filter(|other| !kin.contains(&other.node)).collect();
    others.sort_by_key(|other| !other.is_same);
    let callers = View::all(&others, |other| calls(view, &[other.node], &question))?;
    let mut known: HashMap<NodeId, usize> = HashMap::new();
    for (nth, call) in tree.calls.iter().enumerate().filter(|(_, call)| call.depth == 1) {
        known.insert(call.node, nth);
    }
    let of_each = others.iter().zip(callers);
    for (other, call) in of_each.flat_map(|(other, callers)| callers.calls.into_iter().map(move |call| (other, call))) {
        let how = |manner: Manner| if other.is_same { manner } else { by_name(manner) };
        let sites = call.sites.iter().map(|(site, manner)| (*site, how(*manner)));
        match known.get(&call.node) {
            Some(&nth) => add_sites(&mut tree.calls[nth], sites.collect()),
            None if tree.calls.len() == question.most => tree.truncated = true,
            None => {
                known.insert(call.node, tree.calls.len());
                tree.calls.push(Call { manner: how(call.manner), sites: sites.collect(), ..call });
            }
        }
    }
    Ok(())
}

/// What a symbol overrides, what overrides it, and what overrides the same.
fn kin(view: &View, of: NodeId) -> Result<HashSet<NodeId>, GraphError> {
    let above: Vec<NodeId> = view
        .edges_out(of)?
        .into_iter()
        .filter(|edge| edge.manner.role == Role::Override)
        .map(|edge| edge.target)
        .collect();
    let mut kin: HashSet<NodeId> = above.iter().copied().collect();
    for below in View::all(above.into_iter().chain([of]), |node| view.edges_in(node))? {
        kin.extend(below.into_iter().filter(|edge| edge.manner.role == Role::Override).map(|edge| edge.source));
    }
    Ok(kin)
}

fn add_sites(call: &mut Call, sites: Vec<(u32, Manner)>) {
    for site in sites {
        if call.sites.iter().all(|known| known.0 != site.0) {
            call.sites.push(site);
        }
    }
    call.sites.sort_unstable();
}

fn by_name(manner: Manner) -> Manner {
    Manner { tier: Tier::Candidate, confidence: NAMESAKE, ..manner }
}
