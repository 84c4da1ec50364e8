//! What is in tuple structs and in variants of Rust, which patterns take apart: elements by number, fields by name.

use std::rc::Rc;

use kotadb_core::facts::SymbolKind;

use super::definitions::Scope;
use super::evaluate::{Evaluator, Type, Value};
use super::expression::Step;
use super::family::Family;
use super::holders::substitute;
use super::place::Place;
use super::scout::Point;

impl Evaluator<'_> {
    /// What the first step finds in a variant: `<Frame::Data>.0`, `<Frame::Data>.id`.
    pub(super) fn in_variant(&mut self, point: Point, written: &str, steps: &[Step<'_>]) -> Option<Value> {
        let (names, step) = (self.scout.names, steps.first()?);
        if names.all.files[point.file as usize].family != Family::Rust {
            return None;
        }
        let is_variant = |symbol: &u32| names.all.symbol(*symbol).kind == SymbolKind::Variant;
        let variant = self.scout.type_path(point, written).into_iter().find_map(Place::symbol).filter(is_variant)?;
        match step {
            Step::Part(nth) => Some(Value::of(self.element_types(variant).get(*nth)?.clone())),
            Step::Member(name) => {
                let name = names.all.words.find(name)?;
                let field = *names.all.within(Scope::symbol(variant), name).first()?;
                Some(self.declared(field))
            }
            _ => None,
        }
    }

    /// An instance of a tuple struct as the tuple of its elements.
    pub(super) fn elements(&mut self, value: Value) -> Value {
        let Value::Instance(Type::Symbol(symbol, _)) = &value else { return value };
        if self.names().all.symbol(*symbol).kind != SymbolKind::Struct {
            return value;
        }
        let Value::Instance(known) = &value else { return value };
        let parts: Rc<[Type]> = self.element_types(*symbol).iter().map(|part| substitute(part, known)).collect();
        Value::Instance(Type::Tuple(parts))
    }

    /// The types of the elements of a tuple struct or variant: what is written as one type in brackets is one element.
    fn element_types(&mut self, symbol: u32) -> Rc<[Type]> {
        match self.declared(symbol) {
            Value::Instance(Type::Tuple(parts)) => parts,
            Value::Instance(only) => Rc::new([only]),
            _ => Rc::new([]),
        }
    }
}
