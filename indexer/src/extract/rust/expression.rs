//! What a receiver or value is, in the grammar of expressions, with local names replaced.

use kotadb_core::facts::expression::bounded;
use tree_sitter::Node;

use super::{Field, Kind, Rust, Value};
use crate::extract::expression::{MAX_DEPTH, member, of_type, type_text, unknown, with};
use crate::extract::walk;

/// Methods that give what they are called on, seen in another way.
const SAME: &[&str] = &[
    "as_deref",
    "as_deref_mut",
    "as_mut",
    "as_ref",
    "borrow",
    "borrow_mut",
    "by_ref",
    "clone",
    "cloned",
    "copied",
    "deref",
    "iter",
    "into_iter",
    "iter_mut",
    "peekable",
    "rev",
    "skip",
    "take",
    "to_owned",
    "filter",
    "skip_while",
    "take_while",
    "chain",
    "drain",
    "ok_or",
    "ok_or_else",
    "map_err",
    "context",
    "with_context",
    "or_else",
    "ok",
];
/// By this name scopes know what is behind the reference `self`, where that is something else.
pub(super) const BEHIND_SELF: &str = "**self";
/// Types that are their own implementation of what they stand for.
pub(super) const POINTERS: &[&str] = &["Arc", "Box", "Cow", "Pin", "Rc", "Ref", "RefMut"];
/// Methods that give the value inside.
const INSIDE: &[&str] = &["unwrap", "expect", "unwrap_or", "unwrap_or_default", "unwrap_or_else", "unwrap_unchecked"];
/// Methods that hand a closure the value inside.
const HAND_INSIDE: &[&str] =
    &["and_then", "inspect_ok", "is_ok_and", "is_some_and", "is_none_or", "map_or", "map_or_else"];
/// Methods that hand a closure each element.
const HAND_EACH: &[&str] = &[
    "all",
    "any",
    "filter",
    "filter_map",
    "find",
    "find_map",
    "flat_map",
    "for_each",
    "inspect",
    "map_while",
    "max_by_key",
    "min_by_key",
    "partition",
    "position",
    "retain",
    "skip_while",
    "sort_by_key",
    "sort_unstable_by_key",
    "take_while",
    "try_for_each",
];
/// Words in an expression that tell that it goes through elements.
const ITERATES: &[&str] = &[
    ".iter()",
    ".into_iter()",
    ".iter_mut()",
    ".lines()",
    ".values()",
    ".keys()",
    ".chars()",
    ".drain()",
    ".windows()",
];

impl<'t> Rust<'t> {
    /// The value of an expression.
    pub(super) fn expression(&self, node: Node<'t>) -> Box<str> {
        self.value(node, MAX_DEPTH)
    }

    /// The value that a pattern is bound to.
    pub(super) fn known(&self, value: Value<'t>) -> Box<str> {
        match value {
            Value::Of(node) => self.expression(node),
            Value::Each(node) => with(&self.expression(node), "[]"),
            Value::OfType(node) => self.of_type(node),
            Value::Unknown => unknown(),
        }
    }

    /// Something of a written type; of a type parameter what it is bound by.
    pub(super) fn of_type(&self, node: Node<'t>) -> Box<str> {
        let text = self.type_of(node);
        match self.scopes.find(&text) {
            Some(bound) => (&**bound).into(),
            None if &*text == "Self" => text,
            None => of_type(&text),
        }
    }

    /// A type as written; `T::Item` and `<T as Tr>::Item` as what the trait says of it: `Tr::Item`.
    pub(super) fn type_of(&self, node: Node<'t>) -> Box<str> {
        let text = self.text.of(node);
        let referred = if self.kind(node) == Kind::ReferenceType { self.field(node, Field::TypeOf) } else { None };
        if let Some(scoped) = Some(referred.unwrap_or(node)).filter(|it| self.kind(*it) == Kind::ScopedType)
            && let Some(associated) = self.associated(scoped)
        {
            return associated;
        }
        let told = if text.contains("::") { self.with_associated(node, text) } else { None };
        let text = told.as_deref().unwrap_or(text);
        if text.contains('\'') { without_lifetimes(text) } else { bare_type(text) }
    }

