//! Methods, constructors and fields.

use kotadb_core::facts::{Arity, Flags, Symbol, SymbolKind};
use tree_sitter::Node;

use super::{COMMENTS, Field, Java, Kind, Later, Walk};
use crate::extract::expression::{of_type, with};
use crate::extract::text::span;
use crate::extract::walk;

impl<'t> Java<'t> {
    pub(super) fn method(&mut self, node: Node<'t>, kind: SymbolKind, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return walk.children(node) };
        let (body, of) = (self.field(node, Field::Body), self.field(node, Field::TypeOf));
        let modifiers = self.modifiers(node);
        let mut symbol = Symbol::new(kind);
        (symbol.name, symbol.name_span, symbol.range) = (self.text.of(name).into(), span(name), span(node));
        symbol.signature = self.text.signature(node.start_byte(), body.map_or(node.end_byte(), |it| it.start_byte()));
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        symbol.arity = self.arity(node);
        symbol.of_type = of.map(|of| self.sized(self.type_of(of), node));
        symbol.flags = self.flags(&modifiers, &symbol.name, kind);
        let in_interface = self.open.last().is_some_and(|open| open.kind == SymbolKind::Interface);
        if body.is_none() && in_interface {
            symbol.flags = symbol.flags.with(Flags::ABSTRACT);
        }
        symbol.interface = self.open.last().filter(|open| open.ticket.is_none()).map(|open| open.above.clone());
        let method = self.facts.symbol(symbol);
        self.enter(node, walk);
        self.takes(method, self.parameters(node));
        walk.then(of);
        walk.then(self.field(node, Field::Value));
        walk.each_child(node, |walk, child| {
            // What it throws.
            if self.kind(child) == Kind::Throws {
                walk.then(child);
            }
        });
        walk.then(body);
        walk.later(Later::Leave);
    }

    /// The scope of a method, with its annotations and parameters.
    fn enter(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.then(node.named_child(0).filter(|first| self.kind(*first) == Kind::Modifiers));
        self.scopes.enter();
        self.type_parameters(node, walk);
        let parameters = self.parameters(node);
        if let Some(parameters) = parameters {
            self.bind_parameters(parameters);
        }
        walk.then(parameters.filter(|_| self.kind(node) != Kind::CompactConstructor));
    }

    /// Its parameters; those of a short constructor are the components of its record.
    fn parameters(&self, node: Node<'t>) -> Option<Node<'t>> {
        if self.kind(node) == Kind::CompactConstructor {
            return self.field(node.parent()?.parent()?, Field::Parameters);
        }
        self.field(node, Field::Parameters)
    }

    fn arity(&self, node: Node<'t>) -> Arity {
        let mut arity = Arity::default();
        for parameter in self.parameters(node).map(walk::named_children).unwrap_or_default() {
            match self.kind(parameter) {
                Kind::FormalParameter => {
                    (arity.least, arity.most) = (arity.least.saturating_add(1), arity.most.saturating_add(1));
                }
                Kind::SpreadParameter => arity.most = u8::MAX,
                _ => {}
            }
        }
        arity
    }

    pub(super) fn bind_parameters(&mut self, parameters: Node<'t>) {
        for parameter in walk::named_children(parameters) {
            match self.kind(parameter) {
                Kind::FormalParameter => {
                    let (name, of) = (self.word(parameter, Field::Name), self.field(parameter, Field::TypeOf));
                    let known = of.map_or_else(|| "?".into(), |of| self.something_sized(of, parameter));
                    self.scopes.bind(name, known);
                }
                Kind::SpreadParameter => {
                    let (of, name) = self.spread(parameter);
                    let known = of.map_or_else(|| "?".into(), |of| of_type(&with(&self.type_of(of), "[]")));
                    self.scopes.bind(name.map_or("", |name| self.word(name, Field::Name)), known);
                }
                // A lambda names its parameters alone.
                Kind::Identifier => self.scopes.bind(self.text.of(parameter), "?"),
                _ => {}
            }
        }
    }

    /// Type and declarator of `String... more`.
    pub(super) fn spread(&self, parameter: Node<'t>) -> (Option<Node<'t>>, Option<Node<'t>>) {
        let parts = walk::named_children(parameter);
        let is_name = |it: &&Node<'t>| self.kind(**it) == Kind::VariableDeclarator;
        let name = parts.iter().find(is_name).copied();
        let of = parts.iter().find(|it| !is_name(it) && self.kind(**it) != Kind::Modifiers).copied();
        (of, name)
    }

    /// Annotations and types of a parameter.
    pub(super) fn parameter_uses(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.each_child(node, |walk, child| {
            if !matches!(self.kind(child), Kind::Identifier | Kind::VariableDeclarator) {
                walk.then(child);
            }
        });
    }

    /// `private int a = 1, b[];`.
    pub(super) fn fields(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let of = self.field(node, Field::TypeOf);
        let declarators = self.declarators(node);
        let modifiers = self.modifiers(node);
        let in_interface = self.kind(node) == Kind::ConstantDeclaration;
        let is_constant = in_interface || (modifiers.has("static") && modifiers.has("final"));
        let kind = if is_constant { SymbolKind::Constant } else { SymbolKind::Field };
        for &declarator in &declarators {
            let Some(name) = self.field(declarator, Field::Name) else { continue };
            let outer = if declarators.len() == 1 { node } else { declarator };
            let value = self.field(declarator, Field::Value);
            let mut symbol = Symbol::new(kind);
            (symbol.name, symbol.name_span, symbol.range) = (self.text.of(name).into(), span(name), span(outer));
            let end = value.map_or(outer.end_byte(), |value| value.start_byte());
            symbol.signature = self.text.signature(outer.start_byte(), end);
            symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
            symbol.of_type = of.map(|of| self.sized(self.type_of(of), declarator));
            symbol.flags = self.flags(&modifiers, &symbol.name, kind);
            if in_interface {
                symbol.flags = symbol.flags.with(Flags::STATIC);
            }
            self.facts.symbol(symbol);
        }
        walk.then(node.named_child(0).filter(|first| self.kind(*first) == Kind::Modifiers));
        walk.then(of);
        for declarator in declarators {
            walk.then(self.field(declarator, Field::Value));
        }
    }

    pub(super) fn declarators(&self, node: Node<'t>) -> Vec<Node<'t>> {
        let is_one = |it: &Node<'t>| self.kind(*it) == Kind::VariableDeclarator;
        walk::named_children(node).into_iter().filter(is_one).collect()
    }

    /// Something of a type, or of an array of it, where `int a[]` says so behind the name.
    pub(super) fn something_sized(&self, of: Node<'t>, declarator: Node<'t>) -> Box<str> {
        match self.field(declarator, Field::Dimensions) {
            Some(_) => of_type(&self.sized(self.type_of(of), declarator)),
            None => self.something_of(of),
        }
    }

    /// `int a[]`: the brackets behind a name belong to its type.
    pub(super) fn sized(&self, of: Box<str>, declarator: Node<'t>) -> Box<str> {
        match self.field(declarator, Field::Dimensions) {
            Some(dimensions) => with(&of, self.text.of(dimensions).trim()),
            None => of,
        }
    }
}
