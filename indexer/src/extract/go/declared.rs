//! Types, their fields and methods, and what they embed.

use kotadb_core::facts::{Flags, Relation, Symbol, SymbolKind};
use tree_sitter::Node;

use super::{COMMENTS, Field, Go, Kind, Later, Walk};
use crate::extract::collector::Ticket;
use crate::extract::text::span;
use crate::extract::walk;

impl<'t> Go<'t> {
    /// `type A[T any] struct { … }`, `type A = B`.
    pub(super) fn type_spec(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (Some(name), type_of) = (self.field(node, Field::Name), self.field(node, Field::TypeOf)) else {
            return walk.children(node);
        };
        let kind = match type_of.map(|it| self.kind(it)) {
            Some(Kind::StructType) => SymbolKind::Struct,
            Some(Kind::InterfaceType) => SymbolKind::Interface,
            _ => SymbolKind::TypeAlias,
        };
        let mut symbol = self.named(name, kind);
        let outer = self.declaration_of(node);
        symbol.range = span(outer);
        symbol.signature = self.type_signature(outer, type_of);
        symbol.doc = self.text.comment_above(outer.start_byte(), COMMENTS);
        symbol.of_type = type_of.filter(|_| kind == SymbolKind::TypeAlias).map(|it| self.type_of(it));
        symbol.of_type = symbol.of_type.filter(|name| &**name != "?");
        let ticket = self.facts.symbol(symbol);
        self.scopes.share(self.text.of(name));
        self.scopes.enter();
        self.bind_type_parameters(node, walk);
        match type_of {
            Some(body) if kind == SymbolKind::Struct => self.structure(body, ticket, walk),
            Some(body) if kind == SymbolKind::Interface => self.interface(body, ticket, walk),
            type_of => walk.then(type_of),
        }
        walk.later(Later::Leave);
    }

    /// `type A …` with its first word, unless that stands before a list.
    fn declaration_of(&self, spec: Node<'t>) -> Node<'t> {
        spec.parent().filter(|outer| outer.named_child_count() == 1 && outer.child_count() <= 3).unwrap_or(spec)
    }

    fn type_signature(&self, outer: Node<'t>, type_of: Option<Node<'t>>) -> kotadb_core::facts::Span {
        let body = type_of.filter(|it| matches!(self.kind(*it), Kind::StructType | Kind::InterfaceType));
        let brace = body.and_then(|body| walk::children(body).into_iter().nth(1));
        let end = brace.map_or(outer.end_byte(), |brace| brace.start_byte());
        self.text.signature(outer.start_byte(), end)
    }

    /// Fields; one without a name is embedded.
    fn structure(&mut self, body: Node<'t>, ticket: Ticket, walk: &mut Walk<'t>) {
        for list in walk::named_children(body) {
            walk.each_child(list, |walk, field| {
                if self.kind(field) == Kind::FieldDeclaration && self.names(field).next().is_none() {
                    self.embedded(field, ticket, walk);
                } else {
                    walk.then(field);
                }
            });
        }
    }

    /// `*db.Base` in a struct: its members become members of the struct, and there is a field `Base`.
    fn embedded(&mut self, field: Node<'t>, ticket: Ticket, walk: &mut Walk<'t>) {
        let Some(type_of) = self.field(field, Field::TypeOf) else { return };
        let plain = if self.kind(type_of) == Kind::GenericType { self.field(type_of, Field::TypeOf) } else { None };
        let named = plain.unwrap_or(type_of);
        let (text, above) = (self.facts.at(ticket).name.clone(), self.type_of(named));
        self.facts.supertype(Some(ticket), &text, &above, Relation::Embeds, named);
        walk.then(self.field(type_of, Field::TypeArguments));
        let name = if self.kind(named) == Kind::QualifiedType { self.field(named, Field::Name) } else { Some(named) };
        if let Some(name) = name {
            let mut symbol = self.field_symbol(name, field);
            symbol.of_type = Some(self.type_of(type_of));
            self.facts.symbol(symbol);
        }
    }

    /// `a, b T` in a struct.
    pub(super) fn fields(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let names: Vec<_> = self.names(node).collect();
        let type_of = self.field(node, Field::TypeOf);
        let of = type_of.map(|it| self.type_of(it)).filter(|name| &**name != "?");
        let text = self.text;
        for &name in names.iter().filter(|name| text.of(**name) != "_") {
            let outer = if names.len() == 1 { node } else { name };
            let mut symbol = self.field_symbol(name, outer);
            symbol.of_type = of.clone();
            symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
            self.facts.symbol(symbol);
        }
        walk.then(type_of);
    }

    fn field_symbol(&self, name: Node<'t>, outer: Node<'t>) -> Symbol {
        let mut symbol = self.named(name, SymbolKind::Field);
        (symbol.range, symbol.signature) = (span(outer), self.text.first_row(outer));
        symbol.doc = self.text.comment_above(outer.start_byte(), COMMENTS);
        symbol
    }

    /// Methods that an interface asks for, and interfaces that it holds.
    fn interface(&mut self, body: Node<'t>, ticket: Ticket, walk: &mut Walk<'t>) {
        walk.each_child(body, |walk, child| match self.kind(child) {
            Kind::MethodElem => self.asked(child, walk),
            Kind::TypeElem if child.named_child_count() == 1 => self.held(child, ticket, walk),
            _ => walk.then(child),
        });
    }

    fn asked(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return };
        let mut symbol = self.named(name, SymbolKind::Method);
        symbol.flags = symbol.flags.with(Flags::ABSTRACT);
        (symbol.range, symbol.signature) = (span(node), self.text.signature(node.start_byte(), node.end_byte()));
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        symbol.arity = self.arity(node);
        let result = self.field(node, Field::ResultOf);
        symbol.of_type = result.and_then(|result| self.results(result));
        self.facts.symbol(symbol);
        walk.then(self.field(node, Field::Parameters));
        walk.then(result);
    }

    fn held(&mut self, node: Node<'t>, ticket: Ticket, walk: &mut Walk<'t>) {
        let Some(above) = node.named_child(0) else { return };
        let plain = if self.kind(above) == Kind::GenericType { self.field(above, Field::TypeOf) } else { None };
        let named = plain.unwrap_or(above);
        if !matches!(self.kind(named), Kind::TypeIdentifier | Kind::QualifiedType) {
            return walk.then(above);
        }
        let (text, supertype) = (self.facts.at(ticket).name.clone(), self.type_of(named));
        self.facts.supertype(Some(ticket), &text, &supertype, Relation::Extends, named);
        walk.then(self.field(above, Field::TypeArguments));
    }
}