    /// A type with what traits say in place of each `T::Item` inside; `None`: there is none.
    fn with_associated(&self, node: Node<'t>, text: &str) -> Option<String> {
        let (mut open, mut told) = (vec![node], Vec::new());
        while let Some(one) = open.pop() {
            match Some(one).filter(|it| self.kind(*it) == Kind::ScopedType).and_then(|it| self.associated(it)) {
                Some(associated) => told.push((one.byte_range(), associated)),
                None => open.extend(walk::named_children(one)),
            }
        }
        told.sort_by_key(|(range, _)| range.start);
        let (mut written, mut at) = (String::new(), node.start_byte());
        for (range, associated) in &told {
            written += text.get(at - node.start_byte()..range.start - node.start_byte())?;
            written += associated;
            at = range.end;
        }
        written += text.get(at - node.start_byte()..)?;
        (!told.is_empty()).then_some(written)
    }

    fn associated(&self, node: Node<'t>) -> Option<Box<str>> {
        let path = self.field(node, Field::Path)?;
        let before: Box<str> = match self.kind(path) {
            Kind::BracketedType => self.path_text(path),
            Kind::TypeIdentifier | Kind::Identifier => {
                self.scopes.find(self.text.of(path)).map(|known| (&**known).into())?
            }
            _ => return None,
        };
        // Of several bounds the first that is told counts.
        let bound = before
            .trim_matches(['<', '>'])
            .split(['<', '+'])
            .next()
            .filter(|bound| !bound.is_empty() && *bound != "?")?;
        Some(member(bound, "::", self.word(node, Field::Name)))
    }

    fn value(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let part = |field| self.field(node, field).map_or_else(unknown, |child| self.value(child, depth));
        let first = || node.named_child(0).map_or_else(unknown, |child| self.value(child, depth));
        match self.kind(node) {
            Kind::Identifier => self.named(self.name(node)),
            Kind::SelfValue => self.scopes.find("self").map_or_else(|| "this".into(), |known| (&**known).into()),
            Kind::ScopedIdentifier => self.scoped_value(node),
            Kind::CallExpression => self.result(node, depth),
            Kind::FieldExpression => member(&part(Field::Value), ".", self.word(node, Field::FieldName)),
            Kind::IndexExpression if self.is_slice(node) => first(),
            Kind::IndexExpression => with(&first(), "[]"),
            Kind::TryExpression => with(&first(), "?"),
            Kind::AwaitExpression => with(&first(), ".await"),
            Kind::ReferenceExpression => part(Field::Value),
            Kind::UnaryExpression => self.behind_self(node).unwrap_or_else(first),
            Kind::Parenthesized | Kind::ExpressionStatement | Kind::UnsafeBlock | Kind::ElseClause => first(),
            Kind::GenericFunction => part(Field::Function),
            Kind::TypeCast => self.field(node, Field::TypeOf).map_or_else(unknown, |kind| self.of_type(kind)),
            Kind::StructExpression => self.field(node, Field::Name).map_or_else(unknown, |name| self.made(name)),
            Kind::Block => self.tail(node).map_or_else(unknown, |last| self.value(last, depth)),
            Kind::IfExpression => either(part(Field::Consequence), || part(Field::Alternative)),
            Kind::MatchExpression => self.arms(node, depth),
            Kind::MacroInvocation => self.macro_value(node),
            Kind::StringLiteral | Kind::RawString => of_type("str"),
            Kind::CharLiteral => of_type("char"),
            Kind::BooleanLiteral => of_type("bool"),
            _ => unknown(),
        }
    }

