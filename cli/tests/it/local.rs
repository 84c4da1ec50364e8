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
    let told = stderr(&output);
    assert!(told.contains("has no index yet: run `kotadb index`, or ask again with `--index`"), "{told}");
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

fn summary(output: &std::process::Output) -> Value {
    serde_json::from_str(stdout(output).lines().last().expect("a summary")).expect("JSON")
}

#[test]
fn the_summary_says_how_the_working_tree_is() {
    let fixture = indexed();
    let search = |args: &[&str]| summary(&kotadb(fixture.path(), &[&["search", "--json", "hello"], args].concat()));
    let clean = search(&[]);
    assert_eq!((&clean["tree"], &clean["behind"]), (&"clean".into(), &0.into()));
    fixture.write("src/main.rs", "fn main() {}\n");
    fixture.write("new.txt", "hello\n");
    assert_eq!(search(&[])["tree"], "dirty(2)");
    assert!(search(&["--ref", "HEAD"]).get("tree").is_none(), "a commit is what it is");
    fixture.commit(&[("more.txt", "more\n")]);
    let behind = search(&["--no-refresh"]);
    assert_eq!((&behind["tree"], &behind["behind"]), (&"clean".into(), &1.into()));
    let wanted = "the index is 1 commit behind, 3 files differ: `kotadb index` brings it up to date";
    assert_eq!(behind["notes"][0], wanted);
    let output = kotadb(fixture.path(), &["search", "--no-refresh", "hello"]);
    assert!(stderr(&output).contains(wanted), "{}", stderr(&output));
}

#[test]
fn the_summary_says_what_an_answer_lacks() {
    let fixture = Fixture::new(&[("a.txt", "hello\n"), ("vendor/b.txt", "hello\n"), ("c.txt", "hello\n")]);
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    let search = |args: &[&str]| summary(&kotadb(fixture.path(), &[&["search", "--json", "hello"], args].concat()));
    let all = search(&[]);
    assert_eq!((&all["complete"], &all["reason"]), (&true.into(), &Value::Null));
    assert_eq!(all["hidden"], serde_json::json!({ "generated": 0, "vendored": 1, "exact": false }));
    assert_eq!(all["notes"], serde_json::json!(["up to 1 hidden in vendored files: `vendored:yes` shows them"]));
    let cut = search(&["--limit", "1"]);
    assert_eq!((&cut["complete"], &cut["reason"]), (&false.into(), &"limit".into()));
    let counted = search(&["--facets", "--limit", "1"]);
    assert_eq!(counted["hidden"]["exact"], true);
}

#[test]
fn changed_paths_that_cannot_be_searched_are_listed() {
    let fixture = indexed();
    fixture.write("new.bin", "a\0b hello");
    fixture.write("other.bin", "\0");
    let output = kotadb(fixture.path(), &["search", "hello"]);
    assert!(
        stderr(&output).contains("2 changed paths cannot be searched (2 binary): `--left-out`"),
        "{}",
        stderr(&output)
    );
    assert!(!stderr(&output).contains("new.bin"));
    let output = kotadb(fixture.path(), &["search", "hello", "--left-out"]);
    assert!(
        stderr(&output).contains("left out: new.bin (binary)\nleft out: other.bin (binary)"),
        "{}",
        stderr(&output)
    );
    let summary = summary(&kotadb(fixture.path(), &["search", "--json", "hello"]));
    let binary = |path: &str| serde_json::json!({ "path": path, "reason": "binary" });
    assert_eq!(summary["left_out"], serde_json::json!([binary("new.bin"), binary("other.bin")]));
    assert!(summary["notes"][0].as_str().expect("a note").starts_with("2 changed paths"), "{summary}");
}

#[test]
fn a_ref_does_not_count_as_a_part_of_the_query() {
    let query = format!("\"hello\" {}", "-absent ".repeat(126));
    assert!(query.len() > 1000);
    let output = kotadb(indexed().path(), &["search", "--count", "--ref", "HEAD", &query]);
    assert_eq!(stdout(&output), "2\n", "{}", stderr(&output));
}

#[test]
fn paths_alone_are_printed_on_demand() {
    let fixture = indexed();
    let output = kotadb(fixture.path(), &["search", "-l", "hello"]);
    assert_eq!(stdout(&output), "src/main.rs\ndocs/guide.md\n", "{}", stderr(&output));
    assert_eq!(stdout(&kotadb(fixture.path(), &["search", "--files", "--count", "hello"])), "2\n");
    let output = kotadb(fixture.path(), &["search", "-l", "--limit", "1", "hello"]);
    assert_eq!(stdout(&output), "src/main.rs\n");
    assert!(stderr(&output).contains("stopped at 1 files"), "{}", stderr(&output));
}

