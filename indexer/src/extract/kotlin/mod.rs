//! Kotlin: types, members, functions, imports, supertypes, and calls with their receivers.
//!
//! Members of a companion without a name belong to its class; a function with a receiver has it as its qualifier.

mod definition;
mod expression;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Import, Reference, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::collector::{Collector, Ticket};
use super::expression::{of_type, unknown};
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::{Text, span};
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        AnnotatedLambda = "annotated_lambda", Annotation = "annotation", AnonymousFunction = "anonymous_function",
        AsExpression = "as_expression", Assignment = "assignment", Binary = "binary_expression",
        BlockComment = "block_comment", Call = "call_expression", CallableReference = "callable_reference",
        CatchBlock = "catch_block", CharacterLiteral = "character_literal", Class = "class_declaration",
        ClassBody = "class_body", ClassModifier = "class_modifier", ClassParameters = "class_parameters",
        Companion = "companion_object", ConstructorInvocation = "constructor_invocation",
        Delegations = "delegation_specifiers", EnumBody = "enum_class_body", EnumEntry = "enum_entry",
        ExplicitDelegation = "explicit_delegation", FloatLiteral = "float_literal", For = "for_statement",
        Function = "function_declaration", FunctionBody = "function_body",
        FunctionParameters = "function_value_parameters", Getter = "getter", Identifier = "identifier",
        Import = "import", Index = "index_expression", InheritanceModifier = "inheritance_modifier",
        InterfaceWord = "'interface", Lambda = "lambda_literal", LambdaParameters = "lambda_parameters",
        LineComment = "line_comment", Modifiers = "modifiers", MultiVariable = "multi_variable_declaration",
        Navigation = "navigation_expression", NullableType = "nullable_type", NumberLiteral = "number_literal",
        Object = "object_declaration", ObjectLiteral = "object_literal", PackageHeader = "package_header",
        Parameter = "parameter", ParameterModifiers = "parameter_modifiers", Parenthesized = "parenthesized_expression",
        PrimaryConstructor = "primary_constructor", Property = "property_declaration",
        PropertyModifier = "property_modifier", SecondaryConstructor = "secondary_constructor", Setter = "setter",
        Spread = "spread_expression", StringContent = "string_content", StringLiteral = "string_literal",
        Super = "super_expression", This = "this_expression", TypeAlias = "type_alias",
        TypeArguments = "type_arguments", TypeParameters = "type_parameters", Unary = "unary_expression",
        UserType = "user_type", ValWord = "'val", ValueArgument = "value_argument", ValueArguments = "value_arguments",
        VarWord = "'var", VariableDeclaration = "variable_declaration", VisibilityModifier = "visibility_modifier",
        WhenSubject = "when_subject",
    }
    fields {
        Argument = "argument", Left = "left", Name = "name", Operator = "operator", Right = "right", TypeOf = "type",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_kotlin_ng::LANGUAGE));

/// The facts of a text in Kotlin.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let (facts, scopes) = (Collector::default(), Scopes::default());
    let mut rules = Kotlin { text: job.text, grammar: &GRAMMAR, facts, scopes, open: Vec::new() };
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.facts.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Kotlin<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Open types and functions, the innermost last.
    open: Vec<Open>,
}

/// What a statement may stand in.
#[derive(Clone, Copy)]
enum Open {
    Type {
        ticket: Ticket,
        is_interface: bool,
        /// What it holds belongs to no instance: an object, a companion.
        is_static: bool,
    },
    Function,
}

