//! Methods, constructors, operators, properties, indexers, events, fields, local functions.

use kotadb_core::facts::{Arity, Flags, Symbol, SymbolKind};
use tree_sitter::Node;

use super::{Field, Kind, Later, Sharp, Walk};
use crate::extract::expression::{member, of_type};
use crate::extract::text::{span, to_span};
use crate::extract::walk;

impl<'t> Sharp<'t> {
    pub(super) fn method(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some((text, name)) = self.method_name(node) else { return walk.children(node) };
        let returns = self.field(node, Field::Returns).or_else(|| self.field(node, Field::TypeOf));
        let body = self.field(node, Field::Body);
        let mut symbol = Symbol::new(self.method_kind(node));
        (symbol.name, symbol.name_span, symbol.range) = (text, span(name), span(node));
        symbol.signature = self.text.signature(node.start_byte(), self.end_of_head(node, body));
        symbol.doc = self.doc(node);
        symbol.arity = self.arity(node);
        symbol.of_type = returns.map(|of| self.type_of(of));
        symbol.flags = self.flags(&self.modifiers(node), &symbol.name, symbol.kind);
        let in_interface = self.open.last().is_some_and(|open| open.kind == SymbolKind::Interface);
        if body.is_none() && in_interface {
            symbol.flags = symbol.flags.with(Flags::ABSTRACT);
        }
        symbol.qualifier = self.extended(node).map(|of| self.type_of(self.split(of).0));
        symbol.interface = self.interface(node);
        self.facts.symbol(symbol);
        self.enter(node, returns, walk);
        walk.then(body);
        walk.later(Later::Leave);
    }

    /// `=>` belongs to no signature.
    fn end_of_head(&self, node: Node<'t>, body: Option<Node<'t>>) -> usize {
        let is_initializer = |it: &Node<'t>| self.kind(*it) == Kind::ConstructorInitializer;
        let initializer = walk::named_children(node).into_iter().find(is_initializer);
        initializer.or(body).map_or(node.end_byte(), |it| it.start_byte())
    }

    fn method_kind(&self, node: Node<'t>) -> SymbolKind {
        match self.kind(node) {
            Kind::ConstructorDeclaration => SymbolKind::Constructor,
            Kind::LocalFunction => SymbolKind::Function,
            _ => SymbolKind::Method,
        }
    }

    /// Name and where it stands: `Dispose`, `~Pool`, `operator ==`, `operator int`.
    fn method_name(&self, node: Node<'t>) -> Option<(Box<str>, Node<'t>)> {
        match self.kind(node) {
            Kind::OperatorDeclaration => {
                let sign = self.field(node, Field::Operator)?;
                Some((member("operator", " ", self.text.of(sign)), sign))
            }
            Kind::ConversionOperator => {
                let of = self.field(node, Field::TypeOf)?;
                Some((member("operator", " ", &self.type_of(of)), of))
            }
            Kind::DestructorDeclaration => {
                let name = self.field(node, Field::Name)?;
                Some((member("", "~", self.text.of(name)), name))
            }
            _ => self.field(node, Field::Name).map(|name| (self.text.of(name).into(), name)),
        }
    }

    /// The type of the first parameter of an extension method: it belongs to that type as well.
    fn extended(&self, node: Node<'t>) -> Option<Node<'t>> {
        let first = self.field(node, Field::Parameters)?.named_child(0)?;
        let is_this = |it: &Node<'t>| self.kind(*it) == Kind::Modifier && self.text.of(*it) == "this";
        let of = self.field(first, Field::TypeOf)?;
        walk::named_children(first).iter().any(is_this).then_some(of)
    }

    /// `IDisposable` of `void IDisposable.Dispose()`.
    fn interface(&self, node: Node<'t>) -> Option<Box<str>> {
        let named = walk::named_children(node).into_iter().find(|it| self.kind(*it) == Kind::ExplicitInterface)?;
        named.named_child(0).map(|of| self.type_of(self.split(of).0))
    }

    /// The scope of a method, with its attributes and parameters.
    fn enter(&mut self, node: Node<'t>, returns: Option<Node<'t>>, walk: &mut Walk<'t>) {
        self.attributes(node, walk);
        self.scopes.enter();
        self.type_parameters(node);
        returns.into_iter().for_each(|of| self.type_use(of));
        if let Some(parameters) = self.field(node, Field::Parameters) {
            self.bind_parameters(parameters);
            walk.then(parameters);
        }
        let initializer =
            walk::named_children(node).into_iter().find(|it| self.kind(*it) == Kind::ConstructorInitializer);
        walk.then(initializer);
    }

    /// The receiver of an extension method may be written before the dot or as an argument.
    fn arity(&self, node: Node<'t>) -> Arity {
        let mut arity = Arity::default();
        let Some(list) = self.field(node, Field::Parameters) else { return arity };
        for parameter in walk::named_children(list) {
            if self.kind(parameter) != Kind::Parameter {
                continue;
            }
            let has_default = walk::children(parameter).iter().any(|it| self.kind(*it) == Kind::Equals);
            arity.most = arity.most.saturating_add(1);
            arity.least = arity.least.saturating_add(u8::from(!has_default));
        }
        if self.field(list, Field::Name).is_some() {
            arity.most = u8::MAX;
        }
        if self.extended(node).is_some() {
            arity.least = arity.least.saturating_sub(1);
        }
        arity
    }

    /// Binds parameters; `params string[] more` stands in the list itself.
    pub(super) fn bind_parameters(&mut self, list: Node<'t>) {
        let mut parts = walk::named_children(list);
        parts.retain(|it| self.kind(*it) == Kind::Parameter);
        for parameter in parts.into_iter().chain([list]) {
            let (name, of) = (self.word(parameter, Field::Name), self.field(parameter, Field::TypeOf));
            let known = of.map_or_else(|| "?".into(), |of| self.something_of(of));
            self.scopes.bind(name, known);
        }
    }

    /// Attributes, type and default value of a parameter.
    pub(super) fn parameter_uses(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, of) = (self.field(node, Field::Name), self.field(node, Field::TypeOf));
        of.into_iter().for_each(|of| self.type_use(of));
        walk.each_child(node, |walk, child| {
            if Some(child) != name && Some(child) != of {
                walk.then(child);
            }
        });
    }

