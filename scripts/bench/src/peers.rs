//! The 21 queries as whole processes: ours on the index, printing a page and printing every line; ripgrep and csearch on
//! the tree, which print every line.

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

/// Lines that a person is shown.
const PAGE: &str = "100";

/// A process that prints a page for a rare literal, in milliseconds.
const PROCESS_PROMISE: f64 = 6.0;

/// Times each tool on each query.
pub fn run(args: &PeersArgs, bin: &Path, rows: &mut Rows) -> anyhow::Result<()> {
    let mut out = Vec::new();
    for query in QUERIES.iter().filter(|query| query.name.contains(&args.only)) {
        let rg = program::time(&mut rg(query, &args.repo))?;
        out.extend(rows_of(query, "rg", &rg));
        if let Some(mut command) = csearch(query, &args.repo, &args.csearch_index) {
            out.extend(rows_of(query, "csearch", &program::time(&mut command)?));
        }
        let [page, all] = [PAGE, "0"].map(|limit| program::time(&mut kotadb(query, bin, &args.repo, limit)));
        let (page, all) = (page?, all?);
        let mut row =
            Row::ours(query.name, "process", page.samples.quantile_ms(0.5), "ms").of_runs(page.samples.runs());
        if query.name.starts_with("lit-rare") {
            row = row.at_most(PROCESS_PROMISE);
        }
        let of_all =
            |metric: &str, value: f64, unit: &str| Row::of("kotadb all lines", query.name, metric, value, unit);
        out.push(row);
        out.push(of_all("process", all.samples.quantile_ms(0.5), "ms").of_runs(all.samples.runs()));
        out.push(of_all("lines", all.lines as f64, "count").just(rg.lines as f64));
    }
    rows.write("peers", &out)
}

fn rows_of(query: &BenchQuery, tool: &str, timed: &Timed) -> [Row; 2] {
    [
        Row::of(tool, query.name, "process", timed.samples.quantile_ms(0.5), "ms").of_runs(timed.samples.runs()),
        Row::of(tool, query.name, "lines", timed.lines as f64, "count"),
    ]
}

fn kotadb(query: &BenchQuery, bin: &Path, repo: &Path, limit: &str) -> Command {
    let mut command = Command::new(bin.join("kotadb"));
    command.arg("search").arg("--repo").arg(repo).args(["--ref", "HEAD", "--limit", limit, "--"]);
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
