//! What a function hands to functions that are its arguments: told by the types of its parameters where it is defined, asked
//! for by parameters without a type where it is called.

use kotadb_core::facts::Symbol;
use kotadb_core::facts::expression::{MAX_LEN, UNKNOWN};
use tree_sitter::Node;

use super::{Field, Kind, Script};
use crate::extract::expression::{unknown, with};
use crate::extract::walk;

/// How deep a type is looked into for the type of a function.
const MOST_DEPTH: u32 = 6;

/// What is known of the parameters of a function that have no type.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    /// What the first is.
    pub first: &'a str,
    /// What is called, and which argument of it the function is.
    pub of_call: Option<(&'a str, usize)>,
}

impl Given<'_> {
    /// Nothing.
    pub const NOTHING: Given<'static> = Given { first: UNKNOWN, of_call: None };

    /// The parameter at a place.
    pub fn parameter(&self, at: usize) -> Box<str> {
        match self.of_call {
            _ if at == 0 && self.first != UNKNOWN => self.first.into(),
            Some((called, argument)) if !called.starts_with('?') => with(called, &format!("({argument}.{at})")),
            _ => unknown(),
        }
    }
}

impl<'t> Script<'t> {
    /// Adds to the type of a function what it hands on.
    pub(super) fn tell_handed(&self, symbol: &mut Symbol, function: Node<'t>) {
        let handed = self.handed(function);
        let result = symbol.of_type.as_deref().unwrap_or(UNKNOWN);
        if !handed.is_empty() && result.len() + handed.len() <= MAX_LEN {
            symbol.of_type = Some([result, &handed].concat().into());
        }
    }

    fn handed(&self, function: Node<'t>) -> String {
        let mut handed = String::new();
        for (argument, parameter) in self.parameters(function).into_iter().enumerate() {
            let taken = self.field(parameter, Field::TypeOf).and_then(|written| self.function_in(written, MOST_DEPTH));
            for (nth, inner) in taken.map(|taken| self.parameters(taken)).unwrap_or_default().into_iter().enumerate() {
                let known = self.field(inner, Field::TypeOf).map(|written| self.type_of(written));
                if let Some(known) = known.filter(|known| &**known != UNKNOWN && !known.contains(' ')) {
                    handed += &format!(" {argument}.{nth}={known}");
                }
            }
        }
        handed
    }

    /// The type of a function in a type: itself, or one of what it may be.
    fn function_in(&self, written: Node<'t>, depth: u32) -> Option<Node<'t>> {
        match self.kind(written) {
            Kind::FunctionType => Some(written),
            Kind::TypeAnnotation | Kind::ParenthesizedType | Kind::UnionType => {
                let depth = depth.checked_sub(1)?;
                walk::named_children(written).into_iter().find_map(|part| self.function_in(part, depth))
            }
            _ => None,
        }
    }
}
