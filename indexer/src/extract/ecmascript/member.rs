//! Classes, interfaces, enums and object literals, and what they contain.

use kotadb_core::facts::{Flags, Relation, Role, Symbol, SymbolKind};
use tree_sitter::Node;

use super::handed::Given;
use super::{Field, Kind, Later, Open, Script, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::{bounded_text, with};
use crate::extract::text::{span, to_span};
use crate::extract::walk;

/// Classes.
impl<'t> Script<'t> {
    pub(super) fn class(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let export = self.export.take();
        let mut symbol = self.symbol(node, self.field(node, Field::Name), export, SymbolKind::Class);
        if self.kind(node) == Kind::AbstractClass {
            symbol.flags = symbol.flags.with(Flags::ABSTRACT);
        }
        let decorated = walk::named_children(node).into_iter().find(|it| self.kind(*it) == Kind::Decorator);
        if let Some(decorator) = decorated.filter(|it| it.start_byte() == node.start_byte()) {
            symbol.signature = self.text.signature(decorator.end_byte(), symbol.signature.end as usize);
        }
        self.scopes.share(self.word(node, Field::Name));
        let ticket = self.facts.symbol(symbol);
        self.class_parts(node, ticket, walk);
    }

    /// A class that is a value somewhere: a symbol if it has a name.
    pub(super) fn class_expression(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let symbol = self.symbol(node, self.field(node, Field::Name), None, SymbolKind::Class);
        let ticket = self.facts.symbol(symbol);
        self.class_parts(node, ticket, walk);
    }

    /// What a class extends, and its members.
    pub(super) fn class_parts(&mut self, node: Node<'t>, ticket: Ticket, walk: &mut Walk<'t>) {
        self.scopes.enter();
        self.scopes.bind("this", "this");
        self.type_parameters(node);
        walk.then(self.field(node, Field::TypeParameters));
        let name: Box<str> = self.facts.at(ticket).name.clone();
        for child in walk::named_children(node) {
            match self.kind(child) {
                Kind::ClassHeritage => self.heritage(child, ticket, &name, walk),
                Kind::Decorator => walk.then(child),
                _ => {}
            }
        }
        self.n_classes += 1;
        self.open.push(Open::Class { ticket, number: self.n_classes });
        walk.then(self.field(node, Field::Body));
        walk.later(Later::Close);
        walk.later(Later::Leave);
    }

    /// Members; in TypeScript their decorators stand beside them.
    pub(super) fn class_body(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let mut decorated = None;
        for child in walk::named_children(node) {
            match self.kind(child) {
                Kind::Decorator => decorated = decorated.or(Some(child.start_byte())),
                Kind::Comment => {}
                _ => decorated.take().into_iter().for_each(|start| walk.later(Later::Decorated(start))),
            }
            walk.then(child);
        }
    }

    fn heritage(&mut self, heritage: Node<'t>, of: Ticket, name: &str, walk: &mut Walk<'t>) {
        for clause in walk::named_children(heritage) {
            let relation = match self.kind(clause) {
                Kind::ImplementsClause => Relation::Implements,
                _ => Relation::Extends,
            };
            match self.kind(clause) {
                Kind::ExtendsClause | Kind::ImplementsClause => {
                    walk::named_children(clause).into_iter().for_each(|it| self.above(it, of, name, relation, walk));
                }
                _ => self.above(clause, of, name, relation, walk),
            }
        }
    }

    /// One type above another; its arguments are used as types.
    fn above(&mut self, node: Node<'t>, of: Ticket, name: &str, relation: Relation, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Identifier | Kind::MemberExpression => {
                self.facts.supertype(Some(of), name, &self.expression(node), relation, node);
                walk.then(self.field(node, Field::Object));
            }
            Kind::TypeIdentifier => self.facts.supertype(Some(of), name, self.text.of(node), relation, node),
            Kind::NestedType => {
                self.facts.supertype(Some(of), name, &bounded_text(self.text.of(node)), relation, node);
                walk.then(self.field(node, Field::ModuleName));
            }
            Kind::GenericType => {
                if let Some(generic) = self.field(node, Field::Name) {
                    self.facts.supertype(Some(of), name, &bounded_text(self.text.of(generic)), relation, generic);
                }
                walk.then(self.field(node, Field::TypeArguments));
            }
            _ => walk.then(node),
        }
    }

    /// A method of a class or of an object literal of the module; in other literals it is a function without name.
    pub(super) fn method(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.member_name(node);
        let is_static = self.has_token(node, Kind::Static);
        let this = if is_static { "Self" } else { "this" };
        let in_class = matches!(self.open.last(), Some(Open::Class { .. }));
        self.decorators(node, walk);
        let Some(name) = name.filter(|_| in_class) else {
            self.decorated = None;
            walk.then(self.field(node, Field::Name).filter(|it| self.kind(*it) == Kind::ComputedName));
            return self.enter_function(node, None, Some(if in_class { this } else { "?" }), Given::NOTHING, walk);
        };
        let ticket = self.add_method(node, name, is_static);
        if self.text.of(name) == "constructor" {
            self.parameter_properties(node);
        }
        self.enter_function(node, Some(ticket), Some(this), Given::NOTHING, walk);
    }

    fn add_method(&mut self, node: Node<'t>, name: Node<'t>, is_static: bool) -> Ticket {
        let is_getter = self.has_token(node, Kind::Get);
        let kind = match self.text.of(name) {
            _ if is_getter || self.has_token(node, Kind::Set) => SymbolKind::Property,
            "constructor" => SymbolKind::Constructor,
            _ => SymbolKind::Method,
        };
        let mut symbol = self.member_symbol(node, name, kind);
        symbol.arity = self.arity(node);
        symbol.of_type = self.returned_type(node);
        self.tell_handed(&mut symbol, node);
        for (flag, holds) in [
            (Flags::STATIC, is_static),
            (Flags::ACCESSOR, is_getter),
            (Flags::ASYNC, self.has_token(node, Kind::Async)),
        ] {
            symbol.flags = if holds { symbol.flags.with(flag) } else { symbol.flags };
        }
        self.facts.symbol(symbol)
    }

    /// Decorators of a member stand before it as siblings in TypeScript and inside of it in JavaScript.
    fn decorators(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk::named_children(node)
            .into_iter()
            .filter(|it| self.kind(*it) == Kind::Decorator)
            .for_each(|it| walk.then(it));
    }

    /// `constructor(private url: string)`: a field of the class.
    fn parameter_properties(&mut self, constructor: Node<'t>) {
        let Some(Open::Class { ticket, number }) = self.open.last().copied() else { return };
        for parameter in self.parameters(constructor) {
            let is_field = walk::children(parameter).into_iter().any(|it| {
                matches!(self.kind(it), Kind::Accessibility | Kind::Readonly) || self.text.of(it) == "override"
            });
            let Some(name) = self.field(parameter, Field::Pattern).filter(|_| is_field) else { continue };
            let mut symbol = self.member_symbol(parameter, name, SymbolKind::Field);
            (symbol.range, symbol.signature) = (span(name), to_span(name.start_byte(), name.end_byte()));
            symbol.of_type = self.field(parameter, Field::TypeOf).map(|annotation| self.type_of(annotation));
            if let (None, Some(default)) = (&symbol.of_type, self.field(parameter, Field::Value)) {
                let known = self.expression(default);
                symbol.of_type = (!known.starts_with('?')).then(|| with("=", &known));
            }
            self.seen.insert((number, self.text.of(name)));
            self.put(symbol, ticket);
        }
    }

    /// `a = 1;` in a class. Set to a function it is a method.
    pub(super) fn class_field(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (value, annotation) = (self.field(node, Field::Value), self.field(node, Field::TypeOf));
        self.decorators(node, walk);
        let Some(name) = self.member_name(node) else {
            self.decorated = None;
            return walk.children(node);
        };
        let kind = match value.map(|value| self.kind(value)) {
            Some(Kind::ArrowFunction | Kind::FunctionExpression) => SymbolKind::Method,
            _ => SymbolKind::Field,
        };
        let mut symbol = self.member_symbol(node, name, kind);
        symbol.of_type = annotation.map(|annotation| self.type_of(annotation));
        if self.has_token(node, Kind::Static) {
            symbol.flags = symbol.flags.with(Flags::STATIC);
        }
        if let Some(Open::Class { number, .. }) = self.open.last() {
            self.seen.insert((*number, self.text.of(name)));
        }
        walk.then(annotation);
        match value.map(|value| self.kind(value)) {
            // Members of the object are no members of the class.
            Some(Kind::Object) => {
                self.facts.symbol(symbol);
                walk.then(value);
            }
            _ => self.valued(symbol, value, walk),
        }
    }

    /// `this.a = …` in a class that declares no `a`.
    pub(super) fn set_member(&mut self, left: Node<'t>, right: Option<Node<'t>>, walk: &mut Walk<'t>) {
        let (object, name) = (self.field(left, Field::Object), self.field(left, Field::Property));
        let class = self.open.iter().rev().find_map(|open| match open {
            Open::Class { ticket, number } => Some((*ticket, *number)),
            Open::Function { .. } => None,
        });
        let is_own = object.is_some_and(|object| &*self.expression(object) == "this");
        let (Some((ticket, number)), Some(name), true) = (class, name, is_own) else {
            return self.member(left, Role::Write, walk);
        };
        let is_typed = !std::ptr::eq(self.grammar, &*super::JAVASCRIPT);
        if is_typed || !self.seen.insert((number, self.text.of(name))) {
            return self.member(left, Role::Write, walk);
        }
        let mut symbol = self.member_symbol(left, name, SymbolKind::Field);
        (symbol.range, symbol.signature) = (span(left), span(left));
        let known = right.map(|right| self.expression(right)).filter(|known| !known.starts_with('?'));
        symbol.of_type = known.map(|known| with("=", &known));
        self.put(symbol, ticket);
    }

    /// `Pool.prototype.acquire = function () {}`, and `Pool.make = function () {}` in a module.
    pub(super) fn assigns_method(
        &mut self,
        node: Node<'t>,
        left: Node<'t>,
        right: Node<'t>,
        walk: &mut Walk<'t>,
    ) -> bool {
        let is_function =
            matches!(self.kind(right), Kind::ArrowFunction | Kind::FunctionExpression | Kind::GeneratorFunction);
        let (Some(object), Some(name), true) =
            (self.field(left, Field::Object), self.field(left, Field::Property), is_function)
        else {
            return false;
        };
        let is_prototype =
            self.kind(object) == Kind::MemberExpression && self.word(object, Field::Property) == "prototype";
        let of = if is_prototype { self.word(object, Field::Object) } else { self.text.of(object) };
        let is_type = of.starts_with(|c: char| c.is_uppercase()) && !of.contains(['.', '(', '[']);
        if !is_type || (!is_prototype && !self.is_at_top()) || self.scopes.find(of).is_some() {
            return false;
        }
        let mut symbol = self.member_symbol(node, name, SymbolKind::Method);
        symbol.qualifier = Some(of.into());
        if !is_prototype {
            symbol.flags = symbol.flags.with(Flags::STATIC);
        }
        self.valued(symbol, Some(right), walk);
        true
    }

    /// The name of a member; `None`: it is computed.
    fn member_name(&self, node: Node<'t>) -> Option<Node<'t>> {
        let name = self.field(node, Field::Name).or_else(|| self.field(node, Field::Property));
        name.filter(|name| self.kind(*name) != Kind::ComputedName)
    }

    fn member_symbol(&mut self, node: Node<'t>, name: Node<'t>, kind: SymbolKind) -> Symbol {
        let mut symbol = self.symbol(node, Some(name), None, kind);
        if let Some(start) = self.decorated.take() {
            symbol.range.start = start as u32;
            symbol.doc = self.doc(start).or(symbol.doc);
        }
        let modifier = walk::named_children(node).into_iter().take(3).find(|it| self.kind(*it) == Kind::Accessibility);
        let is_private =
            self.kind(name) == Kind::PrivateName || modifier.is_some_and(|it| self.text.of(it) == "private");
        if !is_private {
            symbol.flags = symbol.flags.with(Flags::EXPORTED);
        }
        symbol
    }
}

