//! Types, functions and properties as symbols.

use kotadb_core::facts::{Arity, Flags, Relation, Symbol, SymbolKind};
use tree_sitter::Node;

use super::expression::tells;
use super::{Field, Kind, Kotlin, Later, Open, Value, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::{of_type, type_text, unknown, with};
use crate::extract::text::{Comments, span, to_span};
use crate::extract::walk;

/// Comments above definitions.
const COMMENTS: Comments = Comments { line: &["//"], block: Some("/**") };

impl<'t> Kotlin<'t> {
    /// A class, interface, object, companion or object literal.
    pub(super) fn class(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let is_interface = self.part(node, Kind::InterfaceWord).is_some();
        let is_enum = self.part(node, Kind::EnumBody).is_some() || self.has_modifier(node, Kind::ClassModifier, "enum");
        let kind = match (is_interface, is_enum) {
            (true, _) => SymbolKind::Interface,
            (_, true) => SymbolKind::Enum,
            _ => SymbolKind::Class,
        };
        let ticket = match (self.field(node, Field::Name), self.open.last()) {
            (None, Some(Open::Type { ticket, .. })) if self.kind(node) == Kind::Companion => *ticket,
            (Some(name), _) => self.add(node, name, kind),
            (None, _) => self.add_nameless(node),
        };
        walk.then(self.part(node, Kind::Modifiers));
        self.parameters_of_class(node, ticket, walk);
        self.delegations(node, ticket, is_interface, walk);
        let is_static = matches!(self.kind(node), Kind::Object | Kind::Companion);
        self.open.push(Open::Type { ticket, is_interface, is_static });
        walk.then(self.part(node, Kind::ClassBody).or_else(|| self.part(node, Kind::EnumBody)));
        walk.later(Later::LeaveType);
    }

    fn add(&mut self, node: Node<'t>, name: Node<'t>, kind: SymbolKind) -> Ticket {
        let symbol = self.definition(node, name, kind);
        self.scopes.share(self.text.of(name));
        self.facts.symbol(symbol)
    }

    /// `object : Base() { … }`, called by its word.
    fn add_nameless(&mut self, node: Node<'t>) -> Ticket {
        let mut symbol = self.definition(node, node, SymbolKind::Class);
        symbol.name = "object".into();
        symbol.name_span = to_span(node.start_byte(), (node.start_byte() + 6).min(node.end_byte()));
        symbol.flags = Flags::default();
        self.facts.symbol(symbol)
    }

    /// Parameters of the constructor; those with `val` or `var` are properties.
    fn parameters_of_class(&mut self, node: Node<'t>, class: Ticket, walk: &mut Walk<'t>) {
        let constructor = self.part(node, Kind::PrimaryConstructor);
        let list = constructor.and_then(|constructor| self.part(constructor, Kind::ClassParameters));
        for parameter in list.map(walk::named_children).unwrap_or_default() {
            let (name, annotation) = self.name_and_type(parameter);
            let is_property =
                self.part(parameter, Kind::ValWord).or_else(|| self.part(parameter, Kind::VarWord)).is_some();
            if let Some(name) = name.filter(|_| is_property) {
                let mut symbol = self.definition(parameter, name, SymbolKind::Field);
                symbol.of_type = annotation.map(|annotation| self.type_of(annotation));
                let ticket = self.facts.symbol(symbol);
                self.facts.put_into(ticket, class);
            }
            walk.children_but(parameter, name);
        }
    }

    /// The types above: what is called is a class, others are interfaces.
    fn delegations(&mut self, node: Node<'t>, class: Ticket, is_interface: bool, walk: &mut Walk<'t>) {
        let name = self.facts.at(class).name.clone();
        let list = self.part(node, Kind::Delegations);
        for specifier in list.map(walk::named_children).unwrap_or_default() {
            let Some(inner) = specifier.named_child(0) else { continue };
            let is_nested = matches!(self.kind(inner), Kind::ConstructorInvocation | Kind::ExplicitDelegation);
            let above = if is_nested { inner.named_child(0) } else { Some(inner) };
            let is_class = is_interface || self.kind(inner) == Kind::ConstructorInvocation;
            let relation = if is_class { Relation::Extends } else { Relation::Implements };
            if let Some(above) = above.filter(|above| self.kind(*above) == Kind::UserType) {
                let written = self.type_of(above);
                let bare = written.split('<').next().unwrap_or(&written);
                self.facts.supertype(Some(class), &name, bare, relation, above);
                walk.then(self.part(above, Kind::TypeArguments));
            }
            if is_nested {
                walk.children_but(inner, above);
            }
        }
    }

    /// A value of an enumeration, with members of its own perhaps.
    pub(super) fn entry(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.part(node, Kind::Identifier) else { return walk.children(node) };
        let ticket = self.add(node, name, SymbolKind::Variant);
        walk.then(self.part(node, Kind::ValueArguments));
        self.open.push(Open::Type { ticket, is_interface: false, is_static: false });
        walk.then(self.part(node, Kind::ClassBody));
        walk.later(Later::LeaveType);
    }

    pub(super) fn alias(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::TypeOf) else { return };
        let parts = walk::named_children(node);
        let target = parts.last().copied().filter(|last| *last != name);
        let mut symbol = self.definition(node, name, SymbolKind::TypeAlias);
        symbol.of_type = target.map(|target| self.type_of(target));
        self.facts.symbol(symbol);
        walk.then(target);
    }

    pub(super) fn function(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let in_type = matches!(self.open.last(), Some(Open::Type { .. }));
        let name = self.field(node, Field::Name);
        let kind = match name {
            None => SymbolKind::Constructor,
            Some(_) if in_type => SymbolKind::Method,
            Some(_) => SymbolKind::Function,
        };
        let mut symbol = self.definition(node, name.unwrap_or(node), kind);
        if name.is_none() {
            symbol.name = "constructor".into();
            let word = walk::children(node).into_iter().find(|part| self.text.of(*part) == "constructor");
            symbol.name_span = word.map_or(symbol.name_span, span);
        }
        symbol.arity = self.arity(node);
        let (receiver, returned) = self.types_round(node, name);
        symbol.qualifier = receiver.map(|receiver| bare_type(&self.type_of(receiver)));
        symbol.of_type = returned.map(|returned| self.type_of(returned)).or_else(|| self.value_of_body(node));
        symbol.flags = symbol.flags.with(self.function_flags(node, &symbol));
        self.facts.symbol(symbol);
        name.into_iter().for_each(|name| self.scopes.share(self.text.of(name)));
        self.body(node, walk);
    }

    /// The type before the name, and the one after the parameters.
    fn types_round(&self, node: Node<'t>, name: Option<Node<'t>>) -> (Option<Node<'t>>, Option<Node<'t>>) {
        let is_type = |part: &Node<'t>| matches!(self.kind(*part), Kind::UserType | Kind::NullableType);
        let parts = walk::named_children(node);
        let start = name.map_or(0, |name| name.start_byte());
        let receiver = parts.iter().copied().find(|part| is_type(part) && part.start_byte() < start);
        let parameters = parts.iter().position(|part| self.kind(*part) == Kind::FunctionParameters);
        let after = parameters.map_or(&[][..], |at| &parts[at + 1..]);
        (receiver, after.first().copied().filter(|part| is_type(part)))
    }

    /// The value of `fun f() = value`.
    fn value_of_body(&mut self, node: Node<'t>) -> Option<Box<str>> {
        let body = self.part(node, Kind::FunctionBody)?;
        let value = body.named_child(0).filter(|_| self.text.of(body).starts_with('='))?;
        self.enter_function(node);
        let known = self.expression(value);
        self.leave_function();
        Some(known).filter(|known| tells(known)).map(|known| with("=", &known))
    }

    fn function_flags(&self, node: Node<'t>, symbol: &Symbol) -> Flags {
        let is_bodyless = self.part(node, Kind::FunctionBody).is_none();
        let in_interface = matches!(self.open.last(), Some(Open::Type { is_interface: true, .. }));
        let modifiers = self.part(node, Kind::Modifiers).map_or("", |modifiers| self.text.of(modifiers));
        [
            (Flags::TEST, modifiers.contains("@Test") || modifiers.contains("@ParameterizedTest")),
            (Flags::ASYNC, modifiers.contains("suspend")),
            (Flags::ABSTRACT, in_interface && is_bodyless),
            (Flags::ENTRY, &*symbol.name == "main" && self.open.is_empty()),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag))
    }

    fn arity(&self, node: Node<'t>) -> Arity {
        let mut arity = Arity::default();
        let mut is_vararg = false;
        let list = self.part(node, Kind::FunctionParameters).map(walk::named_children).unwrap_or_default();
        for (at, part) in list.iter().enumerate() {
            match self.kind(*part) {
                Kind::ParameterModifiers => is_vararg |= self.text.of(*part).contains("vararg"),
                Kind::Parameter if std::mem::take(&mut is_vararg) => arity.most = u8::MAX,
                Kind::Parameter => {
                    let next = list.get(at + 1).map(|next| self.kind(*next));
                    let has_default = !matches!(next, None | Some(Kind::Parameter | Kind::ParameterModifiers));
                    arity.most = arity.most.saturating_add(1);
                    arity.least = arity.least.saturating_add(u8::from(!has_default));
                }
                _ => {}
            }
        }
        arity
    }

    /// What belongs to a function: its parameters' types and defaults, then its scope.
    pub(super) fn body(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::Name);
        let list = self.part(node, Kind::FunctionParameters);
        for part in list.map(walk::named_children).unwrap_or_default() {
            match self.kind(part) {
                Kind::Parameter => walk.then(self.name_and_type(part).1),
                _ => walk.then(part),
            }
        }
        walk.later(Later::EnterFunction(node));
        walk.each_child(node, |walk, child| {
            if Some(child) != name && Some(child) != list {
                walk.then(child);
            }
        });
        walk.later(Later::LeaveFunction);
    }

    pub(super) fn enter_function(&mut self, node: Node<'t>) {
        self.scopes.enter();
        self.open.push(Open::Function);
        let list = self.part(node, Kind::FunctionParameters);
        for parameter in list.map(walk::named_children).unwrap_or_default() {
            if self.kind(parameter) == Kind::Parameter {
                let (name, annotation) = self.name_and_type(parameter);
                let known = annotation.map_or_else(unknown, |annotation| of_type(&self.type_of(annotation)));
                name.into_iter().for_each(|name| self.scopes.bind(self.text.of(name), known.clone()));
            }
        }
    }

    pub(super) fn leave_function(&mut self) {
        self.scopes.leave();
        self.open.pop();
    }

    fn name_and_type(&self, parameter: Node<'t>) -> (Option<Node<'t>>, Option<Node<'t>>) {
        let parts = walk::named_children(parameter);
        let at = parts.iter().position(|part| self.kind(*part) == Kind::Identifier);
        (at.map(|at| parts[at]), at.and_then(|at| parts.get(at + 1).copied()))
    }

    /// A property of a type or file, or a local.
    pub(super) fn property(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        let is_target = |part: &&Node<'t>| matches!(self.kind(**part), Kind::VariableDeclaration | Kind::MultiVariable);
        let Some(&target) = parts.iter().find(is_target) else { return walk.children(node) };
        let is_value = |part: &&Node<'t>| {
            part.start_byte() >= target.end_byte() && !matches!(self.kind(**part), Kind::Getter | Kind::Setter)
        };
        let value = parts.iter().find(is_value).copied();
        let names = self.declared(target, unknown());
        let is_local = matches!(self.open.last(), Some(Open::Function));
        if !is_local && names.len() == 1 {
            self.add_property(node, target, value);
        }
        walk.children(node);
        if is_local {
            let is_one = names.len() == 1;
            for (name, known) in names {
                let bound = value.filter(|_| is_one && !tells(&known)).map_or(Value::Known(known), Value::Of);
                walk.later(Later::Bind(name, bound));
            }
        }
    }

    fn add_property(&mut self, node: Node<'t>, target: Node<'t>, value: Option<Node<'t>>) {
        let (name, annotation) = self.name_and_type(target);
        let Some(name) = name else { return };
        let has_accessor = self.part(node, Kind::Getter).is_some();
        let in_type = matches!(self.open.last(), Some(Open::Type { .. }));
        let kind = match (in_type, has_accessor) {
            (_, true) => SymbolKind::Property,
            (true, false) => SymbolKind::Field,
            (false, _) => SymbolKind::Variable,
        };
        let is_const = self.has_modifier(node, Kind::PropertyModifier, "const");
        let mut symbol = self.definition(node, name, if is_const { SymbolKind::Constant } else { kind });
        symbol.qualifier = self.types_round(node, Some(name)).0.map(|receiver| bare_type(&self.type_of(receiver)));
        let told = value.map(|value| self.expression(value)).filter(|known| tells(known));
        symbol.of_type = match annotation {
            Some(annotation) => Some(self.type_of(annotation)),
            None => told.map(|told| with("=", &told)),
        };
        if has_accessor {
            symbol.flags = symbol.flags.with(Flags::ACCESSOR);
        }
        self.facts.symbol(symbol);
    }

    fn has_modifier(&self, node: Node<'t>, kind: Kind, word: &str) -> bool {
        let modifiers = self.part(node, Kind::Modifiers).map(walk::named_children).unwrap_or_default();
        modifiers.into_iter().any(|modifier| self.kind(modifier) == kind && self.text.of(modifier) == word)
    }

    fn definition(&self, node: Node<'t>, name: Node<'t>, kind: SymbolKind) -> Symbol {
        let modifiers = self.part(node, Kind::Modifiers).map_or("", |modifiers| self.text.of(modifiers));
        let is_hidden = self.has_modifier(node, Kind::VisibilityModifier, "private")
            || self.has_modifier(node, Kind::VisibilityModifier, "protected");
        let is_static = matches!(self.open.last(), Some(Open::Type { is_static: true, .. })) && !kind.is_type();
        let body =
            [Kind::ClassBody, Kind::EnumBody, Kind::FunctionBody].into_iter().find_map(|kind| self.part(node, kind));
        let end = body.map_or(node.end_byte(), |body| body.start_byte());
        let mut symbol =
            Symbol { name: self.text.of(name).into(), name_span: span(name), range: span(node), ..Symbol::new(kind) };
        symbol.signature = self.text.signature(node.start_byte(), end);
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        symbol.flags = [
            (Flags::EXPORTED, !is_hidden),
            (Flags::STATIC, is_static),
            (Flags::ABSTRACT, self.has_modifier(node, Kind::InheritanceModifier, "abstract")),
            (Flags::DEPRECATED, modifiers.contains("@Deprecated")),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag));
        symbol
    }
}

/// A type without its arguments and without `?`.
fn bare_type(written: &str) -> Box<str> {
    type_text(written.split('<').next().unwrap_or(written), &['?'], &[])
}
