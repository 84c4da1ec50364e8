//! Swift: types, extensions, members, functions, imports, supertypes, and calls with their receivers.
//!
//! What stands in an extension has the extended type as its qualifier.

mod definition;
mod expression;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Import, Reference, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::collector::{Collector, Ticket};
use super::expression::{of_type, unknown, with};
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::{Text, span};
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        ArrayLiteral = "array_literal", AsExpression = "as_expression", Assignment = "assignment",
        AssociatedType = "associatedtype_declaration", Attribute = "attribute", Await = "await_expression",
        BooleanLiteral = "boolean_literal", Call = "call_expression", CatchBlock = "catch_block",
        Class = "class_declaration", Comment = "comment", Constructor = "constructor_expression",
        Deinit = "deinit_declaration", DictionaryLiteral = "dictionary_literal", EnumEntry = "enum_entry",
        For = "for_statement", Function = "function_declaration", Guard = "guard_statement", If = "if_statement",
        Import = "import_declaration", Inheritance = "inheritance_specifier", Init = "init_declaration",
        IntegerLiteral = "integer_literal", Lambda = "lambda_literal", LambdaParameter = "lambda_parameter",
        LineString = "line_string_literal", MacroDeclaration = "macro_declaration", Modifiers = "modifiers",
        MultilineComment = "multiline_comment", MultilineString = "multi_line_string_literal",
        Navigation = "navigation_expression", NilCoalescing = "nil_coalescing_expression", NilLiteral = "nil_literal",
        Parameter = "parameter", Pattern = "pattern", Postfix = "postfix_expression", Property = "property_declaration",
        Protocol = "protocol_declaration", ProtocolFunction = "protocol_function_declaration",
        ProtocolProperty = "protocol_property_declaration", RealLiteral = "real_literal",
        SelfExpression = "self_expression", SimpleIdentifier = "simple_identifier", Statements = "statements",
        StringText = "line_str_text", Subscript = "subscript_declaration", Super = "super_expression",
        Try = "try_expression", Tuple = "tuple_expression", TypeAlias = "typealias_declaration",
        TypeAnnotation = "type_annotation", TypeArguments = "type_arguments", TypeConstraints = "type_constraints",
        TypeIdentifier = "type_identifier", TypeParameters = "type_parameters", UserType = "user_type",
        ValueArgument = "value_argument", ValueArgumentLabel = "value_argument_label",
        ValueArguments = "value_arguments", ValueBinding = "value_binding_pattern",
    }
    fields {
        Body = "body", BoundIdentifier = "bound_identifier", Collection = "collection",
        ComputedValue = "computed_value", DeclarationKind = "declaration_kind", Expr = "expr", Item = "item",
        Name = "name", ResultOf = "result", ReturnType = "return_type", Suffix = "suffix", Target = "target",
        TypeOf = "type", Value = "value",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_swift::LANGUAGE));

/// The facts of a text in Swift.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let (facts, scopes) = (Collector::default(), Scopes::default());
    let mut rules = Swift { text: job.text, grammar: &GRAMMAR, facts, scopes, open: Vec::new() };
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    rules.facts.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Swift<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Open types and functions, the innermost last.
    open: Vec<Open<'t>>,
}

/// What a statement may stand in.
#[derive(Clone, Copy)]
enum Open<'t> {
    Type {
        ticket: Ticket,
        is_protocol: bool,
    },
    /// An extension of the type of that name.
    Extension(&'t str),
    Function {
        is_static: bool,
    },
}

/// What has to be done later.
enum Later<'t> {
    EnterFunction {
        node: Node<'t>,
        is_static: bool,
    },
    LeaveFunction,
    LeaveType,
    EnterScope,
    /// The scope of a closure, and what its first parameter is.
    EnterBlock(Node<'t>, Box<str>),
    LeaveBlock,
    Bind(&'t str, Value<'t>),
}