    /// `**self`: what the type round it stands for.
    fn behind_self(&self, node: Node<'t>) -> Option<Box<str>> {
        let behind = |it: Node<'t>| (self.text.first_byte(it) == Some(b'*')).then(|| it.named_child(0)).flatten();
        let inner = behind(node).filter(|it| self.kind(*it) == Kind::UnaryExpression).and_then(behind)?;
        let is_self = self.kind(inner) == Kind::SelfValue;
        self.scopes.find(BEHIND_SELF).filter(|_| is_self).map(|known| (&**known).into())
    }

    fn named(&self, name: &str) -> Box<str> {
        match self.scopes.find(name) {
            Some(known) => (&**known).into(),
            None if name.is_empty() => unknown(),
            None => name.into(),
        }
    }

    /// `Color::Red` is a `Color`; `Color::DEFAULT` and `Color::parse` are what they are.
    fn scoped_value(&self, node: Node<'t>) -> Box<str> {
        let name = self.word(node, Field::Name);
        let path = self.field(node, Field::Path).map(|path| self.path_text(path));
        match path {
            Some(path) if is_variant(name) && is_type_name(last(&path)) => {
                if &*path == "Self" {
                    path
                } else {
                    of_type(&path)
                }
            }
            Some(path) => member(&path, "::", name),
            None => name.into(),
        }
    }

    /// What a call gives.
    fn result(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(function) = self.field(node, Field::Function) else { return unknown() };
        let arguments = || self.field(node, Field::Arguments);
        let (inner, turbofish) = match self.kind(function) {
            Kind::GenericFunction => {
                (self.field(function, Field::Function).unwrap_or(function), self.field(function, Field::TypeArguments))
            }
            _ => (function, None),
        };
        match self.kind(inner) {
            Kind::FieldExpression => self.method_result(inner, turbofish, depth),
            Kind::Identifier | Kind::ScopedIdentifier => {
                let argument =
                    || arguments().and_then(|it| it.named_child(0)).map_or_else(unknown, |it| self.value(it, depth));
                self.function_result(inner, argument)
            }
            _ => with(&self.value(inner, depth), "()"),
        }
    }

    fn function_result(&self, function: Node<'t>, argument: impl Fn() -> Box<str>) -> Box<str> {
        let path = self.path_text(function);
        let (before, name) = path.rsplit_once("::").unwrap_or(("", &path));
        match (last(before), name) {
            ("Box" | "Arc" | "Rc" | "Cow", "new" | "from" | "clone") => argument(),
            ("mem", "take" | "replace") => argument(),
            // A derived `default` is nowhere to be seen.
            // Of a type parameter.
            (_, "default" | "from") if before.starts_with('<') => before.into(),
            (kind, "default" | "from") if is_type_name(kind) && kind != "Default" && kind != "From" => {
                if before == "Self" { before.into() } else { of_type(before) }
            }
            ("", "Some" | "Ok" | "Err") => unknown(),
            (kind, name) if is_type_name(name) => match () {
                () if is_type_name(kind) && before == "Self" => "Self".into(),
                () if is_type_name(kind) => of_type(before),
                () if name == "Self" => "Self".into(),
                () => of_type(&path),
            },
            ("", name) if self.is_local(name) => with(&self.named(name), "()"),
            _ => with(&path, "()"),
        }
    }

    fn method_result(&self, function: Node<'t>, turbofish: Option<Node<'t>>, depth: u32) -> Box<str> {
        let name = self.word(function, Field::FieldName);
        if let Some(kind) = turbofish.and_then(|it| it.named_child(0)) {
            match name {
                "collect" | "sum" | "product" | "into" => return self.of_type(kind),
                "parse" => return of_type(&["Result<", &self.type_of(kind), ">"].concat()),
                _ => {}
            }
        }
        let value = self.field(function, Field::Value).map_or_else(unknown, |value| self.value(value, depth));
        match name {
            _ if SAME.contains(&name) => value,
            _ if INSIDE.contains(&name) => with(&value, "?"),
            _ => bounded([&value, ".", name, "()"].concat()),
        }
    }