/// Interfaces, types, enums.
impl<'t> Script<'t> {
    pub(super) fn interface(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let export = self.export.take();
        let symbol = self.symbol(node, self.field(node, Field::Name), export, SymbolKind::Interface);
        let name: Box<str> = symbol.name.clone();
        self.scopes.share(self.word(node, Field::Name));
        let ticket = self.facts.symbol(symbol);
        self.enter_type(node, walk);
        for clause in self.children_of(node, Kind::ExtendsType) {
            for above in walk::named_children(clause) {
                self.above(above, ticket, &name, Relation::Extends, walk);
            }
        }
        self.field(node, Field::Body).into_iter().for_each(|body| walk.later(Later::Body(body)));
        walk.later(Later::Leave);
    }

    /// A type in braces.
    pub(super) fn type_body(&mut self, node: Node<'t>, is_named: bool, walk: &mut Walk<'t>) {
        self.bodies.push(is_named);
        walk.children(node);
        walk.later(Later::EndBody);
    }

    /// Whether the members of the type in braces are symbols.
    fn is_in_body(&self) -> bool {
        self.bodies.last() == Some(&true)
    }

    /// A member without body, of a class or of a type.
    pub(super) fn method_signature(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let in_class = matches!(self.open.last(), Some(Open::Class { .. })) && self.bodies.is_empty();
        let is_overload = in_class && self.kind(node) == Kind::MethodSignature;
        let Some(name) = self.member_name(node).filter(|_| in_class || self.is_in_body()) else {
            return self.enter_function(node, None, None, Given::NOTHING, walk);
        };
        let is_getter = self.has_token(node, Kind::Get);
        let is_read = is_getter || self.has_token(node, Kind::Set);
        let kind = if is_read { SymbolKind::Property } else { SymbolKind::Method };
        let mut symbol = self.member_symbol(node, name, kind);
        symbol.signature = self.text.first_row(node);
        symbol.arity = self.arity(node);
        symbol.of_type = self.returned_type(node);
        self.tell_handed(&mut symbol, node);
        symbol.flags = symbol.flags.with(if is_overload { Flags::DECLARATION } else { Flags::ABSTRACT });
        symbol.flags = if is_getter { symbol.flags.with(Flags::ACCESSOR) } else { symbol.flags };
        let ticket = self.facts.symbol(symbol);
        self.enter_function(node, Some(ticket), None, Given::NOTHING, walk);
    }

