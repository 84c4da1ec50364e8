//! What variables are bound to: by parameters, assignments, loops, `catch`, closures and `instanceof`.

use kotadb_core::facts::Role;
use tree_sitter::Node;

use super::doc::tagged;
use super::expression::tells;
use super::{Field, Kind, Later, Open, Php, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::{of_type, unknown, with};
use crate::extract::walk;

impl<'t> Php<'t> {
    pub(super) fn enter_function(&mut self, function: Node<'t>, ticket: Ticket) {
        self.scopes.enter_closed();
        self.bind_parameters(function);
        let is_open = self.facts.at(ticket).of_type.is_none() && self.field(function, Field::ReturnType).is_none();
        self.open.push(Open::Function { ticket, is_open });
    }

    fn bind_parameters(&mut self, function: Node<'t>) {
        let comment = self.doc_comment(function);
        for parameter in self.parameters(function) {
            let name = self.word(parameter, Field::NameOf).trim_start_matches('&');
            let annotation = self.field(parameter, Field::TypeOf).map(|annotation| self.type_of(annotation));
            let told =
                annotation.filter(|annotation| !matches!(&**annotation, "array" | "mixed" | "object" | "iterable"));
            let told = told.or_else(|| tagged(comment, "@param", Some(name)));
            let default = self.field(parameter, Field::Default).map(|default| self.expression(default));
            let known = told.map(|told| of_type(&told)).or(default.filter(|known| tells(known)));
            self.scopes.bind(name, known.unwrap_or_else(unknown));
        }
    }

    pub(super) fn closure(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.visit_parameters(node, walk);
        walk.later(Later::EnterClosure(node));
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveScope);
    }

    /// An arrow function sees the variables round it, a closure those that it names.
    pub(super) fn enter_closure(&mut self, node: Node<'t>) {
        let seen = self.part(node, Kind::ClosureUse).map(walk::named_children).unwrap_or_default();
        let mut taken = Vec::new();
        for variable in seen {
            let name = self.text.of(variable).trim_start_matches('&');
            let known = self.scopes.find(name).cloned();
            taken.push((name, known.unwrap_or_else(|| "?".into())));
        }
        if self.kind(node) == Kind::ArrowFunction {
            self.scopes.enter();
        } else {
            self.scopes.enter_closed();
        }
        taken.into_iter().for_each(|(name, known)| self.scopes.bind(name, known));
        self.bind_parameters(node);
        self.open.push(Open::Scope);
    }

    pub(super) fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (Some(left), Some(right)) = (self.field(node, Field::Left), self.field(node, Field::Right)) else {
            return walk.children(node);
        };
        walk.then(right);
        let told = tagged(self.doc_comment(node), "@var", None);
        match told {
            Some(told) if self.kind(left) == Kind::VariableName => walk.later(Later::Bind(left, of_type(&told))),
            _ => walk.later(Later::Assign(left, right)),
        }
    }

    pub(super) fn static_variable(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let value = self.field(node, Field::Value);
        walk.then(value);
        if let (Some(name), Some(value)) = (self.field(node, Field::NameOf), value) {
            walk.later(Later::Assign(name, value));
        }
    }

    /// `foreach ($list as $key => $value)`.
    pub(super) fn foreach(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let body = self.field(node, Field::Body);
        let parts = walk::named_children(node);
        let mut parts = parts.into_iter().filter(|part| Some(*part) != body && self.kind(*part) != Kind::Comment);
        let (over, target) = (parts.next(), parts.next());
        walk.then(over);
        if let (Some(over), Some(target)) = (over, target) {
            let is_pair = self.kind(target) == Kind::Pair;
            let element = if is_pair { target.named_child(1) } else { Some(target) };
            if let Some(key) = target.named_child(0).filter(|_| is_pair) {
                walk.later(Later::Bind(key, unknown()));
            }
            if let Some(element) = element {
                walk.later(Later::Bind(element, self.each(over)));
            }
        }
        walk.then(body);
    }

    /// `catch (A | B $error)`.
    pub(super) fn catch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let types = self.field(node, Field::TypeOf);
        walk.then(types);
        if let (Some(name), Some(types)) = (self.field(node, Field::NameOf), types) {
            walk.later(Later::Bind(name, of_type(&self.type_of(types))));
        }
        walk.then(self.field(node, Field::Body));
    }

    /// In the branch of `if ($x instanceof T)` x is a `T`.
    pub(super) fn branch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (condition, body) = (self.field(node, Field::Condition), self.field(node, Field::Body));
        let Some((name, known)) = condition.and_then(|condition| self.narrowed(condition)) else {
            return walk.children(node);
        };
        let before = self.scopes.find(name).cloned();
        walk.then(condition);
        walk.later(Later::Narrow(name, known));
        walk.then(body);
        walk.later(Later::Restore(name, before.unwrap_or_else(|| "?".into())));
        walk.each_child(node, |walk, child| {
            if Some(child) != condition && Some(child) != body {
                walk.then(child);
            }
        });
    }

    /// The variable and the class of `($x instanceof T)`, also as the first part of `… && …`.
    fn narrowed(&self, condition: Node<'t>) -> Option<(&'t str, Box<str>)> {
        let mut node = condition;
        for _ in 0..8 {
            node = match (self.kind(node), self.word(node, Field::Operator)) {
                (Kind::Parenthesized, _) => node.named_child(0)?,
                (Kind::Binary, "&&") => self.field(node, Field::Left)?,
                _ => break,
            };
        }
        if self.kind(node) != Kind::Binary || self.word(node, Field::Operator) != "instanceof" {
            return None;
        }
        let (left, right) = (self.field(node, Field::Left)?, self.field(node, Field::Right)?);
        let is_plain =
            self.kind(left) == Kind::VariableName && matches!(self.kind(right), Kind::Name | Kind::QualifiedName);
        is_plain.then(|| (self.text.of(left), of_type(&self.path(right))))
    }
}

