//! Structs, unions, classes and enums with what is in them, and what stands above them.

use kotadb_core::facts::{Flags, Relation, Role, Span, Symbol, SymbolKind};
use tree_sitter::Node;

use super::{COMMENTS, Family, Field, Kind, Later, Open, Walk};
use crate::extract::collector::Ticket;
use crate::extract::text::{span, to_span};

impl<'t> Family<'t> {
    /// `struct a { … }`, or a use of `struct a`.
    pub(super) fn record(&mut self, node: Node<'t>, kind: SymbolKind, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::Name);
        if self.field(node, Field::Body).is_none() {
            self.template = None;
            return self.tag(name, walk);
        }
        let start = self.template.take().unwrap_or(node.start_byte());
        let named = name.map(|name| self.named(name));
        let text = named.as_ref().map_or("", |named| self.text.of(named.name));
        let ticket = named.map(|named| {
            let range = to_span(start, node.end_byte());
            let mut symbol = self.type_symbol(node, kind, named.name, range);
            symbol.qualifier = named.qualifier;
            self.facts.symbol(symbol)
        });
        name.into_iter().for_each(|name| walk.then(self.field(name, Field::Arguments)));
        self.inside(node, kind, (ticket, text), walk);
    }

    /// `typedef struct { … } a;`: the struct is called `a`.
    pub(super) fn typedef_record(
        &mut self,
        node: Node<'t>,
        record: Node<'t>,
        (name, kind): (Node<'t>, SymbolKind),
        walk: &mut Walk<'t>,
    ) {
        let mut symbol = self.type_symbol(record, kind, name, span(node));
        let body = self.field(record, Field::Body).map_or(node.end_byte(), |body| body.start_byte());
        symbol.signature = self.text.signature(node.start_byte(), body);
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        let ticket = self.facts.symbol(symbol);
        self.inside(record, kind, (Some(ticket), self.text.of(name)), walk);
    }

    /// A class whose head the grammar takes for a function: `class API Pool : public Base { … }`.
    pub(super) fn macro_record(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (Some(type_of), Some(name)) = (self.field(node, Field::TypeOf), self.field(node, Field::Declarator)) else {
            return walk.children(node);
        };
        let kind = self.anonymous_kind(type_of).unwrap_or(SymbolKind::Class);
        let start = self.template.take().unwrap_or(node.start_byte());
        let symbol = self.type_symbol(node, kind, name, to_span(start, node.end_byte()));
        let ticket = self.facts.symbol(symbol);
        let text = self.text.of(name);
        walk.each_child(node, |_, child| {
            if child.is_error() {
                let base = child.named_child(0).filter(|base| self.kind(*base) == Kind::Identifier);
                base.into_iter().for_each(|base| {
                    self.facts.supertype(Some(ticket), text, self.text.of(base), Relation::Extends, base);
                });
            }
        });
        self.open.push(Open::Record { name: text, is_public: kind != SymbolKind::Class });
        self.field(node, Field::Body).into_iter().for_each(|body| walk.children(body));
        walk.later(Later::CloseRecord);
    }

    /// The symbol of a type.
    fn type_symbol(&self, node: Node<'t>, kind: SymbolKind, name: Node<'t>, range: Span) -> Symbol {
        let body = self.field(node, Field::Body).map_or(node.end_byte(), |body| body.start_byte());
        let signature = self.text.signature(node.start_byte(), body);
        let doc = self.text.comment_above(range.start as usize, COMMENTS);
        let flags = self.visible(&self.head(node));
        let (name, name_span) = (self.text.of(name).into(), span(name));
        Symbol { name, name_span, flags, range, signature, doc, ..Symbol::new(kind) }
    }

    /// Bases and members.
    fn inside(
        &mut self,
        node: Node<'t>,
        kind: SymbolKind,
        (ticket, name): (Option<Ticket>, &'t str),
        walk: &mut Walk<'t>,
    ) {
        walk.each_child(node, |walk, child| {
            if self.kind(child) == Kind::BaseClassClause {
                self.bases(child, ticket, name, walk);
            }
        });
        if kind != SymbolKind::Enum {
            self.open.push(Open::Record { name, is_public: kind != SymbolKind::Class });
            walk.then(self.field(node, Field::Body));
            walk.later(Later::CloseRecord);
        } else {
            walk.then(self.field(node, Field::Body));
        }
    }

    /// `: public Base<T>, ns::Other`; `Base<T>` counts as `Base`.
    fn bases(&mut self, clause: Node<'t>, ticket: Option<Ticket>, name: &str, walk: &mut Walk<'t>) {
        let mut cursor = clause.walk();
        for base in clause.named_children(&mut cursor) {
            if matches!(self.kind(base), Kind::TypeIdentifier | Kind::QualifiedIdentifier | Kind::TemplateType) {
                let text = super::expression::without_arguments(self.text.short(base));
                self.facts.supertype(ticket, name, &text, Relation::Extends, base);
                let last = self.field(base, Field::Name).unwrap_or(base);
                let arguments = self.field(base, Field::Arguments).or_else(|| self.field(last, Field::Arguments));
                walk.then(arguments);
            }
        }
    }

    /// `struct a` without a body: no typedef or local name can hide it.
    fn tag(&mut self, name: Option<Node<'t>>, walk: &mut Walk<'t>) {
        match name {
            Some(name) if self.kind(name) == Kind::TypeIdentifier => {
                self.facts.mention(self.text.of(name), name, Role::Type, None);
            }
            name => walk.then(name),
        }
    }

    pub(super) fn enumeration(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.record(node, SymbolKind::Enum, walk);
    }

    pub(super) fn enumerator(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::Name);
        if let Some(name) = name {
            let (range, signature) = (span(node), self.text.first_row(node));
            let doc = self.text.comment_above(node.start_byte(), COMMENTS);
            let (name, name_span, flags) = (self.text.of(name).into(), span(name), Flags::EXPORTED);
            let variant = Symbol::new(SymbolKind::Variant);
            self.facts.symbol(Symbol { name, name_span, flags, range, signature, doc, ..variant });
        }
        // A macro behind a constant, with or without a comma of its own, cannot be parsed.
        walk.children_but(node, name);
    }

    /// `public:`.
    pub(super) fn access(&mut self, node: Node<'t>) {
        let text = self.text.of(node);
        if let Some(Open::Record { is_public, .. }) = self.open.last_mut() {
            *is_public = text == "public";
        }
    }
}
