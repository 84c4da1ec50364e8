//! Which of several methods of one name Java means: by what its arguments are, as far as facts tell. What nothing decides
//! stays: a guess would lead to the wrong one as often as to the right one.

use kotadb_core::facts::SymbolKind;

use super::builtins;
use super::evaluate::{Evaluator, Value, result_of};
use super::expression::{self, Primary, Step};
use super::family::Family;
use super::place::{Place, Want};
use super::scout::Point;
use super::signature::{self, Shape, Taken};

/// How deep arguments are looked into.
const MOST_DEPTH: u32 = 6;
/// Overloads among which one is chosen, at most: each is held against each other, for every call.
const MOST_CHOSEN: usize = 64;

/// What a parameter or an argument is, and where that is written.
#[derive(Clone, Debug)]
struct Given {
    text: Box<str>,
    at: Point,
}

/// Where a class comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The language, none of whose classes stands below one of the repository or of a library.
    Language,
    /// A library that is imported.
    Library,
    /// The repository, a program that writes sources, or a library that knows the repository.
    Unknown,
}

/// Why nobody knows how far a class stands below another.
enum Unknown {
    /// The other is outside.
    Outside,
    /// It is outside itself, and may know the other.
    Open,
}

/// How well each argument fits; `None` where nothing is known of it.
type Costs = Vec<Option<u32>>;

