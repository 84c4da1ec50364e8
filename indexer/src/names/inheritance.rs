//! Who stands above whom: the order in which members of a type are looked for, and whether all of it is known.

use std::collections::HashMap;

use kotadb_core::facts::SymbolKind;

use super::Names;
use super::candidates::Asked;
use super::definitions::{NONE, Scope};
use super::family::Family;
use super::place::{Place, Want};
use super::scout::{Point, Scout};
use super::words::Word;

/// Most types above one.
const MOST_ABOVE: usize = 64;

/// What stands above a type.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    /// Types, the nearest first, the type itself apart.
    pub types: Vec<u32>,
    /// Something above it is not known, so that it may have any member.
    pub is_open: bool,
}

/// Members that a name means in a type.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// The nearest symbols of that name.
    pub found: Vec<u32>,
    /// Whether there may be others, of types that are not known.
    pub is_open: bool,
}

impl Names {
    /// Members of a type by name: its own, else those of the nearest type above.
    pub fn members(&self, of: u32, name: Word) -> Members {
        let own = self.all.within(Scope::symbol(self.all.whole(of)), name);
        if own.is_empty() {
            return self.members_above(of, name);
        }
        let told = if self.says_its_type(own) {
            None
        } else {
            self.nearest_above(of, name, |found| self.says_its_type(found))
        };
        Members { found: told.unwrap_or(own).to_vec(), is_open: false }
    }

    /// Members of the types above one.
    pub fn members_above(&self, of: u32, name: Word) -> Members {
        let Some(lineage) = self.above.get(&self.all.whole(of)) else { return Members::default() };
        let told = self.nearest_above(of, name, |found| self.says_its_type(found));
        let found = told.or_else(|| self.nearest_above(of, name, |_| true)).unwrap_or_default();
        Members { found: found.to_vec(), is_open: lineage.is_open }
    }

    /// Methods of the types above that have the name of the first of these.
    pub fn inherited(&self, found: &[u32]) -> Vec<u32> {
        let Some((&first, owner)) = found.first().and_then(|first| Some((first, self.all.owner(*first)?))) else {
            return Vec::new();
        };
        let above = self.above.get(&self.all.whole(owner)).map_or(&[][..], |lineage| &lineage.types);
        let name = self.all.symbol(first).name;
        let all = above.iter().flat_map(|&above| self.all.within(Scope::symbol(above), name));
        all.copied().filter(|&symbol| self.all.symbol(symbol).kind.is_callable()).collect()
    }

    /// In place of methods of Java none of which takes so many arguments, those of the types above that do.
    pub fn or_inherited(&self, asked: Asked, found: Vec<u32>) -> Vec<u32> {
        let fits = |symbol: &u32| self.all.symbol(*symbol).arity.fits(asked.n_arguments);
        let is_method = |symbol: &u32| self.all.symbol(*symbol).kind == SymbolKind::Method && !fits(symbol);
        let is_asked = self.all.files[asked.file as usize].family == Family::Jvm && found.iter().all(is_method);
        let above: Vec<u32> = if is_asked { self.inherited(&found) } else { Vec::new() };
        let above: Vec<u32> = above.into_iter().filter(fits).collect();
        if above.is_empty() { found } else { above }
    }

    fn nearest_above(&self, of: u32, name: Word, is_meant: impl Fn(&[u32]) -> bool) -> Option<&[u32]> {
        let lineage = self.above.get(&self.all.whole(of))?;
        let mut found = lineage.types.iter().map(|&above| self.all.within(Scope::symbol(above), name));
        found.find(|found| !found.is_empty() && is_meant(found))
    }

    /// Whether symbols say what they are. In Python a class may only give a value to what a class above declares, as
    /// `storage = List` below `storage: type[Base]`: what is declared counts.
    fn says_its_type(&self, found: &[u32]) -> bool {
        let says = |&symbol: &u32| {
            let definition = self.all.symbol(symbol);
            let written = self.all.words.text(definition.of_type);
            definition.kind.is_callable()
                || definition.kind.is_type()
                || !(written.is_empty() || written.starts_with('='))
        };
        found.first().is_none_or(|&first| self.all.family_of(first) != Family::Python) || found.iter().any(says)
    }
}

/// Finds the place of every supertype, in the order of the definitions' list, and the lineage of every type.
pub fn trace(names: &Names) -> (Vec<Place>, HashMap<u32, Lineage>) {
    let mut scout = Scout::new(names);
    let mut direct: HashMap<u32, Vec<Place>> = HashMap::new();
    let mut places = Vec::with_capacity(names.all.supertypes.len());
    for entry in &names.all.supertypes {
        let point =
            Point { file: entry.file, at: if entry.of == NONE { NONE } else { names.all.symbol(entry.of).container } };
        let text = names.all.words.text(entry.supertype);
        let place = scout.type_path(point, text).into_iter().next().unwrap_or(Place::Nowhere);
        if let Some(below) = scout.below(entry.of, point, entry.name) {
            let whole = |symbol: u32| names.all.whole(symbol);
            let above = place.symbol().map_or(place, |above| Place::Symbol(whole(above)));
            direct.entry(whole(below)).or_default().push(above);
        }
        places.push(place);
    }
    let lineages = direct.keys().map(|&of| (of, lineage(&direct, of))).collect();
    (places, lineages)
}

