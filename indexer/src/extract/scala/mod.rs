//! Scala: types, objects, members, functions, imports, supertypes, and calls with their receivers.
//!
//! Members of an object that stands beside a class of its name belong to the class. All parameters of a class are fields.

mod definition;
mod expression;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use kotadb_core::facts::{Facts, Import, Reference, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::collector::{Collector, Ticket};
use super::expression::{of_type, unknown, with};
use super::grammar::{Grammar, reading, vocabulary};
use super::parse::Job;
use super::scopes::Scopes;
use super::text::Text;
use super::walk::{self, Rules};

vocabulary! {
    kinds {
        Annotation = "annotation", Arguments = "arguments", ArrowRenamed = "arrow_renamed_identifier",
        AsRenamed = "as_renamed_identifier", Assignment = "assignment_expression", Binding = "binding",
        Bindings = "bindings", BlockComment = "block_comment", BooleanLiteral = "boolean_literal",
        Call = "call_expression", CaseClause = "case_clause", CaseWord = "'case", Class = "class_definition",
        ClassParameter = "class_parameter", ClassParameters = "class_parameters", Comment = "comment",
        CompoundType = "compound_type", Enum = "enum_definition", Enumerator = "enumerator",
        Extension = "extension_definition", FieldExpression = "field_expression",
        FloatLiteral = "floating_point_literal", For = "for_expression", FullCase = "full_enum_case",
        Function = "function_definition", FunctionDeclaration = "function_declaration",
        GenericFunction = "generic_function", GenericType = "generic_type", Given = "given_definition",
        Identifier = "identifier", Import = "import_declaration", Infix = "infix_expression",
        Instance = "instance_expression", IntegerLiteral = "integer_literal",
        Interpolated = "interpolated_string_expression", Lambda = "lambda_expression", Modifiers = "modifiers",
        NamespaceSelectors = "namespace_selectors", NamespaceWildcard = "namespace_wildcard",
        Object = "object_definition", OperatorIdentifier = "operator_identifier", PackageClause = "package_clause",
        PackageObject = "package_object", Parameter = "parameter", Parameters = "parameters",
        Parenthesized = "parenthesized_expression", RepeatedType = "repeated_parameter_type",
        SimpleCase = "simple_enum_case", StableTypeIdentifier = "stable_type_identifier", String = "string",
        Trait = "trait_definition", TypeArguments = "type_arguments", TypeDefinition = "type_definition",
        TypeIdentifier = "type_identifier", TypeParameters = "type_parameters", TypedPattern = "typed_pattern",
        Val = "val_definition", ValDeclaration = "val_declaration", ValWord = "'val", Var = "var_definition",
        VarDeclaration = "var_declaration", VarWord = "'var", Wildcard = "wildcard",
    }
    fields {
        Alias = "alias", ArgumentsOf = "arguments", Body = "body", Default = "default_value", Extend = "extend",
        FieldName = "field", FunctionOf = "function", Interpolator = "interpolator", Left = "left", Name = "name",
        Operator = "operator", ParametersOf = "parameters", Pattern = "pattern", ReturnType = "return_type",
        Right = "right", TypeOf = "type", Value = "value",
    }
}

static GRAMMAR: LazyLock<Grammar<Kind, Field>> = LazyLock::new(|| Grammar::new(tree_sitter_scala::LANGUAGE));

/// The facts of a text in Scala.
pub fn extract(job: &Job<'_>) -> Facts {
    let Some(tree) = job.parse(&GRAMMAR.language) else { return job.nothing() };
    let (facts, scopes) = (Collector::default(), Scopes::default());
    let (open, package, types) = (Vec::new(), String::new(), HashMap::new());
    let mut rules = Scala { text: job.text, grammar: &GRAMMAR, facts, scopes, open, package, types };
    let is_whole = walk::walk(tree.root_node(), &mut rules, job);
    if !rules.package.is_empty() {
        rules.facts.package(&rules.package);
    }
    rules.facts.finish(!is_whole || tree.root_node().has_error())
}

/// State of the rules.
struct Scala<'t> {
    text: Text<'t>,
    grammar: &'static Grammar<Kind, Field>,
    facts: Collector,
    scopes: Scopes<'t>,
    /// Open types and functions, the innermost last.
    open: Vec<Open>,
    package: String,
    /// Classes by how many types are open round them and their name, for the objects beside them.
    types: HashMap<(usize, &'t str), Ticket>,
}

/// What a statement may stand in.
#[derive(Clone)]
enum Open {
    Type {
        ticket: Ticket,
        /// Its members are those of an object.
        is_static: bool,
        is_trait: bool,
    },
    /// An extension of that type.
    Extension(Box<str>),
    Function,
}

/// What has to be done later.
enum Later<'t> {
    EnterFunction(Node<'t>),
    LeaveFunction,
    LeaveType,
    EnterBlock,
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

impl<'t> Scala<'t> {
    /// All children of a kind, tokens too.
    fn parts(&self, node: Node<'t>, kind: Kind) -> Vec<Node<'t>> {
        walk::children(node).into_iter().filter(|part| self.kind(*part) == kind).collect()
    }
}

reading!(Scala);

impl<'t> Rules<'t> for Scala<'t> {
    type Later = Later<'t>;

    fn visit(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::BlockComment | Kind::Comment | Kind::String | Kind::TypeParameters | Kind::Wildcard => {}
            Kind::PackageClause => self.package(node, walk),
            Kind::Import => self.import(node),
            Kind::Class | Kind::Trait | Kind::Object | Kind::Enum | Kind::PackageObject => self.class(node, walk),
            Kind::SimpleCase | Kind::FullCase => self.case(node, walk),
            Kind::TypeDefinition => self.alias(node, walk),
            Kind::Function | Kind::FunctionDeclaration => self.function(node, walk),
            Kind::Given => self.given(node, walk),
            Kind::Extension => self.extension(node, walk),
            Kind::Val | Kind::Var | Kind::ValDeclaration | Kind::VarDeclaration => self.value_definition(node, walk),
            Kind::Identifier => self.bare(node, Role::Read, UNKNOWN_ARITY),
            Kind::TypeIdentifier => self.type_name(node, Role::Type, UNKNOWN_ARITY),
            Kind::StableTypeIdentifier => self.stable_type(node, Role::Type, UNKNOWN_ARITY),
            Kind::Annotation => self.annotation(node, walk),
            Kind::Call => self.call(node, walk),
            Kind::Infix => self.infix(node, walk),
            Kind::Instance => self.instance(node, walk),
            Kind::FieldExpression => self.member(node, Role::Read, UNKNOWN_ARITY, walk),
            Kind::Assignment => self.assignment(node, walk),
            Kind::Lambda => self.lambda(node, unknown(), walk),
            Kind::For => self.block(node, walk),
            Kind::Enumerator => self.enumerator(node, walk),
            Kind::CaseClause => self.case_clause(node, walk),
            Kind::Interpolated => walk.children_but(node, self.field(node, Field::Interpolator)),
            _ => walk.children(node),
        }
    }

    fn later(&mut self, later: Later<'t>, _: &mut Walk<'t>) {
        match later {
            Later::EnterFunction(node) => self.enter_function(node),
            Later::LeaveType => drop(self.open.pop()),
            Later::LeaveFunction => self.leave_function(),
            Later::EnterBlock => self.scopes.enter(),
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
impl<'t> Scala<'t> {
    fn bare(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let name = self.text.of(node);
        if self.scopes.find(name).is_none() && !matches!(name, "this" | "super" | "_") {
            self.used(node, role, None, n_arguments);
        }
    }

    fn used(&mut self, name: Node<'t>, role: Role, receiver: Option<Box<str>>, n_arguments: u8) {
        let start = name.start_byte() as u32;
        self.facts.reference(Reference { name: self.text.of(name).into(), start, role, receiver, n_arguments });
    }

    fn type_name(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        self.used(node, role, None, n_arguments);
    }

    /// `a.B` as a type.
    fn stable_type(&mut self, node: Node<'t>, role: Role, n_arguments: u8) {
        let last = walk::named_children(node).into_iter().next_back();
        let before = self.text.of(node).rsplit_once('.').map(|(before, _)| before.into());
        last.into_iter().for_each(|last| self.used(last, role, before.clone(), n_arguments));
    }

    fn annotation(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let name = self.field(node, Field::Name);
        name.into_iter().filter(|name| self.grammar.kind(*name) == Kind::TypeIdentifier).for_each(|name| {
            self.facts.mention(self.text.of(name), name, Role::Decorate, None);
        });
        walk.children_but(node, name);
    }

    fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::ArgumentsOf);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments));
        let function = self.field(node, Field::FunctionOf);
        let inner = function.map(|function| self.without_types(function));
        match inner.map(|inner| (inner, self.kind(inner))) {
            Some((inner, Kind::Identifier)) => self.bare(inner, Role::Call, n_arguments),
            Some((inner, Kind::FieldExpression)) => self.member(inner, Role::Call, n_arguments, walk),
            _ => walk.then(function),
        }
        let element = inner.map_or_else(unknown, |inner| self.element_of(inner));
        for argument in arguments.map(walk::named_children).unwrap_or_default() {
            match self.kind(argument) {
                Kind::Lambda => self.lambda(argument, element.clone(), walk),
                _ => walk.then(argument),
            }
        }
    }

