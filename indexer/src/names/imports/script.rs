//! TypeScript and JavaScript: relative paths with what is added to them, names of `tsconfig.json`, packages of the
//! workspace.

use super::Modules;
use crate::names::paths;
use crate::names::place::Place;

const EXTENSIONS: [&str; 11] =
    [".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".d.mts", ".d.cts"];

/// What is written for a file that is made of another.
const SOURCES: [(&str, &[&str]); 4] = [
    (".js", &[".ts", ".tsx", ".d.ts"]),
    (".jsx", &[".tsx"]),
    (".mjs", &[".mts", ".d.mts"]),
    (".cjs", &[".cts", ".d.cts"]),
];

/// The module of that name as seen from a file; `None`: it is not in the repository.
pub fn module(modules: Modules<'_>, file: u32, module: &str) -> Option<Place> {
    let own = paths::folder(modules.all.paths.path(file));
    let module = module.split(['?', '!']).next().unwrap_or(module);
    if module.is_empty() {
        // `export { a as b }` takes from the module itself.
        return Some(Place::File(file));
    }
    if module.starts_with('.') {
        let path = paths::join(own, module);
        return Some(path.and_then(|path| probe(modules, &path, 0)).map_or(Place::Nowhere, Place::File));
    }
    if module.starts_with("node:") {
        return None;
    }
    if module.starts_with('#')
        && let Some(found) = inner(modules, own, module)
    {
        return Some(Place::File(found));
    }
    alias(modules, own, module).or_else(|| package(modules, module)).map(Place::File)
}

fn inner(modules: Modules<'_>, own: &str, module: &str) -> Option<u32> {
    let folders = paths::ancestors(own).find(|folder| modules.manifests.node_folders.contains_key(*folder))?;
    let package = modules.manifests.node.get(&modules.manifests.node_folders[folders])?;
    let joined = package.inner_targets(module).into_iter().filter_map(|target| paths::join(folders, &target));
    joined.into_iter().find_map(|path| probe(modules, &path, 0))
}

fn alias(modules: Modules<'_>, own: &str, module: &str) -> Option<u32> {
    let nearest = paths::ancestors(own).filter_map(|folder| modules.manifests.aliases.get(folder));
    nearest.flat_map(|aliases| aliases.targets(module)).find_map(|path| probe(modules, &path, 0))
}

fn package(modules: Modules<'_>, module: &str) -> Option<u32> {
    let name_len = package_name(module).len();
    let package = modules.manifests.node.get(&module[..name_len])?;
    let rest = module[name_len..].trim_start_matches('/');
    let joined = package.targets(rest).into_iter().filter_map(|target| paths::join(&package.folder, &target));
    joined.into_iter().find_map(|path| probe(modules, &path, 1))
}

/// The part of a module name that names the package: `@types/node` of `@types/node/fs`.
pub fn package_name(module: &str) -> &str {
    let n_words = if module.starts_with('@') { 2 } else { 1 };
    let end = module.match_indices('/').nth(n_words - 1).map_or(module.len(), |(at, _)| at);
    &module[..end]
}

/// The file that a path means. `depth`: how many packages led here, which may name each other.
fn probe(modules: Modules<'_>, path: &str, depth: u32) -> Option<u32> {
    let all = &modules.all.paths;
    let made = SOURCES.iter().filter_map(|(end, sources)| Some((path.strip_suffix(end)?, sources)));
    let source = made.flat_map(|(stem, sources)| sources.iter().map(move |end| format!("{stem}{end}")));
    let exact = || all.file(path);
    let added = || EXTENSIONS.iter().find_map(|end| all.file(&format!("{path}{end}")));
    let index = || EXTENSIONS.iter().find_map(|end| all.file(&paths::below(path, &format!("index{end}"))));
    let by_package = || {
        let name = modules.manifests.node_folders.get(path).filter(|_| depth == 0)?;
        package(modules, name)
    };
    source.into_iter().find_map(|path| all.file(&path)).or_else(exact).or_else(added).or_else(by_package).or_else(index)
}
