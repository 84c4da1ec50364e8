//! What is resolved again after a change is what a new run would find.

use std::collections::HashMap;

use kotadb_core::facts::Facts;
use proptest::prelude::*;

use super::pieces::{self, Pieces};
use crate::names::testing::Repository;
use crate::names::{Change, Source};

/// Files of a language by number, and their pieces.
type Files = HashMap<usize, Vec<usize>>;

fn repository(of: Pieces, files: &Files) -> Repository {
    let mut text = String::new();
    for (path, pieces) in files {
        let path = of.paths[*path];
        let body: String = pieces.iter().map(|piece| of.all[*piece % of.all.len()]).collect();
        text += &format!("== {path}\n{}{body}", head(path));
    }
    Repository::new(&text)
}

/// What files of a package begin with.
fn head(path: &str) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    match path.rsplit('.').next() {
        Some("java") => format!("package {};\n", folder.replace('/', ".")),
        Some("go") => format!("package {}\n", if folder.is_empty() { "main" } else { folder }),
        _ => String::new(),
    }
}

fn facts(of: &Repository, path: &str) -> Option<Facts> {
    let file = of.files.iter().position(|file| &*file.path == path)?;
    of.facts(file as u32).unwrap()
}

fn changes(of: Pieces, before: &Repository, after: &Repository) -> Vec<Change> {
    let text = |of: &Repository, path: &str| {
        of.files.iter().position(|file| &*file.path == path).map(|at| of.texts[at].clone())
    };
    let differs = of.paths.iter().filter(|path| text(before, path) != text(after, path));
    differs
        .map(|&path| Change {
            path: path.into(),
            existed: (text(before, path).is_some(), text(after, path).is_some()),
            before: facts(before, path),
            after: facts(after, path),
        })
        .collect()
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..18usize, 0..5)
}

fn files() -> impl Strategy<Value = Files> {
    prop::collection::hash_map(0..6usize, pieces(), 1..6)
}

fn edits() -> impl Strategy<Value = HashMap<usize, Option<Vec<usize>>>> {
    prop::collection::hash_map(0..6usize, prop::option::of(pieces()), 1..3)
}

/// What a delta and a whole graph say after a change; they say the same.
fn both(of: Pieces, before: &Files, edits: HashMap<usize, Option<Vec<usize>>>) -> [HashMap<String, String>; 2] {
    let mut after = before.clone();
    for (path, pieces) in edits {
        match pieces {
            Some(pieces) => drop(after.insert(path, pieces)),
            None => drop(after.remove(&path)),
        }
    }
    let (before, after) = (repository(of, before), repository(of, &after));
    let changes = changes(of, &before, &after);
    let mut lines: HashMap<String, String> = before.lines_by_path();
    lines.extend(after.changed_lines_by_path(&changes));
    lines.retain(|path, _| after.files.iter().any(|file| *file.path == **path));
    [lines, after.lines_by_path()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn what_changes_touch_is_resolved_again(before in files(), edits in edits()) {
        let [delta, whole] = both(pieces::PYTHON, &before, edits);
        prop_assert_eq!(delta, whole);
    }

    #[test]
    fn what_changes_of_java_touch_is_resolved_again(before in files(), edits in edits()) {
        let [delta, whole] = both(pieces::JAVA, &before, edits);
        prop_assert_eq!(delta, whole);
    }

    #[test]
    fn what_changes_of_plus_touch_is_resolved_again(before in files(), edits in edits()) {
        let [delta, whole] = both(pieces::PLUS, &before, edits);
        prop_assert_eq!(delta, whole);
    }

    #[test]
    fn what_changes_of_go_touch_is_resolved_again(before in files(), edits in edits()) {
        let [delta, whole] = both(pieces::GO, &before, edits);
        prop_assert_eq!(delta, whole);
    }
}

const STANDING: &str = "
== src/lib.rs
mod kinds;
mod ptr;
fn run(ptr: &ptr::Ptr) { ptr.close(); }
== src/kinds.rs
pub struct One;
impl One { pub fn close(&self) {} }
pub struct Two;
impl Two { pub fn close(&self) {} }
pub type Some = One;
== src/ptr.rs
use crate::kinds::{One, Two, Some};
pub struct Ptr;
impl std::ops::Deref for Ptr { type Target = One; }
";

/// Who calls a member of what a type stands for names neither.
#[test]
fn what_a_type_stands_for_touches_who_uses_it() {
    let aliased = STANDING.replace("Target = One", "Target = Some");
    let edits = [
        (STANDING.to_owned(), STANDING.replace("Target = One", "Target = Two"), "src/ptr.rs"),
        (aliased.clone(), aliased.replace("Some = One", "Some = Two"), "src/kinds.rs"),
    ];
    for (before, after, path) in edits {
        let (before, after) = (Repository::new(&before), Repository::new(&after));
        let change = Change {
            path: path.into(),
            existed: (true, true),
            before: facts(&before, path),
            after: facts(&after, path),
        };
        let mut lines = before.lines_by_path();
        assert!(lines["src/lib.rs"].contains("One.close"), "{lines:?}");
        lines.extend(after.changed_lines_by_path(&[change]));
        assert_eq!(lines, after.lines_by_path());
        assert!(lines["src/lib.rs"].contains("Two.close"), "{lines:?}");
    }
}

const BUILDS: &str = "
== fast.go
package a
type pointer struct{}
== slow.go
package a
type pointer struct{}
== use.go
package a
type Getter interface { get() int }
";

/// The first of several builds' types says what all of them implement, and mentions no method.
#[test]
fn a_method_of_a_type_for_several_builds_touches_the_type() {
    let after = BUILDS.replace("== use.go", "func (p pointer) get() int { return 1 }\n== use.go");
    let (before, after) = (Repository::new(BUILDS), Repository::new(&after));
    let change = Change {
        path: "slow.go".into(),
        existed: (true, true),
        before: facts(&before, "slow.go"),
        after: facts(&after, "slow.go"),
    };
    let mut lines = before.lines_by_path();
    lines.extend(after.changed_lines_by_path(&[change]));
    assert_eq!(lines, after.lines_by_path());
    assert!(lines["fast.go"].contains("Getter") && lines["slow.go"].contains("inherit in pointer"), "{lines:?}");
}
