//! What instances give that are called or indexed by methods of their own, and what functions hand to their arguments.

use super::evaluate::{Evaluator, Type, Value};
use super::family::Family;
use super::holders::{element, substitute};
use super::place::Place;
use super::scout::Point;

impl Evaluator<'_> {
    /// What a function, or the constructor of a type, hands to a function that is its argument.
    pub(super) fn handed(&mut self, value: Value, argument: usize, parameter: usize) -> Value {
        let (function, through) = match value {
            Value::Function(function, through) => (Some(function), through),
            Value::Type(known @ Type::Symbol(..)) => {
                let name = self.names().all.words.find("constructor");
                let found = name.map(|name| self.members_of(&known, name).places).unwrap_or_default();
                (found.into_iter().find_map(Place::symbol), known)
            }
            _ => return Value::Unknown,
        };
        let Some(function) = function else { return Value::Unknown };
        let names = self.scout.names;
        let key = format!("{argument}.{parameter}=");
        let mut handed = names.all.words.text(names.all.symbol(function).of_type).split(' ').skip(1);
        let Some(written) = handed.find_map(|part| part.strip_prefix(&key)) else { return Value::Unknown };
        let known = self.type_of(Point { file: names.all.file_of(function), at: function }, written);
        Value::of(substitute(&known, &through))
    }

    /// An element of something of a type that says what its elements are.
    pub(super) fn indexed(&mut self, value: &Value) -> Value {
        let (Value::Instance(known) | Value::Method(known)) = value else { return Value::Unknown };
        let Type::Symbol(symbol, _) = known else { return Value::Unknown };
        let asked = match self.names().all.family_of(*symbol) {
            Family::Python => &["__getitem__", "__iter__"][..],
            Family::C => &["operator[]"],
            Family::Php => &["offsetGet"],
            _ => &[],
        };
        for name in asked {
            let Some(word) = self.names().all.words.find(name) else { continue };
            let found = self.members_of(known, word).places.into_iter().find_map(Place::symbol);
            let given = found.map_or(Value::Unknown, |function| self.result(function, known));
            match given {
                Value::Unknown => {}
                given if *name == "__iter__" => return self.map_instance(given, element),
                given => return given,
            }
        }
        Value::Unknown
    }

    /// An instance that can be called: Python, PHP, C++.
    pub(super) fn called_instance(&mut self, known: &Type) -> Value {
        let found = ["__call__", "__invoke", "operator()"].into_iter().find_map(|name| {
            let name = self.names().all.words.find(name)?;
            self.members_of(known, name).places.into_iter().find_map(Place::symbol)
        });
        found.map_or(Value::Unknown, |function| self.result(function, known))
    }
}
