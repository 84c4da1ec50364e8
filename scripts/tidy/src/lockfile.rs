//! What `Cargo.lock` says: names of packages, and that all come from the registry or from here.

use crate::{Fault, Workspace};

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Names of all locked packages.
pub fn names(lockfile: &str) -> Vec<&str> {
    lockfile.lines().filter_map(|line| value(line, "name")).collect()
}

/// Every package that comes from elsewhere: a git branch, a folder outside, another registry.
pub fn sources(workspace: &Workspace) -> Vec<Fault> {
    foreign(&workspace.lockfile)
}

fn foreign(lockfile: &str) -> Vec<Fault> {
    let lines = lockfile.lines().enumerate();
    let sources = lines.filter_map(|(i, line)| Some((i + 1, value(line, "source")?)));
    sources
        .filter(|(_, source)| *source != REGISTRY)
        .map(|(line, source)| {
            Fault::new("Cargo.lock", line, format!("`{source}` is not the registry: depend on a released version"))
        })
        .collect()
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_git_source_is_foreign() {
        let lockfile = format!(
            "[[package]]\nname = \"a\"\nsource = \"{REGISTRY}\"\n[[package]]\nname = \"b\"\nsource = \"git+https://example.org/b\"\n"
        );
        assert_eq!(names(&lockfile), ["a", "b"]);
        let faults = foreign(&lockfile);
        assert_eq!((faults.len(), faults[0].line), (1, 6));
    }
}
