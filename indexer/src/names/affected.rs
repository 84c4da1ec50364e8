//! Which files have to be resolved again when some have changed: those that mention a name which may mean something else
//! now. What files mention is compared by hash, so that a chance equality costs work and never an edge.
//!
//! A name is touched when the symbols that it names in changed files differ; from there it spreads to whatever is written
//! in terms of it anywhere: types of symbols, imports, supertypes, members of types. Every step of a resolution goes from a name
//! that the file mentions along such texts, so a file that mentions no touched name is resolved as before.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use kotadb_core::facts::{Facts, Symbol};
use kotadb_core::text::Language;

use super::collect::STAR;
use super::definitions::{Definitions, NONE};
use super::family::Family;
use super::impls::TARGET;
use super::manifests;
use super::words::{self, Word};

/// A file that is not what it was.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its path.
    pub path: Box<str>,
    /// Whether it was there, and is there now.
    pub existed: (bool, bool),
    /// Its facts before.
    pub before: Option<Facts>,
    /// Its facts now.
    pub after: Option<Facts>,
}

impl Change {
    /// Whether anything that is resolved may be otherwise by it. A text may differ and say the same by itself, places included.
    pub fn matters(&self) -> bool {
        self.existed != (true, true) || self.before != self.after || manifests::is_manifest(&self.path)
    }
}

/// What imports of the package round a file mention, which has no name there.
const ROUND: &str = "__init__";

/// Methods that an instance has which can be called.
const CALLED: &str = "__call__ __invoke operator";
/// Methods that say what the elements of an instance are.
const INDEXED: &str = "__getitem__ __iter__ operator offsetGet";
/// What makes an instance.
const MADE: &str = "constructor";

/// Half the hashes of names: of a large snapshot there are many millions.
#[derive(Debug, Default)]
pub struct Halves(Vec<u32>);

impl Halves {
    /// Makes room for what so many strings mention.
    pub fn with_capacity(n_strings: usize) -> Self {
        Self(Vec::with_capacity(n_strings * 2))
    }

    /// Adds what a string mentions, be it a receiver or the module of an import; nobody knows which.
    pub fn add(&mut self, text: &str) {
        self.names(text);
        self.unwritten(text);
        self.round(text);
    }

    /// All of them, ascending, each once.
    pub fn finish(mut self) -> Box<[u32]> {
        self.0.sort_unstable();
        self.0.dedup();
        self.0.into_boxed_slice()
    }

    fn names(&mut self, text: &str) {
        // Most texts are, and there are millions.
        if text.is_ascii() {
            let words = text.as_bytes().split(|sign| !is_ascii_sign(*sign)).filter(|word| !word.is_empty());
            self.0.extend(words.map(half));
        } else {
            self.0.extend(names(text).map(|name| half(name.as_bytes())));
        }
    }

    /// Calls of instances and what constructors hand on are looked for by names that are not written.
    fn unwritten(&mut self, receiver: &str) {
        // Most have neither, and there are millions.
        if memchr::memchr2(b'(', b'[', receiver.as_bytes()).is_none() {
            return;
        }
        let is_called = receiver.contains("()").then_some(CALLED);
        let is_indexed = receiver.contains("[]").then_some(INDEXED);
        let is_made = (receiver.contains("(0.") || receiver.contains("(1.")).then_some(MADE);
        [is_called, is_indexed, is_made].into_iter().flatten().for_each(|text| self.names(text));
    }

    fn round(&mut self, module: &str) {
        if module.ends_with('.') {
            self.names(ROUND);
        }
    }
}

/// Half the hashes of the names that a file mentions, ascending.
pub fn mentions(facts: &Facts) -> Box<[u32]> {
    let mut all = Halves::default();
    for one in &facts.references {
        all.names(&one.name);
        if let Some(receiver) = &one.receiver {
            all.names(receiver);
            all.unwritten(receiver);
        }
    }
    for one in &facts.symbols {
        all.names(&one.name);
        [&one.of_type, &one.qualifier, &one.interface].into_iter().flatten().for_each(|text| all.names(text));
    }
    for one in &facts.imports {
        all.names(&one.module);
        all.round(&one.module);
        [&one.name, &one.alias].into_iter().flatten().for_each(|text| all.names(text));
    }
    for one in &facts.supertypes {
        all.names(&one.name);
        all.names(&one.supertype);
    }
    facts.package.iter().for_each(|text| all.names(text));
    all.finish()
}

