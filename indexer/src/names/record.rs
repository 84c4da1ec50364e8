//! What references came to, as edges: how sure each is, and which is the likeliest.

use std::collections::HashSet;

use kotadb_core::graph::{Confidence, Edge, External, Target, Tier, Unresolved};

use super::builtins;
use super::candidates;
use super::family::Family;
use super::file::{Doubt, Outcome, Resolver, Site};
use super::tiers;

impl Resolver<'_> {
    pub(super) fn record(&mut self, site: Site<'_>, source: Option<u32>, outcome: Outcome) {
        let (role, start) = (site.reference.role, site.reference.start);
        let mut edge = Edge {
            source,
            target: Target::File(0),
            role,
            tier: Tier::Candidate,
            confidence: Confidence(0),
            site: start,
        };
        match outcome {
            Outcome::Symbols(found, Tier::Candidate) => self.record_candidates(site, edge, found),
            Outcome::Symbols(mut found, tier) => {
                found.truncate(candidates::MOST);
                let sure = tiers::confidence(site.family, tier, found.len().min(candidates::MOST));
                self.record_symbols(edge, found, tier, sure);
            }
            Outcome::Each(found, tier) => {
                let sure = tiers::each(site.family, tier, found.len());
                self.record_symbols(edge, found, tier, (sure, sure));
            }
            Outcome::Unlikely(Doubt { found, confidence }) => {
                self.record_symbols(edge, found, Tier::Candidate, (confidence, confidence));
            }
            Outcome::File(file, tier) => {
                (edge.target, edge.tier, edge.confidence) =
                    (Target::File(file), tier, tiers::confidence(site.family, tier, 1).0);
                self.result.edges.edges.push(edge);
            }
            Outcome::Outside(external, tier, Doubt { found, confidence }) => {
                self.record_symbols(edge, found, Tier::Candidate, (confidence, confidence));
                edge.target = Target::External(self.external(external));
                (edge.tier, edge.confidence) = (tier, tiers::confidence(site.family, tier, 1).0);
                self.result.edges.edges.push(edge);
            }
            Outcome::Elsewhere => {}
            Outcome::Unknown => {
                let is_defined = site.name.is_some_and(|name| !self.names().all.named(name).is_empty());
                if is_defined {
                    let unresolved = Unresolved { source, name: site.reference.name.clone(), role, site: start };
                    self.result.edges.unresolved.push(unresolved);
                }
            }
        }
    }

    /// Candidates that are one method, and what is written for it, are as sure as each other.
    fn record_candidates(&mut self, site: Site<'_>, edge: Edge, mut found: Vec<u32>) {
        found.truncate(candidates::MOST);
        let roots: Vec<u32> = match site.family {
            Family::Rust => found.iter().map(|&symbol| self.names().root(symbol)).collect(),
            _ => found.clone(),
        };
        let n_roots = roots.iter().collect::<HashSet<_>>().len();
        let n_first = roots.iter().filter(|root| **root == roots[0]).count();
        let renown = builtins::renown(site.family, &site.reference.name);
        let is_inner = site.receiver.is_none() && !self.names().all.symbol(found[0]).scope.is_top();
        let (first, other) = match site.family {
            Family::C if is_inner => tiers::inner_candidates(n_roots),
            family => tiers::candidates(family, (n_roots, n_first), renown),
        };
        for (&symbol, root) in found.iter().zip(&roots) {
            let confidence = if *root == roots[0] { first } else { other };
            let target = self.target(symbol);
            self.result.edges.edges.push(Edge { target, tier: Tier::Candidate, confidence, ..edge });
        }
    }

    fn record_symbols(
        &mut self,
        edge: Edge,
        mut found: Vec<u32>,
        tier: Tier,
        (first, other): (Confidence, Confidence),
    ) {
        found.truncate(candidates::MOST);
        for (nth, symbol) in found.into_iter().enumerate() {
            let confidence = if nth == 0 { first } else { other };
            self.result.edges.edges.push(Edge { target: self.target(symbol), tier, confidence, ..edge });
        }
    }

    /// A symbol as edges name it.
    pub(super) fn target(&self, symbol: u32) -> Target {
        let file = self.names().all.file_of(symbol);
        Target::Symbol { file, symbol: symbol - self.names().all.files[file as usize].first_symbol }
    }

    /// The number of something outside, for this file.
    pub(super) fn external(&mut self, external: External) -> u32 {
        let next = self.result.externals.len() as u32;
        let externals = &mut self.result.externals;
        *self.externals.entry(external).or_insert_with_key(|external| {
            externals.push(external.clone());
            next
        })
    }
}
