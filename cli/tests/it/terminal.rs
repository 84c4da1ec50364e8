//! What a terminal gets: nothing that a file holds is obeyed, long answers go through a pager, and questions are asked there alone.

use std::path::Path;

use crate::fixture::{Fixture, at_terminal, command, kotadb, stderr, stdout};

/// A title, a colour, what clears the screen, and the 8-bit form of the same.
const HOSTILE: &str = "\x1b]0;owned\x07\x1b[31m\x1b[2J\u{9b}2J";

/// Paths, lines, names of symbols and of refs that all try to steer a terminal.
fn hostile() -> Fixture {
    let path = format!("src/a{HOSTILE}.py");
    let text = format!(
        "# findme {HOSTILE}\ndef findme():\n    return 1  # {HOSTILE}\n\n\ndef caller():\n    return findme()  # {HOSTILE}\n"
    );
    let fixture = Fixture::new(&[(&path, &text), ("src/plain.py", "import a\n")]);
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    fixture.write(&format!("src/b{HOSTILE}.bin"), "\0");
    fixture
}

fn has_controls(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
}

#[test]
fn no_command_hands_on_what_would_steer_a_terminal() {
    let fixture = hostile();
    let path = format!("src/a{HOSTILE}.py");
    let ours: Vec<Vec<&str>> = vec![
        vec!["index"],
        vec!["search", "findme"],
        vec!["search", "findme", "-C", "2"],
        vec!["search", "findme", "--vimgrep"],
        vec!["search", "findme", "--explain", "--facets", "--left-out"],
        vec!["search", "-l", "findme"],
        vec!["def", "findme"],
        vec!["callers", "findme"],
        vec!["callees", "caller"],
        vec!["usages", "findme"],
        vec!["impl", "findme"],
        vec!["impact", "findme"],
        vec!["deps", &path],
        vec!["outline", &path],
        vec!["map"],
        vec!["symbols", "findme"],
        vec!["config"],
        vec!["scip", "import", &path],
        vec!["login", HOSTILE],
        vec!["logout", HOSTILE],
        vec!["repos", "show", HOSTILE, "--server", HOSTILE],
        vec!["jobs", "list", "--server", HOSTILE],
        vec!["keys", "list", "--server", HOSTILE],
        vec!["doctor", "--server", HOSTILE],
        vec!["queue", "list", "--tenant", HOSTILE],
    ];
    for words in &ours {
        for more in [&[][..], &["--json"]] {
            let output = kotadb(fixture.path(), &[words, more].concat());
            let (out, error) = (stdout(&output), stderr(&output));
            assert!(!has_controls(&out) && !has_controls(&error), "{words:?} {more:?}: {out:?} {error:?}");
            assert!(out.contains('\n') || error.contains('\n'), "{words:?} says something");
        }
    }
    let told = stdout(&kotadb(fixture.path(), &["search", "findme", "--color", "always"]));
    assert!(
        !told.replace("\x1b[35m", "").contains("\x1b[2J") && told.contains("\x1b[35m"),
        "our colours alone: {told:?}"
    );
    // What is not asked above asks no repository and no service for texts of others.
    let others = ["mcp", "completions", "man", "up", "help"];
    let help = stdout(&kotadb(fixture.path(), &["--help"]));
    let commands = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    for name in commands.lines().filter_map(|line| line.split_whitespace().next()) {
        let is_asked = ours.iter().any(|words| words[0] == name);
        assert!(is_asked || others.contains(&name), "`{name}` is to be asked here, too");
    }
}

#[test]
fn lines_of_windows_end_without_a_sign() {
    let fixture = Fixture::new(&[("a.txt", "before\r\nhello\r\n")]);
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    for color in ["never", "always"] {
        let told = stdout(&kotadb(fixture.path(), &["search", "hello", "-B1", "--color", color]));
        assert!(!told.contains(['\r', char::REPLACEMENT_CHARACTER]), "{told:?}");
    }
}

/// A pager that shows that it was one.
fn pager(folder: &Path) -> String {
    let path = folder.join("pager.sh");
    std::fs::write(&path, "echo PAGED; head -3; exit 0\n").unwrap();
    format!("sh {}", path.display())
}

#[test]
fn long_answers_are_paged_at_a_terminal_and_short_ones_are_not() {
    let lines: String = (0..400).map(|n| format!("hello {n}\n")).collect();
    let fixture = Fixture::new(&[("many.txt", &lines), ("few.txt", "lonely\n")]);
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    let folder = tempfile::tempdir().unwrap();
    let pager = pager(folder.path());
    let with = |args: &str| at_terminal(fixture.path(), &[("KOTADB_PAGER", &pager)], args, "");
    // It reads three lines of 400 and ends: so does the command, quietly.
    let (code, seen) = with("search hello --limit 0");
    assert!(code == Some(0) && seen.contains("PAGED") && !seen.contains("hello 399"), "{code:?} {seen}");
    assert!(!seen.contains("roken pipe"), "{seen}");
    let (code, seen) = with("search lonely");
    assert!(code == Some(0) && !seen.contains("PAGED") && seen.contains("few.txt"), "{code:?} {seen}");
    for without in ["search hello --limit 0 --no-pager", "search hello --limit 0 --json"] {
        let (code, seen) = with(without);
        assert!(code == Some(0) && !seen.contains("PAGED") && seen.contains("hello 399"), "{without}: {code:?} {seen}");
    }
    let piped =
        command(fixture.path(), &["search", "hello", "--limit", "0"]).env("KOTADB_PAGER", &pager).output().unwrap();
    assert!(!stdout(&piped).contains("PAGED") && stdout(&piped).lines().count() == 400);
    let (_, seen) = at_terminal(fixture.path(), &[("KOTADB_PAGER", "no-such-program")], "search hello --limit 0", "");
    assert!(seen.contains("no-such-program") && seen.contains("hello 399"), "without it all is shown: {seen}");
}

#[test]
fn a_terminal_is_asked_whether_to_make_an_index() {
    let fixture = Fixture::new(&[("a.txt", "hello\n")]);
    let (code, seen) = at_terminal(fixture.path(), &[], "search hello", "n\n");
    assert!(code == Some(2) && seen.contains("has no index yet. Make one now? [y/N]"), "{code:?} {seen}");
    assert!(!fixture.path().join(".git/kotadb").exists());
    let (code, seen) = at_terminal(fixture.path(), &[], "search hello --color never", "y\n");
    assert!(code == Some(0) && seen.contains("a.txt:1:1:hello"), "{code:?} {seen}");
}