/// The type that each symbol with a qualifier belongs to.
pub fn owners(names: &Names) -> Vec<(u32, Place)> {
    let mut scout = Scout::new(names);
    let mut known: HashMap<(u32, Word), Place> = HashMap::new();
    let mut owners = Vec::with_capacity(names.all.qualifiers.len());
    for &(symbol, qualifier, _) in &names.all.qualifiers {
        let file = names.all.file_of(symbol);
        let place = *known.entry((file, qualifier)).or_insert_with(|| {
            let point = Point { file, at: names.all.symbol(symbol).container };
            let found = scout.type_path(point, names.all.words.text(qualifier));
            scout.head(&found).unwrap_or(Place::Nowhere)
        });
        owners.push((symbol, place));
    }
    owners
}

impl Scout<'_> {
    /// The type below, which may be written in another file.
    pub fn below(&mut self, of: u32, point: Point, name: Word) -> Option<u32> {
        if of != NONE {
            return Some(of);
        }
        let text = self.names.all.words.text(name);
        let found = self.type_path(point, text);
        found.into_iter().find_map(Place::symbol).filter(|symbol| self.names.all.symbol(*symbol).kind.is_type())
    }

    /// What a path of names means where a type stands: `Pool`, `db.Pool`, `crate::db::Pool`.
    pub fn type_path(&mut self, point: Point, path: &str) -> Vec<Place> {
        self.path(point, path, Want::Type)
    }

    /// What a path of names means, the last of which is what is wanted.
    pub fn path(&mut self, point: Point, path: &str, want: Want) -> Vec<Place> {
        let path = path.split(['<', '[', '(']).next().unwrap_or(path).trim();
        let separator = if path.contains("::") {
            "::"
        } else if path.contains('\\') {
            "\\"
        } else {
            "."
        };
        let (head, last) = path.rsplit_once(separator).map_or((None, path), |(head, last)| (Some(head), last));
        if separator == "\\" {
            return self.php_path(point, path, want);
        }
        let Some(head) = head else {
            let Some(name) = self.names.all.words.find(last) else { return Vec::new() };
            return self.bare(point, name, want).map_or_else(Vec::new, |meaning| meaning.places);
        };
        let is_rust = self.names.all.files[point.file as usize].family == Family::Rust;
        let head =
            if is_rust { Some(self.rust_path(point, head, None)) } else { self.head_path(point, head, separator) };
        let Some(head) = head.filter(|head| head.is_somewhere()) else { return Vec::new() };
        if let Place::Outside(..) = head {
            return vec![head];
        }
        let Some(name) = self.names.all.words.find(last) else { return Vec::new() };
        let found = self.member_places(head, name);
        let found = self.seen_from(point.file, found);
        self.suited(found, want)
    }

    /// Names in a place, members from above as well.
    pub fn member_places(&mut self, place: Place, name: Word) -> Vec<Place> {
        match place {
            Place::Symbol(symbol) if self.names.all.symbol(symbol).kind.is_type() => {
                let symbol = self.aliased(symbol);
                super::scout::symbols(&self.names.members(symbol, name).found)
            }
            place => self.inside(place, name),
        }
    }

    /// The type that another name of C++ stands for: names that are behind it are behind that one. One step, for names may stand
    /// for each other in circles.
    fn aliased(&mut self, symbol: u32) -> u32 {
        let all = &self.names.all;
        let definition = all.symbol(symbol);
        if self.in_alias || definition.kind != SymbolKind::TypeAlias || all.family_of(symbol) != Family::C {
            return symbol;
        }
        let point = Point { file: all.file_of(symbol), at: definition.container };
        let written = all.words.text(definition.of_type);
        self.in_alias = true;
        let found = self.type_path(point, written).into_iter().find_map(Place::symbol);
        self.in_alias = false;
        let is_whole =
            |other: &u32| all.symbol(*other).kind.is_type() && all.symbol(*other).kind != SymbolKind::TypeAlias;
        found.filter(is_whole).unwrap_or(symbol)
    }

    fn head_path(&mut self, point: Point, head: &str, separator: &str) -> Option<Place> {
        let mut words = head.split(separator).filter(|word| !word.is_empty());
        let first = self.names.all.words.find(words.next()?)?;
        let meaning = self.bare(point, first, Want::Head);
        let mut place =
            meaning.and_then(|meaning| self.head(&meaning.places)).or_else(|| self.package_named(point, first))?;
        for word in words {
            let Some(name) = self.names.all.words.find(word) else {
                return matches!(place, Place::Outside(..)).then_some(place);
            };
            let found = self.member_places(place, name);
            place = self.head(&found)?;
        }
        Some(place)
    }

    /// A package whose name is written out: `a` of `a.b.Pool`.
    pub fn package_named(&self, point: Point, name: Word) -> Option<Place> {
        let words = &self.names.all.words;
        let family = self.names.all.files[point.file as usize].family;
        if family.has_packages() {
            let key = super::collect::package_key(family, words.text(name));
            return words.find(&key).map(Place::Package);
        }
        None
    }

    /// A name of PHP with its namespace: relative to an import or to the namespace of the file.
    fn php_path(&mut self, point: Point, path: &str, want: Want) -> Vec<Place> {
        let trimmed = path.trim_start_matches('\\');
        let (namespace, last) = trimmed.rsplit_once('\\').unwrap_or(("", trimmed));
        let Some(name) = self.names.all.words.find(last) else { return Vec::new() };
        let own = self.names.all.files[point.file as usize].package;
        let own = self.names.all.words.text(own).get(2..).unwrap_or_default();
        let first = namespace.split('\\').next().unwrap_or_default();
        let imported = self.names.all.words.find(first).map(|first| self.imported(point.file, NONE, first, false));
        let absolute = super::collect::package_key(Family::Php, namespace);
        let relative = super::collect::package_key(Family::Php, &format!("{own}\\{namespace}"));
        let words = &self.names.all.words;
        let known = |key: &str| words.find(key).map(Place::Package);
        let rest_is_empty = first.len() == namespace.len();
        let by_import = imported.and_then(|places| places.first().copied()).filter(|_| rest_is_empty);
        let place = if path.starts_with('\\') {
            known(&absolute)
        } else {
            by_import.or_else(|| known(&relative)).or_else(|| known(&absolute))
        };
        let found = place.map_or_else(Vec::new, |place| self.member_places(place, name));
        self.suited(found, want)
    }
}

