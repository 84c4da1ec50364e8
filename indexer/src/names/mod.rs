//! From names to symbols: what the references of every file of a snapshot lead to. No build of the code, no text of it
//! either: facts, paths and manifests are enough.
//!
//! ```text
//! outline of each file ► collect ─► Definitions (words, symbols, imports)        ┐
//! paths ──────────────► imports (language by language) ◄── manifests            ├─ Names, kept for the run
//! supertypes ─────────► inheritance (who stands above whom)                     ┘
//!
//! facts of each file ─► file: each reference by the rules of tiers, the first that holds
//!                               │ bare name: lexical, imports, package, wildcards      scout
//!                               │ behind a receiver: its value, then its members       evaluate, types, containers
//!                               └ else: those of the same name, ranked                 candidates
//!                              ─► FileEdges
//! ```
//!
//! Both passes go file by file, in parallel and in order, so that memory holds definitions and never all facts. The first
//! one wants no text where names of symbols are listed elsewhere ([`Source::names`]). What comes out depends on the snapshot alone, not on the number of threads. How edges are stored is told by
//! [`kotadb_core::graph`].

mod affected;
mod builtins;
mod calls;
mod candidates;
mod collect;
mod containers;
mod definitions;
mod elements;
mod evaluate;
mod expression;
mod externals;
mod family;
mod file;
mod holders;
mod implicit;
mod impls;
mod imports;
mod inheritance;
mod lexical;
mod manifests;
mod named;
mod overloads;
mod paths;
mod place;
mod record;
mod relations;
mod run;
mod scout;
mod signature;
mod sites;
#[cfg(test)]
mod sketch;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tiers;
mod types;
mod typing;
mod words;

use std::collections::HashMap;

use kotadb_core::facts::{Facts, Outline};
use kotadb_core::text::Language;

use self::definitions::Definitions;
use self::family::Family;
use self::imports::Modules;
use self::inheritance::Lineage;
use self::manifests::Manifests;
use self::place::Place;
use self::words::Word;
use crate::error::IndexError;

pub use self::affected::Change;
pub use self::named::NamedSymbols;
pub use self::run::{Resolution, Resolved, resolve, resolve_changed};

/// Version of the rules: raised with every change of what they find or how sure it is, so that no delta is laid on a graph
/// that earlier ones made.
pub const RULES: u32 = 5;

/// A file of a snapshot.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Its path; bytes that are no UTF-8 replaced.
    pub path: Box<str>,
    /// Its language.
    pub language: Language,
}

/// Whether references of a language are resolved.
pub fn is_resolved(language: Language) -> bool {
    Family::of(language) != Family::Other
}

/// Where facts and texts of a snapshot's files come from. Asked by several threads at a time.
pub trait Source: Sync {
    /// Facts of a file; `None`: its language has none.
    fn facts(&self, file: u32) -> Result<Option<Facts>, IndexError>;

    /// The text of a file, for manifests.
    fn text(&self, file: u32) -> Result<Vec<u8>, IndexError>;

    /// Facts of a file as far as others use them, without names that [`Self::names`] lists. Its texts are all that the
    /// facts mention where [`Self::mentioning`] does not look.
    fn outline(&self, file: u32) -> Result<Option<Outline>, IndexError> {
        Ok(self.facts(file)?.map(|facts| facts.outlined(true)))
    }

    /// Lists of names that outlines lack.
    fn n_names(&self) -> Result<usize, IndexError> {
        Ok(0)
    }

    /// One of them.
    fn names(&self, _nth: usize) -> Result<NamedSymbols, IndexError> {
        Ok(NamedSymbols::default())
    }

    /// Says which files are read next: what is far away comes in one wave.
    fn expect(&self, _files: &[u32]) -> Result<(), IndexError> {
        Ok(())
    }

    /// Files, ascending, among which are all whose texts have one of these words; `None`: any file may.
    fn mentioning(&self, _words: &[&str]) -> Result<Option<Vec<u32>>, IndexError> {
        Ok(None)
    }
}

/// Whether where a symbol begins and ends matters to others, so that its file's outline is all of its facts.
pub fn needs_ranges(language: Language) -> bool {
    Family::of(language) == Family::Rust
}

/// All that is known of a snapshot's names.
#[derive(Debug, Default)]
struct Names {
    all: Definitions,
    manifests: Manifests,
    go_packages: HashMap<Box<str>, Word>,
    /// The place of each import; nothing where each thread finds those that it needs.
    places: Vec<Place>,
    /// The type above of each entry of the definitions' supertypes.
    above_places: Vec<Place>,
    /// What stands above each type.
    above: HashMap<u32, Lineage>,
    /// Interfaces of Go that types implement without a word.
    implicit: HashMap<u32, Vec<u32>>,
}

impl Names {
    /// For looking up modules.
    fn modules(&self) -> Modules<'_> {
        Modules { all: &self.all, manifests: &self.manifests, go_packages: &self.go_packages }
    }
}
