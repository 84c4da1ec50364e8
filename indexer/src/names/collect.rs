//! Outlines in, [`Definitions`] out: files are added in order, then the names that their outlines lack, and what is one thing in
//! several places becomes one.

use std::collections::HashMap;
use std::thread;

use kotadb_core::facts::outline::{OutlinedImport, TextId, Texts};
use kotadb_core::facts::{Facts, Import, Outline, SymbolKind};

use super::definitions::{Definition, Definitions, FileEntry, ImportEntry, NONE, Scope, SupertypeEntry};
use super::family::Family;
use super::named::NamedSymbols;
use super::paths::{self, Paths};
use super::words::{Word, Words};

/// The text `*`, which every collection knows first.
pub const STAR: Word = Word(0);

/// Takes in the files of a snapshot.
#[derive(Debug)]
pub struct Collector {
    all: Definitions,
    /// Names of the symbols, close together: those that come late come from all over the place.
    names: Vec<Word>,
    /// Of each text of the outline that is taken in its word, once it is known.
    known: Vec<Word>,
    /// What is one thing in several files: the first symbol by the scope and name of each.
    openings: HashMap<(Scope, Word), u32>,
}

impl Collector {
    /// Nothing yet, of files with these paths.
    pub fn new(paths: Paths) -> Self {
        let mut words = Words::default();
        words.add("*");
        let all = Definitions::new(words, paths);
        Self { all, names: Vec::new(), known: Vec::new(), openings: HashMap::new() }
    }

    /// The next file. Symbols without a name get it later, by [`Self::name`].
    pub fn add(&mut self, family: Family, outline: Option<&Outline>) {
        let file = self.all.files.len() as u32;
        let package = outline.map_or(Word::NONE, |outline| self.package(family, file, outline));
        let (first_symbol, first_import) = (self.all.symbols.len() as u32, self.all.imports.len() as u32);
        self.all.files.push(FileEntry { family, package, first_symbol, first_import });
        if let Some(outline) = outline {
            self.known.clear();
            self.known.resize(outline.texts.len(), Word::NONE);
            self.add_symbols(outline);
            self.add_imports(family, outline);
            self.add_supertypes(outline);
        }
    }

    /// Gives symbols their names, which a list has sorted.
    pub fn name(&mut self, named: &NamedSymbols) {
        if !named.goes_on {
            self.all.words.settle();
        }
        self.name_by(named, Words::append);
    }

    fn name_by(&mut self, named: &NamedSymbols, word_of: fn(&mut Words, &str, u64) -> Word) {
        for (name, hash, symbols) in named.each() {
            let mut word = None;
            for &(file, symbol) in symbols {
                // Lists name symbols of files that are not resolved, too, headings say: those are none of these.
                let Some(number) = self.all.symbols_of(file).nth(symbol as usize) else { continue };
                if let Some(slot) = self.names.get_mut(number as usize).filter(|slot| **slot == Word::NONE) {
                    *slot = *word.get_or_insert_with(|| word_of(&mut self.all.words, name, hash));
                }
            }
        }
    }

    /// Files with symbols that no list has named.
    pub fn nameless(&self) -> Vec<u32> {
        let nameless = (0u32..).zip(&self.names).filter(|(_, name)| **name == Word::NONE);
        let mut files: Vec<u32> = nameless.map(|(number, _)| self.all.file_of(number)).collect();
        files.dedup();
        files
    }

    /// Gives the symbols of a file their names.
    pub fn name_all(&mut self, file: u32, facts: &Facts) {
        let mut named = NamedSymbols::default();
        (0..).zip(&facts.symbols).for_each(|(number, symbol)| named.add(&symbol.name, file, number));
        self.name_by(&named, |words, name, _| words.add(name));
    }

    /// All of it, sorted, once every symbol has its name.
    pub fn finish(mut self) -> Definitions {
        let names = std::mem::take(&mut self.names);
        self.all.symbols.iter_mut().zip(names).for_each(|(symbol, name)| symbol.name = name);
        for file in 0..self.all.files.len() as u32 {
            self.all.symbols_of(file).for_each(|number| self.place(file, number));
        }
        for nth in 0..self.all.supertypes.len() {
            let SupertypeEntry { file, of, .. } = self.all.supertypes[nth];
            if of != NONE {
                self.all.supertypes[nth].of = self.opening(self.all.files[file as usize].family, of);
            }
        }
        let mut words = std::mem::take(&mut self.all.words);
        let n_words = words.len();
        // Neither touches what the other does, and they take about as long.
        thread::scope(|scope| {
            scope.spawn(|| words.settle());
            self.all.sort(n_words);
        });
        self.all.words = words;
        self.all
    }

    /// Says where a symbol is found by its name.
    fn place(&mut self, file: u32, number: u32) {
        let FileEntry { family, package, .. } = self.all.files[file as usize];
        let Definition { name, container, scope, kind, .. } = *self.all.symbol(number);
        if scope == Scope::NOWHERE {
            return;
        }
        let scope = match container {
            NONE if package != Word::NONE => Scope::package(package),
            NONE => Scope::file(file),
            container => Scope::symbol(self.opening(family, container)),
        };
        self.all.symbols[number as usize].scope = scope;
        if opens_again(family, kind) && !self.all.words.text(name).is_empty() {
            let first = *self.openings.entry((everywhere(family, container, scope), name)).or_insert(number);
            if first != number {
                self.all.pieces.insert(number, first);
            }
        }
    }