/// By C3, as Python orders it; where that has no answer, depth first.
fn lineage(direct: &HashMap<u32, Vec<Place>>, of: u32) -> Lineage {
    let mut lineage = Lineage::default();
    let (mut open, mut seen) = (vec![of], vec![of]);
    while let Some(one) = open.pop() {
        for place in direct.get(&one).into_iter().flatten() {
            match place {
                Place::Symbol(above) if !seen.contains(above) && seen.len() < MOST_ABOVE => {
                    seen.push(*above);
                    open.push(*above);
                }
                Place::Symbol(_) => {}
                _ => lineage.is_open = true,
            }
        }
    }
    lineage.types = c3(direct, of, 0).unwrap_or(seen);
    lineage.types.retain(|&one| one != of);
    lineage
}

/// The linearisation of a type, itself first; `None`: there is none, or it is too deep.
fn c3(direct: &HashMap<u32, Vec<Place>>, of: u32, depth: u32) -> Option<Vec<u32>> {
    if depth > 24 {
        return None;
    }
    let above: Vec<u32> = direct.get(&of).into_iter().flatten().filter_map(|place| place.symbol()).collect();
    let mut lists = Vec::with_capacity(above.len() + 1);
    for &one in &above {
        lists.push(c3(direct, one, depth + 1)?);
    }
    lists.push(above);
    let mut order = vec![of];
    loop {
        lists.retain(|list| !list.is_empty());
        if lists.is_empty() {
            return Some(order);
        }
        let is_free = |one: &u32| !lists.iter().any(|list| list[1..].contains(one));
        let next = lists.iter().map(|list| list[0]).find(is_free).filter(|_| order.len() <= MOST_ABOVE)?;
        order.push(next);
        lists.iter_mut().filter(|list| list[0] == next).for_each(|list| {
            list.remove(0);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(of: &[(u32, &[u32])]) -> HashMap<u32, Vec<Place>> {
        of.iter().map(|(of, above)| (*of, above.iter().copied().map(Place::Symbol).collect())).collect()
    }

    #[test]
    fn members_are_looked_for_in_the_order_of_python() {
        // class D(B, C), B(A), C(A): D, B, C, A.
        let diamond = direct(&[(4, &[2, 3]), (2, &[1]), (3, &[1])]);
        assert_eq!(lineage(&diamond, 4).types, [2, 3, 1]);
        // A circle has no order; every type is looked at once.
        let circle = direct(&[(1, &[2]), (2, &[1])]);
        assert_eq!(lineage(&circle, 1).types, [2]);
    }

    #[test]
    fn a_type_below_something_unknown_is_open() {
        let mut types = direct(&[(3, &[2])]);
        assert!(!lineage(&types, 3).is_open);
        types.insert(2, vec![Place::Nowhere]);
        assert!(lineage(&types, 3).is_open);
    }
}
