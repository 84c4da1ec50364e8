//! A small repository in a folder of its own, and the program under test.

use std::path::Path;
use std::process::{Command, Output};

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
    Command::new(env!("CARGO_BIN_EXE_kotadb")).args(args).current_dir(folder).output().expect("kotadb runs")
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
