//! What a receiver or value is, in the grammar of expressions, with local names replaced.

use tree_sitter::Node;

use super::{Field, Kind, Scala};
use crate::extract::expression::{MAX_DEPTH, member, of_type, type_text, unknown, with};

impl<'t> Scala<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    /// A type as written.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        type_text(self.text.of(node), &[], &[])
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier => self.name(self.text.of(node)),
            Kind::FieldExpression => member(&part(Field::Value), ".", self.word(node, Field::FieldName)),
            Kind::Call => with(&part(Field::FunctionOf), "()"),
            Kind::GenericFunction => part(Field::FunctionOf),
            Kind::Instance => node.named_child(0).map_or_else(unknown, |class| of_type(&self.type_of(class))),
            Kind::Parenthesized => node.named_child(0).map_or_else(unknown, |inner| self.value(inner, depth)),
            Kind::Infix if self.field(node, Field::Operator).is_some_and(|it| self.kind(it) == Kind::Identifier) => {
                with(&member(&part(Field::Left), ".", self.word(node, Field::Operator)), "()")
            }
            kind => literal(kind).map_or_else(unknown, of_type),
        }
    }

    fn name(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if matches!(name, "" | "_" | "None") => unknown(),
            None => name.into(),
        }
    }
}

/// Whether an expression says more than that there is something.
pub(super) fn tells(known: &str) -> bool {
    known != "?"
}

fn literal(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::String | Kind::Interpolated => Some("String"),
        Kind::IntegerLiteral => Some("Int"),
        Kind::FloatLiteral => Some("Double"),
        Kind::BooleanLiteral => Some("Boolean"),
        _ => None,
    }
}
