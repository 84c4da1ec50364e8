//! Go: the path of a module and a folder in it.

use super::Modules;
use crate::names::paths;
use crate::names::place::Place;

/// The package of an import path; `None`: it is not in the repository.
pub fn package(modules: Modules<'_>, path: &str) -> Option<Place> {
    let known = |folder: &str| modules.go_packages.get(folder).copied().map(Place::Package);
    let in_module = |(module, folder): &(String, String)| {
        let rest = path.strip_prefix(module.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then(|| paths::below(folder, rest.trim_start_matches('/')))
    };
    if let Some(folder) = modules.manifests.go.iter().find_map(in_module) {
        return Some(known(folder.trim_end_matches('/')).unwrap_or(Place::Nowhere));
    }
    // The standard library names itself without its module.
    let standard = modules.manifests.go.iter().filter(|(module, _)| matches!(&**module, "std" | "cmd"));
    let standard = standard.map(|(_, folder)| folder.as_str());
    let vendored = ["vendor", "src"].into_iter().chain(standard);
    let found = vendored.into_iter().find_map(|root| known(&paths::below(root, path)));
    // Without any module, a folder of the whole name will be meant.
    found.or_else(|| known(path).filter(|_| modules.manifests.go.is_empty() && path.contains('/')))
}
