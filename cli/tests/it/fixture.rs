//! A small repository in a folder of its own, and the program under test.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A git repository with one commit of the given files.
pub struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// Commits `files` on branch `main`.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let fixture = Self { folder: tempfile::tempdir().expect("a folder") };
        fixture.git(&["init", "--quiet", "--initial-branch=main"]);
        fixture.commit(files);
        fixture
    }

    /// Writes and commits more files.
    pub fn commit(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            self.write(path, text);
        }
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "--quiet", "-m", "files"]);
    }

    /// Writes a file without committing it.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }

    /// Top of the working tree.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git there.
    pub fn git(&self, args: &[&str]) {
        let output = Command::new("git").args(args).current_dir(self.path()).output().expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// `kotadb ARGS` in a folder.
pub fn kotadb(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().expect("kotadb runs")
}

/// The same, not yet run: with the settings of nobody.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kotadb"));
    command.args(args).current_dir(folder).stdin(Stdio::null()).env("XDG_CONFIG_HOME", "/nonexistent/settings");
    ["PAGER", "KOTADB_API_KEY", "KOTADB_SERVER", "NO_COLOR"].iter().for_each(|name| _ = command.env_remove(name));
    command
}

/// `kotadb ARGS` at a terminal of 24 lines of 80 characters, where somebody types `typed`; what is seen there.
pub fn at_terminal(folder: &Path, variables: &[(&str, &str)], args: &str, typed: &str) -> (Option<i32>, String) {
    let line = format!("stty rows 24 cols 80; exec {} {args}", env!("CARGO_BIN_EXE_kotadb"));
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(folder);
    terminal
        .env("XDG_CONFIG_HOME", "/nonexistent/settings")
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .env_remove("PAGER");
    let mut child = terminal
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` of util-linux runs");
    let mut keyboard = child.stdin.take().expect("piped");
    keyboard.write_all(typed.as_bytes()).expect("typed");
    // As long as it is open nobody has hung up.
    let output = child.wait_with_output().expect("ended");
    drop(keyboard);
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
