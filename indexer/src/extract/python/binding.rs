//! What names are bound to: by assignments, loops, `with`, `except`, `case`, lambdas, comprehensions.

use kotadb_core::facts::{Role, Symbol, SymbolKind, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::expression::tells;
use super::signature::First;
use super::{Field, Kind, Later, Open, Python, Value, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::{of_type, unknown, with};
use crate::extract::text::{Comments, span};
use crate::extract::walk;

/// Comments above variables.
const HASH: Comments = Comments { line: &["#:", "#"], block: None };

/// A target, the expression it is bound to, and where that is written, if it is.
struct Target<'t> {
    node: Node<'t>,
    known: Box<str>,
    written: Option<Node<'t>>,
}

/// Statements.
impl<'t> Python<'t> {
    pub(super) fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(target) = self.field(node, Field::Left) else { return walk.children(node) };
        let annotation = self.field(node, Field::TypeOf);
        let right = self.field(node, Field::Right);
        if self.text.of(target) == "__all__" {
            right.into_iter().for_each(|right| self.offers(right));
        }
        walk.then(annotation);
        walk.then(right);
        let value = right.map_or(Value::Unknown, |right| Value::Of(self.last_right(right)));
        match self.open.last() {
            None | Some(Open::Class(_)) => {
                walk.later(Later::Define { target, statement: node, value: annotation.map_or(value, Value::OfType) });
            }
            Some(_) => walk.later(Later::Bind { target, value: annotation.map_or(value, Value::OfType) }),
        }
    }

    /// The value of `a = b = value`.
    fn last_right(&self, right: Node<'t>) -> Node<'t> {
        let mut value = right;
        while self.kind(value) == Kind::Assignment {
            let Some(next) = self.field(value, Field::Right) else { break };
            value = next;
        }
        value
    }

    pub(super) fn augmented(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (left, right) = (self.field(node, Field::Left), self.field(node, Field::Right));
        match left {
            Some(left) if self.kind(left) == Kind::Identifier => self.bare(left, Role::Write),
            Some(left) if self.kind(left) == Kind::Attribute => {
                let object = self.member(left, Role::Write, UNKNOWN_ARITY);
                walk.then(object);
            }
            left => walk.then(left),
        }
        if left.is_some_and(|left| self.text.of(left) == "__all__") {
            right.into_iter().for_each(|right| self.offers(right));
        }
        walk.then(right);
    }

    /// A target in one field that is bound to the value in another.
    pub(super) fn binds(&mut self, node: Node<'t>, target: Field, value: Field, walk: &mut Walk<'t>) {
        let (Some(target), Some(value)) = (self.field(node, target), self.field(node, value)) else {
            return walk.children(node);
        };
        walk.then(value);
        walk.later(Later::Bind { target, value: Value::Of(value) });
    }

    pub(super) fn for_loop(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let right = self.field(node, Field::Right);
        walk.then(right);
        if let (Some(target), Some(right)) = (self.field(node, Field::Left), right) {
            walk.later(Later::Bind { target, value: Value::Each(right) });
        }
        walk.then(self.field(node, Field::Body));
        walk.then(self.field(node, Field::Alternative));
    }

    /// `for x in xs` of a comprehension.
    pub(super) fn for_clause(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.for_loop(node, walk);
    }

    pub(super) fn comprehension(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let body = self.field(node, Field::Body);
        self.scopes.enter();
        self.open.push(Open::Scope);
        walk.children_but(node, body);
        walk.then(body);
        walk.later(Later::LeaveScope);
    }

    pub(super) fn lambda(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        self.open.push(Open::Scope);
        for parameter in self.field(node, Field::Parameters).map(walk::named_children).unwrap_or_default() {
            walk.then(self.field(parameter, Field::Value));
            self.bind_parameter(parameter, First::Plain);
        }
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveScope);
    }

    /// `value as target`.
    pub(super) fn as_pattern(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let value = node.named_child(0);
        walk.then(value);
        if let (Some(target), Some(value)) = (self.field(node, Field::Alias), value) {
            walk.later(Later::Bind { target, value: Value::Of(value) });
        }
    }

    /// `except Error as error`: the error is an instance of what is named.
    pub(super) fn except(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let caught = self.field(node, Field::Value).filter(|value| self.kind(*value) == Kind::AsPattern);
        let Some(caught) = caught else { return walk.children(node) };
        let class = caught.named_child(0);
        walk.then(class);
        if let (Some(target), Some(class)) = (self.field(caught, Field::Alias), class) {
            let is_one = matches!(self.kind(class), Kind::Identifier | Kind::Attribute);
            walk.later(Later::Bind { target, value: if is_one { Value::OfType(class) } else { Value::Unknown } });
        }
        walk.children_but(node, Some(caught));
    }

    pub(super) fn global(&mut self, node: Node<'t>) {
        for name in walk::named_children(node) {
            let name = self.text.of(name);
            let is_outer = node.child(0).is_some_and(|first| self.text.of(first) == "global");
            if let (true, Some(Open::Function { shared, .. })) = (is_outer, self.open.last_mut()) {
                shared.push(name);
                self.scopes.share(name);
            }
        }
    }

    /// The first value that tells is what an unannotated function returns.
    pub(super) fn returned(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.children(node);
        let Some(value) = node.named_child(0) else { return };
        if !matches!(self.open.last(), Some(Open::Function { is_open: true, .. })) {
            return;
        }
        let known = self.expression(value);
        if let (true, Some(Open::Function { ticket, is_open, .. })) = (tells(&known), self.open.last_mut()) {
            *is_open = false;
            self.facts.symbol_mut(*ticket).of_type = Some(with("=", &known));
        }
    }
}

