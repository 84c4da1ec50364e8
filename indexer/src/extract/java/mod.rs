//! Java: types of all kinds with their members, also nested and anonymous ones.
//!
//! ```text
//! mod          which rule sees which node
//! usage        how names, members and types are used
//! types        classes, interfaces, enums, records, annotations; packages and imports
//! member       methods, constructors, fields
//! modifier     modifiers and annotations as flags
//! argument     what calls are given
//! overload     what methods of one name take
//! binding      what locals are bound to
//! expression   receivers and values
//! ```

mod argument;
mod binding;
mod expression;
mod member;
mod modifier;
mod overload;
#[cfg(test)]
mod tests;
mod types;
mod usage;

use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Role, SymbolKind};
use tree_sitter::Node;

use self::overload::Taken;
use super::collector::{Collector, Ticket};
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::{Comments, Text};
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        Annotation = "annotation", AnnotationTypeDeclaration = "annotation_type_declaration",
        AnnotationTypeElement = "annotation_type_element_declaration", ArrayAccess = "array_access",
        ArrayCreation = "array_creation_expression", Assignment = "assignment_expression", Asterisk = "asterisk",
        BinaryExpression = "binary_expression", BinaryInteger = "binary_integer_literal", Block = "block", BlockComment = "block_comment", CastExpression = "cast_expression",
        CatchClause = "catch_clause", CatchType = "catch_type", CatchParameter = "catch_formal_parameter",
        CharacterLiteral = "character_literal", ClassBody = "class_body", ClassDeclaration = "class_declaration",
        ClassLiteral = "class_literal", CompactConstructor = "compact_constructor_declaration",
        ConstantDeclaration = "constant_declaration", ConstructorDeclaration = "constructor_declaration",
        DecimalFloat = "decimal_floating_point_literal", DecimalInteger = "decimal_integer_literal", ElementValuePair = "element_value_pair",
        EnhancedFor = "enhanced_for_statement", EnumConstant = "enum_constant", EnumDeclaration = "enum_declaration",
        ExplicitConstructor = "explicit_constructor_invocation", ExtendsInterfaces = "extends_interfaces",
        False = "false", FieldAccess = "field_access", FieldDeclaration = "field_declaration", ForStatement = "for_statement",
        FormalParameter = "formal_parameter", FormalParameters = "formal_parameters", GenericType = "generic_type",
        HexInteger = "hex_integer_literal", Identifier = "identifier", ImportDeclaration = "import_declaration", Instanceof = "instanceof_expression",
        InterfaceDeclaration = "interface_declaration", LabeledStatement = "labeled_statement",
        LambdaExpression = "lambda_expression", LineComment = "line_comment",
        LocalVariable = "local_variable_declaration", MarkerAnnotation = "marker_annotation",
        MethodDeclaration = "method_declaration", MethodInvocation = "method_invocation",
        MethodReference = "method_reference", Modifiers = "modifiers", ModuleDeclaration = "module_declaration",
        New = "'new", Null = "null_literal", ObjectCreation = "object_creation_expression", OctalInteger = "octal_integer_literal", PackageDeclaration = "package_declaration",
        Parenthesized = "parenthesized_expression", ReceiverParameter = "receiver_parameter",
        RecordComponent = "record_pattern_component", RecordDeclaration = "record_declaration",
        RecordPattern = "record_pattern", Resource = "resource", ScopedIdentifier = "scoped_identifier",
        ScopedType = "scoped_type_identifier", SpreadParameter = "spread_parameter",
        StaticInitializer = "static_initializer", StringLiteral = "string_literal", Super = "super",
        Superclass = "superclass", SuperInterfaces = "super_interfaces", SwitchGroup = "switch_block_statement_group",
        SwitchRule = "switch_rule", Ternary = "ternary_expression", Throws = "throws", This = "this",
        True = "true", TryWithResources = "try_with_resources_statement", TypeIdentifier = "type_identifier", TypeList = "type_list",
        TypePattern = "type_pattern", UnaryExpression = "unary_expression", UpdateExpression = "update_expression",
        VariableDeclarator = "variable_declarator",
    }
    fields {
        Alternative = "alternative", Arguments = "arguments", ArrayOf = "array", Body = "body",
        Consequence = "consequence", Constructor = "constructor", Dimensions = "dimensions", FieldName = "field",
        Left = "left", Name = "name", Object = "object", Operator = "operator", Parameters = "parameters", Right = "right", TypeOf = "type",
        TypeParameters = "type_parameters", Value = "value",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_java::LANGUAGE));

/// Comments above definitions.
const COMMENTS: Comments = Comments { line: &["///", "//"], block: Some("/**") };

/// The facts of a text in Java.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let mut rules = Java::new(job.text);
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.tell_overloads();
    rules.facts.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Java<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Open types, the innermost last.
    open: Vec<Open<'t>>,
    /// What each method takes.
    taken: Vec<Taken>,
}

