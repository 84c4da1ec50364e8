//! Types, functions and properties as symbols.

use kotadb_core::facts::{Arity, Flags, Relation, Symbol, SymbolKind};
use tree_sitter::Node;

use super::expression::tells;
use super::{Field, Kind, Later, Open, Swift, Value, Walk};
use crate::extract::expression::{of_type, unknown, with};
use crate::extract::text::{Comments, span};
use crate::extract::walk;

/// Comments above definitions.
const COMMENTS: Comments = Comments { line: &["///", "//"], block: Some("/**") };

/// One name of a `let` or `var`.
struct Declared<'t> {
    name: Node<'t>,
    annotation: Option<Node<'t>>,
    value: Option<Node<'t>>,
    is_alone: bool,
    is_accessor: bool,
}

impl<'t> Swift<'t> {
    /// A class, struct, enum, actor, protocol or extension.
    pub(super) fn class(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return walk.children(node) };
        let kind = match self.word(node, Field::DeclarationKind) {
            "extension" => return self.extension(node, name, walk),
            "struct" => SymbolKind::Struct,
            "enum" => SymbolKind::Enum,
            "protocol" => SymbolKind::Trait,
            _ => SymbolKind::Class,
        };
        let mut symbol = self.definition(node, name, kind);
        if self.above(node).iter().any(|above| self.text.of(*above) == "XCTestCase") {
            symbol.flags = symbol.flags.with(Flags::TEST);
        }
        let ticket = self.facts.symbol(symbol);
        for (at, above) in self.above(node).into_iter().enumerate() {
            let is_base = kind == SymbolKind::Trait || (kind == SymbolKind::Class && at == 0);
            let relation = if is_base { Relation::Extends } else { Relation::Implements };
            self.facts.supertype(Some(ticket), self.text.of(name), self.bare_type(above), relation, above);
        }
        self.open_body(node, Open::Type { ticket, is_protocol: kind == SymbolKind::Trait }, walk);
    }

    /// `extension Pool: Hashable`.
    fn extension(&mut self, node: Node<'t>, name: Node<'t>, walk: &mut Walk<'t>) {
        let extended = self.bare_type(name);
        for above in self.above(node) {
            self.facts.supertype(None, extended, self.bare_type(above), Relation::Implements, above);
        }
        self.type_use(name, kotadb_core::facts::Role::Type, walk);
        self.open_body(node, Open::Extension(extended), walk);
    }

    fn open_body(&mut self, node: Node<'t>, open: Open<'t>, walk: &mut Walk<'t>) {
        walk.then(self.part(node, Kind::Modifiers));
        walk.then(self.part(node, Kind::TypeConstraints));
        self.open.push(open);
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveType);
    }

    fn above(&self, node: Node<'t>) -> Vec<Node<'t>> {
        self.parts(node, Kind::Inheritance).into_iter().filter_map(|specifier| specifier.named_child(0)).collect()
    }

    /// A type without its arguments.
    fn bare_type(&self, node: Node<'t>) -> &'t str {
        self.text.of(node).split('<').next().unwrap_or_default().trim()
    }

    /// `case a(Int), b = 2`.
    pub(super) fn entry(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        for part in walk::named_children(node) {
            if self.kind(part) == Kind::SimpleIdentifier {
                let mut symbol = self.definition(node, part, SymbolKind::Variant);
                symbol.range = span(part);
                symbol.signature = self.text.first_row(part);
                self.facts.symbol(symbol);
            } else {
                walk.then(part);
            }
        }
    }

    pub(super) fn alias(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return };
        let value = self.field(node, Field::Value);
        let mut symbol = self.definition(node, name, SymbolKind::TypeAlias);
        symbol.of_type = value.map(|value| self.type_of(value));
        self.facts.symbol(symbol);
        walk.children_but(node, Some(name));
    }

    pub(super) fn function(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let in_type = matches!(self.open.last(), Some(Open::Type { .. } | Open::Extension(_)));
        let kind = match self.kind(node) {
            Kind::Init => SymbolKind::Constructor,
            Kind::MacroDeclaration => SymbolKind::Macro,
            _ if in_type => SymbolKind::Method,
            _ => SymbolKind::Function,
        };
        let name = match self.kind(node) {
            Kind::Deinit | Kind::Subscript => walk::children(node).into_iter().find(|part| !part.is_named()),
            Kind::MacroDeclaration => self.part(node, Kind::SimpleIdentifier),
            _ => self.field(node, Field::Name),
        };
        let mut symbol = self.definition(node, name.unwrap_or(node), kind);
        symbol.arity = self.arity(node);
        symbol.of_type = self.field(node, Field::ReturnType).map(|returned| self.type_of(returned));
        symbol.flags = symbol.flags.with(self.function_flags(node, &symbol));
        let is_static = symbol.flags.has(Flags::STATIC);
        self.facts.symbol(symbol);
        for part in walk::named_children(node).into_iter().filter(|part| Some(*part) != name) {
            match self.kind(part) {
                Kind::Parameter => walk.then(self.field(part, Field::TypeOf)),
                _ if Some(part) == self.field(node, Field::Body) => {}
                _ => walk.then(part),
            }
        }
        walk.later(Later::EnterFunction { node, is_static });
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveFunction);
    }

    fn function_flags(&self, node: Node<'t>, symbol: &Symbol) -> Flags {
        let in_protocol = matches!(self.open.last(), Some(Open::Type { is_protocol: true, .. }));
        let in_test = match self.open.last() {
            Some(Open::Type { ticket, .. }) => self.facts.at(*ticket).flags.has(Flags::TEST),
            _ => false,
        };
        let signature = self.text.slice(symbol.signature.start as usize, symbol.signature.end as usize);
        let modifiers = self.modifiers(node);
        [
            (Flags::ABSTRACT, in_protocol),
            (Flags::ASYNC, signature.split_whitespace().any(|word| word == "async")),
            (Flags::TEST, modifiers.contains("@Test") || (in_test && symbol.name.starts_with("test"))),
            (Flags::ENTRY, modifiers.contains("@IBAction") || (&*symbol.name == "main" && self.open.is_empty())),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag))
    }

    /// A default value is a part of the list like its parameter.
    fn arity(&self, node: Node<'t>) -> Arity {
        let mut arity = Arity::default();
        for parameter in self.parts(node, Kind::Parameter) {
            let after = self.text.slice(parameter.end_byte(), node.end_byte()).trim_start();
            if self.text.of(parameter).ends_with("...") {
                arity.most = u8::MAX;
                continue;
            }
            arity.most = arity.most.saturating_add(1);
            arity.least = arity.least.saturating_add(u8::from(!after.starts_with('=')));
        }
        arity
    }

    pub(super) fn enter_function(&mut self, node: Node<'t>, is_static: bool) {
        self.scopes.enter();
        self.open.push(Open::Function { is_static });
        for parameter in self.parts(node, Kind::Parameter) {
            let name = self.parts(parameter, Kind::SimpleIdentifier).last().copied();
            let known = self
                .field(parameter, Field::TypeOf)
                .map_or_else(unknown, |annotation| of_type(&self.type_of(annotation)));
            name.into_iter().for_each(|name| self.scopes.bind(self.text.of(name), known.clone()));
        }
    }

    /// A property of a type or file, or a local.
    pub(super) fn property(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let is_local = matches!(self.open.last(), Some(Open::Function { .. }));
        let computed = self.field(node, Field::ComputedValue);
        let is_accessor = computed.is_some() || self.kind(node) == Kind::ProtocolProperty;
        let mut names = Vec::new();
        let parts = walk::named_children(node);
        for (at, part) in parts.iter().enumerate() {
            if self.kind(*part) != Kind::Pattern {
                if Some(*part) != computed {
                    walk.then(*part);
                }
                continue;
            }
            let annotation = parts.get(at + 1).copied().filter(|next| self.kind(*next) == Kind::TypeAnnotation);
            match self.field(*part, Field::BoundIdentifier) {
                Some(name) => {
                    names.push((name, annotation.and_then(|annotation| self.field(annotation, Field::TypeOf))))
                }
                None if is_local => walk.then(*part),
                None => {}
            }
        }
        let is_alone = names.len() == 1;
        let value = self.field(node, Field::Value).filter(|_| is_alone);
        for (name, annotation) in names {
            if is_local {
                let bound = annotation.map(|annotation| Value::Known(of_type(&self.type_of(annotation))));
                let bound = bound.or(value.map(Value::Of)).unwrap_or(Value::Known(unknown()));
                walk.later(Later::Bind(self.text.of(name), bound));
            } else {
                self.add_property(node, &Declared { name, annotation, value, is_alone, is_accessor });
            }
        }
        if let Some(computed) = computed {
            walk.later(Later::EnterFunction { node: computed, is_static: self.modifiers(node).contains("static") });
            walk.then(computed);
            walk.later(Later::LeaveFunction);
        }
    }

    fn add_property(&mut self, node: Node<'t>, declared: &Declared<'t>) {
        let Declared { name, annotation, value, is_alone, is_accessor } = *declared;
        let in_type = matches!(self.open.last(), Some(Open::Type { .. } | Open::Extension(_)));
        let kind = match (is_accessor, in_type) {
            (true, _) => SymbolKind::Property,
            (false, true) => SymbolKind::Field,
            (false, false) => SymbolKind::Variable,
        };
        let mut symbol = self.definition(node, name, kind);
        let whole = if is_alone { node } else { name };
        (symbol.range, symbol.signature) = (span(whole), self.text.first_row(whole));
        symbol.of_type = match annotation {
            Some(annotation) => Some(self.type_of(annotation)),
            None => {
                value.map(|value| self.expression(value)).filter(|known| tells(known)).map(|known| with("=", &known))
            }
        };
        if is_accessor {
            symbol.flags = symbol.flags.with(Flags::ACCESSOR);
        }
        self.facts.symbol(symbol);
    }

    fn modifiers(&self, node: Node<'t>) -> &'t str {
        self.part(node, Kind::Modifiers).map_or("", |modifiers| self.text.of(modifiers))
    }

    fn definition(&self, node: Node<'t>, name: Node<'t>, kind: SymbolKind) -> Symbol {
        let modifiers = self.modifiers(node);
        let has = |word: &str| modifiers.split_whitespace().any(|modifier| modifier == word);
        let is_class_member =
            self.text.of(node).trim_start_matches(modifiers).trim_start().starts_with("class ") && !kind.is_type();
        let body = self.field(node, Field::Body).map_or(node.end_byte(), |body| body.start_byte());
        let mut symbol =
            Symbol { name: self.text.of(name).into(), name_span: span(name), range: span(node), ..Symbol::new(kind) };
        symbol.signature = self.text.signature(node.start_byte(), body);
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        if let Some(Open::Extension(extended)) = self.open.last() {
            symbol.qualifier = Some((*extended).into());
        }
        symbol.flags = [
            (Flags::EXPORTED, !has("private") && !has("fileprivate")),
            (Flags::STATIC, has("static") || has("class") || is_class_member),
            (Flags::DEPRECATED, modifiers.contains("deprecated")),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag));
        symbol
    }
}
