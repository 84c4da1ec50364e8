//! What names are bound to: by assignments, parameters, loops, `rescue`, patterns; and what is defined where it is first
//! set: constants, instance, class and global variables.

use kotadb_core::facts::{Flags, Role, Symbol, SymbolKind, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::expression::tells;
use super::{Field, Kind, Later, Ruby, Value, Walk};
use crate::extract::expression::{of_type, unknown, with};
use crate::extract::text::span;
use crate::extract::walk;

/// A target, what it is bound to, and where that is written, if it is.
struct Target<'t> {
    node: Node<'t>,
    known: Box<str>,
    written: Option<Node<'t>>,
}

/// Statements.
impl<'t> Ruby<'t> {
    pub(super) fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (Some(target), Some(value)) = (self.field(node, Field::Left), self.field(node, Field::Right)) else {
            return walk.children(node);
        };
        if matches!(self.kind(target), Kind::Constant | Kind::ScopeResolution) {
            return self.constant(node, target, value, walk);
        }
        // In `x = x` of a method without a local `x` the right side is already the local.
        if self.kind(target) == Kind::Identifier && self.scopes.find(self.text.of(target)).is_none() {
            walk.later(Later::Bind { target, value: Value::Unknown });
        }
        walk.then(value);
        walk.later(Later::Bind { target, value: Value::Of(value) });
    }

    fn constant(&mut self, node: Node<'t>, target: Node<'t>, value: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(target, Field::Name).unwrap_or(target);
        if self.made_type(node, name, value, walk) {
            return;
        }
        let mut symbol = self.definition(node, name, SymbolKind::Constant);
        symbol.qualifier = self.field(target, Field::Scope).map(|scope| self.text.of(scope).into());
        symbol.flags = Flags::EXPORTED;
        symbol.of_type = self.told(&self.expression(value));
        if self.is_outside_methods() {
            self.add_member(symbol);
        } else {
            self.facts.symbol(symbol);
        }
        walk.then(value);
    }

    fn told(&self, known: &str) -> Option<Box<str>> {
        tells(known).then(|| with("=", known))
    }

    pub(super) fn for_loop(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let over = self.field(node, Field::Value);
        walk.then(over);
        if let (Some(target), Some(over)) = (self.field(node, Field::Patterns), over) {
            walk.later(Later::Bind { target, value: Value::Each(over) });
        }
        walk.then(self.field(node, Field::Body));
    }

    /// `rescue Error => error`.
    pub(super) fn rescue(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let exceptions = self.field(node, Field::Exceptions);
        let variable = self.field(node, Field::Variable).and_then(|variable| variable.named_child(0));
        if let Some(variable) = variable.filter(|variable| self.kind(*variable) == Kind::Identifier) {
            let only = exceptions.filter(|all| all.named_child_count() == 1).and_then(|all| all.named_child(0));
            let known = only.map_or_else(|| of_type("StandardError"), |class| of_type(&self.expression(class)));
            self.scopes.bind(self.text.of(variable), known);
        }
        walk.then(exceptions);
        walk.then(self.field(node, Field::Body));
    }

    /// `in pattern`, `value => pattern`.
    pub(super) fn matched(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.then(self.field(node, Field::Value));
        self.field(node, Field::Patterns).into_iter().for_each(|pattern| self.pattern(pattern));
        walk.then(self.field(node, Field::Guard));
        walk.then(self.field(node, Field::Body));
    }

    fn pattern(&mut self, pattern: Node<'t>) {
        let mut open = vec![(pattern, unknown())];
        while let Some((node, known)) = open.pop() {
            match self.kind(node) {
                Kind::Identifier => self.scopes.bind(self.text.of(node), known),
                Kind::Constant => self.facts.mention(self.text.of(node), node, Role::Type, None),
                Kind::ScopeResolution => {
                    let scope = self.field(node, Field::Scope).map(|scope| self.expression(scope));
                    self.field(node, Field::Name).into_iter().for_each(|name| {
                        self.facts.mention(self.text.of(name), name, Role::Type, scope.clone());
                    });
                }
                Kind::AsPattern => {
                    let (value, name) = (self.field(node, Field::Value), self.field(node, Field::Name));
                    let class =
                        value.filter(|value| matches!(self.kind(*value), Kind::Constant | Kind::ScopeResolution));
                    let known = class.map_or_else(unknown, |class| of_type(&self.expression(class)));
                    open.extend(value.map(|value| (value, unknown())));
                    open.extend(name.map(|name| (name, known)));
                }
                Kind::KeywordPattern => match (self.field(node, Field::Key), self.field(node, Field::Value)) {
                    (Some(key), None) => self.scopes.bind(self.text.of(key), unknown()),
                    (_, value) => open.extend(value.map(|value| (value, unknown()))),
                },
                Kind::SplatParameter | Kind::HashSplatParameter => {
                    open.extend(self.field(node, Field::Name).map(|name| (name, unknown())));
                }
                _ => open.extend(walk::named_children(node).into_iter().map(|part| (part, unknown()))),
            }
        }
    }

    pub(super) fn lambda(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.later(Later::EnterBlock(node, Vec::new()));
        let body = self.field(node, Field::Body);
        walk.then(body.and_then(|block| self.field(block, Field::Body)));
        walk.later(Later::LeaveBlock);
    }

    /// `{ |a, b| … }`, `do |a| … end`.
    pub(super) fn block(&mut self, block: Node<'t>, values: Vec<Box<str>>, walk: &mut Walk<'t>) {
        walk.later(Later::EnterBlock(block, values));
        for parameter in self.parameters(block) {
            walk.then(self.field(parameter, Field::Value));
        }
        walk.then(self.field(block, Field::Body));
        walk.later(Later::LeaveBlock);
    }
}