fn half(name: &[u8]) -> u32 {
    (words::hash(name) >> 32) as u32
}

/// The names in a text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '$' | '*');
    text.split(move |sign| !is_name(sign)).filter(|word| !word.is_empty())
}

/// Whether a sign is one of a name; as [`names`] has it.
fn is_ascii_sign(sign: u8) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'$' | b'*')
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Names that changes touch.
#[derive(Debug, Default)]
pub struct Touched {
    names: HashSet<Box<str>>,
    /// Half of each of their hashes.
    halves: HashSet<u32>,
    /// Everything may be different: a manifest has changed.
    pub everything: bool,
}

impl Touched {
    /// By these changes, spread over the definitions of the snapshot as it is now.
    pub fn new<'c>(changes: impl Iterator<Item = &'c Change>, all: &Definitions) -> Self {
        let mut touched = Self::default();
        changes.for_each(|change| touched.add(change));
        while !touched.everything && touched.spread(all) {}
        touched.halves = touched.names.iter().map(|name| half(name.as_bytes())).collect();
        touched
    }

    /// The names themselves.
    pub fn names(&self) -> Vec<&str> {
        self.names.iter().map(|name| &**name).collect()
    }

    /// Whether a file that mentions these names has to be resolved again.
    pub fn any(&self, mentions: &[u32]) -> bool {
        self.everything || (!self.halves.is_empty() && mentions.iter().any(|name| self.halves.contains(name)))
    }

    fn add(&mut self, change: &Change) {
        self.everything |=
            manifests::is_manifest(&change.path) || change.path.ends_with("lib.rs") && change.existed != (true, true);
        let none = Facts::default();
        let (before, after) = (change.before.as_ref().unwrap_or(&none), change.after.as_ref().unwrap_or(&none));
        if change.existed != (true, true) {
            self.take(&change.path);
            if change.path.contains("__init__.py") {
                self.take(ROUND);
            }
        }
        self.add_symbols(change, before, after);
        let imports = differing(&import_rows(before), &import_rows(after));
        if imports.contains("*") {
            self.take(&change.path);
        }
        imports.into_iter().filter(|name| *name != "*").for_each(|name| self.take(name));
        differing(&supertype_rows(before), &supertype_rows(after)).into_iter().for_each(|name| self.take(name));
        if before.package != after.package {
            before.symbols.iter().chain(&after.symbols).for_each(|symbol| self.take(&symbol.name));
            [&before.package, &after.package].into_iter().flatten().for_each(|text| self.take(text));
        }
    }

    fn add_symbols(&mut self, change: &Change, before: &Facts, after: &Facts) {
        let differing = differing(&symbol_rows(before), &symbol_rows(after));
        if differing.is_empty() {
            return;
        }
        // What has no name of its own is known by the others of its file, but in C and C++, where everything has one.
        if Language::of_path(change.path.as_bytes()).map(Family::of) != Some(Family::C) {
            self.take("default");
        }
        // Interfaces of Go are known by their methods; and a type of which there are pieces is told of by the first.
        let is_go = Language::of_path(change.path.as_bytes()).map(Family::of) == Some(Family::Go);
        for facts in [before, after] {
            members_of(facts, &differing).for_each(|name| self.take(name));
            let changed = facts.symbols.iter().filter(|symbol| is_go && differing.contains(&*symbol.name));
            changed.filter_map(|symbol| symbol.qualifier.as_deref()).for_each(|owner| self.take(owner));
        }
        // What a type stands for says what its members are, and is named by none who uses them.
        let targets = [before, after].into_iter().flat_map(|facts| &facts.symbols).filter(|one| &*one.name == TARGET);
        if differing.contains(TARGET) {
            targets.filter_map(|one| one.qualifier.as_deref()).for_each(|of| self.take(of));
        }
        differing.into_iter().for_each(|name| self.take(name));
    }

    /// Touches the names in a text.
    fn take(&mut self, text: &str) {
        self.names.extend(names(text).map(Box::from));
    }

    /// One step further; whether there was one.
    fn spread(&mut self, all: &Definitions) -> bool {
        let mut known = vec![None; all.words.len()];
        let mut touches = |word: Word| {
            let Some(slot) = known.get_mut(word.0 as usize) else { return false };
            *slot.get_or_insert_with(|| names(all.words.text(word)).any(|name| self.names.contains(name)))
        };
        let mut fresh: Vec<&str> = Vec::new();
        for symbol in all.symbols.iter().filter(|symbol| touches(symbol.of_type)) {
            fresh.push(all.words.text(symbol.name));
        }
        for &(symbol, qualifier, _) in &all.qualifiers {
            if touches(qualifier) {
                fresh.push(all.name(symbol));
            }
            if all.name(symbol) == TARGET && touches(all.symbol(symbol).of_type) {
                fresh.push(all.words.text(qualifier));
            }
        }
        for (number, import) in (0..).zip(&all.imports) {
            if !touches(import.module) && (import.name == STAR || !touches(import.name)) {
                continue;
            }
            fresh.push(match import.local {
                Word::NONE | STAR => {
                    let file = all.files.partition_point(|file| file.first_import <= number) - 1;
                    all.paths.path(file as u32)
                }
                local => all.words.text(local),
            });
        }
        for entry in all.supertypes.iter().filter(|entry| touches(entry.supertype)) {
            fresh.push(all.words.text(entry.name));
            if entry.of != NONE {
                fresh.push(all.name(entry.of));
            }
        }
        let before = self.names.len();
        fresh.into_iter().for_each(|text| self.take(text));
        self.names.len() > before
    }
}

