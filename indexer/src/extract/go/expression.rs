//! What a receiver or value is, in the grammar of expressions, with local names replaced. Pointers are what they lead to.

use kotadb_core::facts::expression::bounded;
use tree_sitter::Node;

use super::{Field, Go, Kind};
use crate::extract::expression::{MAX_DEPTH, member, of_type, or_unknown, type_text, unknown, with};

impl<'t> Go<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier => self.name(self.text.of(node)),
            Kind::SelectorExpression => member(&part(Field::Operand), ".", self.word(node, Field::FieldName)),
            Kind::CallExpression => self.result(node, depth),
            Kind::IndexExpression => with(&part(Field::Operand), "[]"),
            Kind::SliceExpression => part(Field::Operand),
            Kind::UnaryExpression => match self.word(node, Field::Operator) {
                "&" | "*" => part(Field::Operand),
                "<-" => with(&part(Field::Operand), "[]"),
                _ => unknown(),
            },
            Kind::ParenthesizedExpression => node.named_child(0).map_or_else(unknown, |inner| self.value(inner, depth)),
            Kind::CompositeLiteral | Kind::TypeAssertion | Kind::TypeConversion => {
                self.field(node, Field::TypeOf).map_or_else(unknown, |it| self.something_of(it))
            }
            Kind::InterpretedString | Kind::RawString => of_type("string"),
            Kind::Int => of_type("int"),
            Kind::Float => of_type("float64"),
            _ => unknown(),
        }
    }

    fn name(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if name.is_empty() || name == "nil" => unknown(),
            None => name.into(),
        }
    }

    /// What a call gives: `new(T)` and `make(T)` a `T`, `append(xs, …)` its list.
    fn result(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(function) = self.field(node, Field::Function) else { return unknown() };
        let first = || self.field(node, Field::Arguments).and_then(|arguments| arguments.named_child(0));
        let is_generic = matches!(self.kind(function), Kind::IndexExpression | Kind::TypeInstantiation);
        let function = function.named_child(0).filter(|_| is_generic).unwrap_or(function);
        match self.text.short(function) {
            "new" | "make" => first().map_or_else(unknown, |it| self.something_of(it)),
            "append" => first().map_or_else(unknown, |it| self.value(it, depth)),
            _ => with(&self.value(function, depth), "()"),
        }
    }

    /// A type as written, without pointers. `chan T` is written `chan<T>`, since blanks go.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        let (mut node, mut n_channels) = (node, 0);
        let of: Box<str> = loop {
            let inner = match self.kind(node) {
                Kind::TypeIdentifier | Kind::Identifier => break self.text.of(node).into(),
                Kind::StructType | Kind::InterfaceType | Kind::FunctionType => break unknown(),
                Kind::PointerType => node.named_child(0),
                Kind::ChannelType => {
                    n_channels += 1;
                    self.field(node, Field::Value)
                }
                _ => break or_unknown(type_text(self.text.short(node), &['*'], &[])),
            };
            let Some(inner) = inner else { break unknown() };
            node = inner;
        };
        (0..n_channels.min(MAX_DEPTH)).fold(of, |of, _| bounded(["chan<", &of, ">"].concat()))
    }

    /// Something of a type; a parameter of the type or function says nothing.
    pub(super) fn something_of(&self, node: Node<'t>) -> Box<str> {
        let name = self.type_of(node);
        if self.scopes.find(&name).is_some() { unknown() } else { of_type(&name) }
    }

    /// What a function returns; several values are a tuple.
    pub(super) fn results(&self, result: Node<'t>) -> Option<Box<str>> {
        if self.kind(result) != Kind::ParameterList {
            return Some(self.type_of(result)).filter(|name| &**name != "?");
        }
        let mut types: Vec<Box<str>> = Vec::new();
        let mut cursor = result.walk();
        for parameter in result.named_children(&mut cursor) {
            let of = self.field(parameter, Field::TypeOf).map_or_else(unknown, |it| self.type_of(it));
            let n = self.n_names(parameter);
            types.extend(std::iter::repeat_n(of, n));
        }
        match &types[..] {
            [] => None,
            [one] => Some(one.clone()),
            _ => Some(bounded(["(", &types.join(","), ")"].concat())),
        }
    }

    /// How many values a parameter stands for.
    pub(super) fn n_names(&self, parameter: Node<'t>) -> usize {
        self.names(parameter).count().max(1)
    }

    /// Names of a parameter, field or declaration.
    pub(super) fn names(&self, node: Node<'t>) -> impl Iterator<Item = Node<'t>> + use<'t> {
        let type_of = self.field(node, Field::TypeOf);
        let grammar = self.grammar;
        let names = crate::extract::walk::named_children(node).into_iter();
        names.filter(move |child| {
            Some(*child) != type_of && matches!(grammar.kind(*child), Kind::Identifier | Kind::FieldIdentifier)
        })
    }
}
