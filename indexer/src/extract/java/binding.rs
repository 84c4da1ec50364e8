//! What locals are bound to.

use tree_sitter::Node;

use super::{Field, Java, Kind, Later, Walk};
use crate::extract::expression::{unknown, with};
use crate::extract::walk;

impl<'t> Java<'t> {
    pub(super) fn local_variable(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let of = self.field(node, Field::TypeOf);
        walk.then(node.named_child(0).filter(|first| self.kind(*first) == Kind::Modifiers));
        walk.then(of);
        for declarator in self.declarators(node) {
            let value = self.field(declarator, Field::Value);
            walk.then(value);
            if let Some(name) = self.field(declarator, Field::Name) {
                walk.later(Later::Bind { name, declarator, of, value });
            }
        }
    }

    /// Binds a name to something of a type, or to a value, where the type is `var` or left out.
    pub(super) fn bind(
        &mut self,
        (name, declarator): (Node<'t>, Node<'t>),
        of: Option<Node<'t>>,
        value: Option<Node<'t>>,
    ) {
        let known = match of.filter(|of| self.text.of(*of) != "var") {
            Some(of) => self.something_sized(of, declarator),
            None => value.map_or_else(unknown, |value| self.expression(value)),
        };
        self.scopes.bind(self.text.of(name), known);
    }

    /// `for (Pool p : pools)`.
    pub(super) fn each(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, of) = (self.field(node, Field::Name), self.field(node, Field::TypeOf));
        let list = self.field(node, Field::Value);
        self.scopes.enter();
        walk.then(of);
        walk.then(list);
        if let (Some(name), Some(of), Some(list)) = (name, of, list) {
            walk.later(Later::Each { name, of, list });
        }
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Leave);
    }

    pub(super) fn bind_each(&mut self, name: Node<'t>, of: Node<'t>, list: Node<'t>) {
        let is_inferred = self.text.of(of) == "var";
        let known = if is_inferred { with(&self.expression(list), "[]") } else { self.something_of(of) };
        self.scopes.bind(self.text.of(name), known);
    }

    /// `try (Reader r = open())`.
    pub(super) fn resource(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, of) = (self.field(node, Field::Name), self.field(node, Field::TypeOf));
        let Some(name) = name else { return walk.children(node) };
        let value = self.field(node, Field::Value);
        walk.then(of);
        walk.then(value);
        walk.later(Later::Bind { name, declarator: node, of, value });
    }

    /// `catch (A | B e)`: of several types nothing is known but that it is one of them.
    pub(super) fn catch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        let parts = walk::named_children(node);
        let grammar = self.grammar;
        for parameter in parts.into_iter().filter(|it| grammar.kind(*it) == Kind::CatchParameter) {
            let name = self.field(parameter, Field::Name);
            let types = walk::named_children(parameter).into_iter().find(|it| self.kind(*it) == Kind::CatchType);
            let types = types.map(walk::named_children).unwrap_or_default();
            let known = if let [one] = types[..] { self.something_of(one) } else { unknown() };
            self.scopes.bind(name.map_or("", |name| self.text.of(name)), known);
            types.into_iter().for_each(|one| walk.then(one));
        }
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Leave);
    }

    /// `x -> …`, `(a, b) -> …`, `(Pool p) -> …`.
    pub(super) fn lambda(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        match self.field(node, Field::Parameters).map(|list| (list, self.kind(list))) {
            Some((name, Kind::Identifier)) => self.scopes.bind(self.text.of(name), "?"),
            Some((list, kind)) => {
                self.bind_parameters(list);
                walk.then(Some(list).filter(|_| kind == Kind::FormalParameters));
            }
            None => {}
        }
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Leave);
    }

    /// `x instanceof Pool p`.
    pub(super) fn instance_of(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, of) = (self.field(node, Field::Name), self.field(node, Field::Right));
        walk.children_but(node, name);
        if let (Some(name), Some(_)) = (name, of) {
            walk.later(Later::Bind { name, declarator: node, of, value: None });
        }
    }

    /// `case Pool p`, `case Point(int x, int y)`.
    pub(super) fn type_pattern(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        if let [of, name] = parts[..]
            && self.kind(name) == Kind::Identifier
        {
            walk.then(of);
            return walk.later(Later::Bind { name, declarator: node, of: Some(of), value: None });
        }
        walk.children(node);
    }

    pub(super) fn record_pattern(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = node.named_child(0).filter(|name| self.kind(*name) == Kind::Identifier);
        name.into_iter().for_each(|name| self.bare(name, kotadb_core::facts::Role::Type));
        walk.children_but(node, name);
    }
}
