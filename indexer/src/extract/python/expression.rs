//! What a receiver or value is, in the grammar of expressions, with local names replaced.

use std::rc::Rc;

use tree_sitter::Node;

use super::{Field, Kind, Python, Value};
use crate::extract::expression::{MAX_DEPTH, member, of_type, type_text, unknown, with};
use crate::extract::walk;

/// Functions whose result has the elements of their first argument.
const KEEP_ELEMENTS: &[&str] = &["frozenset", "iter", "list", "reversed", "set", "sorted", "tuple"];

impl<'t> Python<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    /// The value that a name is bound to.
    pub(super) fn known(&self, value: Value<'t>) -> Box<str> {
        match value {
            Value::Of(node) => self.expression(node),
            Value::Each(node) => self.each(node),
            Value::OfType(node) => of_type(&self.type_of(node)),
            Value::Unknown => unknown(),
        }
    }

    /// A type as written, also where it is quoted.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        let text = self.text.of(node).trim();
        let unquoted = text.trim_matches(['"', '\'']);
        type_text(if unquoted.contains(['"', '\'']) { text } else { unquoted }, &['"', '\''], &[])
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier => self.name(self.text.of(node)),
            Kind::Attribute => member(&part(Field::Object), ".", self.word(node, Field::AttributeName)),
            Kind::Call => self.result(node, depth),
            Kind::Subscript => with(&part(Field::Value), "[]"),
            Kind::Await => with(&self.first(node, depth), ".await"),
            Kind::ParenthesizedExpression => self.first(node, depth),
            Kind::AsPattern => self.first(node, depth),
            Kind::NamedExpression => part(Field::Value),
            Kind::BooleanOperator => self.either(part(Field::Left), || part(Field::Right)),
            Kind::ConditionalExpression => self.conditional(node, depth),
            _ => literal(self.kind(node)).map_or_else(unknown, of_type),
        }
    }

    fn name(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if name.is_empty() => unknown(),
            None => name.into(),
        }
    }

    /// The first named child.
    fn first(&self, node: Node<'t>, depth: u32) -> Box<str> {
        node.named_child(0).map_or_else(unknown, |child| self.value(child, depth))
    }

    fn either(&self, one: Box<str>, other: impl Fn() -> Box<str>) -> Box<str> {
        if tells(&one) { one } else { other() }
    }

    fn conditional(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let parts = walk::named_children(node);
        let part = |at: usize| parts.get(at).map_or_else(unknown, |part| self.value(*part, depth));
        self.either(part(0), || part(2))
    }

    /// What a call gives: `cast(T, x)` a `T`, `super()` the type above.
    fn result(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(function) = self.field(node, Field::Function) else { return unknown() };
        let name = self.text.of(function);
        let first = || self.field(node, Field::Arguments).and_then(|arguments| arguments.named_child(0));
        match name {
            "super" => "super".into(),
            "cast" | "typing.cast" | "t.cast" => first().map_or_else(unknown, |kind| of_type(&self.type_of(kind))),
            // A copy is of the type of what is copied.
            "deepcopy" | "copy.deepcopy" | "copy.copy" => {
                first().map_or_else(unknown, |copied| self.value(copied, depth))
            }
            "type" if first().is_some_and(|it| &*self.value(it, depth) == "this") => "Self".into(),
            _ => with(&self.value(function, depth), "()"),
        }
    }

    /// An element of an expression.
    fn each(&self, node: Node<'t>) -> Box<str> {
        let mut node = node;
        while self.kind(node) == Kind::Call && KEEP_ELEMENTS.contains(&self.word(node, Field::Function)) {
            match self.field(node, Field::Arguments).and_then(|arguments| arguments.named_child(0)) {
                Some(first) => node = first,
                None => break,
            }
        }
        self.each_of_literal(node).unwrap_or_else(|| with(&self.expression(node), "[]"))
    }

    /// `[A(), B()]` and `[f(x) for x in xs]` tell what is in them.
    fn each_of_literal(&self, node: Node<'t>) -> Option<Box<str>> {
        match self.kind(node) {
            Kind::List | Kind::Set | Kind::Tuple => {
                Some(node.named_child(0).map_or_else(unknown, |it| self.expression(it)))
            }
            Kind::ListComprehension | Kind::SetComprehension | Kind::GeneratorExpression => Some(unknown()),
            _ => None,
        }
    }

    /// The arguments of a call of that name, if a node is one.
    pub(super) fn arguments_of(&self, node: Node<'t>, name: &str) -> Option<Vec<Node<'t>>> {
        let is_it = self.kind(node) == Kind::Call && self.word(node, Field::Function) == name;
        is_it.then(|| self.field(node, Field::Arguments).map(walk::named_children)).flatten()
    }

    /// Binds a local name.
    pub(super) fn bind_name(&mut self, name: &'t str, known: impl Into<Rc<str>>) {
        self.scopes.bind(name, known);
    }
}

/// Whether an expression says more than that there is something, or nothing at run time.
pub(super) fn tells(known: &str) -> bool {
    known != "?" && known != "<None>"
}

fn literal(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::String | Kind::ConcatenatedString => Some("str"),
        Kind::Integer => Some("int"),
        Kind::Float => Some("float"),
        Kind::True | Kind::False => Some("bool"),
        Kind::None => Some("None"),
        Kind::List | Kind::ListComprehension => Some("list"),
        Kind::Dictionary | Kind::DictionaryComprehension => Some("dict"),
        Kind::Set | Kind::SetComprehension => Some("set"),
        Kind::Tuple => Some("tuple"),
        _ => None,
    }
}
