//! Finds what a name means in a place or at a point of a file: through imports, re-exports, wildcards and modules, with
//! a bound on how far, because files may import each other in circles.

use std::collections::{HashMap, VecDeque};

use kotadb_core::facts::{Flags, SymbolKind};

use super::Names;
use super::collect::STAR;
use super::definitions::{ImportEntry, NONE, Scope};
use super::family::Family;
use super::imports::{self, python, rust};
use super::lexical::MOST_ASKED;
use super::place::{Place, Want};
use super::words::Word;

/// How many imports a name is followed through.
const MOST_STEPS: usize = 24;
/// How many places are looked into for one name.
const MOST_PLACES: u32 = 2000;

/// A point of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// The file.
    pub file: u32,
    /// The innermost symbol round it, or [`NONE`].
    pub at: u32,
}

/// Looks names up for one thread.
#[derive(Debug)]
pub struct Scout<'n> {
    /// All names.
    pub names: &'n Names,
    /// What is being looked up, so that circles end.
    open: Vec<(Place, Word)>,
    n_places: u32,
    /// Whether a circle or the bound cut something off.
    cut: bool,
    /// Whether what another name of a type stands for is being looked up.
    pub(super) in_alias: bool,
    /// Places of imports of Rust, and of others that nobody has found for all.
    walked: HashMap<u32, Place>,
    crates: HashMap<u32, u32>,
    /// What files of C include, and what that includes: those that were asked for last. A file and its headers are asked for in turn.
    pub(super) included: VecDeque<(u32, Vec<u32>)>,
}

impl<'n> Scout<'n> {
    /// Knows nothing by heart yet.
    pub fn new(names: &'n Names) -> Self {
        let (walked, crates, included) = (HashMap::new(), HashMap::new(), VecDeque::new());
        Self { names, open: Vec::new(), n_places: 0, cut: false, in_alias: false, walked, crates, included }
    }

    /// What a name means inside a place, members of types above apart; nothing if it is not there.
    pub fn inside(&mut self, place: Place, name: Word) -> Vec<Place> {
        if self.open.is_empty() {
            self.n_places = 0;
        }
        self.n_places += 1;
        let is_too_far = self.open.len() >= MOST_STEPS || self.n_places > MOST_PLACES;
        if is_too_far || self.open.contains(&(place, name)) {
            self.cut = true;
            return Vec::new();
        }
        self.open.push((place, name));
        let found = self.inside_once(place, name);
        self.open.pop();
        found
    }

    fn inside_once(&mut self, place: Place, name: Word) -> Vec<Place> {
        let all = &self.names.all;
        match place {
            Place::File(file) => self.inside_file(file, name),
            Place::Symbol(symbol) => self.inside_symbol(symbol, name),
            Place::Package(package) => {
                let found = symbols(all.within(Scope::package(package), name));
                if found.is_empty() { self.sub_package(package, name).into_iter().collect() } else { found }
            }
            Place::Folder(folder) => {
                let root = all.paths.folder_path(folder);
                python::probe(self.names.modules(), root, all.words.text(name)).into_iter().collect()
            }
            Place::Outside(module, _) => vec![Place::Outside(module, name)],
            Place::Nowhere => Vec::new(),
        }
    }

    fn inside_file(&mut self, file: u32, name: Word) -> Vec<Place> {
        let all = &self.names.all;
        let family = all.files[file as usize].family;
        let mut found = symbols(all.within(Scope::file(file), name));
        if found.iter().all(|place| self.is_module_of_file(*place)) {
            // A module's own file says more than its declaration.
            found.splice(..0, self.child(file, name));
        }
        if found.is_empty() || (family == Family::Rust && found.len() == 1) {
            found.extend(self.imported(file, NONE, name, true));
        }
        if found.is_empty() && family == Family::Script {
            // `export { a }` of an imported `a` is told by no import.
            found = self.imported(file, NONE, name, false);
        }
        if found.is_empty() && all.words.text(name) == "default" {
            return self.default_of(file);
        }
        // Headers include so many others that what is further away is found by linkage instead.
        let looks_on = found.is_empty() && family != Family::C;
        if looks_on { self.by_wildcard(file, NONE, name, true) } else { found }
    }

    fn is_module_of_file(&self, place: Place) -> bool {
        place.symbol().is_some_and(|symbol| self.names.all.symbol(symbol).kind == SymbolKind::Module)
    }

    fn inside_symbol(&mut self, symbol: u32, name: Word) -> Vec<Place> {
        let all = &self.names.all;
        let mut found = symbols(all.within(Scope::symbol(all.whole(symbol)), name));
        let kind = all.symbol(symbol).kind;
        // Of functions it is not asked: there are too many, and all names of C are.
        if found.is_empty() && (kind == SymbolKind::Module || kind.is_type()) && all.family_of(symbol) == Family::C {
            found = self.constants_of_enums(symbol, name);
        }
        if !found.is_empty() || kind != SymbolKind::Module {
            return found;
        }
        let file = all.file_of(symbol);
        if all.files[file as usize].family != Family::Rust {
            return found;
        }
        let found = self.imported(file, symbol, name, true);
        if found.is_empty() { self.by_wildcard(file, symbol, name, true) } else { found }
    }

