//! Classes, interfaces, enums, records and annotations; packages and imports.

use kotadb_core::facts::{Flags, Import, Relation, Symbol, SymbolKind};
use tree_sitter::Node;

use super::{COMMENTS, Field, Java, Kind, Later, Open, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::{of_type, type_text, unknown};
use crate::extract::text::span;
use crate::extract::walk;

impl<'t> Java<'t> {
    pub(super) fn package(&mut self, node: Node<'t>) {
        let name = walk::named_children(node)
            .into_iter()
            .find(|it| matches!(self.kind(*it), Kind::Identifier | Kind::ScopedIdentifier));
        if let Some(name) = name {
            self.facts.package(&type_text(self.text.of(name), &[], &[]));
        }
    }

    /// `import a.B;`, `import a.*;`, `import static a.B.c;`.
    pub(super) fn import(&mut self, node: Node<'t>) {
        let parts = walk::named_children(node);
        let is_path = |it: &&Node<'t>| matches!(self.kind(**it), Kind::Identifier | Kind::ScopedIdentifier);
        let Some(&path) = parts.iter().find(is_path) else { return };
        let is_open = parts.iter().any(|it| self.kind(*it) == Kind::Asterisk);
        let text = type_text(self.text.of(path), &[], &[]);
        let last = self.field(path, Field::Name).unwrap_or(path);
        let (module, name) = match text.rsplit_once('.') {
            _ if is_open => (&*text, "*"),
            Some(parts) => parts,
            None => ("", &*text),
        };
        let start = if is_open { span(path).start } else { span(last).start };
        self.facts.import(Import { module: module.into(), name: Some(name.into()), start, ..Import::default() });
    }

    pub(super) fn type_declaration(&mut self, node: Node<'t>, kind: SymbolKind, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return walk.children(node) };
        let text = self.text.of(name);
        let modifiers = self.modifiers(node);
        let mut symbol = Symbol { name: text.into(), name_span: span(name), range: span(node), ..Symbol::new(kind) };
        let body = self.field(node, Field::Body);
        symbol.signature = self.text.signature(node.start_byte(), body.map_or(node.end_byte(), |it| it.start_byte()));
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        symbol.flags = self.flags(&modifiers, text, kind);
        let is_test = symbol.flags.has(Flags::TEST) || is_test_name(text);
        symbol.flags = if is_test { symbol.flags.with(Flags::TEST) } else { symbol.flags };
        let ticket = self.facts.symbol(symbol);
        self.scopes.share(text);
        self.head(node, walk);
        let above = self.supertypes(node, ticket, kind, walk);
        self.open.push(Open { ticket: Some(ticket), kind, name: text, above, is_test });
        self.components(node, walk);
        walk.then(body);
        walk.later(Later::LeaveType);
    }

    /// Annotations and parameters of the type, in its scope.
    fn head(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.then(node.named_child(0).filter(|first| self.kind(*first) == Kind::Modifiers));
        self.scopes.enter();
        self.type_parameters(node, walk);
    }

    /// `<T extends Base>`.
    pub(super) fn type_parameters(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parameters = self.field(node, Field::TypeParameters).map(walk::named_children).unwrap_or_default();
        for parameter in parameters {
            let name = walk::named_children(parameter).into_iter().find(|it| self.kind(*it) == Kind::TypeIdentifier);
            if let Some(name) = name {
                self.scopes.bind(self.text.of(name), self.bound(parameter, name));
            }
            walk.children_but(parameter, name);
        }
    }

    /// Something of the first type that a parameter is bound by: `CharSequence` of `T extends CharSequence`.
    fn bound(&self, parameter: Node<'t>, name: Node<'t>) -> Box<str> {
        let bound = walk::named_children(parameter).into_iter().next_back().filter(|last| *last != name);
        let first = bound.and_then(|bound| bound.named_child(0));
        first.map_or_else(unknown, |first| of_type(&self.type_of(first)))
    }

    /// What stands above a type; the text of its class, for `super`.
    fn supertypes(&mut self, node: Node<'t>, ticket: Ticket, kind: SymbolKind, walk: &mut Walk<'t>) -> Box<str> {
        let mut above = Box::default();
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            let relation = match self.kind(child) {
                Kind::Superclass | Kind::ExtendsInterfaces => Relation::Extends,
                Kind::SuperInterfaces if kind == SymbolKind::Interface => Relation::Extends,
                Kind::SuperInterfaces => Relation::Implements,
                _ => continue,
            };
            let mut types = walk::named_children(child);
            if let [list] = types[..]
                && self.kind(list) == Kind::TypeList
            {
                types = walk::named_children(list);
            }
            for name in types {
                let text = self.above(Some(ticket), name, relation, walk);
                if self.kind(child) == Kind::Superclass {
                    above = text;
                }
            }
        }
        above
    }

    /// One type above; `Base<T>` counts as `Base`.
    fn above(&mut self, of: Option<Ticket>, above: Node<'t>, relation: Relation, walk: &mut Walk<'t>) -> Box<str> {
        let is_generic = self.kind(above) == Kind::GenericType;
        let parts = if is_generic { walk::named_children(above) } else { vec![above] };
        let Some(&plain) = parts.first() else { return Box::default() };
        let text = self.type_of(plain);
        let name = of.map_or_else(Box::default, |of| self.facts.at(of).name.clone());
        self.facts.supertype(of, &name, &text, relation, plain);
        parts.into_iter().skip(1).for_each(|arguments| walk.then(arguments));
        text
    }

    /// `record Point(int x)`: each component is read like a property.
    fn components(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        if self.kind(node) != Kind::RecordDeclaration {
            return;
        }
        let list = self.field(node, Field::Parameters).map(walk::named_children).unwrap_or_default();
        for component in list {
            let (Some(name), of) = (self.field(component, Field::Name), self.field(component, Field::TypeOf)) else {
                continue;
            };
            let mut symbol = Symbol::new(SymbolKind::Property);
            (symbol.name, symbol.name_span) = (self.text.of(name).into(), span(name));
            (symbol.range, symbol.signature) = (span(component), span(component));
            symbol.of_type = of.map(|of| self.type_of(of));
            symbol.flags = Flags::EXPORTED.with(Flags::ACCESSOR);
            self.facts.symbol(symbol);
            walk.then(component);
        }
    }

    /// `RED(1) { … }`.
    pub(super) fn enum_constant(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, body) = (self.field(node, Field::Name), self.field(node, Field::Body));
        let outer = self.open.last().map_or("", |open| open.name);
        if let Some(name) = name {
            let mut symbol = Symbol::new(SymbolKind::Variant);
            (symbol.name, symbol.name_span, symbol.range) = (self.text.of(name).into(), span(name), span(node));
            let end = body.map_or(node.end_byte(), |body| body.start_byte());
            symbol.signature = self.text.signature(node.start_byte(), end);
            symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
            symbol.flags = Flags::EXPORTED;
            symbol.of_type = Some(outer.into());
            self.facts.symbol(symbol);
        }
        walk.then(node.named_child(0).filter(|first| self.kind(*first) == Kind::Modifiers));
        walk.then(self.field(node, Field::Arguments));
        if let Some(body) = body {
            walk.later(Later::Anonymous { above: outer.into(), body });
        }
    }

    /// The body of `new T() { … }`: what is in it is written for `T`.
    pub(super) fn anonymous(&self, body: Node<'t>, made: Node<'t>, walk: &mut Walk<'t>) {
        let plain = if self.kind(made) == Kind::GenericType { made.named_child(0).unwrap_or(made) } else { made };
        walk.later(Later::Anonymous { above: self.type_of(plain), body });
    }

    pub(super) fn open_anonymous(&mut self, above: Box<str>, body: Node<'t>, walk: &mut Walk<'t>) {
        let is_test = self.open.last().is_some_and(|open| open.is_test);
        self.scopes.enter();
        self.open.push(Open { ticket: None, kind: SymbolKind::Class, name: "", above, is_test });
        walk.then(body);
        walk.later(Later::LeaveType);
    }
}

/// `PoolTest`, `PoolTests`, `TestPool`, `PoolIT`.
fn is_test_name(name: &str) -> bool {
    let is_word = |rest: &str| rest.is_empty() || rest.starts_with(|c: char| c.is_uppercase());
    ["Test", "Tests", "TestCase", "IT"].iter().any(|end| name.len() > end.len() && name.ends_with(end))
        || name.strip_prefix("Test").is_some_and(is_word)
}
