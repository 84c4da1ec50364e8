//! What calls in a class define.

use kotadb_core::facts::{Arity, Flags, Relation, SymbolKind};
use tree_sitter::Node;

use super::{Field, Kind, Later, Open, Ruby, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::with;

/// Calls that define a property for each symbol, and whether it belongs to the type.
const PROPERTIES: &[(&str, bool)] = &[
    ("attr_reader", false),
    ("attr_writer", false),
    ("attr_accessor", false),
    ("attribute", false),
    ("class_attribute", true),
    ("cattr_accessor", true),
    ("cattr_reader", true),
    ("mattr_accessor", true),
    ("mattr_reader", true),
    ("thread_mattr_accessor", true),
    ("belongs_to", false),
    ("has_one", false),
    ("has_many", false),
    ("has_and_belongs_to_many", false),
];

impl<'t> Ruby<'t> {
    /// Whether a call in the body of a type defines members.
    pub(super) fn declares(&mut self, node: Node<'t>, name: &str, walk: &mut Walk<'t>) -> bool {
        self.hooks(node, name);
        match name {
            "define_method" | "define_singleton_method" => self.define_method(node, walk),
            "alias_method" => {
                let names = self.arguments(node);
                if let [new, old] = names[..] {
                    self.alias_symbol(node, new, old);
                }
                true
            }
            "scope" => self.scope(node),
            _ => match PROPERTIES.iter().find(|(call, _)| *call == name) {
                Some(&(_, is_static)) => self.properties(node, name, is_static),
                None => false,
            },
        }
    }

    fn properties(&mut self, node: Node<'t>, call: &str, is_static: bool) -> bool {
        let symbols = self.arguments(node).into_iter();
        let symbols: Vec<_> =
            symbols.filter(|it| matches!(self.kind(*it), Kind::SimpleSymbol | Kind::String)).collect();
        let takes_one = matches!(call, "attribute" | "belongs_to" | "has_one" | "has_many" | "has_and_belongs_to_many");
        let n = if takes_one { 1 } else { symbols.len() };
        for &symbol in symbols.iter().take(n) {
            self.property(node, symbol, call, is_static);
        }
        !symbols.is_empty() && !takes_one
    }

    fn property(&mut self, node: Node<'t>, name: Node<'t>, call: &str, is_static: bool) {
        let mut symbol = self.definition(node, name, SymbolKind::Property);
        symbol.range = crate::extract::text::span(name);
        symbol.signature = symbol.range;
        symbol.of_type = match call {
            _ if call.starts_with("attr_") => Some(with("=this.@", &symbol.name)),
            "belongs_to" | "has_one" => Some(camel_case(&symbol.name).into()),
            _ => None,
        };
        symbol.flags = self.member_flags(is_static);
        self.add_member(symbol);
    }

    fn member_flags(&self, is_static: bool) -> Flags {
        let is_private = self.open_type().is_some_and(|open| open.is_private);
        let flags = if is_private { Flags::default() } else { Flags::EXPORTED }.with(Flags::ACCESSOR);
        let is_static = is_static || self.open_type().is_some_and(|open| open.is_static);
        if is_static { flags.with(Flags::STATIC) } else { flags }
    }

    pub(super) fn add_member(&mut self, symbol: kotadb_core::facts::Symbol) -> Ticket {
        let name = self.text.slice(symbol.name_span.start as usize, symbol.name_span.end as usize);
        let ticket = self.facts.symbol(symbol);
        let open = self.open_type();
        if let Some(container) = open.and_then(|open| open.ticket) {
            self.facts.put_into(ticket, container);
        }
        self.seen.insert((open.map_or(0, |open| open.number), name), ticket);
        ticket
    }

    /// `define_method(:name) { |argument| … }`.
    fn define_method(&mut self, node: Node<'t>, walk: &mut Walk<'t>) -> bool {
        let arguments = self.arguments(node);
        let Some(&name) = arguments.first().filter(|it| matches!(self.kind(**it), Kind::SimpleSymbol | Kind::String))
        else {
            return false;
        };
        if self.text.of(name).contains("#{") {
            return false;
        }
        let mut symbol = self.definition(node, name, SymbolKind::Method);
        let is_static = self.word(node, Field::MethodName) == "define_singleton_method";
        symbol.flags = self.member_flags(is_static);
        let block = self.field(node, Field::Blocks);
        symbol.arity = block.map_or(Arity { least: 0, most: u8::MAX }, |block| self.arity(block));
        if symbol.arity.most > 0 {
            symbol.flags.0 &= !Flags::ACCESSOR.0;
        }
        let ticket = self.add_member(symbol);
        arguments.into_iter().skip(1).for_each(|argument| walk.then(argument));
        if let Some(block) = block {
            let name = self.text.of(name).trim_start_matches(':');
            walk.later(Later::EnterMethod { node: block, ticket, name, is_static });
            walk.then(self.field(block, Field::Body));
            walk.later(Later::LeaveMethod(block));
        }
        true
    }

    /// `alias new old`.
    pub(super) fn alias(&mut self, node: Node<'t>) {
        if let (Some(new), Some(old)) = (self.field(node, Field::Name), self.field(node, Field::AliasOf)) {
            self.alias_symbol(node, new, old);
        }
    }

    fn alias_symbol(&mut self, node: Node<'t>, new: Node<'t>, old: Node<'t>) {
        let mut symbol = self.definition(node, new, SymbolKind::Method);
        if symbol.name.starts_with('$') || self.open_type().is_none() && symbol.name.is_empty() {
            return;
        }
        symbol.arity = Arity { least: 0, most: u8::MAX };
        symbol.flags = self.member_flags(false);
        let text = self.text.of(old);
        let name = text.trim_start_matches(':').trim_matches(['"', '\'']);
        symbol.of_type = Some(with("=", name));
        let start = old.start_byte() + text.find(name).unwrap_or(0);
        self.facts.mention_at(name, start, kotadb_core::facts::Role::Read, None);
        self.add_member(symbol);
    }

    /// `scope :active, -> { … }`: a method of the type that gives many of it.
    fn scope(&mut self, node: Node<'t>) -> bool {
        let arguments = self.arguments(node);
        if let Some(&name) = arguments.first().filter(|it| self.kind(**it) == Kind::SimpleSymbol) {
            let mut symbol = self.definition(node, name, SymbolKind::Method);
            symbol.arity = Arity { least: 0, most: u8::MAX };
            symbol.flags = self.member_flags(true);
            symbol.of_type = Some("Array<Self>".into());
            self.add_member(symbol);
        }
        false
    }

    /// `Point = Struct.new(:x, :y) do … end`, `Error = Class.new(Base)`; false: the value is no type.
    pub(super) fn made_type(&mut self, node: Node<'t>, name: Node<'t>, value: Node<'t>, walk: &mut Walk<'t>) -> bool {
        let maker = match (self.kind(value), self.word(value, Field::Receiver), self.word(value, Field::MethodName)) {
            (Kind::Call, maker @ ("Struct" | "Class" | "Module"), "new") | (Kind::Call, maker @ "Data", "define") => {
                maker
            }
            _ => return false,
        };
        let kind = if maker == "Module" { SymbolKind::Module } else { SymbolKind::Class };
        let mut symbol = self.definition(node, name, kind);
        symbol.flags = Flags::EXPORTED;
        let ticket = self.facts.symbol(symbol);
        self.enter_type(Some(ticket), false);
        for argument in self.arguments(value) {
            match self.kind(argument) {
                Kind::SimpleSymbol => {
                    self.property(argument, argument, maker, false);
                }
                Kind::Constant | Kind::ScopeResolution if maker == "Class" => {
                    let above = self.expression(argument);
                    self.facts.supertype(Some(ticket), self.text.of(name), &above, Relation::Extends, argument);
                }
                _ => walk.then(argument),
            }
        }
        walk.then(self.field(value, Field::Blocks).and_then(|block| self.field(block, Field::Body)));
        walk.later(Later::LeaveType);
        true
    }

    /// Whether a statement stands directly in a type or in the file.
    pub(super) fn is_outside_methods(&self) -> bool {
        matches!(self.open.last(), None | Some(Open::Type(_)))
    }
}

/// `user_group` as the class `UserGroup`.
fn camel_case(name: &str) -> String {
    let capital = |word: &str| {
        let mut signs = word.chars();
        signs.next().map_or_else(String::new, |first| first.to_uppercase().chain(signs).collect())
    };
    name.split('_').map(capital).collect()
}