/// Targets.
impl<'t> Php<'t> {
    /// Binds a target; `written`: the expression that it is given.
    pub(super) fn bind(&mut self, target: Node<'t>, known: Box<str>, written: Option<Node<'t>>, walk: &mut Walk<'t>) {
        let mut open = vec![(target, known, written)];
        while let Some((node, known, written)) = open.pop() {
            match self.kind(node) {
                Kind::VariableName => self.bind_variable(self.text.of(node), known),
                Kind::ListLiteral | Kind::ArrayCreation => open.extend(self.elements(node, &known, written)),
                Kind::ByRef => open.extend(node.named_child(0).map(|inner| (inner, known, written))),
                Kind::MemberAccess | Kind::NullsafeAccess | Kind::ScopedProperty => {
                    self.tell_property(node, &known);
                    self.access(node, Role::Write, walk)
                }
                _ => walk.then(node),
            }
        }
    }

    /// `$this->pool = new Pool()` tells what a property is whose type is not written.
    fn tell_property(&mut self, node: Node<'t>, known: &str) {
        let is_own = self.word(node, Field::Object) == "$this" && tells(known);
        let Some((class, _)) = self.open_type().filter(|_| is_own) else { return };
        if let Some(property) = self.untyped.remove(&(class, self.word(node, Field::NameOf))) {
            self.facts.symbol_mut(property).of_type = Some(with("=", known));
        }
    }

    fn bind_variable(&mut self, name: &'t str, known: Box<str>) {
        if tells(&known) || self.scopes.find(name).is_none() {
            self.scopes.bind(name, known);
        }
    }

    /// The parts of `[$a, 'key' => $b]`. Keys are no targets.
    fn elements(
        &self,
        list: Node<'t>,
        known: &str,
        written: Option<Node<'t>>,
    ) -> Vec<(Node<'t>, Box<str>, Option<Node<'t>>)> {
        let values = written.filter(|written| self.kind(*written) == Kind::ArrayCreation).map(walk::named_children);
        let values = values.unwrap_or_default();
        let parts = walk::named_children(list).into_iter().filter_map(|part| match self.kind(part) {
            Kind::ArrayElement => part.named_child(part.named_child_count().saturating_sub(1) as u32),
            Kind::String | Kind::Integer => None,
            _ => Some(part),
        });
        let one = |(at, node): (usize, Node<'t>)| match values.get(at).and_then(|value| value.named_child(0)) {
            Some(value) => (node, self.expression(value), Some(value)),
            None => (node, with(known, &format!(".{at}")), None),
        };
        parts.enumerate().map(one).collect()
    }
}
