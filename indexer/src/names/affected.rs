//! Which files have to be resolved again when some have changed: those that mention a name which may mean something else
//! now. Names are compared by hash, so that a chance equality costs work and never an edge.
//!
//! A name is touched when the symbols that it names in changed files differ; from there it spreads to whatever is written
//! in terms of it anywhere: types of symbols, imports, supertypes, members of types. Every step of a resolution goes from a name
//! that the file mentions along such texts, so a file that mentions no touched name is resolved as before.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use kotadb_core::facts::{Facts, Symbol};

use super::collect::STAR;
use super::definitions::{Definitions, NONE};
use super::manifests;
use super::words::Word;

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

/// Half the hashes of the names that a file mentions, ascending: of a large snapshot there are many millions.
pub fn mentions(facts: &Facts) -> Box<[u32]> {
    let mut all: Vec<u32> = Vec::new();
    let mut add = |text: &str| all.extend(names(text).map(half));
    for one in &facts.references {
        add(&one.name);
        one.receiver.iter().for_each(|text| add(text));
        // Calls of instances and what constructors hand on are looked for by names that are not written.
        let text = one.receiver.as_deref().unwrap_or_default();
        if text.contains("()") {
            add(CALLED);
        }
        if text.contains("[]") {
            add(INDEXED);
        }
        if text.contains("(0.") || text.contains("(1.") {
            add(MADE);
        }
    }
    for one in &facts.symbols {
        add(&one.name);
        [&one.of_type, &one.qualifier, &one.interface].into_iter().flatten().for_each(|text| add(text));
    }
    for one in &facts.imports {
        add(&one.module);
        if one.module.ends_with('.') {
            add(ROUND);
        }
        [&one.name, &one.alias].into_iter().flatten().for_each(|text| add(text));
    }
    for one in &facts.supertypes {
        add(&one.name);
        add(&one.supertype);
    }
    facts.package.iter().for_each(|text| add(text));
    all.sort_unstable();
    all.dedup();
    all.into_boxed_slice()
}

fn half(hash: u64) -> u32 {
    hash as u32
}

/// The names in a text, as hashes.
fn names(text: &str) -> impl Iterator<Item = u64> {
    let is_name = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '$' | '*');
    text.split(move |sign| !is_name(sign)).filter(|word| !word.is_empty()).map(hash)
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Names that changes touch.
#[derive(Debug, Default)]
pub struct Touched {
    names: HashSet<u64>,
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
        touched.halves = touched.names.iter().map(|name| half(*name)).collect();
        touched
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
            self.names.extend(names(&change.path));
            self.names.extend(change.path.contains("__init__.py").then(|| hash(ROUND)));
        }
        let differing = differing(&symbol_rows(before), &symbol_rows(after));
        if !differing.is_empty() {
            // What has no name of its own is known by the others of its file; interfaces of Go by their methods.
            self.names.insert(hash("default"));
            let members = [before, after].into_iter().flat_map(|facts| members_of(facts, &differing));
            self.names.extend(members);
        }
        self.names.extend(differing);
        let imports = self::differing(&import_rows(before), &import_rows(after));
        if imports.contains(&hash("*")) {
            self.names.extend(names(&change.path));
        }
        self.names.extend(imports.into_iter().filter(|name| *name != hash("*")));
        self.names.extend(self::differing(&supertype_rows(before), &supertype_rows(after)));
        if before.package != after.package {
            let both = before.symbols.iter().chain(&after.symbols);
            self.names.extend(both.flat_map(|symbol| names(&symbol.name)));
            self.names.extend([&before.package, &after.package].into_iter().flatten().flat_map(|text| names(text)));
        }
    }

    /// One step further; whether there was one.
    fn spread(&mut self, all: &Definitions) -> bool {
        let mut known: HashMap<Word, bool> = HashMap::new();
        let touches = |word: Word, known: &mut HashMap<Word, bool>| {
            word != Word::NONE
                && *known
                    .entry(word)
                    .or_insert_with(|| names(all.words.text(word)).any(|name| self.names.contains(&name)))
        };
        let mut fresh = Vec::new();
        for symbol in all.symbols.iter().filter(|symbol| touches(symbol.of_type, &mut known)) {
            fresh.extend(names(all.words.text(symbol.name)));
        }
        for &(symbol, qualifier, _) in all.qualifiers.iter().filter(|(_, qualifier, _)| touches(*qualifier, &mut known))
        {
            fresh.extend(names(all.words.text(all.symbol(symbol).name)));
            let _ = qualifier;
        }
        for (number, import) in (0..).zip(&all.imports) {
            let is_touched =
                touches(import.module, &mut known) || (import.name != STAR && touches(import.name, &mut known));
            if !is_touched {
                continue;
            }
            match import.local {
                Word::NONE | STAR => {
                    let file = all.files.partition_point(|file| file.first_import <= number) - 1;
                    fresh.extend(names(all.paths.path(file as u32)));
                }
                local => fresh.extend(names(all.words.text(local))),
            }
        }
        for entry in all.supertypes.iter().filter(|entry| touches(entry.supertype, &mut known)) {
            fresh.extend(names(all.words.text(entry.name)));
            if entry.of != NONE {
                fresh.extend(names(all.name(entry.of)));
            }
        }
        let before = self.names.len();
        self.names.extend(fresh);
        self.names.len() > before
    }
}

/// Rows by the hash of the name that they are of.
type Rows = HashMap<u64, Vec<u64>>;

fn symbol_rows(facts: &Facts) -> Rows {
    let mut rows = Rows::new();
    for (at, symbol) in facts.symbols.iter().enumerate() {
        let Symbol { kind, flags, arity, of_type, interface, qualifier, .. } = symbol;
        let row = hash((facts.qualified(at), kind, flags, arity.least, arity.most, of_type, interface, qualifier));
        rows.entry(hash(&*symbol.name)).or_default().push(row);
    }
    rows
}

fn import_rows(facts: &Facts) -> Rows {
    let mut rows = Rows::new();
    for import in &facts.imports {
        let local = import.alias.as_deref().or(import.name.as_deref()).unwrap_or("*");
        let row = hash((&import.module, &import.name, &import.alias, import.reexported));
        rows.entry(hash(local)).or_default().push(row);
        if import.name.is_none() {
            names(&import.module).for_each(|name| rows.entry(name).or_default().push(row));
        }
    }
    rows
}

fn supertype_rows(facts: &Facts) -> Rows {
    let mut rows = Rows::new();
    for one in &facts.supertypes {
        let of = one.of.and_then(|of| facts.symbols.get(of as usize)).map_or(&*one.name, |symbol| &*symbol.name);
        rows.entry(hash(of)).or_default().push(hash((&one.supertype, one.relation)));
    }
    rows
}

/// Names whose rows differ, or come in another order.
fn differing(before: &Rows, after: &Rows) -> HashSet<u64> {
    before.keys().chain(after.keys()).filter(|name| before.get(name) != after.get(name)).copied().collect()
}

/// Names of all members of the types that members with these names are in.
fn members_of(facts: &Facts, of: &HashSet<u64>) -> Vec<u64> {
    let owner = |symbol: &Symbol| (symbol.container, symbol.qualifier.clone());
    let changed: HashSet<_> = facts
        .symbols
        .iter()
        .filter(|symbol| of.contains(&hash(&*symbol.name)))
        .map(owner)
        .filter(|owner| *owner != (None, None))
        .collect();
    facts.symbols.iter().filter(|symbol| changed.contains(&owner(symbol))).map(|symbol| hash(&*symbol.name)).collect()
}
