//! Lua: functions, tables of a file that hold functions, globals, `require`, calls with their receivers.
//!
//! A table at the top of a file is a class if functions are written into it, else a variable. In a function `self` is the
//! instance if the function is written with a colon, or if it makes `self` from the table.

mod expression;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::LazyLock;

use kotadb_core::facts::{Arity, Facts, Flags, Import, Reference, Role, Symbol, SymbolKind, UNKNOWN_ARITY};
use tree_sitter::Node;

use self::expression::tells;
use super::collector::Collector;
use super::expression::{unknown, with};
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::{Comments, Text, span};
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        Arguments = "arguments", Assignment = "assignment_statement", Block = "block",
        BracketIndex = "bracket_index_expression", Comment = "comment", Do = "do_statement",
        DotIndex = "dot_index_expression", ExpressionList = "expression_list", False = "false", FieldOf = "field",
        For = "for_statement", FunctionCall = "function_call", FunctionDeclaration = "function_declaration",
        FunctionDefinition = "function_definition", GenericClause = "for_generic_clause", Identifier = "identifier",
        If = "if_statement", MethodIndex = "method_index_expression", Nil = "nil", Number = "number",
        Parenthesized = "parenthesized_expression", Repeat = "repeat_statement", String = "string",
        StringContent = "string_content", Table = "table_constructor", True = "true", Vararg = "vararg_expression",
        VariableDeclaration = "variable_declaration", VariableList = "variable_list", While = "while_statement",
    }
    fields {
        ArgumentsOf = "arguments", Body = "body", Clause = "clause", FieldName = "field", Method = "method",
        Name = "name", Parameters = "parameters", TableOf = "table", Value = "value",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_lua::LANGUAGE));

/// Comments above definitions.
const COMMENTS: Comments = Comments { line: &["---", "--"], block: None };

/// The facts of a text in Lua.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let (facts, scopes) = (Collector::default(), Scopes::default());
    let (seen, tables) = (HashSet::new(), HashSet::new());
    let mut rules = Lua { text: job.text, grammar: &GRAMMAR, facts, scopes, seen, tables, depth: 0 };
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Lua<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Names with a symbol at the top of the file, and members by their table and name.
    seen: HashSet<(&'t str, &'t str)>,
    /// Tables that functions are written into.
    tables: HashSet<&'t str>,
    /// Open functions.
    depth: usize,
}

/// What has to be done later.
enum Later<'t> {
    EnterFunction(Node<'t>, bool),
    LeaveFunction,
    EnterBlock,
    LeaveBlock,
    /// Names of a `for` loop are elements of what follows `in`.
    BindEach(Node<'t>),
    Assign {
        statement: Node<'t>,
        is_local: bool,
    },
}

type Walk<'t> = walk::Walk<'t, Later<'t>>;

impl<'t> Lua<'t> {
    /// A table that functions are written into is a class.
    fn finish(mut self, partial: bool) -> Facts {
        let tables = &self.tables;
        for symbol in self.facts.symbols_mut() {
            let is_table = symbol.kind == SymbolKind::Variable && symbol.qualifier.is_none();
            if is_table && tables.contains(&*symbol.name) {
                symbol.kind = SymbolKind::Class;
                symbol.of_type = None;
            }
        }
        self.facts.finish(partial)
    }
}

reading!(Lua);

impl<'t> Rules<'t> for Lua<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Comment | Kind::String => {}
            Kind::Identifier => self.bare(node, Role::Read, UNKNOWN_ARITY),
            Kind::DotIndex => self.member(node, Field::FieldName, Role::Read, UNKNOWN_ARITY, walk),
            Kind::FunctionCall => self.call(node, walk),
            Kind::FunctionDeclaration => self.function(node, walk),
            Kind::FunctionDefinition => self.body(node, false, walk),
            Kind::VariableDeclaration => self.local(node, walk),
            Kind::Assignment => self.assignment(node, false, walk),
            Kind::FieldOf => self.table_field(node, walk),
            Kind::For => self.for_loop(node, walk),
            Kind::Block | Kind::Do | Kind::While | Kind::Repeat | Kind::If => {
                walk.later(Later::EnterBlock);
                walk.children(node);
                walk.later(Later::LeaveBlock);
            }
            _ => walk.children(node),
        }
    }

    fn later(&mut self, later: Later<'t>, walk: &mut Walk<'t>) {
        match later {
            Later::EnterFunction(node, has_self) => self.enter_function(node, has_self),
            Later::LeaveFunction => {
                self.scopes.leave();
                self.depth -= 1;
            }
            Later::EnterBlock => self.scopes.enter(),
            Later::LeaveBlock => self.scopes.leave(),
            Later::BindEach(clause) => self.bind_each(clause),
            Later::Assign { statement, is_local } => self.assign(statement, is_local, walk),
        }
    }
}

