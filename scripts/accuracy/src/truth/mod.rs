//! What compilers say of a repository: what is defined where, and what each name means. Who told it is `scip`'s and `lines`'
//! business; whether ours agrees, that of the modules that measure.

mod lines;
mod scip;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::sites::{self, Site};
use crate::tree::{Place, Tree};

/// What stands where a call names nothing: of `super(…)` and `a == b` nobody looks for the name.
const NAMELESS: [&str; 4] = ["", "super", "this", "base"];

/// All that is true of a tree.
#[derive(Debug, Default)]
pub struct Truth {
    /// Definitions by place, those that are left out included.
    pub definitions: BTreeMap<Place, Definition>,
    /// Calls, by place.
    pub sites: Vec<Site>,
    /// Files of which the truth knows anything.
    pub files: HashSet<u32>,
    /// What names mean that define nothing, by place: numbers of symbols.
    pub uses: BTreeMap<Place, Vec<u32>>,
    /// Symbols, by number.
    pub symbols: Vec<Symbol>,
    /// Calls that name nothing which others could look for.
    pub n_nameless: usize,
    numbers: HashMap<String, u32>,
    /// Uses that the compiler itself calls calls.
    told: HashSet<Place>,
}

/// Where something is defined.
#[derive(Debug)]
pub struct Definition {
    /// What it is called.
    pub name: String,
    /// Number of its symbol.
    pub symbol: u32,
    /// Whether ours has to have it.
    pub class: Class,
}

/// Whether a definition is a symbol of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// Ours must have it.
    Wanted,
    /// Ours may have it: it is counted neither way.
    LeftOut(String),
    /// Ours must not have it: a local, a parameter.
    Local(String),
}

/// One thing that has a name.
#[derive(Debug, Default)]
pub struct Symbol {
    /// What the truth calls it.
    pub name: String,
    /// Where it is defined; nothing: outside of the repository.
    pub homes: Vec<Place>,
    /// Symbols that are as right: the method of a trait, and those of its impls.
    pub same: Vec<u32>,
}

impl Truth {
    /// Reads the truth of a tree: an SCIP index, or lines of facts.
    pub fn read(path: &Path, tree: &Tree, language: &str) -> anyhow::Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut truth = Self::default();
        match language {
            "rust" | "typescript" | "javascript" | "python" => scip::read(&bytes, tree, language, &mut truth),
            _ => lines::read(&bytes, tree, &mut truth),
        }
        .with_context(|| format!("`{}` is no truth", path.display()))?;
        truth.finish(tree, language);
        Ok(truth)
    }

    /// The number of a symbol.
    fn symbol(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.symbols.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.symbols.push(Symbol { name: name.to_owned(), ..Symbol::default() });
        number
    }

    fn define(&mut self, place: Place, name: String, symbol: &str, class: Class) {
        let number = self.symbol(symbol);
        self.files.insert(place.file);
        let homes = &mut self.symbols[number as usize].homes;
        if !homes.contains(&place) {
            homes.push(place);
        }
        // A name may define two things, as a field of Rust's short form does: what is wanted counts.
        let known = self.definitions.get(&place).is_some_and(|known| known.class == Class::Wanted);
        if !known {
            self.definitions.insert(place, Definition { name, symbol: number, class });
        }
    }

    fn use_of(&mut self, place: Place, symbol: &str) {
        let number = self.symbol(symbol);
        self.files.insert(place.file);
        let meanings = self.uses.entry(place).or_default();
        if !meanings.contains(&number) {
            meanings.push(number);
        }
    }

    fn finish(&mut self, tree: &Tree, language: &str) {
        self.uses.retain(|place, _| !self.definitions.contains_key(place));
        let is_nameless = |place: &Place| NAMELESS.contains(&tree.word(*place));
        self.n_nameless = self.told.iter().filter(|place| is_nameless(place)).count();
        self.uses.retain(|place, _| !is_nameless(place));
        // A local that nothing defines: an import that could not be followed. Of such names the truth knows nothing.
        let is_lost = |symbol: &u32| {
            let symbol = &self.symbols[*symbol as usize];
            symbol.homes.is_empty() && symbol.name.contains(" local ")
        };
        self.uses.retain(|_, meanings| !meanings.iter().all(is_lost));
        let is_told = !self.told.is_empty();
        let form = |(&place, meanings): (&Place, &Vec<u32>)| {
            let called = if is_told { self.told.contains(&place) } else { self.can_be_called(meanings, language) };
            let form = called.then(|| sites::form(tree, place, language, is_told)).flatten()?;
            Some(Site { place, form, meanings: meanings.clone() })
        };
        self.sites = self.uses.iter().filter_map(form).collect();
    }

    /// A name before `(` may also take apart what it names: a pattern of Rust. Only what is a function is called for sure.
    fn can_be_called(&self, meanings: &[u32], language: &str) -> bool {
        let name = |symbol: &u32| self.symbols[*symbol as usize].name.as_str();
        language != "rust" || meanings.iter().map(name).any(|name| name.ends_with(").") || name.ends_with('!'))
    }

    /// Whether one of these symbols is a symbol of this repository that ours has to have.
    pub fn is_inside(&self, meanings: &[u32]) -> bool {
        let wanted = |place: &Place| self.definitions.get(place).is_some_and(|found| found.class == Class::Wanted);
        meanings.iter().any(|&symbol| self.symbols[symbol as usize].homes.iter().any(wanted))
    }

    /// Whether a name means something that the truth defines nowhere in this repository, as scip-python takes
    /// `self.map = map` for the built-in function and `self.end = end` for a string in `__slots__`.
    pub fn is_homeless(&self, place: Place) -> bool {
        let homes = |symbol: &u32| &self.symbols[*symbol as usize].homes;
        self.uses.get(&place).is_some_and(|meanings| meanings.iter().all(|symbol| homes(symbol).is_empty()))
    }

    /// Where all that these symbols mean, or what is as right, is defined.
    pub fn homes(&self, meanings: &[u32]) -> impl Iterator<Item = Place> {
        let all = meanings.iter().flat_map(|&symbol| {
            let same = self.symbols[symbol as usize].same.iter().copied();
            std::iter::once(symbol).chain(same)
        });
        all.flat_map(|symbol| self.symbols[symbol as usize].homes.iter().copied())
    }
}
