//! Python: dots count folders upwards; other modules lie in a source root, of which the nearest wins.

use super::Modules;
use crate::names::paths;
use crate::names::place::Place;

/// The module of that name as seen from a file.
pub fn module(modules: Modules<'_>, file: u32, module: &str) -> Option<Place> {
    let all = &modules.all.paths;
    let rest = module.trim_start_matches('.');
    let n_dots = module.len() - rest.len();
    let own = paths::folder(all.path(file));
    let relative = rest.replace('.', "/");
    if n_dots > 0 {
        let root = paths::ancestors(own).nth(n_dots - 1)?;
        return probe(modules, root, &relative).or(Some(Place::Nowhere));
    }
    let first = rest.split('.').next().unwrap_or(rest);
    let tops = modules.manifests.python_tops.get(first).map_or(&[][..], Vec::as_slice);
    let mut roots: Vec<&str> = tops.iter().chain(&modules.manifests.python).map(String::as_str).collect();
    roots.push(own);
    roots.sort_by_key(|root| (distance(root, own), *root));
    roots.into_iter().find_map(|root| probe(modules, root, &relative))
}

/// Roots round the file come first, the innermost of them before the others.
fn distance(root: &str, own: &str) -> usize {
    let is_round = root.is_empty() || own == root || own.starts_with(&format!("{root}/"));
    let depth = |path: &str| path.split('/').filter(|word| !word.is_empty()).count();
    if is_round { depth(own) - depth(root) } else { 100 + depth(root) }
}

/// A module, package or bare folder of that path below a root.
pub fn probe(modules: Modules<'_>, root: &str, relative: &str) -> Option<Place> {
    let all = &modules.all.paths;
    let path = if relative.is_empty() { root.to_owned() } else { paths::below(root, relative) };
    let ends = if path.is_empty() {
        ["__init__.py", "__init__.pyi", "", ""]
    } else {
        ["/__init__.py", ".py", "/__init__.pyi", ".pyi"]
    };
    let file = ends.iter().filter(|end| !end.is_empty()).find_map(|end| all.file(&format!("{path}{end}")));
    file.map(Place::File).or_else(|| all.folder(&path).map(Place::Folder))
}
