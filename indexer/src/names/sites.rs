//! Which symbol is round each site, for sites in ascending order: one pass instead of a search each.

use kotadb_core::facts::Symbol;

/// Goes through the symbols of a file along with its sites.
#[derive(Debug)]
pub struct Rounds<'f> {
    symbols: &'f [Symbol],
    next: usize,
    open: Vec<usize>,
}

impl<'f> Rounds<'f> {
    /// At the start of a file.
    pub fn new(symbols: &'f [Symbol]) -> Self {
        Self { symbols, next: 0, open: Vec::new() }
    }

    /// The innermost symbol whose range holds an offset that is not before the last one.
    pub fn at(&mut self, offset: u32) -> Option<u32> {
        while self.symbols.get(self.next).is_some_and(|symbol| symbol.range.start <= offset) {
            let start = self.symbols[self.next].range.start;
            self.open.retain(|&open| self.symbols[open].range.holds(start));
            self.open.push(self.next);
            self.next += 1;
        }
        while self.open.last().is_some_and(|&open| !self.symbols[open].range.holds(offset)) {
            self.open.pop();
        }
        self.open.last().map(|&open| open as u32)
    }
}

#[cfg(test)]
mod tests {
    use kotadb_core::facts::{Facts, Span, SymbolKind};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What [`Facts::enclosing`] says of each offset, for symbols that lie in each other or apart.
        #[test]
        fn one_pass_finds_what_a_search_finds(cuts in prop::collection::vec((0u32..200, 1u32..60), 0..20)) {
            let mut spans: Vec<Span> = Vec::new();
            for (start, len) in cuts {
                let span = Span { start, end: start + len };
                let apart = |one: &Span| one.end <= span.start || span.end <= one.start;
                let inside = |one: &Span, other: &Span| one.start <= other.start && other.end <= one.end;
                if spans.iter().all(|one| apart(one) || inside(one, &span) || inside(&span, one)) {
                    spans.push(span);
                }
            }
            spans.sort_by_key(|span| (span.start, u32::MAX - span.end));
            spans.dedup();
            let symbols = spans.into_iter().map(|range| Symbol { range, ..Symbol::new(SymbolKind::Function) }).collect();
            let facts = Facts { symbols, ..Facts::default() };
            let mut rounds = Rounds::new(&facts.symbols);
            for offset in 0..260 {
                prop_assert_eq!(rounds.at(offset), facts.enclosing(offset).map(|at| at as u32), "{}", offset);
            }
        }
    }
}
