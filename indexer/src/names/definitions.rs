//! Every symbol of a snapshot in few bytes, found by name and scope.

use std::collections::HashMap;
use std::ops::Range;

use kotadb_core::facts::{Arity, Flags, SymbolKind};

use super::family::Family;
use super::paths::Paths;
use super::words::{Word, Words};

/// No symbol.
pub const NONE: u32 = u32::MAX;

/// A symbol of the snapshot; its number counts all symbols, file after file.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name.
    pub name: Word,
    /// The symbol round it, by number, or [`NONE`].
    pub container: u32,
    /// Where it is found by its name.
    pub scope: Scope,
    /// Its type, as [`kotadb_core::facts::Symbol::of_type`] has it.
    pub of_type: Word,
    /// What it is.
    pub kind: SymbolKind,
    /// What it takes.
    pub arity: Arity,
    /// More about it.
    pub flags: Flags,
}

/// Where a name is found: in a symbol (a type, an inline module, a function), a file or a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(u32);

const SCOPE_BITS: u32 = 30;
/// Symbols between milestones: their table stays in a processor's cache, and few files lie between two.
const MILE: usize = 64;

impl Scope {
    /// Found nowhere: the type that it belongs to is not known.
    pub const NOWHERE: Self = Self(u32::MAX);

    /// In a symbol.
    pub fn symbol(symbol: u32) -> Self {
        Self(symbol)
    }

    /// At the top of a file.
    pub fn file(file: u32) -> Self {
        Self(1 << SCOPE_BITS | file)
    }

    /// At the top of all files of a package.
    pub fn package(package: Word) -> Self {
        Self(2 << SCOPE_BITS | package.0)
    }

    /// The symbol, if it is one.
    pub fn as_symbol(self) -> Option<u32> {
        (self.0 >> SCOPE_BITS == 0).then_some(self.0)
    }

    /// Whether it is the top of a file or package.
    pub fn is_top(self) -> bool {
        matches!(self.0 >> SCOPE_BITS, 1 | 2)
    }
}

/// A file of the snapshot.
#[derive(Clone, Copy, Debug)]
pub struct FileEntry {
    /// Its languages.
    pub family: Family,
    /// The package that it declares, with its family's mark; [`Word::NONE`] where the family has none.
    pub package: Word,
    /// Number of its first symbol.
    pub first_symbol: u32,
    /// Number of its first import.
    pub first_import: u32,
}

/// An import of a file.
#[derive(Clone, Copy, Debug)]
pub struct ImportEntry {
    /// Where from, as written.
    pub module: Word,
    /// The name there; [`Word::NONE`]: the module itself.
    pub name: Word,
    /// What it is called in the file; [`Word::NONE`]: nothing, or all names of the module.
    pub local: Word,
    /// The symbol round it, or [`NONE`].
    pub container: u32,
    /// Others get it from here.
    pub reexported: bool,
}

/// A type above another, as a file tells it.
#[derive(Clone, Copy, Debug)]
pub struct SupertypeEntry {
    /// The file that says so.
    pub file: u32,
    /// Which of its supertypes.
    pub nth: u32,
    /// The type below, by number, or [`NONE`].
    pub of: u32,
    /// Its name, as written.
    pub name: Word,
    /// The type above, as written.
    pub supertype: Word,
}

/// All of a snapshot that resolution needs to keep.
#[derive(Debug, Default)]
pub struct Definitions {
    /// Texts.
    pub words: Words,
    /// Paths.
    pub paths: Paths,
    /// Files, by number.
    pub files: Vec<FileEntry>,
    /// Symbols, by number.
    pub symbols: Vec<Definition>,
    /// Imports, file after file.
    pub imports: Vec<ImportEntry>,
    /// Symbols with the type that they belong to and the interface that they are written for, as written.
    pub qualifiers: Vec<(u32, Word, Word)>,
    /// Who stands below whom.
    pub supertypes: Vec<SupertypeEntry>,
    /// What is written in several pieces: from each further piece to the first.
    pub pieces: HashMap<u32, u32>,
    /// Symbols by name and scope, and beside each its scope: looked through far more often than they are read.
    order: Vec<u32>,
    scopes: Vec<Scope>,
    starts: Vec<u32>,
    /// The file of every so many-th symbol, once all are sorted.
    milestones: Vec<u32>,
}

impl Definitions {
    /// Nothing but these texts and paths.
    pub fn new(words: Words, paths: Paths) -> Self {
        Self { words, paths, ..Self::default() }
    }

