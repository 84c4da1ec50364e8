//! How names, members and types are used.

use kotadb_core::facts::{Reference, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::{Field, Kind, Sharp, Walk};
use crate::extract::expression::{of_type, unknown};
use crate::extract::walk;

impl<'t> Sharp<'t> {
    /// A bare name, unless it is local.
    pub(super) fn bare(&mut self, node: Node<'t>, role: Role) {
        let name = self.text.of(node);
        if name != "_" && self.scopes.find(name).is_none() {
            self.facts.mention(name, node, role, None);
        }
    }

    /// A use, and what its type arguments use.
    pub(super) fn refer(&mut self, name: Node<'t>, role: Role, receiver: Option<Box<str>>, n_arguments: u8) {
        let arguments = self.note(name, role, receiver, n_arguments);
        arguments.into_iter().for_each(|arguments| self.type_use(arguments));
    }

    /// A use alone; the type arguments are left to the caller.
    fn note(&mut self, name: Node<'t>, role: Role, receiver: Option<Box<str>>, n_arguments: u8) -> Option<Node<'t>> {
        let (name, arguments) = self.split(name);
        let start = name.start_byte() as u32;
        self.facts.reference(Reference { name: self.text.of(name).into(), start, role, receiver, n_arguments });
        arguments
    }

    /// Name and arguments of `Pool<T>`.
    pub(super) fn split(&self, name: Node<'t>) -> (Node<'t>, Option<Node<'t>>) {
        if self.kind(name) == Kind::GenericName {
            return (name.named_child(0).unwrap_or(name), name.named_child(1));
        }
        (name, None)
    }

    /// `Pool<T>` as a value or type.
    pub(super) fn generic(&mut self, node: Node<'t>, role: Role) {
        let (name, arguments) = self.split(node);
        self.bare(name, role);
        arguments.into_iter().for_each(|arguments| self.type_use(arguments));
    }

    /// What stands where a type stands.
    pub(super) fn type_use(&mut self, node: Node<'t>) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            match self.kind(node) {
                Kind::Identifier => self.bare(node, Role::Type),
                Kind::QualifiedName | Kind::AliasQualifiedName => {
                    open.extend(self.note_qualified(node, Role::Type, UNKNOWN_ARITY));
                }
                Kind::PredefinedType | Kind::ImplicitType | Kind::Comment => {}
                _ => open.extend(walk::named_children(node).into_iter().rev()),
            }
        }
    }

    /// `a.b.Pool` as a type.
    fn qualified(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let arguments = self.note_qualified(node, role, n_arguments);
        arguments.into_iter().for_each(|arguments| self.type_use(arguments));
    }

    fn note_qualified(&mut self, node: Node<'t>, role: Role, n_arguments: u8) -> Option<Node<'t>> {
        let name = self.field(node, Field::Name)?;
        let before = self.text.slice(node.start_byte(), name.start_byte()).trim_end_matches(['.', ':', ' ']);
        let receiver = Some(self.plain_type(before));
        self.note(name, role, receiver, n_arguments)
    }

    /// `a.b` that is read. What `a` is made of is used too.
    pub(super) fn member_access(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.member(node, Role::Read, UNKNOWN_ARITY);
        self.object(self.field(node, Field::ExpressionOf), walk);
    }

    fn member(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let (Some(object), Some(name)) = (self.field(node, Field::ExpressionOf), self.field(node, Field::Name)) else {
            return;
        };
        let receiver = Some(self.expression(object));
        self.refer(name, role, receiver, n_arguments);
    }

    /// What stands before a dot: a name that begins with a capital may be a type.
    fn object(&mut self, object: Option<Node<'t>>, walk: &mut Walk<'t>) {
        match object.map(|object| (object, self.kind(object))) {
            Some((name, Kind::Identifier)) if self.text.of(name).starts_with(|c: char| c.is_uppercase()) => {
                self.bare(name, Role::Type);
            }
            Some((name, Kind::GenericName)) => self.generic(name, Role::Type),
            _ => walk.then(object),
        }
    }

    /// `a?.b`.
    pub(super) fn conditional_access(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.bound_member(node, Role::Read, UNKNOWN_ARITY);
        walk.then(self.field(node, Field::Condition));
    }

    fn bound_member(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let binding = walk::named_children(node).into_iter().find(|it| self.kind(*it) == Kind::MemberBinding);
        let name = binding.and_then(|binding| self.field(binding, Field::Name));
        if let (Some(object), Some(name)) = (self.field(node, Field::Condition), name) {
            let receiver = Some(self.expression(object));
            self.refer(name, role, receiver, n_arguments);
        }
    }

    pub(super) fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments));
        if let Some(function) = self.field(node, Field::Function) {
            self.called(function, n_arguments, walk);
        }
        walk.then(arguments);
    }

    fn called(&mut self, function: Node<'t>, n_arguments: u8, walk: &mut Walk<'t>) {
        match self.kind(function) {
            Kind::Identifier | Kind::GenericName => {
                let (name, _) = self.split(function);
                let text = self.text.of(name);
                if text != "nameof" && self.scopes.find(text).is_none() {
                    self.refer(function, Role::Call, None, n_arguments);
                }
            }
            Kind::MemberAccess => {
                self.member(function, Role::Call, n_arguments);
                self.object(self.field(function, Field::ExpressionOf), walk);
            }
            Kind::ConditionalAccess => {
                self.bound_member(function, Role::Call, n_arguments);
                walk.then(self.field(function, Field::Condition));
            }
            _ => walk.then(function),
        }
    }

    pub(super) fn n_arguments(&self, arguments: Node<'t>) -> u8 {
        let mut cursor = arguments.walk();
        let n = arguments.named_children(&mut cursor).filter(|it| self.kind(*it) != Kind::Comment).count();
        u8::try_from(n).unwrap_or(UNKNOWN_ARITY)
    }

    /// `new Pool(1) { Size = 2 }`: makes a `Pool` and writes its `Size`.
    pub(super) fn new_instance(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments));
        let made = self.field(node, Field::TypeOf);
        if let Some(made) = made {
            self.makes(made, n_arguments);
        }
        walk.then(arguments);
        if let Some(list) = self.field(node, Field::InitializerOf) {
            let made = made.map_or_else(unknown, |made| of_type(&self.type_of(made)));
            self.initialized(list, &made, walk);
        }
    }

    /// Tells that a type is made.
    pub(super) fn makes(&mut self, made: Node<'t>, n_arguments: u8) {
        match self.kind(made) {
            Kind::Identifier | Kind::GenericName => self.refer(made, Role::New, None, n_arguments),
            Kind::QualifiedName | Kind::AliasQualifiedName => self.qualified(made, Role::New, n_arguments),
            _ => self.type_use(made),
        }
    }

    fn initialized(&mut self, list: Node<'t>, made: &str, walk: &mut Walk<'t>) {
        walk.each_child(list, |walk, child| {
            let name = self.field(child, Field::Left).filter(|name| self.kind(*name) == Kind::Identifier);
            match name.filter(|_| self.kind(child) == Kind::Assignment) {
                Some(name) => {
                    self.refer(name, Role::Write, Some(made.into()), UNKNOWN_ARITY);
                    walk.then(self.field(child, Field::Right));
                }
                None => walk.then(child),
            }
        });
    }

    /// `: this(1)` and `: base(1)` make the type, or the one above it.
    pub(super) fn constructor_call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let word = walk::children(node).into_iter().find(|it| matches!(self.kind(*it), Kind::This | Kind::Base));
        let arguments = node.named_child(0);
        if let (Some(word), Some(open)) = (word, self.open.last()) {
            let name = if self.kind(word) == Kind::This { open.name.into() } else { open.above.clone() };
            let name = name.split('<').next().unwrap_or_default();
            let last = name.rsplit('.').next().unwrap_or_default();
            let before = name[..name.len() - last.len()].trim_end_matches('.');
            let receiver: Option<Box<str>> = (!before.is_empty()).then(|| before.into());
            let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments));
            let (name, start) = (last.into(), word.start_byte() as u32);
            self.facts.reference(Reference { name, start, role: Role::New, receiver, n_arguments });
        }
        walk.then(arguments);
    }

    pub(super) fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.written(self.field(node, Field::Left), walk);
        walk.then(self.field(node, Field::Right));
    }

    /// `x++`, `--x`; others only read.
    pub(super) fn unary(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let is_step =
            walk::children(node).iter().any(|child| matches!(self.kind(*child), Kind::PlusPlus | Kind::MinusMinus));
        if is_step { self.written(node.named_child(0), walk) } else { walk.children(node) }
    }

    /// What is assigned to.
    fn written(&mut self, target: Option<Node<'t>>, walk: &mut Walk<'t>) {
        match target.map(|node| (node, self.kind(node))) {
            Some((node, Kind::Identifier)) => self.bare(node, Role::Write),
            Some((node, Kind::MemberAccess)) => {
                self.member(node, Role::Write, UNKNOWN_ARITY);
                self.object(self.field(node, Field::ExpressionOf), walk);
            }
            _ => walk.then(target),
        }
    }

    /// `[Service("x")]`.
    pub(super) fn attribute(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::Name);
        match name.map(|name| (name, self.kind(name))) {
            Some((name, Kind::QualifiedName)) => self.qualified(name, Role::Decorate, UNKNOWN_ARITY),
            Some((name, _)) => self.refer(name, Role::Decorate, None, UNKNOWN_ARITY),
            None => {}
        }
        walk.children_but(node, name);
    }

    /// `(T)x`, `typeof(T)`, `new T[3]`.
    pub(super) fn typed(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let of = self.field(node, Field::TypeOf);
        of.into_iter().for_each(|of| self.type_use(of));
        walk.children_but(node, of);
    }

    /// `x as T`, `x is T`.
    pub(super) fn as_type(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.then(self.field(node, Field::Left));
        self.field(node, Field::Right).into_iter().for_each(|of| self.type_use(of));
    }
}