    pub(super) fn parameter_list_uses(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.field(node, Field::TypeOf).into_iter().for_each(|of| self.type_use(of));
        walk.each_child(node, |walk, child| {
            if self.kind(child) == Kind::Parameter {
                walk.then(child);
            }
        });
    }

    /// Properties, indexers and events with accessors.
    pub(super) fn property(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::Name);
        let of = self.field(node, Field::TypeOf);
        let (accessors, value) = (self.field(node, Field::Accessors), self.field(node, Field::Value));
        let mut symbol = Symbol { range: span(node), ..Symbol::new(SymbolKind::Property) };
        (symbol.name, symbol.name_span) = match name {
            Some(name) => (self.text.of(name).into(), span(name)),
            None => ("this[]".into(), self.word_span(node)),
        };
        let end = accessors.or(value).map_or(node.end_byte(), |it| it.start_byte());
        symbol.signature = self.text.signature(node.start_byte(), end);
        symbol.doc = self.doc(node);
        symbol.of_type = of.map(|of| self.type_of(of));
        symbol.flags = self.flags(&self.modifiers(node), &symbol.name, SymbolKind::Property).with(Flags::ACCESSOR);
        symbol.interface = self.interface(node);
        let known = of.map_or_else(|| "?".into(), |of| of_type(&self.type_of(of)));
        self.facts.symbol(symbol);
        self.enter(node, of, walk);
        self.scopes.bind("value", known);
        walk.then(accessors);
        walk.then(value);
        walk.later(Later::Leave);
    }

    /// Where `this` of an indexer stands.
    fn word_span(&self, node: Node<'t>) -> kotadb_core::facts::Span {
        let word = walk::children(node).into_iter().find(|it| self.kind(*it) == Kind::This);
        word.map_or_else(|| to_span(node.start_byte(), node.start_byte()), span)
    }

    /// Fields and events without accessors.
    pub(super) fn fields(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.attributes(node, walk);
        let declaration = walk::named_children(node).into_iter().find(|it| self.kind(*it) == Kind::VariableDeclaration);
        let Some(declaration) = declaration else { return };
        let of = self.field(declaration, Field::TypeOf);
        of.into_iter().for_each(|of| self.type_use(of));
        let modifiers = self.modifiers(node);
        let kind = match self.kind(node) {
            Kind::EventField => SymbolKind::Property,
            _ if modifiers.has("const") => SymbolKind::Constant,
            _ => SymbolKind::Field,
        };
        let declarators = self.declarators(declaration);
        for &declarator in &declarators {
            let (Some(name), value) = (self.field(declarator, Field::Name), self.value_of(declarator)) else {
                continue;
            };
            let outer = if declarators.len() == 1 { node } else { declarator };
            let mut symbol = Symbol::new(kind);
            (symbol.name, symbol.name_span, symbol.range) = (self.text.of(name).into(), span(name), span(outer));
            let end = value.map_or(outer.end_byte(), |value| value.start_byte());
            symbol.signature = self.text.signature(outer.start_byte(), end);
            symbol.doc = self.doc(node);
            symbol.of_type = of.map(|of| self.type_of(of));
            symbol.flags = self.flags(&modifiers, &symbol.name, kind);
            self.facts.symbol(symbol);
            self.then_value(value, of, walk);
        }
    }

    pub(super) fn declarators(&self, declaration: Node<'t>) -> Vec<Node<'t>> {
        let is_one = |it: &Node<'t>| self.kind(*it) == Kind::VariableDeclarator;
        walk::named_children(declaration).into_iter().filter(is_one).collect()
    }

    /// What stands behind `=`.
    pub(super) fn value_of(&self, declarator: Node<'t>) -> Option<Node<'t>> {
        let parts = walk::children(declarator);
        let at = parts.iter().position(|it| self.kind(*it) == Kind::Equals)?;
        parts.get(at + 1).copied()
    }
}
