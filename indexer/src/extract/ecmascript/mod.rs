//! JavaScript and TypeScript, with JSX: one set of rules for three grammars, whose words are nearly the same.
//!
//! ```text
//! mod          grammars, and which rule sees which node
//! module       imports and exports, also those of CommonJS
//! definition   functions and variables
//! member       classes, interfaces, enums, object literals
//! binding      parameters, local variables, loops, narrowing
//! usage        names, members, calls, elements of JSX, types
//! expression   receivers and values
//! handed       what functions get that are arguments of others
//! using, variance, signature   what the grammars do not know yet
//! ```
//!
//! A function that a variable of the module is set to is a function; one that a local variable is set to is local.

mod binding;
mod definition;
mod expression;
mod handed;
mod member;
mod module;
mod signature;
#[cfg(test)]
mod tests;
mod usage;
mod using;
mod variance;

use std::borrow::Cow;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Flags, Role};
use memchr::memmem;
use tree_sitter::{Node, Tree};

use self::handed::Given;
use super::collector::{Collector, Ticket};
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::Text;
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        AbstractClass = "abstract_class_declaration", AbstractMethod = "abstract_method_signature",
        Accessibility = "accessibility_modifier", Ambient = "ambient_declaration", Arguments = "arguments", Array = "array",
        ArrayPattern = "array_pattern", ArrowFunction = "arrow_function", AsExpression = "as_expression",
        AssignmentExpression = "assignment_expression", AssignmentPattern = "assignment_pattern",
        AugmentedAssignment = "augmented_assignment_expression", AwaitExpression = "await_expression",
        BinaryExpression = "binary_expression", CallExpression = "call_expression", CatchClause = "catch_clause",
        Class = "class", ClassBody = "class_body", ClassDeclaration = "class_declaration", ClassHeritage = "class_heritage",
        Comment = "comment", ComputedName = "computed_property_name", Decorator = "decorator", ElseClause = "else_clause",
        EnumAssignment = "enum_assignment", EnumBody = "enum_body", EnumDeclaration = "enum_declaration",
        ExportClause = "export_clause", ExportSpecifier = "export_specifier", ExportStatement = "export_statement",
        ExpressionStatement = "expression_statement", ExtendsClause = "extends_clause", ExtendsType = "extends_type_clause",
        False = "false", FieldDefinition = "field_definition", ForInStatement = "for_in_statement",
        ForStatement = "for_statement", FormalParameters = "formal_parameters", FunctionDeclaration = "function_declaration",
        FunctionExpression = "function_expression", FunctionSignature = "function_signature", FunctionType = "function_type",
        GeneratorDeclaration = "generator_function_declaration", GeneratorFunction = "generator_function",
        GenericType = "generic_type", HashBang = "hash_bang_line", Identifier = "identifier", IfStatement = "if_statement",
        ImplementsClause = "implements_clause", ImportClause = "import_clause", ImportKeyword = "import",
        ImportRequire = "import_require_clause", ImportSpecifier = "import_specifier", ImportStatement = "import_statement",
        InterfaceDeclaration = "interface_declaration", InternalModule = "internal_module",
        JsxAttribute = "jsx_attribute", JsxClosing = "jsx_closing_element", JsxOpening = "jsx_opening_element",
        JsxSelfClosing = "jsx_self_closing_element", LabeledStatement = "labeled_statement",
        LexicalDeclaration = "lexical_declaration", MemberExpression = "member_expression",
        MethodDefinition = "method_definition", MethodSignature = "method_signature", Module = "module",
        NamedImports = "named_imports", NamespaceExport = "namespace_export", NamespaceImport = "namespace_import",
        NestedIdentifier = "nested_identifier", NestedType = "nested_type_identifier", NewExpression = "new_expression",
        NonNull = "non_null_expression", Number = "number", Object = "object", ObjectAssignment = "object_assignment_pattern",
        ObjectPattern = "object_pattern", ObjectType = "object_type", OptionalParameter = "optional_parameter", Pair = "pair",
        PairPattern = "pair_pattern", Parenthesized = "parenthesized_expression", ParenthesizedType = "parenthesized_type", UnionType = "union_type", PredefinedType = "predefined_type",
        PrivateName = "private_property_identifier", PropertyName = "property_identifier",
        PropertySignature = "property_signature", PublicField = "public_field_definition", Regex = "regex",
        RequiredParameter = "required_parameter", RestPattern = "rest_pattern", ReturnStatement = "return_statement",
        Satisfies = "satisfies_expression", Sequence = "sequence_expression", Shorthand = "shorthand_property_identifier",
        ShorthandPattern = "shorthand_property_identifier_pattern", Spread = "spread_element",
        StatementBlock = "statement_block", StatementIdentifier = "statement_identifier", String = "string",
        StringFragment = "string_fragment", Subscript = "subscript_expression", Super = "super", SwitchBody = "switch_body",
        TemplateString = "template_string", Ternary = "ternary_expression", This = "this", True = "true",
        TypeAlias = "type_alias_declaration", TypeAnnotation = "type_annotation", TypeArguments = "type_arguments",
        TypeAssertion = "type_assertion", TypeIdentifier = "type_identifier", TypeParameter = "type_parameter", TypePredicate = "type_predicate",
        TypeQuery = "type_query", UpdateExpression = "update_expression", VariableDeclaration = "variable_declaration",
        VariableDeclarator = "variable_declarator",
        Async = "'async", Static = "'static", Get = "'get", Set = "'set", Abstract = "'abstract", Const = "'const",
        Default = "'default", Readonly = "'readonly", InstanceOf = "'instanceof",
    }
    fields {
        Alias = "alias", Alternative = "alternative", Arguments = "arguments", Body = "body", Condition = "condition",
        Consequence = "consequence", Constraint = "constraint", Constructor = "constructor", Declaration = "declaration",
        Decorator = "decorator", Function = "function", Handler = "handler", Index = "index", Key = "key", Kind = "kind",
        Left = "left", ModuleName = "module", Name = "name", Object = "object", Operator = "operator",
        Parameter = "parameter", Parameters = "parameters", Pattern = "pattern", Property = "property",
        ReturnType = "return_type", Right = "right", Source = "source", TypeArguments = "type_arguments", TypeOf = "type",
        TypeParameters = "type_parameters", Value = "value",
    }
}

