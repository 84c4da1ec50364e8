//! What a receiver or value is, in the grammar of expressions, with local names replaced.

use tree_sitter::Node;

use super::{Field, Kind, Lua};
use crate::extract::expression::{MAX_DEPTH, member, of_type, unknown, with};
use crate::extract::walk;

impl<'t> Lua<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier => self.name(self.text.of(node)),
            Kind::DotIndex => member(&part(Field::TableOf), ".", self.word(node, Field::FieldName)),
            Kind::MethodIndex => member(&part(Field::TableOf), ".", self.word(node, Field::Method)),
            Kind::BracketIndex => with(&part(Field::TableOf), "[]"),
            Kind::FunctionCall => self.result(node, depth),
            Kind::Parenthesized => node.named_child(0).map_or_else(unknown, |inner| self.value(inner, depth)),
            kind => literal(kind).map_or_else(unknown, of_type),
        }
    }

    fn name(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if name == "self" => "this".into(),
            None if name.is_empty() => unknown(),
            None => name.into(),
        }
    }

    /// `setmetatable({}, M)` gives something of `M`.
    fn result(&self, call: Node<'t>, depth: u32) -> Box<str> {
        let Some(function) = self.field(call, Field::Name) else { return unknown() };
        if self.text.of(function) != "setmetatable" {
            return with(&self.value(function, depth), "()");
        }
        let arguments = self.field(call, Field::ArgumentsOf).map(walk::named_children).unwrap_or_default();
        let class = arguments.get(1).filter(|class| self.kind(**class) == Kind::Identifier);
        class.map_or_else(unknown, |class| match self.text.of(*class) {
            "self" => of_type("Self"),
            name => of_type(name),
        })
    }

    /// An element of what `pairs(list)` goes through.
    pub(super) fn each(&self, node: Node<'t>) -> Box<str> {
        let is_pairs = matches!(self.word(node, Field::Name), "pairs" | "ipairs");
        let list =
            self.field(node, Field::ArgumentsOf).filter(|_| is_pairs).and_then(|arguments| arguments.named_child(0));
        list.map_or_else(unknown, |list| with(&self.expression(list), "[]"))
    }
}

/// Whether an expression says more than that there is something, or nothing at run time.
pub(super) fn tells(known: &str) -> bool {
    known != "?" && known != "<nil>"
}

fn literal(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::String => Some("string"),
        Kind::Number => Some("number"),
        Kind::True | Kind::False => Some("boolean"),
        Kind::Nil => Some("nil"),
        Kind::Table => Some("table"),
        Kind::FunctionDefinition => Some("function"),
        _ => None,
    }
}
