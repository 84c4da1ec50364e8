//! What answers add by name alone, where few symbols have a name: see `kotadb_core::graph::ask::add_namesakes`.

use std::collections::{HashMap, HashSet};

use kotadb_core::facts::{Facts, Flags, Role, Symbol, SymbolKind};
use kotadb_core::graph::ask::{NAMESAKE, NAMESAKES};
use kotadb_core::graph::{Edge, Target, Tier};

use crate::tree::Place;

/// A symbol: number of its file, and its number there.
type Id = (u32, u32);

/// By place what its edges may mean beside their targets.
pub fn of(facts: &[Option<Facts>], edges: &HashMap<Place, Vec<Edge>>) -> HashMap<Place, Vec<Edge>> {
    let namesakes = Namesakes { facts, named: named(facts), above: above(edges) };
    edges.iter().map(|(&place, edges)| (place, namesakes.of(edges))).collect()
}

struct Namesakes<'a> {
    facts: &'a [Option<Facts>],
    named: HashMap<&'a str, Vec<Id>>,
    /// What members override, and themselves.
    above: HashMap<Id, HashSet<Id>>,
}

/// Symbols of the names that few have.
fn named(facts: &[Option<Facts>]) -> HashMap<&str, Vec<Id>> {
    let mut named: HashMap<&str, Vec<Id>> = HashMap::new();
    for (file, facts) in (0..).zip(facts) {
        for (number, symbol) in (0..).zip(facts.iter().flat_map(|facts| &facts.symbols)) {
            named.entry(&symbol.name).or_default().push((file, number));
        }
    }
    named.retain(|_, symbols| symbols.len() <= NAMESAKES);
    named
}

fn above(edges: &HashMap<Place, Vec<Edge>>) -> HashMap<Id, HashSet<Id>> {
    let mut above: HashMap<Id, HashSet<Id>> = HashMap::new();
    for (place, edge) in edges.iter().flat_map(|(place, edges)| edges.iter().map(move |edge| (place, edge))) {
        if let (Role::Override, Some(source), Target::Symbol { file, symbol }) = (edge.role, edge.source, edge.target) {
            above.entry((place.file, source)).or_default().insert((file, symbol));
        }
    }
    above
}

impl Namesakes<'_> {
    fn of(&self, edges: &[Edge]) -> Vec<Edge> {
        let mut added: Vec<Edge> = Vec::new();
        for edge in edges {
            let Target::Symbol { file, symbol } = edge.target else { continue };
            let Some(facts) = &self.facts[file as usize] else { continue };
            for &other in self.named.get(&*facts.symbols[symbol as usize].name).into_iter().flatten() {
                let target = Target::Symbol { file: other.0, symbol: other.1 };
                let is_known = edges.iter().chain(&added).any(|known| known.target == target);
                if !is_known && !self.has_more_in_common((file, symbol), other) {
                    let by_name = Edge { target, tier: Tier::Candidate, confidence: NAMESAKE, ..*edge };
                    let is_same = self.makes((file, symbol), other) || self.makes(other, (file, symbol));
                    added.push(if is_same { Edge { target, ..*edge } } else { by_name });
                }
            }
        }
        added
    }

    /// Whether the first is a constructor of the second, which is a class.
    fn makes(&self, (file, symbol): Id, class: Id) -> bool {
        let symbol = self.facts[file as usize].as_ref().map(|facts| &facts.symbols[symbol as usize]);
        let is_made = |one: &Symbol| one.kind == SymbolKind::Constructor && one.container == Some(class.1);
        file == class.0 && symbol.is_some_and(is_made)
    }

    /// Overloads, declarations, and what overrides one or the same.
    fn has_more_in_common(&self, one: Id, other: Id) -> bool {
        let symbol = |id: Id| self.facts[id.0 as usize].as_ref().map(|facts| &facts.symbols[id.1 as usize]);
        let (Some(first), Some(second)) = (symbol(one), symbol(other)) else { return true };
        let of_one_scope =
            one.0 == other.0 && first.container == second.container && first.qualifier == second.qualifier;
        let above = |id: Id| self.above.get(&id).into_iter().flatten().copied().chain([id]).collect::<HashSet<_>>();
        of_one_scope || second.flags.has(Flags::DECLARATION) || !above(one).is_disjoint(&above(other))
    }
}
