//! Floors between the modules of core: a module uses only those below it, never one beside it.

use regex::Regex;

use crate::{Fault, Source, Workspace};

/// Core's modules from the ground up; those of one row do not use each other.
const FLOORS: &[&[&str]] = &[
    &["cursor", "id", "schedule", "text"],
    &["facts", "scip"],
    &["segment"],
    &["graph", "query"],
    &["crypto", "metrics", "operations", "trace"],
    &["config"],
    &["telemetry", "store", "db"],
    &["github", "identity", "wake"],
    &["search"],
    &["wire"],
    &["http"],
    &["testing"],
];

/// Every path from one module of core to another that points up or sideways.
pub fn floors(workspace: &Workspace) -> Vec<Fault> {
    workspace.sources.iter().flat_map(check).collect()
}

fn check(source: &Source) -> Vec<Fault> {
    let Some((module, depth)) = place(&source.path) else { return Vec::new() };
    let mut faults = Vec::new();
    if floor(module).is_none() {
        faults.push(Fault::new(
            &source.path,
            1,
            format!("module `{module}` has no floor: give it one in scripts/tidy/src/modules.rs"),
        ));
    }
    let paths = crate_paths(&source.program).into_iter().chain(super_paths(&source.program, depth));
    for (offset, target) in paths.filter(|(_, target)| target != module) {
        if floor(&target).is_none_or(|target| Some(target) >= floor(module)) {
            let message = format!("`{module}` may not use `crate::{target}`: it is not on a floor below");
            faults.push(Fault::new(&source.path, source.line_at(offset), message));
        }
    }
    faults
}

/// Module of core that a file belongs to, and how many modules deep the file is.
fn place(path: &str) -> Option<(&str, usize)> {
    let inside = path.strip_prefix("core/src/")?.strip_suffix(".rs")?;
    let parts: Vec<_> = inside.split('/').filter(|part| *part != "mod").collect();
    (inside != "lib").then(|| (parts[0], parts.len()))
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|row| row.contains(&module))
}

/// First segments after `crate::`, those of a `crate::{…}` group included, each with its offset.
fn crate_paths(code: &str) -> Vec<(usize, String)> {
    let pattern = Regex::new(r"\bcrate\s*::\s*(?:(\w+)|(\{))").expect("a constant pattern");
    let mut paths = Vec::new();
    for found in pattern.captures_iter(code) {
        match (found.get(1), found.get(2)) {
            (Some(name), _) => paths.push((name.start(), name.as_str().to_owned())),
            (_, Some(brace)) => paths.extend(group_heads(code, brace.start())),
            _ => {}
        }
    }
    paths
}

/// First segments of the entries of the group that opens at `open`.
fn group_heads(code: &str, open: usize) -> Vec<(usize, String)> {
    let word = Regex::new(r"^\s*(\w+)").expect("a constant pattern");
    let (mut depth, mut heads) = (0, Vec::new());
    for (i, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(byte, b'{' | b',') {
            let head = word.captures(&code[i + 1..]).and_then(|found| found.get(1));
            heads.extend(head.map(|head| (i + 1 + head.start(), head.as_str().to_owned())));
        }
    }
    heads
}

/// First segments after as many `super::` as lead out of the module.
fn super_paths(code: &str, depth: usize) -> Vec<(usize, String)> {
    let pattern = Regex::new(r"\b((?:super\s*::\s*)+)(\w+)").expect("a constant pattern");
    let leads_out = |supers: &str| supers.matches("super").count() >= depth;
    pattern
        .captures_iter(code)
        .filter(|found| leads_out(&found[1]))
        .map(|found| (found.get(2).map_or(0, |name| name.start()), found[2].to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        check(&Source::new(path, text)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn down_is_free() {
        assert!(
            faults(
                "core/src/search/mod.rs",
                "use crate::{id::TenantId, query::{parse, Query}};\nuse crate::search::x;"
            )
            .is_empty()
        );
        assert!(faults("core/src/store/head.rs", "use super::names;\n// crate::http\n").is_empty());
        assert!(faults("core/src/lib.rs", "pub use crate::http::serve;").is_empty());
    }

    #[test]
    fn up_is_refused() {
        let up = faults("core/src/text/lines.rs", "//! A.\nuse crate::query::Query;\n");
        assert!(up[0].starts_with("core/src/text/lines.rs:2: `text` may not use `crate::query`"), "{up:?}");
        assert_eq!(faults("core/src/store/mod.rs", "use crate::{id::X, search::{a, b}};").len(), 1);
        assert_eq!(faults("core/src/store/mod.rs", "use super::http::x;").len(), 1);
        assert_eq!(faults("core/src/store/head.rs", "use super::super::http::x;").len(), 1);
    }

    #[test]
    fn sideways_and_unknown_are_refused() {
        assert_eq!(faults("core/src/db/mod.rs", "use crate::store::Store;").len(), 1);
        assert_eq!(faults("core/src/db/mod.rs", "use crate::elsewhere::Store;").len(), 1);
        assert_eq!(faults("core/src/elsewhere.rs", "").len(), 1);
    }
}
