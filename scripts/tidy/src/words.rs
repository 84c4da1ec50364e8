//! Words that must not stand in certain places. Patterns are written so that they do not find themselves.

use regex::Regex;

use crate::{Fault, Source, Workspace};

/// Floors of core that are bytes in, values out.
const PURE: &[&str] = &["cursor", "id", "schedule", "text", "facts", "scip", "segment", "graph", "query"];

/// Extensions of the files that people read.
const TEXTS: &[&str] = &[".rs", ".md", ".sh", ".py", ".sql", ".toml", ".yml", "Makefile", ".ci/run"];

/// Every read of the environment outside `core::config`.
pub fn environment(workspace: &Workspace) -> Vec<Fault> {
    let outside = workspace
        .sources
        .iter()
        .filter(|source| !source.path.starts_with("core/src/config") && !source.path.ends_with("build.rs"));
    outside.flat_map(reads).collect()
}

/// The path of the running program and facts of its target are no settings.
fn reads(source: &Source) -> Vec<Fault> {
    let found = find(
        source,
        r"\bstd\s*::\s*(?:env\b|\{[^;]*\benv\b)",
        "settings are read once, in `core::config`: take them from there",
    );
    let free = |fault: &Fault| {
        let line = source.program.lines().nth(fault.line - 1).unwrap_or_default();
        ["std::env::current_exe", "std::env::consts", "std::env::args_os"].iter().any(|name| line.contains(name))
    };
    found.into_iter().filter(|fault| !free(fault)).collect()
}

/// Every word of a pure floor that means waiting, clocks, chance or the world outside.
pub fn pure_floors(workspace: &Workspace) -> Vec<Fault> {
    workspace.sources.iter().flat_map(impurities).collect()
}

fn impurities(source: &Source) -> Vec<Fault> {
    let is_pure = |floor: &&str| {
        source.path.starts_with(&format!("core/src/{floor}/")) || source.path == format!("core/src/{floor}.rs")
    };
    let pattern = r"\b(?:async|await|tokio|futures|tracing|rand|SystemTime|Instant|std\s*::\s*(?:fs|net|env|time|process|thread))\b";
    let advice = "pure floors have no async, clock, chance, environment, disk or network: let the caller do it";
    if PURE.iter().any(is_pure) { find(source, pattern, advice) } else { Vec::new() }
}

/// Every type below `wire` that serialises itself.
pub fn serialise(workspace: &Workspace) -> Vec<Fault> {
    workspace.sources.iter().flat_map(serialised).collect()
}

fn serialised(source: &Source) -> Vec<Fault> {
    let at_the_edge =
        ["core/src/wire", "core/src/http", "core/src/db/jobs"].iter().any(|place| source.path.starts_with(place));
    if !source.path.starts_with("core/src/") || at_the_edge {
        return Vec::new();
    }
    find(source, r"\bSerialize\b", "only `core::wire` promises a shape to others: convert there")
}

/// Every `unwrap` outside tests.
pub fn unwraps(workspace: &Workspace) -> Vec<Fault> {
    workspace.sources.iter().flat_map(unwrapped).collect()
}

fn unwrapped(source: &Source) -> Vec<Fault> {
    find(source, r"\.\s*unwrap\s*\(\s*\)", "give an error, or `expect` the reason why it cannot happen")
}

/// Every mark of unfinished work.
pub fn left_open(workspace: &Workspace) -> Vec<Fault> {
    let macros = workspace.sources.iter().flat_map(unfinished);
    let marks = texts(workspace).flat_map(|(file, text)| marked(file, &text));
    macros.chain(marks).collect()
}

fn unfinished(source: &Source) -> Vec<Fault> {
    let code = Source { program: source.code.clone(), ..source.clone() };
    find(&code, r"\b(?:todo|unimplemented|dbg)\s*!|#\[ignore", "finish it or leave it out")
}

/// A mark stands in a comment or before a colon; the words themselves may be searched for.
fn marked(file: &str, text: &str) -> Vec<Fault> {
    let pattern = concat!(r"(?:/[/*]+!?|#|--)[ \t]*(?:TO", "DO|FIX", "ME|XX", r"X)\b|\b(?:TO", "DO|FIX", r"ME)\s?[:(]");
    find_in(file, text, pattern, "an open end belongs into an issue: write it there and drop the mark")
}

/// Every path that exists on one machine only.
pub fn machine_paths(workspace: &Workspace) -> Vec<Fault> {
    texts(workspace).flat_map(|(file, text)| machine_paths_in(file, &text)).collect()
}

