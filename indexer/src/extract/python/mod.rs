//! Python: classes, functions, module variables, class attributes and attributes set on `self`.
//!
//! ```text
//! mod          which rule sees which node, and how bare names and members are used
//! definition   classes, functions, decorators, variables
//! signature    parameters: arity, types, what `self` is
//! binding      targets of assignments, loops, `with`, `except`, `case`
//! expression   receivers and values
//! import       imports and `__all__`
//! ```
//!
//! What a branch binds stays bound after it, as at run time; comprehensions and lambdas keep their names to themselves.

mod binding;
mod definition;
mod expression;
mod import;
mod signature;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Reference, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use self::definition::Class;
use self::signature::First;
use super::collector::{Collector, Ticket};
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::Text;
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        AliasedImport = "aliased_import", ArgumentList = "argument_list", AsPattern = "as_pattern",
        AsPatternTarget = "as_pattern_target", AssertStatement = "assert_statement", Assignment = "assignment",
        Async = "'async", Attribute = "attribute", AugmentedAssignment = "augmented_assignment", Await = "await",
        Block = "block", BooleanOperator = "boolean_operator", Call = "call", CaseClause = "case_clause",
        CasePattern = "case_pattern", ClassDefinition = "class_definition", ClassPattern = "class_pattern",
        Comment = "comment", ConcatenatedString = "concatenated_string",
        ConditionalExpression = "conditional_expression", DecoratedDefinition = "decorated_definition",
        Decorator = "decorator", DefaultParameter = "default_parameter", Dictionary = "dictionary",
        DictionaryComprehension = "dictionary_comprehension", DictionarySplat = "dictionary_splat",
        DictionarySplatPattern = "dictionary_splat_pattern", DottedName = "dotted_name", ElifClause = "elif_clause",
        ExceptClause = "except_clause", ExpressionStatement = "expression_statement", False = "false", Float = "float",
        ForInClause = "for_in_clause", ForStatement = "for_statement", FunctionDefinition = "function_definition",
        GeneratorExpression = "generator_expression", GenericType = "generic_type", GlobalStatement = "global_statement",
        Identifier = "identifier", IfStatement = "if_statement", ImportFromStatement = "import_from_statement",
        ImportStatement = "import_statement", Integer = "integer", Interpolation = "interpolation", KeywordArgument = "keyword_argument",
        KeywordPattern = "keyword_pattern", KeywordSeparator = "keyword_separator", Lambda = "lambda", List = "list",
        ListComprehension = "list_comprehension", ListPattern = "list_pattern", ListSplat = "list_splat",
        ListSplatPattern = "list_splat_pattern", MemberType = "member_type", NamedExpression = "named_expression",
        None = "none", NonlocalStatement = "nonlocal_statement", ParenthesizedExpression = "parenthesized_expression",
        PatternList = "pattern_list", PositionalSeparator = "positional_separator", RelativeImport = "relative_import",
        ReturnStatement = "return_statement", Set = "set", SetComprehension = "set_comprehension",
        SplatPattern = "splat_pattern", String = "string", StringContent = "string_content", Subscript = "subscript",
        True = "true", Tuple = "tuple", TuplePattern = "tuple_pattern", Type = "type",
        TypeAliasStatement = "type_alias_statement", TypedDefaultParameter = "typed_default_parameter",
        TypedParameter = "typed_parameter", WildcardImport = "wildcard_import", WithItem = "with_item",
    }
    fields {
        Alias = "alias", Alternative = "alternative", Arguments = "arguments", AttributeName = "attribute", Body = "body",
        Condition = "condition", Consequence = "consequence", Definition = "definition", Function = "function",
        Left = "left", ModuleName = "module_name", Name = "name", Object = "object", Operator = "operator",
        Parameters = "parameters", ReturnType = "return_type", Right = "right", Superclasses = "superclasses",
        TypeParameters = "type_parameters", TypeOf = "type", Value = "value",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_python::LANGUAGE));

/// The facts of a text in Python.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let mut rules = Python::new(job.text);
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Python<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Open classes and functions, the innermost last.
    open: Vec<Open<'t>>,
    /// Names that the module or a class has a symbol for, by the number of the class; 0: the module.
    seen: HashSet<(u32, &'t str)>,
    n_classes: u32,
    /// Attributes that classes have by `self.x = …`, until their body declares them.
    attributes: HashMap<(u32, &'t str), Ticket>,
    /// Names in `__all__`.
    offered: HashSet<&'t str>,
}

/// What a statement may stand in.
enum Open<'t> {
    Class(Class),
    /// A function, the names that it shares with the module, and whether what it returns is still to be found out.
    Function {
        ticket: Ticket,
        shared: Vec<&'t str>,
        is_open: bool,
    },
    /// A lambda or comprehension.
    Scope,
}

impl Open<'_> {
    fn ticket(&self) -> Option<Ticket> {
        match self {
            Self::Class(class) => Some(class.ticket),
            Self::Function { ticket, .. } => Some(*ticket),
            Self::Scope => None,
        }
    }
}