/// How names are used.
impl<'t> Lua<'t> {
    fn bare(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let name = self.text.of(node);
        if name != "self" && self.scopes.find(name).is_none() {
            self.used(node, role, None, n_arguments);
        }
    }

    fn used(&mut self, name: Node<'t>, role: Role, receiver: Option<Box<str>>, n_arguments: u8) {
        let start = name.start_byte() as u32;
        self.facts.reference(Reference { name: self.text.of(name).into(), start, role, receiver, n_arguments });
    }

    /// `a.b`, `a:b`.
    fn member(&mut self, node: Node<'t>, field: Field, role: Role, n_arguments: u8, walk: &mut Walk<'t>) {
        let table = self.field(node, Field::TableOf);
        if let (Some(table), Some(name)) = (table, self.field(node, field)) {
            let receiver = self.expression(table);
            self.used(name, role, Some(receiver), n_arguments);
        }
        walk.then(table);
    }

    fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::ArgumentsOf);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments));
        match self.field(node, Field::Name) {
            Some(name) if self.kind(name) == Kind::Identifier => self.bare(name, Role::Call, n_arguments),
            Some(name) if self.kind(name) == Kind::DotIndex => {
                self.member(name, Field::FieldName, Role::Call, n_arguments, walk)
            }
            Some(name) if self.kind(name) == Kind::MethodIndex => {
                self.member(name, Field::Method, Role::Call, n_arguments, walk)
            }
            name => walk.then(name),
        }
        if self.word(node, Field::Name) == "require" {
            self.require(node, None);
        }
        walk.then(arguments);
    }

    fn n_arguments(&self, arguments: Node<'t>) -> u8 {
        if self.kind(arguments) != Kind::Arguments {
            return 1;
        }
        let parts = walk::named_children(arguments);
        let spreads = parts.last().is_some_and(|last| matches!(self.kind(*last), Kind::Vararg | Kind::FunctionCall));
        if spreads { UNKNOWN_ARITY } else { u8::try_from(parts.len()).unwrap_or(UNKNOWN_ARITY) }
    }

    /// `require("a.b")`, with the name that its value gets.
    fn require(&mut self, call: Node<'t>, alias: Option<&str>) -> bool {
        let mut open = self.field(call, Field::ArgumentsOf);
        while let Some(node) = open.filter(|node| self.kind(*node) != Kind::StringContent) {
            open = node.named_child(0);
        }
        let Some(content) = open.filter(|_| self.word(call, Field::Name) == "require") else { return false };
        let module = self.text.of(content).into();
        self.facts.import(Import {
            module,
            alias: alias.map(Into::into),
            start: span(content).start,
            ..Import::default()
        });
        true
    }
}

/// Definitions.
impl<'t> Lua<'t> {
    fn function(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(path) = self.field(node, Field::Name) else { return self.body(node, false, walk) };
        let is_local = node.child(0).is_some_and(|first| self.text.of(first) == "local");
        if is_local && self.depth > 0 {
            self.scopes.bind(self.text.of(path), "?");
            return self.body(node, false, walk);
        }
        let has_self = self.kind(path) == Kind::MethodIndex;
        let kind = if has_self { SymbolKind::Method } else { SymbolKind::Function };
        let mut symbol = self.at_path(path, node, kind);
        symbol.flags = if is_local { Flags::default() } else { symbol.flags };
        self.complete(&mut symbol, node);
        self.facts.symbol(symbol);
        self.body(node, has_self, walk);
    }

    /// A symbol that is named by a path: `M.sub.name`.
    fn at_path(&mut self, path: Node<'t>, node: Node<'t>, kind: SymbolKind) -> Symbol {
        let table = self.field(path, Field::TableOf);
        let name = self.field(path, Field::FieldName).or_else(|| self.field(path, Field::Method)).unwrap_or(path);
        let mut symbol = self.named(name, node, kind);
        if let Some(table) = table {
            self.tables.insert(self.text.of(table));
            symbol.qualifier = Some(self.text.of(table).into());
        }
        symbol
    }

