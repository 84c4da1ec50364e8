//! Types and functions as symbols.

use kotadb_core::facts::{Arity, Flags, Relation, Symbol, SymbolKind};
use tree_sitter::Node;

use super::doc::tagged;
use super::expression::tells;
use super::{Field, Kind, Later, Open, Php, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::with;
use crate::extract::text::{Comments, span, to_span};
use crate::extract::walk;

/// Comments above definitions.
pub(super) const COMMENTS: Comments = Comments { line: &["//", "#"], block: Some("/**") };

impl<'t> Php<'t> {
    pub(super) fn class(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let kind = match self.kind(node) {
            Kind::Interface => SymbolKind::Interface,
            Kind::Trait => SymbolKind::Trait,
            Kind::Enum => SymbolKind::Enum,
            _ => SymbolKind::Class,
        };
        let name = self.field(node, Field::NameOf);
        let mut symbol = self.definition(node, name, kind);
        symbol.flags = symbol.flags.with(self.modifiers(node));
        let above = self.part(node, Kind::BaseClause);
        if above.is_some_and(|above| self.text.of(above).ends_with("TestCase")) {
            symbol.flags = symbol.flags.with(Flags::TEST);
        }
        let ticket = self.facts.symbol(symbol);
        self.open_body(node, ticket, walk);
    }

    /// `new class extends Base { … }`.
    pub(super) fn anonymous_class(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let mut symbol = self.definition(node, None, SymbolKind::Class);
        symbol.name = "class@anonymous".into();
        symbol.name_span = to_span(node.start_byte(), node.start_byte().saturating_add(5).min(node.end_byte()));
        symbol.flags = Flags::default();
        let ticket = self.facts.symbol(symbol);
        walk.then(self.part(node, Kind::Arguments));
        self.open_body(node, ticket, walk);
    }

    fn open_body(&mut self, node: Node<'t>, ticket: Ticket, walk: &mut Walk<'t>) {
        let name = self.facts.at(ticket).name.clone();
        let is_interface = self.kind(node) == Kind::Interface;
        for (clause, relation) in [(Kind::BaseClause, Relation::Extends), (Kind::InterfaceClause, Relation::Implements)]
        {
            for above in self.part(node, clause).map(walk::named_children).unwrap_or_default() {
                if matches!(self.kind(above), Kind::Name | Kind::QualifiedName | Kind::RelativeName) {
                    self.facts.supertype(Some(ticket), &name, &self.path(above), relation, above);
                }
            }
        }
        walk.then(self.field(node, Field::Attributes));
        self.open.push(Open::Type { ticket, is_interface });
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveType);
    }

    /// `use A, B;` in a class: members of the traits become its own.
    pub(super) fn uses(&mut self, node: Node<'t>) {
        let Some((ticket, _)) = self.open_type() else { return };
        let name = self.facts.at(ticket).name.clone();
        for part in walk::named_children(node) {
            if matches!(self.kind(part), Kind::Name | Kind::QualifiedName | Kind::RelativeName) {
                self.facts.supertype(Some(ticket), &name, &self.path(part), Relation::Embeds, part);
            }
        }
    }

    pub(super) fn function(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.word(node, Field::NameOf);
        let is_method = self.kind(node) == Kind::Method;
        let kind = match (is_method, name) {
            (true, "__construct") => SymbolKind::Constructor,
            (true, _) => SymbolKind::Method,
            (false, _) => SymbolKind::Function,
        };
        let mut symbol = self.definition(node, self.field(node, Field::NameOf), kind);
        symbol.flags = symbol.flags.with(self.modifiers(node)).with(self.function_flags(node, name, is_method));
        symbol.arity = self.arity(node);
        let annotation = self.field(node, Field::ReturnType).map(|annotation| self.type_of(annotation));
        let is_constructor = kind == SymbolKind::Constructor;
        symbol.of_type = annotation
            .filter(|annotation| !matches!(&**annotation, "array" | "mixed" | "iterable"))
            .or_else(|| tagged(self.doc_comment(node), "@return", None))
            .filter(|_| !is_constructor);
        let ticket = self.facts.symbol(symbol);
        walk.then(self.field(node, Field::Attributes));
        self.visit_parameters(node, walk);
        walk.later(Later::EnterFunction(node, ticket));
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveScope);
    }

    fn function_flags(&self, node: Node<'t>, name: &str, is_method: bool) -> Flags {
        let (open, comment) = (self.open_type(), self.doc_comment(node));
        let in_test = open.is_some_and(|(open, _)| self.facts.at(open).flags.has(Flags::TEST));
        let attributes = self.word(node, Field::Attributes);
        let is_test = name.starts_with("test") || attributes.contains("Test") || comment.contains("@test");
        [
            (Flags::TEST, in_test && is_method && is_test),
            (Flags::ABSTRACT, is_method && open.is_some_and(|(_, is_interface)| is_interface)),
            (Flags::ENTRY, attributes.contains("Route(")),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag))
    }

    /// Types, defaults and attributes of parameters: they belong to the scope round the function.
    pub(super) fn visit_parameters(&mut self, function: Node<'t>, walk: &mut Walk<'t>) {
        for parameter in self.parameters(function) {
            walk.then(self.field(parameter, Field::Attributes));
            walk.then(self.field(parameter, Field::TypeOf));
            walk.then(self.field(parameter, Field::Default));
            if self.kind(parameter) == Kind::PromotedParameter {
                self.promoted(parameter);
            }
        }
        walk.then(self.field(function, Field::ReturnType));
    }

    pub(super) fn parameters(&self, function: Node<'t>) -> Vec<Node<'t>> {
        self.field(function, Field::Parameters).map(walk::named_children).unwrap_or_default()
    }

    fn arity(&self, function: Node<'t>) -> Arity {
        let mut arity = Arity::default();
        for parameter in self.parameters(function) {
            match self.kind(parameter) {
                Kind::Comment => {}
                Kind::VariadicParameter => arity.most = u8::MAX,
                _ => {
                    let is_needed = self.field(parameter, Field::Default).is_none();
                    arity.most = arity.most.saturating_add(1);
                    arity.least = arity.least.saturating_add(u8::from(is_needed));
                }
            }
        }
        arity
    }

    /// The first value that tells is what a function without a type returns.
    pub(super) fn returned(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.children(node);
        let Some(value) = node.named_child(0) else { return };
        let Some(&Open::Function { ticket, is_open: true }) = self.open.last() else { return };
        let known = self.expression(value);
        if tells(&known) && self.facts.at(ticket).of_type.is_none() {
            self.facts.symbol_mut(ticket).of_type = Some(with("=", &known));
            if let Some(Open::Function { is_open, .. }) = self.open.last_mut() {
                *is_open = false;
            }
        }
    }

    /// Visibility, `static`, `abstract`, `@deprecated`.
    pub(super) fn modifiers(&self, node: Node<'t>) -> Flags {
        let is_hidden = |part: &Node<'t>| matches!(self.text.of(*part), "private" | "protected");
        let visibility =
            walk::named_children(node).into_iter().find(|part| self.kind(*part) == Kind::VisibilityModifier);
        [
            (Flags::EXPORTED, !visibility.as_ref().is_some_and(is_hidden)),
            (Flags::STATIC, self.part(node, Kind::StaticModifier).is_some()),
            (Flags::ABSTRACT, self.part(node, Kind::AbstractModifier).is_some()),
            (Flags::DEPRECATED, self.doc_comment(node).contains("@deprecated")),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag))
    }

    /// The first child of a kind.
    pub(super) fn part(&self, node: Node<'t>, kind: Kind) -> Option<Node<'t>> {
        walk::named_children(node).into_iter().find(|part| self.kind(*part) == kind)
    }

    /// All named children of a kind.
    pub(super) fn parts(&self, node: Node<'t>, kind: Kind) -> Vec<Node<'t>> {
        walk::named_children(node).into_iter().filter(|part| self.kind(*part) == kind).collect()
    }

    /// The symbol of what `node` defines, but for what is special to its kind.
    pub(super) fn definition(&self, node: Node<'t>, name: Option<Node<'t>>, kind: SymbolKind) -> Symbol {
        let mut symbol = Symbol::new(kind);
        if let Some(name) = name {
            let text = self.text.of(name);
            let bare = text.trim_start_matches('$');
            symbol.name = bare.into();
            symbol.name_span = to_span(name.end_byte() - bare.len(), name.end_byte());
        }
        let body = self.field(node, Field::Body).map_or(node.end_byte(), |body| body.start_byte());
        let attributes =
            self.field(node, Field::Attributes).map_or(node.start_byte(), |attributes| attributes.end_byte());
        let blanks = self.text.slice(attributes, body);
        let start = attributes + (blanks.len() - blanks.trim_start().len());
        symbol.range = span(node);
        symbol.signature = self.text.signature(start, body);
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        symbol
    }
}
