//! What a name may mean where nothing tells: symbols of that name, the likeliest first, and few of them.

use kotadb_core::facts::{Flags, SymbolKind, UNKNOWN_ARITY};

use super::Names;
use super::builtins;
use super::definitions::{Definition, Scope};
use super::evaluate::OUTSIDE;
use super::family::Family;
use super::paths;
use super::place::Want;
use super::words::Word;

/// Most symbols of one name that are looked at.
const MOST_SEEN: usize = 4000;
/// From so many symbols of one name on, only those of the same folder are worth telling.
const MANY: usize = 200;
/// Most symbols of one name that linkage may mean.
pub const MOST_LINKED: usize = 64;
/// Of more than few symbols of a name in Python, the nearest ones.
pub const NEAREST: usize = 4;
/// Most candidates of a site.
pub const MOST: usize = 24;
/// The same in C, whose members of one name (`read`, `open`) are in so many tables of functions that more would tell nothing, and in
/// Java, where those further away are hardly ever meant.
const MOST_NEAR: usize = 8;

/// So many symbols of a name are few, fewer where a path tells what is meant. Java has so many overloads that they tell little.
pub fn few(family: Family, is_told: bool) -> usize {
    if is_told || family == Family::Jvm { 3 } else { 8 }
}

/// So many candidates of a site are told.
pub fn most(family: Family) -> usize {
    if matches!(family, Family::C | Family::Jvm) { MOST_NEAR } else { MOST }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The file that asks.
    pub file: u32,
    /// The name.
    pub name: Word,
    /// What is wanted.
    pub want: Want,
    /// Arguments of the call.
    pub n_arguments: u8,
    /// Whether something stands before the name.
    pub has_receiver: bool,
}

impl Names {
    /// Symbols that a use may mean, the likeliest first, of which few are worth telling.
    pub fn candidates(&self, asked: Asked) -> Vec<u32> {
        let mut found = self.all_candidates(asked);
        found.truncate(most(self.all.files[asked.file as usize].family));
        found
    }

    /// The same before most are left out.
    pub fn all_candidates(&self, asked: Asked) -> Vec<u32> {
        let family = self.all.files[asked.file as usize].family;
        let fits = |&&symbol: &&u32| self.may_mean(asked, family, symbol);
        let mut found: Vec<u32> = self.all.named(asked.name).iter().take(MOST_SEEN).filter(fits).copied().collect();
        if family == Family::Jvm && asked.n_arguments != UNKNOWN_ARITY {
            // What takes another number of arguments is another method.
            found.retain(|&symbol| {
                let definition = self.all.symbol(symbol);
                !definition.kind.is_callable() || definition.arity.fits(asked.n_arguments)
            });
        }
        if found.len() > MANY {
            let folder = |file| self.all.paths.folder_of(file);
            let is_near = |symbol: u32| folder(self.all.file_of(symbol)) == folder(asked.file);
            found.retain(|&symbol| is_near(symbol) || self.stands_for_all(family, symbol));
        }
        found.sort_by_cached_key(|&symbol| (self.unlikeliness(asked, symbol), symbol));
        found
    }

    /// The only symbol that a use may mean.
    pub fn sole_candidate(&self, asked: Asked) -> Option<u32> {
        let family = self.all.files[asked.file as usize].family;
        let mut found = self.all.named(asked.name).iter().filter(|&&symbol| self.may_mean(asked, family, symbol));
        found.next().copied().filter(|_| found.next().is_none())
    }

    /// What a use may mean if that is one method alone, with what is written for it.
    pub fn sole_method(&self, asked: Asked) -> Option<Vec<u32>> {
        let family = self.all.files[asked.file as usize].family;
        let all = self.all.named(asked.name);
        if family != Family::Rust || all.len() > MANY {
            return None;
        }
        let found: Vec<u32> = all.iter().copied().filter(|&symbol| self.may_mean(asked, family, symbol)).collect();
        self.is_one_method(&found).then_some(found)
    }

    /// Methods of a name that are written for a trait or type from outside of that name, as `From::from` and `String::from` may mean.
    pub fn written_for(&self, asked: Asked, path: &str) -> Vec<u32> {
        let outside = path.rsplit([':', OUTSIDE]).next().unwrap_or(path);
        let is_for = |name: Option<&str>| name == Some(outside);
        let mut found = self.candidates(asked);
        found.retain(|&symbol| is_for(self.interface(symbol)) || is_for(self.qualifier(symbol)));
        found
    }

    /// Methods of a name that are written for a trait from outside.
    pub fn written_for_trait(&self, asked: Asked, path: &str) -> Vec<u32> {
        let interface = path.rsplit(':').next();
        let mut found = self.candidates(asked);
        found.retain(|&symbol| self.interface(symbol).is_some() && self.interface(symbol) == interface);
        found
    }