type Words = Grammar<Kind, Field>;

static JAVASCRIPT: LazyLock<Words> = LazyLock::new(|| Grammar::new(tree_sitter_javascript::LANGUAGE));
static TYPESCRIPT: LazyLock<Words> = LazyLock::new(|| Grammar::new(tree_sitter_typescript::LANGUAGE_TYPESCRIPT));
static TSX: LazyLock<Words> = LazyLock::new(|| Grammar::new(tree_sitter_typescript::LANGUAGE_TSX));

/// The facts of a text in JavaScript; with types (Flow) it is read as TypeScript.
pub fn javascript(job: &Job<'_>) -> Facts {
    extract(job, &JAVASCRIPT, &TSX)
}

/// The facts of a text in TypeScript. Its name would tell whether it has JSX; without it a closing tag does.
pub fn typescript(job: &Job<'_>) -> Facts {
    let has = |sign: &[u8]| memmem::find(job.text.0, sign).is_some();
    if has(b"</") || has(b"/>") { extract(job, &TSX, &TYPESCRIPT) } else { extract(job, &TYPESCRIPT, &TSX) }
}

/// By the first grammar, unless only the second one understands the text, or both once it is put in other words.
fn extract(job: &Job<'_>, first: &'static Words, second: &'static Words) -> Facts {
    let known = using::as_const(job.text.0);
    let Some(tree) = job.parse_text(&first.language, &known) else { return job.nothing() };
    if !tree.root_node().has_error() {
        return facts(job, first, &tree);
    }
    let understood = |grammar: &'static Words, text: &[u8]| {
        let other = job.parse_text(&grammar.language, text)?;
        (!other.root_node().has_error()).then(|| facts(job, grammar, &other))
    };
    let told = told(&known);
    let again = || told.as_deref().and_then(|told| understood(first, told).or_else(|| understood(second, told)));
    let all = understood(second, &known).or_else(again);
    all.unwrap_or_else(|| {
        // What can be understood of it in other words is more than what can be without.
        let other = told.as_deref().and_then(|told| job.parse_text(&first.language, told));
        facts(job, first, other.as_ref().unwrap_or(&tree))
    })
}

/// The text in words that the grammars know; `None`: it is in no others.
fn told(text: &[u8]) -> Option<Vec<u8>> {
    let plain = variance::without(text.into());
    match (signature::apart(&plain), matches!(plain, Cow::Owned(_))) {
        (Cow::Owned(told), _) => Some(told),
        (Cow::Borrowed(told), true) => Some(told.to_vec()),
        (Cow::Borrowed(_), false) => None,
    }
}

