//! `kotadb search` answers for the working tree as it is: after any sequence of changes just as ripgrep does.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::fixture::{Fixture, kotadb, stderr, stdout};

const PATHS: [&str; 8] =
    ["a.rs", "src/b.rs", "src/deep/c.c", "docs/d.md", "new dir/e f.txt", "x.log", "src/y.log", "tests/t.py"];
const WORDS: [&str; 5] = ["alpha", "Beta", "alphabet", "gamma_1", "übung"];
const BRANCHES: [&str; 2] = ["main", "side"];
/// The pattern, and the query that asks for it.
const QUERIES: [(&str, &str); 4] = [
    ("alpha", "/alpha/ case:yes"),
    ("^Beta.*(alpha|gamma)", "/^Beta.*(alpha|gamma)/ case:yes"),
    ("ü", "/ü/ case:yes"),
    (r"\d$", r"/\d$/ case:yes"),
];

/// What may happen to a working tree.
#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<usize>),
    Delete(usize),
    Rename(usize, usize),
    /// Ignore rules: of git, or of KotaDB.
    Ignore(&'static str, bool),
    Stage,
    Commit,
    Revert,
    Stash,
    Unstash,
    Switch(usize),
    Index,
}

fn change() -> impl Strategy<Value = Change> {
    let path = || 0..PATHS.len();
    prop_oneof![
        5 => (path(), vec(0..WORDS.len(), 0..6)).prop_map(|(path, words)| Change::Write(path, words)),
        2 => path().prop_map(Change::Delete),
        2 => (path(), path()).prop_map(|(from, to)| Change::Rename(from, to)),
        1 => (prop::sample::select(vec![".gitignore", ".kotadbignore"]), any::<bool>())
            .prop_map(|(file, on)| Change::Ignore(file, on)),
        1 => Just(Change::Stage),
        2 => Just(Change::Commit),
        1 => Just(Change::Revert),
        1 => Just(Change::Stash),
        1 => Just(Change::Unstash),
        2 => (0..BRANCHES.len()).prop_map(Change::Switch),
        1 => Just(Change::Index),
    ]
}

/// Some changes are not possible in every state: then nothing happens.
fn apply(fixture: &Fixture, change: &Change) {
    let at = |path: &str| fixture.path().join(path);
    match change {
        Change::Write(path, words) => {
            let lines = words.chunks(2).map(|pair| pair.iter().map(|&word| WORDS[word]).collect::<Vec<_>>().join(" "));
            fixture.write(PATHS[*path], &lines.map(|line| line + "\n").collect::<String>());
        }
        Change::Delete(path) => _ = std::fs::remove_file(at(PATHS[*path])),
        Change::Rename(from, to) => {
            std::fs::create_dir_all(at(PATHS[*to]).parent().expect("a folder")).expect("made");
            _ = std::fs::rename(at(PATHS[*from]), at(PATHS[*to]));
        }
        Change::Ignore(file, true) => fixture.write(file, "*.log\n"),
        Change::Ignore(file, false) => _ = std::fs::remove_file(at(file)),
        Change::Stage => _ = git(fixture, &["add", "--all"]),
        Change::Commit => {
            git(fixture, &["add", "--all"]);
            git(fixture, &["commit", "--quiet", "--message", "change"]);
        }
        Change::Revert => _ = git(fixture, &["checkout", "--quiet", "--", "."]),
        Change::Stash => _ = git(fixture, &["stash", "--include-untracked"]),
        Change::Unstash => _ = git(fixture, &["stash", "pop"]),
        Change::Switch(branch) => _ = git(fixture, &["checkout", "--quiet", "--force", BRANCHES[*branch]]),
        Change::Index => assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success()),
    }
}

fn git(fixture: &Fixture, args: &[&str]) -> Output {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"];
    Command::new("git").args(identity).args(args).current_dir(fixture.path()).output().expect("git runs")
}

/// Files of the working tree that git does not ignore, and `.kotadbignore` neither, whose one rule is `*.log`.
fn files(fixture: &Fixture) -> BTreeSet<Vec<u8>> {
    let list = git(fixture, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).stdout;
    let ignores = fixture.path().join(".kotadbignore").exists();
    let paths = list.split(|&byte| byte == 0).filter(|path| !path.is_empty());
    let paths = paths.filter(|path| !ignores || !path.ends_with(b".log"));
    paths.filter(|path| fixture.path().join(OsStr::from_bytes(path)).is_file()).map(<[u8]>::to_vec).collect()
}

/// Path and line of what ripgrep finds, with the flags of `scripts/parity.py`.
fn ripgrep(fixture: &Fixture, pattern: &str) -> BTreeSet<(String, u64)> {
    let files = files(fixture);
    if files.is_empty() {
        return BTreeSet::new();
    }
    let program = std::env::var_os("RG").unwrap_or_else(|| "rg".into());
    let flags = "--no-config -uuu -a -E none -n -H --null --no-heading --color never --case-sensitive -e";
    let output = Command::new(program)
        .args(flags.split(' ').chain([pattern, "--"]))
        .args(files.iter().map(|path| OsStr::from_bytes(path)))
        .current_dir(fixture.path())
        .output()
        .expect("rg runs: `make setup` installs it");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    let hit = |line: &str| {
        let (path, rest) = line.split_once('\0').expect("path");
        (path.to_owned(), rest.split_once(':').and_then(|(number, _)| number.parse().ok()).expect("number"))
    };
    stdout(&output).lines().map(hit).collect()
}

