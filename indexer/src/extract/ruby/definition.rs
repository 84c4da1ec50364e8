//! Modules, classes and methods as symbols.

use kotadb_core::facts::{Arity, Flags, Relation, Span, Symbol, SymbolKind};
use tree_sitter::Node;

use super::expression::tells;
use super::{Field, Kind, Later, Open, OpenType, Ruby, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::with;
use crate::extract::text::{Comments, span};
use crate::extract::walk;

/// Comments above definitions.
pub(super) const HASH: Comments = Comments { line: &["#"], block: None };

impl<'t> Ruby<'t> {
    /// `module A`, `class A::B < Base`.
    pub(super) fn module(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(path) = self.field(node, Field::Name) else { return walk.children(node) };
        let kind = if self.kind(node) == Kind::Class { SymbolKind::Class } else { SymbolKind::Module };
        let name = self.field(path, Field::Name).unwrap_or(path);
        let mut symbol = self.definition(node, name, kind);
        symbol.qualifier = self.field(path, Field::Scope).map(|scope| self.text.of(scope).into());
        symbol.flags = Flags::EXPORTED;
        let superclass = self.field(node, Field::Superclasses).and_then(|above| above.named_child(0));
        if superclass.is_some_and(|above| is_test_case(self.text.of(above))) {
            symbol.flags = symbol.flags.with(Flags::TEST);
        }
        let ticket = self.facts.symbol(symbol);
        if let Some(above) = superclass {
            self.superclass(ticket, self.text.of(name), above, walk);
        }
        self.enter_type(Some(ticket), false);
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveType);
    }

    fn superclass(&mut self, ticket: Ticket, name: &str, above: Node<'t>, walk: &mut Walk<'t>) {
        if matches!(self.kind(above), Kind::Constant | Kind::ScopeResolution) {
            let path = self.expression(above);
            self.facts.supertype(Some(ticket), name, &path, Relation::Extends, above);
        } else {
            walk.then(above);
        }
    }

    pub(super) fn enter_type(&mut self, ticket: Option<Ticket>, is_static: bool) {
        self.n_types += 1;
        self.scopes.enter_closed();
        self.open.push(Open::Type(OpenType { ticket, number: self.n_types, is_private: false, is_static }));
    }

    /// `class << self`: its methods belong to the type round it.
    pub(super) fn singleton_class(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let is_own = self.field(node, Field::Value).is_some_and(|value| self.kind(value) == Kind::SelfWord);
        let ticket = self.open_type().and_then(|open| open.ticket).filter(|_| is_own);
        self.enter_type(ticket, true);
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveType);
    }

    pub(super) fn method(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name_node) = self.field(node, Field::Name) else { return walk.children(node) };
        let name = self.text.of(name_node);
        let object = self.field(node, Field::Object);
        let open = self.open_type().filter(|_| self.open_method().is_none());
        let is_static = object.is_some() || open.is_some_and(|open| open.is_static);
        let mut symbol = self.definition(node, name_node, self.method_kind(name, is_static));
        symbol.arity = self.arity(node);
        symbol.flags = self.method_flags(&symbol, is_static);
        symbol.qualifier = self.object_qualifier(object);
        let ticket = self.facts.symbol(symbol);
        if let Some(container) = open.and_then(|open| open.ticket) {
            self.facts.put_into(ticket, container);
        }
        self.seen.insert((open.map_or(0, |open| open.number), name), ticket);
        walk.later(Later::EnterMethod { node, ticket, name, is_static });
        for parameter in self.parameters(node) {
            walk.then(self.field(parameter, Field::Value));
        }
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveMethod(node));
    }

    fn method_kind(&self, name: &str, is_static: bool) -> SymbolKind {
        match (self.open_type(), name) {
            (None, _) if !is_static => SymbolKind::Function,
            (Some(_), "initialize") if !is_static => SymbolKind::Constructor,
            _ => SymbolKind::Method,
        }
    }

    fn method_flags(&self, symbol: &Symbol, is_static: bool) -> Flags {
        let open = self.open_type();
        let in_test = open.and_then(|open| open.ticket).is_some_and(|open| self.facts.at(open).flags.has(Flags::TEST));
        let is_setter = symbol.name.ends_with('=');
        [
            (Flags::EXPORTED, is_static || open.is_none_or(|open| !open.is_private)),
            (Flags::TEST, in_test || symbol.name.starts_with("test_")),
            (Flags::STATIC, is_static),
            (Flags::ACCESSOR, symbol.arity.most == 0 && !is_setter && symbol.kind != SymbolKind::Constructor),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag))
    }

    /// `Pool` of `def Pool.make`, unless that is the type round it.
    fn object_qualifier(&self, object: Option<Node<'t>>) -> Option<Box<str>> {
        let object = object.filter(|object| matches!(self.kind(*object), Kind::Constant | Kind::ScopeResolution))?;
        let open = self.open_type().and_then(|open| open.ticket);
        let is_own = open.is_some_and(|open| *self.facts.at(open).name == *self.text.of(object));
        (!is_own).then(|| self.text.of(object).into())
    }

    /// The last value of a body is what the method returns.
    pub(super) fn leave_method(&mut self, node: Node<'t>) {
        let last = self.field(node, Field::Body).map(|body| self.expression(self.returned(body)));
        if let (Some(Open::Method { ticket, .. }), Some(known)) = (self.open.last(), last.filter(|known| tells(known)))
        {
            let symbol = self.facts.symbol_mut(*ticket);
            if symbol.kind != SymbolKind::Constructor {
                symbol.of_type = Some(with("=", &known));
            }
        }
        self.leave();
    }

    /// The value of `return value` at the end of a body, or the body.
    fn returned(&self, body: Node<'t>) -> Node<'t> {
        let last = self.last_of(body).unwrap_or(body);
        if self.kind(last) != Kind::Return {
            return body;
        }
        last.named_child(0).and_then(|arguments| arguments.named_child(0)).unwrap_or(last)
    }

    pub(super) fn parameters(&self, node: Node<'t>) -> Vec<Node<'t>> {
        self.field(node, Field::Parameters).map(walk::named_children).unwrap_or_default()
    }

    pub(super) fn arity(&self, node: Node<'t>) -> Arity {
        let mut arity = Arity::default();
        for parameter in self.parameters(node) {
            let is_needed = match self.kind(parameter) {
                Kind::Identifier | Kind::DestructuredParameter => true,
                Kind::KeywordParameter => self.field(parameter, Field::Value).is_none(),
                Kind::OptionalParameter => false,
                Kind::SplatParameter | Kind::HashSplatParameter | Kind::ForwardParameter => {
                    arity.most = u8::MAX;
                    continue;
                }
                _ => continue,
            };
            arity.most = arity.most.saturating_add(1);
            arity.least = arity.least.saturating_add(u8::from(is_needed));
        }
        arity
    }

    /// The symbol of what `node` defines, but for what is special to its kind.
    pub(super) fn definition(&self, node: Node<'t>, name: Node<'t>, kind: SymbolKind) -> Symbol {
        let text = self.text.of(name);
        let trimmed = text.trim_start_matches(':').trim_matches(['"', '\'']);
        let before = text.find(trimmed).unwrap_or(0) as u32;
        let start = name.start_byte() as u32 + before;
        let name_span = Span { start, end: start + trimmed.len() as u32 };
        let doc = self.text.comment_above(node.start_byte(), HASH);
        let signature = self.text.first_row(node);
        Symbol { name: trimmed.into(), name_span, range: span(node), signature, doc, ..Symbol::new(kind) }
    }

    /// `it "keeps its size" do`.
    pub(super) fn example_symbol(&self, node: Node<'t>, content: Node<'t>) -> Symbol {
        let mut symbol = self.definition(node, content, SymbolKind::Function);
        symbol.flags = Flags::TEST;
        symbol
    }
}

fn is_test_case(superclass: &str) -> bool {
    let name = superclass.rsplit("::").next().unwrap_or(superclass);
    matches!(name, "Test" | "TestCase" | "Spec" | "IntegrationTest" | "SystemTestCase") || name.ends_with("TestCase")
}
