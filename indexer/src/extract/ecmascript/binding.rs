//! What local names are bound to: by parameters, declarations, loops, `catch`, and what conditions say of them.

use std::rc::Rc;

use kotadb_core::facts::{Arity, Role};
use tree_sitter::Node;

use super::handed::Given;
use super::{Field, Kind, Later, Open, Script, Value, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::{member, of_type, unknown, with};
use crate::extract::walk;

/// A target and the expression it is bound to.
struct Target<'t> {
    node: Node<'t>,
    known: Box<str>,
}

/// Functions.
impl<'t> Script<'t> {
    /// A function with its scope. `this` is what it is in there; `None`: what it is round it (arrows).
    pub(super) fn enter_function(
        &mut self,
        node: Node<'t>,
        ticket: Option<Ticket>,
        this: Option<&str>,
        given: Given<'_>,
        walk: &mut Walk<'t>,
    ) {
        self.scopes.enter();
        if let Some(this) = this {
            self.scopes.bind("this", this);
        }
        self.type_parameters(node);
        if let Some(written) = self.written_this(node) {
            let known = self.of_type(written);
            self.scopes.bind("this", known);
        }
        let is_open = self.field(node, Field::ReturnType).is_none();
        self.open.push(Open::Function { ticket: ticket.filter(|_| is_open) });
        walk.then(self.field(node, Field::TypeParameters));
        for (at, parameter) in self.parameters(node).into_iter().enumerate() {
            self.parameter(parameter, &given.parameter(at), walk);
        }
        walk.then(self.field(node, Field::ReturnType));
        if let Some(body) = self.field(node, Field::Body) {
            walk.then(body);
            if self.kind(body) != Kind::StatementBlock {
                walk.later(Later::Returned(body));
            }
        }
        walk.later(Later::Close);
        walk.later(Later::Leave);
    }

    /// A function that is an expression; its name is known in it alone.
    pub(super) fn callback(&mut self, node: Node<'t>, given: Given<'_>, walk: &mut Walk<'t>) {
        let is_arrow = self.kind(node) == Kind::ArrowFunction;
        self.scopes.enter();
        if !is_arrow {
            self.scopes.bind(self.word(node, Field::Name), "?");
        }
        self.enter_function(node, None, (!is_arrow).then_some("?"), given, walk);
        walk.later(Later::Leave);
    }

