//! C and C++: one set of rules, since the grammar of the second holds that of the first.
//!
//! ```text
//! mod          which rule sees which node
//! attribute    macros that stand before declarations
//! usage        how names, members and types are used
//! declaration  declarations: functions, variables, fields, type aliases, locals
//! declarator   what a declarator declares: `*(*name[3])(int)`
//! function     definitions of functions, parameters
//! record       structs, unions, classes, enums and what stands above them
//! invocation   definitions that macros make: `SYSCALL_DEFINE3(read, …)`, `DEFINE_MUTEX(lock)`, `TEST(Suite, name)`
//! preprocessor includes and macros
//! misread      calls that the grammar takes for something else
//! namespace    namespaces, `using`, templates, lambdas (C++)
//! expression   receivers and values
//! ```
//!
//! Nothing is preprocessed: all branches of `#ifdef` count, and a macro that is used looks like a function that is called.
//! A `.h` is C by its name; one with classes, templates or namespaces is read as C++.

mod attribute;
mod declaration;
mod declarator;
mod expression;
mod function;
mod invocation;
mod misread;
mod namespace;
#[cfg(test)]
mod plus_tests;
mod preprocessor;
mod record;
#[cfg(test)]
mod tests;
mod usage;

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Flags, Role, SymbolKind};
use tree_sitter::Node;

