//! Floor 1, pure: what the text of one file says by itself about code, without looking at any other file. Who finds it
//! (tree-sitter, in the indexer), who keeps it (`segment`) and what follows from it across files (`graph`) are others' business.
//!
//! ```text
//! Facts ─┬─ symbols      what is defined here: name, kind, container, ranges, flags, arity, type
//!        ├─ references   where names are used: role, receiver, number of arguments
//!        ├─ imports      what names of other files are called here
//!        └─ supertypes   who extends, implements, embeds whom
//! ```
//!
//! No comment and no local variable is a symbol, and a bare name that is bound locally (a parameter, a `let`) is no
//! reference. What is imported or extended stands in those lists alone, and is no reference as well: whoever makes edges of
//! them gives them the roles `Import` and `Inherit`. Offsets are bytes of the original text. How receivers and types are
//! written down is told in [`expression`].

mod codec;
pub mod expression;
mod extractors;
mod import;
pub mod outline;
mod reference;
mod supertype;
mod symbol;

pub use self::codec::FactsError;
pub use self::extractors::extractor_version;
pub use self::import::Import;
pub use self::outline::Outline;
pub use self::reference::{Reference, Role, UNKNOWN_ARITY};
pub use self::supertype::{Relation, Supertype};
pub use self::symbol::{Arity, Flags, Symbol, SymbolKind};

/// A part of a text, in bytes: from `start`, `end` excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Byte after the last one.
    pub end: u32,
}

impl Span {
    /// Whether an offset is in it.
    pub fn holds(self, offset: u32) -> bool {
        self.start <= offset && offset < self.end
    }
}

/// What one text says about code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The package, module or namespace that the file declares to be in, as written: `a.b` (Java), `pool` (Go), `App\Db` (PHP).
    pub package: Option<Box<str>>,
    /// Definitions, by the start of their range, a container before what it contains.
    pub symbols: Vec<Symbol>,
    /// Uses of names, by their start.
    pub references: Vec<Reference>,
    /// Imports, by their start.
    pub imports: Vec<Import>,
    /// Inheritance, by its start.
    pub supertypes: Vec<Supertype>,
    /// Part of the text could not be parsed, or time ran out: facts may be missing.
    pub partial: bool,
}

impl Facts {
    /// Sets the line of every symbol. What extracts calls it once, at its end.
    pub fn number_lines(&mut self, text: &[u8]) {
        let newlines = |part: &[u8]| memchr::memchr_iter(b'\n', part).count() as u32;
        let (mut line, mut at) = (1, 0);
        for symbol in &mut self.symbols {
            let start = (symbol.name_span.start as usize).min(text.len());
            // A name may stand before that of its container: a template, a default export.
            if start >= at {
                line += newlines(&text[at..start])
            } else {
                line -= newlines(&text[start..at])
            }
            (at, symbol.line) = (start, line);
        }
    }

    /// The innermost symbol whose whole range holds an offset.
    pub fn enclosing(&self, offset: u32) -> Option<usize> {
        let before = self.symbols.partition_point(|symbol| symbol.range.start <= offset);
        let mut found = before.checked_sub(1)?;
        while !self.symbols[found].range.holds(offset) {
            found = self.symbols[..found].iter().rposition(|symbol| symbol.range.holds(offset))?;
        }
        Some(found)
    }

    /// Names from the outermost container to the symbol itself: `Pool`, `acquire`. Where a container is written in
    /// another place (`impl Pool`, `func (p *Pool)`, `void Pool::acquire()`), its qualifier comes first.
    pub fn qualified(&self, symbol: usize) -> Vec<&str> {
        let mut names = Vec::new();
        let mut next = Some(symbol);
        while let Some(symbol) = next.and_then(|next| self.symbols.get(next)) {
            names.push(&*symbol.name);
            names.extend(symbol.qualifier.as_deref());
            next = symbol.container.map(|container| container as usize);
        }
        names.reverse();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(name: &str, container: Option<u32>, start: u32, end: u32) -> Symbol {
        let range = Span { start, end };
        Symbol { name: name.into(), container, range, ..Symbol::new(SymbolKind::Function) }
    }

    #[test]
    fn the_innermost_range_encloses() {
        let symbols = vec![
            symbol("a", None, 0, 100),
            symbol("b", Some(0), 10, 50),
            symbol("c", Some(1), 20, 30),
            symbol("d", Some(0), 60, 70),
        ];
        let facts = Facts { symbols, ..Facts::default() };
        let cases =
            [(0, Some(0)), (15, Some(1)), (25, Some(2)), (30, Some(1)), (55, Some(0)), (65, Some(3)), (100, None)];
        for (offset, symbol) in cases {
            assert_eq!(facts.enclosing(offset), symbol, "{offset}");
        }
        assert_eq!(facts.qualified(2), ["a", "b", "c"]);
    }

    #[test]
    fn lines_are_those_of_the_names() {
        let text = b"a\nb c\n\nd";
        let named = |start| Symbol { name_span: Span { start, end: start + 1 }, ..symbol("s", None, 0, 9) };
        let mut facts = Facts { symbols: [0, 7, 2, 4, 99].map(named).into(), ..Facts::default() };
        facts.number_lines(text);
        assert_eq!(facts.symbols.iter().map(|symbol| symbol.line).collect::<Vec<_>>(), [1, 4, 2, 2, 4]);
    }

    #[test]
    fn a_qualifier_stands_before_its_symbol() {
        let mut method = symbol("acquire", None, 0, 9);
        method.qualifier = Some("Pool".into());
        let facts = Facts { symbols: vec![method], ..Facts::default() };
        assert_eq!(facts.qualified(0), ["Pool", "acquire"]);
    }
}
