//! Names of symbols, sorted, so that a look-up reads a block or two: what each is, where it is, and how it is declared. And the
//! parts of names, so that `index` finds `applyIndexOperation`.

mod block;
mod index;
mod merge;
mod rows;
mod sort;
mod table;
mod words;
mod writer;

use super::DocId;
use crate::facts::{Facts, Flags, SymbolKind};

pub use self::merge::merge_names;
pub use self::table::NameBlock;
pub use self::words::WordBlocks;
pub use self::writer::NamesWriter;

pub(super) use self::rows::of_document;
pub(super) use self::sort::NameRuns;
pub(super) use self::table::{Lazy, NamesTable};
pub(super) use self::writer::NameTables;

/// Longest name that can be looked up, in bytes.
pub const MAX_NAME: usize = 1024;

/// A symbol as a look-up by name finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRow {
    /// Its name.
    pub name: Box<str>,
    /// Its document in the segment.
    pub doc: DocId,
    /// Its number in the facts of the document.
    pub symbol: u32,
    /// What it is.
    pub kind: SymbolKind,
    /// More about it.
    pub flags: Flags,
    /// 1-based line of the name.
    pub line: u32,
    /// 1-based column of the name, in code points.
    pub column: u32,
    /// How many symbols of the same qualified name are before it in the document.
    pub ordinal: u32,
    /// Names of what is round it, joined with `.`; empty: nothing is.
    pub container: Box<str>,
    /// How it is declared, on one line, at most 160 characters; empty: its kind has no signature.
    pub signature: Box<str>,
}

impl NameRow {
    /// `Pool.acquire`.
    pub fn qualified(&self) -> String {
        if self.container.is_empty() { self.name.to_string() } else { format!("{}.{}", self.container, self.name) }
    }
}

/// The symbols of a text that is in no segment, as look-ups by name find them; their document is 0. Of facts that cannot be true
/// of the text there are none.
pub fn name_rows(facts: &Facts, content: &[u8]) -> Vec<NameRow> {
    if facts.encode(content).is_err() {
        return Vec::new();
    }
    let rows = of_document(facts, content);
    rows::each(&rows).filter_map(|row| rows::read(row).ok()).collect()
}
