//! Names of symbols: how a query writes them, which name rows they mean, and what a definition is worth. Which documents have
//! such rows is read by `search::definitions`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::suggest;
use super::tree::SymbolPattern;
use crate::facts::{Flags, SymbolKind};
use crate::segment::{DocId, NameRow};
use crate::text;

/// Characters before a `*`, at least: a shorter beginning is that of too many names.
const SHORTEST_BEGINNING: usize = 2;

/// Points for a definition of the very name, and for one whose name begins with it.
const EXACT: i32 = 7000;
const BEGINS: i32 = 4000;
/// Points that a name loses whose letters have another case: mostly it is another name.
const OTHER_CASE: i32 = 2500;

impl SymbolPattern {
    /// Reads a name as people write it: `acquire`, `Pool.acquire`, `Pool::acquire`, `acq*`. An error says what is wrong.
    pub(super) fn read(written: &str) -> Result<Self, &'static str> {
        let name = written.trim().replace("::", ".").replace(['#', '\\'], ".");
        let (name, is_beginning) = match name.strip_suffix('*') {
            // `operator*` is a name, and is found by its beginning.
            Some(beginning) => (beginning.to_owned(), true),
            None => (name, false),
        };
        // `..` and the like are no names with something round them.
        let (container, name) = match name.rsplit_once('.') {
            Some((container, name)) if !name.is_empty() && !container.is_empty() => (container, name),
            _ => ("", name.as_str()),
        };
        if is_beginning && (name.ends_with('.') || name.chars().nth(SHORTEST_BEGINNING - 1).is_none()) {
            return Err("too short a beginning of a name");
        }
        if name.contains(['*', '\0']) {
            return Err("`*` within a name");
        }
        Ok(Self { name: name.to_owned(), container: container.to_owned(), is_beginning, case_insensitive: false })
    }
}

/// A name that is asked for, folded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SymbolName {
    pattern: SymbolPattern,
    folded: String,
    container: String,
}

impl SymbolName {
    pub(super) fn new(pattern: SymbolPattern) -> Self {
        let (folded, container) = (text::folded(&pattern.name), text::folded(&pattern.container));
        Self { pattern, folded, container }
    }

    /// As the sorted names of a segment are looked up.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Whether longer names that begin so are meant, too.
    pub fn is_beginning(&self) -> bool {
        self.pattern.is_beginning
    }

    /// Whether it may be a symbol of that name.
    pub fn is_name(&self, name: &str) -> bool {
        let SymbolPattern { name: wanted, is_beginning, case_insensitive, .. } = &self.pattern;
        match (is_beginning, case_insensitive) {
            (false, false) => name == wanted,
            (true, false) => name.starts_with(wanted.as_str()),
            (false, true) if name.is_ascii() && self.folded.is_ascii() => name.eq_ignore_ascii_case(&self.folded),
            (false, true) => text::folded(name) == self.folded,
            (true, true) => text::folded(name).starts_with(&self.folded),
        }
    }

    /// Whether it is that symbol.
    pub fn is_match(&self, row: &NameRow) -> bool {
        self.is_name(&row.name) && self.is_within(&row.container)
    }

    fn is_within(&self, container: &str) -> bool {
        if self.container.is_empty() {
            return true;
        }
        let container = text::folded(container);
        let rest = container.strip_suffix(&self.container);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// As it was written, without what is round it.
    pub(crate) fn text(&self) -> &str {
        &self.pattern.name
    }

    /// Whether a name is so near that this one may be a slip.
    pub(crate) fn is_near(&self, name: &str) -> bool {
        !suggest::near(&self.folded, std::iter::once(&*text::folded(name))).is_empty()
    }

    /// Of names that are near, the nearest, each once.
    pub(crate) fn nearest<'a>(&self, names: impl Iterator<Item = &'a str>, most: usize) -> Vec<String> {
        let by_folded: BTreeMap<String, &str> = names.map(|name| (text::folded(name), name)).collect();
        let near = suggest::near(&self.folded, by_folded.keys().map(String::as_str));
        near.into_iter().take(most).map(|folded| by_folded[folded].to_owned()).collect()
    }

    /// What a file is worth for such a symbol in it.
    pub(super) fn points(&self, row: &NameRow) -> i32 {
        let whole = row.name.len() == self.pattern.name.len();
        let points = (if whole { EXACT } else { BEGINS }) / 100 * share(row);
        if row.name.starts_with(&self.pattern.name) { points } else { points - OTHER_CASE }
    }
}