/// Narrowing.
impl<'t> Python<'t> {
    /// In the branch of `if isinstance(x, T)` x is a `T`.
    pub(super) fn branch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let condition = self.field(node, Field::Condition);
        let (Some(condition), Some(consequence)) = (condition, self.field(node, Field::Consequence)) else {
            return walk.children(node);
        };
        let Some((name, _)) = self.narrowed(condition) else { return walk.children(node) };
        walk.then(condition);
        walk.later(Later::Narrow(condition));
        walk.then(consequence);
        if let Some(known) = self.scopes.find(name) {
            walk.later(Later::Restore(name, known.clone()));
        }
        let mut is_after = false;
        walk.each_child(node, |walk, child| {
            if is_after {
                walk.then(child);
            }
            is_after |= child == consequence;
        });
    }

    pub(super) fn assertion(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.children(node);
        node.named_child(0).into_iter().for_each(|condition| walk.later(Later::Narrow(condition)));
    }

    pub(super) fn narrow(&mut self, condition: Node<'t>) {
        if let Some((name, class)) = self.narrowed(condition) {
            let known = of_type(&self.type_of(class));
            self.bind_name(name, known);
        }
    }

    /// The local name and the class of `isinstance(name, Class)`.
    fn narrowed(&self, condition: Node<'t>) -> Option<(&'t str, Node<'t>)> {
        let arguments = self.arguments_of(condition, "isinstance")?;
        let [name, class] = arguments[..] else { return None };
        let is_one = matches!(self.kind(class), Kind::Identifier | Kind::Attribute);
        let is_local = self.kind(name) == Kind::Identifier && self.scopes.find(self.text.of(name)).is_some();
        (is_one && is_local).then(|| (self.text.of(name), class))
    }
}

/// Targets.
impl<'t> Python<'t> {
    pub(super) fn bind(&mut self, node: Node<'t>, value: Value<'t>, walk: &mut Walk<'t>) {
        for target in self.targets(node, value) {
            match self.kind(target.node) {
                Kind::Identifier => self.bind_target(target),
                Kind::Attribute => self.set_attribute(target, walk),
                _ => walk.then(target.node),
            }
        }
    }

    /// Targets of an assignment in a module or class: its names become symbols.
    pub(super) fn define(&mut self, node: Node<'t>, statement: Node<'t>, value: Value<'t>, walk: &mut Walk<'t>) {
        let is_alone = self.kind(node) == Kind::Identifier;
        for target in self.targets(node, value) {
            match self.kind(target.node) {
                Kind::Identifier if self.saw(self.text.of(target.node)) => {
                    let symbol = self.variable(&target, is_alone.then_some(statement), value);
                    self.facts.symbol(symbol);
                }
                Kind::Identifier => self.bare(target.node, Role::Write),
                Kind::Attribute => self.set_attribute(target, walk),
                _ => walk.then(target.node),
            }
        }
    }

