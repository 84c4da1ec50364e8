//! Declarations: functions without a body, variables, fields and other names of types become symbols; locals are bound.

use std::rc::Rc;

use kotadb_core::facts::{Arity, Flags, Role, Span, Symbol, SymbolKind};
use tree_sitter::Node;

use super::declarator::Declared;
use super::{COMMENTS, Family, Field, Kind, Open, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::{member, of_type, unknown, with};
use crate::extract::text::{span, to_span};

/// What stands before the declarators of a declaration.
#[derive(Clone, Copy)]
pub(super) struct Head<'t> {
    pub(super) node: Node<'t>,
    type_of: Option<Node<'t>>,
    pub(super) is_static: bool,
    is_extern: bool,
    is_const: bool,
    is_typedef: bool,
}

/// A name without its qualifier.
pub(super) struct Named<'t> {
    pub(super) name: Node<'t>,
    pub(super) text: Box<str>,
    pub(super) qualifier: Option<Box<str>>,
}

impl<'t> Family<'t> {
    pub(super) fn head(&self, node: Node<'t>) -> Head<'t> {
        let type_of = self.field(node, Field::TypeOf);
        let mut head = Head { node, type_of, is_static: false, is_extern: false, is_const: false, is_typedef: false };
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            match self.kind(child) {
                Kind::StorageClassSpecifier | Kind::TypeQualifier => match self.text.of(child) {
                    "static" => head.is_static = true,
                    "extern" => head.is_extern = true,
                    "const" | "constexpr" => head.is_const = true,
                    "typedef" => head.is_typedef = true,
                    _ => {}
                },
                // `asmlinkage void f(void)`: the macro is no type, and what follows it is lost.
                _ if child.is_error() && super::is_keyword(self.text.of(child)) => head.type_of = None,
                _ if Some(child) != type_of && !child.is_error() => break,
                _ => {}
            }
        }
        head
    }

    /// `int a, *b = c;`, in any place.
    pub(super) fn declaration(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let head = self.head(node);
        let declarators = self.declarators(node, head.type_of);
        if self.is_local() && !head.is_typedef {
            return self.locals(&head, &declarators, walk);
        }
        self.head_type(&head, declarators.first().copied(), walk);
        for &declarator in &declarators {
            self.declare(&head, declarator, declarators.len() == 1, walk);
        }
        walk.then(self.field(node, Field::DefaultValue));
    }

