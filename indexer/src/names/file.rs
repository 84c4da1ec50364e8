//! The references of one file, one by one: the rules in their order, the first that holds.

use std::collections::HashMap;

use kotadb_core::facts::{Facts, Reference, Role, SymbolKind, expression};
use kotadb_core::graph::{Confidence, External, FileEdges, Tier};

use super::Names;
use super::builtins;
use super::candidates::{self, Asked};
use super::definitions::NONE;
use super::evaluate::{Evaluator, Type, Value};
use super::externals;
use super::family::Family;
use super::place::{Place, Want};
use super::scout::Point;
use super::sites::Rounds;
use super::tiers;
use super::words::Word;

/// Files that a function includes in its body, of which names are looked for.
const MOST_INNER: usize = 8;

/// What a reference leads to.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// Symbols, the first the likeliest.
    Symbols(Vec<u32>, Tier),
    /// Symbols, each of which is meant: members of a union, pieces of one function.
    Each(Vec<u32>, Tier),
    /// Those of its name, though what is known speaks against them.
    Unlikely(Doubt),
    /// A file as a module.
    File(u32, Tier),
    /// Something outside that is called by its name; and symbols of that name, though what is known speaks against them.
    Outside(External, Tier, Doubt),
    /// Something that is in no repository: of a standard library.
    Elsewhere,
    /// Nothing that is known.
    Unknown,
}

/// Symbols that are hardly meant, and how sure each is.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    pub(super) found: Vec<u32>,
    pub(super) confidence: Confidence,
}

impl Doubt {
    const NONE: Self = Self { found: Vec::new(), confidence: tiers::HARDLY };

    /// Those that what is known of the receiver speaks against.
    fn unlikely(family: Family, found: Vec<u32>) -> Self {
        Self { confidence: tiers::unlikely(family, found.len()), found }
    }

    /// As an outcome, if there are any.
    fn outcome(self) -> Option<Outcome> {
        (!self.found.is_empty()).then_some(Outcome::Unlikely(self))
    }
}

/// A reference with what is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'f> {
    pub(super) reference: &'f Reference,
    /// What stands before the name.
    pub(super) receiver: Option<&'f str>,
    /// What is known of the arguments of a call.
    arguments: Option<&'f str>,
    pub(super) point: Point,
    pub(super) family: Family,
    pub(super) name: Option<Word>,
    pub(super) want: Want,
}

/// What one file came to. Externals are numbered by this list.
#[derive(Clone, Debug, Default)]
pub struct FileResult {
    /// Edges.
    pub edges: FileEdges,
    /// What is outside.
    pub externals: Vec<External>,
}

/// Resolves files for one thread.
#[derive(Debug)]
pub struct Resolver<'n> {
    pub(super) evaluator: Evaluator<'n>,
    /// What receivers are, by the symbol round them.
    values: HashMap<u32, HashMap<Box<str>, Value>>,
    bare: HashMap<(Word, Want), Outcome>,
    candidates: HashMap<Asked, Vec<u32>>,
    /// Files that functions of C include in their bodies.
    inner: HashMap<u32, Vec<u32>>,
    /// What names mean by these.
    by_inner: HashMap<(u32, Word, Want), Option<Outcome>>,
    pub(super) externals: HashMap<External, u32>,
    pub(super) result: FileResult,
}

/// The rules, in their order.
const RULES: [Rule; 5] = [
    |resolver, site| resolver.own_type(site),
    |resolver, site| resolver.by_scope(site),
    |resolver, site| resolver.behind_receiver(site),
    |resolver, site| resolver.only_one(site),
    |resolver, site| resolver.one_of_several(site),
];

/// What a reference leads to by one rule; `None`: the rule does not know.
type Rule = fn(&mut Resolver<'_>, Site<'_>) -> Option<Outcome>;

/// Whether a receiver is written as a path of names, so that it is what it seems: `std::fs`, `os.path`.
fn is_path(receiver: &str) -> bool {
    let is_sign = |sign: char| sign.is_alphanumeric() || "_.:$".contains(sign);
    receiver.chars().all(is_sign) && !receiver.starts_with("this")
}

/// Whether a value may be of several types, so that a call may reach the member of any.
fn is_union(value: &Value) -> bool {
    let (Value::Instance(known) | Value::Type(known)) = value else { return false };
    matches!(externals::inner(known), Type::Union(_)) || matches!(known, Type::Union(_))
}