impl Evaluator<'_> {
    /// Those of several methods that fit arguments best; where none fits, those of the types above that do; all of them where nothing
    /// is known.
    pub(super) fn best_overloads(&mut self, point: Point, arguments: &str, found: Vec<u32>) -> Vec<u32> {
        if found.len() > MOST_CHOSEN {
            return found;
        }
        let given = self.given(point, arguments);
        let best = self.best_of(&given, &found);
        if let Some((best, true)) = best {
            return best;
        }
        let inherited = self.names().inherited(&found);
        let (told, untold): (Vec<u32>, Vec<u32>) =
            inherited.into_iter().partition(|&method| self.taken(method).is_some());
        let all: Vec<u32> = found.iter().copied().chain(told).collect();
        let is_more = (found.len() + 1..=MOST_CHOSEN).contains(&all.len());
        let best = if is_more { self.best_of(&given, &all) } else { best };
        // A method that is alone in its type does not say what it takes: only how many.
        let n_given = u8::try_from(given.len()).unwrap_or(u8::MAX);
        let fits = |method: &u32| self.names().all.symbol(*method).arity.fits(n_given);
        let untold: Vec<u32> = untold.into_iter().filter(fits).collect();
        match best {
            Some((best, true)) => best,
            Some((best, false)) => [best, untold].concat(),
            None if untold.is_empty() => found,
            None => untold,
        }
    }

    /// Those that fit best, and whether better than anything that takes all objects would; `None`: none fits.
    fn best_of(&mut self, given: &[Option<Given>], found: &[u32]) -> Option<(Vec<u32>, bool)> {
        let mut fitting: Vec<(u32, Taken, Costs)> = Vec::new();
        for &method in found {
            let Some(taken) = self.taken(method) else { return Some((found.to_vec(), true)) };
            fitting.extend(self.fit(method, taken, given).map(|(form, costs)| (method, form, costs)));
        }
        fitting.retain({
            let exact = exact(&fitting);
            move |(_, _, costs)| {
                !costs.iter().zip(&exact).any(|(cost, is_exact)| *is_exact && *cost == Some(signature::MAYBE))
            }
        });
        let is_beaten = |one: &(u32, Taken, Costs)| fitting.iter().any(|other| beats(other, one));
        // What takes the same overrides what comes later.
        let owner = |nth: usize| self.names().all.owner(fitting[nth].0);
        let overrides =
            |one: usize, other: usize| fitting[one].1.types == fitting[other].1.types && owner(one) != owner(other);
        let is_best = |nth: &usize| !is_beaten(&fitting[*nth]) && !(0..*nth).any(|one| overrides(one, *nth));
        let mut best: Vec<usize> = (0..fitting.len()).filter(is_best).collect();
        // What is not known is an object more often than a number or an array.
        best.sort_by_key(|&nth| n_unlikely(&fitting[nth]));
        let is_close = best.iter().all(|&nth| total(&fitting[nth]) < signature::ANY);
        (!best.is_empty()).then(|| (best.into_iter().map(|nth| fitting[nth].0).collect(), is_close))
    }

    /// Those of several methods, of whatever types, that can be given arguments.
    pub(super) fn fitting_overloads(&mut self, point: Point, arguments: &str, mut found: Vec<u32>) -> Vec<u32> {
        // The likeliest come first.
        found.truncate(MOST_CHOSEN);
        let given = self.given(point, arguments);
        found.retain(|&method| self.taken(method).is_none_or(|taken| self.fit(method, taken, &given).is_some()));
        found
    }

    fn given(&mut self, point: Point, arguments: &str) -> Vec<Option<Given>> {
        signature::parts(arguments).into_iter().map(|one| self.written(point, one, MOST_DEPTH)).collect()
    }

    fn taken(&self, method: u32) -> Option<Taken> {
        let all = &self.names().all;
        signature::taken(all.words.text(all.symbol(method).of_type))
    }

    /// The first form of a method that fits.
    fn fit(&mut self, method: u32, taken: Taken, given: &[Option<Given>]) -> Option<(Taken, Costs)> {
        let mut forms = taken.forms(given.len()).into_iter();
        forms.find_map(|form| self.costs(method, &form, given).map(|costs| (form, costs)))
    }

    /// `None`: an argument does not fit.
    fn costs(&mut self, method: u32, taken: &Taken, given: &[Option<Given>]) -> Option<Costs> {
        let at = Point { file: self.names().all.file_of(method), at: method };
        let mut costs = Costs::with_capacity(given.len());
        for (text, given) in taken.types.iter().zip(given) {
            costs.push(match given {
                None => None,
                Some(given) => self.cost(&Given { text: text.clone(), at }, given)?,
            });
        }
        Some(costs)
    }

    /// `None`: it does not fit; nothing in it: it may.
    fn cost(&mut self, parameter: &Given, argument: &Given) -> Option<Option<u32>> {
        let (taken, given) = (Shape::of(&parameter.text), Shape::of(&argument.text));
        let mut is_open = false;
        let depth = || match self.depth(parameter, argument) {
            Err(Unknown::Open) => {
                is_open = true;
                Err(())
            }
            depth => depth.map_err(drop),
        };
        let cost = signature::cost(taken, given, depth);
        cost.map(|cost| Some(cost).filter(|_| !is_open))
    }

    /// How far a class stands below another, both by name; `None`: it does not.
    fn depth(&mut self, above: &Given, below: &Given) -> Result<Option<u32>, Unknown> {
        let mut known = |given: &Given| {
            let found = self.scout.type_path(given.at, Shape::of(&given.text).written);
            found.into_iter().find_map(Place::symbol)
        };
        let (found_above, found) = (known(above), known(below));
        let Some(below) = found else {
            let is_foreign = found_above.is_some() || self.origin(above) == Origin::Library;
            return match found_above {
                _ if is_foreign && self.origin(below) == Origin::Language => Ok(None),
                Some(_) => Err(Unknown::Open),
                None => Err(Unknown::Outside),
            };
        };
        let above = found_above;
        let names = self.names();
        if above == Some(below) {
            return Ok(Some(0));
        }
        let lineage = names.above.get(&names.all.whole(below));
        let place = |above: u32| lineage?.types.iter().position(|&one| one == names.all.whole(above));
        match above.map(place) {
            Some(Some(place)) => Ok(Some(1 + place as u32)),
            // A type from outside stands below none of the repository.
            Some(None) => Ok(None),
            None if lineage.is_some_and(|lineage| lineage.is_open) => Err(Unknown::Outside),
            // What stands above every enum is written nowhere.
            None if names.all.symbol(below).kind == SymbolKind::Enum => Err(Unknown::Outside),
            None => Ok(None),
        }
    }

    /// Where a class comes from that is no symbol.
    fn origin(&mut self, given: &Given) -> Origin {
        let written = Shape::of(&given.text).written;
        let found = self.scout.type_path(given.at, written);
        match found.first() {
            Some(Place::Outside(module, _)) if is_of_java(self.names().all.words.text(*module)) => Origin::Language,
            Some(Place::Outside(..)) => Origin::Library,
            // One of the repository may be called as one of the language.
            Some(_) => Origin::Unknown,
            None if is_of_java(written) || builtins::is_name(Family::Jvm, written) => Origin::Language,
            None => Origin::Unknown,
        }
    }

    /// The type of an expression as it is written where it comes from.
    fn written(&mut self, point: Point, text: &str, depth: u32) -> Option<Given> {
        let depth = depth.checked_sub(1)?;
        let (primary, steps) = expression::parse(text);
        match (steps.last(), primary) {
            (None, Primary::Of(written)) => Some(Given { text: written.into(), at: point }),
            (None, Primary::Name(name)) => {
                let name = self.names().all.words.find(name)?;
                let meaning = self.scout.bare(point, name, Want::Value)?;
                self.of_symbols(&meaning.places, false)
            }
            (None, Primary::This) => {
                let own = self.names().all.type_round(point.at)?;
                Some(Given { text: self.names().all.name(own).into(), at: Point { at: own, ..point } })
            }
            (Some(Step::Call), _) => self.result_written(point, text.strip_suffix("()")?, depth),
            (Some(Step::Element), _) => {
                let list = self.written(point, text.strip_suffix("[]")?, depth)?;
                Some(Given { text: list.text.strip_suffix("[]")?.into(), at: list.at })
            }
            (Some(Step::Member(name)), _) => {
                let head = text.strip_suffix(name)?.strip_suffix('.')?;
                let is_array = |given: Given| given.text.ends_with("[]");
                if *name == "length" && self.written(point, head, depth).is_some_and(is_array) {
                    return Some(Given { text: "int".into(), at: point });
                }
                let found = self.places_behind(point, head, name);
                self.of_symbols(&found, false)
            }
            _ => None,
        }
    }

    /// What a call gives, if all that it may mean gives the same.
    fn result_written(&mut self, point: Point, called: &str, depth: u32) -> Option<Given> {
        let (head, name) = called.rsplit_once('.').map_or((None, called), |(head, name)| (Some(head), name));
        let found = match head {
            Some(head) => self.places_behind(point, head, name),
            None => {
                let name = self.names().all.words.find(name)?;
                self.scout.bare(point, name, Want::Call)?.places
            }
        };
        if let Some(told) = self.of_symbols(&found, true) {
            return Some(told);
        }
        if !found.is_empty() {
            return None;
        }
        // What nobody defines here is of the library, which gives what it usually does; so is what is called on its classes.
        let of = head.and_then(|head| self.written(point, head, depth).or_else(|| self.class_of_language(point, head)));
        let is_of_language = of.as_ref().is_some_and(|of| self.origin(of) == Origin::Language);
        let all = &self.names().all;
        let is_callable = |symbol: &u32| all.symbol(*symbol).kind.is_callable();
        let is_ours = all.words.find(name).is_some_and(|name| all.named(name).iter().any(is_callable));
        let usual =
            signature::usual_result(of.as_ref().map(|of| &*of.text), name).filter(|_| is_of_language || !is_ours);
        usual.map(|text| Given { text, at: point })
    }

    /// A class that is written before the name of its method: `Double.doubleToLongBits`.
    fn class_of_language(&mut self, point: Point, head: &str) -> Option<Given> {
        let class = Given { text: head.into(), at: point };
        (!head.contains(['<', '(', '['])).then_some(class).filter(|class| self.origin(class) == Origin::Language)
    }

    fn places_behind(&mut self, point: Point, head: &str, name: &str) -> Vec<Place> {
        let Some(word) = self.names().all.words.find(name) else { return Vec::new() };
        match self.value(point, head) {
            Value::Unknown => Vec::new(),
            value => self.members(point, &value, word).places,
        }
    }

    /// The type that all of these have, or give.
    fn of_symbols(&self, places: &[Place], are_called: bool) -> Option<Given> {
        let all = &self.names().all;
        let mut found = places.iter().filter_map(|place| place.symbol());
        let mut found = found.by_ref().filter(|&symbol| all.symbol(symbol).kind.is_callable() == are_called);
        let text = |symbol: u32| result_of(all.words.text(all.symbol(symbol).of_type));
        let first = found.next()?;
        let is_told = !text(first).is_empty() && !text(first).starts_with('=') && !signature::is_variable(text(first));
        let is_same = found.all(|other| text(other) == text(first));
        let at = Point { file: all.file_of(first), at: first };
        (is_told && is_same).then(|| Given { text: text(first).into(), at })
    }
}

