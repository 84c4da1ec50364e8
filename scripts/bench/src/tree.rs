//! What a dirty working tree costs: a search of it beside one of its commit, and beside `git status`, which it has to ask.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Args;

use crate::program::{self, Timed};
use crate::rows::{Row, Rows};

/// `tree`
#[derive(Debug, Args)]
pub struct TreeArgs {
    /// Repository with a clean working tree and a local index; one file is changed, and taken back in the end.
    #[arg(long, default_value = "target/bench/linux")]
    repo: PathBuf,
    /// The file.
    #[arg(long, default_value = "MAINTAINERS")]
    file: String,
    /// A rare literal.
    #[arg(long, default_value = "xfs_iomap_prealloc_size")]
    query: String,
}

/// Times the three in turn, so that whatever else the machine does meets all of them.
pub fn run(args: &TreeArgs, bin: &Path, rows: &mut Rows) -> anyhow::Result<()> {
    let search = |option: &[&str]| {
        let mut command = Command::new(bin.join("kotadb"));
        command.arg("search").arg("--repo").arg(&args.repo).args(option).arg(&args.query);
        command
    };
    let mut commands = [search(&[]), search(&["--ref", "HEAD"]), git(&args.repo, &["status", "--porcelain"])];
    let dirty = Dirty::make(args)?;
    let timed = program::time_in_turn(&mut commands)?;
    drop(dirty);
    let [tree, commit, status] = <[Timed; 3]>::try_from(timed).expect("one of each command");
    anyhow::ensure!(status.lines == 1, "git status shows {} files: the tree was to be clean", status.lines);
    let median = |timed: &Timed| timed.samples.quantile_ms(0.5);
    let added = median(&tree) - median(&commit);
    let name = "one dirty file";
    rows.write(
        "tree",
        &[
            Row::ours(name, "process", median(&tree), "ms"),
            Row::ours(name, "process of HEAD", median(&commit), "ms"),
            Row::of("git", name, "status", median(&status), "ms"),
            Row::ours(name, "added/git status", added / median(&status), "ratio").at_most(1.0),
        ],
    )
}

/// A change of a tracked file, for as long as it lives.
struct Dirty<'a>(&'a TreeArgs);

impl<'a> Dirty<'a> {
    fn make(args: &'a TreeArgs) -> anyhow::Result<Self> {
        let path = args.repo.join(&args.file);
        let file = OpenOptions::new().append(true).open(&path);
        let mut file = file.with_context(|| format!("cannot open `{}`: name a tracked file", path.display()))?;
        let dirty = Self(args);
        writeln!(file, "dirty")?;
        Ok(dirty)
    }
}

impl Drop for Dirty<'_> {
    fn drop(&mut self) {
        let restored = git(&self.0.repo, &["checkout", "--quiet", "--", &self.0.file]).status();
        if !restored.is_ok_and(|status| status.success()) {
            eprintln!("bench: `{}` stays changed: git checkout failed", self.0.file);
        }
    }
}

fn git(repo: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(repo).args(args);
    command
}