/// Targets.
impl<'t> Ruby<'t> {
    /// Binds the parameters of a method or block to what is known of them, and else to their defaults.
    pub(super) fn bind_parameters(&mut self, node: Node<'t>, values: &[Box<str>]) {
        let parameters = self.parameters(node);
        let is_pair = parameters.len() > values.len() && values.len() == 1 && parameters.len() == 2;
        for (at, parameter) in parameters.into_iter().enumerate() {
            let known = match (values.get(at), values.first()) {
                (_, Some(first)) if is_pair => with(first, [".0", ".1"][at.min(1)]),
                (Some(known), _) => known.clone(),
                _ => self.field(parameter, Field::Value).map_or_else(unknown, |value| self.expression(value)),
            };
            self.bind_parameter(parameter, known);
        }
        let number =
            if self.kind(node) == Kind::Block || self.kind(node) == Kind::DoBlock { values.first() } else { None };
        if let Some(first) = number.filter(|_| self.field(node, Field::Parameters).is_none()) {
            self.scopes.bind("it", first.clone());
            self.scopes.bind("_1", first.clone());
        }
    }

    fn bind_parameter(&mut self, parameter: Node<'t>, known: Box<str>) {
        let mut open = vec![(parameter, known)];
        while let Some((node, known)) = open.pop() {
            match self.kind(node) {
                Kind::Identifier => self.scopes.bind(self.text.of(node), known),
                Kind::DestructuredParameter => {
                    let parts = walk::named_children(node).into_iter().enumerate();
                    open.extend(parts.map(|(at, part)| (part, with(&known, &format!(".{at}")))));
                }
                kind => {
                    let known = match kind {
                        Kind::SplatParameter => of_type("Array"),
                        Kind::HashSplatParameter => of_type("Hash"),
                        Kind::BlockParameter => of_type("Proc"),
                        _ => known,
                    };
                    self.scopes.bind(self.word(node, Field::Name), known);
                }
            }
        }
    }

    pub(super) fn bind(&mut self, node: Node<'t>, value: Value<'t>, walk: &mut Walk<'t>) {
        for target in self.targets(node, value) {
            match self.kind(target.node) {
                Kind::Identifier => self.bind_local(&target),
                Kind::InstanceVariable | Kind::ClassVariable | Kind::GlobalVariable => self.set_variable(&target),
                Kind::Call => self.set_member(target.node, walk),
                Kind::Constant => self.facts.mention(self.text.of(target.node), target.node, Role::Write, None),
                _ => walk.then(target.node),
            }
        }
    }

