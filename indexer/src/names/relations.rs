//! Edges that stand in no expression: imports, supertypes, and members that override others.

use kotadb_core::facts::{Facts, Relation, Role, Symbol};
use kotadb_core::graph::{Edge, Inheritance, Target, Tier};

use super::collect::STAR;
use super::definitions::{NONE, Scope};
use super::externals;
use super::family::Family;
use super::file::Resolver;
use super::place::Place;
use super::scout::Point;
use super::tiers;
use super::words::Word;

/// Most members above that one overrides.
const MOST_OVERRIDDEN: usize = 4;

impl Resolver<'_> {
    /// What the imports of a file lead to: a file, and the symbols that are named.
    pub(super) fn add_imports(&mut self, file: u32, facts: &Facts) {
        let numbers = self.names().all.imports_of(file);
        for (number, import) in numbers.zip(&facts.imports) {
            let entry = self.names().all.imports[number as usize];
            if import.module.is_empty() {
                continue;
            }
            let place = self.evaluator.scout.place_of(file, number);
            let mut targets: Vec<Target> = match place {
                Place::File(target) if target != file => vec![Target::File(target)],
                Place::Symbol(symbol) => vec![self.target(symbol)],
                _ => Vec::new(),
            };
            if entry.name != Word::NONE && entry.name != STAR || matches!(place, Place::Outside(..)) {
                let places = self.evaluator.scout.through(file, number);
                targets.extend(places.iter().filter_map(|&place| self.place_target(file, place)));
            }
            targets.dedup();
            let source = facts.enclosing(import.start).map(|source| source as u32);
            for target in targets {
                self.add(source, target, Role::Import, Tier::Import, import.start, file);
            }
        }
    }

    fn place_target(&mut self, file: u32, place: Place) -> Option<Target> {
        match place {
            Place::Symbol(symbol) => Some(self.target(symbol)),
            Place::File(target) if target != file => Some(Target::File(target)),
            Place::Outside(..) => {
                let family = self.names().all.files[file as usize].family;
                let path = self.evaluator.outside_path(place, "");
                let external = externals::external(family, &path, "");
                (!external.package.is_empty()).then(|| Target::External(self.external(external)))
            }
            _ => None,
        }
    }

    fn add(&mut self, source: Option<u32>, target: Target, role: Role, tier: Tier, site: u32, file: u32) {
        let family = self.names().all.files[file as usize].family;
        let confidence = tiers::confidence(family, tier, 1).0;
        self.result.edges.edges.push(Edge { source, target, role, tier, confidence, site });
    }

    /// Who stands below whom, and which members override others.
    pub(super) fn add_inheritance(&mut self, file: u32, facts: &Facts) {
        let names = self.names();
        let start = names.all.supertypes.partition_point(|entry| entry.file < file);
        let entries = names.all.supertypes[start..].iter().take_while(|entry| entry.file == file);
        let first = names.all.files[file as usize].first_symbol;
        for (entry, supertype) in entries.zip(&facts.supertypes) {
            let place = names.above_places[start + entry.nth as usize];
            let Some(above) = self.place_target(file, place) else { continue };
            let container = if entry.of == NONE { NONE } else { names.all.symbol(entry.of).container };
            let below = self.evaluator.scout.below(entry.of, Point { file, at: container }, entry.name);
            let source = supertype.of.or_else(|| {
                below.filter(|below| names.all.symbols_of(file).contains(below)).map(|below| below - first)
            });
            self.add(source, above, Role::Inherit, Tier::Import, supertype.start, file);
            let Some(below) = below.map(|below| self.target(below)) else { continue };
            let confidence = tiers::confidence(names.all.files[file as usize].family, Tier::Import, 1).0;
            let (relation, tier, site) = (supertype.relation, Tier::Import, supertype.start);
            self.result.edges.inheritance.push(Inheritance { below, above, relation, tier, confidence, site });
        }
        self.add_implicit(file, facts);
        self.result.edges.inheritance.sort_by_key(|one| one.site);
        self.add_overrides(file, facts);
    }

    /// Interfaces of Go, for each piece of a type that is written for several builds.
    fn add_implicit(&mut self, file: u32, facts: &Facts) {
        let names = self.names();
        let first = names.all.files[file as usize].first_symbol;
        for (number, symbol) in names.all.symbols_of(file).zip(&facts.symbols) {
            for &interface in names.implicit.get(&names.all.whole(number)).into_iter().flatten() {
                let (below, above) = (self.target(number), self.target(interface));
                let (tier, site, relation) = (Tier::Unique, symbol.name_span.start, Relation::Implements);
                let confidence = tiers::IMPLICIT;
                let source = Some(number - first);
                self.result.edges.edges.push(Edge {
                    source,
                    target: above,
                    role: Role::Inherit,
                    tier,
                    confidence,
                    site,
                });
                self.result.edges.inheritance.push(Inheritance { below, above, relation, tier, confidence, site });
            }
        }
    }

    fn add_overrides(&mut self, file: u32, facts: &Facts) {
        let names = self.names();
        for (number, symbol) in
            names.all.symbols_of(file).zip(&facts.symbols).filter(|(_, symbol)| symbol.kind.is_callable())
        {
            let is_inherent = names.all.files[file as usize].family == Family::Rust && symbol.interface.is_none();
            let Some(owner) = names.all.owner(number).filter(|_| !is_inherent) else {
                self.add_written_for(file, number, symbol);
                continue;
            };
            let above = names.above.get(&owner).into_iter().flat_map(|lineage| &lineage.types);
            let implicit = names.implicit.get(&owner).into_iter().flatten();
            let name = names.all.symbol(number).name;
            let same = above.chain(implicit).filter_map(|&above| names.all.within(Scope::symbol(above), name).first());
            let same = same.filter(|above| names.all.symbol(**above).kind.is_callable());
            for &above in same.take(MOST_OVERRIDDEN) {
                let target = self.target(above);
                let source = Some(number - names.all.files[file as usize].first_symbol);
                self.add(source, target, Role::Override, Tier::Own, symbol.name_span.start, file);
            }
        }
    }

    /// Methods of Rust that are written for a trait and a type outside, as `impl Close for u8` has them.
    fn add_written_for(&mut self, file: u32, number: u32, symbol: &Symbol) {
        let root = self.names().root(number);
        if root != number {
            let source = Some(number - self.names().all.files[file as usize].first_symbol);
            self.add(source, self.target(root), Role::Override, Tier::Own, symbol.name_span.start, file);
        }
    }
}
