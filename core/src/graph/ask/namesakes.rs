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

/// Adds to the callers of a symbol those of others of its name, behind what is more certain. What it overrides, and what that is
/// overridden by, has more than the name in common with it, and edges of its own.
pub fn add_namesakes(
    view: &View,
    tree: &mut Calls,
    (of, others): (NodeId, &[NodeId]),
    question: &Question,
) -> Result<(), GraphError> {
    if others.is_empty() {
        return Ok(());
    }
    let kin = kin(view, of)?;
    let question = Question { depth: 1, ..question.clone() };
    let others = others.iter().filter(|other| !kin.contains(other));
    let callers = View::all(others, |other| calls(view, &[*other], &question))?;
    let mut known: HashMap<NodeId, usize> = HashMap::new();
    for (nth, call) in tree.calls.iter().enumerate().filter(|(_, call)| call.depth == 1) {
        known.insert(call.node, nth);
    }
    for call in callers.into_iter().flat_map(|callers| callers.calls) {
        let sites = call.sites.iter().map(|(site, manner)| (*site, by_name(*manner)));
        match known.get(&call.node) {
            Some(&nth) => add_sites(&mut tree.calls[nth], sites.collect()),
            None if tree.calls.len() == question.most => tree.truncated = true,
            None => {
                known.insert(call.node, tree.calls.len());
                tree.calls.push(Call { manner: by_name(call.manner), sites: sites.collect(), ..call });
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