fn facts(job: &Job<'_>, grammar: &'static Words, tree: &Tree) -> Facts {
    let mut rules = Script::new(job.text, grammar);
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Script<'t> {
    text: Text<'t>,
    grammar: &'static Words,
    facts: Collector,
    scopes: Scopes<'t>,
    open: Vec<Open>,
    /// Fields that a class has got by `this.x = …`, by its number.
    seen: HashSet<(u32, &'t str)>,
    n_classes: u32,
    /// The export statement that the next declaration stands in.
    export: Option<Export>,
    /// Where the decorators above the next member start.
    decorated: Option<usize>,
    /// How many `declare` are open.
    n_ambient: u32,
    /// For each type that is written with braces whether it is the body of an interface or type alias: only there members
    /// of types are symbols.
    bodies: Vec<bool>,
    /// Names that an export clause or `module.exports` gives to others.
    offered: HashSet<&'t str>,
}

/// An export statement.
#[derive(Clone, Copy)]
struct Export {
    start: usize,
    /// Where it starts without its decorators.
    declared: usize,
    is_default: bool,
}

/// What a definition may stand in.
#[derive(Clone, Copy)]
enum Open {
    Class {
        ticket: Ticket,
        number: u32,
    },
    /// A function; `ticket` while what it returns is still to be found out.
    Function {
        ticket: Option<Ticket>,
    },
}

/// What is done after the children of a node.
enum Later<'t> {
    Leave,
    /// Leaves a function or class.
    Close,
    EndAmbient,
    /// The body of an interface or type alias.
    Body(Node<'t>),
    EndBody,
    EndExport,
    Bind {
        target: Node<'t>,
        value: Value<'t>,
    },
    /// Sets a local variable.
    Assign(&'t str, Node<'t>),
    Restore(&'t str, Rc<str>),
    Narrow(Node<'t>),
    /// What an arrow without braces gives.
    Returned(Node<'t>),
    /// A function that is an argument, what its first parameter is, what is called, and which argument it is.
    Callback {
        node: Node<'t>,
        first: Box<str>,
        called: Box<str>,
        argument: usize,
    },
    /// A variable, its statement if it is alone in it, and what exports it.
    Declare(Node<'t>, Option<Node<'t>>, Option<Export>),
    /// What CommonJS exports under a name: the whole, the name, the value.
    Exported(Node<'t>, Node<'t>, Node<'t>),
    /// Decorators stand above the next member.
    Decorated(usize),
    /// A property or element of an object literal of the module.
    Member {
        node: Node<'t>,
        is_typed: bool,
    },
}

/// Where a bound value comes from.
#[derive(Clone, Copy)]
enum Value<'t> {
    Of(Node<'t>),
    Each(Node<'t>),
    OfType(Node<'t>),
    Unknown,
}

type Walk<'t> = walk::Walk<'t, Later<'t>>;

impl<'t> Script<'t> {
    fn new(text: Text<'t>, grammar: &'static Words) -> Self {
        Self {
            text,
            grammar,
            facts: Collector::default(),
            scopes: Scopes::default(),
            open: Vec::new(),
            seen: HashSet::new(),
            n_classes: 0,
            export: None,
            decorated: None,
            n_ambient: 0,
            bodies: Vec::new(),
            offered: HashSet::new(),
        }
    }

    /// What an export clause names is there for others.
    fn finish(mut self, partial: bool) -> Facts {
        let offered = &self.offered;
        for symbol in self.facts.symbols_mut().iter_mut().filter(|symbol| offered.contains(&*symbol.name)) {
            symbol.flags = symbol.flags.with(Flags::EXPORTED);
        }
        self.facts.finish(partial)
    }

    /// Children of one kind.
    fn children_of(&self, node: Node<'t>, kind: Kind) -> Vec<Node<'t>> {
        let mut children = walk::named_children(node);
        children.retain(|child| self.kind(*child) == kind);
        children
    }

    /// Whether a node has a word as one of its own tokens: `async`, `static`.
    fn has_token(&self, node: Node<'t>, token: Kind) -> bool {
        (0..6).map_while(|at| node.child(at)).any(|child| self.kind(child) == token)
    }

    /// Whether no function and no block is open.
    fn is_at_top(&self) -> bool {
        !self.scopes.is_inside()
    }
}

reading!(Script);

impl<'t> Rules<'t> for Script<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let kind = self.kind(node);
        if !self.definition(node, kind, walk) && !self.statement(node, kind, walk) {
            self.usage(node, kind, walk);
        }
    }

    fn later(&mut self, later: Later<'t>, walk: &mut Walk<'t>) {
        match later {
            Later::Leave => self.scopes.leave(),
            Later::Close => drop(self.open.pop()),
            Later::EndAmbient => self.n_ambient -= 1,
            Later::Body(node) => self.type_body(node, true, walk),
            Later::EndBody => drop(self.bodies.pop()),
            Later::EndExport => self.export = None,
            Later::Bind { target, value } => self.bind(target, value, walk),
            Later::Assign(name, value) => self.assign(name, value),
            Later::Restore(name, known) => self.scopes.bind(name, known),
            Later::Narrow(condition) => self.narrow(condition),
            Later::Returned(value) => self.returns(value),
            Later::Callback { node, first, called, argument } => {
                self.callback(node, Given { first: &first, of_call: Some((&called, argument)) }, walk);
            }
            Later::Declare(declarator, statement, export) => self.declare(declarator, statement, export, walk),
            Later::Exported(node, name, value) => self.exported_value(node, name, value, walk),
            Later::Decorated(start) => self.decorated = Some(start),
            Later::Member { node, is_typed } => self.literal_member(node, is_typed, walk),
        }
    }
}

impl<'t> Script<'t> {
    /// Declarations and members. False: the node is none.
    fn definition(&mut self, node: Node<'t>, kind: Kind, walk: &mut Walk<'t>) -> bool {
        match kind {
            Kind::ImportStatement => self.import(node),
            Kind::ExportStatement => self.export(node, walk),
            Kind::FunctionDeclaration | Kind::GeneratorDeclaration | Kind::FunctionSignature => {
                self.function(node, walk)
            }
            Kind::ClassDeclaration | Kind::AbstractClass => self.class(node, walk),
            Kind::Class => self.class_expression(node, walk),
            Kind::ClassBody => self.class_body(node, walk),
            Kind::LexicalDeclaration | Kind::VariableDeclaration => self.variables(node, walk),
            Kind::InterfaceDeclaration => self.interface(node, walk),
            Kind::TypeAlias => self.type_alias(node, walk),
            Kind::EnumDeclaration => self.enumeration(node, walk),
            Kind::InternalModule | Kind::Module => self.namespace(node, walk),
            Kind::Ambient => self.ambient(node, walk),
            Kind::MethodDefinition => self.method(node, walk),
            Kind::MethodSignature | Kind::AbstractMethod => self.method_signature(node, walk),
            Kind::PublicField | Kind::FieldDefinition => self.class_field(node, walk),
            Kind::PropertySignature => self.property_signature(node, walk),
            _ => return false,
        }
        true
    }

    /// What opens scopes and binds names. False: the node does neither.
    fn statement(&mut self, node: Node<'t>, kind: Kind, walk: &mut Walk<'t>) -> bool {
        match kind {
            Kind::StatementBlock | Kind::SwitchBody | Kind::ForStatement => {
                self.scopes.enter();
                walk.children(node);
                walk.later(Later::Leave);
            }
            Kind::ForInStatement => self.for_in(node, walk),
            Kind::CatchClause => self.catch(node, walk),
            Kind::IfStatement => self.branch(node, walk),
            Kind::ArrowFunction | Kind::FunctionExpression | Kind::GeneratorFunction => {
                self.callback(node, Given::NOTHING, walk)
            }
            Kind::ReturnStatement => {
                walk.children(node);
                node.named_child(0).into_iter().for_each(|value| self.returns(value));
            }
            Kind::AssignmentExpression => self.assignment(node, walk),
            Kind::AugmentedAssignment | Kind::UpdateExpression => self.update(node, walk),
            _ => return false,
        }
        true
    }

    /// Nodes that use names, and all that only hold others.
    fn usage(&mut self, node: Node<'t>, kind: Kind, walk: &mut Walk<'t>) {
        match kind {
            Kind::Identifier | Kind::Shorthand => self.bare(node, Role::Read),
            Kind::TypeIdentifier => self.bare(node, Role::Type),
            Kind::NestedType | Kind::NestedIdentifier => self.nested(node, walk),
            Kind::MemberExpression => self.member(node, Role::Read, walk),
            Kind::CallExpression => self.call(node, walk),
            Kind::NewExpression => self.new_expression(node, walk),
            Kind::Decorator => self.decorator(node, walk),
            Kind::JsxOpening | Kind::JsxSelfClosing => self.element(node, walk),
            Kind::JsxAttribute => walk.children_but(node, node.named_child(0)),
            Kind::Pair => self.pair(node, walk),
            Kind::ObjectType => self.type_body(node, false, walk),
            Kind::Object => {
                // Its methods are none of the class round it.
                self.open.push(Open::Function { ticket: None });
                walk.children(node);
                walk.later(Later::Close);
            }
            Kind::TypePredicate => walk.then(self.field(node, Field::TypeOf)),
            Kind::FunctionType => self.function_type(node, walk),
            Kind::TypeParameter => walk.children_but(node, self.field(node, Field::Name)),
            Kind::Comment
            | Kind::String
            | Kind::Regex
            | Kind::JsxClosing
            | Kind::StatementIdentifier
            | Kind::PredefinedType
            | Kind::HashBang
            | Kind::PropertyName
            | Kind::PrivateName => {}
            _ => walk.children(node),
        }
    }
}
