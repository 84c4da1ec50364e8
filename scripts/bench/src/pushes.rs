//! Random pushes to a repository, each indexed as `kotadb index` does it, with the compaction that is then due.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;
use kotadb_indexer::local::{self, LocalOptions};

/// Files that a push changes.
const CHANGED: usize = 20;

/// A file of the commit that pushes begin with.
struct File {
    blob: String,
    path: String,
}

/// Advances the branch of HEAD by `n` commits, which each append a line to random files.
pub fn push(repo: &Path, n: usize, chance: &mut dyn FnMut() -> u64) -> anyhow::Result<()> {
    let files = files(repo)?;
    anyhow::ensure!(!files.is_empty(), "`{}` has no files", repo.display());
    let pushes: Vec<Vec<usize>> =
        (0..n).map(|_| (0..CHANGED).map(|_| (chance() % files.len() as u64) as usize).collect()).collect();
    let mut texts = BTreeMap::new();
    for number in pushes.iter().flatten() {
        if !texts.contains_key(number) {
            texts.insert(*number, git(repo, &["cat-file", "blob", &files[*number].blob], b"")?);
        }
    }
    let branch = String::from_utf8(git(repo, &["symbolic-ref", "HEAD"], b"")?)?;
    let first = String::from_utf8(git(repo, &["rev-parse", "HEAD"], b"")?)?;
    let mut script = Vec::new();
    for (nth, changed) in pushes.iter().enumerate() {
        let from = if nth == 0 { first.trim().to_owned() } else { name(nth - 1) };
        write!(
            script,
            "commit {}\ncommitter bench <bench@example.invalid> {} +0000\n",
            name(nth),
            1_700_000_000 + nth
        )?;
        write!(script, "data 4\npush\nfrom {from}\n")?;
        for number in changed {
            let text = texts.get_mut(number).context("was read")?;
            text.extend(format!("\n/* push {nth}: revised_setting_{:x} */\n", chance() % 0xff_ffff).bytes());
            write!(script, "M 100644 inline {}\ndata {}\n", files[*number].path, text.len())?;
            script.extend_from_slice(text);
            script.push(b'\n');
        }
    }
    git(repo, &["fast-import", "--quiet"], &script)?;
    for nth in 0..n {
        git(repo, &["update-ref", branch.trim(), &name(nth)], b"")?;
        local::index(repo, &LocalOptions::default(), &mut |_| {})?;
    }
    Ok(())
}

fn name(nth: usize) -> String {
    format!("refs/bench/push-{nth}")
}

/// Plain files whose names need no quotes.
fn files(repo: &Path) -> anyhow::Result<Vec<File>> {
    let listed = String::from_utf8_lossy(&git(repo, &["ls-tree", "-r", "HEAD"], b"")?).into_owned();
    let file = |line: &str| {
        let (facts, path) = line.split_once('\t')?;
        let blob = facts.strip_prefix("100644 blob ")?.to_owned();
        (!path.contains(['"', ' '])).then(|| File { blob, path: path.to_owned() })
    };
    Ok(listed.lines().filter_map(file).collect())
}

fn git(repo: &Path, args: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut git = Command::new("git");
    git.arg("-C").arg(repo).args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = git.spawn().context("git cannot be started")?;
    child.stdin.take().context("it is piped")?.write_all(input)?;
    let output = child.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "git {args:?} failed");
    Ok(output.stdout)
}
