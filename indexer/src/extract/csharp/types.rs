//! Namespaces, types and `using`.

use kotadb_core::facts::{Flags, Import, Relation, Span, Symbol, SymbolKind};
use tree_sitter::Node;

use super::{COMMENTS, Field, Kind, Later, Open, Sharp, Walk};
use crate::extract::collector::Ticket;
use crate::extract::text::span;
use crate::extract::walk;

impl<'t> Sharp<'t> {
    /// The first namespace is the package of the file; others are symbols.
    pub(super) fn namespace(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, body) = (self.field(node, Field::Name), self.field(node, Field::Body));
        let text = name.map_or_else(Box::default, |name| self.plain_type(self.text.of(name)));
        if !self.has_package {
            self.has_package = true;
            self.facts.package(&text);
        } else if let Some(name) = name {
            let mut symbol = Symbol { name: text, name_span: span(name), ..Symbol::new(SymbolKind::Module) };
            symbol.range = span(node);
            let end = body.map_or(node.end_byte(), |body| body.start_byte());
            symbol.signature = self.text.signature(node.start_byte(), end);
            symbol.flags = Flags::EXPORTED;
            self.facts.symbol(symbol);
        }
        walk.children_but(node, name);
    }

    /// `using A.B;`, `using static A.B;`, `using C = A.B;`.
    pub(super) fn using(&mut self, node: Node<'t>) {
        let alias = self.field(node, Field::Name);
        let path = walk::named_children(node).into_iter().rfind(|it| Some(*it) != alias);
        let Some(path) = path else { return };
        let is_static = walk::children(node).iter().any(|it| self.kind(*it) == Kind::StaticWord);
        let (text, start) = (self.plain_type(self.text.of(path)), span(path).start);
        let (alias, is_whole) = (alias.map(|alias| self.text.of(alias).into()), alias.is_none());
        let (module, name) = match text.rsplit_once('.').filter(|_| !is_whole && !is_static) {
            Some((module, name)) => (module.into(), Some(name.into())),
            None => (text.clone(), is_whole.then(|| "*".into())),
        };
        self.facts.import(Import { module, name, alias, start, ..Import::default() });
    }

    /// `record struct` is a struct, `record` a class.
    pub(super) fn record(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let is_struct = walk::children(node).iter().any(|it| self.kind(*it) == Kind::Struct);
        self.type_declaration(node, if is_struct { SymbolKind::Struct } else { SymbolKind::Class }, walk);
    }

    pub(super) fn type_declaration(&mut self, node: Node<'t>, kind: SymbolKind, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return walk.children(node) };
        let (text, body) = (self.text.of(name), self.field(node, Field::Body));
        let mut symbol = Symbol { name: text.into(), name_span: span(name), range: span(node), ..Symbol::new(kind) };
        symbol.signature = self.text.signature(node.start_byte(), body.map_or(node.end_byte(), |it| it.start_byte()));
        symbol.doc = self.doc(node);
        symbol.flags = self.flags(&self.modifiers(node), text, kind);
        let is_test = symbol.flags.has(Flags::TEST) || text.ends_with("Tests");
        symbol.flags = if is_test { symbol.flags.with(Flags::TEST) } else { symbol.flags };
        let ticket = self.facts.symbol(symbol);
        self.attributes(node, walk);
        self.scopes.enter();
        self.type_parameters(node);
        let above = self.bases(node, ticket, kind, walk);
        self.open.push(Open { kind, name: text, above, is_test });
        self.primary(node, walk);
        walk.then(body);
        walk.later(Later::LeaveType);
    }

    pub(super) fn attributes(&self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.each_child(node, |walk, child| {
            if self.kind(child) == Kind::AttributeList {
                walk.then(child);
            }
        });
    }

    /// The first line of a comment that says something: `<summary>` does not.
    pub(super) fn doc(&self, node: Node<'t>) -> Option<Span> {
        let first = self.text.comment_above(node.start_byte(), COMMENTS)?;
        let (start, end) = (first.start as usize, node.start_byte());
        if self.text.slice(start, first.end as usize) != "<summary>" {
            return Some(first);
        }
        self.text.first_line(first.end as usize, end, b"/*")
    }

    /// Parameters of a type or method, and the types that they are bound by.
    pub(super) fn type_parameters(&mut self, node: Node<'t>) {
        for part in walk::named_children(node) {
            match self.kind(part) {
                Kind::TypeParameterList => {
                    for parameter in walk::named_children(part) {
                        self.scopes.bind(self.word(parameter, Field::Name), "?");
                    }
                }
                Kind::TypeConstraints => {
                    walk::named_children(part).into_iter().skip(1).for_each(|bound| self.type_use(bound));
                }
                _ => {}
            }
        }
    }

    /// What stands above a type. Of a class, names like `IThing` are interfaces, as is the custom.
    fn bases(&mut self, node: Node<'t>, ticket: Ticket, kind: SymbolKind, walk: &mut Walk<'t>) -> Box<str> {
        let list = walk::named_children(node).into_iter().find(|it| self.kind(*it) == Kind::BaseList);
        let mut first = Box::default();
        let name = self.facts.at(ticket).name.clone();
        for (at, base) in list.map(walk::named_children).unwrap_or_default().into_iter().enumerate() {
            let is_primary = self.kind(base) == Kind::PrimaryBase;
            let named = self.field(base, Field::TypeOf).filter(|_| is_primary).unwrap_or(base);
            if matches!(self.kind(base), Kind::PredefinedType | Kind::ArgumentList) {
                walk.then(base);
                continue;
            }
            let (plain, arguments) = self.split(named);
            let text: Box<str> = self.type_of(plain);
            let last = text.rsplit('.').next().unwrap_or_default();
            let is_interface = last.len() > 1 && last.starts_with('I') && last[1..].starts_with(char::is_uppercase);
            let extends = kind == SymbolKind::Interface || (at == 0 && !is_interface && kind == SymbolKind::Class);
            let relation = if extends { Relation::Extends } else { Relation::Implements };
            let bare = text.split('<').next().unwrap_or_default();
            self.facts.supertype(Some(ticket), &name, bare, relation, plain);
            arguments.into_iter().for_each(|arguments| self.type_use(arguments));
            if is_primary {
                walk.children_but(base, Some(named));
            }
            if at == 0 {
                first = bare.into();
            }
        }
        first
    }

    /// `record Point(int X)`: each parameter is a property. Those of a class are locals of its members.
    fn primary(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let list = walk::named_children(node).into_iter().find(|it| self.kind(*it) == Kind::ParameterList);
        let Some(list) = list else { return };
        walk.then(list);
        if self.kind(node) != Kind::RecordDeclaration {
            return self.bind_parameters(list);
        }
        for parameter in walk::named_children(list) {
            let (Some(name), of) = (self.field(parameter, Field::Name), self.field(parameter, Field::TypeOf)) else {
                continue;
            };
            let mut symbol = Symbol::new(SymbolKind::Property);
            (symbol.name, symbol.name_span) = (self.text.of(name).into(), span(name));
            (symbol.range, symbol.signature) = (span(parameter), span(parameter));
            symbol.of_type = of.map(|of| self.type_of(of));
            symbol.flags = Flags::EXPORTED.with(Flags::ACCESSOR);
            self.facts.symbol(symbol);
        }
    }

    pub(super) fn enum_member(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        if let Some(name) = self.field(node, Field::Name) {
            let mut symbol = Symbol::new(SymbolKind::Variant);
            (symbol.name, symbol.name_span) = (self.text.of(name).into(), span(name));
            (symbol.range, symbol.signature) = (span(node), self.text.first_row(node));
            (symbol.doc, symbol.flags) = (self.doc(node), Flags::EXPORTED);
            symbol.of_type = self.open.last().map(|open| open.name.into());
            self.facts.symbol(symbol);
        }
        self.attributes(node, walk);
        walk.then(self.field(node, Field::Value));
    }

    /// `delegate int Callback(string s);`: a name of a type of functions.
    pub(super) fn delegate(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return walk.children(node) };
        let mut symbol = Symbol::new(SymbolKind::TypeAlias);
        (symbol.name, symbol.name_span, symbol.range) = (self.text.of(name).into(), span(name), span(node));
        symbol.signature = self.text.signature(node.start_byte(), node.end_byte());
        symbol.doc = self.doc(node);
        symbol.flags = self.flags(&self.modifiers(node), &symbol.name, SymbolKind::TypeAlias);
        self.facts.symbol(symbol);
        self.attributes(node, walk);
        self.scopes.enter();
        self.type_parameters(node);
        self.field(node, Field::TypeOf).into_iter().for_each(|of| self.type_use(of));
        walk.then(self.field(node, Field::Parameters));
        walk.later(Later::Leave);
    }
}
