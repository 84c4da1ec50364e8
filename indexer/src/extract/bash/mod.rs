//! Bash and its kin: functions, variables that others get, commands as calls, what is sourced.
//!
//! A variable is a symbol where it is exported, declared or made constant outside of functions; what is local or counts a
//! loop is none. A command is a call where its name is a plain word that the shell does not bring itself.

#[cfg(test)]
mod tests;
mod words;

use std::collections::HashSet;
use std::sync::LazyLock;

use kotadb_core::facts::{Arity, Facts, Flags, Import, Reference, Role, Symbol, SymbolKind};
use tree_sitter::Node;

use super::collector::Collector;
use super::grammar::{Grammar, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::{Comments, Text, span};
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        Assignment = "variable_assignment", Command = "command", Comment = "comment",
        Declaration = "declaration_command", For = "for_statement", Function = "function_definition",
        HeredocContent = "heredoc_content", RawString = "raw_string", Subscript = "subscript", Unset = "unset_command",
        VariableName = "variable_name", Word = "word",
    }
    fields {
        Body = "body", Name = "name", Value = "value", Variable = "variable",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_bash::LANGUAGE));

/// Comments above definitions.
const HASH: Comments = Comments { line: &["#"], block: None };

/// The facts of a text in Bash.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let mut rules = Bash { text: job.text, grammar: &GRAMMAR, ..Bash::default() };
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.facts.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Bash<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Open functions.
    depth: usize,
    /// Variables with a symbol.
    seen: HashSet<&'t str>,
}

impl Default for Bash<'_> {
    fn default() -> Self {
        let (facts, scopes) = (Collector::default(), Scopes::default());
        Self { text: Text(b""), grammar: &GRAMMAR, facts, scopes, depth: 0, seen: HashSet::new() }
    }
}

/// What has to be done later.
enum Later {
    EnterFunction,
    LeaveFunction,
}

type Walk<'t> = walk::Walk<'t, Later>;

impl<'t> Bash<'t> {
    fn kind(&self, node: Node<'_>) -> Kind {
        self.grammar.kind(node)
    }

    fn field(&self, node: Node<'t>, field: Field) -> Option<Node<'t>> {
        self.grammar.field(node, field)
    }
}

impl<'t> Rules<'t> for Bash<'t> {
    type Later = Later;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Comment | Kind::Word | Kind::RawString | Kind::HeredocContent | Kind::Unset => {}
            Kind::Function => self.function(node, walk),
            Kind::Command => self.command(node, walk),
            Kind::Declaration => self.declaration(node, walk),
            Kind::Assignment => self.assignment(node, walk),
            Kind::For => self.for_loop(node, walk),
            Kind::VariableName => self.variable(node, Role::Read),
            _ => walk.children(node),
        }
    }

    fn later(&mut self, later: Later, _: &mut Walk<'t>) {
        match later {
            Later::EnterFunction => {
                self.scopes.enter();
                self.depth += 1;
            }
            Later::LeaveFunction => {
                self.scopes.leave();
                self.depth -= 1;
            }
        }
    }
}

