//! Functions and variables as symbols.

use kotadb_core::facts::{Flags, Span, Symbol, SymbolKind};
use tree_sitter::Node;

use super::handed::Given;
use super::{Export, Field, Kind, Later, Script, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::{unknown, with};
use crate::extract::text::{Comments, span, to_span};
use crate::extract::walk;

const DOCS: Comments = Comments { line: &["///", "//"], block: Some("/**") };

impl<'t> Script<'t> {
    /// `function f() {}`, also one without a body or without a name.
    pub(super) fn function(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let export = self.export.take();
        let mut symbol = self.symbol(node, self.field(node, Field::Name), export, SymbolKind::Function);
        symbol.arity = self.arity(node);
        symbol.of_type = self.returned_type(node);
        self.tell_handed(&mut symbol, node);
        for (flag, holds) in [
            (Flags::ASYNC, self.has_token(node, Kind::Async)),
            (Flags::DECLARATION, self.kind(node) == Kind::FunctionSignature),
        ] {
            symbol.flags = if holds { symbol.flags.with(flag) } else { symbol.flags };
        }
        self.scopes.share(self.word(node, Field::Name));
        let ticket = self.facts.symbol(symbol);
        self.enter_function(node, Some(ticket), Some("?"), Given::NOTHING, walk);
    }

    /// The written type that a function returns.
    pub(super) fn returned_type(&self, node: Node<'t>) -> Option<Box<str>> {
        self.field(node, Field::ReturnType).map(|annotation| self.type_of(annotation))
    }

    /// `const a = …, b = …`: symbols in a module or namespace, local in a function or block.
    pub(super) fn variables(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let export = self.export.take();
        let declarators = self.children_of(node, Kind::VariableDeclarator);
        let statement = (declarators.len() == 1).then_some(node);
        for declarator in declarators {
            walk.later(Later::Declare(declarator, statement, export));
        }
    }

    pub(super) fn declare(
        &mut self,
        declarator: Node<'t>,
        statement: Option<Node<'t>>,
        export: Option<Export>,
        walk: &mut Walk<'t>,
    ) {
        if self.is_at_top() {
            self.variable(declarator, statement, export, walk);
        } else {
            self.locals(declarator, walk);
        }
    }

    fn variable(
        &mut self,
        declarator: Node<'t>,
        statement: Option<Node<'t>>,
        export: Option<Export>,
        walk: &mut Walk<'t>,
    ) {
        let (Some(target), value) = (self.field(declarator, Field::Name), self.field(declarator, Field::Value)) else {
            return;
        };
        if self.requires(declarator) {
            return walk.then(value);
        }
        let annotation = self.field(declarator, Field::TypeOf);
        walk.then(annotation);
        if self.kind(target) != Kind::Identifier {
            let known = value.map_or_else(unknown, |value| self.expression(value));
            for (name, known) in self.targets_of(target, known, walk) {
                let mut symbol = self.symbol(name, Some(name), export, SymbolKind::Variable);
                symbol.range = span(name);
                symbol.of_type = (&*known != "?").then(|| with("=", &known));
                self.facts.symbol(symbol);
            }
            return walk.then(value);
        }
        let whole = statement.unwrap_or(declarator);
        let mut symbol = self.symbol(whole, Some(target), export, self.variable_kind(target, statement, value));
        if statement.is_none() {
            symbol.range = span(declarator);
        }
        symbol.of_type = annotation.map(|annotation| self.type_of(annotation));
        self.valued(symbol, value, walk);
    }

    /// A symbol that is set to a value: a function, a class, an object with members, or something else.
    pub(super) fn valued(&mut self, mut symbol: Symbol, value: Option<Node<'t>>, walk: &mut Walk<'t>) {
        let Some(value) = value else {
            self.facts.symbol(symbol);
            return;
        };
        match self.kind(value) {
            Kind::ArrowFunction | Kind::FunctionExpression | Kind::GeneratorFunction => {
                symbol.arity = self.arity(value);
                symbol.signature = self.signature_before_body(symbol.signature.start as usize, value);
                symbol.of_type = self.returned_type(value).or(symbol.of_type);
                self.tell_handed(&mut symbol, value);
                if self.has_token(value, Kind::Async) {
                    symbol.flags = symbol.flags.with(Flags::ASYNC);
                }
                let this = if symbol.kind == SymbolKind::Method { "this" } else { "?" };
                let this = (self.kind(value) != Kind::ArrowFunction).then_some(this);
                let ticket = self.facts.symbol(symbol);
                self.enter_function(value, Some(ticket), this, Given::NOTHING, walk);
            }
            Kind::Class => {
                symbol.signature = self.signature_before_body(symbol.signature.start as usize, value);
                let ticket = self.facts.symbol(symbol);
                self.class_parts(value, ticket, walk);
            }
            Kind::Object => {
                // What a written type names is defined there.
                let is_typed = symbol.of_type.is_some();
                self.facts.symbol(symbol);
                self.literal(value, is_typed, walk);
            }
            _ => {
                let known = self.expression(value);
                if symbol.of_type.is_none() && !known.starts_with('?') {
                    symbol.of_type = Some(with("=", &known));
                }
                self.facts.symbol(symbol);
                walk.then(value);
            }
        }
    }

    fn signature_before_body(&self, start: usize, value: Node<'t>) -> Span {
        let body = self.field(value, Field::Body).map_or(value.end_byte(), |body| body.start_byte());
        let mut signature = self.text.signature(start, body);
        if self.text.slice(signature.start as usize, signature.end as usize).ends_with("=>") {
            signature = self.text.signature(start, signature.end as usize - 2);
        }
        signature
    }

    fn variable_kind(&self, target: Node<'t>, statement: Option<Node<'t>>, value: Option<Node<'t>>) -> SymbolKind {
        let name = self.text.of(target);
        let is_const = statement.is_none_or(|it| self.has_token(it, Kind::Const));
        let is_loud = !name.contains(|c: char| c.is_lowercase()) && name.contains(|c: char| c.is_uppercase());
        match value.map(|value| self.kind(value)) {
            Some(Kind::ArrowFunction | Kind::FunctionExpression | Kind::GeneratorFunction) => SymbolKind::Function,
            Some(Kind::Class) => SymbolKind::Class,
            _ if is_const && is_loud => SymbolKind::Constant,
            _ => SymbolKind::Variable,
        }
    }

    /// `declare …`
    pub(super) fn ambient(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.n_ambient += 1;
        for child in walk::named_children(node) {
            // `declare global { … }` is no block.
            if self.kind(child) == Kind::StatementBlock { walk.children(child) } else { walk.then(child) }
        }
        walk.later(Later::EndAmbient);
    }

    /// `namespace N { … }`, `declare module "m" { … }`.
    pub(super) fn namespace(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let export = self.export.take();
        let name = self.field(node, Field::Name);
        let symbol = self.symbol(node, name, export, SymbolKind::Module);
        self.facts.symbol(symbol);
        self.field(node, Field::Body).into_iter().for_each(|body| walk.children(body));
    }

    pub(super) fn type_alias(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let export = self.export.take();
        let value = self.field(node, Field::Value);
        let mut symbol = self.symbol(node, self.field(node, Field::Name), export, SymbolKind::TypeAlias);
        symbol.signature = self.text.first_row(node);
        symbol.of_type = value.map(|value| self.type_of(value)).filter(|text| &**text != "?");
        self.scopes.share(self.word(node, Field::Name));
        self.facts.symbol(symbol);
        self.enter_type(node, walk);
        match value {
            Some(value) if self.kind(value) == Kind::ObjectType => walk.later(Later::Body(value)),
            value => walk.then(value),
        }
        walk.later(Later::Leave);
    }

    /// Opens the scope of the type parameters of an interface or type alias.
    pub(super) fn enter_type(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        self.type_parameters(node);
        walk.then(self.field(node, Field::TypeParameters));
    }

    /// The symbol of a declaration, but for what is special to its kind. Without a name it is called `default`.
    pub(super) fn symbol(
        &self,
        node: Node<'t>,
        name: Option<Node<'t>>,
        export: Option<Export>,
        kind: SymbolKind,
    ) -> Symbol {
        let mut symbol = Symbol::new(kind);
        let (start, declared) = export.map_or((node.start_byte(), node.start_byte()), |it| (it.start, it.declared));
        symbol.range = to_span(start, node.end_byte());
        symbol.name_span = to_span(node.start_byte(), node.start_byte());
        if let Some(name) = name {
            symbol.name = self.unquoted(name).into();
            symbol.name_span = self.name_span(name);
        } else if export.is_some_and(|export| export.is_default) {
            symbol.name = "default".into();
        }
        let body = self.field(node, Field::Body);
        symbol.signature = match body {
            Some(body) => self.text.signature(declared, body.start_byte()),
            None => self.text.row(declared, node.end_byte()),
        };
        symbol.doc = self.doc(start);
        for (flag, holds) in [(Flags::EXPORTED, export.is_some()), (Flags::DECLARATION, self.n_ambient > 0)] {
            symbol.flags = if holds { symbol.flags.with(flag) } else { symbol.flags };
        }
        symbol
    }

    /// The first line of the comment above.
    pub(super) fn doc(&self, start: usize) -> Option<Span> {
        self.text.comment_above(start, DOCS)
    }

    /// Where a name stands, without its quotes.
    fn name_span(&self, name: Node<'t>) -> Span {
        let whole = span(name);
        let n_quotes = u32::from(self.kind(name) == Kind::String);
        to_span((whole.start + n_quotes) as usize, (whole.end - n_quotes) as usize)
    }

    /// `export default …` without a name of its own.
    pub(super) fn default_value(&mut self, value: Node<'t>, export: Export, walk: &mut Walk<'t>) {
        let kind = match self.kind(value) {
            Kind::ArrowFunction | Kind::FunctionExpression | Kind::GeneratorFunction => SymbolKind::Function,
            Kind::Class => SymbolKind::Class,
            _ => SymbolKind::Variable,
        };
        let is_named = matches!(kind, SymbolKind::Function | SymbolKind::Class);
        let name = self.field(value, Field::Name).filter(|_| is_named);
        let symbol = self.symbol(value, name, Some(export), kind);
        self.valued(symbol, Some(value), walk);
    }

    /// A symbol that others get from a CommonJS module.
    pub(super) fn exported_value(&mut self, node: Node<'t>, name: Node<'t>, value: Node<'t>, walk: &mut Walk<'t>) {
        let start = node.start_byte();
        let export = Some(Export { start, declared: start, is_default: false });
        let symbol = self.symbol(node, Some(name), export, self.variable_kind(name, None, Some(value)));
        self.valued(symbol, Some(value), walk);
    }

    /// A symbol that was added gets a container.
    pub(super) fn put(&mut self, symbol: Symbol, container: Ticket) {
        let ticket = self.facts.symbol(symbol);
        self.facts.put_into(ticket, container);
    }
}
