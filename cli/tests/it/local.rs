//! `kotadb index` and `kotadb search` on a repository of this machine.

use serde_json::Value;

use crate::fixture::{Fixture, kotadb, stderr, stdout};

fn indexed() -> Fixture {
    let fixture = Fixture::new(&[
        ("src/main.rs", "fn main() {\n    println!(\"hello\");\n}\n"),
        ("docs/guide.md", "# Guide\n\nsay hello twice: hello\n"),
    ]);
    let output = kotadb(fixture.path(), &["index"]);
    assert!(output.status.success(), "{}", stderr(&output));
    fixture
}

#[test]
fn finds_lines_and_exits_zero() {
    let fixture = indexed();
    let output = kotadb(fixture.path(), &["search", "hello"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "src/main.rs:2:15:    println!(\"hello\");\ndocs/guide.md:3:5:say hello twice: hello\n"
    );
}

#[test]
fn nothing_found_exits_one() {
    let output = kotadb(indexed().path(), &["search", "absent_word"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
}

#[test]
fn a_wrong_query_exits_two_and_says_where() {
    let output = kotadb(indexed().path(), &["search", "(hello"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("position"), "{}", stderr(&output));
}

#[test]
fn without_an_index_says_how_to_make_one() {
    let fixture = Fixture::new(&[("a.txt", "a\n")]);
    let output = kotadb(fixture.path(), &["search", "a"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("kotadb index"), "{}", stderr(&output));
}

#[test]
fn json_gives_one_object_a_line_and_a_summary() {
    let output = kotadb(indexed().path(), &["search", "--json", "hello"]);
    let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 3);
    let guide = &lines[1];
    assert_eq!(guide["path"], "docs/guide.md");
    assert_eq!((&guide["line"], &guide["column"]), (&Value::from(3), &Value::from(5)));
    assert_eq!((&guide["byte_start"], &guide["byte_end"]), (&Value::from(13), &Value::from(18)));
    assert_eq!(guide["ranges"].as_array().expect("all matches of the line").len(), 2);
    let summary = &lines[2];
    assert_eq!(
        (&summary["summary"], &summary["matches"], &summary["files"]),
        (&Value::from(true), &Value::from(2), &Value::from(2))
    );
    assert_eq!(summary["complete"], true);
}

#[test]
fn counts_and_limits() {
    let fixture = indexed();
    assert_eq!(stdout(&kotadb(fixture.path(), &["search", "--count", "hello"])), "2\n");
    let output = kotadb(fixture.path(), &["search", "--limit", "1", "hello"]);
    assert_eq!(stdout(&output).lines().count(), 1);
    assert!(stderr(&output).contains("--limit 0"), "{}", stderr(&output));
}

#[test]
fn says_how_many_files_differ_from_the_index() {
    let fixture = indexed();
    fixture.write("src/main.rs", "fn main() {}\n");
    fixture.write("new.txt", "hello\n");
    let output = kotadb(fixture.path(), &["search", "hello"]);
    assert!(stderr(&output).contains("2 files differ"), "{}", stderr(&output));
}

#[test]
fn a_branch_is_searchable_by_ref_after_indexing_it() {
    let fixture = indexed();
    let output = kotadb(fixture.path(), &["index", "--ref", "main"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = kotadb(fixture.path(), &["search", "--ref", "main", "hello"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = kotadb(fixture.path(), &["search", "--ref", "absent", "hello"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("`absent` is not indexed"), "{}", stderr(&output));
}

#[test]
fn a_plain_folder_is_indexed_as_a_tree() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("notes.txt"), "plain words\n").expect("written");
    assert!(kotadb(folder.path(), &["index"]).status.success());
    assert_eq!(stdout(&kotadb(folder.path(), &["search", "plain"])), "notes.txt:1:1:plain words\n");
}

#[test]
fn the_index_stays_out_of_the_working_tree() {
    let fixture = indexed();
    assert!(fixture.path().join(".git/kotadb").is_dir());
    let status = std::process::Command::new("git")
        .args(["status", "--porcelain"])
        .current_dir(fixture.path())
        .output()
        .expect("git runs");
    assert_eq!(stdout(&status), "");
}

#[test]
fn options_may_follow_the_query() {
    let output = kotadb(indexed().path(), &["search", "hello", "--count"]);
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("2\n", Some(0)), "{}", stderr(&output));
}

#[test]
fn files_are_counted_where_no_text_is_asked_for() {
    assert_eq!(stdout(&kotadb(indexed().path(), &["search", "--count", "path:*.rs"])), "1\n");
}

#[test]
fn a_ref_that_is_not_indexed_is_no_empty_answer() {
    let fixture = indexed();
    for reference in ["nosuch", "HEAD~1"] {
        let output = kotadb(fixture.path(), &["search", "--ref", reference, "hello"]);
        assert_eq!(output.status.code(), Some(2), "{reference}: {}", stdout(&output));
        assert!(stderr(&output).contains("kotadb index --ref"), "{}", stderr(&output));
    }
}

#[test]
fn a_commit_is_found_by_any_of_its_names() {
    let fixture = indexed();
    let all = stdout(&kotadb(fixture.path(), &["search", "--json", "hello"]));
    let summary: Value = serde_json::from_str(all.lines().last().expect("a summary")).expect("JSON");
    let commit = summary["commit"].as_str().expect("one commit");
    for reference in ["HEAD", commit, &commit[..10]] {
        let output = kotadb(fixture.path(), &["search", "--count", "--ref", reference, "hello"]);
        assert_eq!(stdout(&output), "2\n", "{reference}: {}", stderr(&output));
    }
}

#[test]
fn an_index_that_never_came_to_be_is_none() {
    let fixture = Fixture::new(&[("a.txt", "a\n")]);
    std::fs::create_dir(fixture.path().join(".git/kotadb")).expect("a folder");
    let output = kotadb(fixture.path(), &["search", "a"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("kotadb index"), "{}", stderr(&output));
}

#[test]
fn each_working_tree_is_asked_about_what_it_has_checked_out() {
    let fixture = indexed();
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("other");
    let other = other.to_str().expect("UTF-8");
    fixture.git(&["worktree", "add", "--quiet", "-b", "side", other]);
    fixture.git(&["-C", other, "rm", "--quiet", "docs/guide.md"]);
    fixture.git(&["-C", other, "-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "-qm", "less"]);
    let count = |path: &std::path::Path| stdout(&kotadb(path, &["search", "--count", "hello"]));
    assert!(kotadb(other.as_ref(), &["index"]).status.success());
    assert_eq!((count(other.as_ref()).as_str(), count(fixture.path()).as_str()), ("1\n", "2\n"));
}

#[test]
fn a_repository_without_a_commit_has_nothing_to_find() {
    let folder = tempfile::tempdir().expect("a folder");
    let git = std::process::Command::new("git").args(["init", "-q"]).current_dir(folder.path()).status();
    assert!(git.expect("git runs").success());
    assert!(kotadb(folder.path(), &["index"]).status.success());
    let output = kotadb(folder.path(), &["search", "a"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn a_damaged_index_says_how_to_make_it_anew() {
    let fixture = indexed();
    let objects = fixture.path().join(".git/kotadb/t").join(uuid_folder(&fixture));
    std::fs::remove_dir_all(objects.join("seg")).expect("removed");
    for command in [&["search", "hello"][..], &["index"]] {
        let output = kotadb(fixture.path(), command);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(": delete `"), "{command:?}: {}", stderr(&output));
    }
}

/// Folder of the only tenant.
fn uuid_folder(fixture: &Fixture) -> std::ffi::OsString {
    let mut tenants = std::fs::read_dir(fixture.path().join(".git/kotadb/t")).expect("a folder");
    tenants.next().expect("one tenant").expect("read").file_name()
}