    fn variable(&self, target: &Target<'t>, statement: Option<Node<'t>>, value: Value<'t>) -> Symbol {
        let name = self.text.of(target.node);
        let is_constant = !name.contains(|c: char| c.is_lowercase()) && name.contains(|c: char| c.is_uppercase());
        let of_type = self.symbol_type(target, value);
        let is_alias = of_type.as_deref().is_some_and(|it| it.rsplit('.').next() == Some("TypeAlias"));
        let kind = match self.open.last() {
            Some(Open::Class(class)) if class.is_enum && target.written.is_some() => SymbolKind::Variant,
            Some(Open::Class(_)) => SymbolKind::Field,
            _ if is_alias => SymbolKind::TypeAlias,
            _ if is_constant => SymbolKind::Constant,
            _ => SymbolKind::Variable,
        };
        let mut symbol = self.named(target.node, kind);
        symbol.range = span(statement.unwrap_or(target.node));
        symbol.signature = self.text.first_row(statement.unwrap_or(target.node));
        symbol.doc = self.text.comment_above(symbol.range.start as usize, HASH);
        symbol.of_type = of_type;
        symbol
    }

    /// An annotation as it is, another value after `=`.
    fn symbol_type(&self, target: &Target<'t>, value: Value<'t>) -> Option<Box<str>> {
        match value {
            Value::OfType(annotation) => Some(self.type_of(annotation)),
            _ if tells(&target.known) => Some(with("=", &target.known)),
            _ => None,
        }
    }

    fn bind_target(&mut self, target: Target<'t>) {
        let name = self.text.of(target.node);
        let is_shared = matches!(self.open.last(), Some(Open::Function { shared, .. }) if shared.contains(&name));
        let is_local = matches!(self.open.last(), Some(Open::Function { .. } | Open::Scope)) && !is_shared;
        // `x = None` says that x may be nothing, not what it else is.
        if is_local && &*target.known == "<None>" && self.scopes.find(name).is_some() {
            return;
        }
        if is_local {
            self.bind_name(name, target.known);
        } else if !is_shared && self.saw(name) {
            let symbol = self.variable(&target, None, Value::Unknown);
            self.facts.symbol(symbol);
        } else {
            self.bare(target.node, Role::Write);
        }
    }

    /// `a.b = …`: where `a` is the instance, its class has an attribute `b`.
    fn set_attribute(&mut self, target: Target<'t>, walk: &mut Walk<'t>) {
        let (Some(object), Some(name)) =
            (self.field(target.node, Field::Object), self.field(target.node, Field::AttributeName))
        else {
            return;
        };
        walk.then(object);
        let is_own = &*self.expression(object) == "this";
        let Some((number, container)) = self.open_class().filter(|_| is_own) else {
            self.member(target.node, Role::Write, UNKNOWN_ARITY);
            return;
        };
        if !self.seen.insert((number, self.text.of(name))) {
            self.member(target.node, Role::Write, UNKNOWN_ARITY);
            return;
        }
        let mut symbol = self.named(name, SymbolKind::Field);
        (symbol.range, symbol.signature) = (span(target.node), self.text.first_row(target.node));
        symbol.of_type = tells(&target.known).then(|| with("=", &target.known));
        let ticket = self.facts.symbol(symbol);
        self.facts.put_into(ticket, container);
        self.attributes.insert((number, self.text.of(name)), ticket);
    }

    /// Number and symbol of the innermost class.
    fn open_class(&self) -> Option<(u32, Ticket)> {
        self.open.iter().rev().find_map(|open| match open {
            Open::Class(class) => Some((class.number, class.ticket)),
            _ => None,
        })
    }

