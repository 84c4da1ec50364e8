//! An index that is missing or lies behind: what is quick is done by the way, for the rest the command is named.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::fixture::{Fixture, kotadb, stderr, stdout};

const CODE: &str = "def old():\n    return 1\n\n\ndef user():\n    return old()\n";

fn indexed() -> Fixture {
    let fixture = Fixture::new(&[("a.py", CODE)]);
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    fixture
}

/// By how many commits the index is behind.
fn behind(fixture: &Fixture) -> u64 {
    let text = stdout(&kotadb(fixture.path(), &["search", "--json", "--no-refresh", "def"]));
    serde_json::from_str::<Value>(text.lines().last().expect("a summary")).expect("JSON")["behind"]
        .as_u64()
        .expect("a number")
}

#[test]
fn every_question_brings_a_small_index_up_to_date() {
    let questions: [&[&str]; 6] =
        [&["search", "old"], &["symbols", "old"], &["def", "old"], &["callers", "old"], &["impact", "old"], &["map"]];
    let fixture = indexed();
    for (nth, question) in questions.into_iter().enumerate() {
        fixture.commit(&[(&format!("b{nth}.py"), "from a import old\n"), (&format!("c{nth}.py"), "x = 1\n")]);
        let without = kotadb(fixture.path(), &[question, &["--no-refresh"]].concat());
        let wanted = "the index is 1 commit behind, 2 files differ: `kotadb index` brings it up to date";
        assert!(stderr(&without).contains(wanted), "{question:?}: {}", stderr(&without));
        assert_eq!(behind(&fixture), 1);
        // However busy this machine was a moment ago.
        let _none_yet = std::fs::remove_file(fixture.path().join(".git/kotadb/pace"));
        let output = kotadb(fixture.path(), question);
        assert!(output.status.success(), "{question:?}: {}", stderr(&output));
        let told = stderr(&output);
        assert!(told.contains("brought the index up to date: 1 commit, 2 files ("), "{question:?}: {told}");
        assert_eq!(behind(&fixture), 0, "{question:?}");
        assert!(!stderr(&kotadb(fixture.path(), question)).contains("up to date"), "once");
    }
}

#[test]
fn what_takes_longer_is_left_to_the_user() {
    let fixture = indexed();
    let large = "word ".repeat(700_000);
    fixture.commit(&[("large1.txt", &large), ("large2.txt", &large)]);
    let output = kotadb(fixture.path(), &["search", "old"]);
    assert!(stderr(&output).contains("1 commit behind, 2 files differ: `kotadb index`"), "{}", stderr(&output));
    assert_eq!(behind(&fixture), 1);
}

#[test]
fn a_machine_that_was_slow_keeps_nobody_waiting_again() {
    let fixture = indexed();
    std::fs::write(fixture.path().join(".git/kotadb/pace"), "5000\n").unwrap();
    fixture.commit(&[("b.py", "x = 1\n")]);
    let output = kotadb(fixture.path(), &["search", "old"]);
    assert!(stderr(&output).contains("1 commit behind, 1 file differs"), "{}", stderr(&output));
    std::fs::remove_file(fixture.path().join(".git/kotadb/pace")).unwrap();
    assert!(stderr(&kotadb(fixture.path(), &["search", "old"])).contains("brought the index up to date"));
    let kept = std::fs::read_to_string(fixture.path().join(".git/kotadb/pace")).unwrap();
    assert!(kept.trim().parse::<f64>().unwrap() > 0.0, "{kept}");
}

#[test]
fn settings_and_folders_that_cannot_be_written_keep_the_index_as_it_is() {
    let fixture = indexed();
    fixture.commit(&[(".kotadb.toml", "refresh = false\n")]);
    let output = kotadb(fixture.path(), &["search", "old"]);
    assert!(stderr(&output).contains("1 commit behind"), "{}", stderr(&output));
    fixture.commit(&[(".kotadb.toml", "refresh = true\n")]);
    let folder = fixture.path().join(".git/kotadb");
    // Whoever is root may write anywhere, so that a file stands where scratch belongs.
    std::fs::remove_dir_all(folder.join("scratch")).unwrap();
    std::fs::write(folder.join("scratch"), "").unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    let output = kotadb(fixture.path(), &["search", "old"]);
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(output.status.success() && stdout(&output).contains("a.py"), "answered all the same: {}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("the index was not brought up to date") && told.contains("2 commits behind"), "{told}");
}

#[test]
fn an_index_is_made_where_somebody_wants_one() {
    for question in [&["search", "old"][..], &["symbols", "old"], &["callers", "old"], &["outline", "a.py"]] {
        let fixture = Fixture::new(&[("a.py", CODE)]);
        let output = kotadb(fixture.path(), question);
        assert_eq!(output.status.code(), Some(2), "{question:?}");
        assert!(stderr(&output).contains("run `kotadb index`, or ask again with `--index`"), "{}", stderr(&output));
        assert!(!fixture.path().join(".git/kotadb").exists(), "nothing is made unasked");
        let output = kotadb(fixture.path(), &[question, &["--index"]].concat());
        assert!(output.status.success(), "{question:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("indexed 1 files"), "{}", stderr(&output));
    }
    let fixture = Fixture::new(&[("a.py", CODE)]);
    let mut command = crate::fixture::command(fixture.path(), &["search", "old"]);
    let output = command.env("KOTADB_AUTO_INDEX", "true").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_slip_is_answered_with_what_was_meant() {
    let fixture =
        Fixture::new(&[("a.py", "def acquire_all():\n    return 1\n\n\ndef user():\n    return acquire_all()\n")]);
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    for command in ["def", "callers", "callees", "usages", "impl", "symbols"] {
        let output = kotadb(fixture.path(), &[command, "acquire_al1"]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(stderr(&output).contains("did you mean `acquire_all`?"), "{command}: {}", stderr(&output));
    }
}
