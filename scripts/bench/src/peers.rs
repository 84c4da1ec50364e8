//! The 21 queries as whole processes that print every line: ours on the index, ripgrep and csearch on the tree.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::program::{self, Timed};
use crate::queries::{BenchQuery, Kind, QUERIES, Within};
use crate::rows::{Row, Rows};

/// `peers`
#[derive(Debug, Args)]
pub struct PeersArgs {
    /// Repository with a working tree and a local index.
    #[arg(long, default_value = "target/bench/linux")]
    repo: PathBuf,
    /// Index of csearch, made by cindex.
    #[arg(long, default_value = "target/bench/csearch.index")]
    csearch_index: PathBuf,
    /// Only queries whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

/// A process that prints a page for a rare literal, in milliseconds.
const PROCESS_PROMISE: f64 = 6.0;

/// Times each tool on each query.
pub fn run(args: &PeersArgs, bin: &Path, rows: &mut Rows) -> anyhow::Result<()> {
    let mut out = Vec::new();
    for query in QUERIES.iter().filter(|query| query.name.contains(&args.only)) {
        out.extend(rows_of(query, "rg", &program::time(&mut rg(query, &args.repo))?));
        if let Some(mut command) = csearch(query, &args.repo, &args.csearch_index) {
            out.extend(rows_of(query, "csearch", &program::time(&mut command)?));
        }
        let ours = program::time(&mut kotadb(query, bin, &args.repo))?;
        let mut row = Row::ours(query.name, "process", ours.samples.quantile_ms(0.5), "ms");
        if query.name.starts_with("lit-rare") {
            row = row.at_most(PROCESS_PROMISE);
        }
        out.push(row);
    }
    rows.write("peers", &out)
}

fn rows_of(query: &BenchQuery, tool: &str, timed: &Timed) -> [Row; 2] {
    [
        Row::of(tool, query.name, "process", timed.samples.quantile_ms(0.5), "ms"),
        Row::of(tool, query.name, "lines", timed.lines as f64, "count"),
    ]
}

fn kotadb(query: &BenchQuery, bin: &Path, repo: &Path) -> Command {
    let mut command = Command::new(bin.join("kotadb"));
    command.arg("search").arg("--repo").arg(repo).args(["--ref", "HEAD", "--limit", "100", "--"]);
    command.args([query.ours, "generated:yes", "vendored:yes"]);
    command
}

/// All files, hidden and ignored ones too, as all of them are indexed; but for git's own.
fn rg(query: &BenchQuery, repo: &Path) -> Command {
    let mut command = Command::new("rg");
    command.args(["--no-config", "-uu", "--no-heading", "--color=never", "--glob=!/.git/"]);
    match query.kind {
        Kind::FileName => _ = command.arg("--files").arg(format!("--glob=*{}*", query.pattern)),
        Kind::Literal => _ = command.args(["-n", "-F", "-e", query.pattern]),
        Kind::LiteralAnyCase => _ = command.args(["-n", "-F", "-i", "-e", query.pattern]),
        Kind::Regex => _ = command.args(["-n", "-e", query.pattern]),
    }
    match query.within {
        Within::Tree => command.arg("."),
        Within::Suffix(suffix) => command.arg(format!("--glob=*{suffix}")).arg("."),
        Within::Folder(folder) => command.arg(folder),
    };
    command.current_dir(repo);
    command
}

/// `None`: csearch cannot list file names.
fn csearch(query: &BenchQuery, repo: &Path, index: &Path) -> Option<Command> {
    let mut command = Command::new("csearch");
    command.arg("-n");
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let repo = absolute(repo).display().to_string();
    match query.within {
        Within::Tree => {}
        Within::Suffix(suffix) => _ = command.args(["-f", &format!("{}$", escape(suffix))]),
        Within::Folder(folder) => _ = command.args(["-f", &escape(&format!("{repo}/{folder}/"))]),
    }
    match query.kind {
        Kind::FileName => return None,
        Kind::Literal => _ = command.arg(escape(query.pattern)),
        Kind::LiteralAnyCase => _ = command.arg("-i").arg(escape(query.pattern)),
        Kind::Regex => _ = command.arg(query.pattern),
    }
    command.env("CSEARCHINDEX", absolute(index));
    Some(command)
}

/// A literal as a regex.
fn escape(literal: &str) -> String {
    let special = |c: char| c.is_ascii_punctuation() && c != '_';
    literal.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_lose_their_meaning() {
        assert_eq!(escape("a_b(c {"), r"a_b\(c \{");
    }
}