use super::collector::Collector;
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::{Comments, Text};
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        AbstractFunctionDeclarator = "abstract_function_declarator", AccessSpecifier = "access_specifier",
        AliasDeclaration = "alias_declaration", ArgumentList = "argument_list", ArrayDeclarator = "array_declarator",
        AssignmentExpression = "assignment_expression", AttributeDeclaration = "attribute_declaration",
        AttributeSpecifier = "attribute_specifier", AttributedDeclarator = "attributed_declarator",
        BaseClassClause = "base_class_clause", CallExpression = "call_expression", CastExpression = "cast_expression",
        CatchClause = "catch_clause", CharLiteral = "char_literal", ClassSpecifier = "class_specifier",
        CoAwaitExpression = "co_await_expression", Comment = "comment",
        CompoundLiteralExpression = "compound_literal_expression", CompoundStatement = "compound_statement",
        ConceptDefinition = "concept_definition", ConditionalExpression = "conditional_expression",
        Declaration = "declaration", DeleteMethodClause = "delete_method_clause", DestructorName = "destructor_name",
        Ellipsis = "'...", EnumSpecifier = "enum_specifier", Enumerator = "enumerator",
        ExpressionStatement = "expression_statement", FieldDeclaration = "field_declaration",
        FieldDesignator = "field_designator", FieldExpression = "field_expression",
        FieldIdentifier = "field_identifier", FieldInitializer = "field_initializer", FieldInitializerList = "field_initializer_list", ForRangeLoop = "for_range_loop",
        ForStatement = "for_statement", FunctionDeclarator = "function_declarator",
        FunctionDefinition = "function_definition", GotoStatement = "goto_statement", Identifier = "identifier",
        IfStatement = "if_statement", InitDeclarator = "init_declarator", InitializerList = "initializer_list",
        InitializerPair = "initializer_pair", LabeledStatement = "labeled_statement",
        LambdaCaptureInitializer = "lambda_capture_initializer", LambdaExpression = "lambda_expression",
        MacroTypeSpecifier = "macro_type_specifier", NamespaceAliasDefinition = "namespace_alias_definition",
        NamespaceDefinition = "namespace_definition", NamespaceIdentifier = "namespace_identifier",
        NestedNamespaceSpecifier = "nested_namespace_specifier", NamespaceWord = "'namespace",
        NewExpression = "new_expression", NumberLiteral = "number_literal", OffsetofExpression = "offsetof_expression",
        OperatorCast = "operator_cast", OperatorName = "operator_name",
        OptionalParameterDeclaration = "optional_parameter_declaration",
        OptionalTypeParameterDeclaration = "optional_type_parameter_declaration",
        ParameterDeclaration = "parameter_declaration", ParenthesizedDeclarator = "parenthesized_declarator",
        ParenthesizedExpression = "parenthesized_expression", PlaceholderTypeSpecifier = "placeholder_type_specifier",
        PointerDeclarator = "pointer_declarator", PointerExpression = "pointer_expression",
        PointerTypeDeclarator = "pointer_type_declarator", PreprocCall = "preproc_call", PreprocDef = "preproc_def",
        PreprocFunctionDef = "preproc_function_def", PreprocInclude = "preproc_include",
        PrimitiveType = "primitive_type", QualifiedIdentifier = "qualified_identifier",
        ReferenceDeclarator = "reference_declarator", Semicolon = "';", SizedTypeSpecifier = "sized_type_specifier", SizeofExpression = "sizeof_expression",
        StatementIdentifier = "statement_identifier", StorageClassSpecifier = "storage_class_specifier",
        StringLiteral = "string_literal", StructSpecifier = "struct_specifier",
        StructuredBindingDeclarator = "structured_binding_declarator", SubscriptExpression = "subscript_expression",
        SwitchStatement = "switch_statement", SystemLibString = "system_lib_string",
        TemplateDeclaration = "template_declaration", TemplateFunction = "template_function",
        TemplateTemplateParameter = "template_template_parameter_declaration", TemplateType = "template_type",
        This = "this", TrailingReturnType = "trailing_return_type", TypeDefinition = "type_definition",
        TypeDescriptor = "type_descriptor", TypeIdentifier = "type_identifier",
        TypeParameterDeclaration = "type_parameter_declaration", TypeQualifier = "type_qualifier",
        UnionSpecifier = "union_specifier", UpdateExpression = "update_expression",
        UsingDeclaration = "using_declaration", VariadicDeclarator = "variadic_declarator",
        VariadicParameter = "variadic_parameter", VariadicParameterDeclaration = "variadic_parameter_declaration",
        VariadicTypeParameterDeclaration = "variadic_type_parameter_declaration", WhileStatement = "while_statement",
    }
    fields {
        Alternative = "alternative", Argument = "argument", Arguments = "arguments", Body = "body",
        Captures = "captures", Consequence = "consequence", Declarator = "declarator", DefaultValue = "default_value",
        FieldName = "field", Function = "function", Initializer = "initializer", Left = "left", Member = "member",
        Name = "name", Operator = "operator", Parameters = "parameters", Path = "path", Right = "right",
        Scope = "scope", Size = "size", TypeOf = "type", Value = "value",
    }
}

type Words = Grammar<Kind, Field>;

static C: LazyLock<Words> = LazyLock::new(|| Grammar::new(tree_sitter_c::LANGUAGE));
static PLUS: LazyLock<Words> = LazyLock::new(|| Grammar::new(tree_sitter_cpp::LANGUAGE));

/// Comments above definitions: any kind documents.
const COMMENTS: Comments = Comments { line: &["///", "//!", "//"], block: Some("/*") };

/// The facts of a text in C, or in C++ if that is what it is.
pub fn extract(job: &Job<'_>) -> Facts {
    let is_plus = namespace::is_plus(job.text.0);
    run(job, if is_plus { &PLUS } else { &C }, is_plus)
}

/// The facts of a text in C++.
pub fn extract_plus(job: &Job<'_>) -> Facts {
    run(job, &PLUS, true)
}

fn run(job: &Job<'_>, grammar: &'static Words, is_plus: bool) -> Facts {
    let known = attribute::masked(job.text.0, is_plus);
    let Some(tree) = job.parse_text(&grammar.language, &known) else { return job.nothing() };
    let mut rules = Family::new(job.text, grammar, is_plus);
    // What was blanked is used all the same.
    for annotation in if is_plus { attribute::annotations(job.text.0) } else { Vec::new() } {
        let name = job.text.slice(annotation.name.start, annotation.name.end);
        rules.facts.mention_at(name, annotation.name.start, Role::Call, None);
    }
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.finish(!is_whole)
}

