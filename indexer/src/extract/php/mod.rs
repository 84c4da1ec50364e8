//! PHP: classes, interfaces, traits, enums, their members, functions, constants.
//!
//! ```text
//! mod          which rule sees which node, and how names are used
//! definition   types and functions
//! member       properties, constants, cases, promoted parameters
//! binding      variables: parameters, assignments, loops, `catch`, closures, `instanceof`
//! expression   receivers, values, types
//! import       `use`, `require`, the namespace
//! doc          types that only comments tell: `@return`, `@param`, `@var`
//! ```
//!
//! Variables are locals everywhere: those of a script are none of its symbols. Properties are called without their `$`.

mod binding;
mod definition;
mod doc;
mod expression;
mod import;
mod member;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Reference, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::collector::{Collector, Ticket};
use super::expression::member;
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::Text;
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        AbstractModifier = "abstract_modifier", AnonymousClass = "anonymous_class",
        AnonymousFunction = "anonymous_function", Argument = "argument", Arguments = "arguments",
        ArrayCreation = "array_creation_expression", ArrayElement = "array_element_initializer",
        ArrowFunction = "arrow_function", Assignment = "assignment_expression", Attribute = "attribute",
        AugmentedAssignment = "augmented_assignment_expression", BaseClause = "base_clause",
        Binary = "binary_expression", Boolean = "boolean", ByRef = "by_ref", CaseEnum = "enum_case",
        CatchClause = "catch_clause", Class = "class_declaration", ClassConstant = "class_constant_access_expression",
        Clone = "clone_expression", ClosureUse = "anonymous_function_use_clause", Comment = "comment",
        Conditional = "conditional_expression", Const = "const_declaration", ConstElement = "const_element",
        Encapsed = "encapsed_string", Enum = "enum_declaration", Float = "float", Foreach = "foreach_statement",
        Function = "function_definition", FunctionCall = "function_call_expression", Heredoc = "heredoc",
        If = "if_statement", Include = "include_expression", IncludeOnce = "include_once_expression",
        Integer = "integer", Interface = "interface_declaration", InterfaceClause = "class_interface_clause",
        ListLiteral = "list_literal", MemberAccess = "member_access_expression", MemberCall = "member_call_expression",
        Method = "method_declaration", Name = "name", NamedType = "named_type",
        NamespaceDefinition = "namespace_definition", NamespaceName = "namespace_name",
        NamespaceUse = "namespace_use_declaration", Null = "null", NullsafeAccess = "nullsafe_member_access_expression",
        NullsafeCall = "nullsafe_member_call_expression", ObjectCreation = "object_creation_expression", Pair = "pair",
        Parenthesized = "parenthesized_expression", PromotedParameter = "property_promotion_parameter",
        Property = "property_declaration", PropertyElement = "property_element",
        PropertyHookList = "property_hook_list", QualifiedName = "qualified_name",
        ReferenceAssignment = "reference_assignment_expression", RelativeName = "relative_name",
        RelativeScope = "relative_scope", Require = "require_expression", RequireOnce = "require_once_expression",
        Return = "return_statement", ScopedCall = "scoped_call_expression",
        ScopedProperty = "scoped_property_access_expression", StaticModifier = "static_modifier",
        StaticVariable = "static_variable_declaration", String = "string", StringContent = "string_content",
        Subscript = "subscript_expression", Text = "text", Trait = "trait_declaration",
        UseClause = "namespace_use_clause", UseDeclaration = "use_declaration", UseGroup = "namespace_use_group",
        VariableName = "variable_name", VariadicParameter = "variadic_parameter",
        VariadicPlaceholder = "variadic_placeholder", VariadicUnpacking = "variadic_unpacking",
        VisibilityModifier = "visibility_modifier",
    }
    fields {
        Alias = "alias", Alternative = "alternative", ArgumentsOf = "arguments", Attributes = "attributes",
        Body = "body", Condition = "condition", Default = "default_value", FunctionOf = "function", Left = "left",
        NameOf = "name", Object = "object", Operator = "operator", Parameters = "parameters",
        ReturnType = "return_type", Right = "right", Scope = "scope", TypeOf = "type", Value = "value",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_php::LANGUAGE_PHP));

/// The facts of a text in PHP.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let mut rules = Php::new(job.text);
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.facts.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Php<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Open types and functions, the innermost last.
    open: Vec<Open>,
    has_package: bool,
    /// Properties whose type is not written, by their type and name: what they are set to first tells it.
    untyped: HashMap<(Ticket, &'t str), Ticket>,
}

/// What a statement may stand in.
#[derive(Clone, Copy)]
enum Open {
    Type {
        ticket: Ticket,
        is_interface: bool,
    },
    /// A function, and whether what it returns is still to be found out.
    Function {
        ticket: Ticket,
        is_open: bool,
    },
    /// A closure.
    Scope,
}