/// What a name is bound to.
enum Value<'t> {
    Of(Node<'t>),
    Each(Node<'t>),
    Known(Box<str>),
}

type Walk<'t> = walk::Walk<'t, Later<'t>>;

impl<'t> Swift<'t> {
    /// The first named child of a kind.
    fn part(&self, node: Node<'t>, kind: Kind) -> Option<Node<'t>> {
        walk::named_children(node).into_iter().find(|part| self.kind(*part) == kind)
    }

    /// All named children of a kind.
    fn parts(&self, node: Node<'t>, kind: Kind) -> Vec<Node<'t>> {
        walk::named_children(node).into_iter().filter(|part| self.kind(*part) == kind).collect()
    }
}

reading!(Swift);

impl<'t> Rules<'t> for Swift<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::Comment
            | Kind::MultilineComment
            | Kind::StringText
            | Kind::ValueArgumentLabel
            | Kind::TypeParameters => {}
            Kind::Import => self.import(node),
            Kind::Class | Kind::Protocol => self.class(node, walk),
            Kind::EnumEntry => self.entry(node, walk),
            Kind::TypeAlias | Kind::AssociatedType => self.alias(node, walk),
            Kind::Function
            | Kind::ProtocolFunction
            | Kind::Init
            | Kind::Deinit
            | Kind::Subscript
            | Kind::MacroDeclaration => {
                self.function(node, walk);
            }
            Kind::Property | Kind::ProtocolProperty => self.property(node, walk),
            Kind::SimpleIdentifier => self.bare(node, Role::Read, UNKNOWN_ARITY),
            Kind::UserType => self.type_use(node, Role::Type, walk),
            Kind::Attribute => self.attribute(node, walk),
            Kind::Call | Kind::Constructor => self.call(node, walk),
            Kind::Navigation => self.member(node, Role::Read, UNKNOWN_ARITY, walk),
            Kind::Assignment => self.assignment(node, walk),
            Kind::Lambda => self.lambda(node, unknown(), walk),
            Kind::For => self.for_loop(node, walk),
            Kind::If | Kind::Guard => self.conditions(node, walk),
            Kind::Pattern => self.pattern(node, walk),
            Kind::CatchBlock => self.catch(node, walk),
            _ => walk.children(node),
        }
    }

    fn later(&mut self, later: Later<'t>, _: &mut Walk<'t>) {
        match later {
            Later::EnterFunction { node, is_static } => self.enter_function(node, is_static),
            Later::LeaveType => drop(self.open.pop()),
            Later::LeaveFunction => {
                self.scopes.leave();
                self.open.pop();
            }
            Later::EnterScope => self.scopes.enter(),
            Later::EnterBlock(node, element) => self.enter_block(node, element),
            Later::LeaveBlock => self.scopes.leave(),
            Later::Bind(name, value) => {
                let known = match value {
                    Value::Of(node) => self.expression(node),
                    Value::Each(node) => with(&self.expression(node), "[]"),
                    Value::Known(known) => known,
                };
                self.scopes.bind(name, known);
            }
        }
    }
}

/// How names are used.
impl<'t> Swift<'t> {
    fn bare(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let name = self.text.of(node);
        if self.scopes.find(name).is_none() && !name.starts_with('$') {
            self.used(node, role, None, n_arguments);
        }
    }

    fn used(&mut self, name: Node<'t>, role: Role, receiver: Option<Box<str>>, n_arguments: u8) {
        let start = name.start_byte() as u32;
        self.facts.reference(Reference { name: self.text.of(name).into(), start, role, receiver, n_arguments });
    }

    /// `A.B<C>` as a type.
    fn type_use(&mut self, node: Node<'t>, role: Role, walk: &mut Walk<'t>) {
        let names = self.parts(node, Kind::TypeIdentifier);
        if let Some((&last, before)) = names.split_last()
            && self.text.of(last) != "Self"
        {
            let receiver: Vec<_> = before.iter().map(|part| self.text.of(*part)).collect();
            self.used(last, role, (!receiver.is_empty()).then(|| receiver.join(".").into()), UNKNOWN_ARITY);
        }
        self.parts(node, Kind::TypeArguments).into_iter().for_each(|arguments| walk.then(arguments));
    }

    fn attribute(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let class = node.named_child(0);
        class.into_iter().for_each(|class| self.type_use(class, Role::Decorate, walk));
        walk.children_but(node, class);
    }

    fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(function) = node.named_child(0) else { return };
        let suffix = walk::named_children(node).into_iter().nth(1);
        let arguments = suffix.and_then(|suffix| self.part(suffix, Kind::ValueArguments));
        let lambdas = suffix.map(|suffix| self.parts(suffix, Kind::Lambda)).unwrap_or_default();
        let n_arguments = arguments.map_or(0, |list| self.parts(list, Kind::ValueArgument).len()) + lambdas.len();
        let n_arguments = u8::try_from(n_arguments).unwrap_or(UNKNOWN_ARITY);
        match self.kind(function) {
            Kind::SimpleIdentifier => self.bare(function, Role::Call, n_arguments),
            Kind::Navigation => self.member(function, Role::Call, n_arguments, walk),
            Kind::UserType => self.type_use(function, Role::New, walk),
            _ => walk.then(function),
        }
        walk.then(arguments);
        let element = self.element_of(function);
        lambdas.into_iter().for_each(|lambda| self.lambda(lambda, element.clone(), walk));
    }

    /// What a call gives to the closure behind it: an element of what it is called on.
    fn element_of(&self, function: Node<'t>) -> Box<str> {
        let target = self.field(function, Field::Target).filter(|_| self.kind(function) == Kind::Navigation);
        target.map_or_else(unknown, |target| with(&self.expression(target), "[]"))
    }

    /// `a.b`, `a?.b`, `.b`.
    fn member(&mut self, node: Node<'t>, role: Role, n_arguments: u8, walk: &mut Walk<'t>) {
        let target = self.field(node, Field::Target);
        let name = self.field(node, Field::Suffix).and_then(|suffix| self.field(suffix, Field::Suffix));
        if let (Some(target), Some(name)) = (target, name.filter(|name| self.kind(*name) == Kind::SimpleIdentifier)) {
            let receiver = self.expression(target);
            if self.text.of(name) != "self" {
                self.used(name, role, Some(receiver), n_arguments);
            }
        }
        walk.then(target);
    }

    fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let target = self.field(node, Field::Target).and_then(|target| target.named_child(0));
        match target {
            Some(target) if self.kind(target) == Kind::SimpleIdentifier => {
                self.bare(target, Role::Write, UNKNOWN_ARITY)
            }
            Some(target) if self.kind(target) == Kind::Navigation => {
                self.member(target, Role::Write, UNKNOWN_ARITY, walk)
            }
            target => walk.then(target),
        }
        walk.then(self.field(node, Field::ResultOf));
    }

    /// `import A.B`, `import struct A.B`.
    fn import(&mut self, node: Node<'t>) {
        let path = walk::named_children(node).into_iter().rfind(|part| !matches!(self.kind(*part), Kind::Modifiers));
        if let Some(path) = path {
            let module = self.text.of(path).into();
            self.facts.import(Import { module, name: None, alias: None, start: span(path).start, reexported: false });
        }
    }
}

