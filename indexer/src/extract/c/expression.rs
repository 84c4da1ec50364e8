//! What a receiver or value is, in the grammar of expressions, with local names replaced. Pointers and references are
//! what they lead to; in C so are elements of arrays.

use std::rc::Rc;

use kotadb_core::facts::Role;
use tree_sitter::Node;

use super::usage::is_cast;
use super::{Family, Field, Kind, Walk};
use crate::extract::expression::{MAX_DEPTH, as_type, member, of_type, or_unknown, type_text, unknown, with};

/// Words of a type that say nothing about its members.
const IDLE_WORDS: &[&str] = &[
    "struct",
    "union",
    "enum",
    "class",
    "const",
    "volatile",
    "typename",
    "restrict",
    "register",
    "static",
    "constexpr",
    "mutable",
    "template",
];

impl<'t> Family<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    /// What the sign of a member access leads into: `->` goes through smart pointers.
    pub(super) fn pointed(&self, access: Node<'t>, object: Node<'t>) -> Box<str> {
        let value = self.expression(object);
        if self.is_plus && self.word(access, Field::Operator) == "->" { through_pointer(value) } else { value }
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier => self.name(self.text.of(node)),
            Kind::This => "this".into(),
            Kind::FieldExpression => self.member_value(node, part(Field::Argument)),
            Kind::CallExpression => self.result(node, depth),
            Kind::SubscriptExpression if self.is_plus => with(&part(Field::Argument), "[]"),
            Kind::SubscriptExpression => part(Field::Argument),
            Kind::PointerExpression if self.is_plus => through_pointer(part(Field::Argument)),
            Kind::PointerExpression | Kind::UpdateExpression => part(Field::Argument),
            Kind::ParenthesizedExpression => node.named_child(0).map_or_else(unknown, |inner| self.value(inner, depth)),
            Kind::CastExpression | Kind::CompoundLiteralExpression | Kind::NewExpression => {
                self.field(node, Field::TypeOf).map_or_else(unknown, |it| self.something_of(it))
            }
            Kind::AssignmentExpression => part(Field::Right),
            Kind::ConditionalExpression => self.either(part(Field::Consequence), || part(Field::Alternative)),
            Kind::QualifiedIdentifier => or_unknown(type_text(self.text.short(node), &[], IDLE_WORDS)),
            Kind::TemplateFunction => self.name(self.word(node, Field::Name)),
            Kind::CoAwaitExpression => with(&part(Field::Argument), ".await"),
            _ => unknown(),
        }
    }

    fn name(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if name.is_empty() => unknown(),
            None => name.into(),
        }
    }

    fn member_value(&self, node: Node<'t>, object: Box<str>) -> Box<str> {
        let Some(name) = self.field(node, Field::FieldName) else { return unknown() };
        let is_arrow = self.is_plus && self.word(node, Field::Operator) == "->";
        let object = if is_arrow { through_pointer(object) } else { object };
        let name = self.field(name, Field::Name).unwrap_or(name);
        member(&object, ".", self.text.of(name))
    }

    fn either(&self, one: Box<str>, other: impl Fn() -> Box<str>) -> Box<str> {
        if &*one == "?" { other() } else { one }
    }

    /// What a call gives: a cast its type, `container_of(p, struct a, b)` and its like the type that is named in it.
    fn result(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let (Some(function), arguments) = (self.field(node, Field::Function), self.field(node, Field::Arguments))
        else {
            return unknown();
        };
        if let Some(generic) = self.generic_function(function) {
            let name = self.word(generic, Field::Name);
            let made = || self.field(generic, Field::Arguments).and_then(|arguments| arguments.named_child(0));
            if is_cast(name) || name.starts_with("make_") || name.ends_with("_cast") {
                return made().map_or_else(unknown, |it| self.something_of(it));
            }
        }
        let first = || arguments.and_then(|it| it.named_child(0));
        if self.is_plus && matches!(self.text.short(function), "std::move" | "std::ref" | "std::addressof" | "move") {
            return first().map_or_else(unknown, |it| self.value(it, depth));
        }
        match arguments.and_then(|it| self.named_type(it)) {
            Some(tag) => of_type(tag),
            None => with(&self.value(function, depth), "()"),
        }
    }

    /// `f<T>` of `a::f<T>`.
    fn generic_function(&self, function: Node<'t>) -> Option<Node<'t>> {
        let mut node = function;
        while self.kind(node) == Kind::QualifiedIdentifier {
            node = self.field(node, Field::Name)?;
        }
        (self.kind(node) == Kind::TemplateFunction).then_some(node)
    }

    /// `a` of an argument `struct a`. A macro takes it, since no function can.
    fn named_type(&self, arguments: Node<'t>) -> Option<&'t str> {
        let text = self.text.short(arguments);
        let at = text.find("struct ")?;
        let before = text[..at].trim_end();
        let name = text[at + "struct ".len()..].trim_start();
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        let is_alone = before.ends_with(',') && name[end..].trim_start_matches([' ', '*']).starts_with([',', ')']);
        (is_alone && end > 0).then(|| &name[..end])
    }
}

/// Types.
impl<'t> Family<'t> {
    /// A type as written, without what says nothing about its members.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        match self.kind(node) {
            Kind::StructSpecifier | Kind::UnionSpecifier | Kind::EnumSpecifier | Kind::ClassSpecifier => {
                self.field(node, Field::Name).map_or_else(unknown, |name| self.text.of(name).into())
            }
            Kind::TypeDescriptor => self.field(node, Field::TypeOf).map_or_else(unknown, |it| self.type_of(it)),
            Kind::PlaceholderTypeSpecifier | Kind::MacroTypeSpecifier => unknown(),
            Kind::TypeIdentifier => self.text.of(node).into(),
            _ => or_unknown(type_text(self.text.short(node), &['*', '&'], IDLE_WORDS)),
        }
    }

    /// The same, unless that is nothing.
    pub(super) fn type_if_named(&self, node: Node<'t>) -> Option<Box<str>> {
        Some(self.type_of(node)).filter(|name| &**name != "?" && !name.is_empty() && &**name != "__auto_type")
    }

    /// Something of a type.
    pub(super) fn something_of(&self, node: Node<'t>) -> Box<str> {
        of_type(&self.type_of(node))
    }

    /// What something of a type is; `None`: its value tells.
    pub(super) fn known_type(&self, node: Node<'t>) -> Option<Rc<str>> {
        match self.kind(node) {
            Kind::PrimitiveType | Kind::SizedTypeSpecifier => Some(self.unknown.clone()),
            Kind::PlaceholderTypeSpecifier => None,
            Kind::TypeIdentifier if self.text.of(node) == "__auto_type" => None,
            // A parameter of a template.
            Kind::TypeIdentifier if self.scopes.find(self.text.of(node)).is_some() => Some(self.unknown.clone()),
            _ => Some(self.something_of(node).into()),
        }
    }

    /// Tells that a type is made; false: it has no constructor.
    pub(super) fn makes(&mut self, made: Node<'t>, n_arguments: u8, walk: &mut Walk<'t>) -> bool {
        match self.kind(made) {
            Kind::TypeIdentifier if self.scopes.find(self.text.of(made)).is_some() => {}
            Kind::TypeIdentifier => self.refer(self.text.of(made), made, Role::New, None, n_arguments),
            Kind::QualifiedIdentifier => self.qualified(made, Some((Role::New, n_arguments)), walk),
            Kind::TemplateType => {
                let name = self.field(made, Field::Name).unwrap_or(made);
                self.refer(self.text.of(name), name, Role::New, None, n_arguments);
                walk.then(self.field(made, Field::Arguments));
            }
            _ => return false,
        }
        true
    }
}

/// `unique_ptr<T>`, `shared_ptr<T>` and their like lead to a `T`.
fn through_pointer(value: Box<str>) -> Box<str> {
    let inner = as_type(&value).and_then(|name| {
        let (pointer, inner) = name.strip_suffix('>')?.split_once('<')?;
        let is_one = pointer.ends_with("_ptr") || pointer.ends_with("Ptr") || pointer.ends_with("optional");
        (is_one && !inner.contains(',')).then(|| of_type(inner))
    });
    inner.unwrap_or(value)
}

/// `a::Base<T>` without its arguments.
pub(super) fn without_arguments(text: &str) -> Box<str> {
    let mut depth = 0_i32;
    let keeps = |c: char| {
        depth += i32::from(c == '<');
        let keeps = depth == 0 && !c.is_whitespace();
        depth -= i32::from(c == '>');
        keeps
    };
    kotadb_core::facts::expression::bounded(
        text.chars()
            .filter({
                let mut keeps = keeps;
                move |c| keeps(*c)
            })
            .collect(),
    )
}
