//! What locals are bound to.

use tree_sitter::Node;

use super::{Field, Go, Kind, Later, Walk};
use crate::extract::expression::{of_type, unknown, with};
use crate::extract::walk;

impl<'t> Go<'t> {
    /// `a, b := f()`.
    pub(super) fn short_declaration(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.then(self.field(node, Field::Right));
        walk.later(Later::Define(node));
    }

    /// `a := <-c` in a `select`.
    pub(super) fn receive(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let is_definition = walk::children(node).iter().any(|child| self.kind(*child) == Kind::Define);
        if is_definition {
            return self.short_declaration(node, walk);
        }
        if let Some(left) = self.field(node, Field::Left) {
            walk.each_child(left, |walk, target| self.written(Some(target), walk));
        }
        walk.then(self.field(node, Field::Right));
    }

    /// `var a, b T = f()` in a function.
    pub(super) fn local_spec(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.then(self.field(node, Field::TypeOf));
        walk.then(self.field(node, Field::Value));
        walk.later(Later::Define(node));
    }

    /// Binds the names of a declaration; all values are looked at before the first is bound.
    pub(super) fn define(&mut self, node: Node<'t>) {
        let names: Vec<_> = match self.field(node, Field::Left) {
            Some(left) => walk::named_children(left),
            None => self.names(node).collect(),
        };
        let of = self.field(node, Field::TypeOf).map(|it| self.something_of(it));
        let (values, is_several) = (self.values(node, names.len()), names.len() > 1);
        for (at, name) in names.into_iter().enumerate() {
            let known = of.clone().or_else(|| values.get(at).cloned()).unwrap_or_else(unknown);
            let text = self.text.of(name);
            if text != "_" && self.kind(name) == Kind::Identifier && (!is_several || !self.is_known_again(text, &known))
            {
                self.scopes.bind(text, known);
            }
        }
    }

    /// `c, err := f()` may set an older `c` anew: what is known of it stays, if the new value tells nothing.
    fn is_known_again(&self, name: &str, known: &str) -> bool {
        known == "?" && self.scopes.find(name).is_some()
    }

    /// What is on the right side, spread over `n` names.
    pub(super) fn values(&self, node: Node<'t>, n: usize) -> Vec<Box<str>> {
        let right = self.field(node, Field::Right).or_else(|| self.field(node, Field::Value));
        let Some(right) = right else { return Vec::new() };
        let list = if self.kind(right) == Kind::ExpressionList { walk::named_children(right) } else { vec![right] };
        match list[..] {
            [call] if n > 1 && self.kind(call) == Kind::CallExpression => {
                let known = self.expression(call);
                (0..n).map(|at| with(&known, &format!(".{at}"))).collect()
            }
            _ => list.into_iter().map(|value| self.expression(value)).collect(),
        }
    }

    /// `for i, x := range xs`.
    pub(super) fn range(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.then(self.field(node, Field::Right));
        let is_definition = walk::children(node).iter().any(|child| self.kind(*child) == Kind::Define);
        match self.field(node, Field::Left) {
            Some(_) if is_definition => walk.later(Later::Range(node)),
            Some(left) => walk.each_child(left, |walk, target| self.written(Some(target), walk)),
            None => {}
        }
    }

    pub(super) fn bind_range(&mut self, node: Node<'t>) {
        let each = self.field(node, Field::Right).map_or_else(unknown, |it| with(&self.expression(it), "[]"));
        let names = self.field(node, Field::Left).map(walk::named_children).unwrap_or_default();
        for (at, name) in names.into_iter().enumerate() {
            let known = if at == 1 { each.clone() } else { unknown() };
            self.scopes.bind(self.text.of(name), known);
        }
    }

    /// `switch v := x.(type)`: in each case `v` is what the case says.
    pub(super) fn type_switch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        let name = self.field(node, Field::Alias).and_then(|alias| alias.named_child(0));
        let name = name.map_or("", |name| self.text.of(name));
        let alias = self.field(node, Field::Alias);
        let value = self.field(node, Field::Value);
        walk.each_child(node, |walk, child| match self.kind(child) {
            _ if Some(child) == alias => {}
            Kind::TypeCase => self.type_case(child, (name, value), walk),
            Kind::DefaultCase => {
                walk.later(Later::Case { name, of: None, value });
                walk.then(child);
            }
            _ => walk.then(child),
        });
        walk.later(Later::Leave);
    }

    /// One case: its types are used, and what is in it sees the name as the one type that it names; of several as what it was.
    fn type_case(&self, case: Node<'t>, (name, value): (&'t str, Option<Node<'t>>), walk: &mut Walk<'t>) {
        let parts = walk::named_children(case);
        let is_type = |it: &Node<'t>| !matches!(self.kind(*it), Kind::StatementList | Kind::Comment);
        let types: Vec<_> = parts.iter().copied().filter(is_type).collect();
        walk.later(Later::Enter);
        walk.later(Later::Case { name, of: if let [one] = types[..] { Some(one) } else { None }, value });
        parts.into_iter().for_each(|part| walk.then(part));
        walk.later(Later::Leave);
    }

    pub(super) fn bind_case(&mut self, name: &'t str, of: Option<Node<'t>>, value: Option<Node<'t>>) {
        let as_it_was = || value.map_or_else(unknown, |value| self.expression(value));
        let known = of.map_or_else(as_it_was, |it| self.something_of(it));
        self.scopes.bind(name, known);
    }

    /// Binds the parameters of a function.
    pub(super) fn bind_parameters(&mut self, parameters: Node<'t>) {
        for parameter in walk::named_children(parameters) {
            let Some(type_of) = self.field(parameter, Field::TypeOf) else { continue };
            let is_list = self.kind(parameter) == Kind::VariadicParameter;
            let known = if is_list { of_type(&with("[]", &self.type_of(type_of))) } else { self.something_of(type_of) };
            for name in self.names(parameter) {
                self.scopes.bind(self.text.of(name), known.clone());
            }
        }
    }
}
