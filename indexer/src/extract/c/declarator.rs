//! What a declarator declares: its name, and whether that is a function, a pointer to one, or something else.

use kotadb_core::facts::Arity;
use tree_sitter::Node;

use super::{Family, Field, Kind, Walk};

/// What a declarator declares.
#[derive(Clone, Copy)]
pub(super) struct Declared<'t> {
    /// The name; it may be qualified.
    pub(super) name: Node<'t>,
    /// The `function_declarator` round the name: a function is declared, not a pointer to one.
    pub(super) function: Option<Node<'t>>,
    /// A pointer to a function: its type says nothing of the value.
    pub(super) is_callback: bool,
    pub(super) is_array: bool,
    /// A pointer or reference to something.
    pub(super) is_pointer: bool,
    /// Brackets round the name and nothing else: `static DEFINE_MUTEX(lock)` reads so.
    pub(super) is_bracketed: bool,
    /// What it is set to.
    pub(super) value: Option<Node<'t>>,
}

impl<'t> Family<'t> {
    /// Looks through a declarator for its name; `None`: it has none.
    pub(super) fn declared(&self, declarator: Node<'t>) -> Option<Declared<'t>> {
        let mut found = Declared {
            name: declarator,
            function: None,
            is_callback: false,
            is_array: false,
            is_pointer: false,
            is_bracketed: self.kind(declarator) == Kind::ParenthesizedDeclarator,
            value: None,
        };
        loop {
            let node = found.name;
            match self.kind(node) {
                Kind::FunctionDeclarator => found.function = Some(node),
                Kind::InitDeclarator => found.value = self.field(node, Field::Value),
                Kind::PointerDeclarator | Kind::PointerTypeDeclarator | Kind::ReferenceDeclarator => {
                    found.is_pointer = true;
                    found.is_callback |= found.function.take().is_some();
                }
                Kind::ArrayDeclarator => {
                    (found.is_array, found.is_pointer) = (true, true);
                    found.is_callback |= found.function.take().is_some();
                }
                Kind::ParenthesizedDeclarator | Kind::AttributedDeclarator | Kind::VariadicDeclarator => {}
                Kind::OperatorCast => {
                    found.function = self.field(node, Field::Declarator);
                    return Some(found);
                }
                kind => return is_name(kind).then_some(found),
            }
            found.name = self.inner(node)?;
        }
    }

    /// The declarator in another.
    fn inner(&self, node: Node<'t>) -> Option<Node<'t>> {
        self.field(node, Field::Declarator).or_else(|| {
            let mut cursor = node.walk();
            node.named_children(&mut cursor).find(|child| self.is_declarator(*child))
        })
    }

    /// Whether a node may be a declarator.
    pub(super) fn is_declarator(&self, node: Node<'t>) -> bool {
        let kind = self.kind(node);
        is_name(kind)
            || matches!(
                kind,
                Kind::FunctionDeclarator
                    | Kind::InitDeclarator
                    | Kind::PointerDeclarator
                    | Kind::PointerTypeDeclarator
                    | Kind::ReferenceDeclarator
                    | Kind::ArrayDeclarator
                    | Kind::ParenthesizedDeclarator
                    | Kind::AttributedDeclarator
                    | Kind::VariadicDeclarator
                    | Kind::OperatorCast
            )
    }

    /// Types of parameters, sizes of arrays and values in a declarator.
    pub(super) fn declarator_uses(&self, declarator: Node<'t>, walk: &mut Walk<'t>) {
        let mut next = Some(declarator);
        let mut value = None;
        while let Some(node) = next {
            match self.kind(node) {
                Kind::FunctionDeclarator | Kind::AbstractFunctionDeclarator => {
                    walk.then(self.field(node, Field::Parameters));
                    walk.each_child(node, |walk, child| {
                        if self.kind(child) == Kind::TrailingReturnType {
                            walk.then(child);
                        }
                    });
                }
                Kind::ArrayDeclarator => walk.then(self.field(node, Field::Size)),
                Kind::InitDeclarator => value = self.field(node, Field::Value),
                Kind::OperatorCast => walk.then(self.field(node, Field::TypeOf)),
                kind if is_name(kind) => break,
                _ => {}
            }
            next = self.inner(node);
        }
        walk.then(value);
    }

    /// How many arguments a function takes. `()` of C takes any.
    pub(super) fn arity(&self, function: Node<'t>) -> Arity {
        let Some(parameters) = self.field(function, Field::Parameters) else { return Arity::default() };
        let (mut arity, mut any) = (Arity::default(), false);
        let mut cursor = parameters.walk();
        for parameter in parameters.children(&mut cursor) {
            match self.kind(parameter) {
                Kind::ParameterDeclaration if self.is_void(parameter) => return arity,
                Kind::ParameterDeclaration | Kind::Identifier => {
                    (arity.least, arity.most) = (arity.least.saturating_add(1), arity.most.saturating_add(1));
                }
                Kind::OptionalParameterDeclaration => arity.most = arity.most.saturating_add(1),
                Kind::VariadicParameter | Kind::VariadicParameterDeclaration | Kind::Ellipsis => any = true,
                _ => {}
            }
        }
        let is_open = any || (!self.is_plus && parameters.named_child_count() == 0);
        Arity { most: if is_open { u8::MAX } else { arity.most }, ..arity }
    }

    fn is_void(&self, parameter: Node<'t>) -> bool {
        self.field(parameter, Field::Declarator).is_none() && self.word(parameter, Field::TypeOf) == "void"
    }
}

fn is_name(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Identifier
            | Kind::FieldIdentifier
            | Kind::TypeIdentifier
            | Kind::QualifiedIdentifier
            | Kind::DestructorName
            | Kind::OperatorName
            | Kind::TemplateFunction
            | Kind::StructuredBindingDeclarator
    )
}
