//! What a receiver is: followed step by step through names, fields, results and elements, with a bound on the steps.

use std::collections::HashMap;
use std::rc::Rc;

use kotadb_core::facts::{Flags, SymbolKind};

use super::Names;
use super::builtins;
use super::containers::{self, Shape};
use super::definitions::NONE;
use super::expression::{self, Primary, Step};
use super::family::Family;
use super::holders::{awaited, element, first, given, substitute};
use super::place::{Place, Want};
use super::scout::{Point, Scout};
use super::words::Word;

/// Stands between the module and the name of something outside.
pub const OUTSIDE: char = '#';

/// Steps that one expression may cost.
const FUEL: u32 = 60;
/// Symbols whose types are followed into each other.
const MOST_NESTED: usize = 40;
/// Values of symbols that are remembered at a time.
const MOST_KNOWN: usize = 200_000;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A symbol, with arguments.
    Symbol(u32, Rc<[Self]>),
    /// A container of a standard library.
    Holder(Shape, Rc<[Self]>),
    /// One of each.
    Tuple(Rc<[Self]>),
    /// One of these.
    Union(Rc<[Self]>),
    /// A parameter of a type or function.
    Parameter(Rc<str>),
    /// A type of a standard library that holds nothing.
    Builtin,
    /// Something outside, by its path.
    Outside(Rc<str>),
    /// Not known.
    Unknown,
}

/// What an expression gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A module, package or folder.
    Module(Place),
    /// A type itself.
    Type(Type),
    /// An instance.
    Instance(Type),
    /// A function, with what it was found in.
    Function(u32, Type),
    /// A method of a container: calling or reading it gives this.
    Method(Type),
    /// Not known.
    Unknown,
}

impl Value {
    /// Something of a type.
    pub fn of(known: Type) -> Self {
        if known == Type::Unknown { Self::Unknown } else { Self::Instance(known) }
    }
}

/// Evaluates receivers for one thread.
#[derive(Debug)]
pub struct Evaluator<'n> {
    /// Looks names up.
    pub scout: Scout<'n>,
    known: HashMap<u32, Value>,
    open: Vec<u32>,
    fuel: u32,
    /// Whether a circle cut something off what is being evaluated.
    is_cut: bool,
}

impl<'n> Evaluator<'n> {
    /// Knows nothing by heart yet.
    pub fn new(names: &'n Names) -> Self {
        Self { scout: Scout::new(names), known: HashMap::new(), open: Vec::new(), fuel: FUEL, is_cut: false }
    }

