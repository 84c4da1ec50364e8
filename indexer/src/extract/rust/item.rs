//! Items as symbols: functions, types with their fields and variants, constants, modules, macros.

use kotadb_core::facts::expression::bounded;
use kotadb_core::facts::{Arity, Flags, Relation, Span, Symbol, SymbolKind};
use tree_sitter::Node;

use super::attribute::Said;
use super::expression::{BEHIND_SELF, POINTERS};
use super::{Field, Kind, Later, Nested, Place, Rust, Value, Walk};
use crate::extract::expression::{as_type, of_type, unknown};
use crate::extract::text::{Comments, span, to_span};
use crate::extract::walk;

const DOCS: Comments = Comments { line: &["///"], block: Some("/**") };

/// Traits that nearly every type has: what is called is seldom theirs.
const USUAL: [&str; 14] = [
    "Send",
    "Sync",
    "Sized",
    "Unpin",
    "Clone",
    "Copy",
    "Debug",
    "Display",
    "Default",
    "PartialEq",
    "Eq",
    "Hash",
    "PartialOrd",
    "Ord",
];

/// An item, its attributes and what they say.
struct Item<'a, 't> {
    node: Node<'t>,
    attributes: &'a [Node<'t>],
    said: Said,
}

impl<'t> Rust<'t> {
    /// False: the node is no item.
    pub(super) fn item(&mut self, node: Node<'t>, kind: Kind, attributes: &[Node<'t>], walk: &mut Walk<'t>) -> bool {
        let is_item = matches!(
            kind,
            Kind::FunctionItem
                | Kind::FunctionSignature
                | Kind::StructItem
                | Kind::UnionItem
                | Kind::EnumItem
                | Kind::EnumVariant
                | Kind::FieldDeclaration
                | Kind::TraitItem
                | Kind::ImplItem
                | Kind::TypeItem
                | Kind::AssociatedType
                | Kind::ConstItem
                | Kind::StaticItem
                | Kind::ModItem
                | Kind::ForeignMod
                | Kind::MacroDefinition
                | Kind::UseDeclaration
                | Kind::ExternCrate
        );
        if is_item || !attributes.is_empty() {
            let said = self.said(attributes);
            self.found(Item { node, attributes, said }, kind, walk);
        }
        is_item
    }

    fn found(&mut self, item: Item<'_, 't>, kind: Kind, walk: &mut Walk<'t>) {
        match kind {
            Kind::FunctionItem | Kind::FunctionSignature => self.function(&item, walk),
            Kind::StructItem => self.data_type(&item, SymbolKind::Struct, walk),
            Kind::UnionItem => self.data_type(&item, SymbolKind::Union, walk),
            Kind::EnumItem => self.data_type(&item, SymbolKind::Enum, walk),
            Kind::EnumVariant => self.variant_item(&item, walk),
            Kind::FieldDeclaration => self.value_item(&item, SymbolKind::Field, walk),
            Kind::ConstItem | Kind::StaticItem => self.value_item(&item, SymbolKind::Constant, walk),
            Kind::TypeItem | Kind::AssociatedType => self.alias(&item, walk),
            Kind::TraitItem => self.trait_item(&item, walk),
            Kind::ImplItem => self.impl_item(item.node, walk),
            Kind::ModItem => self.module(&item, walk),
            Kind::ForeignMod => {
                let body = self.field(item.node, Field::Body);
                self.enter_context(Place::Extern, Flags::default(), walk, body);
            }
            Kind::MacroDefinition => {
                let mut symbol = self.symbol(&item, SymbolKind::Macro);
                symbol.arity = Arity { least: 0, most: u8::MAX };
                self.facts.symbol(symbol);
                self.makings(item.node);
            }
            Kind::UseDeclaration => self.import(item.node),
            Kind::ExternCrate => self.extern_crate(item.node),
            _ => {}
        }
    }

    fn function(&mut self, item: &Item<'_, 't>, walk: &mut Walk<'t>) {
        let parameters = self.field(item.node, Field::Parameters).map(walk::named_children).unwrap_or_default();
        let has_self = parameters.first().is_some_and(|first| self.is_self(*first));
        let is_method = matches!(self.context.place, Place::Impl { .. } | Place::Trait);
        let mut symbol = self.symbol(item, if is_method { SymbolKind::Method } else { SymbolKind::Function });
        symbol.arity = self.arity(&parameters);
        symbol.of_type = self.field(item.node, Field::ReturnType).map(|kind| self.type_of(kind));
        let body = self.field(item.node, Field::Body);
        let is_main = &*symbol.name == "main" && matches!(self.context.place, Place::Module) && self.outer.is_empty();
        for (flag, holds) in [
            (Flags::ASYNC, self.is_async(item.node)),
            (Flags::STATIC, is_method && !has_self),
            (Flags::ABSTRACT, body.is_none() && matches!(self.context.place, Place::Trait)),
            (Flags::DECLARATION, body.is_none() && matches!(self.context.place, Place::Extern)),
            (Flags::ENTRY, is_main),
        ] {
            symbol.flags = if holds { symbol.flags.with(flag) } else { symbol.flags };
        }
        self.facts.symbol(symbol);
        self.enter_item(is_method);
        self.type_parameters(item.node, walk);
        for parameter in parameters {
            self.parameter(parameter, walk);
        }
        walk.then(self.field(item.node, Field::ReturnType));
        self.enter_context(Place::Function, Flags::default(), walk, body);
        walk.later(Later::Leave);
    }

    /// Members see the type parameters round them; other items see nothing of what is round them.
    fn enter_item(&mut self, is_member: bool) {
        if is_member { self.scopes.enter() } else { self.scopes.enter_closed() }
    }

    fn is_self(&self, parameter: Node<'t>) -> bool {
        self.kind(parameter) == Kind::SelfParameter
            || self.field(parameter, Field::Pattern).is_some_and(|pattern| self.kind(pattern) == Kind::SelfValue)
    }

    fn arity(&self, parameters: &[Node<'t>]) -> Arity {
        let is_plain = |it: &&Node<'t>| self.kind(**it) != Kind::AttributeItem && !self.is_self(**it);
        let is_variadic = parameters.iter().any(|it| self.kind(*it) == Kind::VariadicParameter);
        let least = u8::try_from(parameters.iter().filter(is_plain).count()).unwrap_or(u8::MAX);
        if is_variadic { Arity { least: least.saturating_sub(1), most: u8::MAX } } else { Arity { least, most: least } }
    }

    fn is_async(&self, node: Node<'t>) -> bool {
        let modifiers = walk::named_children(node).into_iter().find(|it| self.kind(*it) == Kind::FunctionModifiers);
        modifiers.is_some_and(|it| walk::children(it).iter().any(|word| self.kind(*word) == Kind::Async))
    }

    /// A parameter; `self` is the instance.
    fn parameter(&mut self, parameter: Node<'t>, walk: &mut Walk<'t>) {
        if self.is_self(parameter) {
            self.scopes.bind("self", "this");
            return walk.then(self.field(parameter, Field::TypeOf));
        }
        let annotation = self.field(parameter, Field::TypeOf);
        walk.then(annotation);
        if let (Some(pattern), Some(annotation)) = (self.field(parameter, Field::Pattern), annotation) {
            walk.later(Later::Bind { pattern, value: Value::OfType(annotation) });
        }
    }

    /// Type parameters are local names; each is what it is bound by.
    fn type_parameters(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parameters = self.field(node, Field::TypeParameters);
        for parameter in parameters.map(walk::named_children).unwrap_or_default() {
            let known = self.field(parameter, Field::Bounds).map_or_else(unknown, |bounds| self.bound(bounds));
            self.scopes.bind(self.word(parameter, Field::Name), known);
            for field in [Field::Bounds, Field::TypeOf, Field::Value] {
                walk.then(self.field(parameter, field));
            }
        }
        let clause = walk::named_children(node).into_iter().find(|it| it.kind() == "where_clause");
        for predicate in clause.map(walk::named_children).unwrap_or_default() {
            let (left, bounds) = (self.field(predicate, Field::Left), self.field(predicate, Field::Bounds));
            if let (Some(left), Some(bounds)) = (left, bounds)
                && self.is_local(self.text.of(left))
            {
                let known = self.bound_more(self.text.of(left), bounds);
                self.scopes.bind(self.text.of(left), known);
            }
            walk.then(left);
            walk.then(bounds);
        }
    }

    /// All traits among bounds that say what there is to call: `<Decode<DB>+Type<DB>>`.
    fn bound(&self, bounds: Node<'t>) -> Box<str> {
        let is_trait =
            |it: &Node<'t>| matches!(self.kind(*it), Kind::TypeIdentifier | Kind::ScopedType | Kind::GenericType);
        let all = walk::named_children(bounds).into_iter().filter(is_trait).map(|it| self.type_of(it));
        let telling: Vec<Box<str>> = all.filter(|bound| !says_little(bound)).collect();
        of_type(&telling.join("+"))
    }

    /// The same where the parameter is bound already.
    fn bound_more(&self, parameter: &str, bounds: Node<'t>) -> Box<str> {
        let more = self.bound(bounds);
        let Some(before) = self.scopes.find(parameter).and_then(|known| as_type(known)) else { return more };
        match as_type(&more) {
            Some(more) => of_type(&[before, "+", more].concat()),
            None => of_type(before),
        }
    }

    fn data_type(&mut self, item: &Item<'_, 't>, kind: SymbolKind, walk: &mut Walk<'t>) {
        let mut symbol = self.symbol(item, kind);
        symbol.of_type = self.elements(item.node);
        let is_exported = symbol.flags.has(Flags::EXPORTED);
        self.facts.symbol(symbol);
        self.enter_item(false);
        self.type_parameters(item.node, walk);
        self.enter_context(Place::Type { is_exported }, Flags::default(), walk, self.field(item.node, Field::Body));
        walk.later(Later::Leave);
    }

    /// Types of the elements of a tuple struct or variant, as one tuple.
    fn elements(&self, node: Node<'t>) -> Option<Box<str>> {
        let body = self.field(node, Field::Body).filter(|body| self.kind(*body) == Kind::OrderedFields)?;
        let is_type = |it: &Node<'t>| {
            !matches!(self.kind(*it), Kind::Visibility | Kind::AttributeItem | Kind::LineComment | Kind::BlockComment)
        };
        let types: Vec<_> = walk::named_children(body).into_iter().filter(is_type).map(|it| self.type_of(it)).collect();
        Some(bounded(format!("({})", types.join(","))))
    }

    fn variant_item(&mut self, item: &Item<'_, 't>, walk: &mut Walk<'t>) {
        let mut symbol = self.symbol(item, SymbolKind::Variant);
        symbol.signature = self.text.first_row(item.node);
        symbol.of_type = self.elements(item.node);
        self.facts.symbol(symbol);
        walk.then(self.field(item.node, Field::Body));
        walk.then(self.field(item.node, Field::Value));
    }

    /// A field, constant or static.
    fn value_item(&mut self, item: &Item<'_, 't>, kind: SymbolKind, walk: &mut Walk<'t>) {
        let annotation = self.field(item.node, Field::TypeOf);
        let mut symbol = self.symbol(item, kind);
        symbol.signature = self.text.first_row(item.node);
        symbol.of_type = annotation.map(|kind| self.bound_or_written(kind));
        // `const _: () = …` has no name.
        if &*symbol.name != "_" {
            self.facts.symbol(symbol);
        }
        walk.then(annotation);
        walk.then(self.field(item.node, Field::Value));
    }

    /// A type as written; of a type parameter what it is bound by, if that says what there is to call.
    fn bound_or_written(&self, node: Node<'t>) -> Box<str> {
        let referred = if self.kind(node) == Kind::ReferenceType { self.field(node, Field::TypeOf) } else { None };
        let bound = self.scopes.find(self.text.of(referred.unwrap_or(node))).and_then(|known| as_type(known));
        bound.map_or_else(|| self.type_of(node), Box::from)
    }

    fn alias(&mut self, item: &Item<'_, 't>, walk: &mut Walk<'t>) {
        let (aliased, bounds) = (self.field(item.node, Field::TypeOf), self.field(item.node, Field::Bounds));
        let mut symbol = self.symbol(item, SymbolKind::TypeAlias);
        let bound = || bounds.and_then(|bounds| as_type(&self.bound(bounds)).map(Box::from));
        symbol.of_type = aliased.map(|kind| self.type_of(kind)).or_else(bound);
        self.facts.symbol(symbol);
        self.scopes.enter();
        self.type_parameters(item.node, walk);
        walk.then(aliased);
        walk.then(bounds);
        walk.later(Later::Leave);
    }

    fn trait_item(&mut self, item: &Item<'_, 't>, walk: &mut Walk<'t>) {
        let symbol = self.symbol(item, SymbolKind::Trait);
        let name: Box<str> = symbol.name.clone();
        let ticket = self.facts.symbol(symbol);
        self.enter_item(false);
        self.type_parameters(item.node, walk);
        if let Some(bounds) = self.field(item.node, Field::Bounds) {
            for bound in walk::named_children(bounds) {
                if matches!(self.kind(bound), Kind::TypeIdentifier | Kind::ScopedType | Kind::GenericType) {
                    self.facts.supertype(Some(ticket), &name, &self.path_text(bound), Relation::Extends, bound);
                }
                self.arguments_of_type(bound, walk);
            }
        }
        self.enter_context(Place::Trait, Flags::default(), walk, self.field(item.node, Field::Body));
        walk.later(Later::Leave);
    }

    /// `impl Trait for Type`: its members belong to the type.
    fn impl_item(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.enter_item(false);
        self.type_parameters(node, walk);
        let (of, interface) = (self.field(node, Field::TypeOf), self.field(node, Field::Trait));
        let path = of.map_or_else(unknown, |of| self.path_text(of));
        let path = path.trim_start_matches('<').split(['<', '+', '>']).next().unwrap_or_default();
        let name: Box<str> = path.rsplit("::").next().unwrap_or(path).into();
        if of.is_some_and(|of| self.kind(of) != Kind::ReferenceType) && !POINTERS.contains(&&*name) {
            self.scopes.bind(BEHIND_SELF, "this.deref()");
        }
        let above = interface.map(|interface| self.path_text(interface));
        if let (Some(interface), Some(above)) = (interface, &above) {
            self.facts.supertype(None, &name, above, Relation::Implements, interface);
            self.arguments_of_type(interface, walk);
        }
        walk.then(of);
        let place = Place::Impl { of: name, interface: above };
        self.enter_context(place, Flags::default(), walk, self.field(node, Field::Body));
        walk.later(Later::Leave);
    }

    /// What stands in `<…>` of a type above another: the type itself is told as a supertype.
    fn arguments_of_type(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::GenericType => walk.then(self.field(node, Field::TypeArguments)),
            Kind::TypeIdentifier | Kind::ScopedType | Kind::Lifetime => {}
            _ => walk.then(node),
        }
    }

    fn module(&mut self, item: &Item<'_, 't>, walk: &mut Walk<'t>) {
        let body = self.field(item.node, Field::Body);
        let mut symbol = self.symbol(item, SymbolKind::Module);
        if body.is_none() {
            symbol.flags = symbol.flags.with(Flags::DECLARATION);
        }
        let flags = if symbol.flags.has(Flags::TEST) { Flags::TEST } else { Flags::default() };
        self.facts.symbol(symbol);
        self.enter_item(false);
        self.enter_context(Place::Module, flags, walk, body);
        walk.later(Later::Leave);
    }

    /// The symbol of an item, but for what is special to its kind.
    fn symbol(&mut self, item: &Item<'_, 't>, kind: SymbolKind) -> Symbol {
        let node = item.node;
        let mut symbol = Symbol::new(kind);
        if let Some(name) = self.field(node, Field::Name) {
            symbol.name = self.name(name).into();
            symbol.name_span = span(name);
            let raw = (self.text.of(name).len() - symbol.name.len()) as u32;
            symbol.name_span.start += raw;
            if matches!(self.context.place, Place::Function) {
                self.scopes.share(self.name(name));
            }
        }
        let start = item.attributes.first().map_or(node.start_byte(), |first| first.start_byte());
        symbol.range = to_span(start, node.end_byte());
        let body = self.field(node, Field::Body).map_or(node.end_byte(), |body| body.start_byte());
        symbol.signature = self.text.signature(node.start_byte(), body);
        symbol.doc = self.doc(start, node);
        symbol.flags = item.said.flags.with(self.context.flags);
        if self.is_visible(node, kind) {
            symbol.flags = symbol.flags.with(Flags::EXPORTED);
        }
        if let Place::Impl { of, interface } = &self.context.place {
            (symbol.qualifier, symbol.interface) = (Some(of.clone()), interface.clone());
        }
        symbol
    }

    /// Documentation stands above attributes, or between them and the item.
    fn doc(&self, start: usize, node: Node<'t>) -> Option<Span> {
        self.text.comment_above(node.start_byte(), DOCS).or_else(|| self.text.comment_above(start, DOCS))
    }

    fn is_visible(&self, node: Node<'t>, kind: SymbolKind) -> bool {
        let is_marked = || node.named_child(0).is_some_and(|first| self.kind(first) == Kind::Visibility);
        match &self.context.place {
            Place::Trait => true,
            Place::Impl { interface: Some(_), .. } => true,
            Place::Type { is_exported } if kind == SymbolKind::Variant => *is_exported,
            _ => kind == SymbolKind::Macro || is_marked(),
        }
    }

    /// Braces of a macro in the place of an item are parsed once more: `cfg_if! { … }`.
    pub(super) fn may_hold_items(&mut self, tree: Node<'t>) {
        let (start, end) = (tree.start_byte() + 1, tree.end_byte().saturating_sub(1));
        if start < end && !matches!(self.context.place, Place::Function | Place::Type { .. }) {
            self.nested.push(Nested { range: start..end, context: self.context.clone() });
        }
    }
}

fn says_little(bound: &str) -> bool {
    USUAL.contains(&bound.rsplit("::").next().unwrap_or(bound))
}
