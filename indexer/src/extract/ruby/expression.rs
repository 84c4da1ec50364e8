//! What a receiver or value is, in the grammar of expressions, with local names replaced.

use tree_sitter::Node;

use super::{Field, Kind, Ruby, Value};
use crate::extract::expression::{MAX_DEPTH, member, of_type, unknown, with};
use crate::extract::walk;

/// Methods that give what they are called on, or something with the same elements.
const SAME: &[&str] = &["dup", "clone", "freeze", "tap", "itself"];

/// Methods that give something with the elements that they are called on.
const KEEP_ELEMENTS: &[&str] = &[
    "compact",
    "drop",
    "each",
    "filter",
    "find_all",
    "first",
    "last",
    "lazy",
    "reject",
    "reverse",
    "reverse_each",
    "rotate",
    "select",
    "shuffle",
    "sort",
    "sort_by",
    "take",
    "to_a",
    "to_set",
    "uniq",
    "values",
    "with_index",
    "each_with_index",
];

/// Types whose `new` gives a type.
const MAKERS: &[&str] = &["Class", "Module", "Struct"];

impl<'t> Ruby<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    /// The value that a name is bound to.
    pub(super) fn known(&self, value: Value<'t>) -> Box<str> {
        match value {
            Value::Of(node) => self.expression(node),
            Value::Each(node) => self.each(node),
            Value::Unknown => unknown(),
        }
    }

    /// What `self` is.
    pub(super) fn this(&self) -> Box<str> {
        match (self.open_method(), self.open_type()) {
            (Some((_, _, false)), _) => "this".into(),
            (Some(_), _) | (None, Some(_)) => "Self".into(),
            (None, None) => unknown(),
        }
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier => self.name(self.text.of(node)),
            Kind::Constant => self.text.of(node).into(),
            Kind::ScopeResolution => match self.field(node, Field::Scope) {
                Some(scope) => member(&self.value(scope, depth), "::", self.word(node, Field::Name)),
                None => self.word(node, Field::Name).into(),
            },
            Kind::SelfWord => self.this(),
            Kind::Super => super_of(self.open_method().map_or("", |(_, name, _)| name)),
            Kind::InstanceVariable | Kind::ClassVariable => with("this.", self.text.of(node)),
            Kind::GlobalVariable => self.text.of(node).into(),
            Kind::Call => self.result(node, depth),
            Kind::ElementReference => with(&part(Field::Object), "[]"),
            Kind::Assignment | Kind::OperatorAssignment => part(Field::Right),
            Kind::Binary if matches!(self.word(node, Field::Operation), "||" | "&&" | "or" | "and") => {
                either(part(Field::Left), || part(Field::Right))
            }
            Kind::Conditional | Kind::If | Kind::Unless => {
                either(part(Field::Consequence), || part(Field::Alternative))
            }
            Kind::RescueModifier => part(Field::Body),
            Kind::Parenthesized | Kind::Then | Kind::Else | Kind::Begin | Kind::BodyStatement | Kind::BlockBody => {
                self.last_of(node).map_or_else(unknown, |last| self.value(last, depth))
            }
            kind => literal(kind).map_or_else(unknown, of_type),
        }
    }

    /// The last statement.
    pub(super) fn last_of(&self, body: Node<'t>) -> Option<Node<'t>> {
        let is_statement =
            |node: &Node<'t>| !matches!(self.kind(*node), Kind::Comment | Kind::Rescue | Kind::Ensure | Kind::Else);
        walk::named_children(body).into_iter().rfind(is_statement)
    }

    fn name(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if name.is_empty() => unknown(),
            None if name == "new" && &*self.this() == "Self" => of_type("Self"),
            None => name.into(),
        }
    }

    /// What a call gives. Without arguments it is written like a member, see [`super`].
    fn result(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let name = self.word(node, Field::MethodName);
        let has_arguments = self.field(node, Field::Arguments).is_some_and(|list| self.n_arguments(list) > 0);
        let call = if has_arguments { "()" } else { "" };
        let Some(receiver) = self.field(node, Field::Receiver) else { return self.own_result(node, name, call) };
        let value = self.value(receiver, depth);
        match name {
            "new" if MAKERS.contains(&&*value) => unknown(),
            "new" if is_type_path(&value) => of_type(&value),
            "class" if &*value == "this" => "Self".into(),
            name if SAME.contains(&name) => value,
            "find" | "detect" | "first" | "last" | "min_by" | "max_by" | "sample" | "fetch"
                if !is_type_path(&value) =>
            {
                with(&value, "[]")
            }
            "" => with(&value, ".call()"),
            name => with(&with(&value, "."), &[name, call].concat()),
        }
    }

    /// What a call without a receiver gives.
    fn own_result(&self, node: Node<'t>, name: &str, call: &str) -> Box<str> {
        match name {
            "new" if &*self.this() == "Self" => of_type("Self"),
            "lambda" | "proc" => of_type("Proc"),
            "Array" | "String" | "Integer" | "Float" => of_type(name),
            "super" => super_of(self.open_method().map_or("", |(_, name, _)| name)),
            name if self.kind(node) == Kind::Call && !name.is_empty() => match self.scopes.find(name) {
                Some(known) => (&**known).into(),
                None => with(name, call),
            },
            _ => unknown(),
        }
    }

    /// An element of an expression.
    pub(super) fn each(&self, node: Node<'t>) -> Box<str> {
        let mut node = node;
        while self.kind(node) == Kind::Call && KEEP_ELEMENTS.contains(&self.word(node, Field::MethodName)) {
            let Some(receiver) = self.field(node, Field::Receiver) else { break };
            node = receiver;
        }
        match self.kind(node) {
            Kind::Array => node.named_child(0).map_or_else(unknown, |first| self.expression(first)),
            Kind::Range => of_type("Integer"),
            Kind::In | Kind::Parenthesized => node.named_child(0).map_or_else(unknown, |first| self.each(first)),
            Kind::StringArray => of_type("String"),
            Kind::SymbolArray => of_type("Symbol"),
            _ => with(&self.expression(node), "[]"),
        }
    }
}

/// What the method of that name gives in the type above.
fn super_of(method: &str) -> Box<str> {
    if method.is_empty() { unknown() } else { with("super.", method) }
}

fn either(one: Box<str>, other: impl Fn() -> Box<str>) -> Box<str> {
    if tells(&one) { one } else { other() }
}

/// Whether an expression says more than that there is something, or nothing at run time.
pub(super) fn tells(known: &str) -> bool {
    known != "?" && known != "<nil>"
}

/// Whether an expression names a type: `A::B`, `Self`.
pub(super) fn is_type_path(value: &str) -> bool {
    let is_type = |word: &str| {
        word.starts_with(char::is_uppercase) && word.chars().all(|sign| sign.is_alphanumeric() || sign == '_')
    };
    value.split("::").all(is_type)
}

fn literal(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::String | Kind::ChainedString => Some("String"),
        Kind::Integer => Some("Integer"),
        Kind::Float => Some("Float"),
        Kind::SimpleSymbol => Some("Symbol"),
        Kind::True | Kind::False => Some("bool"),
        Kind::Nil => Some("nil"),
        Kind::Array | Kind::StringArray | Kind::SymbolArray => Some("Array"),
        Kind::Hash => Some("Hash"),
        Kind::Regex => Some("Regexp"),
        Kind::Range => Some("Range"),
        Kind::Lambda => Some("Proc"),
        _ => None,
    }
}
