//! Types, functions and values as symbols.

use kotadb_core::facts::{Arity, Flags, Relation, Symbol, SymbolKind};
use tree_sitter::Node;

use super::expression::tells;
use super::{Field, Kind, Later, Open, Scala, Value, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::{of_type, unknown, with};
use crate::extract::text::{Comments, span};
use crate::extract::walk;

/// Comments above definitions.
const COMMENTS: Comments = Comments { line: &["//"], block: Some("/**") };

impl<'t> Scala<'t> {
    /// A class, trait, object or enum.
    pub(super) fn class(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return walk.children(node) };
        let (kind, own) = (self.kind(node), self.text.of(name));
        let symbol_kind = match kind {
            Kind::Trait => SymbolKind::Trait,
            Kind::Enum => SymbolKind::Enum,
            _ => SymbolKind::Class,
        };
        let is_object = matches!(kind, Kind::Object | Kind::PackageObject);
        let ticket = self.add(node, name, symbol_kind);
        let beside = self.types.get(&(self.open.len(), own)).copied().filter(|_| is_object);
        self.types.entry((self.open.len(), own)).or_insert(ticket);
        self.parameters_of_class(node, ticket, walk);
        self.above(node, ticket, own, walk);
        self.parts(node, Kind::Annotation).into_iter().for_each(|annotation| walk.then(annotation));
        let ticket = beside.unwrap_or(ticket);
        self.open.push(Open::Type { ticket, is_static: is_object, is_trait: kind == Kind::Trait });
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveType);
    }

    /// Adds a symbol to what is open.
    fn add(&mut self, node: Node<'t>, name: Node<'t>, kind: SymbolKind) -> Ticket {
        let symbol = self.definition(node, name, kind);
        self.put(symbol)
    }

    fn put(&mut self, symbol: Symbol) -> Ticket {
        let added = self.facts.symbol(symbol);
        if let Some(Open::Type { ticket, .. }) = self.open.last() {
            self.facts.put_into(added, *ticket);
        }
        added
    }

    fn parameters_of_class(&mut self, node: Node<'t>, class: Ticket, walk: &mut Walk<'t>) {
        let is_case = !self.parts(node, Kind::CaseWord).is_empty();
        let lists = self.parts(node, Kind::ClassParameters);
        for parameter in lists.into_iter().flat_map(|list| self.parts(list, Kind::ClassParameter)).collect::<Vec<_>>() {
            let Some(name) = self.field(parameter, Field::Name) else { continue };
            let is_open =
                is_case || [Kind::ValWord, Kind::VarWord].iter().any(|word| !self.parts(parameter, *word).is_empty());
            let mut symbol = self.definition(parameter, name, SymbolKind::Field);
            symbol.of_type = self.field(parameter, Field::TypeOf).map(|annotation| self.type_of(annotation));
            symbol.flags.0 &= if is_open { u16::MAX } else { !Flags::EXPORTED.0 };
            let ticket = self.facts.symbol(symbol);
            self.facts.put_into(ticket, class);
            walk.children_but(parameter, Some(name));
        }
    }

    /// `extends A(…) with B`: the first of a class is a class, as far as can be told.
    fn above(&mut self, node: Node<'t>, class: Ticket, name: &str, walk: &mut Walk<'t>) {
        let Some(clause) = self.field(node, Field::Extend) else { return };
        let is_trait = self.kind(node) == Kind::Trait;
        let mut parts = Vec::new();
        for part in walk::named_children(clause) {
            let is_compound = self.kind(part) == Kind::CompoundType;
            parts.extend(if is_compound { walk::named_children(part) } else { vec![part] });
        }
        for (at, part) in parts.into_iter().enumerate() {
            let above =
                self.field(part, Field::TypeOf).filter(|_| self.kind(part) == Kind::GenericType).unwrap_or(part);
            if !matches!(self.kind(above), Kind::TypeIdentifier | Kind::StableTypeIdentifier) {
                walk.then(part);
                continue;
            }
            let relation = if at == 0 || is_trait { Relation::Extends } else { Relation::Embeds };
            self.facts.supertype(Some(class), name, &self.type_of(above), relation, above);
            if above != part {
                walk.children_but(part, Some(above));
            }
        }
    }

    /// A case of an enum.
    pub(super) fn case(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        if let Some(name) = self.field(node, Field::Name) {
            let ticket = self.add(node, name, SymbolKind::Variant);
            self.parameters_of_class(node, ticket, walk);
            self.above(node, ticket, self.text.of(name), walk);
        }
    }

    pub(super) fn alias(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return };
        let target = self.field(node, Field::TypeOf);
        let mut symbol = self.definition(node, name, SymbolKind::TypeAlias);
        symbol.of_type = target.map(|target| self.type_of(target));
        self.put(symbol);
        walk.then(target);
    }

    pub(super) fn function(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return walk.children(node) };
        let text = self.text.of(name);
        let kind = match self.open.last() {
            Some(Open::Type { .. }) if text == "this" => SymbolKind::Constructor,
            Some(Open::Type { .. } | Open::Extension(_)) => SymbolKind::Method,
            _ => SymbolKind::Function,
        };
        let mut symbol = self.definition(node, name, kind);
        symbol.arity = self.arity(node);
        symbol.of_type = self.field(node, Field::ReturnType).map(|returned| self.type_of(returned));
        if symbol.of_type.is_none() && kind != SymbolKind::Constructor {
            self.enter_function(node);
            let value = self.field(node, Field::Body).map(|body| self.expression(body));
            self.leave_function();
            symbol.of_type = value.filter(|known| tells(known)).map(|known| with("=", &known));
        }
        symbol.flags = symbol.flags.with(self.function_flags(node, text));
        self.put(symbol);
        self.scopes.share(text);
        for part in walk::named_children(node) {
            match self.kind(part) {
                Kind::Parameters => self.parts(part, Kind::Parameter).into_iter().for_each(|parameter| {
                    walk.then(self.field(parameter, Field::TypeOf));
                    walk.then(self.field(parameter, Field::Default));
                }),
                Kind::Annotation => walk.then(part),
                _ => {}
            }
        }
        walk.then(self.field(node, Field::ReturnType));
        walk.later(Later::EnterFunction(node));
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveFunction);
    }

    fn function_flags(&self, node: Node<'t>, name: &str) -> Flags {
        let annotations = self.parts(node, Kind::Annotation);
        let has = |word: &str| annotations.iter().any(|annotation| self.text.of(*annotation).starts_with(word));
        let has_no_parameters = self.parts(node, Kind::Parameters).is_empty();
        [
            (Flags::ABSTRACT, self.kind(node) == Kind::FunctionDeclaration),
            (Flags::TEST, has("@Test")),
            (Flags::DEPRECATED, has("@deprecated")),
            (Flags::ENTRY, has("@main") || name == "main"),
            (Flags::ACCESSOR, has_no_parameters),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag))
    }

    /// Of the first list: others are given in calls of their own, or by the compiler.
    fn arity(&self, node: Node<'t>) -> Arity {
        let mut arity = Arity::default();
        let first = self.parts(node, Kind::Parameters).first().copied();
        for parameter in first.map(|list| self.parts(list, Kind::Parameter)).unwrap_or_default() {
            let is_many = self.field(parameter, Field::TypeOf).is_some_and(|it| self.kind(it) == Kind::RepeatedType);
            if is_many {
                arity.most = u8::MAX;
                continue;
            }
            arity.most = arity.most.saturating_add(1);
            arity.least = arity.least.saturating_add(u8::from(self.field(parameter, Field::Default).is_none()));
        }
        arity
    }

    pub(super) fn enter_function(&mut self, node: Node<'t>) {
        self.scopes.enter();
        self.open.push(Open::Function);
        for parameter in self.all_parameters(node) {
            let known = self.field(parameter, Field::TypeOf).map_or_else(unknown, |it| of_type(&self.type_of(it)));
            self.scopes.bind(self.word(parameter, Field::Name), known);
        }
    }

    pub(super) fn leave_function(&mut self) {
        self.scopes.leave();
        self.open.pop();
    }

    fn all_parameters(&self, node: Node<'t>) -> Vec<Node<'t>> {
        self.parts(node, Kind::Parameters).into_iter().flat_map(|list| self.parts(list, Kind::Parameter)).collect()
    }

    /// `given name: Type = …`.
    pub(super) fn given(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::Name);
        if let Some(name) = name {
            let mut symbol = self.definition(node, name, SymbolKind::Constant);
            symbol.of_type = self.field(node, Field::ReturnType).map(|returned| self.type_of(returned));
            self.put(symbol);
        }
        walk.children_but(node, name);
    }

    /// `extension (pool: Pool) def …`.
    pub(super) fn extension(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parameter = self.all_parameters(node).first().copied();
        let extended = parameter.and_then(|parameter| self.field(parameter, Field::TypeOf));
        let written = extended.map_or_else(unknown, |extended| self.type_of(extended));
        walk.then(extended);
        self.open.push(Open::Extension(written.split('[').next().unwrap_or_default().into()));
        walk.later(Later::EnterBlock);
        if let Some(parameter) = parameter {
            walk.later(Later::Bind(self.word(parameter, Field::Name), Value::Known(of_type(&written))));
        }
        for part in walk::named_children(node) {
            if !matches!(self.kind(part), Kind::Parameters | Kind::TypeParameters) {
                walk.then(part);
            }
        }
        walk.later(Later::LeaveBlock);
        walk.later(Later::LeaveType);
    }

    /// `val`, `var`: a member, a value of the file, or a local.
    pub(super) fn value_definition(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (annotation, value) = (self.field(node, Field::TypeOf), self.field(node, Field::Value));
        let target = self.field(node, Field::Pattern).or_else(|| self.field(node, Field::Name));
        let name = target.filter(|target| self.kind(*target) == Kind::Identifier);
        let is_local = matches!(self.open.last(), Some(Open::Function));
        self.parts(node, Kind::Annotation).into_iter().for_each(|annotation| walk.then(annotation));
        walk.then(annotation);
        if let Some(name) = name.filter(|_| !is_local) {
            self.add_value(node, name, annotation, value);
        }
        walk.then(value);
        match (name, target) {
            (Some(name), _) if is_local => {
                let known = annotation.map(|annotation| Value::Known(of_type(&self.type_of(annotation))));
                let bound = known.or(value.map(Value::Of)).unwrap_or(Value::Known(unknown()));
                walk.later(Later::Bind(self.text.of(name), bound));
            }
            (None, Some(target)) => self.pattern(target, walk),
            _ => {}
        }
    }

    fn add_value(&mut self, node: Node<'t>, name: Node<'t>, annotation: Option<Node<'t>>, value: Option<Node<'t>>) {
        let in_type = matches!(self.open.last(), Some(Open::Type { .. }));
        let mut symbol = self.definition(node, name, if in_type { SymbolKind::Field } else { SymbolKind::Variable });
        symbol.signature = self.text.first_row(node);
        let told = value.map(|value| self.expression(value)).filter(|known| tells(known));
        symbol.of_type = match annotation {
            Some(annotation) => Some(self.type_of(annotation)),
            None => told.map(|told| with("=", &told)),
        };
        self.put(symbol);
    }

    fn definition(&self, node: Node<'t>, name: Node<'t>, kind: SymbolKind) -> Symbol {
        let modifiers = self.parts(node, Kind::Modifiers).first().map_or("", |modifiers| self.text.of(*modifiers));
        let (is_static, is_trait) = match self.open.last() {
            Some(Open::Type { is_static, is_trait, .. }) => (*is_static, *is_trait),
            _ => (false, false),
        };
        let body = self.field(node, Field::Body).map_or(node.end_byte(), |body| body.start_byte());
        let mut symbol =
            Symbol { name: self.text.of(name).into(), name_span: span(name), range: span(node), ..Symbol::new(kind) };
        symbol.signature = self.text.signature(node.start_byte(), body);
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        if let Some(Open::Extension(extended)) = self.open.last() {
            symbol.qualifier = Some(extended.clone());
        }
        let is_bodyless = matches!(self.kind(node), Kind::ValDeclaration | Kind::VarDeclaration);
        symbol.flags = [
            (Flags::EXPORTED, !modifiers.contains("private") && !modifiers.contains("protected")),
            (Flags::STATIC, is_static && !kind.is_type()),
            (Flags::ABSTRACT, modifiers.contains("abstract") || (is_trait && is_bodyless)),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag));
        symbol
    }
}