#[test]
fn lines_around_are_printed_once() {
    let text = (1..=12).map(|n| format!("line {n}{}\n", if [3, 5, 11].contains(&n) { " found" } else { "" }));
    let fixture = Fixture::new(&[("a.txt", &text.collect::<String>()), ("b.txt", "found\nlast\n")]);
    assert!(kotadb(fixture.path(), &["index"]).status.success());
    let output = kotadb(fixture.path(), &["search", "-B", "1", "--after=2", "found"]);
    let expected = [
        "a.txt-2-line 2",
        "a.txt:3:8:line 3 found",
        "a.txt-4-line 4",
        "a.txt:5:8:line 5 found",
        "a.txt-6-line 6",
        "a.txt-7-line 7",
        "--",
        "a.txt-10-line 10",
        "a.txt:11:9:line 11 found",
        "a.txt-12-line 12",
        "--",
        "b.txt:1:1:found",
        "b.txt-2-last",
    ];
    assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), expected, "{}", stderr(&output));
    let changed = (1..=12).map(|n| format!("line {n}{}\n", if n == 6 { " found" } else { "" }));
    fixture.write("a.txt", &changed.collect::<String>());
    for around in [&["-C", "1"][..], &["-C1"], &["-A1", "-B1"]] {
        let output = kotadb(fixture.path(), &[&["search", "path:a.txt", "found"], around].concat());
        assert_eq!(stdout(&output), "a.txt-5-line 5\na.txt:6:8:line 6 found\na.txt-7-line 7\n", "{}", stderr(&output));
    }
}

#[test]
fn what_is_hidden_is_told_and_ranks_are_explained() {
    let fixture = Fixture::new(&[("src/a.rs", "fn hello() {}\n"), ("vendor/b.rs", "fn hello() {}\n")]);
    assert!(kotadb(fixture.path(), &["index"]).status.success());
    let output = kotadb(fixture.path(), &["search", "hello"]);
    assert_eq!(stdout(&output), "src/a.rs:1:4:fn hello() {}\n");
    assert!(stderr(&output).contains("1 hidden in vendored files"), "{}", stderr(&output));
    let output = kotadb(fixture.path(), &["search", "--explain", "hello", "vendored:yes"]);
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 4, "{text}{}", stderr(&output));
    assert!(text.starts_with("src/a.rs: "), "{text}");
    let json = stdout(&kotadb(fixture.path(), &["search", "--explain", "--json", "hello"]));
    assert!(json.contains("\"score_parts\":{"), "{json}");
}

#[test]
fn all_refs_are_searched_on_demand() {
    let fixture = indexed();
    fixture.git(&["branch", "old"]);
    assert!(kotadb(fixture.path(), &["index", "--ref", "old"]).status.success());
    fixture.commit(&[("new.txt", "hello\n")]);
    assert!(kotadb(fixture.path(), &["index"]).status.success());
    let count =
        |args: &[&str]| stdout(&kotadb(fixture.path(), &[&["search", "--files", "--count", "hello"], args].concat()));
    assert_eq!((count(&[]).as_str(), count(&["--ref", "old"]).as_str()), ("3\n", "2\n"));
    let all = stdout(&kotadb(fixture.path(), &["search", "-l", "--all-refs", "hello"]));
    assert!(all.contains("new.txt"), "{all}");
    assert!(count(&["--ref", "o*"]) == "2\n" && count(&["--all-refs"]) != "2\n");
}

#[test]
fn a_reader_that_has_enough_ends_the_search_quietly() {
    let fixture = Fixture::new(&[("long.txt", &"a line that is found\n".repeat(50_000))]);
    assert!(kotadb(fixture.path(), &["index"]).status.success());
    for option in ["--json", "--"] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_kotadb"))
            .args(["search", "--limit=0", "found", option])
            .current_dir(fixture.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("kotadb runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ended");
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{option}");
    }
}

