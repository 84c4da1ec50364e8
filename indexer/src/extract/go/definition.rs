//! Functions, methods, package constants and variables, imports.

use kotadb_core::facts::{Arity, Flags, Import, Symbol, SymbolKind};
use tree_sitter::Node;

use super::{COMMENTS, Field, Go, Kind, Later, Walk};
use crate::extract::expression::with;
use crate::extract::text::{span, to_span};
use crate::extract::walk;

impl<'t> Go<'t> {
    pub(super) fn package(&mut self, node: Node<'t>) {
        if let Some(name) = node.named_child(0) {
            self.facts.package(self.text.of(name));
        }
    }

    /// `db "a/b"`, `. "a/b"`.
    pub(super) fn import(&mut self, node: Node<'t>) {
        let Some(path) = self.field(node, Field::Path) else { return };
        let module = self.text.of(path).trim_matches(['"', '`']).into();
        let alias = self.field(node, Field::Name);
        let is_open = alias.is_some_and(|alias| self.kind(alias) == Kind::Dot);
        let name = is_open.then(|| "*".into());
        let alias = alias.filter(|_| !is_open).map(|alias| self.text.of(alias).into());
        self.facts.import(Import { module, name, alias, start: span(path).start, ..Import::default() });
    }

    /// A function or method, with its body.
    pub(super) fn function(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return walk.children(node) };
        let receiver = self.field(node, Field::Receiver).and_then(|list| list.named_child(0));
        let kind = if self.kind(node) == Kind::MethodDeclaration { SymbolKind::Method } else { SymbolKind::Function };
        let mut symbol = self.named(name, kind);
        symbol.range = span(node);
        let body = self.field(node, Field::Body);
        let end = body.map_or(node.end_byte(), |body| body.start_byte());
        symbol.signature = self.text.signature(node.start_byte(), end);
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        symbol.arity = self.arity(node);
        symbol.of_type = self.field(node, Field::ResultOf).and_then(|result| self.results(result));
        symbol.qualifier = receiver.and_then(|it| self.field(it, Field::TypeOf)).map(|it| self.base_of(it));
        symbol.flags = symbol.flags.with(self.function_flags(&symbol, body.is_none()));
        self.facts.symbol(symbol);
        self.enter(node, walk);
        if let Some(receiver) = receiver {
            self.bind_receiver(receiver, walk);
        }
        walk.then(body);
        walk.later(Later::LeaveFunction);
    }

    fn function_flags(&self, symbol: &Symbol, is_bodiless: bool) -> Flags {
        let name = &*symbol.name;
        let is_plain = symbol.kind == SymbolKind::Function;
        let is_test = ["Test", "Benchmark", "Fuzz", "Example"]
            .iter()
            .any(|word| name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_lowercase())));
        [
            (Flags::TEST, is_plain && is_test),
            (Flags::ENTRY, is_plain && matches!(name, "main" | "init")),
            (Flags::DECLARATION, is_bodiless),
            (Flags::DEPRECATED, symbol.doc.is_some_and(|doc| self.says_deprecated(doc.start as usize))),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag))
    }

    fn says_deprecated(&self, at: usize) -> bool {
        self.text.0.get(at..).is_some_and(|rest| rest.starts_with(b"Deprecated:"))
    }

    /// The name of a receiver's type, without pointer and parameters.
    fn base_of(&self, type_of: Node<'t>) -> Box<str> {
        let text = self.type_of(type_of);
        text.split('[').next().unwrap_or_default().trim_matches(['(', ')']).into()
    }

    /// The receiver is the instance; the parameters of its type are local names.
    fn bind_receiver(&mut self, receiver: Node<'t>, walk: &mut Walk<'t>) {
        for name in self.names(receiver) {
            self.scopes.bind(self.text.of(name), "this");
        }
        let Some(type_of) = self.field(receiver, Field::TypeOf) else { return };
        let generic = if self.kind(type_of) == Kind::PointerType { type_of.named_child(0) } else { Some(type_of) };
        let arguments = generic.and_then(|it| self.field(it, Field::TypeArguments));
        for argument in arguments.map(walk::named_children).unwrap_or_default() {
            self.scopes.bind(self.text.of(argument), self.unknown.clone());
        }
        walk.then(type_of);
    }

    /// Opens the scope of a function with its parameters, and uses their types.
    fn enter(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        self.n_functions += 1;
        self.bind_type_parameters(node, walk);
        let (parameters, result) = (self.field(node, Field::Parameters), self.field(node, Field::ResultOf));
        parameters.into_iter().for_each(|parameters| self.bind_parameters(parameters));
        walk.then(parameters);
        let named = result.filter(|result| self.kind(*result) == Kind::ParameterList);
        named.into_iter().for_each(|result| self.bind_parameters(result));
        walk.then(result);
    }

    /// `[T any, K comparable]`.
    pub(super) fn bind_type_parameters(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let list = self.field(node, Field::TypeParameters);
        for parameter in list.map(walk::named_children).unwrap_or_default() {
            for name in self.names(parameter) {
                self.scopes.bind(self.text.of(name), self.unknown.clone());
            }
            walk.then(self.field(parameter, Field::TypeOf));
        }
    }

    pub(super) fn function_literal(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.enter(node, walk);
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveFunction);
    }

    pub(super) fn arity(&self, node: Node<'t>) -> Arity {
        let mut arity = Arity::default();
        let parameters = self.field(node, Field::Parameters);
        for parameter in parameters.map(walk::named_children).unwrap_or_default() {
            match self.kind(parameter) {
                Kind::ParameterDeclaration => {
                    let n = u8::try_from(self.n_names(parameter)).unwrap_or(u8::MAX);
                    (arity.least, arity.most) = (arity.least.saturating_add(n), arity.most.saturating_add(n));
                }
                Kind::VariadicParameter => arity.most = u8::MAX,
                _ => {}
            }
        }
        arity
    }

    /// `const (…)` or `var …`: symbols of the package, locals in a function.
    pub(super) fn variables(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        if self.is_local() {
            return walk.children(node);
        }
        let kind = if self.kind(node) == Kind::ConstDeclaration { SymbolKind::Constant } else { SymbolKind::Variable };
        let specs = self.specs(node);
        let whole = if let [one] = specs[..] { (one.parent() == Some(node)).then_some(node) } else { None };
        let mut repeated = None;
        for spec in specs {
            let of = self.field(spec, Field::TypeOf).map(|it| self.type_of(it));
            // In a list of constants a value that is left out repeats the one above it, with its type.
            if of.is_some() || self.field(spec, Field::Value).is_some() || kind == SymbolKind::Variable {
                repeated = of;
            }
            self.spec(spec, kind, whole, repeated.as_deref());
            walk.then(self.field(spec, Field::TypeOf));
            walk.then(self.field(spec, Field::Value));
        }
    }

    fn specs(&self, node: Node<'t>) -> Vec<Node<'t>> {
        let is_spec = |it: &Node<'t>| matches!(self.kind(*it), Kind::ConstSpec | Kind::VarSpec);
        let lists = |it: Node<'t>| if is_spec(&it) { vec![it] } else { walk::named_children(it) };
        walk::named_children(node).into_iter().flat_map(lists).filter(is_spec).collect()
    }

    fn spec(&mut self, spec: Node<'t>, kind: SymbolKind, whole: Option<Node<'t>>, of: Option<&str>) {
        let names: Vec<_> = self.names(spec).collect();
        let values = self.values(spec, names.len());
        let (is_one, text) = (names.len() == 1, self.text);
        for (at, name) in names.into_iter().enumerate().filter(|(_, name)| text.of(*name) != "_") {
            let outer = if is_one { whole.unwrap_or(spec) } else { name };
            let mut symbol = self.named(name, kind);
            (symbol.range, symbol.signature) = (span(outer), self.text.first_row(outer));
            symbol.doc = self.text.comment_above(whole.unwrap_or(spec).start_byte(), COMMENTS);
            let value = values.get(at).filter(|known| &***known != "?").map(|known| with("=", known));
            symbol.of_type = of.map(Into::into).or(value);
            self.facts.symbol(symbol);
        }
    }

    /// A symbol with its name and whether others may use it.
    pub(super) fn named(&self, name: Node<'t>, kind: SymbolKind) -> Symbol {
        let text = self.text.of(name);
        let is_exported = text.starts_with(|c: char| c.is_uppercase());
        let flags = if is_exported { Flags::EXPORTED } else { Flags::default() };
        let at = to_span(name.start_byte(), name.end_byte());
        Symbol { name: text.into(), name_span: at, flags, ..Symbol::new(kind) }
    }
}