fn search(fixture: &Fixture, query: &str) -> BTreeSet<(String, u64)> {
    // What is indexed by the way would leave little to lie over it.
    let output = kotadb(fixture.path(), &["search", "--json", "--no-refresh", "--limit", "0", query]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    let text = stdout(&output);
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let summary = lines.pop().expect("a summary");
    assert_eq!(summary["complete"], true);
    assert_eq!(summary["matches"], lines.len());
    assert_eq!(output.status.code() == Some(0), !lines.is_empty());
    let hit = |line: &Value| (line["path"].as_str().expect("path").to_owned(), line["line"].as_u64().expect("number"));
    let hits: BTreeSet<_> = lines.iter().map(hit).collect();
    assert_eq!(hits.len(), lines.len(), "each line once");
    hits
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_ripgrep(changes in vec(change(), 1..24)) {
        let fixture = Fixture::new(&[("a.rs", "alpha\nBeta gamma_1\n"), ("src/b.rs", "alphabet\n"), ("x.log", "alpha 1\n")]);
        fixture.git(&["branch", "side"]);
        assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
        for (nth, change) in changes.iter().enumerate() {
            apply(&fixture, change);
            let (pattern, query) = QUERIES[nth % QUERIES.len()];
            prop_assert_eq!(search(&fixture, query), ripgrep(&fixture, pattern), "{} after {:?}", query, change);
            prop_assert_eq!(search(&fixture, "alpha"), ripgrep(&fixture, "(?i)alpha"), "after {:?}", change);
        }
    }
}

/// What git and a search say of the working tree: dirty files, and matches of a query.
fn state(fixture: &Fixture, query: &str) -> (String, usize) {
    let output = kotadb(fixture.path(), &["search", "--json", query]);
    let text = stdout(&output);
    let summary: Value = serde_json::from_str(text.lines().last().expect("a summary")).expect("JSON");
    (summary["tree"].as_str().expect("a working tree").to_owned(), text.lines().count() - 1)
}

/// Unchanged files are searched as git stores them, changed ones as they are on the disk.
#[test]
fn files_whose_line_ends_git_converts_are_clean_until_they_are_changed() {
    let fixture = Fixture::new(&[
        (".gitattributes", "*.txt text eol=crlf\n*.md text=auto\n*.u16 working-tree-encoding=UTF-16LE\n"),
        ("a.txt", "alpha one\r\nbeta\r\n"),
        ("b.md", "alpha\n"),
    ]);
    std::fs::write(
        fixture.path().join("c.u16"),
        "alpha\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
    )
    .expect("written");
    fixture.commit(&[]);
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    assert_eq!(state(&fixture, "alpha"), ("clean".to_owned(), 3));
    assert_eq!(state(&fixture, "/one$/"), ("clean".to_owned(), 1), "git stores no CR");

    fixture.write("a.txt", "alpha one\r\nbeta two\r\n");
    assert_eq!(state(&fixture, "alpha"), ("dirty(1)".to_owned(), 3));
    for (pattern, query) in [("one$", "/one$/ path:a.txt"), ("two\\r", "/two\\r/ path:a.txt")] {
        assert_eq!(search(&fixture, query), ripgrep(&fixture, pattern), "{query}");
    }
    fixture.write("a.txt", "alpha one\r\nbeta\r\n");
    assert_eq!(state(&fixture, "/one$/").1, 1, "taken back");
}

#[test]
fn files_that_a_filter_changes_are_clean_until_they_are_changed() {
    let fixture = Fixture::new(&[(".gitattributes", "*.rot filter=rot\n")]);
    fixture.git(&["config", "filter.rot.clean", "tr a-z b-za"]);
    fixture.git(&["config", "filter.rot.smudge", "tr b-za a-z"]);
    fixture.commit(&[("a.rot", "alpha\n"), ("b.rot", "beta\n")]);
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    assert_eq!(state(&fixture, "bmqib"), ("clean".to_owned(), 1), "as git stores it");
    assert_eq!(state(&fixture, "alpha"), ("clean".to_owned(), 0));
    fixture.write("a.rot", "alpha two\n");
    assert_eq!(state(&fixture, "alpha"), ("dirty(1)".to_owned(), 1));
    assert_eq!(search(&fixture, "alpha"), ripgrep(&fixture, "alpha"));
    assert_eq!(state(&fixture, "bmqib").1, 0);
    fixture.git(&["checkout", "--quiet", "--", "a.rot"]);
    assert_eq!(state(&fixture, "bmqib"), ("clean".to_owned(), 1));
}
