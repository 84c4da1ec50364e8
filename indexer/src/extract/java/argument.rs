//! What calls are given, as far as the text tells: one of several methods of a name is told from the others by it.

use kotadb_core::facts::UNKNOWN_ARITY;
use kotadb_core::facts::expression::{UNKNOWN, with_arguments};
use tree_sitter::Node;

use super::{Field, Java, Kind};
use crate::extract::expression::{MAX_DEPTH, as_type, of_type, unknown};
use crate::extract::walk;

/// Numbers in the order in which arithmetic prefers them.
const NUMBERS: [&str; 4] = ["double", "float", "long", "int"];

/// Arguments of a call.
pub(super) struct Arguments {
    /// How many.
    pub(super) n: u8,
    /// What they are.
    known: Vec<Box<str>>,
}

impl Arguments {
    /// Of what is no call.
    pub(super) const NONE: Self = Self { n: UNKNOWN_ARITY, known: Vec::new() };

    /// What stands before a name, with what is known of the arguments.
    pub(super) fn behind(&self, receiver: Option<Box<str>>) -> Option<Box<str>> {
        if self.known.iter().all(|one| &**one == UNKNOWN) { receiver } else { with_arguments(receiver, &self.known) }
    }
}

impl<'t> Java<'t> {
    pub(super) fn arguments(&self, list: Option<Node<'t>>) -> Arguments {
        let is_comment = |it: &Node<'t>| matches!(self.kind(*it), Kind::LineComment | Kind::BlockComment);
        let given: Vec<Node<'t>> = list.map(walk::named_children).unwrap_or_default();
        let given = given.into_iter().filter(|it| !is_comment(it));
        let known: Vec<Box<str>> = given.map(|it| self.argument(it, MAX_DEPTH)).collect();
        Arguments { n: u8::try_from(known.len()).unwrap_or(UNKNOWN_ARITY), known }
    }

    /// The value of an expression, that of literals and operators as well.
    fn argument(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let inner = || node.named_child(0).map_or_else(unknown, |inner| self.argument(inner, depth));
        match self.kind(node) {
            Kind::DecimalInteger | Kind::HexInteger | Kind::OctalInteger | Kind::BinaryInteger => {
                of_type(if self.text.of(node).ends_with(['l', 'L']) { "long" } else { "int" })
            }
            Kind::DecimalFloat => of_type(if self.text.of(node).ends_with(['f', 'F']) { "float" } else { "double" }),
            Kind::CharacterLiteral => of_type("char"),
            Kind::True | Kind::False | Kind::Instanceof => of_type("boolean"),
            Kind::Null => of_type("null"),
            Kind::Parenthesized => inner(),
            Kind::UnaryExpression if self.text.first_byte(node) == Some(b'!') => of_type("boolean"),
            Kind::UnaryExpression => arithmetic(&inner(), "<int>"),
            Kind::UpdateExpression => inner(),
            Kind::BinaryExpression => self.of_operator(node, depth),
            Kind::Ternary => {
                let part = |field| self.field(node, field).map_or_else(unknown, |it| self.argument(it, depth));
                let (one, other) = (part(Field::Consequence), part(Field::Alternative));
                if one == other { one } else { unknown() }
            }
            _ => self.erased(self.expression(node)),
        }
    }

    /// The same, where a parameter of a type or method is what it is bound by: overloads are told apart by that.
    fn erased(&self, value: Box<str>) -> Box<str> {
        let mut depth = 0;
        let is_end = |(_, sign): &(usize, char)| {
            depth += i32::from(*sign == '<') - i32::from(*sign == '>');
            depth == 0
        };
        let Some((end, _)) = value.char_indices().find(is_end).filter(|_| value.starts_with('<')) else { return value };
        let written = &value[1..end];
        let name = written.trim_end_matches("[]");
        if self.scopes.find(name).is_none() {
            return value;
        }
        let plain = self.plain(written);
        let plain = plain.strip_prefix(UNKNOWN).map_or_else(|| plain.clone(), |rest| ["Object", rest].concat().into());
        [&*of_type(&plain), &value[end + 1..]].concat().into()
    }

    fn of_operator(&self, node: Node<'t>, depth: u32) -> Box<str> {
        let operator = self.word(node, Field::Operator);
        if matches!(operator, "==" | "!=" | "<" | ">" | "<=" | ">=" | "&&" | "||") {
            return of_type("boolean");
        }
        let part = |field| self.field(node, field).map_or_else(unknown, |it| self.argument(it, depth));
        let (left, right) = (part(Field::Left), part(Field::Right));
        let is_text = |one: &str| one == "<String>";
        if operator == "+" && (is_text(&left) || is_text(&right)) {
            return of_type("String");
        }
        if operator.starts_with("<<") || operator.starts_with(">>") {
            arithmetic(&left, "<int>")
        } else {
            arithmetic(&left, &right)
        }
    }
}

/// What numbers come to. What is called a length is an array's, or a member of whatever type: with an integer it stays what it is.
fn arithmetic(left: &str, right: &str) -> Box<str> {
    let place = |one: &str| match as_type(one) {
        Some("byte" | "short" | "char") => Some(3),
        Some(known) => NUMBERS.iter().position(|number| *number == known),
        None => one.ends_with("[]>.length").then_some(3),
    };
    match (place(left), place(right)) {
        (Some(left), Some(right)) => of_type(NUMBERS[left.min(right)]),
        (None, Some(3)) if left.ends_with(".length") => left.into(),
        (Some(3), None) if right.ends_with(".length") => right.into(),
        _ => unknown(),
    }
}