    /// The function of `f[T]`.
    fn without_types(&self, function: Node<'t>) -> Node<'t> {
        let is_generic = self.kind(function) == Kind::GenericFunction;
        self.field(function, Field::FunctionOf).filter(|_| is_generic).unwrap_or(function)
    }

    fn n_arguments(&self, arguments: Node<'t>) -> u8 {
        match self.kind(arguments) {
            Kind::Arguments => u8::try_from(walk::named_children(arguments).len()).unwrap_or(UNKNOWN_ARITY),
            _ => 1,
        }
    }

    /// What a call gives to the function in its arguments: an element of what it is called on.
    fn element_of(&self, function: Node<'t>) -> Box<str> {
        let object = self.field(function, Field::Value).filter(|_| self.kind(function) == Kind::FieldExpression);
        object.map_or_else(unknown, |object| with(&self.expression(object), "[]"))
    }

    /// `a.b`.
    fn member(&mut self, node: Node<'t>, role: Role, n_arguments: u8, walk: &mut Walk<'t>) {
        let object = self.field(node, Field::Value);
        if let (Some(object), Some(name)) = (object, self.field(node, Field::FieldName)) {
            let receiver = self.expression(object);
            self.used(name, role, Some(receiver), n_arguments);
        }
        walk.then(object);
    }

    /// `a method b`.
    fn infix(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let (left, operator) = (self.field(node, Field::Left), self.field(node, Field::Operator));
        if let (Some(left), Some(operator)) =
            (left, operator.filter(|operator| self.kind(*operator) == Kind::Identifier))
        {
            let receiver = self.expression(left);
            self.used(operator, Role::Call, Some(receiver), 1);
        }
        walk.then(left);
        walk.then(self.field(node, Field::Right));
    }

    /// `new A(…)`, `new A { … }`.
    fn instance(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let arguments = self.field(node, Field::ArgumentsOf);
        let n_arguments = arguments.map_or(0, |arguments| self.n_arguments(arguments));
        for (at, part) in walk::named_children(node).into_iter().enumerate() {
            let class =
                self.field(part, Field::TypeOf).filter(|_| self.kind(part) == Kind::GenericType).unwrap_or(part);
            match self.kind(class) {
                Kind::TypeIdentifier if at == 0 => self.type_name(class, Role::New, n_arguments),
                Kind::StableTypeIdentifier if at == 0 => self.stable_type(class, Role::New, n_arguments),
                _ => walk.then(part),
            }
        }
    }

    fn assignment(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.field(node, Field::Left) {
            Some(left) if self.kind(left) == Kind::Identifier => self.bare(left, Role::Write, UNKNOWN_ARITY),
            Some(left) if self.kind(left) == Kind::FieldExpression => {
                self.member(left, Role::Write, UNKNOWN_ARITY, walk)
            }
            left => walk.then(left),
        }
        walk.then(self.field(node, Field::Right));
    }

    /// `package a.b`; several in a row are one.
    fn package(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        if self.open.is_empty() {
            let separator = if self.package.is_empty() { "" } else { "." };
            self.package.extend([separator, self.word(node, Field::Name)]);
        }
        walk.then(self.field(node, Field::Body));
    }

    /// `import a.b.{C, D => E, _}`.
    fn import(&mut self, node: Node<'t>) {
        let parts = walk::named_children(node);
        let path: Vec<_> = parts
            .iter()
            .take_while(|part| matches!(self.kind(**part), Kind::Identifier | Kind::OperatorIdentifier))
            .collect();
        let Some(last) = path.last() else { return };
        let module: Box<str> = path.iter().map(|part| self.text.of(**part)).collect::<Vec<_>>().join(".").into();
        let start = last.start_byte() as u32;
        let plain = Import { module, start, ..Import::default() };
        let Some(end) = parts.get(path.len()) else { return self.facts.import(plain) };
        let selectors =
            if self.kind(*end) == Kind::NamespaceSelectors { walk::named_children(*end) } else { vec![*end] };
        for selector in selectors {
            let (name, alias) = match self.kind(selector) {
                Kind::NamespaceWildcard | Kind::Wildcard => ("*", None),
                Kind::ArrowRenamed | Kind::AsRenamed => {
                    (self.word(selector, Field::Name), self.field(selector, Field::Alias))
                }
                Kind::Identifier => (self.text.of(selector), None),
                _ => continue,
            };
            let alias = alias.map(|alias| self.text.of(alias).into());
            self.facts.import(Import {
                name: Some(name.into()),
                alias,
                start: selector.start_byte() as u32,
                ..plain.clone()
            });
        }
    }
}

/// Scopes.
impl<'t> Scala<'t> {
    fn block(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.later(Later::EnterBlock);
        walk.children(node);
        walk.later(Later::LeaveBlock);
    }

