//! What is asked and answered about symbols.

use crate::facts::SymbolKind;
use crate::id::{ObjectId, RepositoryId, TenantId};
use crate::query::Query;
use crate::search::answer::SearchStats;
use crate::search::request::Visible;
use crate::segment::{Class, NameRow};
use crate::text::Language;

/// Which symbols are looked for.
#[derive(Clone, Debug)]
pub struct SymbolRequest {
    /// Whose index.
    pub tenant: TenantId,
    /// Repositories the asker may see; others are as if they did not exist.
    pub visible: Vec<Visible>,
    /// A name, the beginning or a part of one, or a qualified one: `Pool.acquire`, `Pool::acquire`.
    pub name: String,
    /// Whether the whole name has to be it, in the same case.
    pub exact: bool,
    /// Kinds that are wanted; none: all of them.
    pub kinds: Vec<SymbolKind>,
    /// Where: what of a query needs no text.
    pub filter: Query,
    /// Most symbols.
    pub limit: usize,
    /// A root version that the answer must not be older than.
    pub min_version: Option<u64>,
}

impl SymbolRequest {
    /// The first 20 symbols of a name, anywhere.
    pub fn new(tenant: TenantId, visible: Vec<Visible>, name: &str) -> Self {
        let (name, kinds, filter) = (name.to_owned(), Vec::new(), Query::everything());
        Self { tenant, visible, name, exact: false, kinds, filter, limit: 20, min_version: None }
    }
}

/// Symbols that were found.
#[derive(Clone, Debug)]
pub struct SymbolAnswer {
    /// The best first.
    pub symbols: Vec<SymbolHit>,
    /// Symbols in generated and vendored files that are not shown, as far as they were met.
    pub hidden: u64,
    /// Whether these are all that have the name, or begin with it.
    pub complete: bool,
    /// Whether symbols of some of the files are still to come: another version of the indexer saw them.
    pub pending: bool,
    /// Refs that were looked at.
    pub n_refs: u64,
    /// The root that was asked.
    pub root_version: u64,
    /// What it took.
    pub stats: SearchStats,
}

/// A symbol in one file of one or more refs.
#[derive(Clone, Debug)]
pub struct SymbolHit {
    /// Its repository.
    pub repository: RepositoryId,
    /// `owner/name`.
    pub repository_name: String,
    /// Refs that have it, in full.
    pub refs: Vec<String>,
    /// The commit of the first of them.
    pub commit: ObjectId,
    /// Path in the commit.
    pub path: Vec<u8>,
    /// Class of the file.
    pub class: Class,
    /// Language of the file.
    pub language: Language,
    /// The symbol; documents and numbers are those of the segment.
    pub row: NameRow,
    /// How its name matches.
    pub matched: NameMatch,
    /// The higher, the better.
    pub score: u32,
}

impl SymbolHit {
    /// Its stable id: `src/db/pool.rs#Pool.acquire`, `~2` behind the second of that name in the file, and so on.
    pub fn id(&self) -> String {
        symbol_id(&self.path, &self.row)
    }
}

/// The stable id of a symbol in the file at `path`, as in [`SymbolHit::id`].
pub fn symbol_id(path: &[u8], row: &NameRow) -> String {
    let ordinal = if row.ordinal == 0 { String::new() } else { format!("~{}", row.ordinal + 1) };
    format!("{}#{}{ordinal}", String::from_utf8_lossy(path), row.qualified())
}

/// How a name matches what is looked for, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameMatch {
    /// It is the same.
    Exact,
    /// It is the same but for the case of letters.
    Folded,
    /// It begins with it.
    Prefix,
    /// Parts of it are it, or begin with it: `index` in `applyIndexOperation`.
    Word,
    /// It is in it somewhere.
    Part,
}

impl NameMatch {
    /// As answers write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Folded => "case",
            Self::Prefix => "prefix",
            Self::Word => "word",
            Self::Part => "part",
        }
    }
}