/// What has to be done later.
enum Later<'t> {
    EnterFunction(Node<'t>, Ticket),
    EnterClosure(Node<'t>),
    LeaveType,
    LeaveScope,
    Bind(Node<'t>, Box<str>),
    Assign(Node<'t>, Node<'t>),
    Narrow(&'t str, Box<str>),
    Restore(&'t str, Rc<str>),
}

type Walk<'t> = walk::Walk<'t, Later<'t>>;

impl<'t> Php<'t> {
    fn new(text: Text<'t>) -> Self {
        let (facts, scopes) = (Collector::default(), Scopes::default());
        Self { text, grammar: &GRAMMAR, facts, scopes, open: Vec::new(), has_package: false, untyped: HashMap::new() }
    }

    /// The innermost type.
    fn open_type(&self) -> Option<(Ticket, bool)> {
        self.open.iter().rev().find_map(|open| match open {
            Open::Type { ticket, is_interface } => Some((*ticket, *is_interface)),
            _ => None,
        })
    }
}

reading!(Php);

impl<'t> Rules<'t> for Php<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Comment | Kind::StringContent | Kind::Text | Kind::VariableName | Kind::RelativeScope => {}
            Kind::Name | Kind::QualifiedName | Kind::RelativeName => self.named(node, Role::Read, UNKNOWN_ARITY),
            Kind::NamedType => self.named_type(node),
            Kind::NamespaceDefinition => self.namespace(node, walk),
            Kind::NamespaceUse => self.imports(node),
            Kind::Require | Kind::RequireOnce | Kind::Include | Kind::IncludeOnce => self.require(node, walk),
            Kind::Class | Kind::Interface | Kind::Trait | Kind::Enum => self.class(node, walk),
            Kind::AnonymousClass => self.anonymous_class(node, walk),
            Kind::Function | Kind::Method => self.function(node, walk),
            Kind::Property => self.property(node, walk),
            Kind::Const => self.constants(node, walk),
            Kind::CaseEnum => self.case(node, walk),
            Kind::UseDeclaration => self.uses(node),
            Kind::Attribute => self.attribute(node, walk),
            Kind::FunctionCall => self.call(node, walk),
            Kind::MemberCall | Kind::NullsafeCall | Kind::ScopedCall => self.member_call(node, walk),
            Kind::MemberAccess | Kind::NullsafeAccess | Kind::ScopedProperty => self.access(node, Role::Read, walk),
            Kind::ClassConstant => self.class_constant(node, walk),
            Kind::ObjectCreation => self.creation(node, walk),
            Kind::Argument => walk.children_but(node, self.field(node, Field::NameOf)),
            Kind::ArrayCreation => self.array(node, walk),
            Kind::Assignment | Kind::ReferenceAssignment | Kind::AugmentedAssignment => self.assignment(node, walk),
            Kind::StaticVariable => self.static_variable(node, walk),
            Kind::Foreach => self.foreach(node, walk),
            Kind::CatchClause => self.catch(node, walk),
            Kind::If => self.branch(node, walk),
            Kind::AnonymousFunction | Kind::ArrowFunction => self.closure(node, walk),
            Kind::Return => self.returned(node, walk),
            _ => walk.children(node),
        }
    }

    fn later(&mut self, later: Later<'t>, walk: &mut Walk<'t>) {
        match later {
            Later::EnterFunction(node, ticket) => self.enter_function(node, ticket),
            Later::EnterClosure(node) => self.enter_closure(node),
            Later::LeaveType => drop(self.open.pop()),
            Later::LeaveScope => {
                self.scopes.leave();
                self.open.pop();
            }
            Later::Bind(target, known) => self.bind(target, known, None, walk),
            Later::Assign(target, value) => {
                let known = self.expression(value);
                self.bind(target, known, Some(value), walk);
            }
            Later::Narrow(name, known) => self.scopes.bind(name, known),
            Later::Restore(name, known) => self.scopes.bind(name, known),
        }
    }
}

/// How names are used.
impl<'t> Php<'t> {
    /// `Pool`, `Db\Pool`, `\App\Db\Pool`.
    fn named(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let path = self.path(node);
        let (before, name) = path.rsplit_once('\\').map_or((None, &*path), |(before, name)| (Some(before), name));
        if matches!(
            name.to_ascii_lowercase().as_str(),
            "parent" | "true" | "false" | "null" | "__dir__" | "__file__" | "__class__"
        ) {
            return;
        }
        let last = node.named_child(node.named_child_count().saturating_sub(1) as u32).unwrap_or(node);
        let start = last.start_byte() as u32;
        let receiver = before.filter(|before| !before.is_empty()).map(Into::into);
        self.facts.reference(Reference { name: name.into(), start, role, receiver, n_arguments });
    }

    fn named_type(&mut self, node: Node<'t>) {
        let name = self.text.of(node);
        if !matches!(name.to_ascii_lowercase().as_str(), "self" | "static" | "parent") {
            node.named_child(0).into_iter().for_each(|name| self.named(name, Role::Type, UNKNOWN_ARITY));
        }
    }

    fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::ArgumentsOf);
        let n_arguments = self.n_arguments(arguments);
        match self.field(node, Field::FunctionOf) {
            Some(function) if matches!(self.kind(function), Kind::Name | Kind::QualifiedName | Kind::RelativeName) => {
                self.named(function, self.call_role(arguments), n_arguments);
                if self.text.of(function) == "define" {
                    self.define(node);
                }
            }
            function => walk.then(function),
        }
        walk.then(arguments);
    }

    /// `f(...)` makes a value of a function, it does not call it.
    fn call_role(&self, arguments: Option<Node<'t>>) -> Role {
        let first = arguments
            .and_then(|arguments| arguments.named_child(0))
            .and_then(|first| first.named_child(0).or(Some(first)));
        let is_value = first.is_some_and(|first| self.kind(first) == Kind::VariadicPlaceholder);
        if is_value { Role::Read } else { Role::Call }
    }

    fn member_call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::ArgumentsOf);
        self.member_use(node, self.call_role(arguments), self.n_arguments(arguments), walk);
        walk.then(arguments);
    }

    fn access(&mut self, node: Node<'t>, role: Role, walk: &mut Walk<'t>) {
        self.member_use(node, role, UNKNOWN_ARITY, walk);
    }

    /// The member that `a->b`, `A::b()`, `A::$b` name; what it is a member of is used too.
    fn member_use(&mut self, node: Node<'t>, role: Role, n_arguments: u8, walk: &mut Walk<'t>) {
        let object = self.field(node, Field::Object).or_else(|| self.field(node, Field::Scope));
        let (Some(object), Some(name)) = (object, self.field(node, Field::NameOf)) else { return walk.children(node) };
        let receiver = self.expression(object);
        match self.kind(name) {
            Kind::Name => self.member(name, role, receiver, n_arguments),
            Kind::VariableName if self.kind(node) == Kind::ScopedProperty => {
                let inner = name.named_child(0).unwrap_or(name);
                self.member(inner, role, receiver, n_arguments);
            }
            _ => walk.then(name),
        }
        walk.then(object);
    }

    fn member(&mut self, name: Node<'t>, role: Role, receiver: Box<str>, n_arguments: u8) {
        let start = name.start_byte() as u32;
        let receiver = Some(receiver);
        self.facts.reference(Reference { name: self.text.of(name).into(), start, role, receiver, n_arguments });
    }

    /// `A::B`, `A::class`.
    fn class_constant(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        let [scope, name] = parts[..] else { return walk.children(node) };
        if self.kind(name) == Kind::Name && self.text.of(name) != "class" {
            let receiver = self.expression(scope);
            self.member(name, Role::Read, receiver, UNKNOWN_ARITY);
        }
        walk.then(scope);
    }

    /// `new A(…)`.
    fn creation(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        let arguments = parts.iter().copied().find(|part| self.kind(*part) == Kind::Arguments);
        for part in parts {
            match self.kind(part) {
                Kind::Name | Kind::QualifiedName | Kind::RelativeName => {
                    self.named(part, Role::New, self.n_arguments(arguments))
                }
                _ => walk.then(part),
            }
        }
    }

    fn n_arguments(&self, arguments: Option<Node<'t>>) -> u8 {
        let mut n = 0_u8;
        for argument in arguments.map(walk::named_children).unwrap_or_default() {
            let inner = argument.named_child(0).map(|inner| self.kind(inner));
            match (self.kind(argument), inner) {
                (Kind::Comment, _) => {}
                (Kind::VariadicPlaceholder, _) => return UNKNOWN_ARITY,
                (_, Some(Kind::VariadicUnpacking | Kind::VariadicPlaceholder)) => return UNKNOWN_ARITY,
                _ => n = n.saturating_add(1),
            }
        }
        n
    }

    /// `[$this, 'method']` and `[A::class, 'method']` are callables.
    fn array(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.children(node);
        let parts = walk::named_children(node);
        let [object, name] = parts[..] else { return };
        let (Some(object), Some(name)) = (object.named_child(0), name.named_child(0)) else { return };
        let content = name.named_child(0).filter(|_| self.kind(name) == Kind::String);
        let Some(content) = content.filter(|content| is_name(self.text.of(*content))) else { return };
        let receiver = match self.kind(object) {
            Kind::VariableName if self.text.of(object) == "$this" => "this".into(),
            Kind::ClassConstant if self.text.of(object).ends_with("::class") => match object.named_child(0) {
                Some(class) => self.expression(class),
                None => return,
            },
            _ => return,
        };
        self.member(content, Role::Read, receiver, UNKNOWN_ARITY);
    }

    /// `#[Route("/")]`.
    fn attribute(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::Parameters);
        if let Some(name) = node.named_child(0) {
            self.named(
                name,
                Role::Decorate,
                arguments.map_or(UNKNOWN_ARITY, |arguments| self.n_arguments(Some(arguments))),
            );
        }
        walk.then(arguments);
    }

    /// The member `name` of an expression.
    fn behind(&self, base: &str, sign: &str, name: &str) -> Box<str> {
        member(base, sign, name)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|sign| sign.is_alphanumeric() || sign == '_')
}
