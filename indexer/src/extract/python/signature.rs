//! Parameters of functions: how many there are, what their types are, and what `self` is.

use kotadb_core::facts::Arity;
use tree_sitter::Node;

use super::{Field, Kind, Open, Python, Walk};
use crate::extract::collector::Ticket;
use crate::extract::expression::{of_type, unknown};
use crate::extract::walk;

/// What the first parameter of a function is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// The instance.
    This,
    /// The class.
    Class,
    /// A parameter like the others.
    Plain,
}

impl<'t> Python<'t> {
    /// Types and defaults: they belong to the scope round the function.
    pub(super) fn visit_parameters(&mut self, function: Node<'t>, walk: &mut Walk<'t>) {
        for parameter in self.parameters(function) {
            walk.then(self.field(parameter, Field::TypeOf));
            walk.then(self.field(parameter, Field::Value));
        }
        walk.then(self.field(function, Field::ReturnType));
    }

    fn parameters(&self, function: Node<'t>) -> Vec<Node<'t>> {
        let mut parameters = self.field(function, Field::Parameters).map(walk::named_children).unwrap_or_default();
        parameters.retain(|parameter| self.kind(*parameter) != Kind::Comment);
        parameters
    }

    /// What a function takes, without its receiver.
    pub(super) fn arity(&self, function: Node<'t>, first: First) -> Arity {
        let mut arity = Arity::default();
        let n_skipped = usize::from(first != First::Plain);
        for parameter in self.parameters(function).into_iter().skip(n_skipped) {
            match self.kind(parameter) {
                Kind::Identifier => count(&mut arity, true),
                Kind::TypedParameter if self.spreads(parameter) => arity.most = u8::MAX,
                Kind::TypedParameter | Kind::TuplePattern => count(&mut arity, true),
                Kind::DefaultParameter | Kind::TypedDefaultParameter => count(&mut arity, false),
                Kind::ListSplatPattern | Kind::DictionarySplatPattern => arity.most = u8::MAX,
                _ => {}
            }
        }
        arity
    }

    /// `*args: T`.
    fn spreads(&self, parameter: Node<'t>) -> bool {
        let pattern = parameter.named_child(0).map(|pattern| self.kind(pattern));
        matches!(pattern, Some(Kind::ListSplatPattern | Kind::DictionarySplatPattern))
    }

    /// Opens the scope of a function, with its parameters bound.
    pub(super) fn enter_function(&mut self, function: Node<'t>, ticket: Ticket, first: First) {
        self.scopes.enter();
        for (at, parameter) in self.parameters(function).into_iter().enumerate() {
            self.bind_parameter(parameter, if at == 0 { first } else { First::Plain });
        }
        let is_open = self.field(function, Field::ReturnType).is_none();
        self.open.push(Open::Function { ticket, shared: Vec::new(), is_open });
    }

    pub(super) fn bind_parameter(&mut self, parameter: Node<'t>, first: First) {
        let name = self.parameter_name(parameter);
        let known = match first {
            First::This => "this".into(),
            First::Class => "Self".into(),
            First::Plain => self.parameter_type(parameter),
        };
        self.bind_name(name, known);
    }

    fn parameter_name(&self, parameter: Node<'t>) -> &'t str {
        let name = match self.kind(parameter) {
            Kind::Identifier => Some(parameter),
            Kind::DefaultParameter | Kind::TypedDefaultParameter => self.field(parameter, Field::Name),
            Kind::TypedParameter => parameter.named_child(0).map(|inner| inner.named_child(0).unwrap_or(inner)),
            _ => parameter.named_child(0),
        };
        name.map_or("", |name| self.text.of(name))
    }

    fn parameter_type(&self, parameter: Node<'t>) -> Box<str> {
        if let Some(annotation) = self.field(parameter, Field::TypeOf) {
            let known = of_type(&self.type_of(annotation));
            return if self.spreads(parameter) { unknown() } else { known };
        }
        match self.field(parameter, Field::Value) {
            Some(default) if self.kind(default) != Kind::None => self.expression(default),
            _ => unknown(),
        }
    }

    /// What the first parameter of a function in its place is.
    pub(super) fn first_parameter(&self, name: &str, decorators: &[&str]) -> First {
        let has = |name: &str| decorators.contains(&name);
        if !matches!(self.open.last(), Some(Open::Class(_))) || has("staticmethod") {
            First::Plain
        } else if has("classmethod") || matches!(name, "__new__" | "__init_subclass__" | "__class_getitem__") {
            First::Class
        } else {
            First::This
        }
    }
}

fn count(arity: &mut Arity, is_needed: bool) {
    arity.most = arity.most.saturating_add(1);
    arity.least = arity.least.saturating_add(u8::from(is_needed));
}
