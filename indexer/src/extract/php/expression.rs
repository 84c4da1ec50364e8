//! What a receiver or value is, in the grammar of expressions, with variables replaced; and types as written.

use tree_sitter::Node;

use super::{Field, Kind, Php};
use crate::extract::expression::{MAX_DEPTH, of_type, type_text, unknown, with};
use crate::extract::walk;

impl<'t> Php<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    /// The path of a name, seen from the root where it begins there: `\App\Db` and `namespace\Db` lose their beginning.
    pub(super) fn path(&self, node: Node<'t>) -> Box<str> {
        let text = self.text.of(node);
        let text = text.strip_prefix("namespace").filter(|rest| rest.starts_with('\\')).unwrap_or(text);
        type_text(text.trim_start_matches('\\'), &[], &[])
    }

    /// A type as written.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        type_from(self.text.of(node))
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        let first = || node.named_child(0).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::VariableName => self.variable(node),
            Kind::RelativeScope => scope(self.text.of(node)),
            Kind::Name | Kind::QualifiedName | Kind::RelativeName => self.path(node),
            Kind::MemberAccess | Kind::NullsafeAccess => self.member_value(part(Field::Object), ".", node, ""),
            Kind::MemberCall | Kind::NullsafeCall => self.member_value(part(Field::Object), ".", node, "()"),
            Kind::ScopedCall => self.member_value(part(Field::Scope), "::", node, "()"),
            Kind::ScopedProperty => self.member_value(part(Field::Scope), "::", node, ""),
            Kind::ClassConstant => self.constant_value(node, depth),
            Kind::FunctionCall => match self.field(node, Field::FunctionOf) {
                Some(function) if self.kind(function) == Kind::VariableName => unknown(),
                _ => with(&part(Field::FunctionOf), "()"),
            },
            Kind::ObjectCreation => self.created(node),
            Kind::Subscript => with(&first(), "[]"),
            Kind::Parenthesized | Kind::Clone | Kind::Argument => first(),
            Kind::Assignment | Kind::AugmentedAssignment => part(Field::Right),
            Kind::Conditional => either(part(Field::Body), || part(Field::Alternative)),
            Kind::Binary if self.word(node, Field::Operator) == "??" => {
                either(part(Field::Left), || part(Field::Right))
            }
            kind => literal(kind).map_or_else(unknown, of_type),
        }
    }

    fn variable(&self, node: Node<'t>) -> Box<str> {
        match self.text.of(node) {
            "$this" => "this".into(),
            name => self.scopes.find(name).map_or_else(unknown, |known| (&**known).into()),
        }
    }

    fn member_value(&self, base: Box<str>, sign: &str, node: Node<'t>, call: &str) -> Box<str> {
        let name = self.word(node, Field::NameOf);
        let name = if self.kind(node) == Kind::ScopedProperty { name.trim_start_matches('$') } else { name };
        if name.starts_with(['$', '{']) || name.is_empty() {
            return unknown();
        }
        with(&self.behind(&base, sign, name), call)
    }

    /// `A::B` is a value, `A::class` names the class.
    fn constant_value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let parts = walk::named_children(node);
        let [scope, name] = parts[..] else { return unknown() };
        match self.text.of(name) {
            "class" => of_type("string"),
            name => self.behind(&self.value(scope, depth), "::", name),
        }
    }

    fn created(&self, node: Node<'t>) -> Box<str> {
        let Some(class) = node.named_child(0) else { return unknown() };
        match (self.kind(class), self.text.of(class)) {
            (_, "static" | "self") => of_type("Self"),
            (Kind::Name | Kind::QualifiedName | Kind::RelativeName, _) => of_type(&self.path(class)),
            _ => unknown(),
        }
    }

    /// An element of an expression.
    pub(super) fn each(&self, node: Node<'t>) -> Box<str> {
        let first = node.named_child(0).filter(|_| self.kind(node) == Kind::ArrayCreation);
        match first.and_then(|first| first.named_child(0)) {
            Some(element) => self.expression(element),
            None => with(&self.expression(node), "[]"),
        }
    }
}

/// `self`, `static`, `parent` before `::`.
fn scope(word: &str) -> Box<str> {
    if word.eq_ignore_ascii_case("parent") { "super".into() } else { "Self".into() }
}

/// A type as people write it: names from the root lose their `\`, `static` and `self` are the type round it.
pub(super) fn type_from(text: &str) -> Box<str> {
    let bare = type_text(text, &[], &[]);
    let whole: Vec<_> =
        bare.split('|').map(|part| part.replace("?\\", "?").trim_start_matches('\\').to_owned()).collect();
    match whole.join("|").as_str() {
        "static" | "self" | "$this" => "Self".into(),
        text => text.into(),
    }
}

fn either(one: Box<str>, other: impl Fn() -> Box<str>) -> Box<str> {
    if tells(&one) { one } else { other() }
}

/// Whether an expression says more than that there is something, or nothing at run time.
pub(super) fn tells(known: &str) -> bool {
    known != "?" && known != "<null>"
}

fn literal(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::String | Kind::Encapsed | Kind::Heredoc => Some("string"),
        Kind::Integer => Some("int"),
        Kind::Float => Some("float"),
        Kind::Boolean => Some("bool"),
        Kind::Null => Some("null"),
        Kind::ArrayCreation => Some("array"),
        Kind::AnonymousFunction | Kind::ArrowFunction => Some("Closure"),
        _ => None,
    }
}
