//! Rust: items wherever they stand, fields, variants; what macros are called with is read token by token.
//!
//! ```text
//! mod          which rule sees which node
//! item         functions, types, impls, constants, modules, macros
//! attribute    what stands in `#[…]`
//! path         paths, types, calls, members
//! pattern      `let`, `for`, `match`, `if let`, parameters, closures
//! expression   receivers and values
//! token        arguments of macros
//! made         what macros of the file define
//! import       `use`
//! ```
//!
//! Where a macro stands in the place of an item and its braces hold items, they are parsed once more by themselves.

mod attribute;
mod expression;
mod import;
mod item;
mod made;
mod path;
mod pattern;
#[cfg(test)]
mod tests;
mod token;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Flags, Role};
use tree_sitter::Node;

use self::made::Making;
use super::collector::Collector;
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::Text;
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        Arguments = "arguments", ArrayExpression = "array_expression", AssignmentExpression = "assignment_expression",
        AssociatedType = "associated_type", Attribute = "attribute", AttributeItem = "attribute_item",
        AwaitExpression = "await_expression", Block = "block", BlockComment = "block_comment",
        BooleanLiteral = "boolean_literal", BracketedType = "bracketed_type", CallExpression = "call_expression",
        CapturedPattern = "captured_pattern", CharLiteral = "char_literal", ClosureExpression = "closure_expression",
        CompoundAssignment = "compound_assignment_expr", ConstItem = "const_item", ConstParameter = "const_parameter",
        Crate = "crate", DeclarationList = "declaration_list", DynamicType = "dynamic_type", ElseClause = "else_clause",
        EnumItem = "enum_item", EnumVariant = "enum_variant", ExpressionStatement = "expression_statement",
        ExternCrate = "extern_crate_declaration", FieldDeclaration = "field_declaration",
        FieldExpression = "field_expression", FieldIdentifier = "field_identifier",
        FieldInitializer = "field_initializer", FieldPattern = "field_pattern", ForExpression = "for_expression",
        ForeignMod = "foreign_mod_item", FunctionItem = "function_item", FunctionModifiers = "function_modifiers",
        FunctionSignature = "function_signature_item", GenericFunction = "generic_function",
        GenericPattern = "generic_pattern", GenericType = "generic_type",
        GenericTurbofish = "generic_type_with_turbofish", Identifier = "identifier", IfExpression = "if_expression",
        ImplItem = "impl_item", IndexExpression = "index_expression", InnerAttribute = "inner_attribute_item",
        IntegerLiteral = "integer_literal", Label = "label", LetCondition = "let_condition",
        LetDeclaration = "let_declaration", Lifetime = "lifetime", LineComment = "line_comment",
        MacroRule = "macro_rule", TreePattern = "token_tree_pattern", RepetitionPattern = "token_repetition_pattern",
        BindingPattern = "token_binding_pattern", TokenRepetition = "token_repetition",
        MacroDefinition = "macro_definition", MacroInvocation = "macro_invocation", MatchArm = "match_arm",
        MatchExpression = "match_expression", MatchPattern = "match_pattern", Metavariable = "metavariable",
        ModItem = "mod_item", MutPattern = "mut_pattern", OrPattern = "or_pattern", OrderedFields = "ordered_field_declaration_list", Parameter = "parameter",
        Parenthesized = "parenthesized_expression", PrimitiveType = "primitive_type", QualifiedType = "qualified_type",
        RangeExpression = "range_expression", RawString = "raw_string_literal", RefPattern = "ref_pattern",
        ReferenceExpression = "reference_expression", ReferencePattern = "reference_pattern",
        ReferenceType = "reference_type", RemainingPattern = "remaining_field_pattern", ScopedIdentifier = "scoped_identifier",
        ScopedType = "scoped_type_identifier", ScopedUseList = "scoped_use_list", SelfParameter = "self_parameter",
        SelfValue = "self", ShorthandField = "shorthand_field_identifier",
        ShorthandInitializer = "shorthand_field_initializer", SlicePattern = "slice_pattern", StaticItem = "static_item",
        StringLiteral = "string_literal", StructExpression = "struct_expression", StructItem = "struct_item",
        StructPattern = "struct_pattern", Super = "super", TokenTree = "token_tree", TraitItem = "trait_item",
        TryExpression = "try_expression", TupleExpression = "tuple_expression", TuplePattern = "tuple_pattern",
        TupleStructPattern = "tuple_struct_pattern", TypeBinding = "type_binding", TypeCast = "type_cast_expression",
        TypeIdentifier = "type_identifier", TypeItem = "type_item", TypeParameter = "type_parameter",
        UnaryExpression = "unary_expression", UnionItem = "union_item", UnsafeBlock = "unsafe_block",
        UseAs = "use_as_clause", UseDeclaration = "use_declaration", UseList = "use_list", UseWildcard = "use_wildcard",
        VariadicParameter = "variadic_parameter", Visibility = "visibility_modifier", WherePredicate = "where_predicate",
        WhileExpression = "while_expression", Wildcard = "'_", Async = "'async", Macro = "'!", Dot = "'.", Colons = "'::",
        Question = "'?", Let = "'let", Mut = "mutable_specifier", Pipe = "'|", Await = "'await", Ref = "'ref",
        UnionWord = "'union", DefaultWord = "'default", GenWord = "'gen",
    }
    fields {
        Alias = "alias", Alternative = "alternative", Arguments = "arguments", Body = "body", Bounds = "bounds",
        Condition = "condition", Consequence = "consequence", FieldName = "field", Function = "function", Left = "left",
        List = "list", MacroName = "macro", Name = "name", Parameters = "parameters", Path = "path", Pattern = "pattern",
        ReturnType = "return_type", Right = "right", Trait = "trait", TypeArguments = "type_arguments", TypeOf = "type",
        TypeParameters = "type_parameters", Value = "value",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_rust::LANGUAGE));

