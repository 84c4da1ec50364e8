//! C#: types of all kinds with their members, namespaces of both forms, extension methods.
//!
//! ```text
//! mod          which rule sees which node
//! usage        how names, members and types are used
//! types        namespaces, classes, structs, records, interfaces, enums, delegates; `using`
//! member       methods, constructors, properties, events, fields
//! modifier     modifiers and attributes as flags
//! binding      what locals are bound to
//! expression   receivers and values
//! ```
//!
//! The grammar writes types and values alike as identifiers: what stands where a type stands is read by `type_use`.

mod binding;
mod expression;
mod member;
mod modifier;
#[cfg(test)]
mod tests;
mod types;
mod usage;

use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Role, SymbolKind};
use tree_sitter::Node;

use super::collector::Collector;
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::{Comments, Text};
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        AccessorDeclaration = "accessor_declaration", AliasQualifiedName = "alias_qualified_name",
        Argument = "argument", ArgumentList = "argument_list", ArrayCreation = "array_creation_expression",
        ArrayType = "array_type", AsExpression = "as_expression", Assignment = "assignment_expression",
        Attribute = "attribute", AttributeArgument = "attribute_argument", AttributeList = "attribute_list",
        AwaitExpression = "await_expression", Base = "'base", BaseList = "base_list", Block = "block",
        CastExpression = "cast_expression", CatchClause = "catch_clause", CatchDeclaration = "catch_declaration",
        ClassDeclaration = "class_declaration", Comment = "comment",
        ConditionalAccess = "conditional_access_expression", ConditionalExpression = "conditional_expression",
        ConstructorDeclaration = "constructor_declaration", ConstructorInitializer = "constructor_initializer",
        ConversionOperator = "conversion_operator_declaration", DeclarationExpression = "declaration_expression",
        DeclarationPattern = "declaration_pattern", DelegateDeclaration = "delegate_declaration",
        DestructorDeclaration = "destructor_declaration", ElementAccess = "element_access_expression",
        EnumDeclaration = "enum_declaration", EnumMember = "enum_member_declaration", Equals = "'=",
        EventDeclaration = "event_declaration", EventField = "event_field_declaration",
        ExplicitInterface = "explicit_interface_specifier", FieldDeclaration = "field_declaration",
        FileScopedNamespace = "file_scoped_namespace_declaration", ForStatement = "for_statement",
        ForeachStatement = "foreach_statement", FromClause = "from_clause", GenericName = "generic_name",
        GlobalAttribute = "global_attribute", GotoStatement = "goto_statement", Identifier = "identifier",
        ImplicitObjectCreation = "implicit_object_creation_expression", ImplicitParameter = "implicit_parameter",
        ImplicitType = "implicit_type", IndexerDeclaration = "indexer_declaration", IntegerLiteral = "integer_literal",
        InterfaceDeclaration = "interface_declaration", InterpolatedString = "interpolated_string_expression",
        Invocation = "invocation_expression", LabeledStatement = "labeled_statement",
        LambdaExpression = "lambda_expression", LetClause = "let_clause", LocalFunction = "local_function_statement",
        MemberAccess = "member_access_expression", MemberBinding = "member_binding_expression",
        MethodDeclaration = "method_declaration", MinusMinus = "'--", Modifier = "modifier", NamespaceDeclaration = "namespace_declaration",
        NullableType = "nullable_type", ObjectCreation = "object_creation_expression",
        OperatorDeclaration = "operator_declaration", Parameter = "parameter", ParameterList = "parameter_list",
        Parenthesized = "parenthesized_expression", PlusPlus = "'++", PostfixUnary = "postfix_unary_expression",
        PredefinedType = "predefined_type", PrefixUnary = "prefix_unary_expression",
        PrimaryBase = "primary_constructor_base_type", PropertyDeclaration = "property_declaration",
        QualifiedName = "qualified_name", RecordDeclaration = "record_declaration",
        RecursivePattern = "recursive_pattern", RefType = "ref_type", StaticWord = "'static",
        StringLiteral = "string_literal", StructDeclaration = "struct_declaration", Struct = "'struct",
        Subpattern = "subpattern", SwitchExpressionArm = "switch_expression_arm", SwitchSection = "switch_section",
        This = "'this", TuplePattern = "tuple_pattern", TypeArgumentList = "type_argument_list",
        TypeConstraints = "type_parameter_constraints_clause", TypeParameterList = "type_parameter_list",
        TypePattern = "type_pattern", TypeofExpression = "typeof_expression", UsingDirective = "using_directive",
        UsingStatement = "using_statement", VariableDeclaration = "variable_declaration",
        VariableDeclarator = "variable_declarator", VerbatimString = "verbatim_string_literal",
    }
    fields {
        Accessors = "accessors", Alternative = "alternative", Arguments = "arguments", Body = "body",
        Condition = "condition", Consequence = "consequence", ExpressionOf = "expression", Function = "function",
        InitializerOf = "initializer", Left = "left", Name = "name", Operator = "operator", Parameters = "parameters",
        Returns = "returns", Right = "right", TypeOf = "type", Value = "value",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_c_sharp::LANGUAGE));

/// Comments above definitions; `<summary>` alone on a line says nothing.
const COMMENTS: Comments = Comments { line: &["///", "//"], block: Some("/**") };

/// The facts of a text in C#.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let mut rules = Sharp::new(job.text);
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.facts.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Sharp<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Open types, the innermost last.
    open: Vec<Open<'t>>,
    /// The namespace of the file is known.
    has_package: bool,
}

/// A type whose members are read.
struct Open<'t> {
    kind: SymbolKind,
    name: &'t str,
    /// The first type above it: what `base(…)` makes.
    above: Box<str>,
    is_test: bool,
}