    fn named(&self, name: Node<'t>, node: Node<'t>, kind: SymbolKind) -> Symbol {
        let text = self.text.of(name);
        let doc = self.text.comment_above(node.start_byte(), COMMENTS);
        let flags = if text.starts_with('_') { Flags::default() } else { Flags::EXPORTED };
        let signature = self.text.first_row(node);
        Symbol {
            name: text.into(),
            name_span: span(name),
            range: span(node),
            signature,
            doc,
            flags,
            ..Symbol::new(kind)
        }
    }

    /// Arity and what only functions have. Arguments may always be left out.
    fn complete(&self, symbol: &mut Symbol, function: Node<'t>) {
        let parameters = self.field(function, Field::Parameters).map(walk::named_children).unwrap_or_default();
        let spreads = parameters.iter().any(|parameter| self.kind(*parameter) == Kind::Vararg);
        let most = if spreads { u8::MAX } else { u8::try_from(parameters.len()).unwrap_or(u8::MAX) };
        symbol.arity = Arity { least: 0, most };
        if symbol.name.starts_with("test") {
            symbol.flags = symbol.flags.with(Flags::TEST);
        }
    }

    fn body(&mut self, function: Node<'t>, has_self: bool, walk: &mut Walk<'t>) {
        walk.later(Later::EnterFunction(function, has_self));
        walk.then(self.field(function, Field::Body));
        walk.later(Later::LeaveFunction);
    }

    fn enter_function(&mut self, function: Node<'t>, has_self: bool) {
        self.scopes.enter();
        self.depth += 1;
        if has_self {
            self.scopes.bind("self", "this");
        }
        for parameter in self.field(function, Field::Parameters).map(walk::named_children).unwrap_or_default() {
            self.scopes.bind(self.text.of(parameter), if self.text.of(parameter) == "self" { "this" } else { "?" });
        }
    }

    /// `{ name = function() … end }`.
    fn table_field(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (name, value) = (self.field(node, Field::Name), self.field(node, Field::Value));
        let name = name.filter(|name| self.kind(*name) == Kind::Identifier);
        match (name, value) {
            (Some(name), Some(value)) if self.kind(value) == Kind::FunctionDefinition && self.depth == 0 => {
                let mut symbol = self.named(name, node, SymbolKind::Function);
                self.complete(&mut symbol, value);
                self.facts.symbol(symbol);
                self.body(value, false, walk);
            }
            (Some(_), value) => walk.then(value),
            (None, _) => walk.children(node),
        }
    }

    fn local(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let assignment = walk::named_children(node).into_iter().find(|part| self.kind(*part) == Kind::Assignment);
        match assignment {
            Some(assignment) => self.assignment(assignment, true, walk),
            None => {
                let lists = walk::named_children(node);
                let names = lists.into_iter().flat_map(walk::named_children).chain(walk::named_children(node));
                for name in names.filter(|name| self.kind(*name) == Kind::Identifier).collect::<Vec<_>>() {
                    self.scopes.bind(self.text.of(name), "?");
                }
            }
        }
    }

    fn assignment(&mut self, statement: Node<'t>, is_local: bool, walk: &mut Walk<'t>) {
        let (names, values) = self.sides(statement);
        for (at, value) in values.iter().enumerate() {
            let is_require = self.kind(*value) == Kind::FunctionCall && self.word(*value, Field::Name) == "require";
            let name = names.get(at).copied().filter(|name| is_require && self.kind(*name) == Kind::Identifier);
            match name {
                Some(name) if self.require(*value, Some(self.text.of(name))) => {}
                _ if self.kind(*value) == Kind::FunctionDefinition && names.len() == 1 => {}
                _ => walk.then(*value),
            }
        }
        walk.later(Later::Assign { statement, is_local });
    }

    fn sides(&self, statement: Node<'t>) -> (Vec<Node<'t>>, Vec<Node<'t>>) {
        let side = |kind| {
            let list = walk::named_children(statement).into_iter().find(|part| self.kind(*part) == kind);
            list.map(walk::named_children).unwrap_or_default()
        };
        (side(Kind::VariableList), side(Kind::ExpressionList))
    }

