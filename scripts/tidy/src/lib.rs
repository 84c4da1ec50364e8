//! The house rules as checks: which crate and which module may use which, how long files and functions may be, what
//! every file says first, and which words and licences are welcome. Knows nothing of what the programs do.
//!
//! [`RULES`] is the table of contents. `cargo run -p kotadb-tidy` prints every fault of the tree; the crate's tests run
//! each rule by itself over the tree, and over a small bad input to show that it can fail.

mod crates;
mod licences;
mod lockfile;
mod manifests;
mod modules;
mod shape;
mod source;
mod users;
mod words;
mod workspace;

use std::fmt;

pub use source::Source;
pub use workspace::Workspace;

/// One breach of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// File, relative to the root of the workspace.
    pub file: String,
    /// Line, 1-based; 1 where the whole file is meant.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// One house rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name, in faults and in the tests.
    pub name: &'static str,
    /// Finds every breach.
    pub check: fn(&Workspace) -> Vec<Fault>,
}

/// Every rule of the house.
pub const RULES: &[Rule] = &[
    Rule { name: "crate floors", check: crates::floors },
    Rule { name: "module floors", check: modules::floors },
    Rule { name: "crate users", check: users::users },
    Rule { name: "crate absences", check: users::absences },
    Rule { name: "crate presence", check: users::presence },
    Rule { name: "licences", check: licences::licences },
    Rule { name: "sources", check: lockfile::sources },
    Rule { name: "versions in one place", check: manifests::versions },
    Rule { name: "handler folders", check: manifests::handler_folders },
    Rule { name: "bootstraps are alike", check: manifests::bootstraps },
    Rule { name: "files say what they are for", check: shape::openings },
    Rule { name: "file ceiling", check: shape::files },
    Rule { name: "function ceiling", check: shape::functions },
    Rule { name: "exemptions are needed", check: shape::exemptions },
    Rule { name: "migration names", check: manifests::migrations },
    Rule { name: "one reader of the environment", check: words::environment },
    Rule { name: "pure floors", check: words::pure_floors },
    Rule { name: "only the edge serialises", check: words::serialise },
    Rule { name: "no unwrap", check: words::unwraps },
    Rule { name: "nothing left open", check: words::left_open },
    Rule { name: "no paths of one machine", check: words::machine_paths },
];

/// Runs the rule called `name`.
///
/// # Panics
/// Where there is no such rule.
#[must_use]
pub fn run(name: &str, workspace: &Workspace) -> Vec<Fault> {
    let rule = RULES.iter().find(|rule| rule.name == name);
    (rule.expect("the caller names a rule of the table").check)(workspace)
}