    pub(super) fn property_signature(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let annotation = self.field(node, Field::TypeOf);
        if let Some(name) = self.member_name(node).filter(|_| self.is_in_body()) {
            let mut symbol = self.member_symbol(node, name, SymbolKind::Field);
            symbol.of_type = annotation.map(|annotation| self.type_of(annotation));
            self.facts.symbol(symbol);
        }
        walk.then(annotation);
    }

    pub(super) fn enumeration(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let export = self.export.take();
        let symbol = self.symbol(node, self.field(node, Field::Name), export, SymbolKind::Enum);
        self.scopes.share(self.word(node, Field::Name));
        self.facts.symbol(symbol);
        for member in self.field(node, Field::Body).map(walk::named_children).unwrap_or_default() {
            let (name, value) = match self.kind(member) {
                Kind::EnumAssignment => (self.field(member, Field::Name), self.field(member, Field::Value)),
                Kind::Comment | Kind::ComputedName => (None, None),
                _ => (Some(member), None),
            };
            if let Some(name) = name {
                let symbol = self.member_symbol(member, name, SymbolKind::Variant);
                self.facts.symbol(symbol);
            }
            walk.then(value);
        }
    }
}

/// Object literals.
impl<'t> Script<'t> {
    /// Members of an object that a variable of the module is set to. Of one whose type is written only functions are
    /// symbols: its fields are those of the type.
    pub(super) fn literal(&mut self, object: Node<'t>, is_typed: bool, walk: &mut Walk<'t>) {
        for node in walk::named_children(object) {
            walk.later(Later::Member { node, is_typed });
        }
    }

