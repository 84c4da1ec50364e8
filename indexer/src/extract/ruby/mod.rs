//! Ruby: modules, classes (opened again too), methods, `attr_*` and its kin, constants, instance variables.
//!
//! ```text
//! mod          which rule sees which node, and how names are used
//! call         calls, and those that define, import, hide or include
//! definition   modules, classes, methods
//! member       what calls in a class define: `attr_reader`, `define_method`, `alias_method`, `Struct.new`
//! binding      assignments, parameters, blocks, `rescue`, patterns
//! expression   receivers and values
//! ```
//!
//! A method without parameters is read by its name, so it is an accessor, and a call without arguments is written
//! `a.b`. Instance variables are fields with their sign: `this.@pool`.

mod binding;
mod call;
mod definition;
mod expression;
mod member;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Role};
use tree_sitter::Node;

use super::collector::{Collector, Ticket};
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::Text;
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        Alias = "alias", Array = "array", AsPattern = "as_pattern", Assignment = "assignment", Begin = "begin",
        Binary = "binary", Block = "block", BlockArgument = "block_argument", BlockBody = "block_body",
        BlockParameter = "block_parameter", BodyStatement = "body_statement", Call = "call",
        ChainedString = "chained_string", Class = "class", ClassVariable = "class_variable", Comment = "comment",
        Conditional = "conditional", Constant = "constant", DestructuredLeft = "destructured_left_assignment",
        DestructuredParameter = "destructured_parameter", DoBlock = "do_block", ElementReference = "element_reference",
        Else = "else", Ensure = "ensure", False = "false", Float = "float", For = "for",
        ForwardArgument = "forward_argument", ForwardParameter = "forward_parameter",
        GlobalVariable = "global_variable", Hash = "hash", HashKeySymbol = "hash_key_symbol",
        HashSplatArgument = "hash_splat_argument", HashSplatParameter = "hash_splat_parameter",
        Identifier = "identifier", If = "if", In = "in", InClause = "in_clause", InstanceVariable = "instance_variable",
        Integer = "integer", KeywordParameter = "keyword_parameter", KeywordPattern = "keyword_pattern",
        Lambda = "lambda", LeftAssignmentList = "left_assignment_list", MatchPattern = "match_pattern",
        Method = "method", Module = "module", Nil = "nil", OperatorAssignment = "operator_assignment",
        OptionalParameter = "optional_parameter", Pair = "pair", Parenthesized = "parenthesized_statements",
        Range = "range", Regex = "regex", Rescue = "rescue", RescueModifier = "rescue_modifier",
        RestAssignment = "rest_assignment", Return = "return", RightAssignmentList = "right_assignment_list",
        ScopeResolution = "scope_resolution", SelfWord = "self", SimpleSymbol = "simple_symbol",
        SingletonClass = "singleton_class", SingletonMethod = "singleton_method", SplatArgument = "splat_argument",
        SplatParameter = "splat_parameter", String = "string", StringArray = "string_array",
        StringContent = "string_content", Super = "super", SymbolArray = "symbol_array", TestPattern = "test_pattern",
        Then = "then", True = "true", Undef = "undef", Unless = "unless",
    }
    fields {
        AliasOf = "alias", Alternative = "alternative", Arguments = "arguments", Blocks = "block", Body = "body",
        Consequence = "consequence", Exceptions = "exceptions", Guard = "guard", Key = "key", Left = "left",
        MethodName = "method", Name = "name", Object = "object", Operation = "operator", Parameters = "parameters",
        Patterns = "pattern", Receiver = "receiver", Right = "right", Scope = "scope", Superclasses = "superclass",
        Value = "value", Variable = "variable",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_ruby::LANGUAGE));

/// The facts of a text in Ruby.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let mut rules = Ruby::new(job.text);
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.facts.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Ruby<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Open types, methods and blocks, the innermost last.
    open: Vec<Open<'t>>,
    /// Symbols by the number of their type (0: the file) and their name, for what is defined where it is first set.
    seen: HashMap<(u32, &'t str), Ticket>,
    n_types: u32,
}

/// What a statement may stand in.
enum Open<'t> {
    Type(OpenType),
    Method {
        ticket: Ticket,
        name: &'t str,
        /// Its `self` is the type.
        is_static: bool,
    },
    Block,
}

/// An open module or class.
#[derive(Clone, Copy)]
struct OpenType {
    /// `None`: `class << other`.
    ticket: Option<Ticket>,
    /// Its number among the types of the file, from 1.
    number: u32,
    /// What follows is private.
    is_private: bool,
    /// What follows belongs to the type: `class << self`, `module_function`.
    is_static: bool,
}