    /// All names.
    pub fn names(&self) -> &'n Names {
        self.scout.names
    }

    /// What an expression gives at a point.
    pub fn value(&mut self, point: Point, text: &str) -> Value {
        self.fuel = FUEL;
        self.evaluate(point, text)
    }

    pub(super) fn evaluate(&mut self, point: Point, text: &str) -> Value {
        if !self.spend() {
            return Value::Unknown;
        }
        let (primary, steps) = expression::parse(text);
        let mut steps = &steps[..];
        let mut value = match primary {
            Primary::Unknown => return Value::Unknown,
            Primary::This => self.this(point).map_or(Value::Unknown, Value::of),
            Primary::Super if self.is_rust(point) => self.named(point, "super", &mut steps, text),
            Primary::Super => self.super_type(point).map_or(Value::Unknown, Value::of),
            Primary::Own => self.this(point).map_or(Value::Unknown, Value::Type),
            Primary::Of(written) => match self.in_variant(point, written, steps) {
                Some(inside) => {
                    steps = &steps[1..];
                    inside
                }
                None => Value::of(self.type_of(point, written)),
            },
            Primary::Name(name) => self.named(point, name, &mut steps, text),
        };
        while let Some((step, rest)) = steps.split_first() {
            value = match (step, rest.first(), &value) {
                (Step::Element, Some(Step::Part(_)), Value::Instance(Type::Holder(Shape::Map, pair))) => {
                    Value::of(Type::Tuple(pair.clone()))
                }
                // `map` of Rust is told alike for what may be missing and for iterators.
                (Step::Inside, _, Value::Instance(Type::Holder(Shape::List, held)))
                | (Step::Inside, _, Value::Method(Type::Holder(Shape::List, held)))
                    if self.is_rust(point) =>
                {
                    Value::of(first(held))
                }
                (Step::Member(name), next, _) => {
                    let is_called = matches!(next, Some(Step::Call));
                    if self.spend() { self.member_value(point, value, name, is_called) } else { Value::Unknown }
                }
                _ => self.step(value, *step),
            };
            steps = rest;
            if value == Value::Unknown {
                break;
            }
        }
        value
    }

    fn is_rust(&self, point: Point) -> bool {
        self.names().all.files[point.file as usize].family == Family::Rust
    }

    /// The value of the first name; words of a path that belong to it are taken off the steps.
    fn named<'e>(&mut self, point: Point, name: &'e str, steps: &mut &[Step<'e>], text: &str) -> Value {
        let names = self.scout.names;
        let family = names.all.files[point.file as usize].family;
        let word = names.all.words.find(name);
        if family == Family::Rust && (text.contains("::") || matches!(name, "crate" | "$crate" | "self" | "super")) {
            return self.rust_path(point, name, steps);
        }
        let meaning = word.and_then(|word| self.scout.bare(point, word, Want::Head));
        if let Some(place) = meaning.and_then(|meaning| self.scout.head(&meaning.places)) {
            return self.place_value(place, name);
        }
        if let Some(package) = word.and_then(|word| self.scout.package_named(point, word)) {
            return Value::Module(package);
        }
        self.namespace(point, word).unwrap_or_else(|| match containers::shape(name) {
            Some(shape) => Value::Type(Type::Holder(shape, Rc::new([]))),
            None if builtins::is_name(family, name) => Value::Type(Type::Builtin),
            None => Value::Unknown,
        })
    }

    /// A namespace of C++ is opened in many files.
    fn namespace(&self, point: Point, word: Option<Word>) -> Option<Value> {
        let all = &self.names().all;
        let is_c = all.files[point.file as usize].family == Family::C;
        let found = all.named(word.filter(|_| is_c)?).iter().copied();
        let mut namespaces = found.filter(|&symbol| {
            matches!(all.symbol(symbol).kind, SymbolKind::Module | SymbolKind::Class | SymbolKind::Struct)
                && all.family_of(symbol) == Family::C
        });
        let first = namespaces.next()?;
        Some(self.type_value(first, Rc::new([])))
    }

    /// `a::b::C::new` of Rust: the longest part of the path that is modules is walked at once.
    fn rust_path<'e>(&mut self, point: Point, name: &'e str, steps: &mut &[Step<'e>]) -> Value {
        let names = self.scout.names;
        let mut place = self.scout.rust_path(point, name, None);
        if let Place::Nowhere | Place::Outside(..) = place {
            let word = names.all.words.find(name);
            let meaning = word.and_then(|word| self.scout.bare(point, word, Want::Head));
            place = meaning.and_then(|meaning| self.scout.head(&meaning.places)).unwrap_or(place);
        }
        if let Place::Outside(..) = place {
            let path = self.outside_path(place, name);
            if let Some(shape) = containers::shape(path.rsplit([':', OUTSIDE]).next().unwrap_or(&path)) {
                return Value::Type(Type::Holder(shape, Rc::new([])));
            }
            if super::typing::is_parameter(name) {
                return Value::Unknown;
            }
            let is_builtin = builtins::is_name(Family::Rust, name);
            return Value::Type(if is_builtin { Type::Builtin } else { Type::Outside(path) });
        }
        while let (Place::File(_), Some((Step::Member(next), rest))) = (place, steps.split_first()) {
            if *next == "super" {
                place = self.scout.rust_path(Point { file: file_of(place), at: NONE }, "super", None);
                *steps = rest;
                continue;
            }
            break;
        }
        self.place_value(place, name)
    }

    /// The path of something outside, as people write it.
    pub fn outside_path(&self, place: Place, written: &str) -> Rc<str> {
        let words = &self.names().all.words;
        let Place::Outside(module, name) = place else { return written.into() };
        match (words.text(module), words.text(name)) {
            ("", _) => written.into(),
            (module, "" | "*" | "default") => module.into(),
            (module, name) => format!("{module}{OUTSIDE}{name}").into(),
        }
    }

    /// The value that a place stands for.
    pub fn place_value(&mut self, place: Place, written: &str) -> Value {
        match place {
            Place::Symbol(symbol) => self.symbol_value(symbol),
            Place::Outside(..) => {
                let path = self.outside_path(place, written);
                let last = path.rsplit(['.', ':', '/', '\\', OUTSIDE]).next().unwrap_or(&path);
                match containers::shape(last) {
                    Some(shape) => Value::Type(Type::Holder(shape, Rc::new([]))),
                    None => Value::Type(Type::Outside(path)),
                }
            }
            Place::Nowhere => Value::Unknown,
            module => Value::Module(module),
        }
    }

    fn type_value(&self, symbol: u32, arguments: Rc<[Type]>) -> Value {
        if self.names().all.symbol(symbol).kind == SymbolKind::Module {
            return Value::Module(Place::Symbol(symbol));
        }
        Value::Type(Type::Symbol(symbol, arguments))
    }

    /// The value of a symbol by its name.
    pub fn symbol_value(&mut self, symbol: u32) -> Value {
        let definition = *self.names().all.symbol(symbol);
        match definition.kind {
            SymbolKind::Module | SymbolKind::Section => Value::Module(Place::Symbol(symbol)),
            SymbolKind::TypeAlias if self.names().all.family_of(symbol) == Family::Go => {
                Value::Type(Type::Symbol(symbol, Rc::new([])))
            }
            SymbolKind::TypeAlias => match self.declared(symbol) {
                Value::Instance(known) | Value::Type(known) => Value::Type(known),
                _ => Value::Type(Type::Symbol(symbol, Rc::new([]))),
            },
            kind if kind.is_type() => Value::Type(Type::Symbol(symbol, Rc::new([]))),
            SymbolKind::Variant => match definition.scope.as_symbol() {
                Some(owner) => Value::Instance(Type::Symbol(owner, Rc::new([]))),
                None => Value::Unknown,
            },
            kind if kind.is_callable() && !definition.flags.has(Flags::ACCESSOR) => {
                Value::Function(symbol, Type::Unknown)
            }
            _ => self.declared(symbol),
        }
    }

    /// What the type of a symbol says: of a value its type, of a function its result.
    pub fn declared(&mut self, symbol: u32) -> Value {
        if let Some(known) = self.known.get(&symbol) {
            return known.clone();
        }
        let names = self.scout.names;
        let Some(written) = names.all.symbol(symbol).of_type.some() else { return Value::Unknown };
        if self.open.contains(&symbol) || self.open.len() >= MOST_NESTED {
            self.is_cut = true;
            return Value::Unknown;
        }
        // Its own steps and nothing cut off: so a remembered value is the one that anybody would find.
        let before = (std::mem::replace(&mut self.fuel, FUEL), std::mem::take(&mut self.is_cut));
        self.open.push(symbol);
        let point = Point { file: names.all.file_of(symbol), at: symbol };
        let text = result_of(names.all.words.text(written));
        let value = match text.strip_prefix('=') {
            Some(expression) => self.evaluate(point, expression),
            None => Value::of(self.type_of(point, text)),
        };
        self.open.pop();
        if !self.is_cut {
            if self.known.len() >= MOST_KNOWN {
                self.known.clear();
            }
            self.known.insert(symbol, value.clone());
        }
        self.fuel = before.0;
        self.is_cut |= before.1;
        value
    }

    /// Whether there is fuel for one more step, which is taken.
    fn spend(&mut self) -> bool {
        let left = self.fuel.checked_sub(1);
        self.fuel = left.unwrap_or(0);
        left.is_some()
    }

    fn step(&mut self, value: Value, step: Step<'_>) -> Value {
        if !self.spend() {
            return Value::Unknown;
        }
        match step {
            Step::Member(_) => Value::Unknown,
            Step::Handed(argument, parameter) => self.handed(value, argument, parameter),
            Step::Call => self.called(value),
            Step::Element => match self.indexed(&value) {
                Value::Unknown => self.map_instance(value, element),
                found => found,
            },
            Step::Inside => self.map_instance(value, |known| match known {
                Type::Holder(Shape::Maybe | Shape::Pointer, arguments) => first(arguments),
                other => other.clone(),
            }),
            Step::Await => self.map_instance(value, awaited),
            Step::Part(nth) => {
                let value = self.elements(value);
                self.map_instance(value, |known| match known {
                    Type::Tuple(parts) => parts.get(nth).cloned().unwrap_or(Type::Unknown),
                    _ => Type::Unknown,
                })
            }
        }
    }

    pub(super) fn map_instance(&mut self, value: Value, change: impl Fn(&Type) -> Type) -> Value {
        match self.read(value) {
            Value::Instance(Type::Outside(path)) => Value::Instance(Type::Outside(path)),
            Value::Instance(known) => {
                let below = self.underlying(&known);
                Value::of(change(below.as_ref().unwrap_or(&known)))
            }
            // `Foo[T]` is still `Foo`.
            Value::Type(known) => Value::Type(known),
            _ => Value::Unknown,
        }
    }

    /// A value that is read, not called.
    fn read(&self, value: Value) -> Value {
        if let Value::Method(known) = value { Value::of(known) } else { value }
    }

    /// What a member gives; a field and a method may have one name, so what is called is a method if there is one.
    fn member_value(&mut self, point: Point, value: Value, name: &str, is_called: bool) -> Value {
        let value = self.read(value);
        let word = self.names().all.words.find(name);
        let own = match &value {
            Value::Instance(known) | Value::Type(known) => known.clone(),
            _ => Type::Unknown,
        };
        if let Some(word) = word {
            let found = self.members(point, &value, word);
            if let Some(place) = found.places.first().copied() {
                let called = found.places.iter().find(|place| is_called && self.is_callable(**place)).copied();
                let head = called.or_else(|| self.scout.head(&found.places)).unwrap_or(place);
                let through = found.through.clone().unwrap_or(own);
                return match self.place_value(head, name) {
                    Value::Function(function, _) => Value::Function(function, through),
                    Value::Instance(known) => Value::of(substitute(&known, &through)),
                    other => other,
                };
            }
        }
        match own {
            Type::Outside(path) if path.contains(OUTSIDE) => {
                Value::Type(Type::Outside(format!("{path}.{name}").into()))
            }
            Type::Outside(path) => Value::Type(Type::Outside(format!("{path}{OUTSIDE}{name}").into())),
            Type::Holder(shape, arguments) => given(shape, &arguments, name),
            Type::Builtin => Value::Instance(Type::Builtin),
            _ => Value::Unknown,
        }
    }

    fn is_callable(&self, place: Place) -> bool {
        place.symbol().is_some_and(|symbol| self.names().all.symbol(symbol).kind.is_callable())
    }

    fn called(&mut self, value: Value) -> Value {
        match value {
            Value::Type(Type::Outside(path)) => Value::Instance(Type::Outside(path)),
            Value::Type(known) => Value::Instance(known),
            Value::Instance(Type::Holder(Shape::Class, arguments)) => Value::of(first(&arguments)),
            Value::Method(known) => Value::of(known),
            Value::Function(function, through) => self.result(function, &through),
            Value::Instance(Type::Outside(path)) => Value::Instance(Type::Outside(path)),
            Value::Instance(known @ Type::Symbol(..)) => self.called_instance(&known),
            _ => Value::Unknown,
        }
    }

    /// What a function gives when it was found in `through`.
    pub(super) fn result(&mut self, function: u32, through: &Type) -> Value {
        let names = self.scout.names;
        let definition = names.all.symbol(function);
        if definition.kind == SymbolKind::Constructor {
            let owner = names.all.owner(function);
            return owner.map_or(Value::Unknown, |owner| Value::Instance(Type::Symbol(owner, Rc::new([]))));
        }
        if definition.kind == SymbolKind::Macro {
            return Value::Unknown;
        }
        // `Self` is what it was called on, which may stand below its type.
        let text = result_of(names.all.words.text(definition.of_type));
        let is_own = super::typing::is_self(text) || matches!(text, "=this" | "=Self()");
        if is_own && *through != Type::Unknown {
            return Value::Instance(through.clone());
        }
        match self.declared(function) {
            Value::Instance(known) => Value::of(substitute(&known, through)),
            other => other,
        }
    }

    /// The type round a point.
    pub fn this(&self, point: Point) -> Option<Type> {
        self.names().all.type_round(point.at).map(|owner| Type::Symbol(owner, Rc::new([])))
    }

    fn super_type(&mut self, point: Point) -> Option<Type> {
        let Some(Type::Symbol(own, _)) = self.this(point) else { return None };
        let lineage = self.names().above.get(&self.names().all.whole(own))?;
        let all = lineage.types.iter().map(|&above| Type::Symbol(above, Rc::new([]))).collect();
        Some(Type::Union(all))
    }
}

/// The type of a function without what it hands on, and what it takes.
pub(super) fn result_of(text: &str) -> &str {
    let is_end = |at: &usize| text[*at..].contains('=') || text[*at..].starts_with(" (");
    text.find(' ').filter(is_end).map_or(text, |at| &text[..at])
}

fn file_of(place: Place) -> u32 {
    if let Place::File(file) = place { file } else { 0 }
}