    pub(super) fn parameters(&self, node: Node<'t>) -> Vec<Node<'t>> {
        let alone = self.field(node, Field::Parameter);
        let listed = self.field(node, Field::Parameters).map(walk::named_children);
        let mut parameters = listed.unwrap_or_else(|| alone.into_iter().collect());
        parameters.retain(|it| self.kind(*it) != Kind::Comment && self.word(*it, Field::Pattern) != "this");
        parameters
    }

    /// The type of `function (this: Pool) {}`.
    fn written_this(&self, node: Node<'t>) -> Option<Node<'t>> {
        let first = self.field(node, Field::Parameters)?.named_child(0)?;
        self.field(first, Field::TypeOf).filter(|_| self.word(first, Field::Pattern) == "this")
    }

    fn parameter(&mut self, parameter: Node<'t>, given: &str, walk: &mut Walk<'t>) {
        let pattern = self.field(parameter, Field::Pattern).unwrap_or(parameter);
        let (annotation, default) = (self.field(parameter, Field::TypeOf), self.field(parameter, Field::Value));
        for decorator in walk::named_children(parameter).into_iter().filter(|it| self.kind(*it) == Kind::Decorator) {
            walk.then(decorator);
        }
        walk.then(annotation);
        walk.then(default);
        let value = match (annotation, default) {
            (Some(annotation), _) if self.kind(pattern) != Kind::RestPattern => Value::OfType(annotation),
            (None, Some(default)) => Value::Of(default),
            _ => Value::Unknown,
        };
        if matches!(value, Value::Unknown) && given != "?" {
            return self.bind_known(pattern, given.into(), walk);
        }
        walk.later(Later::Bind { target: pattern, value });
    }

    /// Type parameters are local names; each is what it extends.
    pub(super) fn type_parameters(&mut self, node: Node<'t>) {
        for parameter in self.field(node, Field::TypeParameters).map(walk::named_children).unwrap_or_default() {
            let bound = self.field(parameter, Field::Constraint).and_then(|it| it.named_child(0));
            let known = bound
                .filter(|it| matches!(self.kind(*it), Kind::TypeIdentifier | Kind::GenericType | Kind::NestedType));
            let known = known.map_or_else(unknown, |it| self.of_type(it));
            self.scopes.bind(self.word(parameter, Field::Name), known);
        }
    }

    pub(super) fn arity(&self, node: Node<'t>) -> Arity {
        let mut arity = Arity::default();
        for parameter in self.parameters(node) {
            let pattern = self.field(parameter, Field::Pattern).unwrap_or(parameter);
            let is_optional = matches!(self.kind(parameter), Kind::OptionalParameter | Kind::AssignmentPattern)
                || self.field(parameter, Field::Value).is_some();
            if self.kind(pattern) == Kind::RestPattern {
                arity.most = u8::MAX;
                continue;
            }
            arity.most = arity.most.saturating_add(1);
            arity.least = arity.least.saturating_add(u8::from(!is_optional));
        }
        arity
    }

    /// The first value that tells is what a function without annotation returns.
    pub(super) fn returns(&mut self, value: Node<'t>) {
        let Some(Open::Function { ticket: Some(ticket) }) = self.open.last().copied() else { return };
        let known = self.expression(value);
        if known.starts_with('?') {
            return;
        }
        // What it hands on stays behind it.
        let symbol = self.facts.symbol_mut(ticket);
        let handed = symbol.of_type.as_deref().and_then(|told| told.find(' ').map(|at| told[at..].to_owned()));
        symbol.of_type = Some(with("=", &with(&known, &handed.unwrap_or_default())));
        if let Some(Open::Function { ticket }) = self.open.last_mut() {
            *ticket = None;
        }
    }
}

/// Statements.
impl<'t> Script<'t> {
    /// Local variables of one declaration.
    pub(super) fn locals(&mut self, declarator: Node<'t>, walk: &mut Walk<'t>) {
        let (Some(target), annotation, value) = (
            self.field(declarator, Field::Name),
            self.field(declarator, Field::TypeOf),
            self.field(declarator, Field::Value),
        ) else {
            return;
        };
        if self.requires(declarator) {
            return walk.then(value);
        }
        // A function may call itself.
        if self.kind(target) == Kind::Identifier && value.is_some_and(|it| self.kind(it) == Kind::ArrowFunction) {
            self.scopes.bind(self.text.of(target), "?");
        }
        walk.then(annotation);
        walk.then(value);
        let value = value.map_or(Value::Unknown, Value::Of);
        walk.later(Later::Bind { target, value: annotation.map_or(value, Value::OfType) });
    }

    pub(super) fn for_in(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let right = self.field(node, Field::Right);
        self.scopes.enter();
        walk.then(right);
        if let Some(target) = self.field(node, Field::Left) {
            let is_of = self.word(node, Field::Operator) == "of";
            let value = right.filter(|_| is_of).map_or(Value::Unknown, Value::Each);
            walk.later(Later::Bind { target, value });
        }
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Leave);
    }

    pub(super) fn catch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        if let Some(parameter) = self.field(node, Field::Parameter) {
            self.bind_known(parameter, unknown(), walk);
        }
        walk.then(self.field(node, Field::TypeOf));
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Leave);
    }

    /// In the branch of `if (x instanceof T)` x is a `T`.
    pub(super) fn branch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (condition, consequence) = (self.field(node, Field::Condition), self.field(node, Field::Consequence));
        walk.then(condition);
        let narrowed = condition.and_then(|condition| Some((condition, self.narrowed(condition)?.0)));
        if let Some((condition, _)) = narrowed {
            walk.later(Later::Narrow(condition));
        }
        walk.then(consequence);
        if let Some((_, name)) = narrowed
            && let Some(known) = self.scopes.find(name)
        {
            walk.later(Later::Restore(name, Rc::clone(known)));
        }
        walk.then(self.field(node, Field::Alternative));
    }

    pub(super) fn narrow(&mut self, condition: Node<'t>) {
        if let Some((name, class)) = self.narrowed(condition) {
            let known = of_type(&self.expression(class));
            self.scopes.bind(name, known);
        }
    }

    /// The local name and the class of `(name instanceof Class)`.
    fn narrowed(&self, condition: Node<'t>) -> Option<(&'t str, Node<'t>)> {
        let test = condition.named_child(0).filter(|it| self.kind(*it) == Kind::BinaryExpression)?;
        let (left, right) = (self.field(test, Field::Left)?, self.field(test, Field::Right)?);
        let is_it = self.word(test, Field::Operator) == "instanceof"
            && self.kind(left) == Kind::Identifier
            && matches!(self.kind(right), Kind::Identifier | Kind::MemberExpression);
        (is_it && self.scopes.find(self.text.of(left)).is_some()).then(|| (self.text.of(left), right))
    }
}

