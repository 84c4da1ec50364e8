//! How names, members and types are used.

use kotadb_core::facts::{Reference, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::{Field, Go, Kind, Walk};
use crate::extract::expression::{of_type, unknown};

/// Types that every file has.
const PREDECLARED: &[&str] = &[
    "any",
    "bool",
    "byte",
    "comparable",
    "complex128",
    "complex64",
    "error",
    "float32",
    "float64",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "rune",
    "string",
    "uint",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "uintptr",
];

impl<'t> Go<'t> {
    /// A bare name, unless it is local.
    pub(super) fn bare(&mut self, node: Node<'t>, role: Role) {
        let name = self.text.of(node);
        if name != "_" && self.scopes.find(name).is_none() {
            self.facts.mention(name, node, role, None);
        }
    }

    pub(super) fn type_name(&mut self, node: Node<'t>, role: Role) {
        if !PREDECLARED.contains(&self.text.of(node)) {
            self.bare(node, role);
        }
    }

    /// `db.Pool` as a type.
    pub(super) fn qualified_type(&mut self, node: Node<'t>, role: Role) {
        if let (package, Some(name)) = (self.word(node, Field::Package), self.field(node, Field::Name)) {
            self.facts.mention(self.text.of(name), name, role, Some(package.into()));
        }
    }

    /// `a.b` that is read. What `a` is made of is used too.
    pub(super) fn selector(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.member(node, Role::Read, UNKNOWN_ARITY);
        walk.then(self.field(node, Field::Operand));
    }

    fn member(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let (Some(object), Some(name)) = (self.field(node, Field::Operand), self.field(node, Field::FieldName)) else {
            return;
        };
        let receiver = Some(self.expression(object));
        self.refer(name, role, receiver, n_arguments);
    }

    fn refer(&mut self, name: Node<'t>, role: Role, receiver: Option<Box<str>>, n_arguments: u8) {
        let start = name.start_byte() as u32;
        self.facts.reference(Reference { name: self.text.of(name).into(), start, role, receiver, n_arguments });
    }

    pub(super) fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments));
        if let Some(function) = self.field(node, Field::Function) {
            self.called(function, n_arguments, walk);
        }
        walk.then(self.field(node, Field::TypeArguments));
        walk.then(arguments);
    }

    fn called(&mut self, function: Node<'t>, n_arguments: u8, walk: &mut Walk<'t>) {
        match self.kind(function) {
            Kind::Identifier => self.call_bare(function, n_arguments),
            Kind::SelectorExpression => {
                self.member(function, Role::Call, n_arguments);
                walk.then(self.field(function, Field::Operand));
            }
            // `f[T](x)`, `(f)(x)`.
            Kind::IndexExpression | Kind::TypeInstantiation | Kind::ParenthesizedExpression => {
                let inner = function.named_child(0);
                let is_name = |node: Node<'t>| matches!(self.kind(node), Kind::Identifier | Kind::SelectorExpression);
                match inner.filter(|inner| is_name(*inner)) {
                    Some(inner) => {
                        self.called(inner, n_arguments, walk);
                        walk.children_but(function, Some(inner));
                    }
                    None => walk.then(function),
                }
            }
            _ => walk.then(function),
        }
    }

    fn call_bare(&mut self, name: Node<'t>, n_arguments: u8) {
        if self.scopes.find(self.text.of(name)).is_none() {
            self.refer(name, Role::Call, None, n_arguments);
        }
    }

    /// A call that hands on a list says nothing about its number.
    fn n_arguments(&self, arguments: Node<'t>) -> u8 {
        let mut cursor = arguments.walk();
        let mut n = 0_u8;
        for argument in arguments.named_children(&mut cursor) {
            match self.kind(argument) {
                Kind::Comment => {}
                Kind::VariadicArgument => return UNKNOWN_ARITY,
                _ => n = n.saturating_add(1),
            }
        }
        n
    }

    /// `f[T](x)` reads like a conversion to a generic type.
    pub(super) fn conversion(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let generic = self.field(node, Field::TypeOf).filter(|it| self.kind(*it) == Kind::GenericType);
        let name = generic.and_then(|it| self.field(it, Field::TypeOf));
        match (generic, name.map(|name| (name, self.kind(name)))) {
            (Some(generic), Some((name, Kind::TypeIdentifier))) => {
                self.call_bare(name, 1);
                walk.then(self.field(generic, Field::TypeArguments));
            }
            (Some(generic), Some((name, Kind::QualifiedType))) => {
                if let Some(last) = self.field(name, Field::Name) {
                    let receiver = Some(self.word(name, Field::Package).into());
                    self.refer(last, Role::Call, receiver, 1);
                }
                walk.then(self.field(generic, Field::TypeArguments));
            }
            _ => walk.then(self.field(node, Field::TypeOf)),
        }
        walk.then(self.field(node, Field::Operand));
    }

    pub(super) fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        if let Some(left) = self.field(node, Field::Left) {
            walk.each_child(left, |walk, target| self.written(Some(target), walk));
        }
        walk.then(self.field(node, Field::Right));
    }

    /// What is assigned to.
    pub(super) fn written(&mut self, target: Option<Node<'t>>, walk: &mut Walk<'t>) {
        match target.map(|node| (node, self.kind(node))) {
            Some((node, Kind::Identifier)) => self.bare(node, Role::Write),
            Some((node, Kind::SelectorExpression)) => {
                self.member(node, Role::Write, UNKNOWN_ARITY);
                walk.then(self.field(node, Field::Operand));
            }
            _ => walk.then(target),
        }
    }

    /// `Pool{size: 1}`: makes a `Pool` and writes its `size`. `[]Pool{{size: 1}}` makes its elements.
    pub(super) fn composite(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (Some(made), Some(body)) = (self.field(node, Field::TypeOf), self.field(node, Field::Body)) else {
            return walk.children(node);
        };
        match self.kind(made) {
            Kind::TypeIdentifier => self.type_name(made, Role::New),
            Kind::QualifiedType => self.qualified_type(made, Role::New),
            Kind::GenericType => {
                match self.field(made, Field::TypeOf) {
                    Some(name) if self.kind(name) == Kind::TypeIdentifier => self.type_name(name, Role::New),
                    Some(name) => self.qualified_type(name, Role::New),
                    None => {}
                }
                walk.then(self.field(made, Field::TypeArguments));
            }
            _ => walk.then(made),
        }
        self.elements(body, self.type_of(made), walk);
    }

    /// Keys and values of a literal of a type, and of the literals in it.
    fn elements(&mut self, body: Node<'t>, made: Box<str>, walk: &mut Walk<'t>) {
        let mut open = vec![(body, made)];
        while let Some((body, made)) = open.pop() {
            let element = element_of(&made);
            walk.each_child(body, |walk, child| {
                let (key, value) = match self.kind(child) {
                    Kind::KeyedElement => (self.field(child, Field::Key), self.field(child, Field::Value)),
                    _ => (None, Some(child)),
                };
                let key = key.and_then(|key| key.named_child(0));
                match key.filter(|key| self.kind(*key) == Kind::Identifier && element.is_none()) {
                    Some(name) => self.facts.mention(self.text.of(name), name, Role::Write, Some(of_type(&made))),
                    None => walk.then(key),
                }
                let inner = value.and_then(|value| value.named_child(0).or(Some(value)));
                match inner.filter(|inner| self.kind(*inner) == Kind::LiteralValue) {
                    Some(list) => open.push((list, element.map_or_else(unknown, Into::into))),
                    None => walk.then(value),
                }
            });
        }
    }
}

/// The type of the elements of an array, slice or map.
fn element_of(made: &str) -> Option<&str> {
    let rest = made.strip_prefix("map").unwrap_or(made);
    if !rest.starts_with('[') {
        return None;
    }
    let mut depth = 0;
    let end = rest.bytes().position(|byte| {
        depth += i32::from(byte == b'[') - i32::from(byte == b']');
        depth == 0
    })?;
    Some(&rest[end + 1..])
}