/// How likely a symbol is what somebody looks for who writes its name, in hundredths.
fn share(row: &NameRow) -> i32 {
    let of_kind = match row.kind {
        // Some only rename a function.
        SymbolKind::Macro => 85,
        kind if kind.is_type() || kind.is_callable() || kind == SymbolKind::Module => 100,
        SymbolKind::Constant | SymbolKind::Variable => 85,
        SymbolKind::Section => 35,
        _ => 50,
    };
    // It is defined elsewhere.
    if row.flags.has(Flags::DECLARATION) { of_kind / 2 } else { of_kind }
}

/// Whether a file with this symbol is worth looking at before its turn.
pub(crate) fn is_sought(row: &NameRow) -> bool {
    share(row) >= 85
}

/// What the documents of one segment, or of an overlay, define: for each name of a plan the rows, by document.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// By number of the name.
    pub by_name: Vec<Arc<[NameRow]>>,
}

impl Definitions {
    /// Those of one document.
    pub fn of(&self, doc: DocId) -> Defined<'_> {
        Defined { by_name: &self.by_name, doc, is_known: false }
    }
}

/// What one document defines of the names that a plan asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defined<'a> {
    by_name: &'a [Arc<[NameRow]>],
    doc: DocId,
    /// Whether an extractor has seen the document, so that what is not there is known not to be.
    pub is_known: bool,
}

impl<'a> Defined<'a> {
    /// Nothing that is known.
    pub const NOTHING: Self = Self { by_name: &[], doc: 0, is_known: false };

    /// The rows of a name of the plan, in their order in the document.
    pub fn of(self, name: usize) -> &'a [NameRow] {
        let Some(rows) = self.by_name.get(name) else { return &[] };
        let start = rows.partition_point(|row| row.doc < self.doc);
        let len = rows[start..].partition_point(|row| row.doc == self.doc);
        &rows[start..start + len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(qualified: &str, kind: SymbolKind) -> NameRow {
        let (container, name) = qualified.rsplit_once('.').unwrap_or(("", qualified));
        let (name, container, signature) = (name.into(), container.into(), Box::default());
        let flags = Flags::default();
        NameRow { name, doc: 0, symbol: 0, kind, flags, line: 1, column: 1, ordinal: 0, container, signature }
    }

    fn matches(written: &str, case_insensitive: bool, symbol: &str) -> bool {
        let pattern = SymbolPattern::read(written).expect("a name");
        SymbolName::new(SymbolPattern { case_insensitive, ..pattern }).is_match(&row(symbol, SymbolKind::Method))
    }

    #[test]
    fn names_are_whole_or_begin_so() {
        for (written, symbol) in [
            ("acquire", "Pool.acquire"),
            ("acq*", "Pool.acquire"),
            ("Pool.acquire", "db.Pool.acquire"),
            ("pool::acq*", "db.Pool.acquire"),
            ("Pool#acquire", "Pool.acquire"),
            ("operator*", "operator*"),
        ] {
            assert!(matches(written, false, symbol), "{written} of {symbol}");
        }
        for (written, symbol) in [
            ("acquire", "acquired"),
            ("Acquire", "Pool.acquire"),
            ("quire*", "Pool.acquire"),
            ("ool.acquire", "Pool.acquire"),
        ] {
            assert!(!matches(written, false, symbol), "{written} of {symbol}");
        }
        assert!(matches("ACQUIRE", true, "acquire") && matches("ACQ*", true, "acquire"));
        for wrong in ["*", "a*", "a*b", "Pool.*"] {
            assert!(SymbolPattern::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn definitions_of_things_with_a_body_are_worth_most() {
        let name = |written| SymbolName::new(SymbolPattern::read(written).expect("a name"));
        let declared = NameRow { flags: Flags::DECLARATION, ..row("pool", SymbolKind::Function) };
        let ladder = [
            name("po*").points(&row("pool", SymbolKind::Field)),
            name("pool").points(&declared),
            name("po*").points(&row("pool", SymbolKind::Function)),
            name("Pool").points(&row("pool", SymbolKind::Function)),
            name("pool").points(&row("pool", SymbolKind::Function)),
        ];
        assert!(ladder.is_sorted_by(|a, b| a < b), "{ladder:?}");
        assert!(is_sought(&row("pool", SymbolKind::Class)) && !is_sought(&declared));
    }

    #[test]
    fn a_document_has_its_own_rows() {
        let rows = [1, 1, 4].map(|doc| NameRow { doc, ..row("pool", SymbolKind::Class) });
        let definitions = Definitions { by_name: vec![Arc::new(rows)] };
        let n = |doc: DocId, name: usize| definitions.of(doc).of(name).len();
        assert_eq!((n(0, 0), n(1, 0), n(4, 0), n(5, 0), n(1, 1)), (0, 2, 1, 0, 0));
    }
}