    /// Constants of C++ are seen where their enum is; nobody notes which enums are scopes of their own. Of a name that very many
    /// symbols have some are looked at.
    fn constants_of_enums(&self, symbol: u32, name: Word) -> Vec<Place> {
        let all = &self.names.all;
        let round = Scope::symbol(all.whole(symbol));
        let is_of_round = |&&constant: &&u32| {
            let owner = all.symbol(constant).scope.as_symbol();
            all.symbol(constant).kind == SymbolKind::Variant
                && owner
                    .is_some_and(|owner| all.symbol(owner).kind == SymbolKind::Enum && all.symbol(owner).scope == round)
        };
        let found: Vec<u32> = all.named(name).iter().take(MOST_ASKED).filter(is_of_round).copied().collect();
        symbols(&found)
    }

    fn sub_package(&self, package: Word, name: Word) -> Option<Place> {
        let words = &self.names.all.words;
        let (outer, inner) = (words.text(package), words.text(name));
        let family = Family::Php.mark();
        let separator = if outer.starts_with(family) { '\\' } else { '.' };
        words.find(&format!("{outer}{separator}{inner}")).map(Place::Package)
    }

    /// A module in a file of its own below another.
    fn child(&self, file: u32, name: Word) -> Option<Place> {
        let all = &self.names.all;
        let text = all.words.text(name);
        match all.files[file as usize].family {
            Family::Rust => rust::child(self.names.modules(), file, text).map(Place::File),
            Family::Python if all.paths.path(file).ends_with("__init__.py") => {
                let root = all.paths.folder_path(all.paths.folder_of(file));
                python::probe(self.names.modules(), root, text)
            }
            _ => None,
        }
    }

    /// What is exported without a name of its own: the function or class that the file is called after, or its only one.
    fn default_of(&self, file: u32) -> Vec<Place> {
        let all = &self.names.all;
        let is_top = |&symbol: &u32| all.symbol(symbol).scope == Scope::file(file);
        let is_whole = |&symbol: &u32| all.symbol(symbol).kind.is_type() || all.symbol(symbol).kind.is_callable();
        let mut whole = all.symbols_of(file).filter(|symbol| is_top(symbol) && is_whole(symbol));
        let stem = super::paths::name(super::paths::stem(all.paths.path(file)));
        let (first, second) = (whole.next(), whole.next());
        let namesake =
            || all.symbols_of(file).find(|symbol| is_top(symbol) && all.name(*symbol).eq_ignore_ascii_case(stem));
        if second.is_none() {
            first.map(Place::Symbol).into_iter().collect()
        } else {
            namesake().map(Place::Symbol).into_iter().collect()
        }
    }

