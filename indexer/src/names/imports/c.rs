//! C and C++: a file beside the including one, else the nearest whose path ends so.

use super::Modules;
use crate::names::paths;
use crate::names::place::Place;

/// The file of an include, with its quotes or brackets; `None`: it is not in the repository.
pub fn include(modules: Modules<'_>, file: u32, written: &str) -> Option<Place> {
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
