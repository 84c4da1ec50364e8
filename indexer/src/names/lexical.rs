//! What a bare name means at a point of a file: the scopes round it from the innermost out, then imports, the package,
//! wildcards, and what is linked.

use std::collections::BTreeSet;

use kotadb_core::facts::{Flags, SymbolKind};
use kotadb_core::graph::Tier;

use super::definitions::{Definition, NONE, Scope};
use super::family::Family;
use super::place::{Place, Want};
use super::scout::{Point, Scout, symbols};
use super::words::Word;

/// Files of which it is remembered what they include.
const KEPT_INCLUDES: usize = 8;
/// Symbols of one name that every use asks anew: whether its file includes them, or which enum has them.
pub(super) const MOST_ASKED: usize = 1024;
/// Files that another one includes, and their own includes, which are looked at.
const MOST_INCLUDES: usize = 4096;

/// What a name means, and how that was found.
#[derive(Clone, Debug)]
pub struct Meaning {
    /// One or several places; those of several are equally near.
    pub places: Vec<Place>,
    /// By which rule.
    pub tier: Tier,
}

impl Scout<'_> {
    /// The meaning of a bare name, if the scopes of its file tell one.
    pub fn bare(&mut self, point: Point, name: Word, want: Want) -> Option<Meaning> {
        type Rule<'n> = fn(&mut Scout<'n>, Point, Word) -> (Vec<Place>, Tier);
        let rules: [Rule<'_>; 5] = [Self::by_file, Self::by_import, Self::by_package, Self::by_star, Self::by_linkage];
        if let Some(meaning) = self.by_scopes(point, name, want) {
            return Some(meaning);
        }
        let is_rust = self.names.all.files[point.file as usize].family == Family::Rust;
        // By linkage Rust finds macros, which nothing but `name!` means.
        let n_rules = if is_rust && !matches!(want, Want::Macro | Want::Any) { rules.len() - 1 } else { rules.len() };
        for rule in &rules[..n_rules] {
            let (places, tier) = rule(self, point, name);
            let places = self.seen_from(point.file, places);
            let places = self.suited(places, want);
            if !places.is_empty() {
                return Some(Meaning { places, tier });
            }
        }
        None
    }

    /// Scopes of functions, types and inline modules round a point.
    fn by_scopes(&mut self, point: Point, name: Word, want: Want) -> Option<Meaning> {
        let family = self.names.all.files[point.file as usize].family;
        let all = &self.names.all;
        for symbol in all.chain(point.at) {
            let own = all.symbol(symbol);
            let scope = own.scope.as_symbol().filter(|scope| *scope != own.container);
            // `void db::Pool::close() {}` of C++ sees what its class sees; where an `impl` of Rust stands says what it sees.
            let n_rounds = if family == Family::C { usize::MAX } else { 1 };
            for round in [symbol].into_iter().chain(all.chain(scope.unwrap_or(NONE)).take(n_rounds)) {
                let (places, tier) = self.by_scope(family, round, point, name);
                let places = self.seen_from(point.file, places);
                let places = self.suited(places, want);
                if !places.is_empty() {
                    return Some(Meaning { places, tier });
                }
            }
        }
        None
    }

    fn by_scope(&mut self, family: Family, round: u32, point: Point, name: Word) -> (Vec<Place>, Tier) {
        let all = &self.names.all;
        let kind = all.symbol(round).kind;
        if kind.is_type() {
            return if family.has_bare_members() {
                (symbols(&self.names.members(round, name).found), Tier::Own)
            } else if round == point.at {
                (symbols(all.within(Scope::symbol(all.whole(round)), name)), Tier::File)
            } else {
                (Vec::new(), Tier::File)
            };
        }
        // Members of an object literal of scripts are found behind it alone.
        if family == Family::Script && !kind.is_callable() && kind != SymbolKind::Module {
            return (Vec::new(), Tier::File);
        }
        (self.inside(Place::Symbol(round), name), Tier::File)
    }

    fn by_file(&mut self, point: Point, name: Word) -> (Vec<Place>, Tier) {
        let all = &self.names.all;
        let entry = all.files[point.file as usize];
        if entry.package == Word::NONE {
            return (symbols(all.within(Scope::file(point.file), name)), Tier::File);
        }
        let own = all.symbols_of(point.file);
        let found = all.within(Scope::package(entry.package), name).iter().filter(|symbol| own.contains(symbol));
        (found.copied().map(Place::Symbol).collect(), Tier::File)
    }

    fn by_import(&mut self, point: Point, name: Word) -> (Vec<Place>, Tier) {
        let found = self.imported(point.file, NONE, name, false);
        if !found.is_empty() {
            return (found, Tier::Import);
        }
        let all = &self.names.all;
        let is_rust = all.files[point.file as usize].family == Family::Rust;
        let text = all.words.text(name);
        let module = is_rust.then(|| super::imports::rust::child(self.names.modules(), point.file, text)).flatten();
        let by_crate = || is_rust.then(|| self.names.manifests.crates.get(text).copied()).flatten();
        (module.or_else(by_crate).map(Place::File).into_iter().collect(), Tier::Import)
    }

    fn by_package(&mut self, point: Point, name: Word) -> (Vec<Place>, Tier) {
        let all = &self.names.all;
        let entry = all.files[point.file as usize];
        let mut package = entry.package.some();
        while let Some(round) = package {
            let found = self.inside(Place::Package(round), name);
            if !found.is_empty() {
                return (found, Tier::Package);
            }
            if entry.family == Family::Php {
                return (self.php_global(name), Tier::Package);
            }
            let outer = all.words.text(round).rsplit_once(entry.family.separator()).map(|(outer, _)| outer);
            package = outer.filter(|_| entry.family == Family::CSharp).and_then(|outer| all.words.find(outer));
        }
        (Vec::new(), Tier::Package)
    }

    /// A function or constant of PHP that its namespace does not have is a global one.
    fn php_global(&self, name: Word) -> Vec<Place> {
        let all = &self.names.all;
        let global = all.words.find(&super::collect::package_key(Family::Php, ""));
        let found = global.map_or(&[][..], |global| all.within(Scope::package(global), name));
        let falls_back = |symbol: &&u32| {
            let kind = all.symbol(**symbol).kind;
            kind.is_callable() || kind == SymbolKind::Constant
        };
        found.iter().filter(falls_back).copied().map(Place::Symbol).collect()
    }

    fn by_star(&mut self, point: Point, name: Word) -> (Vec<Place>, Tier) {
        (self.by_wildcard(point.file, NONE, name, false), Tier::Import)
    }

    /// What C and C++ link: every symbol that is not a file's own. Macros of Rust are seen in all of their crate.
    fn by_linkage(&mut self, point: Point, name: Word) -> (Vec<Place>, Tier) {
        let all = &self.names.all;
        let family = all.files[point.file as usize].family;
        let is_seen = |&&symbol: &&u32| {
            let definition = all.symbol(symbol);
            let is_linked = match family {
                Family::C => definition.flags.has(Flags::EXPORTED) || self.is_header(symbol),
                Family::Rust => definition.kind == SymbolKind::Macro,
                _ => false,
            };
            is_linked && all.family_of(symbol) == family
        };
        let found = all.at_top(name).iter().filter(is_seen).take(MOST_ASKED);
        let mut found: Vec<u32> = found.copied().collect();
        if family == Family::C && found.len() > 1 && found.iter().all(|&symbol| self.is_of_includers(symbol)) {
            found = self.of_includes(point.file, found);
        }
        found.truncate(super::candidates::MOST_LINKED);
        (found.into_iter().map(Place::Symbol).collect(), Tier::Package)
    }

    /// Whether only files see it that include it: macros, types, and functions with their body in a header.
    fn is_of_includers(&self, symbol: u32) -> bool {
        let definition = self.names.all.symbol(symbol);
        let is_whole = !definition.flags.has(Flags::DECLARATION);
        definition.kind == SymbolKind::Macro || is_whole && (definition.kind.is_type() || self.is_header(symbol))
    }

    /// Of several symbols in headers those that a file includes, or what it includes; all of them where it includes none.
    fn of_includes(&mut self, file: u32, found: Vec<u32>) -> Vec<u32> {
        if self.included.iter().all(|(of, _)| *of != file) {
            let included = self.within_two_includes(file);
            self.included.truncate(KEPT_INCLUDES - 1);
            self.included.push_front((file, included));
        }
        let included = self.included.iter().find(|(of, _)| *of == file).map_or(&[][..], |(_, included)| included);
        let is_included = |symbol: &u32| included.binary_search(&self.names.all.file_of(*symbol)).is_ok();
        let seen: Vec<u32> = found.iter().copied().filter(is_included).collect();
        if seen.is_empty() { found } else { seen }
    }

    /// What a file includes, and what that includes, ascending; of very many the first.
    fn within_two_includes(&mut self, file: u32) -> Vec<u32> {
        let direct: BTreeSet<u32> = self.includes(file).into_iter().collect();
        let mut included = direct.clone();
        for one in direct {
            if included.len() < MOST_INCLUDES {
                included.extend(self.includes(one));
            }
        }
        included.into_iter().collect()
    }

    fn includes(&mut self, file: u32) -> Vec<u32> {
        let numbers = self.names.all.imports_of(file);
        let places = numbers.map(|number| self.place_of(file, number));
        places.filter_map(|place| if let Place::File(file) = place { Some(file) } else { None }).collect()
    }

    /// Types of C++ that lie in a source of their own are seen there alone, whatever namespace they share with others, as is what no
    /// other source may link; those of headers are seen where these are included.
    pub fn seen_from(&mut self, file: u32, places: Vec<Place>) -> Vec<Place> {
        let all = &self.names.all;
        if places.len() < 2 || all.files[file as usize].family != Family::C {
            return places;
        }
        let is_seen = |place: &Place| {
            let is_own = |definition: &Definition| {
                let is_linked = definition.flags.has(Flags::EXPORTED) || definition.scope == Scope::NOWHERE;
                definition.kind.is_type() || !is_linked && !self.is_inside_type(definition)
            };
            let hidden =
                |symbol: u32| is_own(all.symbol(symbol)) && all.file_of(symbol) != file && !self.is_header(symbol);
            !place.symbol().is_some_and(hidden)
        };
        let seen: Vec<Place> = places.iter().copied().filter(is_seen).collect();
        self.included_from(file, if seen.is_empty() { places } else { seen })
    }

    fn is_inside_type(&self, definition: &Definition) -> bool {
        definition.scope.as_symbol().is_some_and(|round| self.names.all.symbol(round).kind.is_type())
    }

    /// Of several types of one name in a namespace those of the file, else those that it includes.
    fn included_from(&mut self, file: u32, places: Vec<Place>) -> Vec<Place> {
        let all = &self.names.all;
        let found: Vec<u32> = places.iter().filter_map(|place| place.symbol()).collect();
        let is_whole_type = |&symbol: &u32| {
            let definition = all.symbol(symbol);
            definition.kind.is_type() && !definition.scope.is_top() && !definition.flags.has(Flags::DECLARATION)
        };
        if found.len() < 2 || found.len() < places.len() || !found.iter().all(is_whole_type) {
            return places;
        }
        let own: Vec<u32> = found.iter().copied().filter(|&symbol| all.file_of(symbol) == file).collect();
        let found = if own.is_empty() { self.of_includes(file, found) } else { own };
        symbols(&found)
    }

    fn is_header(&self, symbol: u32) -> bool {
        let all = &self.names.all;
        let path = all.paths.path(all.file_of(symbol));
        path.rsplit('.')
            .next()
            .is_some_and(|end| matches!(end, "h" | "hh" | "hpp" | "hxx" | "h++" | "inl" | "ipp" | "tpp"))
    }

    /// Places that suit a use; those of the best fit only.
    pub fn suited(&self, places: Vec<Place>, want: Want) -> Vec<Place> {
        let fit = |place: &Place| match place {
            Place::Symbol(symbol) => want.fit(self.names.all.symbol(*symbol).kind),
            Place::Outside(..) => Some(0),
            Place::Nowhere => None,
            // A module's own file says more than its declaration.
            _ if want == Want::Head => Some(0),
            _ => matches!(want, Want::Any | Want::Value | Want::Type).then_some(1),
        };
        let best = places.iter().filter_map(fit).min();
        best.map_or_else(Vec::new, |best| places.into_iter().filter(|place| fit(place) == Some(best)).collect())
    }
}