/// What has to be done later.
enum Later<'t> {
    EnterFunction(Node<'t>),
    LeaveFunction,
    LeaveType,
    EnterScope,
    /// The scope of a lambda, and what its only parameter is.
    EnterBlock(Node<'t>, Box<str>),
    LeaveBlock,
    /// A name that is bound to a value.
    Bind(&'t str, Value<'t>),
}

/// What a name is bound to.
enum Value<'t> {
    Of(Node<'t>),
    Each(Node<'t>),
    Known(Box<str>),
}

type Walk<'t> = walk::Walk<'t, Later<'t>>;

impl<'t> Kotlin<'t> {
    /// The first child of a kind, tokens too.
    fn part(&self, node: Node<'t>, kind: Kind) -> Option<Node<'t>> {
        walk::children(node).into_iter().find(|part| self.kind(*part) == kind)
    }
}

reading!(Kotlin);

impl<'t> Rules<'t> for Kotlin<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::BlockComment | Kind::LineComment | Kind::StringContent | Kind::TypeParameters => {}
            Kind::PackageHeader => {
                node.named_child(0).into_iter().for_each(|name| self.facts.package(self.text.of(name)))
            }
            Kind::Import => self.import(node),
            Kind::Class | Kind::Object | Kind::Companion | Kind::ObjectLiteral => self.class(node, walk),
            Kind::EnumEntry => self.entry(node, walk),
            Kind::TypeAlias => self.alias(node, walk),
            Kind::Function | Kind::SecondaryConstructor => self.function(node, walk),
            Kind::Property => self.property(node, walk),
            Kind::Getter | Kind::Setter | Kind::AnonymousFunction => self.body(node, walk),
            Kind::Identifier => self.bare(node, Role::Read, UNKNOWN_ARITY),
            Kind::UserType => self.type_use(node, Role::Type, walk),
            Kind::Call => self.call(node, walk),
            Kind::Navigation => self.member(node, Role::Read, UNKNOWN_ARITY, walk),
            Kind::CallableReference => self.member(node, Role::Read, UNKNOWN_ARITY, walk),
            Kind::Assignment => self.assignment(node, walk),
            Kind::ValueArgument => self.argument(node, walk),
            Kind::Lambda => self.lambda(node, unknown(), walk),
            Kind::VariableDeclaration => walk.children_but(node, self.part(node, Kind::Identifier)),
            Kind::For => self.for_loop(node, walk),
            Kind::CatchBlock => self.catch(node, walk),
            Kind::WhenSubject => self.subject(node, walk),
            Kind::Annotation => self.annotation(node, walk),
            _ => walk.children(node),
        }
    }

    fn later(&mut self, later: Later<'t>, _: &mut Walk<'t>) {
        match later {
            Later::EnterFunction(node) => self.enter_function(node),
            Later::LeaveType => drop(self.open.pop()),
            Later::LeaveFunction => self.leave_function(),
            Later::EnterScope => self.scopes.enter(),
            Later::EnterBlock(node, element) => self.enter_block(node, element),
            Later::LeaveBlock => self.scopes.leave(),
            Later::Bind(name, value) => {
                let known = match value {
                    Value::Of(node) => self.expression(node),
                    Value::Each(node) => super::expression::with(&self.expression(node), "[]"),
                    Value::Known(known) => known,
                };
                self.scopes.bind(name, known);
            }
        }
    }
}

/// How names are used.
impl<'t> Kotlin<'t> {
    fn bare(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let name = self.text.of(node);
        if self.scopes.find(name).is_none() && !matches!(name, "null" | "true" | "false" | "field") {
            self.used(node, role, None, n_arguments);
        }
    }

    fn used(&mut self, name: Node<'t>, role: Role, receiver: Option<Box<str>>, n_arguments: u8) {
        let start = name.start_byte() as u32;
        self.facts.reference(Reference { name: self.text.of(name).into(), start, role, receiver, n_arguments });
    }

    /// `a.B<C>` as a type.
    fn type_use(&mut self, node: Node<'t>, role: Role, walk: &mut Walk<'t>) {
        let names: Vec<_> =
            walk::named_children(node).into_iter().filter(|part| self.kind(*part) == Kind::Identifier).collect();
        if let Some((&last, before)) = names.split_last() {
            let receiver: Vec<_> = before.iter().map(|part| self.text.of(*part)).collect();
            self.used(last, role, (!receiver.is_empty()).then(|| receiver.join(".").into()), UNKNOWN_ARITY);
        }
        walk.then(self.part(node, Kind::TypeArguments));
    }

    fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(function) = node.named_child(0) else { return };
        let lambda = self.part(node, Kind::AnnotatedLambda).and_then(|outer| self.part(outer, Kind::Lambda));
        let arguments = self.part(node, Kind::ValueArguments);
        let n_arguments = self.n_arguments(arguments, lambda.is_some());
        match self.kind(function) {
            Kind::Identifier => self.bare(function, Role::Call, n_arguments),
            Kind::Navigation => self.member(function, Role::Call, n_arguments, walk),
            _ => walk.then(function),
        }
        walk.then(self.part(node, Kind::TypeArguments));
        walk.then(arguments);
        if let Some(lambda) = lambda {
            let element = self.given(function);
            self.lambda(lambda, element, walk);
        }
    }

    fn n_arguments(&self, arguments: Option<Node<'t>>, has_lambda: bool) -> u8 {
        let mut n = u8::from(has_lambda);
        for argument in arguments.map(walk::named_children).unwrap_or_default() {
            if argument.named_child(0).is_some_and(|inner| self.kind(inner) == Kind::Spread) {
                return UNKNOWN_ARITY;
            }
            n = n.saturating_add(u8::from(self.kind(argument) == Kind::ValueArgument));
        }
        n
    }

    /// `a.b`, `a::b`.
    fn member(&mut self, node: Node<'t>, role: Role, n_arguments: u8, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        match (parts.first().copied(), parts.last().copied()) {
            (Some(object), Some(name)) if parts.len() > 1 && self.kind(name) == Kind::Identifier => {
                let receiver = self.expression(object);
                if self.text.of(name) != "class" {
                    self.used(name, role, Some(receiver), n_arguments);
                }
                walk.then(object);
            }
            (Some(only), _) if parts.len() == 1 => walk.then(only),
            _ => walk.children(node),
        }
    }

    fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.field(node, Field::Left) {
            Some(left) if self.kind(left) == Kind::Identifier => self.bare(left, Role::Write, UNKNOWN_ARITY),
            Some(left) if self.kind(left) == Kind::Navigation => self.member(left, Role::Write, UNKNOWN_ARITY, walk),
            left => walk.then(left),
        }
        walk.then(self.field(node, Field::Right));
    }

    /// The name in `f(name = value)` is that of a parameter.
    fn argument(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        let is_named = parts.len() > 1 && walk::children(node).iter().any(|part| self.text.of(*part) == "=");
        walk.children_but(node, parts.first().copied().filter(|_| is_named));
    }

    fn annotation(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        for part in walk::named_children(node) {
            let class = if self.kind(part) == Kind::ConstructorInvocation { part.named_child(0) } else { Some(part) };
            class
                .into_iter()
                .filter(|class| self.grammar.kind(*class) == Kind::UserType)
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|class| self.type_use(class, Role::Decorate, walk));
            walk.then(self.part(part, Kind::ValueArguments));
        }
    }

    /// `import a.b.C as D`, `import a.b.*`.
    fn import(&mut self, node: Node<'t>) {
        let Some(path) = node.named_child(0) else { return };
        let is_all = self.text.of(node).trim_end().ends_with('*');
        let alias = node.named_child(1).filter(|alias| self.kind(*alias) == Kind::Identifier);
        self.facts.import(Import {
            module: super::expression::type_text(self.text.of(path), &[], &[]),
            name: is_all.then(|| "*".into()),
            alias: alias.map(|alias| self.text.of(alias).into()),
            start: span(path).start,
            reexported: false,
        });
    }
}

