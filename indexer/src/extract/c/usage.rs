//! How names, members and types are used.

use kotadb_core::facts::{Reference, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::{Family, Field, Kind, Walk};
use crate::extract::expression::type_text;

/// More words than that in a row are no macro before a name.
const MAX_LOST_WORDS: u32 = 3;

impl<'t> Family<'t> {
    /// A bare name, unless it is local.
    pub(super) fn bare(&mut self, node: Node<'t>, role: Role) {
        let name = self.text.of(node);
        if self.scopes.find(name).is_none() && !super::is_keyword(name) {
            self.facts.mention(name, node, role, None);
        }
    }

    /// `a.b` that is read. What `a` is made of is used too.
    pub(super) fn field_expression(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.member(node, Role::Read, UNKNOWN_ARITY, walk);
    }

    /// The member that an expression names, and what it is a member of.
    fn member(&mut self, node: Node<'t>, role: Role, n_arguments: u8, walk: &mut Walk<'t>) {
        let (Some(object), Some(member)) = (self.field(node, Field::Argument), self.field(node, Field::FieldName))
        else {
            return walk.children(node);
        };
        let name = self.field(member, Field::Name).unwrap_or(member);
        let receiver = Some(self.pointed(node, object));
        let start = name.start_byte() as u32;
        self.facts.reference(Reference { name: self.text.of(name).into(), start, role, receiver, n_arguments });
        walk.then(object);
        walk.then(self.field(member, Field::Arguments));
    }

    pub(super) fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments));
        if let Some(function) = self.field(node, Field::Function) {
            self.called(function, n_arguments, walk);
        }
        walk.then(arguments);
    }

    /// What stands before the brackets of a call; `(*f)(x)` calls `f`.
    fn called(&mut self, function: Node<'t>, n_arguments: u8, walk: &mut Walk<'t>) {
        let function = self.bare_function(function);
        match self.kind(function) {
            Kind::Identifier => self.call_bare(function, n_arguments),
            Kind::FieldExpression => self.member(function, Role::Call, n_arguments, walk),
            Kind::QualifiedIdentifier => self.qualified(function, Some((Role::Call, n_arguments)), walk),
            Kind::TemplateFunction => {
                self.field(function, Field::Name).into_iter().for_each(|name| self.call_bare(name, n_arguments));
                walk.then(self.field(function, Field::Arguments));
            }
            _ => walk.then(function),
        }
    }

    fn call_bare(&mut self, name: Node<'t>, n_arguments: u8) {
        let text = self.text.of(name);
        if self.scopes.find(text).is_none() && !is_cast(text) {
            self.refer(text, name, Role::Call, None, n_arguments);
        }
    }

    /// Adds a use with a number of arguments.
    pub(super) fn refer(&mut self, name: &str, at: Node<'t>, role: Role, receiver: Option<Box<str>>, n_arguments: u8) {
        let start = at.start_byte() as u32;
        self.facts.reference(Reference { name: name.into(), start, role, receiver, n_arguments });
    }

    /// Without brackets and stars.
    fn bare_function(&self, function: Node<'t>) -> Node<'t> {
        let mut node = function;
        loop {
            let inner = match self.kind(node) {
                Kind::ParenthesizedExpression => node.named_child(0),
                Kind::PointerExpression => self.field(node, Field::Argument),
                _ => return node,
            };
            let Some(inner) = inner else { return node };
            node = inner;
        }
    }

    pub(super) fn n_arguments(&self, arguments: Node<'t>) -> u8 {
        let mut cursor = arguments.walk();
        let is_argument = |node: &Node<'t>| self.kind(*node) != Kind::Comment && !node.is_error();
        let n = arguments.named_children(&mut cursor).filter(is_argument).count();
        u8::try_from(n).unwrap_or(UNKNOWN_ARITY)
    }

    pub(super) fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.written(self.field(node, Field::Left), walk);
        walk.then(self.field(node, Field::Right));
    }

    /// What is assigned to.
    pub(super) fn written(&mut self, target: Option<Node<'t>>, walk: &mut Walk<'t>) {
        match target.map(|node| (node, self.kind(node))) {
            Some((node, Kind::Identifier)) => self.bare(node, Role::Write),
            Some((node, Kind::FieldExpression)) => self.member(node, Role::Write, UNKNOWN_ARITY, walk),
            Some((node, Kind::QualifiedIdentifier)) => {
                self.qualified(node, Some((Role::Write, UNKNOWN_ARITY)), walk);
            }
            _ => walk.then(target),
        }
    }

    /// `a::b::c`; without a role it is a type or a value, as the grammar says.
    pub(super) fn qualified(&mut self, node: Node<'t>, role: Option<(Role, u8)>, walk: &mut Walk<'t>) {
        let (mut last, mut scope) = (node, None);
        while self.kind(last) == Kind::QualifiedIdentifier {
            scope = self.field(last, Field::Scope).or(scope);
            scope.filter(|scope| self.kind(*scope) == Kind::TemplateType).into_iter().for_each(|scope| {
                walk.then(self.field(scope, Field::Arguments));
            });
            match self.field(last, Field::Name) {
                Some(name) => last = name,
                None => return walk.children(last),
            }
        }
        let name = self.field(last, Field::Name).unwrap_or(last);
        let is_type = matches!(self.kind(last), Kind::TypeIdentifier | Kind::TemplateType);
        let (role, n_arguments) = role.unwrap_or((if is_type { Role::Type } else { Role::Read }, UNKNOWN_ARITY));
        let receiver = self.scope_before(node, last);
        if let Some(scope) = scope {
            self.mention_scope(node, scope);
        }
        self.refer(self.text.of(name), name, role, receiver, n_arguments);
        walk.then(self.field(last, Field::Arguments));
    }

    /// `a::b` of `a::b::c`.
    fn scope_before(&self, node: Node<'t>, last: Node<'t>) -> Option<Box<str>> {
        let text = self.text.slice(node.start_byte(), last.start_byte()).trim_end();
        let scope = text.strip_suffix("::").unwrap_or(text).trim_start_matches("::");
        (!scope.is_empty()).then(|| type_text(scope, &[], &["template", "typename"]))
    }

    /// The innermost type or namespace of a qualified name.
    fn mention_scope(&mut self, node: Node<'t>, scope: Node<'t>) {
        let name = self.field(scope, Field::Name).unwrap_or(scope);
        let text = self.text.of(name);
        if text != "std" && self.scopes.find(text).is_none() {
            let receiver = self.scope_before(node, scope);
            self.facts.mention(text, name, Role::Type, receiver);
        }
    }

    /// `f<T>` or `Vec<T>`.
    pub(super) fn generic(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.children(node);
    }

    /// `offsetof(struct a, b)`.
    pub(super) fn offset_of(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (of, member) = (self.field(node, Field::TypeOf), self.field(node, Field::Member));
        walk.then(of);
        if let (Some(of), Some(member)) = (of, member) {
            let receiver = Some(self.something_of(of));
            self.facts.mention(self.text.of(member), member, Role::Read, receiver);
        }
    }

    /// `{ .open = my_open }` writes `open` of the type that is made.
    pub(super) fn initializer(&mut self, list: Node<'t>, made: &str, walk: &mut Walk<'t>) {
        // Lists in lists are looked into for their members as well; the names in them are visited in order.
        let mut open: Vec<(Node<'t>, Box<str>)> = vec![(list, made.into())];
        while let Some((list, made)) = open.pop() {
            walk.each_child(list, |_, child| match self.kind(child) {
                Kind::InitializerPair => open.extend(self.designated(child, &made)),
                Kind::InitializerList => open.push((child, made.clone())),
                _ => {}
            });
        }
        walk.then(list);
    }

    /// One `.open = value`; the value and what it is put into, if it is a list.
    fn designated(&mut self, pair: Node<'t>, made: &str) -> Option<(Node<'t>, Box<str>)> {
        let mut made: Box<str> = made.into();
        let mut cursor = pair.walk();
        let designators: Vec<_> =
            pair.named_children(&mut cursor).filter(|child| self.kind(*child) == Kind::FieldDesignator).collect();
        for name in designators.into_iter().filter_map(|designator| designator.named_child(0)) {
            let text = self.text.of(name);
            self.facts.mention(text, name, Role::Write, Some(made.clone()));
            made = crate::extract::expression::member(&made, ".", text);
        }
        let value = self.field(pair, Field::Value)?;
        (self.kind(value) == Kind::InitializerList).then_some((value, made))
    }

    /// What could not be parsed: words alone say little, whole parts of it are read on.
    pub(super) fn error(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let mut n_words = 0;
        walk.each_child(node, |walk, child| match self.kind(child) {
            Kind::Identifier | Kind::TypeIdentifier | Kind::PrimitiveType | Kind::FieldIdentifier => {
                n_words += 1;
                self.lost_call(child, walk);
            }
            Kind::FunctionDeclarator if self.is_local() => {
                self.is_torn = true;
                self.lost_call(child, walk);
            }
            _ => {
                self.is_torn = true;
                walk.then(child);
            }
        });
        self.is_torn |= n_words > MAX_LOST_WORDS;
    }
}

/// Casts of C++ look like functions.
pub(super) fn is_cast(name: &str) -> bool {
    matches!(name, "static_cast" | "dynamic_cast" | "reinterpret_cast" | "const_cast")
}
