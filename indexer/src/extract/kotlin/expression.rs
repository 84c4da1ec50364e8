//! What a receiver or value is, in the grammar of expressions, with local names replaced.

use tree_sitter::Node;

use super::{Field, Kind, Kotlin};
use crate::extract::expression::{MAX_DEPTH, member, of_type, type_text, unknown, with};
use crate::extract::walk;

/// Functions that give their lambda what they are called on.
const SAME: &[&str] = &["let", "also", "takeIf", "takeUnless"];

impl<'t> Kotlin<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    /// A type as written.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        type_text(self.text.of(node), &[], &["in", "out"])
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        let first = || node.named_child(0).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier => self.name(self.text.of(node)),
            Kind::This => "this".into(),
            Kind::Super => "super".into(),
            Kind::Navigation => {
                let name = walk::named_children(node).last().map_or("", |name| self.text.of(*name));
                member(&first(), ".", name)
            }
            Kind::Call => with(&first(), "()"),
            Kind::Index => with(&first(), "[]"),
            Kind::Unary if self.word(node, Field::Operator) == "!!" => part(Field::Argument),
            Kind::AsExpression => {
                self.field(node, Field::Right).map_or_else(unknown, |class| of_type(&self.type_of(class)))
            }
            Kind::Parenthesized => first(),
            Kind::Binary if self.word(node, Field::Operator) == "?:" => part(Field::Left),
            Kind::ObjectLiteral => unknown(),
            kind => literal(kind).map_or_else(unknown, of_type),
        }
    }

    fn name(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if matches!(name, "" | "null" | "true" | "false") => unknown(),
            None => name.into(),
        }
    }

    /// What a call gives to the lambda behind it: `x.let { … }` gives x, others an element.
    pub(super) fn given(&self, function: Node<'t>) -> Box<str> {
        let parts = walk::named_children(function);
        match (self.kind(function), parts.first(), parts.last()) {
            (Kind::Navigation, Some(object), Some(name)) if SAME.contains(&self.text.of(*name)) => {
                self.expression(*object)
            }
            (Kind::Navigation, Some(object), Some(name)) if !matches!(self.text.of(*name), "run" | "apply" | "use") => {
                with(&self.expression(*object), "[]")
            }
            (Kind::Navigation, Some(object), Some(name)) if self.text.of(*name) == "use" => self.expression(*object),
            _ => unknown(),
        }
    }
}

/// Whether an expression says more than that there is something.
pub(super) fn tells(known: &str) -> bool {
    known != "?"
}

fn literal(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::StringLiteral => Some("String"),
        Kind::NumberLiteral => Some("Int"),
        Kind::FloatLiteral => Some("Double"),
        Kind::CharacterLiteral => Some("Char"),
        _ => None,
    }
}