/// Scopes.
impl<'t> Kotlin<'t> {
    fn lambda(&mut self, node: Node<'t>, element: Box<str>, walk: &mut Walk<'t>) {
        let parameters = self.part(node, Kind::LambdaParameters);
        walk.later(Later::EnterBlock(node, element));
        walk.children_but(node, parameters);
        walk.later(Later::LeaveBlock);
    }

    fn enter_block(&mut self, lambda: Node<'t>, element: Box<str>) {
        self.scopes.enter();
        let Some(parameters) = self.part(lambda, Kind::LambdaParameters) else {
            return self.scopes.bind("it", element);
        };
        for (at, parameter) in walk::named_children(parameters).into_iter().enumerate() {
            let known = if at == 0 { element.clone() } else { unknown() };
            for (name, known) in self.declared(parameter, known) {
                self.scopes.bind(name, known);
            }
        }
    }

    /// Names of `a: A` or `(a, b)` with their types.
    fn declared(&self, node: Node<'t>, known: Box<str>) -> Vec<(&'t str, Box<str>)> {
        let is_many = self.kind(node) == Kind::MultiVariable;
        let variables = if is_many { walk::named_children(node) } else { vec![node] };
        let one = |variable: Node<'t>| {
            let parts = walk::named_children(variable);
            let name = parts.iter().find(|part| self.kind(**part) == Kind::Identifier);
            let annotation = parts.last().filter(|last| self.kind(**last) != Kind::Identifier);
            let known = if is_many { unknown() } else { known.clone() };
            let known = annotation.map_or(known, |annotation| of_type(&self.type_of(*annotation)));
            (name.map_or("", |name| self.text.of(*name)), known)
        };
        variables.into_iter().map(one).collect()
    }

    fn for_loop(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        walk.later(Later::EnterScope);
        for (at, part) in parts.iter().enumerate() {
            match self.kind(*part) {
                Kind::VariableDeclaration | Kind::MultiVariable => {
                    let over = parts.get(at + 1).copied();
                    let names = self.declared(*part, unknown());
                    let is_one = names.len() == 1;
                    for (name, known) in names {
                        let value = over.filter(|_| is_one && &*known == "?").map_or(Value::Known(known), Value::Each);
                        walk.later(Later::Bind(name, value));
                    }
                }
                _ => walk.then(*part),
            }
        }
        walk.later(Later::LeaveBlock);
    }

    /// `catch (error: Error) { … }`.
    fn catch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        let name = parts.iter().position(|part| self.kind(*part) == Kind::Identifier);
        let known = name.and_then(|at| parts.get(at + 1)).map_or_else(unknown, |class| of_type(&self.type_of(*class)));
        walk.later(Later::EnterScope);
        if let Some(name) = name {
            walk.later(Later::Bind(self.text.of(parts[name]), Value::Known(known)));
        }
        walk.children_but(node, name.map(|at| parts[at]));
        walk.later(Later::LeaveBlock);
    }

    /// `when (val x = f())`.
    fn subject(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let variable = self.part(node, Kind::VariableDeclaration);
        walk.children_but(node, variable);
        let value = walk::named_children(node).last().copied();
        if let (Some(variable), Some(value)) = (variable, value) {
            let names = self.declared(variable, unknown());
            names.into_iter().for_each(|(name, _)| walk.later(Later::Bind(name, Value::Of(value))));
        }
    }
}