    fn lambda(&mut self, node: Node<'t>, element: Box<str>, walk: &mut Walk<'t>) {
        walk.later(Later::EnterBlock);
        let parameters = self.field(node, Field::ParametersOf);
        for (at, parameter) in self.lambda_parameters(parameters).into_iter().enumerate() {
            let name = self.field(parameter, Field::Name).unwrap_or(parameter);
            let annotation = self.field(parameter, Field::TypeOf).map(|annotation| of_type(&self.type_of(annotation)));
            let known = annotation.unwrap_or_else(|| if at == 0 { element.clone() } else { unknown() });
            walk.later(Later::Bind(self.text.of(name), Value::Known(known)));
        }
        walk.children_but(node, parameters);
        walk.later(Later::LeaveBlock);
    }

    fn lambda_parameters(&self, parameters: Option<Node<'t>>) -> Vec<Node<'t>> {
        match parameters {
            Some(list) if self.kind(list) == Kind::Bindings => self.parts(list, Kind::Binding),
            one => one.into_iter().collect(),
        }
    }

    /// `x <- xs` gives elements, `y = f(x)` the value.
    fn enumerator(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let parts = walk::named_children(node);
        let (Some(&target), Some(&value)) = (parts.first(), parts.get(1)) else { return walk.children(node) };
        walk.then(value);
        if self.kind(target) == Kind::Identifier {
            let is_each = self.text.slice(target.end_byte(), value.start_byte()).contains("<-");
            let value = if is_each { Value::Each(value) } else { Value::Of(value) };
            walk.later(Later::Bind(self.text.of(target), value));
        } else {
            self.pattern(target, walk);
        }
        parts.into_iter().skip(2).for_each(|part| walk.then(part));
    }

    fn case_clause(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let pattern = self.field(node, Field::Pattern);
        walk.later(Later::EnterBlock);
        pattern.into_iter().for_each(|pattern| self.pattern(pattern, walk));
        walk.children_but(node, pattern);
        walk.later(Later::LeaveBlock);
    }

    /// Names in lower case are bound, others used; `b: Bar` is a `Bar`.
    fn pattern(&mut self, pattern: Node<'t>, walk: &mut Walk<'t>) {
        let mut open = vec![pattern];
        while let Some(node) = open.pop() {
            match self.kind(node) {
                Kind::Identifier if self.text.of(node).starts_with(char::is_uppercase) => walk.then(node),
                Kind::Identifier => walk.later(Later::Bind(self.text.of(node), Value::Known(unknown()))),
                Kind::TypedPattern => {
                    let (name, class) = (self.word(node, Field::Pattern), self.field(node, Field::TypeOf));
                    let known = class.map_or_else(unknown, |class| of_type(&self.type_of(class)));
                    walk.then(class);
                    walk.later(Later::Bind(name, Value::Known(known)));
                }
                Kind::TypeIdentifier | Kind::StableTypeIdentifier | Kind::FieldExpression | Kind::TypeArguments => {
                    walk.then(node)
                }
                _ => open.extend(walk::named_children(node).into_iter().rev()),
            }
        }
    }
}
