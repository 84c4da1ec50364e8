//! What names are bound to: by `let`, `for`, `match`, `if let`, closures.

use kotadb_core::facts::{Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::{Field, Kind, Later, Rust, Value, Walk};
use crate::extract::expression::{of_type, unknown, with};
use crate::extract::walk;

/// A pattern, the expression it is bound to, and where that is written, if it is.
struct Open<'t> {
    node: Node<'t>,
    known: Box<str>,
    written: Option<Node<'t>>,
}

/// Statements and expressions that bind.
impl<'t> Rust<'t> {
    /// False: the node binds nothing and opens no scope.
    pub(super) fn binding(&mut self, node: Node<'t>, kind: Kind, walk: &mut Walk<'t>) -> bool {
        match kind {
            Kind::Block => {
                self.scopes.enter();
                walk.children(node);
                walk.later(Later::Leave);
            }
            Kind::LetDeclaration => self.declaration(node, walk),
            Kind::LetCondition => {
                let value = self.field(node, Field::Value);
                walk.then(value);
                self.bind_later(node, value.map_or(Value::Unknown, Value::Of), walk);
            }
            Kind::IfExpression | Kind::WhileExpression => self.branch(node, walk),
            Kind::ForExpression => self.for_loop(node, walk),
            Kind::MatchExpression => {
                let value = self.field(node, Field::Value);
                walk.then(value);
                value.into_iter().for_each(|value| walk.later(Later::Match(value)));
                walk.then(self.field(node, Field::Body));
                value.into_iter().for_each(|_| walk.later(Later::LeaveMatch));
            }
            Kind::MatchArm => self.arm(node, walk),
            Kind::ClosureExpression => self.closure(node, "?", walk),
            _ => return false,
        }
        true
    }

    fn bind_later(&mut self, node: Node<'t>, value: Value<'t>, walk: &mut Walk<'t>) {
        if let Some(pattern) = self.field(node, Field::Pattern) {
            walk.later(Later::Bind { pattern, value });
        }
    }

    fn declaration(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (value, annotation) = (self.field(node, Field::Value), self.field(node, Field::TypeOf));
        walk.then(annotation);
        walk.then(value);
        walk.then(self.field(node, Field::Alternative));
        let value = match annotation {
            // `let x: _ = …`
            Some(annotation) if self.text.of(annotation) != "_" => Value::OfType(annotation),
            _ => value.map_or(Value::Unknown, Value::Of),
        };
        self.bind_later(node, value, walk);
    }

    /// What a condition binds is seen in its branch alone.
    fn branch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        walk.then(self.field(node, Field::Condition));
        walk.then(self.field(node, Field::Consequence).or_else(|| self.field(node, Field::Body)));
        walk.later(Later::Leave);
        walk.then(self.field(node, Field::Alternative));
    }

    fn for_loop(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let value = self.field(node, Field::Value);
        walk.then(value);
        walk.later(Later::Enter);
        self.bind_later(node, value.map_or(Value::Unknown, Value::Each), walk);
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Leave);
    }

    fn arm(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        let known = self.matched.last().cloned().unwrap_or_else(unknown);
        if let Some(pattern) = self.field(node, Field::Pattern) {
            self.bind_known(Open { node: pattern, known, written: None }, walk);
            walk.then(self.field(pattern, Field::Condition));
        }
        walk.then(self.field(node, Field::Value));
        walk.later(Later::Leave);
    }

    /// A closure whose parameter is `known`, where it is not annotated. A tuple holds the parameters of `fold` and such.
    pub(super) fn closure(&mut self, node: Node<'t>, known: &str, walk: &mut Walk<'t>) {
        self.scopes.enter();
        let parameters = self.field(node, Field::Parameters).map(walk::named_children).unwrap_or_default();
        let known = if parameters.len() == 1 { known } else { "?" };
        for parameter in parameters {
            match self.field(parameter, Field::TypeOf) {
                Some(annotation) if self.kind(parameter) == Kind::Parameter => {
                    walk.then(annotation);
                    self.bind_later(parameter, Value::OfType(annotation), walk);
                }
                _ => self.bind_known(Open { node: parameter, known: known.into(), written: None }, walk),
            }
        }
        walk.then(self.field(node, Field::ReturnType));
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Leave);
    }
}

/// Patterns.
impl<'t> Rust<'t> {
    pub(super) fn bind(&mut self, pattern: Node<'t>, value: Value<'t>, walk: &mut Walk<'t>) {
        let written = if let Value::Of(node) = value { Some(node) } else { None };
        if let Value::Each(over) = value
            && self.bind_enumerated(pattern, over, walk)
        {
            return;
        }
        let known = self.known(value);
        self.bind_known(Open { node: pattern, known, written }, walk);
    }