/// Most macros of a file whose braces are parsed once more.
const MAX_NESTED: usize = 1000;

/// The facts of a text in Rust.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let mut rules = Rust::new(job.text, Collector::default());
    let mut is_whole = walk::walk(tree.root_node(), &mut rules, job) && !tree.root_node().has_error();
    let (mut facts, mut nested) = (rules.facts, rules.nested);
    for _ in 0..MAX_NESTED {
        let Some(part) = nested.pop() else { break };
        let Some(tree) = job.parse_part(&GRAMMAR.language, part.range.clone()) else {
            is_whole = false;
            break;
        };
        let mut rules = Rust::new(job.text, facts);
        rules.context = part.context;
        // What is no item is no error: the tokens were read.
        if !tree.root_node().has_error() {
            rules.facts.forget(&part.range);
            is_whole &= walk::walk(tree.root_node(), &mut rules, job);
        }
        nested.append(&mut rules.nested);
        facts = rules.facts;
    }
    facts.finish(!is_whole)
}

/// State of the rules.
struct Rust<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Attributes above what comes next.
    attributes: Vec<Node<'t>>,
    context: Context,
    /// What is round the context.
    outer: Vec<Context>,
    /// Values of the open `match`es.
    matched: Vec<Box<str>>,
    /// Braces of macros that may hold items.
    nested: Vec<Nested>,
    /// Rules of the macros that define something, by their names.
    makings: HashMap<&'t str, Vec<Making<'t>>>,
    /// Where names stand that macros define: they use nothing.
    made: HashSet<usize>,
}

/// Where an item stands.
#[derive(Clone, Default)]
struct Context {
    place: Place,
    /// Flags that all that is in it has.
    flags: Flags,
}

#[derive(Clone, Default)]
enum Place {
    #[default]
    Module,
    Function,
    Trait,
    Impl {
        of: Box<str>,
        interface: Option<Box<str>>,
    },
    Extern,
    /// An enum or struct whose members are as visible as it is.
    Type {
        is_exported: bool,
    },
}

/// Braces of a macro that may hold items, and where they stand.
struct Nested {
    range: Range<usize>,
    context: Context,
}

