//! Properties, constants, cases and promoted parameters as symbols.

use kotadb_core::facts::{Flags, Span, SymbolKind};
use tree_sitter::Node;

use super::doc::tagged;
use super::expression::tells;
use super::{Field, Kind, Later, Php, Walk, is_name};
use crate::extract::expression::with;
use crate::extract::text::span;
use crate::extract::walk;

impl<'t> Php<'t> {
    /// `private ?Conn $conn = null, $other;`.
    pub(super) fn property(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let hooks = self.part(node, Kind::PropertyHookList);
        let kind = if hooks.is_some() { SymbolKind::Property } else { SymbolKind::Field };
        let annotation = self.field(node, Field::TypeOf);
        walk.then(self.field(node, Field::Attributes));
        walk.then(annotation);
        let elements = self.parts(node, Kind::PropertyElement);
        let n_elements = elements.len();
        for element in elements {
            let value = self.field(element, Field::Default);
            let mut symbol = self.definition(node, self.field(element, Field::NameOf), kind);
            (symbol.range, symbol.signature) = self.place(node, element, n_elements);
            symbol.flags = self.modifiers(node);
            symbol.of_type = self.property_type(node, annotation, value);
            if hooks.is_some() {
                symbol.flags = symbol.flags.with(Flags::ACCESSOR);
            }
            let is_typed = symbol.of_type.is_some();
            let ticket = self.facts.symbol(symbol);
            if let Some((class, _)) = self.open_type().filter(|_| !is_typed) {
                let name = self.word(element, Field::NameOf).trim_start_matches('$');
                self.untyped.insert((class, name), ticket);
            }
            walk.then(value);
        }
        for hook in hooks.map(walk::named_children).unwrap_or_default() {
            walk.later(Later::EnterClosure(hook));
            walk.then(self.field(hook, Field::Body));
            walk.later(Later::LeaveScope);
        }
    }

    /// Range and signature of one of several elements of a declaration: one alone has all of it.
    fn place(&self, node: Node<'t>, element: Node<'t>, n_elements: usize) -> (Span, Span) {
        let whole = if n_elements == 1 { node } else { element };
        (span(whole), self.text.first_row(whole))
    }

    fn property_type(&self, node: Node<'t>, annotation: Option<Node<'t>>, value: Option<Node<'t>>) -> Option<Box<str>> {
        let written = annotation.map(|annotation| self.type_of(annotation));
        let told = tagged(self.doc_comment(node), "@var", None);
        let known = value.map(|value| self.expression(value)).filter(|known| tells(known));
        let written = match written.as_deref() {
            Some("array" | "mixed" | "iterable") => told.or(written),
            _ => written.or(told),
        };
        written.or_else(|| known.map(|known| with("=", &known)))
    }

    /// A parameter of a constructor that is a property as well.
    pub(super) fn promoted(&mut self, parameter: Node<'t>) {
        let mut symbol = self.definition(parameter, self.field(parameter, Field::NameOf), SymbolKind::Field);
        symbol.signature = span(parameter);
        symbol.flags = self.modifiers(parameter);
        symbol.of_type = self.field(parameter, Field::TypeOf).map(|annotation| self.type_of(annotation));
        let ticket = self.facts.symbol(symbol);
        if let Some((container, _)) = self.open_type() {
            self.facts.put_into(ticket, container);
        }
    }

    /// `const A = 1, B = 2;`, in a type or in the file.
    pub(super) fn constants(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.then(self.field(node, Field::Attributes));
        let annotation = self.field(node, Field::TypeOf);
        walk.then(annotation);
        let elements = self.parts(node, Kind::ConstElement);
        let n_elements = elements.len();
        for element in elements {
            let parts = walk::named_children(element);
            let mut symbol = self.definition(node, parts.first().copied(), SymbolKind::Constant);
            (symbol.range, symbol.signature) = self.place(node, element, n_elements);
            symbol.flags = self.modifiers(node);
            let value = parts.get(1).copied();
            symbol.of_type = self.property_type(node, annotation, value);
            self.facts.symbol(symbol);
            walk.then(value);
        }
    }

    /// `case Hearts = 'H';`.
    pub(super) fn case(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let mut symbol = self.definition(node, self.field(node, Field::NameOf), SymbolKind::Variant);
        symbol.flags = Flags::EXPORTED;
        self.facts.symbol(symbol);
        walk.then(self.field(node, Field::Attributes));
        walk.then(self.field(node, Field::Value));
    }

    /// `define('NAME', value)`.
    pub(super) fn define(&mut self, call: Node<'t>) {
        let arguments = self.field(call, Field::ArgumentsOf).map(walk::named_children).unwrap_or_default();
        let first = arguments.first().and_then(|argument| argument.named_child(0));
        let content = first.filter(|first| self.kind(*first) == Kind::String).and_then(|string| string.named_child(0));
        let Some(content) = content.filter(|content| is_name(self.text.of(*content))) else { return };
        let mut symbol = self.definition(call, Some(content), SymbolKind::Constant);
        symbol.flags = Flags::EXPORTED;
        self.facts.symbol(symbol);
    }
}
