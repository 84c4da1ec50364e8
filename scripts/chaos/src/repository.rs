//! A repository that is pushed to: every commit is a generation, and says so in each of its files, so that an answer that
//! mixes two commits shows.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use kotadb_core::id::ObjectId;
use tempfile::TempDir;

/// Files of a repository, each with one line that says its generation.
pub const FILES: usize = 12;

/// A working tree whose commits are served as they are made.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
    /// `owner/name`, unique in a stage.
    pub name: String,
    generation: u64,
}

impl Repository {
    /// With its first generation.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut repository = Self { folder, name: name.to_owned(), generation: 0 };
        repository.git(&["init", "--quiet", "--initial-branch=main"])?;
        repository.push()?;
        Ok(repository)
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The newest generation.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The word that every line of it holds.
    pub fn word(&self) -> String {
        word_of(&self.name)
    }

    /// Commits the next generation.
    pub fn push(&mut self) -> anyhow::Result<u64> {
        self.generation += 1;
        for nth in 0..FILES {
            let text = format!("fn file_{nth}() {{}} // {} generation_{}_\n", self.word(), self.generation);
            std::fs::write(self.path().join(format!("file_{nth}.rs")), text)?;
        }
        self.commit()?;
        Ok(self.generation)
    }

    /// Commits the working tree as it is.
    pub fn commit(&self) -> anyhow::Result<()> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "next"]).map(drop)
    }

    /// The commit of a revision.
    pub fn commit_of(&self, revision: &str) -> anyhow::Result<ObjectId> {
        Ok(self.git(&["rev-parse", &format!("{revision}^{{commit}}")])?.parse()?)
    }

    /// Runs git in it.
    pub fn git(&self, args: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new("git");
        command.current_dir(self.path()).args(args);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "chaos").env(format!("GIT_{role}_EMAIL"), "chaos@example.invalid");
        }
        let done = command.output().context("cannot run git")?;
        anyhow::ensure!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }
}

/// The word of a repository of that name.
pub fn word_of(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    format!("chaosline{}", letters.collect::<String>())
}

/// The generation that a line names.
pub fn generation_of(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once("generation_")?;
    rest.split('_').next()?.parse().ok()
}