    fn declarators(&self, node: Node<'t>, type_of: Option<Node<'t>>) -> Vec<Node<'t>> {
        let mut cursor = node.walk();
        let value = self.field(node, Field::DefaultValue);
        let is_one = |child: &Node<'t>| Some(*child) != type_of && Some(*child) != value && self.is_declarator(*child);
        node.named_children(&mut cursor).filter(is_one).collect()
    }

    /// The type: what it names is used, and what it defines is a symbol. `static DEFINE_MUTEX(lock)` calls a macro.
    fn head_type(&mut self, head: &Head<'t>, declarator: Option<Node<'t>>, walk: &mut Walk<'t>) {
        let is_macro = declarator.is_some_and(|it| self.kind(it) == Kind::ParenthesizedDeclarator);
        match head.type_of {
            Some(name) if is_macro && self.kind(name) == Kind::TypeIdentifier => {
                self.refer(self.text.of(name), name, Role::Call, None, 1);
            }
            type_of => walk.then(type_of),
        }
    }

    /// Makes a symbol of one declarator.
    fn declare(&mut self, head: &Head<'t>, declarator: Node<'t>, is_alone: bool, walk: &mut Walk<'t>) {
        let Some(mut found) = self.declared(declarator) else { return walk.then(declarator) };
        found.name = self.besides_macro(head.node, declarator, found.name);
        let has_body = head.type_of.is_some_and(|it| self.field(it, Field::Body).is_some());
        let start = self.template.take().unwrap_or(head.node.start_byte());
        let is_named = head.type_of.is_some_and(|it| self.field(it, Field::Name).is_some());
        let is_whole = is_alone && !(has_body && is_named);
        let range = if is_whole { to_span(start, head.node.end_byte()) } else { span(declarator) };
        let name = span(found.name);
        let range = Span { start: range.start.min(name.start), end: range.end.max(name.end) };
        let ticket = match found.function {
            _ if head.is_typedef => self.type_alias(head, &found, range),
            Some(function) => self.prototype(head, &found, function, range),
            None => self.variable(head, &found, range),
        };
        // What a struct without a name holds is no part of the signature of what it is the type of.
        let body = head.type_of.filter(|_| is_whole).and_then(|it| self.field(it, Field::Body));
        self.describe(ticket, range, head.node.start_byte(), body.or(found.value));
        match found.value.map(|value| (value, self.kind(value))) {
            Some((list, Kind::InitializerList)) => {
                let made = self.made(head);
                self.initializer(list, &made, walk);
            }
            _ => self.declarator_uses(declarator, walk),
        }
    }

    /// `int limit __read_mostly = 1`, `struct a __initdata b`: the name of the macro stands where the name should, and the name is
    /// what could not be parsed.
    fn besides_macro(&self, node: Node<'t>, declarator: Node<'t>, name: Node<'t>) -> Node<'t> {
        if !self.text.of(name).starts_with("__") {
            return name;
        }
        let lost = |outer: Node<'t>| {
            let mut cursor = outer.walk();
            let error = outer.named_children(&mut cursor).find(|child| child.is_error())?;
            let word = error.named_child(0).filter(|word| self.kind(*word) == Kind::Identifier)?;
            (error.named_child_count() == 1 && !super::is_keyword(self.text.of(word))).then_some(word)
        };
        let is_macro = |word: &Node<'t>| self.text.of(*word).starts_with("__");
        lost(node).or_else(|| lost(declarator)).filter(|word| !is_macro(word)).unwrap_or(name)
    }

    /// Signature and documentation.
    fn describe(&mut self, ticket: Ticket, range: Span, start: usize, rest: Option<Node<'t>>) {
        let end = rest.map_or(range.end as usize, |rest| rest.start_byte());
        let signature = self.text.signature(range.start as usize, end);
        let doc = self.text.comment_above(start, COMMENTS);
        let symbol = self.facts.symbol_mut(ticket);
        (symbol.signature, symbol.doc) = (signature, doc);
    }

    /// What `{ … }` in a declaration makes.
    fn made(&self, head: &Head<'t>) -> Box<str> {
        head.type_of.map_or_else(unknown, |it| of_type(&self.type_of(it)))
    }

    fn prototype(&mut self, head: &Head<'t>, found: &Declared<'t>, function: Node<'t>, range: Span) -> Ticket {
        let mut symbol = self.callable(head, found, function, range);
        let is_pure = self.field(head.node, Field::DefaultValue).is_some();
        symbol.flags = symbol.flags.with(if is_pure { Flags::ABSTRACT } else { Flags::DECLARATION });
        self.facts.symbol(symbol)
    }

    /// The symbol of a function, but for its signature.
    pub(super) fn callable(&self, head: &Head<'t>, found: &Declared<'t>, function: Node<'t>, range: Span) -> Symbol {
        let named = self.named(found.name);
        let kind = self.function_kind(head, &named);
        let mut symbol = Symbol { range, ..Symbol::new(kind) };
        symbol.arity = self.arity(function);
        symbol.of_type = self.result_type(head, found, function);
        symbol.flags = self.visible(head);
        if head.is_static && matches!(self.open.last(), Some(Open::Record { .. })) {
            symbol.flags = symbol.flags.with(Flags::STATIC);
        }
        if &*named.text == "main" && kind == SymbolKind::Function {
            symbol.flags = symbol.flags.with(Flags::ENTRY);
        }
        (symbol.name_span, symbol.name, symbol.qualifier) = (span(named.name), named.text, named.qualifier);
        symbol
    }

    fn function_kind(&self, head: &Head<'t>, named: &Named<'t>) -> SymbolKind {
        let class = match (&named.qualifier, self.open.last()) {
            (Some(qualifier), _) => qualifier.rsplit("::").next().unwrap_or_default(),
            (None, Some(Open::Record { name, .. })) => name,
            _ => return SymbolKind::Function,
        };
        let class = class.split('<').next().unwrap_or_default();
        let is_class = *named.text == *class && head.type_of.is_none();
        if is_class { SymbolKind::Constructor } else { SymbolKind::Method }
    }

    fn result_type(&self, head: &Head<'t>, found: &Declared<'t>, function: Node<'t>) -> Option<Box<str>> {
        let mut cursor = function.walk();
        let trailing = function.named_children(&mut cursor).find(|child| self.kind(*child) == Kind::TrailingReturnType);
        let is_cast = self.kind(function) == Kind::AbstractFunctionDeclarator;
        let cast = is_cast.then(|| found.name.child(0).and_then(|_| self.field(found.name, Field::TypeOf))).flatten();
        let named = trailing.and_then(|it| it.named_child(0)).or(cast).or(head.type_of)?;
        self.type_if_named(named)
    }

    fn variable(&mut self, head: &Head<'t>, found: &Declared<'t>, range: Span) -> Ticket {
        let named = self.named(found.name);
        let is_field = matches!(self.open.last(), Some(Open::Record { .. })) || named.qualifier.is_some();
        let kind = match () {
            () if is_field => SymbolKind::Field,
            () if head.is_const && !self.is_pointer(head) => SymbolKind::Constant,
            () => SymbolKind::Variable,
        };
        let mut symbol = Symbol { range, ..Symbol::new(kind) };
        symbol.flags = self.visible(head);
        if is_field && head.is_static {
            symbol.flags = symbol.flags.with(Flags::STATIC);
        }
        if head.is_extern && found.value.is_none() {
            symbol.flags = symbol.flags.with(Flags::DECLARATION);
        }
        symbol.of_type = self.variable_type(head, found);
        (symbol.name_span, symbol.name, symbol.qualifier) = (span(named.name), named.text, named.qualifier);
        self.facts.symbol(symbol)
    }

    fn is_pointer(&self, head: &Head<'t>) -> bool {
        let declarator = self.field(head.node, Field::Declarator);
        let is_one = |node: Node<'t>| {
            let inner = self.field(node, Field::Declarator).filter(|_| self.kind(node) == Kind::InitDeclarator);
            self.kind(inner.unwrap_or(node)) == Kind::PointerDeclarator
        };
        declarator.is_some_and(is_one)
    }

    fn variable_type(&self, head: &Head<'t>, found: &Declared<'t>) -> Option<Box<str>> {
        if found.is_callback || found.is_bracketed {
            return None;
        }
        match self.type_if_named(head.type_of?) {
            Some(name) if self.is_plus && found.is_array => Some(with(&name, "[]")),
            Some(name) => Some(name),
            None => found.value.map(|value| with("=", &self.expression(value))).filter(|known| &**known != "=?"),
        }
    }

    /// Another name of a type.
    fn type_alias(&mut self, head: &Head<'t>, found: &Declared<'t>, range: Span) -> Ticket {
        let mut symbol = Symbol { range, ..Symbol::new(SymbolKind::TypeAlias) };
        (symbol.name_span, symbol.name) = (span(found.name), self.text.of(found.name).into());
        symbol.flags = Flags::EXPORTED;
        let is_callback = found.is_callback || found.function.is_some();
        symbol.of_type = head.type_of.filter(|_| !is_callback).and_then(|it| self.type_if_named(it));
        self.facts.symbol(symbol)
    }

    /// `typedef struct a { … } b, *c;`. A struct without a name is called by its first other name.
    pub(super) fn type_definition(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let mut head = self.head(node);
        head.is_typedef = true;
        let mut declarators = self.declarators(node, head.type_of);
        let anonymous = head
            .type_of
            .filter(|it| self.field(*it, Field::Body).is_some() && self.field(*it, Field::Name).is_none())
            .and_then(|it| self.anonymous_kind(it).map(|kind| (it, kind)));
        match (anonymous, declarators.first()) {
            (Some((record, kind)), Some(&first)) if self.kind(first) == Kind::TypeIdentifier => {
                declarators.remove(0);
                self.typedef_record(node, record, (first, kind), walk);
            }
            _ => walk.then(head.type_of),
        }
        for &declarator in &declarators {
            self.declare(&head, declarator, declarators.len() == 1 && anonymous.is_none(), walk);
        }
    }

    /// What a name is, and what it belongs to.
    pub(super) fn named(&self, name: Node<'t>) -> Named<'t> {
        let (start, mut last) = (name.start_byte(), name);
        while self.kind(last) == Kind::QualifiedIdentifier {
            let Some(inner) = self.field(last, Field::Name) else { break };
            last = inner;
        }
        let scope = self.text.slice(start, last.start_byte()).trim_end();
        let scope = scope.strip_suffix("::").unwrap_or(scope).trim_start_matches("::");
        let qualifier = (!scope.is_empty()).then(|| super::expression::without_arguments(scope));
        let (name, text) = match self.kind(last) {
            Kind::OperatorCast => {
                let text = member("operator", " ", self.word(last, Field::TypeOf));
                (self.field(last, Field::TypeOf).unwrap_or(last), text)
            }
            Kind::OperatorName | Kind::DestructorName => {
                (last, self.text.of(last).split_whitespace().collect::<String>().into())
            }
            _ => {
                let inner = self.field(last, Field::Name).unwrap_or(last);
                (inner, self.text.of(inner).into())
            }
        };
        Named { name, text, qualifier }
    }

    /// Whether others may use what is declared here.
    pub(super) fn visible(&self, head: &Head<'t>) -> Flags {
        let is_hidden = self.open.iter().any(|open| matches!(open, Open::Namespace { is_hidden: true }));
        let is_seen = match self.open.last() {
            Some(Open::Record { is_public, .. }) => *is_public,
            _ => !head.is_static,
        };
        if is_seen && !is_hidden { Flags::EXPORTED } else { Flags::default() }
    }
}