/// State of the rules.
struct Family<'t> {
    text: Text<'t>,
    grammar: &'static Words,
    is_plus: bool,
    facts: Collector,
    scopes: Scopes<'t>,
    /// What is open, the innermost last.
    open: Vec<Open<'t>>,
    /// Functions that are handed to `module_init` and its like.
    entries: HashSet<&'t str>,
    /// Where the template begins that the next definition stands in.
    template: Option<usize>,
    /// Parameters of the function that a macro begins and the next block continues.
    parameters: Vec<(&'t str, Rc<str>)>,
    unknown: Rc<str>,
    /// A part that may hold facts could not be parsed.
    is_torn: bool,
}

/// What a declaration may stand in.
#[derive(Clone, Copy)]
enum Open<'t> {
    /// A struct, union or class; its name is empty where it has none.
    Record {
        name: &'t str,
        is_public: bool,
    },
    Namespace {
        is_hidden: bool,
    },
    /// A function or lambda.
    Function,
}

/// What is done after the children of a node.
enum Later {
    /// Leaves a scope.
    Leave,
    /// Leaves what is open, and its scope.
    Close,
    /// Leaves what is open.
    CloseRecord,
    /// Leaves the scope of the parameters of a template.
    CloseTemplate,
}

type Walk<'t> = walk::Walk<'t, Later>;

impl<'t> Family<'t> {
    fn new(text: Text<'t>, grammar: &'static Words, is_plus: bool) -> Self {
        Self {
            text,
            grammar,
            is_plus,
            facts: Collector::default(),
            scopes: Scopes::default(),
            open: Vec::new(),
            entries: HashSet::new(),
            template: None,
            parameters: Vec::new(),
            unknown: super::expression::unknown().into(),
            is_torn: false,
        }
    }

    /// A word that the grammar does not know, as macros are, tears nothing: the facts round it are there.
    fn finish(mut self, is_cut: bool) -> Facts {
        let entries = &self.entries;
        let is_entry = |name: &str| entries.contains(name);
        for symbol in self.facts.symbols_mut() {
            if symbol.kind == SymbolKind::Function && is_entry(&symbol.name) {
                symbol.flags = symbol.flags.with(Flags::ENTRY);
            }
            // What could not be parsed may name a word of the language.
            if is_keyword(&symbol.name) {
                symbol.name = Box::default();
            }
        }
        self.facts.finish(is_cut || self.is_torn)
    }

    /// Whether what is declared here is local.
    fn is_local(&self) -> bool {
        matches!(self.open.last(), Some(Open::Function))
    }

    /// Visits a node in a scope of its own.
    fn scoped(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        self.scopes.enter();
        walk.children(node);
        walk.later(Later::Leave);
    }
}

reading!(Family);