    /// The package of a file, its outer ones known too. Files of one folder are a package in Go.
    fn package(&mut self, family: Family, file: u32, outline: &Outline) -> Word {
        if !family.has_packages() {
            return Word::NONE;
        }
        let declared = match family {
            Family::Ruby | Family::Swift => "",
            _ => outline.package.map_or("", |package| outline.texts.get(package)),
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

    fn add_symbols(&mut self, outline: &Outline) {
        let (file, first) = (self.all.files.len() as u32 - 1, self.all.symbols.len() as u32);
        for (nth, symbol) in (0..).zip(&outline.symbols) {
            let named = self.word_if(symbol.name, &outline.texts);
            self.names.push(named);
            let container = symbol.container.map_or(NONE, |container| first + container);
            let of_type = self.word_if(symbol.of_type, &outline.texts);
            if symbol.qualifier.is_some() {
                let qualifier = self.word_if(symbol.qualifier, &outline.texts);
                let interface = self.word_if(symbol.interface, &outline.texts);
                self.all.qualifiers.push((first + nth, qualifier, interface));
            }
            // Where the others are found is said once all have names.
            let scope = if symbol.qualifier.is_some() { Scope::NOWHERE } else { Scope::file(file) };
            let (kind, arity, flags) = (symbol.kind, symbol.arity, symbol.flags);
            let name = Word::NONE;
            self.all.symbols.push(Definition { name, container, scope, of_type, kind, arity, flags });
        }
    }

    /// The word of a text of the outline that is taken in.
    fn word(&mut self, text: TextId, texts: &Texts) -> Word {
        let Some(known) = self.known.get_mut(text.0 as usize) else { return Word::NONE };
        if *known == Word::NONE {
            *known = self.all.words.add(texts.get(text));
        }
        *known
    }

    fn word_if(&mut self, text: Option<TextId>, texts: &Texts) -> Word {
        text.map_or(Word::NONE, |text| self.word(text, texts))
    }

    /// The symbol that stands for all openings of the same thing.
    fn opening(&self, family: Family, symbol: u32) -> u32 {
        let Definition { scope, name, kind, container, .. } = *self.all.symbol(symbol);
        if !opens_again(family, kind) {
            return symbol;
        }
        self.openings.get(&(everywhere(family, container, scope), name)).copied().unwrap_or(symbol)
    }

    fn add_imports(&mut self, family: Family, outline: &Outline) {
        let first_symbol = self.all.files[self.all.files.len() - 1].first_symbol;
        let texts = &outline.texts;
        for import in &outline.imports {
            let local = local_name(family, import, texts).map_or(Word::NONE, |name| self.all.words.add(name));
            // `import . "x"` of Go takes all names.
            let is_all = import.alias.is_some_and(|alias| texts.get(alias) == ".");
            let name = if is_all { STAR } else { self.word_if(import.name, texts) };
            let module = self.word(import.module, texts);
            let container = import.container.filter(|_| family == Family::Rust);
            let container = container.map_or(NONE, |symbol| first_symbol + symbol);
            self.all.imports.push(ImportEntry { module, name, local, container, reexported: import.reexported });
        }
    }

    fn add_supertypes(&mut self, outline: &Outline) {
        let file = self.all.files.len() as u32 - 1;
        let first_symbol = self.all.files[file as usize].first_symbol;
        for (nth, one) in (0..).zip(&outline.supertypes) {
            let of = one.of.map_or(NONE, |of| first_symbol + of);
            let (name, supertype) = (self.word(one.name, &outline.texts), self.word(one.supertype, &outline.texts));
            self.all.supertypes.push(SupertypeEntry { file, nth, of, name, supertype });
        }
    }
}

/// The text by which a package is known.
pub fn package_key(family: Family, name: &str) -> String {
    format!("{} {name}", family.mark())
}

/// Where pieces of one thing meet: namespaces of C++ in all files.
fn everywhere(family: Family, container: u32, scope: Scope) -> Scope {
    if family == Family::C && container == NONE { Scope::package(STAR) } else { scope }
}

/// Whether a symbol of that kind may be written in several pieces, all of which are one.
fn opens_again(family: Family, kind: SymbolKind) -> bool {
    match family {
        Family::C => kind == SymbolKind::Module,
        Family::CSharp | Family::Ruby => kind.is_type() || kind == SymbolKind::Module,
        // A type that a package has twice is for several builds.
        Family::Go => kind.is_type(),
        Family::Php => kind == SymbolKind::Module,
        Family::Script => matches!(kind, SymbolKind::Interface | SymbolKind::Module | SymbolKind::Class),
        _ => false,
    }
}

/// What an import is called in its file.
fn local_name<'t>(family: Family, import: &OutlinedImport, texts: &'t Texts) -> Option<&'t str> {
    let module = texts.get(import.module);
    let named = import.alias.or(import.name).map(|text| texts.get(text));
    match family {
        Family::C | Family::Ruby | Family::Bash => None,
        // `import a.b` binds `a`.
        Family::Python if named.is_none() => module.split('.').find(|word| !word.is_empty()),
        Family::CSharp if named.is_none() => None,
        Family::Go if named.is_none() => Some(go_name(module)),
        _ => Import::local_name_of(module, named),
    }
    .filter(|name| !matches!(*name, "_" | "."))
}

/// The name of a Go package by its path: a version is none.
fn go_name(module: &str) -> &str {
    let is_version = |word: &&str| word.strip_prefix('v').is_some_and(|n| n.parse::<u32>().is_ok());
    let last = module.rsplit('/').find(|word| !is_version(word)).unwrap_or(module);
    last.split(".v").next().unwrap_or(last)
}