    pub(super) fn literal_member(&mut self, node: Node<'t>, is_typed: bool, walk: &mut Walk<'t>) {
        let (name, value) = match self.kind(node) {
            Kind::Pair => (self.field(node, Field::Key), self.field(node, Field::Value)),
            Kind::MethodDefinition => (self.field(node, Field::Name), None),
            _ => return walk.then(node),
        };
        let Some(name) = name.filter(|it| matches!(self.kind(*it), Kind::PropertyName | Kind::String)) else {
            return walk.then(node);
        };
        if self.kind(node) == Kind::MethodDefinition {
            let ticket = self.add_method(node, name, false);
            return self.enter_function(node, Some(ticket), Some("this"), Given::NOTHING, walk);
        }
        let kind = match value.map(|value| self.kind(value)) {
            Some(Kind::ArrowFunction | Kind::FunctionExpression | Kind::GeneratorFunction) => SymbolKind::Method,
            _ => SymbolKind::Field,
        };
        match value {
            Some(value) if is_typed && self.kind(value) == Kind::Object => self.literal(value, true, walk),
            Some(value) if is_typed && kind == SymbolKind::Field => walk.then(value),
            value => {
                let symbol = self.member_symbol(node, name, kind);
                self.valued(symbol, value, walk);
            }
        }
    }
}