    /// What the imports of a file call so. `from_outside`: asked by another file.
    pub fn imported(&mut self, file: u32, container: u32, name: Word, from_outside: bool) -> Vec<Place> {
        let all = &self.names.all;
        let family = all.files[file as usize].family;
        for number in all.imports_of(file) {
            let import = all.imports[number as usize];
            // `using db::Pool;` of C++ brings what it names.
            let local = if import.local == Word::NONE && family == Family::C { import.name } else { import.local };
            if local != name || import.name == STAR || !self.is_seen(file, container, import, from_outside) {
                continue;
            }
            let found = self.through(file, number);
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// What the wildcards of a file bring under that name.
    pub fn by_wildcard(&mut self, file: u32, container: u32, name: Word, from_outside: bool) -> Vec<Place> {
        let all = &self.names.all;
        let family = all.files[file as usize].family;
        for number in all.imports_of(file) {
            let import = all.imports[number as usize];
            let is_whole = import.name == Word::NONE && matches!(family, Family::C | Family::Bash);
            let is_all = import.name == STAR || is_whole;
            let is_all = is_all || (family == Family::CSharp && import.local == Word::NONE);
            if !is_all || !self.is_seen(file, container, import, from_outside) {
                continue;
            }
            let place = self.place_of(file, number);
            let found = if matches!(place, Place::Outside(..)) { Vec::new() } else { self.inside(place, name) };
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Whether an import counts at a point. Modules of Rust inside a file have imports of their own.
    fn is_seen(&self, file: u32, container: u32, import: ImportEntry, from_outside: bool) -> bool {
        let all = &self.names.all;
        match all.files[file as usize].family {
            Family::Script if from_outside => import.reexported,
            Family::Script => !import.reexported,
            Family::Rust if from_outside => self.module_round(import.container) == container,
            _ => true,
        }
    }

    /// The inline module that a symbol is in, itself included.
    pub fn module_round(&self, symbol: u32) -> u32 {
        let all = &self.names.all;
        all.chain(symbol).find(|&one| all.symbol(one).kind == SymbolKind::Module).unwrap_or(NONE)
    }

    /// What an import names.
    pub fn through(&mut self, file: u32, number: u32) -> Vec<Place> {
        let import = self.names.all.imports[number as usize];
        match self.place_of(file, number) {
            Place::Nowhere => Vec::new(),
            place if import.name == Word::NONE => vec![place],
            place => self.inside(place, import.name),
        }
    }

    /// The module that an import names.
    pub fn place_of(&mut self, file: u32, number: u32) -> Place {
        let import = self.names.all.imports[number as usize];
        let is_rust = self.names.all.files[file as usize].family == Family::Rust;
        let known = if is_rust { None } else { self.names.places.get(number as usize) };
        if let Some(&known) = known.or_else(|| self.walked.get(&number)) {
            return known;
        }
        if !is_rust {
            let place = imports::place_of(self.names.modules(), file, import);
            self.walked.insert(number, place);
            return place;
        }
        let before = std::mem::take(&mut self.cut);
        let path = self.names.all.words.text(import.module);
        let place = match self.rust_path(Point { file, at: import.container }, path, Some(number)) {
            Place::Outside(..) => Place::Outside(import.module, Word::NONE),
            place => place,
        };
        if !self.cut {
            self.walked.insert(number, place);
        }
        self.cut |= before;
        place
    }

    /// A path of Rust as seen from a point; `not`: the import that asks, which does not explain itself.
    pub fn rust_path(&mut self, point: Point, path: &str, not: Option<u32>) -> Place {
        let mut segments = path.trim_start_matches("::").split("::").map(str::trim);
        let first = segments.next().unwrap_or_default();
        let mut place = self.rust_first(point, first, path.starts_with("::"), not);
        for segment in segments {
            if let Place::Outside(..) = place {
                break;
            }
            place = match (segment, place) {
                ("self", place) => place,
                ("super", place) => self.rust_parent(place),
                (segment, place) => {
                    let Some(name) = self.names.all.words.find(segment) else { return Place::Nowhere };
                    let found = self.inside(place, name);
                    self.head(&found).unwrap_or(Place::Nowhere)
                }
            };
        }
        place
    }

    fn rust_first(&mut self, point: Point, first: &str, is_crate: bool, not: Option<u32>) -> Place {
        let module = self.module_round(point.at);
        let here = if module == NONE { Place::File(point.file) } else { Place::Symbol(module) };
        match first {
            "crate" | "$crate" => return Place::File(self.crate_root(point.file)),
            "self" | "" => return here,
            "super" => return self.rust_parent(here),
            "Self" => return self.names.all.type_round(point.at).map_or(Place::Nowhere, Place::Symbol),
            _ => {}
        }
        let Some(name) = self.names.all.words.find(first) else { return Place::Outside(Word::NONE, Word::NONE) };
        let local = if is_crate { None } else { self.rust_local(here, point.file, name, not) };
        let known = local.or_else(|| self.names.manifests.crates.get(first).map(|&root| Place::File(root)));
        known.unwrap_or(Place::Outside(name, Word::NONE))
    }

    /// A module or type that the first word of a path means in the module round it.
    fn rust_local(&mut self, here: Place, file: u32, name: Word, not: Option<u32>) -> Option<Place> {
        let asks_itself = not.is_some_and(|number| {
            let import = self.names.all.imports[number as usize];
            import.local == name && import.name == Word::NONE
        });
        if asks_itself {
            return self.child(file, name);
        }
        let found = self.inside(here, name);
        let is_inner = |place: &Place| !matches!(place, Place::Outside(..));
        let inner: Vec<Place> = found.iter().copied().filter(is_inner).collect();
        let outer = if here == Place::File(file) { Vec::new() } else { self.inside(Place::File(file), name) };
        self.head(&inner).or_else(|| self.head(&found)).or_else(|| self.head(&outer))
    }

    fn rust_parent(&mut self, place: Place) -> Place {
        let all = &self.names.all;
        match place {
            Place::Symbol(symbol) => match self.module_round(all.symbol(symbol).container) {
                NONE => Place::File(all.file_of(symbol)),
                module => Place::Symbol(module),
            },
            Place::File(file) => Place::File(rust::parent(self.names.modules(), file)),
            other => other,
        }
    }

    fn crate_root(&mut self, file: u32) -> u32 {
        *self.crates.entry(file).or_insert_with(|| rust::crate_root(self.names.modules(), file))
    }

    /// The one of several meanings that other names can be behind; what is only declared has nothing behind it.
    pub fn head(&self, found: &[Place]) -> Option<Place> {
        let fit = |place: &Place| match place {
            Place::Symbol(symbol) => {
                let definition = self.names.all.symbol(*symbol);
                let fit = Want::Head.fit(definition.kind)?;
                Some((fit + 1, definition.flags.has(Flags::DECLARATION)))
            }
            _ => Some((0, false)),
        };
        found
            .iter()
            .copied()
            .filter_map(|place| Some((fit(&place)?, place)))
            .min_by_key(|(fit, _)| *fit)
            .map(|(_, place)| place)
    }
}

/// Symbols as places.
pub fn symbols(found: &[u32]) -> Vec<Place> {
    found.iter().copied().map(Place::Symbol).collect()
}