/// A type whose members are read.
struct Open<'t> {
    /// `None`: an anonymous class.
    ticket: Option<Ticket>,
    kind: SymbolKind,
    name: &'t str,
    /// What `super` is; of an anonymous class the type that it is written for.
    above: Box<str>,
    is_test: bool,
}

/// What is done after the children of a node.
enum Later<'t> {
    Leave,
    LeaveType,
    /// Reads the body of an anonymous class that is written for a type.
    Anonymous {
        above: Box<str>,
        body: Node<'t>,
    },
    /// Binds a local to its type, or to its value where `var` stands.
    Bind {
        name: Node<'t>,
        declarator: Node<'t>,
        of: Option<Node<'t>>,
        value: Option<Node<'t>>,
    },
    /// Binds the name of a loop over a list.
    Each {
        name: Node<'t>,
        of: Node<'t>,
        list: Node<'t>,
    },
}

type Walk<'t> = walk::Walk<'t, Later<'t>>;

impl<'t> Java<'t> {
    fn new(text: Text<'t>) -> Self {
        Self {
            text,
            grammar: &GRAMMAR,
            facts: Collector::default(),
            scopes: Scopes::default(),
            open: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Visits a node in a scope of its own.
    fn scoped(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        walk.children(node);
        walk.later(Later::Leave);
    }
}

reading!(Java);

impl<'t> Rules<'t> for Java<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Identifier => self.bare(node, Role::Read),
            Kind::TypeIdentifier => self.type_name(node, Role::Type),
            Kind::ScopedType => self.scoped_type(node, Role::Type),
            Kind::FieldAccess => self.field_access(node, walk),
            Kind::MethodInvocation => self.call(node, walk),
            Kind::ExplicitConstructor => self.constructor_call(node, walk),
            Kind::ObjectCreation => self.new_instance(node, walk),
            Kind::MethodReference => self.method_reference(node, walk),
            Kind::Assignment => self.assignment(node, walk),
            Kind::UpdateExpression => self.written(node.named_child(0), walk),
            Kind::Annotation | Kind::MarkerAnnotation => self.annotation(node, walk),
            Kind::ElementValuePair => walk.then(self.field(node, Field::Value)),
            Kind::ClassDeclaration => self.type_declaration(node, SymbolKind::Class, walk),
            Kind::RecordDeclaration => self.type_declaration(node, SymbolKind::Class, walk),
            Kind::EnumDeclaration => self.type_declaration(node, SymbolKind::Enum, walk),
            Kind::InterfaceDeclaration => self.type_declaration(node, SymbolKind::Interface, walk),
            Kind::AnnotationTypeDeclaration => self.type_declaration(node, SymbolKind::Interface, walk),
            Kind::EnumConstant => self.enum_constant(node, walk),
            Kind::MethodDeclaration | Kind::AnnotationTypeElement => self.method(node, SymbolKind::Method, walk),
            Kind::ConstructorDeclaration | Kind::CompactConstructor => {
                self.method(node, SymbolKind::Constructor, walk);
            }
            Kind::FieldDeclaration | Kind::ConstantDeclaration => self.fields(node, walk),
            Kind::LocalVariable => self.local_variable(node, walk),
            Kind::EnhancedFor => self.each(node, walk),
            Kind::Resource => self.resource(node, walk),
            Kind::CatchClause => self.catch(node, walk),
            Kind::LambdaExpression => self.lambda(node, walk),
            Kind::Instanceof => self.instance_of(node, walk),
            Kind::TypePattern | Kind::RecordComponent => self.type_pattern(node, walk),
            Kind::RecordPattern => self.record_pattern(node, walk),
            Kind::FormalParameter | Kind::SpreadParameter => self.parameter_uses(node, walk),
            Kind::PackageDeclaration => self.package(node),
            Kind::ImportDeclaration => self.import(node),
            Kind::LabeledStatement => walk.children_but(node, node.named_child(0)),
            Kind::Block
            | Kind::ForStatement
            | Kind::TryWithResources
            | Kind::SwitchRule
            | Kind::SwitchGroup
            | Kind::StaticInitializer => self.scoped(node, walk),
            Kind::LineComment
            | Kind::BlockComment
            | Kind::StringLiteral
            | Kind::CharacterLiteral
            | Kind::DecimalInteger
            | Kind::ModuleDeclaration
            | Kind::ReceiverParameter => {}
            _ => walk.children(node),
        }
    }

    fn later(&mut self, later: Later<'t>, walk: &mut Walk<'t>) {
        match later {
            Later::Leave => self.scopes.leave(),
            Later::LeaveType => {
                self.scopes.leave();
                self.open.pop();
            }
            Later::Anonymous { above, body } => self.open_anonymous(above, body, walk),
            Later::Bind { name, declarator, of, value } => self.bind((name, declarator), of, value),
            Later::Each { name, of, list } => self.bind_each(name, of, list),
        }
    }
}
