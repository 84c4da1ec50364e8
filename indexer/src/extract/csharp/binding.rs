//! What locals are bound to.

use tree_sitter::Node;

use super::{Field, Kind, Later, Sharp, Walk};
use crate::extract::expression::{unknown, with};
use crate::extract::walk;

impl<'t> Sharp<'t> {
    /// `Pool a = f(), b;`, in a statement, `for` or `using`.
    pub(super) fn locals(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let of = self.field(node, Field::TypeOf);
        of.into_iter().for_each(|of| self.type_use(of));
        for declarator in self.declarators(node) {
            let value = self.value_of(declarator);
            self.then_value(value, of, walk);
            let pattern = declarator.named_child(0).filter(|it| self.kind(*it) == Kind::TuplePattern);
            if let Some(name) = self.field(declarator, Field::Name).or(pattern) {
                walk.later(Later::Bind { name, of, value });
            }
        }
    }

    /// A value; `new(1)` makes what the declaration says.
    pub(super) fn then_value(&mut self, value: Option<Node<'t>>, of: Option<Node<'t>>, walk: &mut Walk<'t>) {
        if let (Some(value), Some(of)) = (value, of)
            && self.kind(value) == Kind::ImplicitObjectCreation
        {
            let arguments = value.named_child(0).filter(|it| self.kind(*it) == Kind::ArgumentList);
            self.makes(of, arguments.map_or(0, |arguments| self.n_arguments(arguments)));
        }
        walk.then(value);
    }

    /// Binds a name to something of a type, or to a value, where the type is `var` or left out.
    pub(super) fn bind(&mut self, name: Node<'t>, of: Option<Node<'t>>, value: Option<Node<'t>>) {
        let known = match of.filter(|of| self.kind(*of) != Kind::ImplicitType) {
            Some(of) => self.something_of(of),
            None => value.map_or_else(unknown, |value| self.expression(value)),
        };
        self.bind_pattern(name, &known);
    }

    /// A name, or the parts of `(a, (b, c))`.
    fn bind_pattern(&mut self, pattern: Node<'t>, known: &str) {
        let mut open: Vec<(Node<'t>, Box<str>)> = vec![(pattern, known.into())];
        while let Some((node, known)) = open.pop() {
            if self.kind(node) == Kind::Identifier {
                self.scopes.bind(self.text.of(node), known);
                continue;
            }
            let parts = walk::named_children(node).into_iter().enumerate();
            open.extend(parts.map(|(at, part)| (part, with(&known, &format!(".{at}")))));
        }
    }

    /// `foreach (var x in xs)`.
    pub(super) fn each(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, of) = (self.field(node, Field::Left), self.field(node, Field::TypeOf));
        let list = self.field(node, Field::Right);
        self.scopes.enter();
        of.into_iter().for_each(|of| self.type_use(of));
        walk.then(list);
        if let (Some(name), Some(list)) = (name, list) {
            walk.later(Later::Each { name, of, list });
        }
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Leave);
    }

    pub(super) fn bind_each(&mut self, name: Node<'t>, of: Option<Node<'t>>, list: Node<'t>) {
        let known = match of.filter(|of| self.kind(*of) != Kind::ImplicitType) {
            Some(of) => self.something_of(of),
            None => with(&self.expression(list), "[]"),
        };
        self.bind_pattern(name, &known);
    }

    /// `catch (Error e)`, `out var x`, `is Pool p`, `{ Size: 1 } p`.
    pub(super) fn declared(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, of) = (self.field(node, Field::Name), self.field(node, Field::TypeOf));
        of.into_iter().for_each(|of| self.type_use(of));
        walk.each_child(node, |walk, child| {
            if Some(child) != name && Some(child) != of {
                walk.then(child);
            }
        });
        if let Some(name) = name {
            self.bind(name, of, None);
        }
    }

    /// `from x in xs` of a query; its names live to the end of the statement round it.
    pub(super) fn from(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, of) = (self.field(node, Field::Name), self.field(node, Field::TypeOf));
        of.into_iter().for_each(|of| self.type_use(of));
        let list = walk::named_children(node).into_iter().rfind(|it| Some(*it) != name && Some(*it) != of);
        walk.then(list);
        if let (Some(name), Some(list)) = (name, list) {
            walk.later(Later::Each { name, of, list });
        }
    }

    /// `let y = f(x)` of a query.
    pub(super) fn let_clause(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        let [name, value] = parts[..] else { return walk.children(node) };
        walk.then(value);
        walk.later(Later::Bind { name, of: None, value: Some(value) });
    }

    /// `x => …`, `(a, b) => …`, `(Pool p) => …`.
    pub(super) fn lambda(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        if let Some(list) = self.field(node, Field::Parameters) {
            match self.kind(list) {
                Kind::ParameterList => self.bind_parameters(list),
                _ => self.scopes.bind(self.text.of(list), "?"),
            }
            walk.then(list);
        }
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Leave);
    }
}
