//! Index builds: time, memory and size of a first one, the cost of a push that changes 20 files, and what a compaction makes
//! of all of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use crate::program::output;
use crate::rows::{Row, Rows};
use crate::samples::median;

/// `build`
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Repository to index; it is cloned, so that its own index stays.
    #[arg(long, default_value = "target/bench/linux")]
    repo: PathBuf,
    /// Folder of the clone, made anew.
    #[arg(long, default_value = "target/bench/build")]
    clone: PathBuf,
    /// First builds.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Pushes of 20 files each.
    #[arg(long, default_value_t = 5)]
    pushes: usize,
    /// Seconds of processor time that bare parsing of the same files takes.
    #[arg(long)]
    bare_seconds: Option<f64>,
}

/// Files that a push changes.
const PUSHED_FILES: usize = 20;

/// What pushes append to each file: nothing that a graph tells of, or a function that calls another.
const COMMENT: (&str, Appended) = ("push of 20 files", |nth| format!("/* push {nth} */\n"));
const FUNCTION: (&str, Appended) = ("push of 20 functions", |nth| {
    format!("static int pushed_{nth}(void)\n{{\n\treturn printk(\"push {nth}\");\n}}\n")
});
type Appended = fn(usize) -> String;

/// One run of the indexer.
struct Run {
    seconds: f64,
    processor_seconds: f64,
    peak_mib: f64,
    printed: String,
}

/// Sizes of all that is searchable.
struct Sizes {
    index: f64,
    text: f64,
}

/// Builds, then pushes.
pub fn run(args: &BuildArgs, bin: &Path, rows: &mut Rows) -> anyhow::Result<()> {
    clone(&args.repo, &args.clone)?;
    let mut builds = Vec::new();
    for _ in 0..args.runs.max(1) {
        remove(&args.clone.join("kotadb"))?;
        builds.push(indexer("once", bin, &args.clone)?);
    }
    let sizes = sizes(bin, &args.clone)?;
    let seconds = median(builds.iter().map(|run| run.seconds).collect());
    let peak = builds.iter().map(|run| run.peak_mib).fold(0.0, f64::max);
    let mut out = vec![
        Row::ours("build", "text", sizes.text / 1e6, "MB"),
        Row::ours("build", "index", sizes.index / 1e6, "MB"),
        Row::ours("build", "index/text", sizes.index / sizes.text, "ratio").at_most(0.42),
        Row::ours("build", "index/tree", sizes.index / tree_bytes(&args.clone)?, "ratio"),
        Row::ours("build", "seconds", seconds, "s"),
        Row::ours("build", "throughput", sizes.text / 1e6 / seconds, "MB/s"),
        Row::ours("build", "peak_rss", peak, "MiB").at_most(768.0),
    ];
    if let Some(bare) = args.bare_seconds {
        // Both on the same cores, so that what else they do meanwhile counts for neither.
        let own = median(builds.iter().map(|run| run.processor_seconds).collect());
        out.push(Row::ours("build", "rate/bare parsing", bare / own, "ratio").at_least(0.65));
    }
    out.extend(sections(&builds[0].summary()?));
    out.extend(pushes(args, bin, COMMENT)?);
    out.extend(pushes(args, bin, FUNCTION)?);
    out.extend(compaction(args, bin)?);
    rows.write("build", &out)
}

/// Merges what builds and pushes wrote; its frames are compressed once more.
fn compaction(args: &BuildArgs, bin: &Path) -> anyhow::Result<Vec<Row>> {
    let run = indexer("compact", bin, &args.clone)?;
    let sizes = sizes(bin, &args.clone)?;
    Ok(vec![
        Row::ours("compaction", "index/text", sizes.index / sizes.text, "ratio").at_most(0.28),
        Row::ours("compaction", "seconds", run.seconds, "s"),
        Row::ours("compaction", "peak_rss", run.peak_mib, "MiB"),
    ])
}

fn sections(summary: &Value) -> Vec<Row> {
    let sections = summary["sections"].as_object().into_iter().flatten();
    sections.map(|(name, bytes)| Row::ours("build", name, bytes.as_f64().unwrap_or(0.0) / 1e6, "MB")).collect()
}

fn pushes(args: &BuildArgs, bin: &Path, (name, appended): (&str, Appended)) -> anyhow::Result<Vec<Row>> {
    let (mut seconds, mut excess) = (Vec::new(), Vec::new());
    let mut bytes = Vec::new();
    for nth in 0..args.pushes.max(1) {
        let changed = push(&args.clone, nth, appended)?;
        let run = indexer("once", bin, &args.clone)?;
        let written = run.summary()?["bytes_written"].as_f64().context("the summary has `bytes_written`")?;
        seconds.push(run.seconds);
        bytes.push(written);
        excess.push(written / (3.0 * changed as f64 + f64::from(256 << 10) + 120.0));
    }
    Ok(vec![
        Row::ours(name, "seconds", median(seconds), "s").at_most(2.0),
        Row::ours(name, "bytes", median(bytes) / 1e3, "kB"),
        Row::ours(name, "bytes/promised", excess.into_iter().fold(0.0, f64::max), "ratio").at_most(1.0),
    ])
}