/// Definitions.
impl<'t> Bash<'t> {
    fn function(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return walk.children(node) };
        let body = self.field(node, Field::Body);
        let mut symbol = self.named(name, node, SymbolKind::Function);
        symbol.arity = Arity { least: 0, most: u8::MAX };
        symbol.signature =
            self.text.signature(node.start_byte(), body.map_or(node.end_byte(), |body| body.start_byte()));
        if symbol.name.starts_with("test_") || symbol.name.starts_with("test-") {
            symbol.flags = symbol.flags.with(Flags::TEST);
        }
        if &*symbol.name == "main" {
            symbol.flags = symbol.flags.with(Flags::ENTRY);
        }
        self.facts.symbol(symbol);
        walk.later(Later::EnterFunction);
        walk.then(body);
        walk.later(Later::LeaveFunction);
    }

    fn named(&self, name: Node<'t>, node: Node<'t>, kind: SymbolKind) -> Symbol {
        let (range, signature) = (span(node), self.text.first_row(node));
        let doc = self.text.comment_above(node.start_byte(), HASH);
        let name_span = span(name);
        Symbol {
            name: self.text.of(name).into(),
            name_span,
            range,
            signature,
            doc,
            flags: Flags::EXPORTED,
            ..Symbol::new(kind)
        }
    }

    /// `export A=1`, `readonly B`, `declare -x C`, `local d`.
    fn declaration(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let word = node.child(0).map_or("", |first| self.text.of(first));
        let options: String = walk::named_children(node)
            .into_iter()
            .filter(|part| self.kind(*part) == Kind::Word)
            .map(|part| self.text.of(part))
            .filter(|option| option.starts_with('-'))
            .collect();
        let is_local = word == "local" || (self.depth > 0 && word != "export" && !options.contains(['g', 'x']));
        let is_constant = word == "readonly" || options.contains('r');
        let is_alone = walk::named_children(node).iter().filter(|part| self.kind(**part) != Kind::Word).count() == 1;
        for part in walk::named_children(node) {
            let (name, value) = match self.kind(part) {
                Kind::VariableName => (part, None),
                Kind::Assignment => (self.field(part, Field::Name).unwrap_or(part), self.field(part, Field::Value)),
                _ => {
                    walk.then(part);
                    continue;
                }
            };
            if is_local {
                self.scopes.bind(self.text.of(name), "?");
            } else {
                let kind = if is_constant { SymbolKind::Constant } else { SymbolKind::Variable };
                self.declare(name, if is_alone { node } else { part }, kind, value.is_some());
            }
            walk.then(value);
        }
    }

    /// A variable becomes a symbol where it is declared with a value; `export A` alone tells of one that has its own place.
    fn declare(&mut self, name: Node<'t>, node: Node<'t>, kind: SymbolKind, has_value: bool) {
        let is_plain = self.kind(name) == Kind::VariableName;
        if is_plain && has_value && self.seen.insert(self.text.of(name)) {
            let symbol = self.named(name, node, kind);
            self.facts.symbol(symbol);
        } else {
            self.variable(name, if has_value { Role::Write } else { Role::Read });
        }
    }

    fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::Name);
        if let Some(name) = name {
            let plain = if self.kind(name) == Kind::Subscript { self.field(name, Field::Name) } else { Some(name) };
            plain.into_iter().for_each(|plain| self.variable(plain, Role::Write));
        }
        walk.then(self.field(node, Field::Value));
    }

    fn for_loop(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let variable = self.field(node, Field::Variable);
        if let Some(variable) = variable {
            self.scopes.bind(self.text.of(variable), "?");
        }
        walk.children_but(node, variable);
    }

    fn variable(&mut self, node: Node<'t>, role: Role) {
        let name = self.text.of(node);
        if self.kind(node) == Kind::VariableName && self.scopes.find(name).is_none() {
            self.facts.mention(name, node, role, None);
        }
    }
}

/// Commands.
impl<'t> Bash<'t> {
    fn command(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return walk.children(node) };
        let word = name.named_child(0).filter(|word| self.kind(*word) == Kind::Word && name.named_child_count() == 1);
        let arguments = self.arguments(node, name);
        match word.map_or("", |word| self.text.of(word)) {
            "source" | "." => self.source(&arguments),
            "trap" => self.trap(&arguments),
            "read" | "mapfile" | "readarray" | "getopts" | "printf" if self.depth > 0 => {}
            text if words::is_function_name(text) => {
                let start = name.start_byte() as u32;
                let n_arguments = u8::try_from(arguments.len()).unwrap_or(u8::MAX - 1);
                self.facts.reference(Reference {
                    name: text.into(),
                    start,
                    role: Role::Call,
                    receiver: None,
                    n_arguments,
                });
            }
            _ => {}
        }
        walk.children(node);
    }

    fn arguments(&self, command: Node<'t>, name: Node<'t>) -> Vec<Node<'t>> {
        let is_argument = |part: &Node<'t>| part.start_byte() >= name.end_byte();
        walk::named_children(command).into_iter().filter(is_argument).collect()
    }

    /// `source "$DIR/lib.sh"`.
    fn source(&mut self, arguments: &[Node<'t>]) {
        let Some(&path) = arguments.first() else { return };
        let module = self.text.of(path).replace(['"', '\''], "");
        if !module.is_empty() && module.len() <= kotadb_core::facts::expression::MAX_LEN {
            self.facts.import(Import { module: module.into(), start: span(path).start, ..Import::default() });
        }
    }

    /// `trap cleanup EXIT` names a function that runs later.
    fn trap(&mut self, arguments: &[Node<'t>]) {
        let Some(&action) = arguments.first() else { return };
        let text = self.text.of(action);
        let name = text.trim_matches(['"', '\'']);
        if words::is_function_name(name) {
            let start = action.start_byte() + text.find(name).unwrap_or(0);
            self.facts.mention_at(name, start, Role::Read, None);
        }
    }
}
