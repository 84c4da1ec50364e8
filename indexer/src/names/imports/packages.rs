//! Java, Kotlin, Scala, C#, PHP: packages that files declare, and types in them.

use kotadb_core::facts::SymbolKind;

use super::Modules;
use crate::names::collect::package_key;
use crate::names::definitions::Scope;
use crate::names::place::Place;

/// The package of that name, or the type that the last words of the name lead to.
pub fn package(modules: Modules<'_>, file: u32, name: &str) -> Option<Place> {
    let all = modules.all;
    let family = all.files[file as usize].family;
    let name = name.trim_start_matches(['\\', ':']);
    let name = name.strip_prefix("global::").unwrap_or(name);
    let separator = family.separator();
    let ends = name.match_indices(separator).map(|(at, _)| at).chain([name.len()]);
    let ends: Vec<usize> = ends.collect();
    for &end in ends.iter().rev() {
        let Some(package) = all.words.find(&package_key(family, &name[..end])) else { continue };
        let rest = name[end..].trim_start_matches(separator);
        let Some(found) = walk(modules, Place::Package(package), rest, separator) else { continue };
        return Some(found);
    }
    module(modules, name)
}

/// The type behind a package.
fn walk(modules: Modules<'_>, from: Place, rest: &str, separator: char) -> Option<Place> {
    let mut place = from;
    for word in rest.split(separator).filter(|word| !word.is_empty()) {
        let name = modules.all.words.find(word)?;
        let scope = match place {
            Place::Package(package) => Scope::package(package),
            Place::Symbol(symbol) => Scope::symbol(symbol),
            _ => return None,
        };
        let found = modules.all.within(scope, name);
        let is_type = |&&symbol: &&u32| modules.all.symbol(symbol).kind.is_type();
        place = Place::Symbol(*found.iter().find(is_type).or_else(|| found.first())?);
    }
    Some(place)
}

/// A namespace that is a symbol.
fn module(modules: Modules<'_>, name: &str) -> Option<Place> {
    let word = modules.all.words.find(name)?;
    let is_module = |&&symbol: &&u32| modules.all.symbol(symbol).kind == SymbolKind::Module;
    modules.all.named(word).iter().find(is_module).copied().map(Place::Symbol)
}
