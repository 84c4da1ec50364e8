//! C and C++: a file beside the including one, else the nearest whose path ends so; and namespaces that `using` names.

use kotadb_core::facts::{Flags, SymbolKind};

use super::Modules;
use crate::names::definitions::Scope;
use crate::names::family::Family;
use crate::names::paths;
use crate::names::place::Place;

/// The file of an include, with its quotes or brackets, or a namespace; `None`: it is not in the repository.
pub fn module(modules: Modules<'_>, file: u32, written: &str) -> Option<Place> {
    if written.starts_with(['"', '<']) { include(modules, file, written) } else { namespace(modules, written) }
}

fn include(modules: Modules<'_>, file: u32, written: &str) -> Option<Place> {
    let all = &modules.all.paths;
    let path = written.trim_matches(['"', '<', '>', ' ']);
    let beside = || {
        let path = paths::join(paths::folder(all.path(file)), path)?;
        all.file(&path)
    };
    let beside = if written.starts_with('<') { None } else { beside() };
    let end = path.trim_start_matches(['.', '/']);
    beside.or_else(|| all.by_end(end, file)).map(Place::File)
}

/// `a::b`: a namespace or class by its path. The outermost namespace of a name is likelier than one inside another.
fn namespace(modules: Modules<'_>, path: &str) -> Option<Place> {
    let all = modules.all;
    let mut words = path.split("::").filter(|word| !word.is_empty());
    let holds = |symbol: &u32| {
        let kind = all.symbol(*symbol).kind;
        (kind == SymbolKind::Module || kind.is_type()) && all.family_of(*symbol) == Family::C
    };
    let named = all.named(all.words.find(words.next()?)?);
    let mut found = named.iter().copied().filter(holds).min_by_key(|&symbol| !all.symbol(symbol).scope.is_top())?;
    for word in words {
        let within = all.within(Scope::symbol(all.whole(found)), all.words.find(word)?);
        // What is only declared, as `class Pool;` does it, has nothing behind it.
        found = within
            .iter()
            .copied()
            .filter(holds)
            .min_by_key(|&symbol| all.symbol(symbol).flags.has(Flags::DECLARATION))?;
    }
    Some(Place::Symbol(all.whole(found)))
}