impl<'n> Resolver<'n> {
    /// Knows nothing by heart yet.
    pub fn new(names: &'n Names) -> Self {
        Self {
            evaluator: Evaluator::new(names),
            values: HashMap::new(),
            bare: HashMap::new(),
            candidates: HashMap::new(),
            inner: HashMap::new(),
            by_inner: HashMap::new(),
            externals: HashMap::new(),
            result: FileResult::default(),
        }
    }

    /// All names.
    pub(super) fn names(&self) -> &'n Names {
        self.evaluator.names()
    }

    /// Resolves a file.
    pub fn resolve(&mut self, file: u32, facts: &Facts) -> FileResult {
        (self.result, self.externals) = (FileResult::default(), HashMap::new());
        self.values.clear();
        self.bare.clear();
        self.candidates.clear();
        self.by_inner.clear();
        self.inner = self.inner_includes(file, facts);
        let first = self.names().all.files[file as usize].first_symbol;
        let family = self.names().all.files[file as usize].family;
        let mut rounds = Rounds::new(&facts.symbols);
        for reference in &facts.references {
            let source = rounds.at(reference.start);
            let point = Point { file, at: source.map_or(NONE, |source| first + source) };
            let name = self.names().all.words.find(&reference.name);
            let (receiver, arguments) = reference.receiver.as_deref().map_or((None, None), expression::apart);
            let want = Want::of(reference.role);
            let site = Site { reference, receiver, arguments, point, family, name, want };
            let outcome = RULES.iter().find_map(|rule| rule(self, site)).unwrap_or(Outcome::Unknown);
            self.record(site, source, outcome);
        }
        self.add_imports(file, facts);
        self.add_inheritance(file, facts);
        self.result.edges.edges.sort_by_key(|edge| edge.site);
        std::mem::take(&mut self.result)
    }

    /// `Self { … }`, `new static()`.
    fn own_type(&mut self, site: Site<'_>) -> Option<Outcome> {
        let name = &*site.reference.name;
        if site.receiver.is_some() || !matches!(name, "Self" | "static" | "self") {
            return None;
        }
        match self.evaluator.this(site.point)? {
            Type::Symbol(own, _) => Some(Outcome::Symbols(vec![own], Tier::Own)),
            _ => None,
        }
    }

    /// A bare name by the scopes of its file.
    fn by_scope(&mut self, site: Site<'_>) -> Option<Outcome> {
        if site.receiver.is_some() {
            return None;
        }
        let Some(name) = site.name else {
            return builtins::is_name(site.family, &site.reference.name).then_some(Outcome::Elsewhere);
        };
        if let Some(found) = self.by_inner_include(site, name) {
            return Some(found);
        }
        // In C functions have no scopes of names that files share, so a name means the same all over a file.
        let is_flat = site.family == Family::C && self.names().all.symbol_scope_is_top(site.point.at);
        if is_flat && let Some(known) = self.bare.get(&(name, site.want)) {
            return Some(known.clone()).filter(|outcome| !matches!(outcome, Outcome::Unknown));
        }
        let meaning = self.evaluator.bare(site.point, name, site.want);
        let outcome = meaning.and_then(|meaning| self.outcome(site, meaning.places, meaning.tier));
        if is_flat {
            self.bare.insert((name, site.want), outcome.clone().unwrap_or(Outcome::Unknown));
        }
        outcome.or_else(|| builtins::is_name(site.family, &site.reference.name).then_some(Outcome::Elsewhere))
    }

    /// What C includes in the body of a function counts there before what the file has: tables and macros of another file.
    fn by_inner_include(&mut self, site: Site<'_>, name: Word) -> Option<Outcome> {
        let files = self.inner.get(&site.point.at)?.clone();
        let key = (site.point.at, name, site.want);
        if let Some(known) = self.by_inner.get(&key) {
            return known.clone();
        }
        let found = files.into_iter().find_map(|file| {
            let found = self.evaluator.scout.inside(Place::File(file), name);
            let found = self.evaluator.scout.suited(found, site.want);
            self.outcome(site, found, Tier::Import)
        });
        self.by_inner.insert(key, found.clone());
        found
    }

    /// The files that functions include in their bodies, the first few of each.
    fn inner_includes(&mut self, file: u32, facts: &Facts) -> HashMap<u32, Vec<u32>> {
        let entry = self.names().all.files[file as usize];
        let mut inner = HashMap::<u32, Vec<u32>>::new();
        if entry.family != Family::C {
            return inner;
        }
        for (number, import) in self.names().all.imports_of(file).zip(&facts.imports) {
            let round = facts.enclosing(import.start).filter(|&symbol| facts.symbols[symbol].kind.is_callable());
            let Some(round) = round else { continue };
            let files = inner.entry(entry.first_symbol + round as u32).or_default();
            if files.len() < MOST_INNER
                && let Place::File(included) = self.evaluator.scout.place_of(file, number)
                && !files.contains(&included)
            {
                files.push(included);
            }
        }
        inner
    }

    /// A name behind something.
    fn behind_receiver(&mut self, site: Site<'_>) -> Option<Outcome> {
        let receiver = site.receiver?;
        let value = self.receiver_value(site.point, receiver);
        let tier = match (&value, receiver) {
            (Value::Unknown, _) => {
                return self.php_name(site, receiver).or_else(|| self.behind_pointer(site, receiver));
            }
            (Value::Module(_), _) => Tier::Qualified,
            (_, "this" | "Self" | "super") => Tier::Own,
            (Value::Type(_) | Value::Function(..), _) => Tier::Qualified,
            _ => Tier::Receiver,
        };
        let found = match site.name {
            Some(name) if receiver == "super" && site.family != Family::Rust => self.above(site.point, name),
            Some(name) => self.evaluator.members(site.point, &value, name),
            None => super::typing::Found::default(),
        };
        let places = self.evaluator.scout.suited(found.places, site.want);
        match self.outcome(site, places, tier).or_else(|| self.behind_pointer(site, receiver)) {
            Some(Outcome::Symbols(found, tier)) if is_union(&value) => return Some(Outcome::Each(found, tier)),
            Some(outcome) => return Some(outcome),
            None => {}
        }
        if let (Want::Macro, Value::Module(Place::File(_)), Some(name)) = (site.want, &value, site.name) {
            // `#[macro_export]` puts a macro at the root of its crate.
            let meaning = self.evaluator.bare(site.point, name, site.want)?;
            return self.outcome(site, meaning.places, meaning.tier);
        }
        self.not_found(site, &value, tier, found.is_open)
    }

    /// `p[1].size` of C++ where `p` is a pointer, to something that may have an operator of its own for brackets.
    fn behind_pointer(&mut self, site: Site<'_>, receiver: &str) -> Option<Outcome> {
        let pointer = receiver.strip_suffix("[]").filter(|_| site.family == Family::C)?;
        let value = self.receiver_value(site.point, pointer);
        let found = self.evaluator.members(site.point, &value, site.name?);
        let places = self.evaluator.scout.suited(found.places, site.want);
        self.outcome(site, places, Tier::Receiver)
    }

    /// `\Acme\Queue`, `Db\open()` of PHP: what stands before the name is a namespace.
    fn php_name(&mut self, site: Site<'_>, receiver: &str) -> Option<Outcome> {
        if site.family != Family::Php {
            return None;
        }
        let path = format!("{receiver}\\{}", site.reference.name);
        let places = self.evaluator.scout.path(site.point, &path, site.want);
        self.outcome(site, places, Tier::Qualified)
    }

    /// Nothing of that name is behind a receiver that is known.
    fn not_found(&mut self, site: Site<'_>, value: &Value, tier: Tier, is_open: bool) -> Option<Outcome> {
        let known = match value {
            Value::Instance(known) | Value::Type(known) | Value::Method(known) => known,
            Value::Module(Place::Outside(..)) => {
                return Some(self.few(site).outcome().unwrap_or(Outcome::Elsewhere));
            }
            _ => return None,
        };
        let inner = externals::inner(known);
        let is_outside = matches!(inner, Type::Outside(_) | Type::Builtin | Type::Holder(..) | Type::Tuple(_));
        if is_outside && let Some(found) = self.extension(site) {
            return Some(Outcome::Each(found, Tier::Unique));
        }
        match inner {
            Type::Outside(path) => {
                let external = externals::external(site.family, path, &site.reference.name);
                Some(Outcome::Outside(external, tier, self.unlikely(site)))
            }
            Type::Builtin | Type::Holder(..) | Type::Tuple(_) => {
                Some(self.unlikely(site).outcome().unwrap_or(Outcome::Elsewhere))
            }
            // What uses a trait of PHP or a module of Ruby may have what it calls on itself.
            Type::Symbol(own, _) if self.is_mixed_in(*own) => None,
            Type::Symbol(..) if !is_open && site.family != Family::C => self.by_interface(site),
            _ => None,
        }
    }

    /// The method of a trait that is written for types outside, if that is all that has the name.
    fn extension(&self, site: Site<'_>) -> Option<Vec<u32>> {
        let asked = self.asked(site).filter(|_| !builtins::is_common(&site.reference.name))?;
        let found = self.names().sole_method(asked)?;
        let is_asked_of_all = |&symbol: &u32| self.names().is_asked_of_all(symbol);
        found.iter().any(is_asked_of_all).then_some(found)
    }

    /// What a call may mean all the same where what came out of something else, as a result or an element, seems to be of a
    /// type outside: wrappers and stand-ins give what they were given. Of names that many types have that says nothing.
    fn unlikely(&self, site: Site<'_>) -> Doubt {
        let receiver = site.receiver.unwrap_or_default();
        let is_call = site.reference.role.is_call();
        let Some(asked) = self.asked(site).filter(|_| is_call) else { return Doubt::NONE };
        if let Some(interface) = receiver.strip_prefix('<').filter(|_| site.family == Family::Rust) {
            // What is bound by a trait from outside may be any type that it is written for.
            let interface = interface.split(['<', '>', '+']).next().unwrap_or_default();
            let found = self.names().written_for_trait(asked, interface);
            if !found.is_empty() {
                return Doubt { found, confidence: tiers::BOUND };
            }
        }
        if site.family == Family::Rust && !receiver.contains(['(', '[', '<', '.']) {
            let found = self.names().written_for(asked, receiver);
            let is_none = found.is_empty() && !is_path(receiver);
            return if is_none { self.few(site) } else { Doubt::unlikely(site.family, found) };
        }
        if receiver.contains(['(', '[']) && !builtins::is_common(&site.reference.name) {
            return Doubt::unlikely(site.family, self.names().candidates(asked));
        }
        self.few(site)
    }

    /// What a call that seems to lead outside may mean all the same where few have the name: types are not always what they seem.
    fn few(&self, site: Site<'_>) -> Doubt {
        let is_asked = site.reference.role.is_call() && site.family != Family::C;
        let Some(asked) = self.asked(site).filter(|_| is_asked) else { return Doubt::NONE };
        let mut found = self.names().candidates(asked);
        let is_told = site.receiver.is_none_or(is_path);
        match found.len() {
            n if n <= candidates::few(site.family, is_told) => {}
            _ if is_told => return Doubt::NONE,
            _ if site.family == Family::Python => found.truncate(candidates::NEAREST),
            _ => return Doubt::NONE,
        }
        Doubt { found, ..Doubt::NONE }
    }

    fn is_mixed_in(&self, of: u32) -> bool {
        let all = &self.names().all;
        match all.family_of(of) {
            Family::Php => all.symbol(of).kind == SymbolKind::Trait,
            Family::Ruby => all.symbol(of).kind == SymbolKind::Module,
            _ => false,
        }
    }

    /// A type has no such member itself: a trait or interface of that name may be written for it, else it comes from outside.
    fn by_interface(&self, site: Site<'_>) -> Option<Outcome> {
        let asked = self.asked(site)?;
        let mut found = self.names().candidates(asked);
        let all_of_name = found.clone();
        found.retain(|&symbol| self.names().is_asked_of_all(symbol));
        if found.is_empty() || builtins::is_common(&site.reference.name) {
            let is_call = site.reference.role.is_call() && !all_of_name.is_empty();
            let doubt = Doubt::unlikely(site.family, all_of_name);
            return Some(if is_call { Outcome::Unlikely(doubt) } else { Outcome::Unknown });
        }
        found.truncate(3);
        Some(Outcome::Symbols(found, Tier::Candidate))
    }

    fn above(&mut self, point: Point, name: Word) -> super::typing::Found {
        let Some(Type::Symbol(own, _)) = self.evaluator.this(point) else { return super::typing::Found::default() };
        let members = self.names().members_above(own, name);
        super::typing::Found { places: super::scout::symbols(&members.found), through: None, is_open: members.is_open }
    }

    fn receiver_value(&mut self, point: Point, receiver: &str) -> Value {
        if let Some(known) = self.values.get(&point.at).and_then(|here| here.get(receiver)) {
            return known.clone();
        }
        let value = self.evaluator.value(point, receiver);
        self.values.entry(point.at).or_default().insert(receiver.into(), value.clone());
        value
    }

    /// The only symbol of its name, if the name says anything.
    fn only_one(&mut self, site: Site<'_>) -> Option<Outcome> {
        let asked = self.asked(site)?;
        let Some(only) = self.names().sole_candidate(asked) else {
            let is_telling = !builtins::is_common(&site.reference.name);
            let found = self.names().sole_method(asked).filter(|_| is_telling);
            return found.map(|found| Outcome::Each(found, Tier::Unique));
        };
        let definition = self.names().all.symbol(only);
        let fits = !definition.kind.is_callable() || definition.arity.fits(asked.n_arguments);
        let is_telling = !asked.has_receiver || !builtins::is_common(&site.reference.name);
        (fits && is_telling).then(|| Outcome::Symbols(vec![only], Tier::Unique))
    }

    /// Those of its name; of what is read or written there are too many to be worth telling.
    fn one_of_several(&mut self, site: Site<'_>) -> Option<Outcome> {
        if !matches!(site.reference.role, Role::Call | Role::New | Role::Macro | Role::Decorate) {
            return None;
        }
        let asked = self.asked(site)?;
        let names = self.names();
        let known = self.candidates.entry(asked).or_insert_with(|| match site.family {
            // Those of Java that do not fit make room for others.
            Family::Jvm => names.all_candidates(asked),
            _ => names.candidates(asked),
        });
        let mut found = known.clone();
        if let Some(arguments) = site.arguments {
            found = self.evaluator.fitting_overloads(site.point, arguments, found);
        }
        found.truncate(candidates::most(site.family));
        (!found.is_empty()).then_some(Outcome::Symbols(found, Tier::Candidate))
    }

    fn asked(&self, site: Site<'_>) -> Option<Asked> {
        let (file, n_arguments, want) = (site.point.file, site.reference.n_arguments, site.want);
        let has_receiver = site.receiver.is_some();
        site.name.map(|name| Asked { file, name, want, n_arguments, has_receiver })
    }

    /// Places as an outcome; `None`: there are none.
    fn outcome(&mut self, site: Site<'_>, places: Vec<Place>, tier: Tier) -> Option<Outcome> {
        let first = *places.first()?;
        let found: Vec<u32> = places.iter().filter_map(|place| place.symbol()).collect();
        if !found.is_empty() {
            let asked = self.asked(site)?;
            let chosen = self.names().choose(asked, self.names().or_inherited(asked, found));
            let chosen = match site.arguments {
                Some(arguments) => self.evaluator.best_overloads(site.point, arguments, chosen),
                _ => self.names().defined(asked, chosen),
            };
            let is_one = match site.family {
                // In Go two of one name in one package are for several builds.
                Family::Python | Family::Go => self.names().is_one_thing(&chosen),
                Family::C | Family::Rust => self.names().are_variants(&chosen),
                _ => self.names().are_pieces(&chosen),
            };
            return Some(if is_one { Outcome::Each(chosen, tier) } else { Outcome::Symbols(chosen, tier) });
        }
        match first {
            Place::File(file) if site.family == Family::Script && matches!(site.want, Want::Call | Want::New) => {
                // A module that is called is its default export.
                let default = self.names().all.words.find("default")?;
                let found = self.evaluator.scout.inside(Place::File(file), default);
                let found = self.evaluator.scout.suited(found, site.want);
                let found: Vec<u32> = found.into_iter().filter_map(Place::symbol).collect();
                (!found.is_empty()).then_some(Outcome::Symbols(found, tier))
            }
            Place::File(file) => Some(Outcome::File(file, tier)),
            Place::Outside(..) => {
                let path = self.evaluator.outside_path(first, &site.reference.name);
                Some(Outcome::Outside(externals::external(site.family, &path, ""), tier, Doubt::NONE))
            }
            _ => None,
        }
    }
}