    /// The single targets of a pattern.
    fn targets(&self, node: Node<'t>, value: Value<'t>) -> Vec<Target<'t>> {
        let written = if let Value::Of(node) = value { Some(node) } else { None };
        let mut open = vec![Target { node, known: self.known(value), written }];
        if let Value::Each(over) = value {
            open = self.enumerated(node, over).unwrap_or(open);
        }
        let mut targets = Vec::new();
        while let Some(target) = open.pop() {
            match self.kind(target.node) {
                Kind::PatternList | Kind::TuplePattern | Kind::ListPattern => open.extend(self.elements(&target)),
                Kind::ParenthesizedExpression | Kind::AsPatternTarget => {
                    open.extend(target.node.named_child(0).map(|node| Target { node, ..target }));
                }
                Kind::ListSplatPattern | Kind::ListSplat => {
                    let inner = target.node.named_child(0);
                    open.extend(inner.map(|node| Target { node, known: of_type("list"), written: None }));
                }
                _ => targets.push(target),
            }
        }
        targets.reverse();
        targets
    }

    /// The elements of a pattern, with those of a tuple on the other side where one is written.
    fn elements(&self, target: &Target<'t>) -> Vec<Target<'t>> {
        let parts = walk::named_children(target.node);
        let values = target.written.map(walk::named_children).unwrap_or_default();
        let is_tuple = target.written.is_some_and(|it| matches!(self.kind(it), Kind::Tuple | Kind::List | Kind::Other));
        let pairs = is_tuple && values.len() == parts.len();
        let element = |(at, node): (usize, Node<'t>)| match pairs {
            true => Target { node, known: self.expression(values[at]), written: Some(values[at]) },
            false => Target { node, known: with(&target.known, &format!(".{at}")), written: None },
        };
        parts.into_iter().enumerate().map(element).collect()
    }

    /// `for i, x in enumerate(xs)`: x is an element of xs.
    fn enumerated(&self, node: Node<'t>, over: Node<'t>) -> Option<Vec<Target<'t>>> {
        let list = *self.arguments_of(over, "enumerate")?.first()?;
        let [number, element] = walk::named_children(node)[..] else { return None };
        let number = Target { node: number, known: of_type("int"), written: None };
        Some(vec![number, Target { node: element, known: self.known(Value::Each(list)), written: None }])
    }

    /// What a pattern after `case` binds and uses.
    pub(super) fn case_pattern(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match node.named_child(0).map(|first| (first, self.kind(first))) {
            Some((name, Kind::DottedName)) if name.named_child_count() == 1 => self.bind_case(name, unknown()),
            Some((name, Kind::DottedName)) => self.dotted(name, Role::Read),
            _ => self.case_parts(node, walk),
        }
    }

    fn case_parts(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            match self.kind(node) {
                Kind::ClassPattern => {
                    let parts = walk::named_children(node);
                    parts.first().into_iter().for_each(|class| self.dotted(*class, Role::Type));
                    open.extend(parts.into_iter().skip(1).rev());
                }
                Kind::KeywordPattern => open.extend(walk::named_children(node).into_iter().skip(1).rev()),
                Kind::DottedName if node.named_child_count() == 1 => self.bind_case(node, unknown()),
                Kind::DottedName => self.dotted(node, Role::Read),
                Kind::AsPattern => self.case_as(node, &mut open),
                Kind::Identifier => self.bind_case(node, unknown()),
                Kind::String | Kind::ConcatenatedString => walk.then(node),
                _ => open.extend(walk::named_children(node).into_iter().rev()),
            }
        }
    }

    /// `case Pool() as pool`.
    fn case_as(&mut self, node: Node<'t>, open: &mut Vec<Node<'t>>) {
        let (Some(pattern), Some(name)) = (node.named_child(0), node.named_child(1)) else { return };
        let class = pattern.named_child(0).filter(|class| self.kind(*class) == Kind::ClassPattern);
        let known =
            class.and_then(|class| class.named_child(0)).map_or_else(unknown, |name| of_type(&self.type_of(name)));
        self.bind_case(name, known);
        open.push(pattern);
    }

    fn bind_case(&mut self, node: Node<'t>, known: Box<str>) {
        if self.text.of(node) != "_" {
            let node = node.named_child(0).unwrap_or(node);
            self.bind_target(Target { node, known, written: None });
        }
    }

    /// `a.b` or `a` written as a `dotted_name`.
    fn dotted(&mut self, node: Node<'t>, role: Role) {
        let text = self.text.of(node);
        let last = node.named_child(node.named_child_count().saturating_sub(1) as u32).unwrap_or(node);
        match text.rsplit_once('.') {
            Some((before, _)) => {
                let receiver = Some(self.dotted_value(before));
                self.facts.mention(self.text.of(last), last, role, receiver);
            }
            None => self.bare(last, role),
        }
    }

    /// `a.b` with a local `a` replaced.
    pub(super) fn dotted_value(&self, text: &str) -> Box<str> {
        let (first, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
        let base = self.scopes.find(first).map_or(first, |known| known);
        with(base, rest)
    }
}
