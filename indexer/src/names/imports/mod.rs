//! From the module that an import names to a place, language by language. Rust's paths lead through modules and
//! re-exports, so they are walked when they are asked for (`rust`); all others are found by paths and packages alone.

pub mod c;
pub mod go;
pub mod packages;
pub mod python;
pub mod rust;
pub mod script;

use std::collections::HashMap;

use super::definitions::{Definitions, ImportEntry};
use super::family::Family;
use super::manifests::Manifests;
use super::paths;
use super::place::Place;
use super::words::Word;

/// What imports are looked up in.
#[derive(Clone, Copy, Debug)]
pub struct Modules<'a> {
    /// Symbols, paths, packages.
    pub all: &'a Definitions,
    /// Manifests.
    pub manifests: &'a Manifests,
    /// The package of each folder with Go files, its tests apart.
    pub go_packages: &'a HashMap<Box<str>, Word>,
}

/// The place of every import, by its number. Those of Rust are [`Place::Nowhere`] here.
pub fn places(modules: Modules<'_>) -> Vec<Place> {
    let all = modules.all;
    let mut known: HashMap<(Family, Option<u32>, u32, Word, bool), Place> = HashMap::new();
    let mut places = Vec::with_capacity(all.imports.len());
    for file in 0..all.files.len() as u32 {
        for import in all.imports_of(file) {
            let entry = all.imports[import as usize];
            let binds_first = binds_first(all, entry);
            let family = all.files[file as usize].family;
            let asker = is_own(family, all.words.text(entry.module)).then_some(file);
            let key = (family, asker, all.paths.folder_of(file), entry.module, binds_first);
            places.push(*known.entry(key).or_insert_with(|| place(modules, file, entry.module, binds_first)));
        }
    }
    places
}

/// The place of one import.
pub fn place_of(modules: Modules<'_>, file: u32, import: ImportEntry) -> Place {
    place(modules, file, import.module, binds_first(modules.all, import))
}

/// Whether files of one folder may mean different things by one module: none finds itself, and the empty one is the file itself.
fn is_own(family: Family, module: &str) -> bool {
    module.is_empty() || matches!(family, Family::Ruby | Family::Bash | Family::Lua)
}

fn binds_first(all: &Definitions, import: ImportEntry) -> bool {
    import.name == Word::NONE && is_first(all.words.text(import.module), import.local, all)
}

/// `import a.b` of Python binds `a`.
fn is_first(module: &str, local: Word, all: &Definitions) -> bool {
    module.split_once('.').is_some_and(|(first, _)| !first.is_empty() && first == all.words.text(local))
}

fn place(modules: Modules<'_>, file: u32, module: Word, binds_first: bool) -> Place {
    let text = modules.all.words.text(module);
    let found = match modules.all.files[file as usize].family {
        Family::Python if binds_first => python::module(modules, file, text.split('.').next().unwrap_or(text)),
        Family::Python => python::module(modules, file, text),
        Family::Script => script::module(modules, file, text),
        Family::Go => go::package(modules, text),
        Family::Jvm | Family::CSharp | Family::Php => packages::package(modules, file, text),
        Family::C => c::module(modules, file, text),
        Family::Ruby => by_path(modules, file, text, ".rb"),
        Family::Bash => by_path(modules, file, text, ""),
        Family::Lua => by_path(modules, file, &text.replace('.', "/"), ".lua"),
        Family::Rust | Family::Swift | Family::Other => return Place::Nowhere,
    };
    found.unwrap_or(Place::Outside(module, Word::NONE))
}

/// A file named by a path that begins beside the importing file, or anywhere.
fn by_path(modules: Modules<'_>, file: u32, module: &str, extension: &str) -> Option<Place> {
    let all = &modules.all.paths;
    // What is put together when the program runs (`$DIR/lib.sh`) is known by its end.
    let known = module
        .rfind(['$', '`', ')', '}'])
        .map_or(module, |last| module[last..].find('/').map_or(module, |slash| &module[last + slash + 1..]));
    let relative = if known.ends_with(extension) { known.to_owned() } else { format!("{known}{extension}") };
    let beside = paths::join(paths::folder(all.path(file)), &relative).and_then(|path| all.file(&path));
    let end = relative.trim_start_matches(['.', '/']);
    beside.or_else(|| all.by_end(end, file)).filter(|&found| found != file).map(Place::File)
}