/// Locals.
impl<'t> Family<'t> {
    fn locals(&mut self, head: &Head<'t>, declarators: &[Node<'t>], walk: &mut Walk<'t>) {
        let known = head.type_of.map(|it| self.known_type(it));
        let mut is_made = false;
        for &declarator in declarators {
            is_made |= self.call_as_declaration(head.type_of, declarator, walk)
                || self.local(head, declarator, known.clone().flatten(), walk);
        }
        if !is_made {
            self.head_type(head, declarators.first().copied(), walk);
        }
    }

    /// Binds one local; true: it is made by a constructor, which has been told.
    fn local(&mut self, head: &Head<'t>, declarator: Node<'t>, known: Option<Rc<str>>, walk: &mut Walk<'t>) -> bool {
        let Some(found) = self.declared(declarator) else {
            walk.then(declarator);
            return false;
        };
        let arguments = found.value.filter(|it| matches!(self.kind(*it), Kind::ArgumentList | Kind::InitializerList));
        let is_made = self.is_plus && self.constructed(head, &found, arguments, walk);
        match arguments {
            Some(list) if self.kind(list) == Kind::InitializerList && !is_made => {
                let made = known.clone().unwrap_or_else(|| self.unknown.clone());
                self.initializer(list, &made, walk);
            }
            _ => match found
                .function
                .and_then(|it| self.field(it, Field::Parameters))
                .filter(|_| self.is_plus && !head.is_extern)
            {
                Some(parameters) => self.arguments_as_parameters(parameters, walk),
                None => self.declarator_uses(declarator, walk),
            },
        }
        let known = match known {
            Some(known) if self.is_plus && found.is_array => array_of(&known),
            Some(known) => known,
            None => found.value.map_or_else(|| self.unknown.clone(), |value| self.expression(value).into()),
        };
        self.bind(found.name, known, found.is_callback);
        is_made
    }

    /// `Conn c(1)`, `Conn c{1}`: tells that a constructor is called.
    fn constructed(
        &mut self,
        head: &Head<'t>,
        found: &Declared<'t>,
        arguments: Option<Node<'t>>,
        walk: &mut Walk<'t>,
    ) -> bool {
        // `Conn c(a)` reads like the declaration of a function.
        let parameters = found.function.and_then(|it| self.field(it, Field::Parameters));
        let parameters = parameters.filter(|list| list.named_child_count() > 0);
        match (head.type_of, arguments.or(parameters)) {
            (Some(type_of), Some(arguments)) if !found.is_pointer => {
                self.makes(type_of, self.n_arguments(arguments), walk)
            }
            _ => false,
        }
    }

    /// Binds a name, or those of `auto [a, b]`.
    pub(super) fn bind(&mut self, name: Node<'t>, known: Rc<str>, is_callback: bool) {
        if self.kind(name) != Kind::StructuredBindingDeclarator {
            let known = if is_callback { self.unknown.clone() } else { known };
            return self.scopes.bind(self.text.of(name), known);
        }
        for (at, part) in crate::extract::walk::named_children(name).into_iter().enumerate() {
            let known = with(&known, &format!(".{at}"));
            self.scopes.bind(self.text.of(part), known);
        }
    }
}

/// Something of an array of what is known.
fn array_of(known: &str) -> Rc<str> {
    match crate::extract::expression::as_type(known) {
        Some(name) => of_type(&with(name, "[]")).into(),
        None => known.into(),
    }
}

/// A function of no declaration: a macro made it.
pub(super) const ANY: Arity = Arity { least: 0, most: u8::MAX };