/// What is done after the children of a node.
enum Later<'t> {
    Leave,
    LeaveContext,
    Bind {
        pattern: Node<'t>,
        value: Value<'t>,
    },
    /// Opens a scope.
    Enter,
    Match(Node<'t>),
    LeaveMatch,
    /// A closure, and what its parameters are.
    Closure(Node<'t>, Box<str>),
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

impl<'t> Rust<'t> {
    fn new(text: Text<'t>, facts: Collector) -> Self {
        Self {
            text,
            grammar: &GRAMMAR,
            facts,
            scopes: Scopes::default(),
            attributes: Vec::new(),
            context: Context::default(),
            outer: Vec::new(),
            matched: Vec::new(),
            nested: Vec::new(),
            makings: HashMap::new(),
            made: HashSet::new(),
        }
    }

    /// Children of one kind.
    fn children_of(&self, node: Node<'t>, kind: Kind) -> Vec<Node<'t>> {
        let mut children = walk::named_children(node);
        children.retain(|child| self.kind(*child) == kind);
        children
    }

    /// Names that others use may be written as `r#name`.
    fn name(&self, node: Node<'_>) -> &'t str {
        let text = self.text.of(node);
        text.strip_prefix("r#").unwrap_or(text)
    }

    /// Whether a bare name is bound locally.
    fn is_local(&self, name: &str) -> bool {
        self.scopes.find(name).is_some()
    }

    fn enter_context(&mut self, place: Place, flags: Flags, walk: &mut Walk<'t>, body: impl Into<Option<Node<'t>>>) {
        let flags = flags.with(self.context.flags);
        self.outer.push(std::mem::replace(&mut self.context, Context { place, flags }));
        walk.then(body);
        walk.later(Later::LeaveContext);
    }
}

reading!(Rust);

impl<'t> Rules<'t> for Rust<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let kind = self.kind(node);
        match kind {
            Kind::LineComment | Kind::BlockComment => return,
            Kind::AttributeItem => return self.attributes.push(node),
            _ => {}
        }
        let attributes = std::mem::take(&mut self.attributes);
        if !self.item(node, kind, &attributes, walk) && !self.binding(node, kind, walk) {
            self.usage(node, kind, walk);
        }
    }

    fn later(&mut self, later: Later<'t>, walk: &mut Walk<'t>) {
        match later {
            Later::Leave => self.scopes.leave(),
            Later::LeaveContext => self.context = self.outer.pop().unwrap_or_default(),
            Later::Bind { pattern, value } => self.bind(pattern, value, walk),
            Later::Enter => self.scopes.enter(),
            Later::Match(value) => self.matched.push(self.expression(value)),
            Later::LeaveMatch => drop(self.matched.pop()),
            Later::Closure(node, known) => self.closure(node, &known, walk),
        }
    }
}

impl<'t> Rust<'t> {
    /// Nodes that use names, and all that only hold others.
    fn usage(&mut self, node: Node<'t>, kind: Kind, walk: &mut Walk<'t>) {
        match kind {
            Kind::Identifier => self.bare(node, Role::Read),
            Kind::TypeIdentifier => self.bare(node, Role::Type),
            Kind::ScopedIdentifier => self.scoped(node, Role::Read, walk),
            Kind::ScopedType => self.scoped(node, Role::Type, walk),
            Kind::CallExpression => self.call(node, walk),
            Kind::FieldExpression => self.member(node, Role::Read, walk),
            Kind::AssignmentExpression | Kind::CompoundAssignment => self.assignment(node, walk),
            Kind::StructExpression => self.instance(node, walk),
            Kind::MacroInvocation => self.invocation(node, walk),
            Kind::TokenTree => self.tokens(node, walk),
            Kind::TypeBinding => {
                walk.then(self.field(node, Field::TypeOf));
                walk.then(self.field(node, Field::TypeArguments));
            }
            Kind::Lifetime | Kind::Label | Kind::Visibility | Kind::InnerAttribute | Kind::Metavariable => {}
            _ => walk.children(node),
        }
    }
}