    /// What a closure that is an argument of this function gets.
    pub(super) fn given(&self, function: Node<'t>) -> Box<str> {
        if self.kind(function) != Kind::FieldExpression {
            return unknown();
        }
        let name = self.word(function, Field::FieldName);
        let Some(value) = self.field(function, Field::Value) else { return unknown() };
        let goes_through = || ITERATES.iter().any(|word| self.text.of(value).contains(word));
        if HAND_EACH.contains(&name) || (matches!(name, "map" | "inspect") && goes_through()) {
            with(&self.expression(value), "[]")
        } else if HAND_INSIDE.contains(&name) || matches!(name, "map" | "inspect") {
            with(&self.expression(value), "?")
        } else {
            unknown()
        }
    }

    /// `x[a..b]`.
    fn is_slice(&self, node: Node<'t>) -> bool {
        node.named_child(1).is_some_and(|index| self.kind(index) == Kind::RangeExpression)
    }

    /// The expression that a block ends with.
    fn tail(&self, block: Node<'t>) -> Option<Node<'t>> {
        let n = block.named_child_count();
        let last = block.named_child(n.checked_sub(1)? as u32)?;
        // A statement ends with `;` and gives nothing.
        (self.text.0.get(last.end_byte().wrapping_sub(1)) != Some(&b';')).then_some(last)
    }

    fn arms(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let arms = self.field(node, Field::Body).map(walk::named_children).unwrap_or_default();
        let values = arms.into_iter().take(4).filter_map(|arm| self.field(arm, Field::Value));
        values.map(|value| self.value(value, depth)).find(|known| &**known != "?").unwrap_or_else(unknown)
    }

    fn macro_value(&self, node: Node<'t>) -> Box<str> {
        match self.word(node, Field::MacroName) {
            "vec" => of_type("Vec"),
            "format" => of_type("String"),
            _ => unknown(),
        }
    }
}

fn either(one: Box<str>, other: impl Fn() -> Box<str>) -> Box<str> {
    if &*one == "?" { other() } else { one }
}

fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// Whether a name is written as types are: `Pool`, `Self`.
pub(super) fn is_type_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_uppercase()) && (name.len() == 1 || name.contains(|c: char| c.is_lowercase()))
}

/// Whether a name is written as variants are, and not as constants.
fn is_variant(name: &str) -> bool {
    is_type_name(name)
}

fn bare_type(text: &str) -> Box<str> {
    type_text(text, &['&', '*'], &["mut", "const", "dyn", "impl"])
}

/// `&'a Pool<'a, T>` is `Pool<T>`.
fn without_lifetimes(text: &str) -> Box<str> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\'') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
        let tail = after[end..].trim_start();
        rest = if out.ends_with(['<', '(']) { tail.strip_prefix(',').unwrap_or(tail) } else { tail };
        // `<T, 'a>` and `T + 'a` leave a sign behind.
        let kept = out.trim_end().trim_end_matches([',', '+']).len();
        out.truncate(if rest.starts_with(['>', ')', ',', '+']) || rest.is_empty() { kept } else { out.len() });
    }
    out.push_str(rest);
    bare_type(&out.replace("<>", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_say_nothing() {
        let cases = [
            ("&'a mut Pool<'a, T>", "Pool<T>"),
            ("Pool<'_>", "Pool"),
            ("Box<dyn Fn(&'a str) -> T + Send + 'a>", "Box<Fn(str)->T+Send>"),
            ("Cow<'static, str>", "Cow<str>"),
            ("Ref<T, 'a>", "Ref<T>"),
        ];
        for (text, expected) in cases {
            assert_eq!(&*without_lifetimes(text), expected, "{text}");
        }
    }
}
