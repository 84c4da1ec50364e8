//! The shape of files: what they say first, how long they and their functions are, and the few that may be longer.

use regex::Regex;

use crate::source::{self, Source};
use crate::{Fault, Workspace};

/// Lines of a file, inline tests apart.
const FILE_CEILING: usize = 500;
/// Lines of a function from its signature to its closing brace.
const FUNCTION_CEILING: usize = 60;

/// A file or function that may pass its ceiling.
struct Exemption {
    file: &'static str,
    /// `None`: the file itself.
    function: Option<&'static str>,
    /// Why it reads better whole; whoever adds a line here convinces a reviewer by it.
    #[expect(dead_code, reason = "written for readers")]
    argument: &'static str,
}

const EXEMPTIONS: &[Exemption] = &[];

/// Every Rust file whose first line does not say what it is for.
pub fn openings(workspace: &Workspace) -> Vec<Fault> {
    workspace.sources.iter().filter_map(opening).collect()
}

fn opening(source: &Source) -> Option<Fault> {
    let says = source.text.starts_with("//! ");
    (!says).then(|| Fault::new(&source.path, 1, "open with `//!`: what the file is for and what it leaves to others"))
}

/// Every file that is too long.
pub fn files(workspace: &Workspace) -> Vec<Fault> {
    let long = workspace.sources.iter().filter_map(long_file);
    long.filter(|fault| !is_exempt(EXEMPTIONS, &fault.file, None)).collect()
}

fn long_file(source: &Source) -> Option<Fault> {
    let n_lines = source.n_lines_net();
    let is_long = !source.program.is_empty() && n_lines > FILE_CEILING;
    is_long.then(|| {
        Fault::new(
            &source.path,
            1,
            format!("{n_lines} lines without tests, {FILE_CEILING} allowed: one idea a file, split it"),
        )
    })
}

/// Every function that is too long.
pub fn functions(workspace: &Workspace) -> Vec<Fault> {
    workspace
        .sources
        .iter()
        .flat_map(|source| long_functions(source).into_iter().map(move |long| (source, long)))
        .filter(|(source, long)| !is_exempt(EXEMPTIONS, &source.path, Some(&long.name)))
        .map(|(source, long)| long.fault(source))
        .collect()
}

struct LongFunction {
    name: String,
    line: usize,
    n_lines: usize,
}

impl LongFunction {
    fn fault(&self, source: &Source) -> Fault {
        let Self { name, line, n_lines } = self;
        Fault::new(
            &source.path,
            *line,
            format!("`{name}` has {n_lines} lines, {FUNCTION_CEILING} allowed: name its parts"),
        )
    }
}

fn long_functions(source: &Source) -> Vec<LongFunction> {
    let pattern = Regex::new(r"\bfn\s+(\w+)").expect("a constant pattern");
    let measured = pattern.captures_iter(&source.program).filter_map(|found| {
        let start = found.get(0)?.start();
        let (_, end) = source::body(&source.program, start)?;
        let n_lines = source.program[start..end].lines().count();
        Some(LongFunction { name: found[1].to_owned(), line: source.line_at(start), n_lines })
    });
    measured.filter(|function| function.n_lines > FUNCTION_CEILING).collect()
}

/// Every exemption that nothing needs any more.
pub fn exemptions(workspace: &Workspace) -> Vec<Fault> {
    needless(EXEMPTIONS, &workspace.sources)
}

fn needless(exemptions: &[Exemption], sources: &[Source]) -> Vec<Fault> {
    let is_needed = |exemption: &Exemption| {
        let source = sources.iter().find(|source| source.path == exemption.file);
        source.is_some_and(|source| match exemption.function {
            None => long_file(source).is_some(),
            Some(name) => long_functions(source).iter().any(|function| function.name == name),
        })
    };
    exemptions
        .iter()
        .filter(|exemption| !is_needed(exemption))
        .map(|exemption| {
            Fault::new(exemption.file, 1, "is below its ceiling: drop its exemption in scripts/tidy/src/shape.rs")
        })
        .collect()
}

fn is_exempt(exemptions: &[Exemption], file: &str, function: Option<&str>) -> bool {
    exemptions.iter().any(|exemption| exemption.file == file && exemption.function == function)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(n_lines: usize) -> Source {
        let body = "    f();\n".repeat(n_lines);
        Source::new("core/src/a.rs", &format!("//! A.\n\nfn long() -> [u8; 4] {{\n{body}}}\n"))
    }

    #[test]
    fn a_silent_file_is_found() {
        assert!(opening(&Source::new("a.rs", "use std::fs;\n")).is_some());
        assert_eq!(opening(&Source::new("a.rs", "//! What for.\n")), None);
    }

    #[test]
    fn a_long_file_is_found() {
        assert!(long_file(&source(500)).is_some());
        assert_eq!(long_file(&source(400)), None);
    }

    #[test]
    fn a_long_function_is_found() {
        let long = long_functions(&source(59));
        assert_eq!((long.len(), long[0].line, long[0].n_lines), (1, 3, 61));
        assert!(long_functions(&source(58)).is_empty());
        assert!(long[0].fault(&source(59)).to_string().starts_with("core/src/a.rs:3: `long` has 61 lines"));
    }

    #[test]
    fn an_exemption_must_be_needed() {
        let exemption = |function| Exemption { file: "core/src/a.rs", function, argument: "for this test" };
        assert!(needless(&[exemption(Some("long"))], &[source(100)]).is_empty());
        assert_eq!(needless(&[exemption(Some("long")), exemption(None)], &[source(10)]).len(), 2);
        assert_eq!(needless(&[exemption(None)], &[]).len(), 1);
        assert!(is_exempt(&[exemption(None)], "core/src/a.rs", None));
        assert!(!is_exempt(&[exemption(None)], "core/src/a.rs", Some("long")));
    }
}
