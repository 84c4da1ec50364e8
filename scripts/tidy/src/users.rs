//! Who may use which crate of the registry: direct edges, places in core, and trees that must not hold a crate at all.

use cargo_metadata::{Dependency, DependencyKind};
use regex::Regex;

use crate::{Fault, Workspace, lockfile};

/// Whether a crate is in the lockfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// In use.
    Here,
    /// Must never come.
    Never,
}

/// Who may depend on a crate.
struct User {
    name: &'static str,
    presence: Presence,
    /// Folders of the members with a normal edge to it.
    members: &'static [&'static str],
    /// Where its name may stand in the program text; empty: anywhere in `members`.
    places: &'static [&'static str],
}

const USERS: &[User] = &[
    User { name: "sqlx", presence: Presence::Here, members: &["core"], places: &["core/src/db"] },
    User { name: "object_store", presence: Presence::Here, members: &["core"], places: &["core/src/store"] },
    User { name: "git2", presence: Presence::Here, members: &["indexer"], places: &[] },
    User { name: "tree-sitter", presence: Presence::Here, members: &["indexer"], places: &[] },
    User {
        name: "reqwest",
        presence: Presence::Here,
        members: &["core", "cli", "scripts/bench", "scripts/chaos"],
        places: &["core/src/github", "core/src/identity", "core/src/wake", "cli", "scripts/bench", "scripts/chaos"],
    },
    User { name: "lambda_http", presence: Presence::Here, members: &["core"], places: &["core/src/http"] },
    User { name: "hyper", presence: Presence::Here, members: &["indexer"], places: &["indexer/src/wake_listener.rs"] },
    User { name: "cargo_metadata", presence: Presence::Here, members: &["scripts/tidy"], places: &[] },
    User { name: "openssl-sys", presence: Presence::Never, members: &[], places: &[] },
];

/// Crates that must not be in a member's tree, built alone with default features.
const ABSENT: &[(&str, &[&str])] = &[
    ("kotadb-indexer", &["axum", "lambda_http"]),
    ("kotadb-router", &["lambda_http", "git2", "tree-sitter"]),
    ("kotadb-search", &["git2", "tree-sitter"]),
];

/// Every use of a crate by a member or in a place that may not use it.
pub fn users(workspace: &Workspace) -> Vec<Fault> {
    let mut faults = Vec::new();
    for user in USERS {
        faults.extend(
            workspace.members().filter_map(|member| foreign_edge(user, &member.folder(), &member.package.dependencies)),
        );
        faults.extend(workspace.sources.iter().flat_map(|source| misplaced(user, source)));
    }
    faults
}

fn foreign_edge(user: &User, folder: &str, edges: &[Dependency]) -> Option<Fault> {
    let uses = edges.iter().any(|edge| edge.name == user.name && edge.kind == DependencyKind::Normal);
    let message = || format!("only {:?} may depend on `{}`: ask for what you need there", user.members, user.name);
    (uses && !user.members.contains(&folder)).then(|| Fault::new(&format!("{folder}/Cargo.toml"), 1, message()))
}

fn misplaced(user: &User, source: &crate::Source) -> Vec<Fault> {
    if user.places.is_empty() || user.places.iter().any(|place| source.path.starts_with(place)) {
        return Vec::new();
    }
    let pattern = Regex::new(&format!(r"\b{}\b\s*::", user.name.replace('-', "_"))).expect("a crate name is a pattern");
    let message = || format!("`{}` belongs to {:?} alone: add a function there", user.name, user.places);
    pattern
        .find_iter(&source.program)
        .map(|found| Fault::new(&source.path, source.line_at(found.start()), message()))
        .collect()
}

/// Every crate that is in a tree which must do without it.
pub fn absences(workspace: &Workspace) -> Vec<Fault> {
    let mut faults = Vec::new();
    for &(member, absent) in ABSENT {
        match workspace.tree(member) {
            Ok(tree) => faults.extend(intruders(member, absent, &tree)),
            Err(error) => faults.push(Fault::new("Cargo.toml", 1, error.to_string())),
        }
    }
    faults
}

fn intruders(member: &str, absent: &[&str], tree: &[String]) -> Vec<Fault> {
    let inside = absent.iter().filter(|name| tree.iter().any(|package| package == **name));
    inside
        .map(|name| {
            Fault::new(
                "Cargo.lock",
                1,
                format!("`{member}` must not contain `{name}`: see `cargo tree -p {member} -i {name}`"),
            )
        })
        .collect()
}

/// Every name of the tables above that is not where it says: a rule about a crate that nobody has guards nothing.
pub fn presence(workspace: &Workspace) -> Vec<Fault> {
    let packages = lockfile::names(&workspace.lockfile);
    let named = ABSENT.iter().flat_map(|(member, names)| names.iter().chain([member]));
    let unknown = named.filter(|name| USERS.iter().all(|user| user.name != **name));
    let asserted =
        unknown.map(|name| (*name, Presence::Here)).chain(USERS.iter().map(|user| (user.name, user.presence)));
    asserted.filter_map(|(name, presence)| contradiction(name, presence, packages.contains(&name))).collect()
}

fn contradiction(name: &str, presence: Presence, is_locked: bool) -> Option<Fault> {
    let message = match (presence, is_locked) {
        (Presence::Here, false) => "is in no lockfile: the rule about it guards nothing; mend its name or drop it",
        (Presence::Never, true) => "must not be in the lockfile: find who wants it by `cargo tree -i`",
        _ => return None,
    };
    Some(Fault::new("Cargo.lock", 1, format!("`{name}` {message}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    #[test]
    fn a_crate_out_of_place_is_found() {
        let source = Source::new("core/src/search/mod.rs", "//! A.\n\nuse sqlx::Row;\n");
        let faults: Vec<_> = USERS.iter().flat_map(|user| misplaced(user, &source)).collect();
        assert_eq!((faults.len(), faults[0].line), (1, 3));
        let source = Source::new("core/src/db/mod.rs", "use sqlx::Row;");
        assert!(USERS.iter().all(|user| misplaced(user, &source).is_empty()));
    }

    #[test]
    fn an_edge_of_a_stranger_is_found() {
        let edge = crate::crates::tests::edge("sqlx", &[]);
        assert!(foreign_edge(&USERS[0], "indexer", std::slice::from_ref(&edge)).is_some());
        assert_eq!(foreign_edge(&USERS[0], "core", &[edge]), None);
    }

    #[test]
    fn an_intruder_is_found() {
        assert_eq!(intruders("kotadb-indexer", &["axum"], &["axum".to_owned(), "serde".to_owned()]).len(), 1);
        assert!(intruders("kotadb-indexer", &["axum"], &["axum-core".to_owned()]).is_empty());
    }

    #[test]
    fn the_tables_must_be_true() {
        assert!(contradiction("sqlx", Presence::Here, false).is_some());
        assert!(contradiction("openssl-sys", Presence::Never, true).is_some());
        assert_eq!(contradiction("sqlx", Presence::Here, true), None);
    }
}