impl<'t> Rules<'t> for Family<'t> {
    type Later = Later;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Identifier => self.bare(node, Role::Read),
            Kind::TypeIdentifier => self.bare(node, Role::Type),
            Kind::FieldExpression => self.field_expression(node, walk),
            Kind::CallExpression => self.call(node, walk),
            Kind::AssignmentExpression => self.assignment(node, walk),
            Kind::UpdateExpression => self.written(self.field(node, Field::Argument), walk),
            Kind::Declaration | Kind::FieldDeclaration => self.declaration(node, walk),
            Kind::ExpressionStatement => self.statement(node, walk),
            Kind::CompoundStatement => self.block(node, walk),
            Kind::ForStatement => self.scoped(node, walk),
            Kind::IfStatement | Kind::WhileStatement | Kind::SwitchStatement if self.is_plus => self.scoped(node, walk),
            Kind::FunctionDefinition => self.function(node, walk),
            Kind::ParameterDeclaration | Kind::OptionalParameterDeclaration | Kind::VariadicParameterDeclaration => {
                self.parameter_uses(node, walk);
            }
            Kind::StructSpecifier => self.record(node, SymbolKind::Struct, walk),
            Kind::UnionSpecifier => self.record(node, SymbolKind::Union, walk),
            Kind::ClassSpecifier => self.record(node, SymbolKind::Class, walk),
            Kind::EnumSpecifier => self.enumeration(node, walk),
            Kind::Enumerator => self.enumerator(node, walk),
            Kind::TypeDefinition => self.type_definition(node, walk),
            Kind::CastExpression | Kind::SizeofExpression => self.cast_or_sizeof(node, walk),
            Kind::InitializerPair => walk.then(self.field(node, Field::Value)),
            Kind::OffsetofExpression => self.offset_of(node, walk),
            Kind::LabeledStatement => walk.children_but(node, node.named_child(0)),
            Kind::MacroTypeSpecifier => self.macro_type(node),
            Kind::PreprocInclude => self.include(node),
            Kind::PreprocDef | Kind::PreprocFunctionDef => self.define(node),
            Kind::Comment
            | Kind::StringLiteral
            | Kind::CharLiteral
            | Kind::NumberLiteral
            | Kind::PrimitiveType
            | Kind::StorageClassSpecifier
            | Kind::TypeQualifier
            | Kind::AttributeSpecifier
            | Kind::AttributeDeclaration
            | Kind::StatementIdentifier
            | Kind::FieldIdentifier
            | Kind::GotoStatement
            | Kind::PreprocCall => {}
            _ => self.visit_plus(node, walk),
        }
    }

    fn later(&mut self, later: Later, _: &mut Walk<'t>) {
        match later {
            Later::Leave => self.scopes.leave(),
            Later::Close => {
                self.scopes.leave();
                self.open.pop();
            }
            Later::CloseRecord => drop(self.open.pop()),
            Later::CloseTemplate => {
                self.scopes.leave();
                self.template = None;
            }
        }
    }
}

/// What only C++ has.
impl<'t> Family<'t> {
    fn visit_plus(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::QualifiedIdentifier => self.qualified(node, None, walk),
            Kind::TemplateFunction | Kind::TemplateType => self.generic(node, walk),
            Kind::NewExpression => self.new_instance(node, walk),
            Kind::ForRangeLoop => self.range_loop(node, walk),
            Kind::CatchClause => self.catch(node, walk),
            Kind::LambdaExpression => self.lambda(node, walk),
            Kind::LambdaCaptureInitializer => self.capture(node, walk),
            Kind::NamespaceDefinition => self.namespace(node, walk),
            Kind::NamespaceAliasDefinition => self.namespace_alias(node),
            Kind::UsingDeclaration => self.using(node),
            Kind::AliasDeclaration => self.alias(node, walk),
            Kind::TemplateDeclaration => self.template(node, walk),
            Kind::ConceptDefinition => self.concept(node, walk),
            Kind::FieldInitializer => self.field_initializer(node, walk),
            Kind::AccessSpecifier => self.access(node),
            Kind::NamespaceIdentifier | Kind::OperatorName | Kind::DestructorName => {}
            _ if node.is_error() => self.error(node, walk),
            _ => walk.children(node),
        }
    }
}

/// Words that are never names.
fn is_keyword(name: &str) -> bool {
    matches!(
        name,
        "char"
            | "const"
            | "double"
            | "else"
            | "enum"
            | "float"
            | "for"
            | "if"
            | "int"
            | "long"
            | "return"
            | "short"
            | "signed"
            | "static"
            | "struct"
            | "switch"
            | "typedef"
            | "union"
            | "unsigned"
            | "void"
            | "volatile"
            | "while"
    )
}
