//! How names are used: bare, behind a path, as a member, called, made an instance of.

use kotadb_core::facts::expression::bounded;
use kotadb_core::facts::{Reference, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::expression::is_type_name;
use super::{Field, Kind, Later, Rust, Walk};
use crate::extract::expression::{as_type, of_type};
use crate::extract::walk;

/// Names that every file has and nobody looks for.
const PRELUDE: &[&str] = &["Self", "Some", "None", "Ok", "Err", "self", "super", "crate"];

impl<'t> Rust<'t> {
    /// A bare name, unless it is local.
    pub(super) fn bare(&mut self, node: Node<'t>, role: Role) {
        self.bare_call(node, role, UNKNOWN_ARITY);
    }

    pub(super) fn bare_call(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let name = self.name(node);
        if !PRELUDE.contains(&name) && !self.is_local(name) && !self.made.contains(&node.start_byte()) {
            self.add(node, role, None, n_arguments);
        }
    }

    pub(super) fn add(&mut self, node: Node<'t>, role: Role, receiver: Option<Box<str>>, n_arguments: u8) {
        let name = self.name(node);
        // Of `r#type` the name is what follows the sign.
        let start = (node.end_byte() - name.len()) as u32;
        let name = name.into();
        self.facts.reference(Reference { name, start, role, receiver, n_arguments });
    }

    /// `a::b`: `b` behind `a`, and `a` itself.
    pub(super) fn scoped(&mut self, node: Node<'t>, role: Role, walk: &mut Walk<'t>) {
        self.scoped_call(node, role, UNKNOWN_ARITY, walk);
    }

    fn scoped_call(&mut self, node: Node<'t>, role: Role, n_arguments: u8, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return };
        let path = self.field(node, Field::Path);
        let receiver = path.map(|path| self.either_of(path).unwrap_or_else(|| self.path_text(path)));
        self.add(name, role, receiver, n_arguments);
        path.into_iter().for_each(|path| self.before(path, walk));
    }

    /// What stands before `::`.
    fn before(&mut self, path: Node<'t>, walk: &mut Walk<'t>) {
        let mut open = Some(path);
        while let Some(node) = open.take() {
            match self.kind(node) {
                Kind::Identifier | Kind::TypeIdentifier => self.bare(node, self.segment_role(node)),
                Kind::ScopedIdentifier | Kind::ScopedType => {
                    let Some(name) = self.field(node, Field::Name) else { return };
                    let path = self.field(node, Field::Path);
                    let receiver = path.map(|path| self.path_text(path));
                    self.add(name, self.segment_role(name), receiver, UNKNOWN_ARITY);
                    open = path;
                }
                _ => walk.then(node),
            }
        }
    }

    fn segment_role(&self, node: Node<'t>) -> Role {
        if is_type_name(self.text.of(node)) { Role::Type } else { Role::Read }
    }

    pub(super) fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments, walk));
        let Some(mut function) = self.field(node, Field::Function) else { return walk.children(node) };
        let mut type_arguments = None;
        if self.kind(function) == Kind::GenericFunction {
            type_arguments = self.field(function, Field::TypeArguments);
            function = self.field(function, Field::Function).unwrap_or(function);
        }
        match self.kind(function) {
            Kind::Identifier => self.bare_call(function, self.call_role(function), n_arguments),
            Kind::ScopedIdentifier => {
                let name = self.field(function, Field::Name).unwrap_or(function);
                self.scoped_call(function, self.call_role(name), n_arguments, walk);
            }
            Kind::FieldExpression => {
                let (value, name) = (self.field(function, Field::Value), self.field(function, Field::FieldName));
                if let (Some(value), Some(name)) = (value, name) {
                    self.add(name, Role::Call, Some(self.expression(value)), n_arguments);
                    walk.then(value);
                }
            }
            _ => walk.then(function),
        }
        walk.then(type_arguments);
        arguments.into_iter().for_each(|arguments| self.arguments(function, arguments, walk));
    }

    /// A type that is called makes an instance: `Some(x)`, `Meters(3)`.
    fn call_role(&self, name: Node<'t>) -> Role {
        if is_type_name(self.text.of(name)) { Role::New } else { Role::Call }
    }

    /// A closure gets what the method that it is given to has in hand.
    fn arguments(&mut self, function: Node<'t>, arguments: Node<'t>, walk: &mut Walk<'t>) {
        walk.each_child(arguments, |walk, argument| {
            if self.kind(argument) == Kind::ClosureExpression {
                walk.later(Later::Closure(argument, self.given(function)));
            } else {
                walk.then(argument);
            }
        });
    }

    fn n_arguments(&self, arguments: Node<'t>, walk: &mut Walk<'t>) -> u8 {
        let mut n = 0_u8;
        walk.each_child(arguments, |_, argument| match self.kind(argument) {
            Kind::LineComment | Kind::BlockComment | Kind::AttributeItem => {}
            _ => n = n.saturating_add(1),
        });
        n
    }

    /// `a.b` that is no call.
    pub(super) fn member(&mut self, node: Node<'t>, role: Role, walk: &mut Walk<'t>) {
        let (value, name) = (self.field(node, Field::Value), self.field(node, Field::FieldName));
        if let (Some(value), Some(name)) = (value, name) {
            if self.kind(name) == Kind::FieldIdentifier {
                self.add(name, role, Some(self.expression(value)), UNKNOWN_ARITY);
            }
            walk.then(value);
        }
    }

    pub(super) fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let mut left = self.field(node, Field::Left);
        while let Some(inner) = left.filter(|it| matches!(self.kind(*it), Kind::UnaryExpression | Kind::Parenthesized))
        {
            left = inner.named_child(0);
        }
        match left.map(|left| (left, self.kind(left))) {
            Some((left, Kind::Identifier)) => self.bare(left, Role::Write),
            Some((left, Kind::ScopedIdentifier)) => self.scoped(left, Role::Write, walk),
            Some((left, Kind::FieldExpression)) => self.member(left, Role::Write, walk),
            Some((left, _)) => walk.then(left),
            None => {}
        }
        walk.then(self.field(node, Field::Right));
    }

    /// `Pool { size: 1, name }`.
    pub(super) fn instance(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(mut name) = self.field(node, Field::Name) else { return walk.children(node) };
        let made: Box<str> = self.made(name);
        if self.kind(name) == Kind::GenericTurbofish {
            walk.then(self.field(name, Field::TypeArguments));
            name = self.field(name, Field::TypeOf).unwrap_or(name);
        }
        match self.kind(name) {
            Kind::ScopedType | Kind::ScopedIdentifier => self.scoped(name, Role::New, walk),
            _ => self.bare(name, Role::New),
        }
        for field in self.field(node, Field::Body).map(walk::named_children).unwrap_or_default() {
            match self.kind(field) {
                Kind::FieldInitializer => {
                    if let Some(name) = self.field(field, Field::FieldName) {
                        self.add(name, Role::Write, Some(made.clone()), UNKNOWN_ARITY);
                    }
                    walk.then(self.field(field, Field::Value));
                }
                Kind::ShorthandInitializer => {
                    let name = walk::named_children(field).into_iter().find(|it| self.kind(*it) == Kind::Identifier);
                    name.into_iter().for_each(|name| self.add(name, Role::Write, Some(made.clone()), UNKNOWN_ARITY));
                }
                _ => walk.then(field),
            }
        }
    }

    /// The expression of an instance of what is named.
    pub(super) fn made(&self, name: Node<'t>) -> Box<str> {
        let path = self.path_text(name);
        if &*path == "Self" { path } else { of_type(&path) }
    }

    /// A path without type arguments and blanks: `a::Pool`. Of `<Pool as Tr>` it is `Pool`, of `<[T] as Tr>` it is `Tr`; what begins
    /// with a type parameter begins with `<…>` of what that is bound by.
    pub(super) fn path_text(&self, node: Node<'t>) -> Box<str> {
        let mut parts = Vec::new();
        let mut open = Some(node);
        while let Some(node) = open.take() {
            match self.kind(node) {
                Kind::ScopedIdentifier | Kind::ScopedType => {
                    parts.push(self.word(node, Field::Name));
                    open = self.field(node, Field::Path);
                }
                Kind::GenericType | Kind::GenericTurbofish | Kind::GenericPattern | Kind::ReferenceType => {
                    open = self.field(node, Field::TypeOf).or(node.named_child(0))
                }
                Kind::QualifiedType => open = self.qualified(node),
                Kind::BracketedType => open = node.named_child(0),
                Kind::DynamicType => open = self.field(node, Field::Trait),
                _ => parts.push(self.text.of(node)),
            }
        }
        parts.reverse();
        // A type parameter stands for what it is bound by.
        let bound = parts.first().and_then(|first| self.scopes.find(first)).and_then(|known| as_type(known));
        let Some(bound) = bound else { return bounded(parts.join("::")) };
        let is_plain = !bound.contains(['<', '+', '(']);
        let mut path = if is_plain { bound.to_owned() } else { ["<", bound, ">"].concat() };
        for part in &parts[1..] {
            path += "::";
            path += part;
        }
        bounded(path)
    }

    /// `<X as Tr>` as something of either: what `X` has of that name may be written for it where nobody sees it.
    fn either_of(&self, path: Node<'t>) -> Option<Box<str>> {
        let inner = Some(path).filter(|it| self.kind(*it) == Kind::BracketedType).and_then(|it| it.named_child(0));
        let qualified = inner.filter(|it| self.kind(*it) == Kind::QualifiedType)?;
        let (of, interface) = (self.qualified(qualified)?, self.field(qualified, Field::Alias)?);
        let both = [self.path_text(of), self.path_text(interface)];
        let is_plain = of != interface && both.iter().all(|it| !it.contains(['<', '+']));
        is_plain.then(|| bounded(of_type(&both.join("+")).into()))
    }

    /// Of `<X as Tr>` the type if it has a name that files share, else the trait.
    fn qualified(&self, node: Node<'t>) -> Option<Node<'t>> {
        let (of, interface) = (self.field(node, Field::TypeOf), self.field(node, Field::Alias));
        let is_named = |it: &Node<'t>| match self.kind(*it) {
            Kind::TypeIdentifier => !self.is_local(self.text.of(*it)),
            Kind::ScopedType => self.field(*it, Field::Path).is_some_and(|path| self.kind(path) != Kind::BracketedType),
            Kind::GenericType => true,
            _ => false,
        };
        of.filter(is_named).or(interface)
    }
}
