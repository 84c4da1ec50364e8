//! What a receiver or value is, in the grammar of expressions, with local names replaced.

use tree_sitter::Node;

use super::{Field, Kind, Script, Value};
use crate::extract::expression::{MAX_DEPTH, as_type, member, of_type, type_text, unknown, with};
use crate::extract::walk;

/// Methods of arrays that give an array of the same elements.
const SAME: &[&str] = &["concat", "filter", "reverse", "slice", "sort", "toReversed", "toSorted"];
/// Methods that hand a function each element.
const HAND_EACH: &[&str] =
    &["every", "filter", "find", "findIndex", "findLast", "flatMap", "forEach", "map", "some", "sort", "toSorted"];

impl<'t> Script<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    /// The value that a target is bound to.
    pub(super) fn known(&self, value: Value<'t>) -> Box<str> {
        match value {
            Value::Of(node) => self.expression(node),
            Value::Each(node) => with(&self.expression(node), "[]"),
            Value::OfType(node) => self.of_type(node),
            Value::Unknown => unknown(),
        }
    }

    /// Something of a written type; of a type parameter what it extends.
    pub(super) fn of_type(&self, node: Node<'t>) -> Box<str> {
        let text = self.type_of(node);
        match self.scopes.find(&text) {
            Some(bound) => (&**bound).into(),
            None if &*text == "this" => text,
            None => of_type(&text),
        }
    }

    /// A type as written, without the colon of an annotation. That of a class itself is `Class<Pool>`.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        let text = self.text.of(node).trim_start_matches(':').trim_start();
        let is_path = |path: &&str| path.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.'));
        if let Some(class) = text.strip_prefix("typeof ").filter(is_path) {
            return with(&with("Class<", class), ">");
        }
        type_text(text, &[], &["readonly"])
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        let first = || node.named_child(0).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier | Kind::Shorthand => self.named(self.text.of(node)),
            Kind::This => self.scopes.find("this").map_or_else(unknown, |known| (&**known).into()),
            Kind::Super => "super".into(),
            Kind::MemberExpression => member(&part(Field::Object), ".", self.word(node, Field::Property)),
            Kind::Subscript => self.element_of(node, &part(Field::Object)),
            Kind::CallExpression => self.result(node, depth),
            Kind::NewExpression => self.field(node, Field::Constructor).map_or_else(unknown, |it| self.made(it)),
            Kind::AwaitExpression => with(&first(), ".await"),
            Kind::AsExpression | Kind::Satisfies => self.cast(node, depth),
            Kind::TypeAssertion => self.asserted(node),
            Kind::NonNull | Kind::Parenthesized => first(),
            Kind::BinaryExpression => self.either(node, part(Field::Left), || part(Field::Right)),
            Kind::Ternary => other_than_unknown(part(Field::Consequence), || part(Field::Alternative)),
            Kind::AssignmentExpression => part(Field::Right),
            Kind::String | Kind::TemplateString => of_type("string"),
            Kind::Number => of_type("number"),
            Kind::True | Kind::False => of_type("boolean"),
            Kind::Regex => of_type("RegExp"),
            Kind::Array => self.array(first()),
            _ => unknown(),
        }
    }

    /// `[new Pool()]` holds what its first element is.
    fn array(&self, first: Box<str>) -> Box<str> {
        as_type(&first).map_or_else(|| of_type("Array"), |element| of_type(&with(&with("Array<", element), ">")))
    }

    fn named(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if name.is_empty() || name == "undefined" => unknown(),
            None => name.into(),
        }
    }

    /// `a["b"]` is `a.b`.
    fn element_of(&self, node: Node<'t>, object: &str) -> Box<str> {
        let index = self.field(node, Field::Index).filter(|index| self.kind(*index) == Kind::String);
        match index.map(|index| self.unquoted(index)) {
            Some(name) if !name.is_empty() => member(object, ".", name),
            _ => with(object, "[]"),
        }
    }

    fn result(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(function) = self.field(node, Field::Function) else { return unknown() };
        if self.kind(function) == Kind::MemberExpression && SAME.contains(&self.word(function, Field::Property)) {
            return self.field(function, Field::Object).map_or_else(unknown, |object| self.value(object, depth));
        }
        with(&self.value(function, depth), "()")
    }

    /// An instance of what stands behind `new`.
    fn made(&self, constructor: Node<'t>) -> Box<str> {
        let path = self.expression(constructor);
        let is_path = !path.contains(['?', '(', '[', '<']) && self.scopes.find(self.text.of(constructor)).is_none();
        if is_path { of_type(&path) } else { unknown() }
    }

    /// `x as T`; `as const` changes nothing.
    fn cast(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let parts = walk::named_children(node);
        match parts[..] {
            [value, kind] if self.kind(node) == Kind::AsExpression => match self.text.of(kind) {
                "any" | "unknown" => self.value(value, depth),
                _ => self.of_type(kind),
            },
            [value, ..] => self.value(value, depth),
            [] => unknown(),
        }
    }

    /// `<T>x`.
    fn asserted(&self, node: Node<'t>) -> Box<str> {
        let arguments = node.named_child(0).filter(|first| self.kind(*first) == Kind::TypeArguments);
        arguments.and_then(|it| it.named_child(0)).map_or_else(unknown, |kind| self.of_type(kind))
    }

    /// `a || b`, `a ?? b`, `a && b`.
    fn either(&self, node: Node<'t>, left: Box<str>, right: impl Fn() -> Box<str>) -> Box<str> {
        match self.word(node, Field::Operator) {
            "||" | "??" => other_than_unknown(left, right),
            "&&" => right(),
            "instanceof" | "in" | "==" | "===" | "!=" | "!==" | "<" | ">" | "<=" | ">=" => of_type("boolean"),
            _ => unknown(),
        }
    }

    /// What a function that is an argument of this one gets.
    pub(super) fn given(&self, function: Node<'t>) -> Box<str> {
        let object = self.field(function, Field::Object);
        let (Some(object), Kind::MemberExpression) = (object, self.kind(function)) else { return unknown() };
        match self.word(function, Field::Property) {
            "then" => with(&self.expression(object), ".await"),
            name if HAND_EACH.contains(&name) => with(&self.expression(object), "[]"),
            _ => unknown(),
        }
    }

    /// A string without its quotes.
    pub(super) fn unquoted(&self, string: Node<'t>) -> &'t str {
        self.text.of(string).trim_matches(['"', '\'', '`'])
    }
}

fn other_than_unknown(one: Box<str>, other: impl Fn() -> Box<str>) -> Box<str> {
    if &*one == "?" { other() } else { one }
}