/// `/home/ada` and `/home/user` are nobody's.
fn machine_paths_in(file: &str, text: &str) -> Vec<Fault> {
    let pattern = concat!(r#"(?m)(?:^|[\s"'`=(:])/(?:ho"#, r"me/|Us", r"ers/|ro", r"ot/|wo", r"rk/)\w+");
    let faults = find_in(file, text, pattern, "a path of one machine: make it relative, or a variable");
    let nobody = |line: &str| ["ada", "user"].iter().any(|name| line.contains(&format!("/{}/{name}", "home")));
    faults.into_iter().filter(|fault| !text.lines().nth(fault.line - 1).is_some_and(nobody)).collect()
}

fn texts(workspace: &Workspace) -> impl Iterator<Item = (&str, String)> {
    let files = workspace.files.iter().filter(|file| TEXTS.iter().any(|end| file.ends_with(end)));
    files.map(|file| (file.as_str(), workspace.text(file)))
}

fn find(source: &Source, pattern: &str, advice: &str) -> Vec<Fault> {
    find_in(&source.path, &source.program, pattern, advice)
}

fn find_in(file: &str, text: &str, pattern: &str, advice: &str) -> Vec<Fault> {
    let pattern = Regex::new(pattern).expect("a constant pattern");
    let line = |offset: usize| text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1;
    pattern
        .find_iter(text)
        .map(|found| Fault::new(file, line(found.start()), format!("`{}`: {advice}", found.as_str().trim())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(rule: fn(&Source) -> Vec<Fault>, path: &str, text: &str) -> usize {
        rule(&Source::new(path, text)).len()
    }

    #[test]
    fn a_second_reader_of_the_environment_is_found() {
        assert_eq!(n(reads, "cli/src/main.rs", "let a = std::env::var(\"A\");"), 1);
        assert_eq!(n(reads, "cli/src/main.rs", "use std::{env, fs};"), 1);
        assert_eq!(n(reads, "cli/src/main.rs", "let a = std::env::current_exe();"), 0);
        assert_eq!(n(reads, "cli/tests/it/main.rs", "let a = std::env::var(\"A\");"), 0);
    }

    #[test]
    fn an_impure_floor_is_found() {
        assert_eq!(n(impurities, "core/src/text/mod.rs", "async fn a() {}\nuse std::time::Instant;"), 3);
        assert_eq!(n(impurities, "core/src/id.rs", "use rand::random;"), 1);
        assert_eq!(n(impurities, "core/src/store/mod.rs", "async fn a() {}"), 0);
        assert_eq!(n(impurities, "core/src/text/mod.rs", "// async\n#[cfg(test)]\nmod tests { use std::fs; }"), 0);
    }

    #[test]
    fn a_promise_below_the_edge_is_found() {
        assert_eq!(n(serialised, "core/src/search/mod.rs", "#[derive(Serialize)] struct A;"), 1);
        assert_eq!(n(serialised, "core/src/search/mod.rs", "#[derive(Deserialize)] struct A;"), 0);
        assert_eq!(n(serialised, "core/src/wire/mod.rs", "#[derive(Serialize)] struct A;"), 0);
    }

    #[test]
    fn an_unwrap_is_found() {
        assert_eq!(n(unwrapped, "core/src/a.rs", "a.unwrap(); b.unwrap_or(1); // c.unwrap()"), 1);
        assert_eq!(n(unwrapped, "core/src/a.rs", "#[cfg(test)]\nmod tests { fn a() { b.unwrap(); } }"), 0);
    }

    #[test]
    fn open_ends_are_found() {
        assert_eq!(n(unfinished, "core/src/a.rs", "fn a() { todo!() } fn b() { dbg!(1); }"), 2);
        assert_eq!(n(unfinished, "core/tests/a.rs", "#[test]\n#[ignore]\nfn a() {}"), 1);
        assert_eq!(marked("a.md", concat!("x\n// TO", "DO: later\n"))[0].line, 2);
        assert_eq!(marked("a.sh", concat!("# FIX", "ME later\n")).len(), 1);
        assert!(marked("syntax.md", concat!("TO", "DO AND FIX", "ME")).is_empty());
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let path = |name: &str| format!("see /{}/{name}/x", "home");
        assert_eq!(machine_paths_in("a.md", &path("bob")).len(), 1);
        assert!(machine_paths_in("a.md", &path("ada")).is_empty());
        assert!(machine_paths_in("a.md", "https://example.org/home/bob").is_empty());
    }
}