/// Targets.
impl<'t> Script<'t> {
    pub(super) fn bind(&mut self, target: Node<'t>, value: Value<'t>, walk: &mut Walk<'t>) {
        let known = self.known(value);
        self.bind_known(target, known, walk);
    }

    pub(super) fn bind_known(&mut self, target: Node<'t>, known: Box<str>, walk: &mut Walk<'t>) {
        for target in self.targets(target, known, walk) {
            match self.kind(target.node) {
                Kind::Identifier | Kind::ShorthandPattern => {
                    let name = self.text.of(target.node);
                    self.scopes.bind(name, target.known);
                }
                Kind::MemberExpression => self.member(target.node, Role::Write, walk),
                _ => walk.then(target.node),
            }
        }
    }

    /// `x = null` says that x may be nothing, not what it else is.
    pub(super) fn assign(&mut self, name: &'t str, value: Node<'t>) {
        let known = self.expression(value);
        if &*known != "?" {
            self.scopes.rebind(name, known);
        }
    }

    /// The single targets of a pattern.
    pub(super) fn targets_of(
        &self,
        target: Node<'t>,
        known: Box<str>,
        walk: &mut Walk<'t>,
    ) -> Vec<(Node<'t>, Box<str>)> {
        self.targets(target, known, walk).into_iter().map(|target| (target.node, target.known)).collect()
    }

    fn targets(&self, target: Node<'t>, known: Box<str>, walk: &mut Walk<'t>) -> Vec<Target<'t>> {
        let mut open = vec![Target { node: target, known }];
        let mut targets = Vec::new();
        while let Some(Target { node, known }) = open.pop() {
            match self.kind(node) {
                Kind::ObjectPattern => open.extend(walk::named_children(node).into_iter().rev().map(|part| {
                    let known = self.part(part, &known);
                    Target { node: part, known }
                })),
                Kind::ArrayPattern => open.extend(self.elements(node, &known)),
                Kind::PairPattern => open.extend(self.field(node, Field::Value).map(|node| Target { node, known })),
                Kind::ObjectAssignment | Kind::AssignmentPattern => {
                    let (left, default) = (self.field(node, Field::Left), self.field(node, Field::Right));
                    walk.then(default);
                    let known = match default {
                        Some(default) if &*known == "?" => self.expression(default),
                        _ => known,
                    };
                    open.extend(left.map(|node| Target { node, known }));
                }
                Kind::RestPattern => open.extend(node.named_child(0).map(|node| Target { node, known: unknown() })),
                Kind::LexicalDeclaration | Kind::VariableDeclaration => {
                    let name = node.named_child(0).and_then(|it| self.field(it, Field::Name));
                    open.extend(name.map(|node| Target { node, known }));
                }
                Kind::Comment => {}
                _ => targets.push(Target { node, known }),
            }
        }
        targets
    }

    /// The member that a part of an object pattern takes.
    fn part(&self, part: Node<'t>, known: &str) -> Box<str> {
        let name = match self.kind(part) {
            Kind::ShorthandPattern => self.text.of(part),
            Kind::PairPattern => self.field(part, Field::Key).map_or("", |key| self.unquoted(key)),
            Kind::ObjectAssignment => self.word(part, Field::Left),
            _ => return unknown(),
        };
        member(known, ".", name)
    }

    /// Elements of an array pattern by their place; holes count.
    fn elements(&self, node: Node<'t>, known: &str) -> Vec<Target<'t>> {
        let mut at = 0;
        let mut elements = Vec::new();
        for child in walk::children(node) {
            if self.text.of(child) == "," {
                at += 1;
            } else if child.is_named() {
                elements.push(Target { node: child, known: with(known, &format!(".{at}")) });
            }
        }
        elements.reverse();
        elements
    }
}
