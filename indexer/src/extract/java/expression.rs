//! What a receiver or value is, in the grammar of expressions, with local names replaced.

use tree_sitter::Node;

use super::{Field, Java, Kind};
use crate::extract::expression::{MAX_DEPTH, member, of_type, or_unknown, type_text, unknown, with};
use crate::extract::walk;

impl<'t> Java<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier => self.name(self.text.of(node)),
            Kind::This => self.this(),
            Kind::Super => "super".into(),
            Kind::FieldAccess => match self.field(node, Field::FieldName) {
                Some(name) if self.kind(name) == Kind::Identifier => {
                    member(&part(Field::Object), ".", self.text.of(name))
                }
                // `Pool.this`, `Pool.super`.
                _ => of_type(self.word(node, Field::Object)),
            },
            Kind::MethodInvocation => self.result(node, depth),
            Kind::ArrayAccess => with(&part(Field::ArrayOf), "[]"),
            Kind::ObjectCreation => self.field(node, Field::TypeOf).map_or_else(unknown, |it| self.something_of(it)),
            Kind::CastExpression => self.cast(node),
            Kind::ArrayCreation => {
                let of = self.field(node, Field::TypeOf).map_or_else(unknown, |it| self.type_of(it));
                of_type(&with(&of, "[]"))
            }
            Kind::Parenthesized => node.named_child(0).map_or_else(unknown, |inner| self.value(inner, depth)),
            Kind::Assignment => part(Field::Right),
            Kind::Ternary => {
                let one = part(Field::Consequence);
                if &*one == "?" { part(Field::Alternative) } else { one }
            }
            Kind::StringLiteral => of_type("String"),
            Kind::ClassLiteral => {
                let of = node.named_child(0).map_or_else(unknown, |it| self.type_of(it));
                of_type(&["Class<", &*of, ">"].concat())
            }
            // As the object of a method reference.
            Kind::TypeIdentifier | Kind::ScopedType => self.type_of(node),
            Kind::GenericType => node.named_child(0).map_or_else(unknown, |it| self.type_of(it)),
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

    /// The instance; in an anonymous class something of the type that it is written for.
    fn this(&self) -> Box<str> {
        match self.open.last() {
            Some(open) if open.ticket.is_none() => of_type(&open.above),
            _ => "this".into(),
        }
    }

    fn result(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let name = self.word(node, Field::Name);
        match self.field(node, Field::Object) {
            Some(object) => with(&member(&self.value(object, depth), ".", name), "()"),
            None => with(name, "()"),
        }
    }

    /// `(A & B) x` is an `A`.
    fn cast(&self, node: Node<'t>) -> Box<str> {
        self.field(node, Field::TypeOf).map_or_else(unknown, |it| self.something_of(it))
    }

    /// A type as written, without annotations.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        let text = self.text.short(node);
        if text.contains('@') {
            let plain = walk::named_children(node).into_iter().next_back();
            return plain.map_or_else(unknown, |it| or_unknown(type_text(self.text.short(it), &[], &[])));
        }
        self.plain_type(text)
    }

    pub(super) fn plain_type(&self, text: &str) -> Box<str> {
        or_unknown(type_text(text, &[], &["extends", "final"]))
    }

    /// Something of a type; a parameter of the type or method is what it is bound by.
    pub(super) fn something_of(&self, node: Node<'t>) -> Box<str> {
        let name = self.type_of(node);
        self.scopes.find(&name).map_or_else(|| of_type(&name), |known| (&**known).into())
    }
}
