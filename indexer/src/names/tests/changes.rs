//! What is resolved again after a change is what a new run would find.

use std::collections::HashMap;

use kotadb_core::facts::Facts;
use proptest::prelude::*;

use crate::names::testing::Repository;
use crate::names::{Change, Source};

/// Pieces that files are put together from; names are few, so that they meet.
const PIECES: [&str; 18] = [
    "class A:\n    def f(self): return self.g()\n    def g(self) -> B: ...\n",
    "class B(A):\n    def g(self): ...\n    x: A\n",
    "class A(C):\n    pass\n",
    "class C:\n    def h(self): ...\n    def f(self): ...\n",
    "def f(): return A()\n",
    "def g(x: A):\n    x.g().f()\n    x.h()\n",
    "def h():\n    f().g().x.h()\n    unknown.g()\n    g()\n",
    "from a import *\n",
    "from a import A, f\n",
    "from b import f as g\n",
    "from . import b\n",
    "import c\n",
    "from c import A as B\n",
    "b.f().g()\nc.A().f().g()\n",
    "v = f()\n",
    "def k():\n    v.g().x.f()\n    h()\n",
    "from .d.e import C\nC().f()\n",
    "def k(x: B):\n    x.f()\n    x.x.h()\n",
];

const PATHS: [&str; 6] = ["a.py", "b.py", "c.py", "d/e.py", "d/__init__.py", "__init__.py"];

fn repository(files: &HashMap<usize, Vec<usize>>) -> Repository {
    let mut text = String::new();
    for (path, pieces) in files {
        let body: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        text += &format!("== {}\n{body}", PATHS[*path]);
    }
    Repository::new(&text)
}

fn facts(of: &Repository, path: &str) -> Option<Facts> {
    let file = of.files.iter().position(|file| &*file.path == path)?;
    of.facts(file as u32).unwrap()
}

fn changes(before: &Repository, after: &Repository) -> Vec<Change> {
    let text = |of: &Repository, path: &str| {
        of.files.iter().position(|file| &*file.path == path).map(|at| of.texts[at].clone())
    };
    let differs = PATHS.iter().filter(|path| text(before, path) != text(after, path));
    differs
        .map(|&path| Change {
            path: path.into(),
            existed: (text(before, path).is_some(), text(after, path).is_some()),
            before: facts(before, path),
            after: facts(after, path),
        })
        .collect()
}

fn files() -> impl Strategy<Value = HashMap<usize, Vec<usize>>> {
    prop::collection::hash_map(0..PATHS.len(), prop::collection::vec(0..PIECES.len(), 0..5), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn what_changes_touch_is_resolved_again(before in files(), edits in prop::collection::hash_map(0..PATHS.len(), prop::option::of(prop::collection::vec(0..PIECES.len(), 0..5)), 1..3)) {
        let mut after = before.clone();
        for (path, pieces) in edits {
            match pieces {
                Some(pieces) => drop(after.insert(path, pieces)),
                None => drop(after.remove(&path)),
            }
        }
        let (before, after) = (repository(&before), repository(&after));
        let changes = changes(&before, &after);
        let mut lines: HashMap<String, String> = before.lines_by_path();
        for (path, text) in after.changed_lines_by_path(&changes) {
            lines.insert(path, text);
        }
        lines.retain(|path, _| after.files.iter().any(|file| *file.path == **path));
        prop_assert_eq!(lines, after.lines_by_path());
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
    assert!(lines["fast.go"].contains("Getter"), "{lines:?}");
}