/// What has to be done later.
enum Later<'t> {
    LeaveType,
    /// The body of a method ends: its last value is what it returns.
    LeaveMethod(Node<'t>),
    LeaveBlock,
    EnterMethod {
        node: Node<'t>,
        ticket: Ticket,
        name: &'t str,
        is_static: bool,
    },
    /// A block, and what its parameters are.
    EnterBlock(Node<'t>, Vec<Box<str>>),
    Bind {
        target: Node<'t>,
        value: Value<'t>,
    },
    /// A name that a call gives to a block's value: `let(:pool) { … }`.
    Name(&'t str, Node<'t>),
}

/// What a name is bound to.
#[derive(Clone, Copy)]
enum Value<'t> {
    Of(Node<'t>),
    /// An element of it.
    Each(Node<'t>),
    Unknown,
}

type Walk<'t> = walk::Walk<'t, Later<'t>>;

impl<'t> Ruby<'t> {
    fn new(text: Text<'t>) -> Self {
        Self {
            text,
            grammar: &GRAMMAR,
            facts: Collector::default(),
            scopes: Scopes::default(),
            open: Vec::new(),
            seen: HashMap::new(),
            n_types: 0,
        }
    }

    /// The innermost module or class.
    fn open_type(&self) -> Option<OpenType> {
        self.open.iter().rev().find_map(|open| if let Open::Type(open) = open { Some(*open) } else { None })
    }

    /// The innermost method, unless a type is opened in it.
    fn open_method(&self) -> Option<(Ticket, &'t str, bool)> {
        self.open.iter().rev().find_map(|open| match open {
            Open::Type(_) => Some(None),
            Open::Method { ticket, name, is_static } => Some(Some((*ticket, *name, *is_static))),
            Open::Block => None,
        })?
    }
}

reading!(Ruby);

impl<'t> Rules<'t> for Ruby<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Comment | Kind::StringContent | Kind::Undef | Kind::HashKeySymbol => {}
            Kind::Identifier => self.bare(node),
            Kind::Constant => self.facts.mention(self.text.of(node), node, Role::Read, None),
            Kind::ScopeResolution => self.scoped(node, Role::Read, kotadb_core::facts::UNKNOWN_ARITY, walk),
            Kind::InstanceVariable | Kind::ClassVariable | Kind::GlobalVariable => self.variable(node, Role::Read),
            Kind::Super => self.super_call(node, kotadb_core::facts::UNKNOWN_ARITY),
            Kind::Call => self.call(node, walk),
            Kind::Alias => self.alias(node),
            Kind::Module | Kind::Class => self.module(node, walk),
            Kind::SingletonClass => self.singleton_class(node, walk),
            Kind::Method | Kind::SingletonMethod => self.method(node, walk),
            Kind::Assignment | Kind::OperatorAssignment => self.assignment(node, walk),
            Kind::Lambda => self.lambda(node, walk),
            Kind::For => self.for_loop(node, walk),
            Kind::Rescue => self.rescue(node, walk),
            Kind::InClause | Kind::MatchPattern | Kind::TestPattern => self.matched(node, walk),
            Kind::Pair => self.pair(node, walk),
            _ => walk.children(node),
        }
    }

    fn later(&mut self, later: Later<'t>, walk: &mut Walk<'t>) {
        match later {
            Later::LeaveType | Later::LeaveBlock => self.leave(),
            Later::LeaveMethod(node) => self.leave_method(node),
            Later::EnterMethod { node, ticket, name, is_static } => {
                self.scopes.enter_closed();
                self.open.push(Open::Method { ticket, name, is_static });
                self.bind_parameters(node, &[]);
            }
            Later::EnterBlock(block, values) => {
                self.scopes.enter();
                self.open.push(Open::Block);
                self.bind_parameters(block, &values);
            }
            Later::Bind { target, value } => self.bind(target, value, walk),
            Later::Name(name, block) => self.bind_block_value(name, block),
        }
    }
}

/// How names are used.
impl<'t> Ruby<'t> {
    /// A bare name that is no local is a call.
    fn bare(&mut self, node: Node<'t>) {
        let name = self.text.of(node);
        if self.scopes.find(name).is_none() && !self.changes_visibility(name) {
            self.bare_call(node, 0);
        }
    }

    /// `A::B`.
    fn scoped(&mut self, node: Node<'t>, role: Role, n_arguments: u8, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return };
        let scope = self.field(node, Field::Scope);
        let receiver = scope.map(|scope| self.expression(scope));
        self.used(name, self.text.of(name), role, receiver, n_arguments);
        walk.then(scope);
    }

    /// An instance, class or global variable that is read or written.
    fn variable(&mut self, node: Node<'t>, role: Role) {
        let name = self.text.of(node);
        let is_special =
            name.starts_with('$') && !name[1..].starts_with(|sign: char| sign.is_alphabetic() || sign == '_');
        if !is_special {
            let receiver = name.starts_with('@').then(|| "this".into());
            self.facts.mention(name, node, role, receiver);
        }
    }

    /// `key: value`; without a value the key is read.
    fn pair(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (key, value) = (self.field(node, Field::Key), self.field(node, Field::Value));
        match (key, value) {
            (Some(key), None) if self.kind(key) == Kind::HashKeySymbol => {
                let name = self.text.of(key);
                if self.scopes.find(name).is_none() && name.starts_with(|sign: char| sign.is_lowercase() || sign == '_')
                {
                    self.called(key, name, 0, None);
                }
            }
            _ => {
                walk.then(key);
                walk.then(value);
            }
        }
    }

    fn leave(&mut self) {
        self.scopes.leave();
        self.open.pop();
    }
}
