//! Gathers what rules find, in any order, and puts it into the order that [`Facts`] promises.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use kotadb_core::facts::{Facts, Import, Reference, Relation, Role, Supertype, Symbol, UNKNOWN_ARITY};
use tree_sitter::Node;

/// A symbol that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u32);

/// What was found so far. Containers are found by range when it is finished; where that would be wrong (`self.x = …`
/// in a method belongs to the class), the rules give one by [`Collector::put_into`].
#[derive(Default)]
pub struct Collector {
    facts: Facts,
}

impl Collector {
    /// Adds a symbol. One without a name, as a text that could not be parsed has it, is dropped at the end.
    pub fn symbol(&mut self, symbol: Symbol) -> Ticket {
        self.facts.symbols.push(symbol);
        Ticket(self.facts.symbols.len() as u32 - 1)
    }

    /// A symbol that was added.
    pub fn at(&self, ticket: Ticket) -> &Symbol {
        &self.facts.symbols[ticket.0 as usize]
    }

    /// A symbol that was added, to be completed.
    pub fn symbol_mut(&mut self, ticket: Ticket) -> &mut Symbol {
        &mut self.facts.symbols[ticket.0 as usize]
    }

    /// Takes a symbol away again.
    pub fn remove(&mut self, ticket: Ticket) {
        self.symbol_mut(ticket).name = Box::default();
    }

    /// All symbols so far.
    pub fn symbols_mut(&mut self) -> &mut [Symbol] {
        &mut self.facts.symbols
    }

    /// Says which symbol contains another.
    pub fn put_into(&mut self, inner: Ticket, container: Ticket) {
        self.symbol_mut(inner).container = Some(container.0);
    }

    /// Adds a reference. One without a name is dropped.
    pub fn reference(&mut self, reference: Reference) {
        if !reference.name.is_empty() {
            self.facts.references.push(reference);
        }
    }

    /// Takes away the references in a part of the text, which is read once more.
    pub fn forget(&mut self, part: &Range<usize>) {
        self.facts.references.retain(|reference| !part.contains(&(reference.start as usize)));
    }

    /// Adds a use that is no call.
    pub fn mention(&mut self, name: &str, at: Node<'_>, role: Role, receiver: Option<Box<str>>) {
        self.mention_at(name, at.start_byte(), role, receiver);
    }

    /// The same where no node stands for the name.
    pub fn mention_at(&mut self, name: &str, start: usize, role: Role, receiver: Option<Box<str>>) {
        let start = start as u32;
        self.reference(Reference { name: name.into(), start, role, receiver, n_arguments: UNKNOWN_ARITY });
    }

    /// Adds an import.
    pub fn import(&mut self, import: Import) {
        self.facts.imports.push(import);
    }

    /// All imports so far.
    pub fn imports_mut(&mut self) -> &mut [Import] {
        &mut self.facts.imports
    }

    /// Adds a type above the type `of`, which is called `name`. `None`: the type of that name in this file, if there is one.
    pub fn supertype(&mut self, of: Option<Ticket>, name: &str, supertype: &str, relation: Relation, at: Node<'_>) {
        if supertype.is_empty() {
            return;
        }
        let start = at.start_byte() as u32;
        let of = of.map(|ticket| ticket.0);
        self.facts.supertypes.push(Supertype { of, name: name.into(), supertype: supertype.into(), relation, start });
    }

    /// The package that the file declares to be in.
    pub fn package(&mut self, package: &str) {
        self.facts.package = Some(package.into());
    }

    /// Everything, in order.
    pub fn finish(self, partial: bool) -> Facts {
        let Facts { package, symbols, mut references, mut imports, mut supertypes, .. } = self.facts;
        let (symbols, places) = in_order(symbols);
        let place = |ticket: u32| places[ticket as usize];
        references.sort_by_key(|reference| (reference.start, reference.role));
        references.dedup_by_key(|reference| (reference.start, reference.role));
        imports.sort_by_key(|import| import.start);
        let mut types = HashMap::new();
        for (at, symbol) in (0..).zip(&symbols).filter(|(_, symbol)| symbol.kind.is_type()) {
            types.entry(&*symbol.name).or_insert(at);
        }
        for supertype in &mut supertypes {
            let named = types.get(&*supertype.name).copied();
            supertype.of = supertype.of.map_or(named, place);
        }
        supertypes.sort_by_key(|supertype| supertype.start);
        Facts { package, symbols, references, imports, supertypes, partial }
    }
}

/// Symbols by the start of their range, outer before inner, with their containers; and where each of the old order is now.
fn in_order(symbols: Vec<Symbol>) -> (Vec<Symbol>, Vec<Option<u32>>) {
    let mut order: Vec<_> = (0..symbols.len()).filter(|&old| !symbols[old].name.is_empty()).collect();
    order.sort_by_key(|&old| (symbols[old].range.start, Reverse(symbols[old].range.end), old));
    let mut places = vec![None; symbols.len()];
    for (new, &old) in order.iter().enumerate() {
        places[old] = Some(new as u32);
    }
    let mut old: Vec<_> = symbols.into_iter().map(Some).collect();
    let mut sorted: Vec<Symbol> = order.iter().filter_map(|&at| old[at].take()).collect();
    let mut open: Vec<usize> = Vec::new();
    for at in 0..sorted.len() {
        let range = sorted[at].range;
        while open
            .last()
            .is_some_and(|&outer| sorted[outer].range.end < range.end || !sorted[outer].range.holds(range.start))
        {
            open.pop();
        }
        let given =
            sorted[at].container.and_then(|ticket| places[ticket as usize]).filter(|&place| (place as usize) < at);
        sorted[at].container = given.or(open.last().map(|&outer| outer as u32));
        open.push(at);
    }
    (sorted, places)
}

#[cfg(test)]
mod tests {
    use kotadb_core::facts::{Span, SymbolKind};

    use super::*;

    fn symbol(name: &str, start: u32, end: u32) -> Symbol {
        Symbol { name: name.into(), range: Span { start, end }, ..Symbol::new(SymbolKind::Class) }
    }

    #[test]
    fn containers_come_from_ranges_or_from_the_rules() {
        let mut collector = Collector::default();
        let inner = collector.symbol(symbol("attribute", 20, 25));
        collector.symbol(symbol("", 0, 200));
        collector.symbol(symbol("method", 10, 50));
        let class = collector.symbol(symbol("class", 0, 100));
        collector.symbol(symbol("after", 100, 110));
        collector.put_into(inner, class);
        let facts = collector.finish(false);
        let found: Vec<_> = facts.symbols.iter().map(|symbol| (&*symbol.name, symbol.container)).collect();
        assert_eq!(found, [("class", None), ("method", Some(0)), ("attribute", Some(0)), ("after", None)]);
    }
}