    fn bind_local(&mut self, target: &Target<'t>) {
        let name = self.text.of(target.node);
        if self.scopes.find(name).is_none() {
            self.scopes.bind(name, target.known.clone());
        } else if tells(&target.known) {
            self.scopes.rebind(name, target.known.clone());
        }
    }

    /// `a.b = …` calls `b=` of what `a` is.
    fn set_member(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let receiver = self.field(node, Field::Receiver);
        if let (Some(receiver), Some(name)) = (receiver, self.field(node, Field::MethodName)) {
            let value = self.expression(receiver);
            self.used(name, self.text.of(name), Role::Write, Some(value), UNKNOWN_ARITY);
        }
        walk.then(receiver);
        walk.then(self.field(node, Field::Arguments));
    }

    /// Where a variable with a sign is first set, it is defined.
    fn set_variable(&mut self, target: &Target<'t>) {
        let name = self.text.of(target.node);
        let is_global = name.starts_with('$');
        let is_special = is_global && !name[1..].starts_with(|sign: char| sign.is_alphabetic() || sign == '_');
        let open = self.open_type().filter(|open| !is_global && open.ticket.is_some());
        if is_special || (!is_global && open.is_none()) {
            return self.variable(target.node, Role::Write);
        }
        let key = (open.map_or(0, |open| open.number), name);
        if let Some(&ticket) = self.seen.get(&key) {
            let told = self.told(&target.known);
            let symbol = self.facts.symbol_mut(ticket);
            symbol.of_type = symbol.of_type.take().or(told);
            return self.variable(target.node, Role::Write);
        }
        let symbol = self.variable_symbol(target, is_global);
        let ticket = self.facts.symbol(symbol);
        if let Some(container) = open.and_then(|open| open.ticket) {
            self.facts.put_into(ticket, container);
        }
        self.seen.insert(key, ticket);
    }

    fn variable_symbol(&self, target: &Target<'t>, is_global: bool) -> Symbol {
        let kind = if is_global { SymbolKind::Variable } else { SymbolKind::Field };
        let mut symbol = self.definition(target.node, target.node, kind);
        let in_type = !matches!(self.open_method(), Some((_, _, false)));
        let is_static = !is_global && (in_type || symbol.name.starts_with("@@"));
        symbol.flags = if is_static { Flags::STATIC } else { Flags::default() };
        symbol.flags = if is_global { Flags::EXPORTED } else { symbol.flags };
        symbol.range = span(target.node);
        symbol.of_type = self.told(&target.known);
        symbol
    }

    /// The single targets of `a, (b, *c) = value`.
    fn targets(&self, node: Node<'t>, value: Value<'t>) -> Vec<Target<'t>> {
        let written = if let Value::Of(node) = value { Some(node) } else { None };
        let mut open = vec![Target { node, known: self.known(value), written }];
        let mut targets = Vec::new();
        while let Some(target) = open.pop() {
            match self.kind(target.node) {
                Kind::LeftAssignmentList | Kind::DestructuredLeft => open.extend(self.elements(&target)),
                Kind::RestAssignment => {
                    let inner = target.node.named_child(0);
                    open.extend(inner.map(|node| Target { node, known: of_type("Array"), written: None }));
                }
                _ => targets.push(target),
            }
        }
        targets.reverse();
        targets
    }

    fn elements(&self, target: &Target<'t>) -> Vec<Target<'t>> {
        let parts = walk::named_children(target.node);
        let list =
            target.written.filter(|written| matches!(self.kind(*written), Kind::RightAssignmentList | Kind::Array));
        let values = list.map(walk::named_children).unwrap_or_default();
        let one = |(at, node): (usize, Node<'t>)| match values.get(at) {
            Some(&value) => Target { node, known: self.expression(value), written: Some(value) },
            None => Target { node, known: with(&target.known, &format!(".{at}")), written: None },
        };
        parts.into_iter().enumerate().map(one).collect()
    }
}