/// A clone without a working tree, its objects hard links.
fn clone(from: &Path, to: &Path) -> anyhow::Result<()> {
    remove(to)?;
    let (from, to) = (from.display().to_string(), to.display().to_string());
    output(Path::new("git"), ["clone", "--quiet", "--bare", "--local", &from, &to]).map(drop)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Runs a command of `kotadb-indexer`; GNU time says what it took.
fn indexer(what: &str, bin: &Path, repo: &Path) -> anyhow::Result<Run> {
    let report = repo.with_extension("time");
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%e %M %U %S", "-o"]).arg(&report).arg(bin.join("kotadb-indexer")).arg(what).arg(repo);
    let done = command.output().context("cannot start /usr/bin/time: apt-get install time")?;
    let error = String::from_utf8_lossy(&done.stderr);
    anyhow::ensure!(done.status.success(), "{command:?} ended with {}: {error}", done.status);
    let report = fs::read_to_string(&report)?;
    let figures: Vec<f64> = report.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let &[seconds, kib, user, system] = &figures[..] else { anyhow::bail!("time printed `{report}`") };
    let printed = String::from_utf8(done.stdout)?;
    Ok(Run { seconds, processor_seconds: user + system, peak_mib: kib / 1024.0, printed })
}

impl Run {
    /// The counts that `once` prints before the time.
    fn summary(&self) -> anyhow::Result<Value> {
        let summary = self.printed.rsplit_once(" in ").map_or(self.printed.as_str(), |(json, _)| json);
        serde_json::from_str(summary).with_context(|| format!("`{}` is no summary", self.printed))
    }
}

/// Segments, snapshots and graphs that HEAD names.
fn sizes(bin: &Path, repo: &Path) -> anyhow::Result<Sizes> {
    let text = output(&bin.join("kotadb-indexer"), ["inspect".as_ref(), repo.as_os_str()])?;
    let number = |line: &str, before: &str| {
        let figure = line.split(before).nth(1)?.split_whitespace().next()?;
        figure.trim_end_matches(',').parse::<f64>().ok()
    };
    let totals = text.lines().find(|line| line.starts_with("segments: ")).context("inspect names its segments")?;
    let segments = number(totals, ", ").context("bytes of segments")?;
    let held = number(totals, " for ").context("bytes of text")?;
    let of = |what: &str| text.lines().filter_map(|line| number(line, what)).sum::<f64>();
    Ok(Sizes { index: segments + of("snapshot ") + of("graph "), text: held })
}

/// Bytes of all files of the commit, those included that are left out or there twice.
fn tree_bytes(repo: &Path) -> anyhow::Result<f64> {
    let listed = git(repo, &["ls-tree", "-r", "-l", "--full-tree", "HEAD"], b"")?;
    let sizes = String::from_utf8_lossy(&listed)
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3)?.parse::<f64>().ok())
        .sum();
    Ok(sizes)
}

/// Commits a change of 20 files that are spread over the tree; their bytes.
fn push(repo: &Path, nth: usize, appended: Appended) -> anyhow::Result<usize> {
    let git = |args: &[&str], input: &[u8]| git(repo, args, input);
    let tree = git(&["ls-tree", "-r", "-z", "--full-tree", "HEAD"], b"")?;
    let tree = String::from_utf8_lossy(&tree).into_owned();
    let blobs: Vec<(&str, &str)> = tree.split('\0').filter_map(blob).filter(|(_, path)| path.ends_with(".c")).collect();
    let step = (blobs.len() / PUSHED_FILES).max(1);
    let (mut changes, mut bytes) = (String::new(), 0);
    for (id, path) in blobs.iter().skip(nth % step).step_by(step).take(PUSHED_FILES) {
        let mut content = git(&["cat-file", "blob", id], b"")?;
        content.extend(appended(nth).bytes());
        bytes += content.len();
        let new = git(&["hash-object", "-w", "--stdin"], &content)?;
        changes += &format!("100644 {}\t{path}\n", String::from_utf8_lossy(&new).trim());
    }
    git(&["read-tree", "HEAD"], b"")?;
    git(&["update-index", "--index-info"], changes.as_bytes())?;
    let tree = git(&["write-tree"], b"")?;
    let message = format!("push {nth}");
    let commit =
        ["commit-tree", "-p", "HEAD", "-m", &message, String::from_utf8_lossy(&tree).trim()].map(str::to_owned);
    let commit = git(&commit.each_ref().map(String::as_str), b"")?;
    git(&["update-ref", "HEAD", String::from_utf8_lossy(&commit).trim()], b"")?;
    Ok(bytes)
}

/// Id and path of a regular file.
fn blob(line: &str) -> Option<(&str, &str)> {
    let (facts, path) = line.split_once('\t')?;
    let mut facts = facts.split(' ');
    let (mode, _, id) = (facts.next()?, facts.next()?, facts.next()?);
    mode.starts_with("100").then_some((id, path))
}

fn git(repo: &Path, args: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
    use std::io::Write;
    use std::process::Stdio;

    let author = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"];
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(repo).args(author).args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start git")?;
    child.stdin.take().context("standard input is a pipe")?.write_all(input)?;
    let done = child.wait_with_output()?;
    anyhow::ensure!(done.status.success(), "{command:?} ended with {}", done.status);
    Ok(done.stdout)
}