    fn may_mean(&self, asked: Asked, family: Family, symbol: u32) -> bool {
        let definition = self.all.symbol(symbol);
        let is_member = self.is_member(definition);
        let is_reachable = match (asked.has_receiver, family) {
            // What stands before the name may be a namespace.
            (true, Family::C) => is_member || !definition.scope.is_top(),
            (true, Family::Go) => is_member || matches!(definition.kind, SymbolKind::Function | SymbolKind::Field),
            (true, Family::Python | Family::Script) => true,
            (true, _) => is_member || definition.kind == SymbolKind::Function,
            (false, family) => !is_member || family.has_bare_members(),
        };
        let fit = asked.want.fit(definition.kind);
        let suits = is_reachable
            && (fit.is_some_and(|fit| fit < 2) || (fit.is_some() && self.holds_function(family, definition)));
        suits && self.all.family_of(symbol) == family
    }

    /// Whether a field or variable has the type of a function. That of Go may have a name, or none.
    fn holds_function(&self, family: Family, definition: &Definition) -> bool {
        let written = self.all.words.text(definition.of_type);
        let is_plain = || written.starts_with(['*', '[', '(']) || builtins::is_name(family, written);
        let may_hold = family == Family::Go && definition.kind == SymbolKind::Field && !is_plain();
        may_hold || written.contains("=>") && !written.starts_with('=')
    }

    /// Whether a symbol may be asked of things of any type: a method of a trait or interface, or of a type that is not known.
    pub fn is_asked_of_all(&self, symbol: u32) -> bool {
        let is_of_trait = |owner: u32| self.all.symbol(owner).kind == SymbolKind::Trait;
        self.all.symbol(symbol).scope == Scope::NOWHERE || self.all.owner(symbol).is_some_and(is_of_trait)
    }

    /// Whether a symbol of Go is a method of an interface: of many methods of a name, what is not known is called through one of these.
    fn stands_for_all(&self, family: Family, symbol: u32) -> bool {
        let is_interface = |owner: u32| self.all.symbol(owner).kind == SymbolKind::Interface;
        family == Family::Go && self.all.owner(symbol).is_some_and(is_interface)
    }

    fn is_member(&self, definition: &Definition) -> bool {
        let in_type = definition.scope.as_symbol().is_some_and(|owner| self.all.symbol(owner).kind.is_type());
        in_type || definition.scope == Scope::NOWHERE
    }

    /// Less is likelier: the arity first, then how far away it is defined.
    fn unlikeliness(&self, asked: Asked, symbol: u32) -> (bool, bool, bool, bool, usize) {
        let definition = self.all.symbol(symbol);
        let fits = asked.n_arguments == UNKNOWN_ARITY || definition.arity.fits(asked.n_arguments);
        let misfits = definition.kind.is_callable() && !fits;
        let file = self.all.file_of(symbol);
        let distance = paths::distance(self.all.paths.path(file), self.all.paths.path(asked.file));
        let is_plain = self.is_member(definition) != asked.has_receiver;
        let far = if file == asked.file { 0 } else { 1 + distance };
        let is_one = asked.has_receiver && !self.stands_for_all(self.all.files[asked.file as usize].family, symbol);
        (misfits, definition.flags.has(Flags::DECLARATION), is_plain, is_one, far)
    }

    /// Puts the likeliest of several equally near symbols first, and drops those that fit worse.
    pub fn choose(&self, asked: Asked, mut found: Vec<u32>) -> Vec<u32> {
        let is_rust = self.all.files[asked.file as usize].family == Family::Rust;
        let declared = self.defaults(asked, &found);
        let rank = |&symbol: &u32| {
            let definition = self.all.symbol(symbol);
            let takes = || definition.arity.fits(asked.n_arguments) || declared.contains(&definition.arity.most);
            let misfits = definition.kind.is_callable() && !takes();
            // A method of the type itself comes before those of traits.
            let is_of_trait = is_rust && self.interface(symbol).is_some();
            (asked.want.fit(definition.kind), misfits, definition.flags.has(Flags::DECLARATION), is_of_trait)
        };
        found.sort_by_key(rank);
        if let Some(best) = found.first().map(rank) {
            found.retain(|symbol| rank(symbol) == best);
        }
        match self.all.files[asked.file as usize].family {
            // What is defined last is what counts.
            Family::Python => found.reverse(),
            // Overloads are one function, pieces of an interface one interface.
            Family::Script if self.is_one_thing(&found) => found.truncate(1),
            _ => {}
        }
        found
    }

    /// The most arguments that declarations of C++ take which can be given so many: what a parameter is by default is told there, and
    /// not where the function is defined.
    fn defaults(&self, asked: Asked, found: &[u32]) -> Vec<u8> {
        let is_c = self.all.files[asked.file as usize].family == Family::C;
        let declared = |one: &&Definition| is_c && one.flags.has(Flags::DECLARATION) && one.arity.most != u8::MAX;
        let declarations: Vec<_> = found.iter().map(|&symbol| self.all.symbol(symbol)).filter(declared).collect();
        // Where another overload takes as many and has no defaults, nothing tells which one a definition is.
        let is_open = |one: &&&Definition| {
            let of_most = declarations.iter().filter(|other| other.arity.most == one.arity.most);
            one.arity.least < one.arity.most && one.arity.fits(asked.n_arguments) && of_most.count() == 1
        };
        declarations.iter().filter(is_open).map(|one| one.arity.most).collect()
    }