#[test]
fn an_index_that_cannot_be_written_says_where_it_belongs() {
    let fixture = Fixture::new(&[("a.txt", "a\n")]);
    fixture.write(".git/kotadb", "no folder");
    let output = kotadb(fixture.path(), &["index"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("where the index belongs"), "{}", stderr(&output));
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
    let summary = summary(&kotadb(fixture.path(), &["search", "--json", "hello"]));
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
fn before_the_first_commit_the_files_are_searched() {
    let folder = tempfile::tempdir().expect("a folder");
    let git = std::process::Command::new("git").args(["init", "-q"]).current_dir(folder.path()).status();
    assert!(git.expect("git runs").success());
    assert!(kotadb(folder.path(), &["index"]).status.success());
    let output = kotadb(folder.path(), &["search", "hello"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""), "{}", stderr(&output));
    let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).expect("written");
    write("new.rs", "// hello\n");
    write("hidden.log", "hello\n");
    write(".gitignore", "*.log\n");
    let output = kotadb(folder.path(), &["search", "hello"]);
    assert_eq!(
        (output.status.code(), stdout(&output).as_str()),
        (Some(0), "new.rs:1:4:// hello\n"),
        "{}",
        stderr(&output)
    );
    let summary = summary(&kotadb(folder.path(), &["search", "--json", "hello", "lang:rust"]));
    assert_eq!(
        (&summary["matches"], &summary["tree"], &summary["commit"]),
        (&1.into(), &"dirty(2)".into(), &Value::Null)
    );
    assert_eq!(stdout(&kotadb(folder.path(), &["search", "--count", "hello"])), "1\n");
}

#[test]
fn facets_count_all_files_beside_a_short_page() {
    let fixture = indexed();
    fixture.write("more.rs", "// hello\n");
    let output = kotadb(fixture.path(), &["search", "--facets", "--limit", "1", "hello"]);
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    let name = fixture.path().file_name().expect("a name").to_str().expect("UTF-8");
    let repository = format!("repository: {name} 3");
    let expected =
        ["language: rust 2, markdown 1", "folder: . 1, docs 1, src 1", &repository, "class: source 2, docs 1"];
    assert_eq!((lines.len(), &lines[1..]), (5, &expected[..]), "{text}{}", stderr(&output));
    let all = summary(&kotadb(fixture.path(), &["search", "--json", "--facets", "--limit", "1", "hello"]));
    assert_eq!((&all["matches"], &all["files"], &all["complete"]), (&3.into(), &3.into(), &false.into()));
    assert_eq!((&all["facets"]["languages"][0]["value"], &all["facets"]["exact"]), (&"rust".into(), &true.into()));
    let counted = stdout(&kotadb(fixture.path(), &["search", "--count", "--facets", "hello"]));
    assert!(counted.starts_with("3\nlanguage: rust 2"), "{counted}");
    let plain = stdout(&kotadb(fixture.path(), &["search", "--json", "hello"]));
    assert!(!plain.contains("facets"), "{plain}");
}

#[test]
fn a_search_leaves_what_makes_the_next_one_fast() {
    let fixture = indexed();
    let cache = fixture.path().join(".git/kotadb/cache");
    let n_files = || std::fs::read_dir(&cache).map_or(0, Iterator::count);
    assert_eq!(n_files(), 1);
    std::fs::remove_dir_all(&cache).expect("removed");
    for _ in 0..2 {
        let output = kotadb(fixture.path(), &["search", "--ref", "HEAD", "--count", "hello"]);
        assert_eq!((stdout(&output).as_str(), n_files()), ("2\n", 1), "{}", stderr(&output));
    }
}

#[test]
fn a_commit_that_its_branch_has_left_is_searched_by_its_name() {
    let fixture = indexed();
    fixture.commit(&[("src/main.rs", "fn main() {}\n")]);
    assert!(kotadb(fixture.path(), &["index"]).status.success());
    for (reference, n) in [("HEAD~1", 2), ("HEAD", 1)] {
        let output = kotadb(fixture.path(), &["search", "--json", "--ref", reference, "hello"]);
        let summary = summary(&output);
        assert_eq!((&summary["matches"], &summary["files"]), (&n.into(), &n.into()), "{}", stderr(&output));
        assert!(!stdout(&output).contains("other_refs"), "{}", stdout(&output));
    }
}

#[test]
fn a_commit_that_no_ref_names_is_searched_by_itself() {
    let fixture = indexed();
    fixture.commit(&[("src/main.rs", "fn main() {}\n")]);
    assert!(kotadb(fixture.path(), &["index"]).status.success());
    assert!(kotadb(fixture.path(), &["index", "--ref", "HEAD~1"]).status.success());
    let count = |args: &[&str]| stdout(&kotadb(fixture.path(), &[&["search", "--count", "hello"], args].concat()));
    assert_eq!((count(&["--ref", "HEAD~1"]).as_str(), count(&["--ref", "HEAD"]).as_str()), ("2\n", "1\n"));
    let output = kotadb(fixture.path(), &["search", "--json", "--ref", "HEAD~1", "hello"]);
    assert!(!stdout(&output).contains("other_refs"), "{}", stdout(&output));
    assert_eq!(count(&[]), "1\n");
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
