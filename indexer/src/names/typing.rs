//! Written types to known ones, and members of what is known.

use std::rc::Rc;

use kotadb_core::facts::SymbolKind;

use super::builtins;
use super::containers::{self, Shape};
use super::evaluate::{Evaluator, OUTSIDE, Type, Value};
use super::place::{Place, Want};
use super::scout::{Point, symbols};
use super::types::{self, Written};
use super::words::Word;

/// Members of a value.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What the name means there.
    pub places: Vec<Place>,
    /// The type that it was found in, where a value stands for another.
    pub through: Option<Type>,
    /// Whether there may be others of that name that are not known.
    pub is_open: bool,
}

impl Evaluator<'_> {
    /// The type that is written at a point.
    pub fn type_of(&mut self, point: Point, text: &str) -> Type {
        self.known_type(point, &types::parse(text))
    }

    fn known_type(&mut self, point: Point, written: &Written<'_>) -> Type {
        let holder = |shape, inner: Vec<Type>| Type::Holder(shape, inner.into());
        match written {
            Written::Unknown => Type::Unknown,
            Written::List(inner) => holder(Shape::List, vec![self.known_type(point, inner)]),
            Written::Maybe(inner) => holder(Shape::Maybe, vec![self.known_type(point, inner)]),
            Written::Map(key, value) => {
                let key = self.known_type(point, key);
                holder(Shape::Map, vec![key, self.known_type(point, value)])
            }
            Written::Tuple(parts) => Type::Tuple(self.all_types(point, parts)),
            Written::Union(parts) => Type::Union(self.all_types(point, parts)),
            Written::Name(name, arguments) => {
                let arguments = self.all_types(point, arguments);
                self.named_type(point, name, arguments)
            }
        }
    }

    fn all_types(&mut self, point: Point, parts: &[Written<'_>]) -> Rc<[Type]> {
        parts.iter().map(|part| self.known_type(point, part)).collect()
    }

    fn named_type(&mut self, point: Point, name: &str, arguments: Rc<[Type]>) -> Type {
        if matches!(name, "Self" | "this" | "self" | "static") {
            return self.this(point).unwrap_or(Type::Unknown);
        }
        let places = self.scout.type_path(point, name);
        let place = self.scout.head(&places);
        if let Some(Place::Symbol(symbol)) = place {
            return self.symbol_type(symbol, arguments);
        }
        let last = name.rsplit(['.', ':', '\\']).next().unwrap_or(name);
        let family = self.names().all.files[point.file as usize].family;
        if let Some(shape) = containers::shape(last) {
            return Type::Holder(shape, arguments);
        }
        match place {
            Some(outside @ Place::Outside(..)) if name == last => Type::Outside(self.outside_path(outside, name)),
            Some(outside @ Place::Outside(..)) => {
                let head = self.outside_path(outside, &name[..name.len() - last.len()]);
                Type::Outside(format!("{}{OUTSIDE}{last}", head.trim_end_matches([':', '.', '\\'])).into())
            }
            _ if builtins::is_name(family, last) => Type::Builtin,
            _ if is_parameter(name) => Type::Parameter(name.into()),
            _ => self.c_type(family, name).map_or(Type::Unknown, |symbol| Type::Symbol(symbol, arguments)),
        }
    }

    /// Types of C are seen where their header is included, however far: the only one of a name is meant.
    fn c_type(&self, family: super::family::Family, name: &str) -> Option<u32> {
        let all = &self.names().all;
        if family != super::family::Family::C {
            return None;
        }
        let last = name.rsplit(':').next().unwrap_or(name);
        let found = all.named(all.words.find(last)?);
        let is_whole = |&&symbol: &&u32| {
            let definition = all.symbol(symbol);
            definition.kind.is_type() && !definition.flags.has(kotadb_core::facts::Flags::DECLARATION)
        };
        let mut whole = found.iter().filter(is_whole).take(2);
        whole.next().filter(|_| whole.next().is_none()).copied()
    }

    fn symbol_type(&mut self, symbol: u32, arguments: Rc<[Type]>) -> Type {
        if self.names().all.symbol(symbol).kind != SymbolKind::TypeAlias {
            return Type::Symbol(symbol, arguments);
        }
        match self.declared(symbol) {
            Value::Instance(known) | Value::Type(known) if known != Type::Unknown => known,
            _ => Type::Symbol(symbol, arguments),
        }
    }

    /// What a name means behind a value.
    pub fn members(&mut self, point: Point, value: &Value, name: Word) -> Found {
        match value {
            Value::Module(place) => {
                let places = self.scout.inside(*place, name);
                Found { is_open: places.is_empty() && matches!(place, Place::Folder(_)), places, through: None }
            }
            Value::Type(known) | Value::Instance(known) | Value::Method(known) => self.members_of(known, name),
            Value::Function(function, _) => {
                let places = self.scout.inside(Place::Symbol(*function), name);
                Found { places, through: None, is_open: true }
            }
            Value::Unknown => {
                let _ = point;
                Found { is_open: true, ..Found::default() }
            }
        }
    }

    /// Members of something of a type; what stands for another has its members.
    pub fn members_of(&mut self, known: &Type, name: Word) -> Found {
        match known {
            Type::Symbol(symbol, _) => {
                let members = self.names().members(*symbol, name);
                let mut places = symbols(&members.found);
                if places.is_empty() {
                    places = self.scout.inside(Place::Symbol(*symbol), name);
                }
                Found { places, through: Some(known.clone()), is_open: members.is_open }
            }
            Type::Union(many) => {
                let mut all = Found::default();
                for one in many.iter() {
                    let found = self.members_of(one, name);
                    all.is_open |= found.is_open;
                    all.through = all.through.or(found.through);
                    let fresh: Vec<Place> =
                        found.places.into_iter().filter(|place| !all.places.contains(place)).collect();
                    all.places.extend(fresh);
                }
                all
            }
            Type::Holder(Shape::Pointer | Shape::Maybe | Shape::Class, arguments) => match arguments.first() {
                Some(inner) => self.members_of(inner, name),
                None => Found { is_open: true, ..Found::default() },
            },
            Type::Holder(..) | Type::Builtin | Type::Tuple(_) | Type::Outside(_) => Found::default(),
            Type::Parameter(_) | Type::Unknown => Found { is_open: true, ..Found::default() },
        }
    }

    /// What a name means by itself at a point, for a use.
    pub fn bare(&mut self, point: Point, name: Word, want: Want) -> Option<super::lexical::Meaning> {
        self.scout.bare(point, name, want)
    }
}

/// `T`, `K`, `TValue`: how parameters of types are called.
fn is_parameter(name: &str) -> bool {
    let mut signs = name.chars();
    let first = signs.next().is_some_and(|first| first.is_ascii_uppercase());
    let second = signs.next();
    first
        && second.is_none_or(|second| second.is_ascii_digit() || (name.starts_with('T') && second.is_ascii_uppercase()))
}
