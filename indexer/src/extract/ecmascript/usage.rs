//! How names are used: bare, as members, called, made instances of, as elements of JSX, as types.

use kotadb_core::facts::{Reference, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::{Field, Kind, Later, Script, Walk};
use crate::extract::expression::bounded_text;
use crate::extract::walk;

impl<'t> Script<'t> {
    /// A bare name, unless it is local.
    pub(super) fn bare(&mut self, node: Node<'t>, role: Role) {
        self.bare_call(node, role, UNKNOWN_ARITY);
    }

    fn bare_call(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let name = self.text.of(node);
        if name != "undefined" && self.scopes.find(name).is_none() {
            self.add(node, role, None, n_arguments);
        }
    }

    pub(super) fn add(&mut self, node: Node<'t>, role: Role, receiver: Option<Box<str>>, n_arguments: u8) {
        let (name, start) = (self.text.of(node).into(), node.start_byte() as u32);
        self.facts.reference(Reference { name, start, role, receiver, n_arguments });
    }

    /// `a.b` that is no call.
    pub(super) fn member(&mut self, node: Node<'t>, role: Role, walk: &mut Walk<'t>) {
        self.member_call(node, role, UNKNOWN_ARITY, walk);
    }

    fn member_call(&mut self, node: Node<'t>, role: Role, n_arguments: u8, walk: &mut Walk<'t>) {
        let (Some(object), Some(property)) = (self.field(node, Field::Object), self.field(node, Field::Property))
        else {
            return;
        };
        // `import.meta`
        if self.kind(object) != Kind::ImportKeyword {
            self.add(property, role, Some(self.expression(object)), n_arguments);
        }
        walk.then(object);
    }

    /// `a.B` where a type or the name of a namespace stands.
    pub(super) fn nested(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let is_type = self.kind(node) == Kind::NestedType;
        let (module, name) = match is_type {
            true => (self.field(node, Field::ModuleName), self.field(node, Field::Name)),
            false => (self.field(node, Field::Object), self.field(node, Field::Property)),
        };
        let (Some(module), Some(name)) = (module, name) else { return };
        let receiver = Some(bounded_text(self.text.of(module)));
        self.add(name, if is_type { Role::Type } else { Role::Read }, receiver, UNKNOWN_ARITY);
        walk.then(module);
    }

    pub(super) fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments, walk));
        let Some(function) = self.field(node, Field::Function) else { return walk.children(node) };
        self.required(node, function);
        self.called(function, n_arguments, Role::Call, walk);
        if node.named_child_count() > 2 {
            walk.then(self.field(node, Field::TypeArguments));
        }
        arguments.into_iter().for_each(|arguments| self.arguments(function, arguments, walk));
    }

    fn called(&mut self, function: Node<'t>, n_arguments: u8, role: Role, walk: &mut Walk<'t>) {
        match self.kind(function) {
            Kind::Identifier => self.bare_call(function, role, n_arguments),
            Kind::MemberExpression => self.member_call(function, role, n_arguments, walk),
            Kind::NonNull | Kind::Parenthesized if self.holds_name(function) => {
                let inner = function.named_child(0).unwrap_or(function);
                self.called(inner, n_arguments, role, walk);
            }
            Kind::Super => self.add(function, role, None, n_arguments),
            _ => walk.then(function),
        }
    }

    fn holds_name(&self, node: Node<'t>) -> bool {
        node.named_child(0).is_some_and(|it| matches!(self.kind(it), Kind::Identifier | Kind::MemberExpression))
    }

    /// A function that is an argument gets what the method that it is given to has in hand.
    fn arguments(&mut self, function: Node<'t>, arguments: Node<'t>, walk: &mut Walk<'t>) {
        if self.kind(arguments) != Kind::Arguments {
            return walk.then(arguments);
        }
        let called = self.expression(function);
        let listed = walk::named_children(arguments).into_iter().filter(|it| self.kind(*it) != Kind::Comment);
        for (argument, node) in listed.enumerate() {
            match self.kind(node) {
                Kind::ArrowFunction | Kind::FunctionExpression => {
                    let (first, called) = (self.given(function), called.clone());
                    walk.later(Later::Callback { node, first, called, argument });
                }
                _ => walk.then(node),
            }
        }
    }

    fn n_arguments(&self, arguments: Node<'t>, walk: &mut Walk<'t>) -> u8 {
        if self.kind(arguments) != Kind::Arguments {
            return UNKNOWN_ARITY;
        }
        let mut n = 0_u8;
        let mut spreads = false;
        walk.each_child(arguments, |_, argument| match self.kind(argument) {
            Kind::Spread => spreads = true,
            Kind::Comment => {}
            _ => n = n.saturating_add(1),
        });
        if spreads { UNKNOWN_ARITY } else { n }
    }

    pub(super) fn new_expression(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments, walk));
        if let Some(made) = self.field(node, Field::Constructor) {
            self.called(made, n_arguments, Role::New, walk);
        }
        walk.then(self.field(node, Field::TypeArguments));
        match (self.field(node, Field::Constructor), arguments) {
            (Some(made), Some(arguments)) => self.arguments(made, arguments, walk),
            (_, arguments) => walk.then(arguments),
        }
    }

    pub(super) fn decorator(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(inner) = node.named_child(0) else { return };
        if self.kind(inner) != Kind::CallExpression {
            return self.called(inner, UNKNOWN_ARITY, Role::Decorate, walk);
        }
        let arguments = self.field(inner, Field::Arguments);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments, walk));
        if let Some(function) = self.field(inner, Field::Function) {
            self.called(function, n_arguments, Role::Decorate, walk);
        }
        walk.then(arguments);
    }

    /// `<Pool size={1}>` calls `Pool`; `<div>` calls nothing.
    pub(super) fn element(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::Name);
        let text = name.map_or("", |name| self.text.of(name));
        if let Some(name) = name
            && (text.starts_with(|c: char| c.is_uppercase()) || text.contains('.'))
        {
            self.called(name, UNKNOWN_ARITY, Role::Call, walk);
        }
        walk.children_but(node, name);
    }

    /// `name: value` is no use of a name, `[name]: value` is.
    pub(super) fn pair(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.then(self.field(node, Field::Key).filter(|key| self.kind(*key) == Kind::ComputedName));
        walk.then(self.field(node, Field::Value));
    }

    /// Names of the parameters of a type are no names that files share.
    pub(super) fn function_type(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        for parameter in self.field(node, Field::Parameters).map(walk::named_children).unwrap_or_default() {
            walk.then(self.field(parameter, Field::TypeOf));
        }
        walk.then(self.field(node, Field::ReturnType));
    }

    /// `a = b`, `a.b = c`; in a class `this.b = c` may define.
    pub(super) fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (Some(left), right) = (self.field(node, Field::Left), self.field(node, Field::Right)) else {
            return walk.children(node);
        };
        if let Some(right) = right
            && (self.exports_by_assignment(node, left, right, walk) || self.assigns_method(node, left, right, walk))
        {
            return;
        }
        walk.then(right);
        match self.kind(left) {
            Kind::Identifier if self.scopes.find(self.text.of(left)).is_some() => {
                right.into_iter().for_each(|value| walk.later(Later::Assign(self.text.of(left), value)));
            }
            Kind::Identifier => self.bare(left, Role::Write),
            Kind::MemberExpression => self.set_member(left, right, walk),
            _ => walk.then(left),
        }
    }

    pub(super) fn update(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let left = self.field(node, Field::Left).or_else(|| node.named_child(0));
        match left.map(|left| (left, self.kind(left))) {
            Some((left, Kind::Identifier)) => self.bare(left, Role::Write),
            Some((left, Kind::MemberExpression)) => self.member(left, Role::Write, walk),
            Some((left, _)) => walk.then(left),
            None => {}
        }
        walk.then(self.field(node, Field::Right));
    }
}
