//! How names, members and types are used.

use kotadb_core::facts::{Reference, Role};
use tree_sitter::Node;

use super::argument::Arguments;
use super::{Field, Java, Kind, Walk};
use crate::extract::walk;

impl<'t> Java<'t> {
    /// A bare name, unless it is local.
    pub(super) fn bare(&mut self, node: Node<'t>, role: Role) {
        let name = self.text.of(node);
        if self.scopes.find(name).is_none() {
            self.facts.mention(name, node, role, None);
        }
    }

    pub(super) fn type_name(&mut self, node: Node<'t>, role: Role) {
        if self.text.of(node) != "var" {
            self.bare(node, role);
        }
    }

    /// `a.b.Pool` as a type.
    pub(super) fn scoped_type(&mut self, node: Node<'t>, role: Role) {
        self.scoped_reference(node, role, &Arguments::NONE);
    }

    fn scoped_reference(&mut self, node: Node<'t>, role: Role, arguments: &Arguments) {
        let Some(name) = walk::named_children(node).into_iter().rev().find(|it| self.kind(*it) == Kind::TypeIdentifier)
        else {
            return;
        };
        let before = self.text.slice(node.start_byte(), name.start_byte()).trim_end().trim_end_matches('.');
        let receiver = (!before.is_empty()).then(|| self.plain_type(before));
        self.refer(name, role, receiver, arguments);
    }

    fn refer(&mut self, at: Node<'t>, role: Role, receiver: Option<Box<str>>, arguments: &Arguments) {
        self.refer_as(self.text.of(at), at, role, receiver, arguments);
    }

    /// The same where the text has another word for the name.
    fn refer_as(&mut self, name: &str, at: Node<'t>, role: Role, receiver: Option<Box<str>>, arguments: &Arguments) {
        let (start, receiver) = (at.start_byte() as u32, arguments.behind(receiver));
        self.facts.reference(Reference { name: name.into(), start, role, receiver, n_arguments: arguments.n });
    }

    /// `a.b` that is read. What `a` is made of is used too.
    pub(super) fn field_access(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.member(node, Role::Read);
        self.object(self.field(node, Field::Object), walk);
    }

    fn member(&mut self, node: Node<'t>, role: Role) {
        let (Some(object), Some(name)) = (self.field(node, Field::Object), self.field(node, Field::FieldName)) else {
            return;
        };
        if self.kind(name) == Kind::Identifier {
            let receiver = Some(self.expression(object));
            self.refer(name, role, receiver, &Arguments::NONE);
        }
    }

    /// What stands before a dot: a name that begins with a capital is a type.
    fn object(&mut self, object: Option<Node<'t>>, walk: &mut Walk<'t>) {
        match object.filter(|object| self.kind(*object) == Kind::Identifier) {
            Some(name) => {
                let is_type = self.text.of(name).starts_with(|c: char| c.is_uppercase());
                self.bare(name, if is_type { Role::Type } else { Role::Read });
            }
            None => walk.then(object),
        }
    }

    pub(super) fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (object, arguments) = (self.field(node, Field::Object), self.field(node, Field::Arguments));
        if let Some(name) = self.field(node, Field::Name) {
            let receiver = object.map(|object| self.expression(object));
            self.refer(name, Role::Call, receiver, &self.arguments(arguments));
        }
        self.object(object, walk);
        walk.then(arguments);
    }

    /// `this(1)` and `super(1)` make the type, or the one above it.
    pub(super) fn constructor_call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        if let (Some(word), Some(open)) = (self.field(node, Field::Constructor), self.open.last()) {
            let name = if self.kind(word) == Kind::This { open.name.into() } else { open.above.clone() };
            let last = name.rsplit('.').next().unwrap_or_default();
            let before = name[..name.len() - last.len()].trim_end_matches('.');
            let receiver = (!before.is_empty()).then(|| before.into());
            self.refer_as(last, word, Role::New, receiver, &self.arguments(arguments));
        }
        walk.then(self.field(node, Field::Object));
        walk.then(arguments);
    }

    /// `new Pool(1) { … }`.
    pub(super) fn new_instance(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (made, arguments) = (self.field(node, Field::TypeOf), self.field(node, Field::Arguments));
        if let Some(made) = made {
            self.makes(made, &self.arguments(arguments), walk);
        }
        walk.each_child(node, |walk, child| {
            if Some(child) == made {
                return;
            }
            match made.filter(|_| self.kind(child) == Kind::ClassBody) {
                Some(made) => self.anonymous(child, made, walk),
                None => walk.then(child),
            }
        });
    }

    fn makes(&mut self, made: Node<'t>, arguments: &Arguments, walk: &mut Walk<'t>) {
        match self.kind(made) {
            Kind::TypeIdentifier => self.refer(made, Role::New, None, arguments),
            Kind::ScopedType => self.scoped_reference(made, Role::New, arguments),
            Kind::GenericType => {
                let parts = walk::named_children(made);
                parts.first().into_iter().for_each(|name| self.makes_plain(*name, arguments));
                parts.into_iter().skip(1).for_each(|of| walk.then(of));
            }
            _ => walk.then(made),
        }
    }

    fn makes_plain(&mut self, made: Node<'t>, arguments: &Arguments) {
        match self.kind(made) {
            Kind::ScopedType => self.scoped_reference(made, Role::New, arguments),
            _ => self.refer(made, Role::New, None, arguments),
        }
    }

    /// `Pool::make`, `this::run`, `Pool::new`: not called here.
    pub(super) fn method_reference(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::children(node);
        let (Some(&object), Some(&name)) = (parts.first(), parts.last()) else { return };
        if self.kind(name) == Kind::New {
            match self.kind(object) {
                Kind::Identifier => self.refer(object, Role::New, None, &Arguments::NONE),
                _ => self.makes(object, &Arguments::NONE, walk),
            }
            return;
        }
        if self.kind(name) == Kind::Identifier {
            let receiver = Some(self.expression(object));
            self.refer(name, Role::Read, receiver, &Arguments::NONE);
        }
        self.object(Some(object), walk);
    }

    pub(super) fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.written(self.field(node, Field::Left), walk);
        walk.then(self.field(node, Field::Right));
    }

    /// What is assigned to.
    pub(super) fn written(&mut self, target: Option<Node<'t>>, walk: &mut Walk<'t>) {
        match target.map(|node| (node, self.kind(node))) {
            Some((node, Kind::Identifier)) => self.bare(node, Role::Write),
            Some((node, Kind::FieldAccess)) => {
                self.member(node, Role::Write);
                self.object(self.field(node, Field::Object), walk);
            }
            _ => walk.then(target),
        }
    }

    /// `@Service("x")`.
    pub(super) fn annotation(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        if let Some(name) = self.field(node, Field::Name) {
            let last = self.field(name, Field::Name).unwrap_or(name);
            let before = self.text.slice(name.start_byte(), last.start_byte()).trim_end_matches('.');
            let receiver = (!before.is_empty()).then(|| before.into());
            self.facts.mention(self.text.of(last), last, Role::Decorate, receiver);
        }
        walk.then(arguments);
    }
}