/// What is done after the children of a node.
enum Later<'t> {
    EnterFunction(Node<'t>, Ticket, First),
    LeaveClass,
    LeaveScope,
    /// Binds a target to what its value is.
    Bind {
        target: Node<'t>,
        value: Value<'t>,
    },
    /// The same in a module or class, whose names are symbols.
    Define {
        target: Node<'t>,
        statement: Node<'t>,
        value: Value<'t>,
    },
    /// Binds a name to what it was.
    Restore(&'t str, Rc<str>),
    /// Binds what an `isinstance` in a condition says.
    Narrow(Node<'t>),
}

/// Where a bound value comes from.
#[derive(Clone, Copy)]
enum Value<'t> {
    /// The value of an expression.
    Of(Node<'t>),
    /// An element of it.
    Each(Node<'t>),
    /// Something of the type that a node names.
    OfType(Node<'t>),
    Unknown,
}

type Walk<'t> = walk::Walk<'t, Later<'t>>;

impl<'t> Python<'t> {
    fn new(text: Text<'t>) -> Self {
        Self {
            text,
            grammar: &GRAMMAR,
            facts: Collector::default(),
            scopes: Scopes::default(),
            open: Vec::new(),
            seen: HashSet::new(),
            n_classes: 0,
            attributes: HashMap::new(),
            offered: HashSet::new(),
        }
    }

    fn finish(mut self, partial: bool) -> Facts {
        self.offer();
        self.facts.finish(partial)
    }
}

reading!(Python);

impl<'t> Rules<'t> for Python<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Comment | Kind::StringContent => {}
            Kind::String => walk.each_child(node, |walk, part| {
                walk.then(Some(part).filter(|part| self.kind(*part) == Kind::Interpolation));
            }),
            Kind::Identifier => self.bare(node, Role::Read),
            Kind::Attribute => self.attribute(node, walk),
            Kind::Call => self.call(node, walk),
            Kind::KeywordArgument => walk.then(self.field(node, Field::Value)),
            Kind::Type => self.annotation(node),
            Kind::Assignment => self.assignment(node, walk),
            Kind::AugmentedAssignment => self.augmented(node, walk),
            Kind::NamedExpression => self.binds(node, Field::Name, Field::Value, walk),
            Kind::FunctionDefinition => self.function(node, node, walk),
            Kind::ClassDefinition => self.class(node, node, walk),
            Kind::DecoratedDefinition => self.decorated(node, walk),
            Kind::TypeAliasStatement => self.type_alias(node),
            Kind::ReturnStatement => self.returned(node, walk),
            Kind::Lambda => self.lambda(node, walk),
            Kind::ListComprehension
            | Kind::SetComprehension
            | Kind::DictionaryComprehension
            | Kind::GeneratorExpression => self.comprehension(node, walk),
            Kind::ForStatement => self.for_loop(node, walk),
            Kind::ForInClause => self.for_clause(node, walk),
            Kind::IfStatement | Kind::ElifClause => self.branch(node, walk),
            Kind::AssertStatement => self.assertion(node, walk),
            Kind::AsPattern => self.as_pattern(node, walk),
            Kind::ExceptClause => self.except(node, walk),
            Kind::CasePattern => self.case_pattern(node, walk),
            Kind::GlobalStatement | Kind::NonlocalStatement => self.global(node),
            Kind::ImportStatement => self.import(node),
            Kind::ImportFromStatement => self.import_from(node),
            _ => walk.children(node),
        }
    }

    fn later(&mut self, later: Later<'t>, walk: &mut Walk<'t>) {
        match later {
            Later::EnterFunction(node, ticket, first) => self.enter_function(node, ticket, first),
            Later::LeaveClass => drop(self.open.pop()),
            Later::LeaveScope => {
                self.scopes.leave();
                self.open.pop();
            }
            Later::Bind { target, value } => self.bind(target, value, walk),
            Later::Define { target, statement, value } => self.define(target, statement, value, walk),
            Later::Restore(name, known) => self.scopes.bind(name, known),
            Later::Narrow(condition) => self.narrow(condition),
        }
    }
}

/// How names are used.
impl<'t> Python<'t> {
    /// A bare name, unless it is local.
    fn bare(&mut self, node: Node<'t>, role: Role) {
        let name = self.text.of(node);
        if self.scopes.find(name).is_none() {
            self.facts.mention(name, node, role, None);
        }
    }

    /// `a.b` that is read. What `a` is made of is used too.
    fn attribute(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let object = self.member(node, Role::Read, UNKNOWN_ARITY);
        walk.then(object);
    }

    /// The member that an `attribute` names; gives whose member it is.
    fn member(&mut self, node: Node<'t>, role: Role, n_arguments: u8) -> Option<Node<'t>> {
        let object = self.field(node, Field::Object)?;
        let name = self.field(node, Field::AttributeName)?;
        let receiver = Some(self.expression(object));
        let start = name.start_byte() as u32;
        self.facts.reference(Reference { name: self.text.of(name).into(), start, role, receiver, n_arguments });
        Some(object)
    }

    fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Arguments);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments, walk));
        if let Some(function) = self.field(node, Field::Function) {
            self.called(function, n_arguments, Role::Call, walk);
        }
        walk.then(arguments);
    }

    /// What stands before the brackets of a call, or after the `@` of a decorator.
    fn called(&mut self, function: Node<'t>, n_arguments: u8, role: Role, walk: &mut Walk<'t>) {
        match self.kind(function) {
            Kind::Identifier => {
                let name = self.text.of(function);
                if self.scopes.find(name).is_none() {
                    let start = function.start_byte() as u32;
                    self.facts.reference(Reference { name: name.into(), start, role, receiver: None, n_arguments });
                }
            }
            Kind::Attribute => {
                let object = self.member(function, role, n_arguments);
                walk.then(object);
            }
            _ => walk.then(function),
        }
    }

    fn n_arguments(&self, arguments: Node<'t>, walk: &mut Walk<'t>) -> u8 {
        if self.kind(arguments) == Kind::GeneratorExpression {
            return 1;
        }
        let (mut n, mut spreads) = (0_u8, false);
        walk.each_child(arguments, |_, argument| match self.kind(argument) {
            Kind::Comment => {}
            Kind::ListSplat | Kind::DictionarySplat => spreads = true,
            _ => n = n.saturating_add(1),
        });
        if spreads { UNKNOWN_ARITY } else { n }
    }
}
