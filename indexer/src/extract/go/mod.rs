//! Go: functions, methods, types with fields and methods, package constants and variables.
//!
//! ```text
//! mod          which rule sees which node
//! usage        how names, members and types are used
//! definition   functions, methods, constants, variables, imports
//! declared     types, fields, what is embedded
//! binding      what locals are bound to
//! expression   receivers and values
//! ```

mod binding;
mod declared;
mod definition;
mod expression;
#[cfg(test)]
mod tests;
mod usage;

use std::rc::Rc;
use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Role};
use tree_sitter::Node;

use super::collector::Collector;
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::{Comments, Text};
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        AssignmentStatement = "assignment_statement", Block = "block", CallExpression = "call_expression",
        ChannelType = "channel_type", Comment = "comment", CommunicationCase = "communication_case",
        CompositeLiteral = "composite_literal", ConstDeclaration = "const_declaration", ConstSpec = "const_spec",
        DecStatement = "dec_statement", DefaultCase = "default_case", Define = "':=", Dot = "dot", ExpressionCase = "expression_case",
        ExpressionList = "expression_list", ExpressionSwitch = "expression_switch_statement",
        FieldDeclaration = "field_declaration", FieldIdentifier = "field_identifier", Float = "float_literal",
        ForStatement = "for_statement", FuncLiteral = "func_literal", FunctionDeclaration = "function_declaration",
        FunctionType = "function_type", GenericType = "generic_type", Identifier = "identifier",
        IfStatement = "if_statement", ImportSpec = "import_spec", IncStatement = "inc_statement",
        IndexExpression = "index_expression", Int = "int_literal", InterfaceType = "interface_type",
        InterpretedString = "interpreted_string_literal", KeyedElement = "keyed_element", LabelName = "label_name",
        LiteralValue = "literal_value", MethodDeclaration = "method_declaration", MethodElem = "method_elem",
        PackageClause = "package_clause", PackageIdentifier = "package_identifier",
        ParameterDeclaration = "parameter_declaration", ParameterList = "parameter_list",
        ParenthesizedExpression = "parenthesized_expression", PointerType = "pointer_type",
        QualifiedType = "qualified_type", RangeClause = "range_clause", RawString = "raw_string_literal",
        ReceiveStatement = "receive_statement", Rune = "rune_literal", SelectorExpression = "selector_expression",
        ShortVarDeclaration = "short_var_declaration", SliceExpression = "slice_expression",
        StatementList = "statement_list", StructType = "struct_type", TypeAlias = "type_alias",
        TypeAssertion = "type_assertion_expression", TypeCase = "type_case",
        TypeConversion = "type_conversion_expression", TypeElem = "type_elem", TypeIdentifier = "type_identifier",
        TypeInstantiation = "type_instantiation_expression", TypeSpec = "type_spec",
        TypeSwitch = "type_switch_statement", UnaryExpression = "unary_expression", VarDeclaration = "var_declaration",
        VarSpec = "var_spec", VariadicArgument = "variadic_argument",
        VariadicParameter = "variadic_parameter_declaration",
    }
    fields {
        Alias = "alias", Arguments = "arguments", Body = "body", FieldName = "field", Function = "function",
        Key = "key", Left = "left", Name = "name", Operand = "operand", Operator = "operator", Package = "package",
        Parameters = "parameters", Path = "path", Receiver = "receiver", ResultOf = "result", Right = "right",
        TypeArguments = "type_arguments", TypeOf = "type", TypeParameters = "type_parameters", Value = "value",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_go::LANGUAGE));

/// Comments above definitions.
const COMMENTS: Comments = Comments { line: &["//"], block: Some("/*") };

/// The facts of a text in Go.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let mut rules = Go::new(job.text);
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.facts.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Go<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// How many functions and function literals are open.
    n_functions: u32,
    unknown: Rc<str>,
}

/// What is done after the children of a node.
enum Later<'t> {
    Enter,
    Leave,
    LeaveFunction,
    /// Binds the names of a declaration to what it gives them.
    Define(Node<'t>),
    /// Binds the names of `for a, b := range c`.
    Range(Node<'t>),
    /// Binds `v` of `switch v := x.(type)` in one case.
    Case {
        name: &'t str,
        of: Option<Node<'t>>,
        /// What is told apart.
        value: Option<Node<'t>>,
    },
}

type Walk<'t> = walk::Walk<'t, Later<'t>>;

impl<'t> Go<'t> {
    fn new(text: Text<'t>) -> Self {
        Self {
            text,
            grammar: &GRAMMAR,
            facts: Collector::default(),
            scopes: Scopes::default(),
            n_functions: 0,
            unknown: super::expression::unknown().into(),
        }
    }

    fn is_local(&self) -> bool {
        self.n_functions > 0
    }

    /// Visits a node in a scope of its own.
    fn scoped(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        walk.children(node);
        walk.later(Later::Leave);
    }
}

reading!(Go);

impl<'t> Rules<'t> for Go<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Identifier => self.bare(node, Role::Read),
            Kind::TypeIdentifier => self.type_name(node, Role::Type),
            Kind::QualifiedType => self.qualified_type(node, Role::Type),
            Kind::SelectorExpression => self.selector(node, walk),
            Kind::CallExpression => self.call(node, walk),
            Kind::TypeConversion => self.conversion(node, walk),
            Kind::CompositeLiteral => self.composite(node, walk),
            Kind::AssignmentStatement => self.assignment(node, walk),
            Kind::IncStatement | Kind::DecStatement => self.written(node.named_child(0), walk),
            Kind::ShortVarDeclaration => self.short_declaration(node, walk),
            Kind::ReceiveStatement => self.receive(node, walk),
            Kind::RangeClause => self.range(node, walk),
            Kind::ConstSpec | Kind::VarSpec => self.local_spec(node, walk),
            Kind::ConstDeclaration | Kind::VarDeclaration => self.variables(node, walk),
            Kind::FunctionDeclaration | Kind::MethodDeclaration => self.function(node, walk),
            Kind::FuncLiteral => self.function_literal(node, walk),
            Kind::ParameterDeclaration | Kind::VariadicParameter => walk.then(self.field(node, Field::TypeOf)),
            Kind::TypeSpec | Kind::TypeAlias => self.type_spec(node, walk),
            Kind::FieldDeclaration => self.fields(node, walk),
            Kind::ImportSpec => self.import(node),
            Kind::PackageClause => self.package(node),
            Kind::TypeSwitch => self.type_switch(node, walk),
            Kind::Block
            | Kind::IfStatement
            | Kind::ForStatement
            | Kind::ExpressionSwitch
            | Kind::ExpressionCase
            | Kind::DefaultCase
            | Kind::CommunicationCase => self.scoped(node, walk),
            Kind::Comment
            | Kind::LabelName
            | Kind::InterpretedString
            | Kind::RawString
            | Kind::Rune
            | Kind::Int
            | Kind::Float
            | Kind::FieldIdentifier
            | Kind::PackageIdentifier => {}
            _ => walk.children(node),
        }
    }

    fn later(&mut self, later: Later<'t>, _: &mut Walk<'t>) {
        match later {
            Later::Enter => self.scopes.enter(),
            Later::Leave => self.scopes.leave(),
            Later::LeaveFunction => {
                self.scopes.leave();
                self.n_functions -= 1;
            }
            Later::Define(node) => self.define(node),
            Later::Range(node) => self.bind_range(node),
            Later::Case { name, of, value } => self.bind_case(name, of, value),
        }
    }
}
