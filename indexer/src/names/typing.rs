//! Written types to known ones, and members of what is known.

use std::rc::Rc;

use kotadb_core::facts::{Flags, SymbolKind};

use super::builtins;
use super::containers::{self, Shape};
use super::evaluate::{Evaluator, OUTSIDE, Type, Value};
use super::family::Family;
use super::holders::substitute;
use super::place::{Place, Want};
use super::scout::{Point, symbols};
use super::types::{self, Written};
use super::words::Word;

/// Types of Go that are made of each other, types of Rust that stand for each other.
const MOST_ALIASES: usize = 8;

/// Types that say nothing.
const ANYTHING: [&str; 5] = ["any", "Any", "unknown", "dynamic", "mixed"];

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
        let last = name.rsplit(['.', ':', '\\']).next().unwrap_or(name);
        let family = self.names().all.files[point.file as usize].family;
        if ANYTHING.contains(&last) || (name == "object" && family.has_object()) {
            return Type::Unknown;
        }
        if is_self(name) {
            return self.this(point).unwrap_or(Type::Unknown);
        }
        let places = self.scout.type_path(point, name);
        let place = self.scout.head(&places);
        if let Some(Place::Symbol(symbol)) = place {
            let family = self.names().all.family_of(symbol);
            let is_declared = self.names().all.symbol(symbol).flags.has(Flags::DECLARATION);
            let whole = if is_declared { self.c_type(family, name) } else { None };
            return self.symbol_type(whole.unwrap_or(symbol), arguments);
        }
        if family == Family::Script && place.is_none() && !builtins::is_name(family, last) {
            let known = self.class_in_variable(point, name);
            if known != Type::Unknown {
                return known;
            }
        }
        if let Some(shape) = self.shape(place, last) {
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

    /// `const Pool = other ?? class {}` of scripts: a variable that a class is in.
    fn class_in_variable(&mut self, point: Point, name: &str) -> Type {
        let places = self.scout.path(point, name, Want::Head);
        let Some(Place::Symbol(variable)) = self.scout.head(&places) else { return Type::Unknown };
        match self.symbol_value(variable) {
            Value::Type(known) => known,
            Value::Instance(Type::Holder(Shape::Class, of)) => of.first().cloned().unwrap_or(Type::Unknown),
            _ => Type::Unknown,
        }
    }

    /// What a type outside does with what it holds, by its name where it is defined.
    fn shape(&self, place: Option<Place>, written: &str) -> Option<Shape> {
        let imported = place.filter(|place| matches!(place, Place::Outside(..)));
        let path = imported.map(|place| self.outside_path(place, written));
        let last = path.as_deref().and_then(|path| path.rsplit(['.', ':', '/', '\\', OUTSIDE]).next());
        last.and_then(containers::shape).or_else(|| containers::shape(written))
    }

    /// Types of C are seen where their header is included, however far: the only one of a name is meant.
    fn c_type(&self, family: Family, name: &str) -> Option<u32> {
        let all = &self.names().all;
        if family != Family::C {
            return None;
        }
        let last = name.rsplit(':').next().unwrap_or(name);
        let found = all.named(all.words.find(last)?);
        let is_whole = |&&symbol: &&u32| {
            let definition = all.symbol(symbol);
            definition.kind.is_type() && !definition.flags.has(Flags::DECLARATION)
        };
        let mut whole = found.iter().filter(is_whole).take(2);
        whole.next().filter(|_| whole.next().is_none()).copied()
    }

    fn symbol_type(&mut self, symbol: u32, arguments: Rc<[Type]>) -> Type {
        match self.names().all.symbol(symbol).kind {
            // `type Pos int` of Go is a type with methods of its own.
            SymbolKind::TypeAlias if self.names().all.family_of(symbol) == Family::Go => {
                return Type::Symbol(symbol, arguments);
            }
            SymbolKind::TypeAlias => {}
            // `One(pair)` in a pattern says that it is one of the enum.
            SymbolKind::Variant => {
                let owner = self.names().all.owner(symbol);
                return owner.map_or(Type::Unknown, |owner| Type::Symbol(owner, arguments));
            }
            _ => return Type::Symbol(symbol, arguments),
        }
        match self.declared(symbol) {
            Value::Instance(known) | Value::Type(known) if known != Type::Unknown => {
                substitute(&known, &Type::Symbol(symbol, arguments))
            }
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
        let mut found = self.own_members(known, name);
        let mut standing = known.clone();
        for _ in 0..MOST_ALIASES {
            let target = if found.places.is_empty() { self.target(&standing) } else { None };
            let Some(target) = target else { break };
            let behind = self.own_members(&target, name);
            found = Found { is_open: found.is_open || behind.is_open, ..behind };
            standing = target;
        }
        found
    }

    fn own_members(&mut self, known: &Type, name: Word) -> Found {
        match known {
            Type::Symbol(symbol, _) => {
                let members = self.names().members(*symbol, name);
                let mut places = symbols(&members.found);
                if places.is_empty() {
                    places = self.scout.inside(Place::Symbol(*symbol), name);
                }
                let mut below = known.clone();
                for _ in 0..MOST_ALIASES {
                    let next = if places.is_empty() { self.underlying(&below) } else { None };
                    let Some(next) = next else { break };
                    let Type::Symbol(symbol, _) = next else { return self.members_of(&next, name) };
                    places = symbols(&self.names().members(symbol, name).found);
                    below = next;
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

    /// What a type of Go is made of: a list of what `type Fields []Field` lists.
    pub fn underlying(&mut self, known: &Type) -> Option<Type> {
        let Type::Symbol(symbol, _) = known else { return None };
        let is_alias = self.names().all.symbol(*symbol).kind == SymbolKind::TypeAlias;
        match self.declared(*symbol) {
            Value::Instance(below) | Value::Type(below) if is_alias && below != *known => Some(below),
            _ => None,
        }
    }

    /// What a name means by itself at a point, for a use.
    pub fn bare(&mut self, point: Point, name: Word, want: Want) -> Option<super::lexical::Meaning> {
        self.scout.bare(point, name, want)
    }
}

/// Whether a type is the one that it is written in, or what stands below: `Self`, `te.Self`.
pub fn is_self(name: &str) -> bool {
    matches!(name, "Self" | "this" | "self" | "static")
        || name.strip_suffix(".Self").is_some_and(|module| module.len() < 20)
}

/// `T`, `K`, `TValue`: how parameters of types are called.
pub fn is_parameter(name: &str) -> bool {
    let mut signs = name.chars();
    let first = signs.next().is_some_and(|first| first.is_ascii_uppercase());
    let second = signs.next();
    first
        && second.is_none_or(|second| second.is_ascii_digit() || (name.starts_with('T') && second.is_ascii_uppercase()))
}