/// Scopes.
impl<'t> Swift<'t> {
    fn lambda(&mut self, node: Node<'t>, element: Box<str>, walk: &mut Walk<'t>) {
        walk.later(Later::EnterBlock(node, element));
        walk.then(self.part(node, Kind::Statements));
        walk.later(Later::LeaveBlock);
    }

    /// A closure binds its parameters, else `$0`.
    fn enter_block(&mut self, lambda: Node<'t>, element: Box<str>) {
        self.scopes.enter();
        let signature = self.field(lambda, Field::TypeOf).and_then(|signature| signature.named_child(0));
        let parameters = signature.map(|list| self.parts(list, Kind::LambdaParameter)).unwrap_or_default();
        if parameters.is_empty() {
            self.scopes.bind("$0", element.clone());
        }
        for (at, parameter) in parameters.into_iter().enumerate() {
            let name = self.parts(parameter, Kind::SimpleIdentifier).last().copied();
            let annotation = self.field(parameter, Field::TypeOf).map(|annotation| of_type(&self.type_of(annotation)));
            let known = annotation.unwrap_or_else(|| if at == 0 { element.clone() } else { unknown() });
            name.into_iter().for_each(|name| self.scopes.bind(self.text.of(name), known.clone()));
        }
    }

    fn for_loop(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (item, over) = (self.field(node, Field::Item), self.field(node, Field::Collection));
        walk.later(Later::EnterScope);
        walk.then(over);
        let name = item.and_then(|item| self.field(item, Field::BoundIdentifier));
        match (name, over) {
            (Some(name), Some(over)) => walk.later(Later::Bind(self.text.of(name), Value::Each(over))),
            _ => walk.then(item),
        }
        walk.each_child(node, |walk, child| {
            if Some(child) != item && Some(child) != over {
                walk.then(child);
            }
        });
        walk.later(Later::LeaveBlock);
    }

    /// `if let a = b, …`, `guard let a = b else`: what follows a bound name is its value.
    fn conditions(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        let mut at = 0;
        while at < parts.len() {
            let is_bound = self.kind(parts[at]) == Kind::ValueBinding;
            let name = parts.get(at + 1).copied().filter(|name| is_bound && self.kind(*name) == Kind::SimpleIdentifier);
            let Some(name) = name else {
                walk.then(parts[at]);
                at += 1;
                continue;
            };
            at += 2;
            let annotation = parts.get(at).copied().filter(|part| self.kind(*part) == Kind::TypeAnnotation);
            at += usize::from(annotation.is_some());
            walk.then(annotation);
            let is_short = parts.get(at).is_none_or(|next| !self.is_given(name, *next));
            if let Some(value) = parts.get(at).copied().filter(|_| !is_short) {
                walk.then(value);
                walk.later(Later::Bind(self.text.of(name), Value::Of(value)));
                at += 1;
            }
        }
    }

    /// Whether `=` stands between a name and what follows it.
    fn is_given(&self, name: Node<'t>, next: Node<'t>) -> bool {
        self.text.slice(name.end_byte(), next.start_byte()).contains('=')
    }

    /// Names that a pattern binds: nothing is known of them.
    fn pattern(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::BoundIdentifier);
        name.into_iter().for_each(|name| self.scopes.bind(self.text.of(name), "?"));
        let is_case = self.text.of(node).starts_with('.');
        for part in walk::named_children(node).into_iter().filter(|part| Some(*part) != name) {
            match self.kind(part) {
                Kind::SimpleIdentifier if is_case => {
                    self.facts.mention(self.text.of(part), part, Role::Read, Some(unknown()))
                }
                Kind::ValueBinding => {}
                _ => walk.then(part),
            }
        }
    }

    /// `catch` binds `error`.
    fn catch(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.later(Later::EnterScope);
        walk.later(Later::Bind("error", Value::Known(of_type("Error"))));
        walk.children(node);
        walk.later(Later::LeaveBlock);
    }
}
