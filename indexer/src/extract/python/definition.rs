//! Classes, functions, variables and type aliases as symbols.

use kotadb_core::facts::{Flags, Relation, Role, Span, Symbol, SymbolKind, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::signature::First;
use super::{Field, Kind, Later, Open, Python, Walk};
use crate::extract::collector::Ticket;
use crate::extract::text::span;
use crate::extract::walk;

/// An open class.
pub(super) struct Class {
    pub(super) ticket: Ticket,
    /// Its number among the classes of the file, from 1.
    pub(super) number: u32,
    pub(super) is_enum: bool,
}

/// Decorators by whose call something outside runs what they stand above.
const HOOKS: &[&str] = &[
    "route",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "websocket",
    "command",
    "group",
    "callback",
    "task",
    "fixture",
    "on_event",
    "event",
    "listener",
    "receiver",
    "register",
    "tool",
    "hookimpl",
];

impl<'t> Python<'t> {
    pub(super) fn decorated(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(definition) = self.field(node, Field::Definition) else { return walk.children(node) };
        for decorator in self.decorators(node) {
            self.decorator(decorator, walk);
        }
        match self.kind(definition) {
            Kind::ClassDefinition => self.class(definition, node, walk),
            _ => self.function(definition, node, walk),
        }
    }

    fn decorators(&self, decorated: Node<'t>) -> Vec<Node<'t>> {
        let lines = walk::named_children(decorated).into_iter().filter(|child| self.kind(*child) == Kind::Decorator);
        lines.filter_map(|line| line.named_child(0)).collect()
    }

    /// Names of the decorators, without their arguments: `app.route`.
    fn decorator_names(&self, decorated: Node<'t>) -> Vec<&'t str> {
        let name =
            |node| if self.kind(node) == Kind::Call { self.word(node, Field::Function) } else { self.text.of(node) };
        self.decorators(decorated).into_iter().map(name).collect()
    }

    fn decorator(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let is_call = self.kind(node) == Kind::Call;
        let function = if is_call { self.field(node, Field::Function) } else { Some(node) };
        let arguments = self.field(node, Field::Arguments).filter(|_| is_call);
        let n_arguments = arguments.map_or(UNKNOWN_ARITY, |arguments| self.n_arguments(arguments, walk));
        if let Some(function) = function {
            self.called(function, n_arguments, Role::Decorate, walk);
        }
        walk.then(arguments);
    }

    /// A function; `outer` holds its decorators as well.
    pub(super) fn function(&mut self, node: Node<'t>, outer: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.word(node, Field::Name);
        let decorators = self.decorator_names(outer);
        let first = self.first_parameter(name, &decorators);
        let mut symbol = self.definition(node, outer, self.function_kind(name, &decorators));
        symbol.flags = symbol.flags.with(self.function_flags(node, name, first, &decorators));
        symbol.arity = self.arity(node, first);
        symbol.of_type = self.field(node, Field::ReturnType).map(|annotation| self.type_of(annotation));
        let ticket = self.facts.symbol(symbol);
        self.scopes.share(name);
        self.saw(name);
        self.visit_parameters(node, walk);
        walk.later(Later::EnterFunction(node, ticket, first));
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveScope);
    }

    fn function_kind(&self, name: &str, decorators: &[&str]) -> SymbolKind {
        let is_property = |it: &&str| it.ends_with("property") || it.ends_with(".setter") || it.ends_with(".deleter");
        match self.open.last() {
            Some(Open::Class(_)) if decorators.iter().any(is_property) => SymbolKind::Property,
            Some(Open::Class(_)) if name == "__init__" => SymbolKind::Constructor,
            Some(Open::Class(_)) => SymbolKind::Method,
            _ => SymbolKind::Function,
        }
    }

    fn function_flags(&self, node: Node<'t>, name: &str, first: First, decorators: &[&str]) -> Flags {
        let has = |name: &str| decorators.iter().any(|it| it.rsplit('.').next() == Some(name));
        let is_async = node.child(0).is_some_and(|child| self.kind(child) == Kind::Async);
        let is_hook = || decorators.iter().any(|it| it.rsplit_once('.').is_some_and(|(_, name)| HOOKS.contains(&name)));
        let in_class = matches!(self.open.last(), Some(Open::Class(_)));
        [
            (Flags::TEST, name.starts_with("test_") || self.is_in_test()),
            (Flags::STATIC, in_class && first != First::This),
            (Flags::ABSTRACT, has("abstractmethod") || has("abstractproperty")),
            (Flags::ASYNC, is_async),
            (Flags::DEPRECATED, has("deprecated")),
            (Flags::DECLARATION, has("overload")),
            (Flags::ENTRY, is_hook() || (name == "main" && self.open.is_empty())),
            (Flags::ACCESSOR, decorators.iter().any(|it| it.ends_with("property"))),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag))
    }

    /// Whether what is open is a test.
    fn is_in_test(&self) -> bool {
        self.open.last().and_then(Open::ticket).is_some_and(|ticket| self.facts.at(ticket).flags.has(Flags::TEST))
    }

    /// A class; `outer` holds its decorators as well.
    pub(super) fn class(&mut self, node: Node<'t>, outer: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.word(node, Field::Name);
        let bases = self.field(node, Field::Superclasses).map(walk::named_children).unwrap_or_default();
        let is_enum = bases.iter().any(|base| is_enum(self.text.of(*base)));
        let kind = if is_enum { SymbolKind::Enum } else { SymbolKind::Class };
        let mut symbol = self.definition(node, outer, kind);
        if name.starts_with("Test") || self.is_in_test() {
            symbol.flags = symbol.flags.with(Flags::TEST);
        }
        let ticket = self.facts.symbol(symbol);
        self.scopes.share(name);
        self.saw(name);
        for base in bases {
            self.base(base, ticket, name, walk);
        }
        self.n_classes += 1;
        self.open.push(Open::Class(Class { ticket, number: self.n_classes, is_enum }));
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveClass);
    }
    /// A type above a class; `Base[T]` counts as `Base`.
    fn base(&mut self, base: Node<'t>, class: Ticket, name: &str, walk: &mut Walk<'t>) {
        match self.kind(base) {
            Kind::Identifier | Kind::Attribute => {
                self.facts.supertype(Some(class), name, &self.expression(base), Relation::Extends, base);
                walk.then(self.field(base, Field::Object));
            }
            Kind::Subscript => {
                let generic = self.field(base, Field::Value);
                if let Some(generic) = generic {
                    self.facts.supertype(Some(class), name, &self.expression(generic), Relation::Extends, generic);
                }
                walk::named_children(base).into_iter().skip(1).for_each(|argument| self.annotation(argument));
            }
            _ => walk.then(base),
        }
    }

    /// `type A = …`.
    pub(super) fn type_alias(&mut self, node: Node<'t>) {
        let (Some(left), right) = (self.field(node, Field::Left), self.field(node, Field::Right)) else { return };
        let mut name = left;
        while let Some(first) = name.named_child(0) {
            name = first;
        }
        let mut symbol = self.named(name, SymbolKind::TypeAlias);
        (symbol.range, symbol.signature) = (span(node), span(node));
        symbol.of_type = right.map(|right| self.type_of(right));
        self.facts.symbol(symbol);
        self.saw(self.text.of(name));
        right.into_iter().for_each(|right| self.annotation(right));
    }

    /// The symbol of a class or function, but for what is special to its kind.
    fn definition(&self, node: Node<'t>, outer: Node<'t>, kind: SymbolKind) -> Symbol {
        let body = self.field(node, Field::Body);
        let mut symbol = match self.field(node, Field::Name) {
            Some(name) => self.named(name, kind),
            None => Symbol::new(kind),
        };
        symbol.range = span(outer);
        symbol.signature =
            self.text.signature(node.start_byte(), body.map_or(node.end_byte(), |body| body.start_byte()));
        symbol.doc = body.and_then(|body| self.docstring(body));
        symbol
    }

    /// A symbol with its name and whether others may use it.
    pub(super) fn named(&self, name: Node<'t>, kind: SymbolKind) -> Symbol {
        let text = self.text.of(name);
        let is_private = text.starts_with('_') && !(text.starts_with("__") && text.ends_with("__"));
        let flags = if is_private { Flags::default() } else { Flags::EXPORTED };
        Symbol { name: text.into(), name_span: span(name), flags, ..Symbol::new(kind) }
    }

    /// The first line of the string that a body begins with.
    fn docstring(&self, body: Node<'t>) -> Option<Span> {
        let statement = body.named_child(0).filter(|first| self.kind(*first) == Kind::ExpressionStatement)?;
        let string = statement.named_child(0).filter(|first| self.kind(*first) == Kind::String)?;
        let content = walk::named_children(string).into_iter().find(|part| self.kind(*part) == Kind::StringContent)?;
        self.text.first_line(content.start_byte(), content.end_byte(), b"")
    }

    /// Remembers that the open class or the module has a symbol of that name; false: it had one. What the body of a class
    /// declares outranks what a method before it sets.
    pub(super) fn saw(&mut self, name: &'t str) -> bool {
        let number = match self.open.last() {
            None => 0,
            Some(Open::Class(class)) => class.number,
            Some(_) => return true,
        };
        if let Some(attribute) = self.attributes.remove(&(number, name)) {
            self.facts.remove(attribute);
            return true;
        }
        self.seen.insert((number, name))
    }
}

fn is_enum(base: &str) -> bool {
    let name = base.rsplit('.').next().unwrap_or(base);
    matches!(name, "Enum" | "IntEnum" | "StrEnum" | "Flag" | "IntFlag" | "ReprEnum" | "TextChoices" | "IntegerChoices")
}
