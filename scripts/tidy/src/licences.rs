//! Licences of everything that is built in: each package must offer one choice made only of licences listed here.

use crate::{Fault, Workspace};

/// Licences that ask no more than a notice of those who ship a binary.
const ALLOWED: &[&str] = &[
    "MIT",
    "Apache-2.0",
    // The exception only lifts conditions of the licence for code that a compiler puts in.
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    // The tables of the Unicode character database.
    "Unicode-3.0",
    // Data, not code: the list of root certificates.
    "CDLA-Permissive-2.0",
];

/// Every package without a licence, or with one that is not listed.
pub fn licences(workspace: &Workspace) -> Vec<Fault> {
    let packages = workspace.metadata().packages.iter();
    packages.filter_map(|package| refusal(&package.name, package.license.as_deref())).collect()
}

fn refusal(name: &str, licence: Option<&str>) -> Option<Fault> {
    let message = match licence {
        None => format!("`{name}` names no licence: do without it"),
        Some(text) if is_allowed(text) => return None,
        Some(text) => format!(
            "`{name}` is under `{text}`: do without it, or argue for the licence in scripts/tidy/src/licences.rs"
        ),
    };
    Some(Fault::new("Cargo.lock", 1, message))
}

/// Evaluates an SPDX expression, where an old `/` means OR.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<_> = spaced.split_whitespace().collect();
    let (allowed, rest) = any(&tokens);
    allowed && rest.is_empty()
}

fn any<'a, 't>(tokens: &'t [&'a str]) -> (bool, &'t [&'a str]) {
    let (mut allowed, mut rest) = all(tokens);
    while let ["OR", tail @ ..] = rest {
        let (other, after) = all(tail);
        (allowed, rest) = (allowed | other, after);
    }
    (allowed, rest)
}

fn all<'a, 't>(tokens: &'t [&'a str]) -> (bool, &'t [&'a str]) {
    let (mut allowed, mut rest) = one(tokens);
    while let ["AND", tail @ ..] = rest {
        let (other, after) = one(tail);
        (allowed, rest) = (allowed & other, after);
    }
    (allowed, rest)
}

fn one<'a, 't>(tokens: &'t [&'a str]) -> (bool, &'t [&'a str]) {
    match tokens {
        ["(", tail @ ..] => match any(tail) {
            (allowed, [")", rest @ ..]) => (allowed, rest),
            (_, rest) => (false, rest),
        },
        [licence, "WITH", exception, rest @ ..] => {
            (ALLOWED.contains(&format!("{licence} WITH {exception}").as_str()), rest)
        }
        [licence, rest @ ..] => (ALLOWED.contains(licence), rest),
        [] => (false, tokens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_good_choice_is_enough() {
        for expression in [
            "MIT",
            "MIT/Apache-2.0",
            "Unlicense OR MIT",
            "(MIT OR GPL-3.0) AND ISC",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
        ] {
            assert!(is_allowed(expression), "{expression}");
        }
    }

    #[test]
    fn others_are_refused() {
        for expression in
            ["GPL-3.0-only", "MIT AND GPL-3.0-only", "(MIT", "", "Apache-2.0 WITH Other-exception", "MIT ISC"]
        {
            assert!(refusal("x", Some(expression)).is_some(), "{expression}");
        }
        assert!(refusal("x", None).is_some());
    }
}
