//! Rust: the tree of modules as files and folders tell it, crates as manifests tell them.

use super::Modules;
use crate::names::paths;

/// Folders below a package whose files are crates of their own.
const CRATE_FOLDERS: [&str; 4] = ["tests", "examples", "benches", "bin"];

/// The file at the root of the crate that a file belongs to.
pub fn crate_root(modules: Modules<'_>, file: u32) -> u32 {
    let all = &modules.all.paths;
    let path = all.path(file);
    if matches!(paths::name(path), "lib.rs" | "main.rs" | "build.rs") {
        return file;
    }
    let mut below = path;
    for folder in paths::ancestors(paths::folder(path)) {
        let root = ["lib.rs", "main.rs"].into_iter().find_map(|name| all.file(&paths::below(folder, name)));
        if let Some(root) = root {
            return root;
        }
        if CRATE_FOLDERS.contains(&paths::name(folder)) {
            let alone = below.ends_with(".rs").then(|| all.file(below)).flatten();
            return alone.or_else(|| all.file(&format!("{below}.rs"))).unwrap_or(file);
        }
        if all.file(&paths::below(folder, "Cargo.toml")).is_some() {
            break;
        }
        below = folder;
    }
    file
}

/// The folder that the modules of a file lie in.
fn module_folder(modules: Modules<'_>, file: u32) -> &str {
    let path = modules.all.paths.path(file);
    let is_root = matches!(paths::name(path), "mod.rs" | "lib.rs" | "main.rs");
    if is_root || crate_root(modules, file) == file { paths::folder(path) } else { paths::stem(path) }
}

/// The file of a module that is declared in a file.
pub fn child(modules: Modules<'_>, file: u32, name: &str) -> Option<u32> {
    let name = name.strip_prefix("r#").unwrap_or(name);
    let all = &modules.all.paths;
    let folder = module_folder(modules, file);
    let found = all.file(&paths::below(folder, &format!("{name}.rs")));
    found.or_else(|| all.file(&paths::below(folder, &format!("{name}/mod.rs")))).filter(|&found| found != file)
}

/// The file of the module round that of a file; the root of a crate is its own.
pub fn parent(modules: Modules<'_>, file: u32) -> u32 {
    let root = crate_root(modules, file);
    if root == file {
        return file;
    }
    let all = &modules.all.paths;
    let path = all.path(file);
    let own = paths::folder(path);
    let above = if paths::name(path) == "mod.rs" { paths::folder(own) } else { own };
    if above == paths::folder(all.path(root)) {
        return root;
    }
    let found = all.file(&format!("{above}.rs")).or_else(|| all.file(&paths::below(above, "mod.rs")));
    found.unwrap_or(root)
}
