//! What a receiver or value is, in the grammar of expressions, with local names replaced.

use tree_sitter::Node;

use super::{Field, Kind, Open, Swift};
use crate::extract::expression::{MAX_DEPTH, member, of_type, type_text, unknown, with};

impl<'t> Swift<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    /// A type as written.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        type_text(self.text.of(node), &[], &["inout", "some", "any", "borrowing", "consuming"])
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        let first = || node.named_child(0).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::SimpleIdentifier => self.name(self.text.of(node)),
            Kind::SelfExpression => self.this(),
            Kind::Super => "super".into(),
            Kind::Navigation => self.member_value(part(Field::Target), node),
            Kind::Call if first().starts_with("type") && self.text.of(node) == "type(of: self)" => "Self".into(),
            Kind::Call | Kind::Constructor => with(&first(), "()"),
            Kind::UserType => self.text.of(node).split('<').next().unwrap_or_default().into(),
            Kind::Postfix => part(Field::Target),
            Kind::AsExpression => self.last_type(node),
            Kind::Try => part(Field::Expr),
            Kind::Await => with(&part(Field::Expr), ".await"),
            Kind::NilCoalescing | Kind::Tuple => part(Field::Value),
            kind => literal(kind).map_or_else(unknown, of_type),
        }
    }

    /// What `self` is.
    fn this(&self) -> Box<str> {
        let is_static = self.open.iter().rev().find_map(|open| match open {
            Open::Function { is_static } => Some(*is_static),
            _ => None,
        });
        if is_static == Some(true) { "Self".into() } else { "this".into() }
    }

    fn name(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if name.is_empty() || name.starts_with('$') => unknown(),
            None => name.into(),
        }
    }

    /// `a.b`; `A.init` and `A.self` are the type.
    fn member_value(&self, base: Box<str>, node: Node<'t>) -> Box<str> {
        let name = self.field(node, Field::Suffix).map_or("", |suffix| self.word(suffix, Field::Suffix));
        match name {
            "" => unknown(),
            "init" | "self" => base,
            name => member(&base, ".", name),
        }
    }

    /// `a as? B` is a `B`.
    fn last_type(&self, node: Node<'t>) -> Box<str> {
        self.field(node, Field::TypeOf).map_or_else(unknown, |class| of_type(&self.type_of(class)))
    }
}

/// Whether an expression says more than that there is something, or nothing at run time.
pub(super) fn tells(known: &str) -> bool {
    known != "?" && known != "<nil>"
}

fn literal(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::LineString | Kind::MultilineString => Some("String"),
        Kind::IntegerLiteral => Some("Int"),
        Kind::RealLiteral => Some("Double"),
        Kind::BooleanLiteral => Some("Bool"),
        Kind::ArrayLiteral => Some("Array"),
        Kind::DictionaryLiteral => Some("Dictionary"),
        Kind::NilLiteral => Some("nil"),
        _ => None,
    }
}