/// What is done after the children of a node.
enum Later<'t> {
    Leave,
    LeaveType,
    /// Binds a local to its type, or to its value where `var` stands.
    Bind {
        name: Node<'t>,
        of: Option<Node<'t>>,
        value: Option<Node<'t>>,
    },
    /// Binds the name of a loop over a list.
    Each {
        name: Node<'t>,
        of: Option<Node<'t>>,
        list: Node<'t>,
    },
}

type Walk<'t> = walk::Walk<'t, Later<'t>>;

impl<'t> Sharp<'t> {
    fn new(text: Text<'t>) -> Self {
        Self {
            text,
            grammar: &GRAMMAR,
            facts: Collector::default(),
            scopes: Scopes::default(),
            open: Vec::new(),
            has_package: false,
        }
    }

    /// Visits a node in a scope of its own.
    fn scoped(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        walk.children(node);
        walk.later(Later::Leave);
    }
}

reading!(Sharp);

impl<'t> Rules<'t> for Sharp<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Identifier => self.bare(node, Role::Read),
            Kind::GenericName => self.generic(node, Role::Read),
            Kind::MemberAccess => self.member_access(node, walk),
            Kind::ConditionalAccess => self.conditional_access(node, walk),
            Kind::QualifiedName
            | Kind::AliasQualifiedName
            | Kind::ArrayType
            | Kind::NullableType
            | Kind::RefType
            | Kind::TypeArgumentList => self.type_use(node),
            Kind::Invocation => self.call(node, walk),
            Kind::ObjectCreation => self.new_instance(node, walk),
            Kind::ConstructorInitializer => self.constructor_call(node, walk),
            Kind::Assignment => self.assignment(node, walk),
            Kind::PostfixUnary | Kind::PrefixUnary => self.unary(node, walk),
            Kind::Argument | Kind::AttributeArgument => walk.children_but(node, self.field(node, Field::Name)),
            Kind::Attribute => self.attribute(node, walk),
            Kind::CastExpression | Kind::TypeofExpression | Kind::ArrayCreation => self.typed(node, walk),
            Kind::AsExpression => self.as_type(node, walk),
            Kind::NamespaceDeclaration | Kind::FileScopedNamespace => self.namespace(node, walk),
            Kind::UsingDirective => self.using(node),
            Kind::ClassDeclaration => self.type_declaration(node, SymbolKind::Class, walk),
            Kind::StructDeclaration => self.type_declaration(node, SymbolKind::Struct, walk),
            Kind::RecordDeclaration => self.record(node, walk),
            Kind::InterfaceDeclaration => self.type_declaration(node, SymbolKind::Interface, walk),
            Kind::EnumDeclaration => self.type_declaration(node, SymbolKind::Enum, walk),
            Kind::EnumMember => self.enum_member(node, walk),
            Kind::DelegateDeclaration => self.delegate(node, walk),
            Kind::MethodDeclaration
            | Kind::OperatorDeclaration
            | Kind::ConversionOperator
            | Kind::DestructorDeclaration
            | Kind::ConstructorDeclaration
            | Kind::LocalFunction => self.method(node, walk),
            Kind::PropertyDeclaration | Kind::IndexerDeclaration | Kind::EventDeclaration => self.property(node, walk),
            Kind::FieldDeclaration | Kind::EventField => self.fields(node, walk),
            Kind::VariableDeclaration => self.locals(node, walk),
            _ => self.visit_bound(node, walk),
        }
    }

    fn later(&mut self, later: Later<'t>, _: &mut Walk<'t>) {
        match later {
            Later::Leave => self.scopes.leave(),
            Later::LeaveType => {
                self.scopes.leave();
                self.open.pop();
            }
            Later::Bind { name, of, value } => self.bind(name, of, value),
            Later::Each { name, of, list } => self.bind_each(name, of, list),
        }
    }
}

/// Nodes that bind names or open scopes, and those without facts.
impl<'t> Sharp<'t> {
    fn visit_bound(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::ForeachStatement => self.each(node, walk),
            Kind::CatchClause => self.scoped(node, walk),
            Kind::CatchDeclaration | Kind::DeclarationExpression | Kind::DeclarationPattern => {
                self.declared(node, walk);
            }
            Kind::RecursivePattern => self.declared(node, walk),
            Kind::TypePattern => self.typed(node, walk),
            Kind::Subpattern => walk.children_but(node, node.named_child(0).filter(|_| node.named_child_count() > 1)),
            Kind::FromClause => self.from(node, walk),
            Kind::LetClause => self.let_clause(node, walk),
            Kind::LambdaExpression => self.lambda(node, walk),
            Kind::Parameter => self.parameter_uses(node, walk),
            Kind::ParameterList => self.parameter_list_uses(node, walk),
            Kind::LabeledStatement => walk.children_but(node, node.named_child(0)),
            Kind::Block
            | Kind::ForStatement
            | Kind::UsingStatement
            | Kind::SwitchSection
            | Kind::SwitchExpressionArm
            | Kind::AccessorDeclaration => self.scoped(node, walk),
            Kind::Comment
            | Kind::StringLiteral
            | Kind::VerbatimString
            | Kind::IntegerLiteral
            | Kind::Modifier
            | Kind::PredefinedType
            | Kind::ImplicitType
            | Kind::ImplicitParameter
            | Kind::TypeParameterList
            | Kind::ExplicitInterface
            | Kind::GotoStatement
            | Kind::GlobalAttribute
            | Kind::MemberBinding => {}
            _ => walk.children(node),
        }
    }
}