/// Rows by the name that they are of.
type Rows<'f> = HashMap<&'f str, Vec<u64>>;

fn symbol_rows(facts: &Facts) -> Rows<'_> {
    let mut rows = Rows::new();
    for (at, symbol) in facts.symbols.iter().enumerate() {
        let Symbol { kind, flags, arity, of_type, interface, qualifier, .. } = symbol;
        let row = hash((facts.qualified(at), kind, flags, arity.least, arity.most, of_type, interface, qualifier));
        rows.entry(&symbol.name).or_default().push(row);
    }
    rows
}

fn import_rows(facts: &Facts) -> Rows<'_> {
    let mut rows = Rows::new();
    for import in &facts.imports {
        let local = import.alias.as_deref().or(import.name.as_deref()).unwrap_or("*");
        let row = hash((&import.module, &import.name, &import.alias, import.reexported));
        rows.entry(local).or_default().push(row);
        if import.name.is_none() {
            names(&import.module).for_each(|name| rows.entry(name).or_default().push(row));
        }
    }
    rows
}

fn supertype_rows(facts: &Facts) -> Rows<'_> {
    let mut rows = Rows::new();
    for one in &facts.supertypes {
        let of = one.of.and_then(|of| facts.symbols.get(of as usize)).map_or(&*one.name, |symbol| &*symbol.name);
        rows.entry(of).or_default().push(hash((&one.supertype, one.relation)));
    }
    rows
}

/// Names whose rows differ, or come in another order.
fn differing<'f>(before: &Rows<'f>, after: &Rows<'f>) -> HashSet<&'f str> {
    before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name)).copied().collect()
}

/// Names of all members of the types that members with these names are in.
fn members_of<'f>(facts: &'f Facts, of: &HashSet<&str>) -> impl Iterator<Item = &'f str> {
    let owner = |symbol: &Symbol| (symbol.container, symbol.qualifier.clone());
    let changed: HashSet<_> = facts
        .symbols
        .iter()
        .filter(|symbol| of.contains(&*symbol.name))
        .map(owner)
        .filter(|owner| *owner != (None, None))
        .collect();
    facts.symbols.iter().filter(move |symbol| changed.contains(&owner(symbol))).map(|symbol| &*symbol.name)
}
