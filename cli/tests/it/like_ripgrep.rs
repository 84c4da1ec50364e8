//! ripgrep's flags, colours, completions and manual pages.

use crate::fixture::{Fixture, kotadb, stderr, stdout};

fn indexed() -> Fixture {
    let files = [
        ("src/a.rs", "fn read() {}\nfn read_all() { read(); read() }\n"),
        ("src/b.py", "Read = 1\n# a.b (c)\n"),
        ("docs/c.md", "read me\n"),
    ];
    let fixture = Fixture::new(&files);
    assert!(kotadb(fixture.path(), &["index"]).status.success());
    fixture
}

fn found(fixture: &Fixture, args: &[&str]) -> Vec<String> {
    let output = kotadb(fixture.path(), &[&["search"], args].concat());
    assert!(output.status.code() != Some(2), "{args:?}: {}", stderr(&output));
    let mut lines: Vec<_> =
        stdout(&output).lines().map(|line| line.split(':').take(2).collect::<Vec<_>>().join(":")).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn flags_mean_what_they_mean_in_ripgrep() {
    let fixture = indexed();
    let all = ["docs/c.md:1", "src/a.rs:1", "src/a.rs:2", "src/b.py:1"];
    assert_eq!(found(&fixture, &["-i", "READ"]), all);
    assert_eq!(found(&fixture, &["-s", "Read"]), ["src/b.py:1"]);
    assert_eq!(found(&fixture, &["read", "-w", "-t", "rust"]), ["src/a.rs:1", "src/a.rs:2"]);
    assert_eq!(found(&fixture, &["-w", "read_al"]), [""; 0]);
    assert_eq!(found(&fixture, &["-F", "a.b (c)"]), ["src/b.py:2"]);
    assert_eq!(found(&fixture, &["-e", "read\\(\\)", "-e", "^# "]), ["src/a.rs:1", "src/a.rs:2", "src/b.py:2"]);
    assert_eq!(found(&fixture, &["-i", "read", "-g", "*.md"]), ["docs/c.md:1"]);
    assert_eq!(found(&fixture, &["read", "-g", "!src/**"]), ["docs/c.md:1"]);
    let vimgrep = stdout(&kotadb(fixture.path(), &["search", "--vimgrep", "read", "path:a.rs"]));
    let columns: Vec<_> =
        vimgrep.lines().map(|line| line.splitn(4, ':').take(3).collect::<Vec<_>>().join(":")).collect();
    assert_eq!(columns, ["src/a.rs:1:4", "src/a.rs:2:4", "src/a.rs:2:17", "src/a.rs:2:25"]);
}

#[test]
fn colours_come_when_asked_for() {
    let fixture = indexed();
    let with = |when: &str| stdout(&kotadb(fixture.path(), &["search", "--color", when, "read", "path:c.md"]));
    assert!(with("always").contains("\x1b[35mdocs/c.md"), "{:?}", with("always"));
    assert!(!with("never").contains('\x1b') && !with("auto").contains('\x1b'));
}

#[test]
fn the_command_describes_itself() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, word) in
        [("bash", "complete"), ("zsh", "#compdef kotadb"), ("fish", "complete -c kotadb"), ("powershell", "kotadb")]
    {
        let text = stdout(&kotadb(folder.path(), &["completions", shell]));
        assert!(text.contains(word) && text.contains("search"), "{shell}");
    }
    assert!(kotadb(folder.path(), &["man", "pages"]).status.success());
    let page = std::fs::read_to_string(folder.path().join("pages/kotadb-search.1")).unwrap();
    assert!(page.contains("word\\-regexp") && page.contains("Examples"), "{page}");
    assert!(stdout(&kotadb(folder.path(), &["man"])).contains(".TH kotadb 1"));
    let near = stderr(&kotadb(folder.path(), &["serach", "x"]));
    assert!(near.contains("search"), "{near}");
}
