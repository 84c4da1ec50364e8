//! Definitions of functions, their parameters and blocks.

use std::rc::Rc;

use kotadb_core::facts::{Flags, SymbolKind};
use tree_sitter::Node;

use super::{COMMENTS, Family, Field, Kind, Later, Open, Walk};
use crate::extract::text::to_span;

impl<'t> Family<'t> {
    pub(super) fn function(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let declared = self.field(node, Field::Declarator).and_then(|it| self.declared(it));
        let type_of = self.field(node, Field::TypeOf);
        let Some(found) = declared else { return self.body_of(node, None, walk) };
        match found.function {
            Some(function) if type_of.is_none() && self.is_invocation(function) => {
                let parameters = self.field(function, Field::Parameters);
                self.macro_function(node, self.word(function, Field::Declarator), parameters, walk);
            }
            Some(_) if self.block_of_macro(node, &found, walk) => {}
            Some(function) => {
                self.define_function(node, &found, function);
                walk.then(type_of);
                self.body_of(node, Some(function), walk);
            }
            // `class API Pool : public Base { … }` with a macro that the grammar does not know.
            None if type_of.is_some_and(|it| self.anonymous_kind(it).is_some()) => self.macro_record(node, walk),
            // `TEST(adds) { … }`.
            None if found.is_bracketed => {
                let arguments = self.field(node, Field::Declarator);
                self.macro_function(node, self.word(node, Field::TypeOf), arguments, walk);
            }
            None => self.body_of(node, None, walk),
        }
    }

    fn define_function(&mut self, node: Node<'t>, found: &super::declarator::Declared<'t>, function: Node<'t>) {
        let head = self.head(node);
        let start = self.template.take().unwrap_or(node.start_byte());
        let mut symbol = self.callable(&head, found, function, to_span(start, node.end_byte()));
        let body = self.field(node, Field::Body);
        let end = self.initializers(node).or(body).map_or(node.end_byte(), |it| it.start_byte());
        symbol.signature = self.text.signature(node.start_byte(), end);
        symbol.doc = self.text.comment_above(start, COMMENTS);
        let is_removed = body.is_none() && self.is_deleted(node);
        if is_removed || self.is_deprecated(symbol.signature.start as usize, symbol.signature.end as usize) {
            let flag = if is_removed { Flags::DECLARATION } else { Flags::DEPRECATED };
            symbol.flags = symbol.flags.with(flag);
        }
        self.facts.symbol(symbol);
    }

    /// `: size_(n), Base(n)` of a constructor.
    fn initializers(&self, node: Node<'t>) -> Option<Node<'t>> {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).find(|child| self.kind(*child) == Kind::FieldInitializerList)
    }

    /// `= delete`.
    fn is_deleted(&self, node: Node<'t>) -> bool {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).any(|child| self.kind(child) == Kind::DeleteMethodClause)
    }

    fn is_deprecated(&self, start: usize, end: usize) -> bool {
        let words = self.text.slice(start, end);
        ["[[deprecated", "((deprecated", "__deprecated"].iter().any(|sign| words.contains(sign))
    }

    /// Parameters, what stands between them and the body, and the body, in the scope of the function.
    fn body_of(&mut self, node: Node<'t>, function: Option<Node<'t>>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        self.open.push(Open::Function);
        if let Some(function) = function {
            walk.then(self.field(function, Field::Parameters));
            self.bind_parameters(function);
        }
        walk.each_child(node, |walk, child| match self.kind(child) {
            // Types of the parameters of K&R C are declared here: they are bound like locals.
            Kind::Declaration => walk.then(child),
            Kind::CompoundStatement => walk.then(child),
            Kind::StorageClassSpecifier | Kind::TypeQualifier | Kind::AttributeSpecifier => {}
            _ if Some(child) == self.field(node, Field::Declarator) => {}
            _ if Some(child) == self.field(node, Field::TypeOf) => {}
            _ => walk.then(child),
        });
        walk.later(Later::Close);
    }

    /// Binds the parameters of a function to what their types say.
    pub(super) fn bind_parameters(&mut self, function: Node<'t>) {
        let Some(parameters) = self.field(function, Field::Parameters) else { return };
        let mut cursor = parameters.walk();
        for parameter in parameters.named_children(&mut cursor) {
            if self.kind(parameter) == Kind::Identifier {
                self.scopes.bind(self.text.of(parameter), self.unknown.clone());
                continue;
            }
            let Some(declarator) = self.field(parameter, Field::Declarator) else { continue };
            let Some(found) = self.declared(declarator) else { continue };
            let known = self.field(parameter, Field::TypeOf).and_then(|it| self.known_type(it));
            let known: Rc<str> = known.unwrap_or_else(|| self.unknown.clone());
            self.bind(found.name, known, found.is_callback || found.function.is_some());
        }
    }

    /// Type and default value of a parameter.
    pub(super) fn parameter_uses(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.then(self.field(node, Field::TypeOf));
        if let Some(declarator) = self.field(node, Field::Declarator) {
            self.declarator_uses(declarator, walk);
        }
        walk.then(self.field(node, Field::DefaultValue));
    }

    /// A block; one that stands alone is the rest of a function whose head a macro makes, or could not be parsed.
    pub(super) fn block(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        if self.is_local() {
            return self.scoped(node, walk);
        }
        self.scopes.enter();
        self.open.push(Open::Function);
        for (name, known) in std::mem::take(&mut self.parameters) {
            self.scopes.bind(name, known);
        }
        walk.children(node);
        walk.later(Later::Close);
    }

    /// What a struct or class without a name would be.
    pub(super) fn anonymous_kind(&self, node: Node<'t>) -> Option<SymbolKind> {
        match self.kind(node) {
            Kind::StructSpecifier => Some(SymbolKind::Struct),
            Kind::UnionSpecifier => Some(SymbolKind::Union),
            Kind::ClassSpecifier => Some(SymbolKind::Class),
            Kind::EnumSpecifier => Some(SymbolKind::Enum),
            _ => None,
        }
    }
}
