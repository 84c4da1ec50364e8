//! The repository that is pushed to: files that look like source, in folders, each push changes twenty of them and brings a
//! word that was nowhere before.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use tempfile::TempDir;

/// Files of a folder.
const FOLDER: u32 = 25;
/// Lines of a file.
const LINES: u32 = 110;
/// Files that a push changes.
const CHANGED: u32 = 20;

/// A working tree whose commits are served as they are made.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
    files: u32,
    pushes: u32,
}

impl Repository {
    /// With its first commit.
    pub fn new(files: u32) -> anyhow::Result<Self> {
        let repository = Self { folder: tempfile::tempdir()?, files, pushes: 0 };
        repository.git(&["init", "--quiet", "--initial-branch=main"])?;
        for nth in 0..files {
            repository.write(nth)?;
        }
        repository.commit()?;
        repository.git(&["gc", "--quiet"])?;
        Ok(repository)
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The word that the newest commit brought.
    pub fn word(&self) -> String {
        format!("pushedword{}x", self.pushes)
    }

    /// Commits the next change; the word that it brings.
    pub fn push(&mut self) -> anyhow::Result<String> {
        self.pushes += 1;
        for nth in 0..CHANGED.min(self.files) {
            self.write((self.pushes * 977 + nth * 211) % self.files)?;
        }
        self.commit()?;
        Ok(self.word())
    }

    fn write(&self, nth: u32) -> anyhow::Result<()> {
        let folder = self.path().join(format!("src/module_{}", nth / FOLDER));
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join(format!("file_{nth}.rs")), self.text(nth))?)
    }

    /// About 5 KB, no two files alike.
    fn text(&self, nth: u32) -> String {
        let mut text = format!("//! File {nth}: {}.\n\n", self.word());
        for line in 0..LINES {
            let mixed = (nth * LINES + line).wrapping_mul(2_654_435_761);
            text += &format!("pub fn step_{:x}(value: u64) -> u64 {{ value + {} }}\n", mixed, mixed % 1009);
        }
        text
    }

    fn commit(&self) -> anyhow::Result<()> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "-m", "next"])
    }

    fn git(&self, args: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("git");
        command.current_dir(self.path()).args(args);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "bench").env(format!("GIT_{role}_EMAIL"), "bench@example.invalid");
        }
        let done = command.output().context("cannot start `git`")?;
        anyhow::ensure!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }
}