    /// Sorts the symbols by name and scope; there are so many words.
    pub fn sort(&mut self, n_words: usize) {
        let mut starts = vec![0u32; n_words + 1];
        let named = |symbol: &&Definition| symbol.name != Word::NONE;
        self.symbols.iter().filter(named).for_each(|symbol| starts[symbol.name.0 as usize + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        let mut next = starts.clone();
        let mut keys = vec![0u64; starts.last().map_or(0, |&n| n as usize)];
        for (number, symbol) in (0u64..).zip(&self.symbols).filter(|(_, symbol)| symbol.name != Word::NONE) {
            let slot = &mut next[symbol.name.0 as usize];
            keys[*slot as usize] = u64::from(symbol.scope.0) << u32::BITS | number;
            *slot += 1;
        }
        for bounds in starts.windows(2).filter(|bounds| bounds[1] - bounds[0] > 1) {
            keys[bounds[0] as usize..bounds[1] as usize].sort_unstable();
        }
        self.order = keys.iter().map(|key| *key as u32).collect();
        self.scopes = keys.iter().map(|key| Scope((key >> u32::BITS) as u32)).collect();
        self.starts = starts;
        let milestones = (0..self.symbols.len() as u32).step_by(MILE);
        self.milestones = milestones.map(|symbol| self.file_of(symbol)).collect();
    }

    /// Sorts the symbols of these names once more, after their scopes have changed.
    pub fn sort_named(&mut self, mut names: Vec<Word>) {
        let Self { symbols, order, scopes, starts, .. } = self;
        names.sort_unstable();
        names.dedup();
        for name in names.into_iter().filter(|name| *name != Word::NONE) {
            let bounds = starts[name.0 as usize] as usize..starts[name.0 as usize + 1] as usize;
            order[bounds.clone()].sort_unstable_by_key(|&symbol| (symbols[symbol as usize].scope, symbol));
            let ordered = order[bounds.clone()].iter().map(|symbol| symbols[*symbol as usize].scope);
            scopes[bounds].iter_mut().zip(ordered).for_each(|(slot, scope)| *slot = scope);
        }
    }

    /// All symbols of a name, by scope.
    pub fn named(&self, name: Word) -> &[u32] {
        &self.order[self.bounds(name)]
    }

    /// Symbols of a name in a scope, by number.
    pub fn within(&self, scope: Scope, name: Word) -> &[u32] {
        let bounds = self.bounds(name);
        let scopes = &self.scopes[bounds.clone()];
        let start = scopes.partition_point(|other| *other < scope);
        let n = scopes[start..].partition_point(|other| *other == scope);
        &self.order[bounds][start..start + n]
    }

    /// Symbols of a name at the top of files and packages.
    pub fn at_top(&self, name: Word) -> &[u32] {
        let bounds = self.bounds(name);
        let is_inner = |scope: &Scope| scope.as_symbol().is_some();
        let start = self.scopes[bounds.clone()].partition_point(is_inner);
        let n = self.scopes[bounds.clone()][start..].partition_point(|scope| scope.is_top());
        &self.order[bounds][start..start + n]
    }

    fn bounds(&self, name: Word) -> Range<usize> {
        let at = name.0 as usize;
        let bounds = self.starts.get(at).zip(self.starts.get(at.wrapping_add(1)));
        bounds.map_or(0..0, |(start, end)| *start as usize..*end as usize)
    }

    /// A symbol.
    pub fn symbol(&self, symbol: u32) -> &Definition {
        &self.symbols[symbol as usize]
    }

    /// The symbol that stands for all pieces of the same thing; the others have no members.
    pub fn whole(&self, symbol: u32) -> u32 {
        self.pieces.get(&symbol).copied().unwrap_or(symbol)
    }

    /// The name of a symbol.
    pub fn name(&self, symbol: u32) -> &str {
        self.words.text(self.symbol(symbol).name)
    }

    /// The file that a symbol is in.
    pub fn file_of(&self, symbol: u32) -> u32 {
        let mile = symbol as usize / MILE;
        let known = self.milestones.get(mile).zip(self.milestones.get(mile + 1));
        let (first, end) = known.map_or((0, self.files.len()), |(first, last)| (*first as usize, *last as usize + 1));
        (first + self.files[first..end].partition_point(|file| file.first_symbol <= symbol)) as u32 - 1
    }

    /// Numbers of the symbols of a file.
    pub fn symbols_of(&self, file: u32) -> Range<u32> {
        let end = self.files.get(file as usize + 1).map_or(self.symbols.len() as u32, |next| next.first_symbol);
        self.files[file as usize].first_symbol..end
    }

    /// Numbers of the imports of a file.
    pub fn imports_of(&self, file: u32) -> Range<u32> {
        let end = self.files.get(file as usize + 1).map_or(self.imports.len() as u32, |next| next.first_import);
        self.files[file as usize].first_import..end
    }

    /// The family of the file that a symbol is in.
    pub fn family_of(&self, symbol: u32) -> Family {
        self.files[self.file_of(symbol) as usize].family
    }

    /// The symbol and those round it, the innermost first.
    pub fn chain(&self, symbol: u32) -> impl Iterator<Item = u32> {
        let some = |symbol: u32| (symbol != NONE).then_some(symbol);
        std::iter::successors(some(symbol), move |&symbol| some(self.symbol(symbol).container))
    }

    /// The type that a symbol is or stands in.
    pub fn type_round(&self, symbol: u32) -> Option<u32> {
        self.chain(symbol).find_map(|one| if self.symbol(one).kind.is_type() { Some(one) } else { self.owner(one) })
    }

    /// Whether names at a symbol mean what they mean at the top of its file.
    pub fn symbol_scope_is_top(&self, symbol: u32) -> bool {
        symbol == NONE || self.symbol(symbol).scope.is_top()
    }

    /// The type that a symbol is a member of, or that it is itself round others.
    pub fn owner(&self, symbol: u32) -> Option<u32> {
        let owner = self.symbol(symbol).scope.as_symbol()?;
        self.symbol(owner).kind.is_type().then_some(owner)
    }
}
