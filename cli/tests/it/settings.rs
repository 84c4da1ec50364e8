//! Settings: the nearest wins, `kotadb config` says which, and what comes with a repository may not do everything.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::{Fixture, command, kotadb, stderr, stdout};

/// A folder of settings with this file.
fn user(text: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("kotadb")).unwrap();
    std::fs::write(home.path().join("kotadb/config.toml"), text).unwrap();
    home
}

fn run(folder: &Path, home: &Path, variables: &[(&str, &str)], args: &[&str]) -> Output {
    command(folder, args).env("XDG_CONFIG_HOME", home).envs(variables.iter().copied()).output().unwrap()
}

/// Value and origin of a setting.
fn setting(output: &Output, name: &str) -> (Value, String) {
    let lines = stdout(output);
    let mut all = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut found =
        all.find(|line| line["name"] == name).unwrap_or_else(|| panic!("{name}: {lines}{}", stderr(output)));
    (found["value"].take(), found["from"].as_str().unwrap().to_owned())
}

#[test]
fn the_nearest_wins() {
    let fixture = Fixture::new(&[(".kotadb.toml", "color = \"never\"\n"), ("src/a.rs", "fn a() {}\n")]);
    let home = user("color = \"always\"\nrefresh = false\nserver = \"https://code.example\"\n");
    let below = fixture.path().join("src");
    let color = |variables: &[(&str, &str)], args: &[&str]| {
        let output = run(&below, home.path(), variables, &[&["config", "--json"], args].concat());
        setting(&output, "color")
    };
    let variable = [("KOTADB_COLOR", "auto")];
    let said = |value: &str, from: &str| (Value::from(value), from.to_owned());
    assert_eq!(color(&variable, &["--color", "always"]), said("always", "flag"));
    assert_eq!(color(&variable, &["--kotadb-color", "never"]), said("never", "flag"));
    assert_eq!(color(&variable, &[]), said("auto", "variable"));
    assert_eq!(color(&[], &[]), said("never", "project"), "from a folder below the root, too");
    assert_eq!(color(&[], &["--no-project-file"]), said("always", "user"));
    let nowhere = tempfile::tempdir().unwrap();
    let output = run(nowhere.path(), nowhere.path(), &[("PAGER", "more")], &["config", "--json"]);
    assert_eq!(setting(&output, "color"), said("auto", "default"));
    assert_eq!(setting(&output, "pager"), said("more", "variable"));
    assert_eq!(setting(&output, "server"), (Value::Null, "default".to_owned()));
    let output = run(nowhere.path(), home.path(), &[], &["config"]);
    let text = stdout(&output);
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(
        line("server").contains("https://code.example") && line("server").ends_with("kotadb/config.toml"),
        "{text}"
    );
    assert!(line("refresh").contains("false") && line("pager").contains("less -FRX"), "{text}");
}

#[test]
fn what_is_no_setting_is_an_error_with_what_was_meant() {
    let fixture = Fixture::new(&[("a.txt", "hello\n")]);
    let home = user("colour = \"never\"\n");
    let output = run(fixture.path(), home.path(), &[], &["search", "hello"]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("config.toml") && told.contains("did you mean `color`?"), "{told}");
    let output = run(fixture.path(), Path::new("/nonexistent"), &[("KOTADB_REFRESH", "perhaps")], &["config"]);
    assert!(stderr(&output).contains("`KOTADB_REFRESH` is `perhaps`: give `true` or `false`"), "{}", stderr(&output));
}

/// Whoever clones a repository has not read its settings.
#[test]
fn a_repository_chooses_no_server_no_program_and_no_key() {
    let trap = tempfile::tempdir().unwrap();
    let mark = trap.path().join("mark");
    let hello: String = (0..100).map(|n| format!("hello {n}\n")).collect();
    for setting in [
        "server = \"http://127.0.0.1:1\"".to_owned(),
        format!("pager = \"touch {}\"", mark.display()),
        "auto_index = true".to_owned(),
        "key = \"kdb_live_0\"".to_owned(),
    ] {
        let fixture = Fixture::new(&[(".kotadb.toml", &setting), ("a.txt", &hello)]);
        assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
        let output = kotadb(fixture.path(), &["search", "hello"]);
        assert_eq!(output.status.code(), Some(2), "{setting}");
        let told = stderr(&output);
        assert!(told.contains(".kotadb.toml") && told.contains(setting.split(' ').next().unwrap()), "{told}");
        let output = kotadb(fixture.path(), &["search", "hello", "--no-project-file"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        // What asks a service reads no file of a repository at all.
        let output = kotadb(fixture.path(), &["repos", "list"]);
        assert!(stderr(&output).contains("no service is named"), "{}", stderr(&output));
    }
    assert!(!mark.exists());
}

#[test]
fn what_is_left_out_is_told_where_a_repository_says_so() {
    let files = [("vendor2/a.rs", "fn hidden() {}\n"), ("src/b.rs", "fn hidden() {}\n")];
    let fixture = Fixture::new(&files);
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    let home = user("exclude = [\"vendor2/**\"]\n");
    for query in [&["search", "hidden"][..], &["symbols", "hidden"]] {
        let output = run(fixture.path(), home.path(), &[], query);
        assert!(!stdout(&output).contains("vendor2") && stdout(&output).contains("src/b.rs"), "{}", stdout(&output));
        assert!(!stderr(&output).contains("--no-exclude"), "his own file: {}", stderr(&output));
        let all = run(fixture.path(), home.path(), &[], &[query, &["--no-exclude"]].concat());
        assert!(stdout(&all).contains("vendor2"), "{query:?}: {}{}", stdout(&all), stderr(&all));
    }
    fixture.write(".kotadb.toml", "exclude = [\"vendor2/**\"]\n");
    for query in [&["search", "hidden"][..], &["search", "hidden", "OR", "absent"], &["symbols", "hidden"]] {
        let output = kotadb(fixture.path(), query);
        assert!(!stdout(&output).contains("vendor2"), "{query:?}: {}", stdout(&output));
        assert!(stderr(&output).contains("leaves out vendor2/**: `--no-exclude`"), "{query:?}: {}", stderr(&output));
    }
    let json = stdout(&kotadb(fixture.path(), &["search", "--json", "hidden"]));
    assert!(json.contains("leaves out vendor2/**"), "{json}");
}
