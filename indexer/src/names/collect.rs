//! Facts in, [`Definitions`] out: files are added in order, and what is one thing in several places becomes one.

use std::collections::HashMap;

use kotadb_core::facts::{Facts, Import, SymbolKind};

use super::definitions::{Definition, Definitions, FileEntry, ImportEntry, NONE, Scope, SupertypeEntry};
use super::family::Family;
use super::paths::{self, Paths};
use super::words::{Word, Words};

/// The text `*`, which every collection knows first.
pub const STAR: Word = Word(0);

/// Takes in the files of a snapshot.
#[derive(Debug)]
pub struct Collector {
    all: Definitions,
    /// What is one thing in several files: the first symbol by the scope and name of each.
    openings: HashMap<(Scope, Word), u32>,
}

impl Collector {
    /// Nothing yet, of files with these paths.
    pub fn new(paths: Paths) -> Self {
        let mut words = Words::default();
        words.add("*");
        Self { all: Definitions::new(words, paths), openings: HashMap::new() }
    }

    /// The next file.
    pub fn add(&mut self, family: Family, facts: Option<&Facts>) {
        let file = self.all.files.len() as u32;
        let package = facts.map_or(Word::NONE, |facts| self.package(family, file, facts));
        let (first_symbol, first_import) = (self.all.symbols.len() as u32, self.all.imports.len() as u32);
        self.all.files.push(FileEntry { family, package, first_symbol, first_import });
        if let Some(facts) = facts {
            self.add_symbols(family, facts);
            self.add_imports(family, facts);
            self.add_supertypes(facts);
        }
    }

    /// All of it, sorted.
    pub fn finish(self) -> Definitions {
        let mut all = self.all;
        all.sort();
        all
    }

    /// The package of a file, its outer ones known too. Files of one folder are a package in Go.
    fn package(&mut self, family: Family, file: u32, facts: &Facts) -> Word {
        if !family.has_packages() {
            return Word::NONE;
        }
        let declared = match family {
            Family::Ruby | Family::Swift => "",
            _ => facts.package.as_deref().unwrap_or_default(),
        };
        if family == Family::Go {
            let folder = paths::folder(self.all.paths.path(file));
            let key = package_key(family, &format!("{folder}:{declared}"));
            return self.all.words.add(&key);
        }
        let separator = family.separator();
        declared.match_indices(separator).for_each(|(at, _)| {
            let key = package_key(family, &declared[..at]);
            self.all.words.add(&key);
        });
        self.all.words.add(&package_key(family, declared))
    }

    fn add_symbols(&mut self, family: Family, facts: &Facts) {
        let entry = self.all.files[self.all.files.len() - 1];
        let file = self.all.files.len() as u32 - 1;
        for symbol in &facts.symbols {
            let number = self.all.symbols.len() as u32;
            let name = self.all.words.add(&symbol.name);
            let container = symbol.container.map_or(NONE, |container| entry.first_symbol + container);
            let of_type = symbol.of_type.as_deref().map_or(Word::NONE, |text| self.all.words.add(text));
            let scope = match (container, &symbol.qualifier) {
                (_, Some(_)) => Scope::NOWHERE,
                (NONE, None) if entry.package != Word::NONE => Scope::package(entry.package),
                (NONE, None) => Scope::file(file),
                (container, None) => Scope::symbol(self.opening(container)),
            };
            if let Some(qualifier) = &symbol.qualifier {
                let interface = symbol.interface.as_deref().map_or(Word::NONE, |text| self.all.words.add(text));
                let qualifier = self.all.words.add(qualifier);
                self.all.qualifiers.push((number, qualifier, interface));
            } else if opens_again(family, symbol.kind) && !symbol.name.is_empty() {
                let everywhere = if family == Family::C && container == NONE { Scope::package(STAR) } else { scope };
                let first = *self.openings.entry((everywhere, name)).or_insert(number);
                if first != number {
                    self.all.pieces.insert(number, first);
                }
            }
            let (kind, arity, flags) = (symbol.kind, symbol.arity, symbol.flags);
            self.all.symbols.push(Definition { name, container, scope, of_type, kind, arity, flags });
        }
    }

    /// The symbol that stands for all openings of the same thing.
    fn opening(&self, symbol: u32) -> u32 {
        let Definition { scope, name, kind, container, .. } = *self.all.symbol(symbol);
        let family = self.all.files[self.all.files.len() - 1].family;
        if !opens_again(family, kind) {
            return symbol;
        }
        let everywhere = if family == Family::C && container == NONE { Scope::package(STAR) } else { scope };
        self.openings.get(&(everywhere, name)).copied().unwrap_or(symbol)
    }

    fn add_imports(&mut self, family: Family, facts: &Facts) {
        let first_symbol = self.all.files[self.all.files.len() - 1].first_symbol;
        for import in &facts.imports {
            let local = local_name(family, import).map_or(Word::NONE, |name| self.all.words.add(name));
            // `import . "x"` of Go takes all names.
            let all = import.alias.as_deref().filter(|alias| *alias == ".").map(|_| "*");
            let name = all.or(import.name.as_deref()).map_or(Word::NONE, |name| self.all.words.add(name));
            let module = self.all.words.add(&import.module);
            let container = if family == Family::Rust { facts.enclosing(import.start) } else { None };
            let container = container.map_or(NONE, |symbol| first_symbol + symbol as u32);
            self.all.imports.push(ImportEntry { module, name, local, container, reexported: import.reexported });
        }
    }

    fn add_supertypes(&mut self, facts: &Facts) {
        let file = self.all.files.len() as u32 - 1;
        let first_symbol = self.all.files[file as usize].first_symbol;
        for (nth, one) in (0..).zip(&facts.supertypes) {
            let of = one.of.map_or(NONE, |of| self.opening(first_symbol + of));
            let (name, supertype) = (self.all.words.add(&one.name), self.all.words.add(&one.supertype));
            self.all.supertypes.push(SupertypeEntry { file, nth, of, name, supertype });
        }
    }
}

/// The text by which a package is known.
pub fn package_key(family: Family, name: &str) -> String {
    format!("{} {name}", family.mark())
}

/// Whether a symbol of that kind may be written in several pieces, all of which are one.
fn opens_again(family: Family, kind: SymbolKind) -> bool {
    match family {
        Family::C => kind == SymbolKind::Module,
        Family::CSharp | Family::Ruby => kind.is_type() || kind == SymbolKind::Module,
        Family::Php => kind == SymbolKind::Module,
        Family::Script => matches!(kind, SymbolKind::Interface | SymbolKind::Module | SymbolKind::Class),
        _ => false,
    }
}

/// What an import is called in its file.
pub fn local_name(family: Family, import: &Import) -> Option<&str> {
    let is_plain = import.name.is_none() && import.alias.is_none();
    match family {
        Family::C | Family::Ruby | Family::Bash => None,
        // `import a.b` binds `a`.
        Family::Python if is_plain => import.module.split('.').find(|word| !word.is_empty()),
        Family::CSharp if is_plain => None,
        Family::Go if is_plain => Some(go_name(&import.module)),
        _ => import.local_name(),
    }
    .filter(|name| !matches!(*name, "_" | "."))
}

/// The name of a Go package by its path: a version is none.
fn go_name(module: &str) -> &str {
    let is_version = |word: &&str| word.strip_prefix('v').is_some_and(|n| n.parse::<u32>().is_ok());
    let last = module.rsplit('/').find(|word| !is_version(word)).unwrap_or(module);
    last.split(".v").next().unwrap_or(last)
}
