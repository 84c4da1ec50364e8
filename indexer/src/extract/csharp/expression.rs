//! What a receiver or value is, in the grammar of expressions, with local names replaced.

use tree_sitter::Node;

use super::{Field, Kind, Sharp};
use crate::extract::expression::{MAX_DEPTH, member, of_type, or_unknown, type_text, unknown, with};
use crate::extract::walk;

impl<'t> Sharp<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier => self.name(self.text.of(node)),
            Kind::GenericName => self.type_of(node),
            Kind::This => "this".into(),
            Kind::Base => "super".into(),
            Kind::MemberAccess => self.member_value(&part(Field::ExpressionOf), self.field(node, Field::Name)),
            Kind::ConditionalAccess => {
                let binding = walk::named_children(node).into_iter().find(|it| self.kind(*it) == Kind::MemberBinding);
                let name = binding.and_then(|binding| self.field(binding, Field::Name));
                self.member_value(&part(Field::Condition), name)
            }
            Kind::Invocation => with(&part(Field::Function), "()"),
            Kind::ElementAccess => with(&part(Field::ExpressionOf), "[]"),
            Kind::ObjectCreation | Kind::CastExpression => self.something(self.field(node, Field::TypeOf)),
            Kind::AsExpression => self.something(self.field(node, Field::Right)),
            Kind::ArrayCreation => self.something(self.field(node, Field::TypeOf)),
            Kind::AwaitExpression => with(&self.first(node, depth), ".await"),
            Kind::Parenthesized => self.first(node, depth),
            Kind::Assignment => part(Field::Right),
            Kind::ConditionalExpression => {
                let one = part(Field::Consequence);
                if &*one == "?" { part(Field::Alternative) } else { one }
            }
            Kind::StringLiteral | Kind::VerbatimString | Kind::InterpolatedString => of_type("string"),
            Kind::IntegerLiteral => of_type("int"),
            Kind::PredefinedType | Kind::QualifiedName => self.type_of(node),
            _ => unknown(),
        }
    }

    fn name(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if name.is_empty() => unknown(),
            None => name.into(),
        }
    }

    fn first(&self, node: Node<'t>, depth: u32) -> Box<str> {
        node.named_child(0).map_or_else(unknown, |inner| self.value(inner, depth))
    }

    fn member_value(&self, object: &str, name: Option<Node<'t>>) -> Box<str> {
        match name {
            Some(name) => member(object, ".", self.text.of(self.split(name).0)),
            None => unknown(),
        }
    }

    fn something(&self, of: Option<Node<'t>>) -> Box<str> {
        of.map_or_else(unknown, |of| self.something_of(of))
    }

    /// A type as written; that it may be nothing says nothing of its members.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        let mut node = node;
        while matches!(self.kind(node), Kind::NullableType | Kind::RefType) {
            let Some(inner) = self.field(node, Field::TypeOf) else { return unknown() };
            node = inner;
        }
        if self.kind(node) == Kind::ImplicitType { unknown() } else { self.plain_type(self.text.short(node)) }
    }

    pub(super) fn plain_type(&self, text: &str) -> Box<str> {
        or_unknown(type_text(text, &['?'], &[]))
    }

    /// Something of a type; a parameter of the type or method says nothing.
    pub(super) fn something_of(&self, node: Node<'t>) -> Box<str> {
        let name = self.type_of(node);
        if self.scopes.find(&name).is_some() { unknown() } else { of_type(&name) }
    }
}