    fn assign(&mut self, statement: Node<'t>, is_local: bool, walk: &mut Walk<'t>) {
        let (names, values) = self.sides(statement);
        for (at, name) in names.iter().enumerate() {
            let value = values.get(at).copied();
            let function = value.filter(|value| self.kind(*value) == Kind::FunctionDefinition && names.len() == 1);
            match (function, self.kind(*name)) {
                (Some(function), Kind::Identifier | Kind::DotIndex) if self.depth == 0 => {
                    let mut symbol = self.at_path(*name, statement, SymbolKind::Function);
                    symbol.flags = if is_local { Flags::default() } else { symbol.flags };
                    self.complete(&mut symbol, function);
                    self.facts.symbol(symbol);
                }
                (_, Kind::Identifier) => {
                    let whole = if names.len() == 1 { statement } else { *name };
                    self.set_name(*name, whole, value, is_local);
                }
                (_, Kind::DotIndex) => self.set_member(*name, value, walk),
                _ => walk.then(*name),
            }
            if let Some(function) = function {
                self.body(function, false, walk);
            }
        }
    }

    /// A name that is set: a symbol at the top of the file if it is global or a table.
    fn set_name(&mut self, name: Node<'t>, whole: Node<'t>, value: Option<Node<'t>>, is_local: bool) {
        let text = self.text.of(name);
        let known = value.map_or_else(unknown, |value| self.expression(value));
        let is_import = value.is_some_and(|value| self.word(value, Field::Name) == "require");
        let is_table = value.is_some_and(|value| self.makes_table(value));
        if is_import {
            self.scopes.share(text);
        } else if self.depth == 0 && (!is_local || is_table) && self.scopes.find(text).is_none() {
            if self.seen.insert(("", text)) {
                let mut symbol = self.named(name, whole, SymbolKind::Variable);
                symbol.flags = if is_local { Flags::default() } else { symbol.flags };
                symbol.of_type = tells(&known).then(|| with("=", &known));
                self.facts.symbol(symbol);
            } else {
                self.used(name, Role::Write, None, UNKNOWN_ARITY);
            }
        } else if is_local {
            self.scopes.bind(text, known);
        } else if self.scopes.find(text).is_some() {
            self.scopes.rebind(text, known);
        } else {
            self.used(name, Role::Write, None, UNKNOWN_ARITY);
        }
    }

    /// `{}`, `setmetatable({}, …)`, `class("Pool")`, `Base:extend()`.
    fn makes_table(&self, value: Node<'t>) -> bool {
        let called = self.word(value, Field::Name);
        let is_maker = called == "setmetatable" || called.eq_ignore_ascii_case("class") || called.ends_with(":extend");
        self.kind(value) == Kind::Table || (self.kind(value) == Kind::FunctionCall && is_maker)
    }

    /// `M.size = 3`: a field, where it is first set.
    fn set_member(&mut self, path: Node<'t>, value: Option<Node<'t>>, walk: &mut Walk<'t>) {
        let (table, name) = (self.word(path, Field::TableOf), self.field(path, Field::FieldName));
        let Some(name) = name else { return };
        let is_own = self.depth == 0 && self.seen.contains(&("", table));
        if !is_own || !self.seen.insert((table, self.text.of(name))) {
            return self.member(path, Field::FieldName, Role::Write, UNKNOWN_ARITY, walk);
        }
        let known = value.map_or_else(unknown, |value| self.expression(value));
        let mut symbol = self.named(name, path, SymbolKind::Field);
        symbol.qualifier = Some(table.into());
        symbol.of_type = tells(&known).then(|| with("=", &known));
        self.facts.symbol(symbol);
    }

    fn for_loop(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let clause = self.field(node, Field::Clause);
        walk.later(Later::EnterBlock);
        let is_generic = clause.is_some_and(|clause| self.kind(clause) == Kind::GenericClause);
        for part in clause.map(walk::named_children).unwrap_or_default() {
            let is_name = self.kind(part) == Kind::VariableList
                || (!is_generic && Some(part) == clause.and_then(|it| it.named_child(0)));
            if !is_name {
                walk.then(part);
            }
        }
        clause.into_iter().for_each(|clause| walk.later(Later::BindEach(clause)));
        walk.then(self.field(node, Field::Body));
        walk.later(Later::LeaveBlock);
    }

    /// `for key, value in pairs(list)`: the value is an element.
    fn bind_each(&mut self, clause: Node<'t>) {
        let parts = walk::named_children(clause);
        let Some(&names) = parts.first() else { return };
        if self.kind(names) != Kind::VariableList {
            return self.scopes.bind(self.text.of(names), "<number>");
        }
        let over = parts.get(1).and_then(|list| list.named_child(0));
        for (at, name) in walk::named_children(names).into_iter().enumerate() {
            let known = over.filter(|_| at == 1).map_or_else(unknown, |over| self.each(over));
            self.scopes.bind(self.text.of(name), known);
        }
    }
}
