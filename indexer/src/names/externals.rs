//! Names of what lies outside of the repository.

use kotadb_core::graph::External;

use super::containers::Shape;
use super::evaluate::{OUTSIDE, Type};
use super::family::Family;
use super::imports::script;

/// A name of something outside: the path of what it is behind, perhaps empty, and itself, perhaps empty.
pub fn external(family: Family, path: &str, name: &str) -> External {
    let (module, inner) = path.split_once(OUTSIDE).unwrap_or((path, ""));
    let separator = if family == Family::Rust { "::" } else { "." };
    let end = match family {
        Family::Rust => module.trim_start_matches("::").split("::").next().map_or(module.len(), str::len),
        Family::Python => module.split('.').next().map_or(module.len(), str::len),
        Family::Script => script::package_name(module).len(),
        _ => module.len(),
    };
    let (package, rest) = module.split_at(end.min(module.len()));
    let words =
        rest.split(separator).chain(inner.split(['.', OUTSIDE])).chain([name]).map(|word| word.trim_matches('/'));
    let name = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(".");
    External { package: package.trim_matches(['"', '<', '>']).into(), name: name.into() }
}

/// What a type stands for: what a pointer points to.
pub fn inner(known: &Type) -> &Type {
    match known {
        Type::Holder(Shape::Pointer | Shape::Class, arguments) => arguments.first().map_or(known, inner),
        Type::Holder(Shape::Maybe, arguments) => {
            arguments.first().filter(|one| matches!(one, Type::Symbol(..) | Type::Outside(_))).map_or(known, inner)
        }
        Type::Union(many) => many.first().map_or(known, inner),
        known => known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn externals_are_called_by_package_and_name() {
        let cases = [
            (Family::Rust, "reqwest#Client", "get", "reqwest", "Client.get"),
            (Family::Rust, "std::mem", "swap", "std", "mem.swap"),
            (Family::Python, "os.path", "join", "os", "path.join"),
            (Family::Script, "@types/node/fs", "readFile", "@types/node", "fs.readFile"),
            (Family::Jvm, "java.util#Optional", "", "java.util", "Optional"),
            (Family::C, "<stdio.h>", "", "stdio.h", ""),
        ];
        for (family, path, name, package, full) in cases {
            let found = external(family, path, name);
            assert_eq!((&*found.package, &*found.name), (package, full), "{path} {name}");
        }
    }
}