    /// Whether symbols are pieces of one thing: of one name in one scope.
    pub fn is_one_thing(&self, found: &[u32]) -> bool {
        let place = |&symbol: &u32| (self.all.symbol(symbol).scope, self.all.symbol(symbol).name);
        found.windows(2).all(|pair| place(&pair[0]) == place(&pair[1]))
    }

    /// Whether symbols are pieces of one type, as C# and Ruby write it in several files.
    pub fn are_pieces(&self, found: &[u32]) -> bool {
        found.len() > 1 && found.windows(2).all(|pair| self.all.whole(pair[0]) == self.all.whole(pair[1]))
    }

    /// Whether symbols are one thing written for several builds: macros of one file of C, and what Rust has twice in one scope but for
    /// methods of traits, of which a type may have several of one name.
    pub fn are_variants(&self, found: &[u32]) -> bool {
        let Some(&first) = found.first() else { return false };
        match self.all.family_of(first) {
            Family::C => {
                found.len() > 1 && (self.are_branches(found) || self.are_pieces(found) || self.are_builds(found))
            }
            _ => found.len() > 1 && self.is_one_thing(found) && found.iter().all(|&one| self.interface(one).is_none()),
        }
    }

    /// Whether symbols of C have one name at the top of one file, which only branches of an `#if` can have: macros, types, functions
    /// that take as much, since those of C++ may be overloads.
    fn are_branches(&self, found: &[u32]) -> bool {
        let Some(&first) = found.first() else { return false };
        let one = self.all.symbol(first);
        let is_alike = |other: &Definition| match one.kind {
            SymbolKind::Macro => other.kind == SymbolKind::Macro,
            kind if kind.is_type() => other.kind.is_type() && one.scope.is_top(),
            kind => {
                other.kind == kind && other.arity == one.arity && one.scope.is_top() && kind == SymbolKind::Function
            }
        };
        self.is_one_thing(found) && found.iter().all(|&symbol| is_alike(self.all.symbol(symbol)))
    }

    /// Whether symbols of C++ are one method that sources for several builds define, and the pure one that it is the body of: the
    /// class declares one of as many parameters. What namespaces have of one name in several sources are overloads.
    fn are_builds(&self, found: &[u32]) -> bool {
        let is_source = |symbol: u32| {
            let path = self.all.paths.path(self.all.file_of(symbol));
            path.rsplit('.').next().is_some_and(|end| matches!(end, "c" | "cc" | "cpp" | "cxx" | "c++"))
        };
        let arity = |symbol: u32| self.all.symbol(symbol).arity;
        let is_built = |&symbol: &u32| {
            let definition = self.all.symbol(symbol);
            definition.kind.is_callable() && (definition.flags.has(Flags::ABSTRACT) || is_source(symbol))
        };
        let mut files: Vec<u32> = found.iter().map(|&symbol| self.all.file_of(symbol)).collect();
        files.sort_unstable();
        let are_apart = files.windows(2).all(|pair| pair[0] != pair[1]);
        let are_alike = found.windows(2).all(|pair| arity(pair[0]) == arity(pair[1]));
        let is_one = are_apart && are_alike && self.is_one_thing(found) && found.iter().all(is_built);
        is_one && found.first().is_some_and(|&first| self.is_declared_once(first))
    }

    /// Whether the type of a method declares one of its name that takes as much, and no other.
    fn is_declared_once(&self, method: u32) -> bool {
        let one = self.all.symbol(method);
        let is_alike = |other: &&u32| {
            let other = self.all.symbol(**other);
            other.flags.has(Flags::DECLARATION) && other.arity == one.arity
        };
        self.all.owner(method).is_some() && self.all.within(one.scope, one.name).iter().filter(is_alike).count() <= 1
    }

    /// In place of a declaration of C, the definitions that it declares.
    pub fn defined(&self, asked: Asked, found: Vec<u32>) -> Vec<u32> {
        let family = self.all.files[asked.file as usize].family;
        let is_declaration = |&symbol: &u32| self.all.symbol(symbol).flags.has(Flags::DECLARATION);
        if family != Family::C || found.is_empty() || !found.iter().all(is_declaration) {
            return found;
        }
        let is_type = self.all.symbol(found[0]).kind.is_type();
        let is_definition = |symbol: &u32| {
            let definition = self.all.symbol(*symbol);
            definition.kind.is_type() == is_type
                && !definition.flags.has(Flags::DECLARATION)
                && definition.scope.is_top()
                && (is_type || (definition.kind.is_callable() && definition.flags.has(Flags::EXPORTED)))
                && self.all.family_of(*symbol) == family
        };
        let all = self.all.named(asked.name).iter().take(MOST_SEEN).copied();
        let mut defined: Vec<u32> = all.filter(is_definition).collect();
        defined.sort_by_cached_key(|&symbol| {
            let file = self.all.file_of(symbol);
            (paths::distance(self.all.paths.path(file), self.all.paths.path(self.all.file_of(found[0]))), symbol)
        });
        defined.truncate(3);
        if defined.is_empty() { found } else { defined }
    }
}