/// At which arguments some method takes just what is given: then those are not meant of which nobody knows that they can take it.
fn exact(fitting: &[(u32, Taken, Costs)]) -> Vec<bool> {
    let n_arguments = fitting.first().map_or(0, |(_, _, costs)| costs.len());
    (0..n_arguments).map(|nth| fitting.iter().any(|(_, _, costs)| costs[nth] == Some(0))).collect()
}

fn total((_, taken, costs): &(u32, Taken, Costs)) -> u32 {
    taken.cost + costs.iter().flatten().sum::<u32>()
}

/// How many arguments of which nothing is known are taken as something else than an object of any type.
fn n_unlikely((_, taken, costs): &(u32, Taken, Costs)) -> usize {
    let unknown = costs.iter().zip(&taken.types).filter(|(cost, _)| cost.is_none());
    unknown.filter(|(_, text)| !Shape::of(text).is_object()).count()
}

/// Whether a method fits better than another, and what is not known cannot tell otherwise.
fn beats(one: &(u32, Taken, Costs), other: &(u32, Taken, Costs)) -> bool {
    let ((_, taken, costs), (_, others, _)) = (one, other);
    let mut unknown = costs.iter().zip(&taken.types).zip(&others.types).filter(|((cost, _), _)| cost.is_none());
    total(one) < total(other) && unknown.all(|((_, one), other)| one == other)
}

fn is_of_java(path: &str) -> bool {
    path.starts_with("java.") || path.starts_with("javax.")
}