    /// `for (i, x) in xs.iter().enumerate()`: x is an element of xs.
    fn bind_enumerated(&mut self, pattern: Node<'t>, over: Node<'t>, walk: &mut Walk<'t>) -> bool {
        let function = self.field(over, Field::Function).filter(|it| self.word(*it, Field::FieldName) == "enumerate");
        let list = function.and_then(|function| self.field(function, Field::Value));
        let (Some(list), [number, element]) = (list, &walk::named_children(pattern)[..]) else { return false };
        let known = with(&self.expression(list), "[]");
        self.bind_known(Open { node: *number, known: of_type("usize"), written: None }, walk);
        self.bind_known(Open { node: *element, known, written: None }, walk);
        true
    }

    fn bind_known(&mut self, pattern: Open<'t>, walk: &mut Walk<'t>) {
        let mut open = vec![pattern];
        while let Some(pattern) = open.pop() {
            let node = pattern.node;
            match self.kind(node) {
                Kind::Identifier | Kind::ShorthandField => self.bind_name(node, pattern.known),
                Kind::ScopedIdentifier => self.scoped(node, Role::Read, walk),
                Kind::TuplePattern => open.extend(self.tuple(&pattern)),
                Kind::TupleStructPattern => self.variant(&pattern, &mut open, walk),
                Kind::StructPattern => self.fields(&pattern, &mut open, walk),
                Kind::SlicePattern => {
                    let known = with(&pattern.known, "[]");
                    open.extend(same(walk::named_children(node), &known));
                }
                Kind::MatchPattern => open.extend(node.named_child(0).map(|node| Open { node, ..pattern })),
                Kind::CapturedPattern
                | Kind::OrPattern
                | Kind::MutPattern
                | Kind::RefPattern
                | Kind::ReferencePattern => {
                    open.extend(same(walk::named_children(node), &pattern.known));
                }
                Kind::Other => open.extend(same(walk::named_children(node), "?")),
                Kind::Wildcard | Kind::RemainingPattern | Kind::Metavariable => {}
                _ => walk.then(node),
            }
        }
    }

    /// In patterns a name in capitals is a constant or variant.
    fn bind_name(&mut self, node: Node<'t>, known: Box<str>) {
        let name = self.name(node);
        if name.starts_with(|c: char| c.is_uppercase()) {
            self.bare(node, Role::Read);
        } else {
            self.scopes.bind(name, known);
        }
    }

    /// The elements of a pattern; `_` is one, though the grammar gives it no name.
    fn parts(&self, node: Node<'t>) -> Vec<Node<'t>> {
        let mut elements = walk::children(node);
        elements.retain(|part| part.is_named() || self.kind(*part) == Kind::Wildcard);
        elements
    }

    fn tuple(&self, pattern: &Open<'t>) -> Vec<Open<'t>> {
        let parts = self.parts(pattern.node);
        let written = pattern.written.filter(|it| self.kind(*it) == Kind::TupleExpression);
        let values = written.map(walk::named_children).filter(|values| values.len() == parts.len());
        let mut is_counted = true;
        let element = |(at, node): (usize, Node<'t>)| {
            is_counted &= self.kind(node) != Kind::RemainingPattern;
            let written = values.as_ref().map(|values| values[at]);
            let known = match written {
                Some(value) => self.expression(value),
                None if is_counted => with(&pattern.known, &format!(".{at}")),
                None => unknown(),
            };
            Open { node, known, written }
        };
        parts.into_iter().enumerate().map(element).collect()
    }

    /// `Some(x)`, `Ok(x)`: the value inside; of another variant or struct its elements.
    fn variant(&mut self, pattern: &Open<'t>, open: &mut Vec<Open<'t>>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(pattern.node, Field::TypeOf) else { return };
        walk.then(name);
        let inside = matches!(self.text.of(name), "Some" | "Ok").then(|| with(&pattern.known, "?"));
        let made = self.made(name);
        let mut is_counted = self.text.of(name) != "Err";
        let parts = self.parts(pattern.node).into_iter().filter(|part| *part != name);
        for (at, node) in parts.enumerate() {
            is_counted &= self.kind(node) != Kind::RemainingPattern;
            let known = match &inside {
                Some(inside) => inside.clone(),
                None if is_counted => with(&made, &format!(".{at}")),
                None => unknown(),
            };
            open.push(Open { node, known, written: None });
        }
    }

    /// `Pool { size, name: n }`: fields of a `Pool`.
    fn fields(&mut self, pattern: &Open<'t>, open: &mut Vec<Open<'t>>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(pattern.node, Field::TypeOf) else { return };
        let made = self.made(name);
        walk.then(name);
        for field in self.children_of(pattern.node, Kind::FieldPattern) {
            let Some(name) = self.field(field, Field::Name) else { continue };
            self.add(name, Role::Read, Some(made.clone()), UNKNOWN_ARITY);
            let known = crate::extract::expression::member(&made, ".", self.name(name));
            let node = self.field(field, Field::Pattern).unwrap_or(name);
            open.push(Open { node, known, written: None });
        }
    }
}

fn same<'t>(nodes: Vec<Node<'t>>, known: &str) -> Vec<Open<'t>> {
    nodes.into_iter().map(|node| Open { node, known: known.into(), written: None }).collect()
}
