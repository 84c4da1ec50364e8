//! The local index as a question needs it: made where there is none and somebody wants it, brought up to date where that is quick.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kotadb_core::wire::search::printable;
use kotadb_indexer::local::{self, Choice, Lag, LocalError, LocalIndex, LocalOptions};

use crate::index;
use crate::pace;
use crate::question::is_agreed;
use crate::settings::{Flags, Settings, Value};

/// An index that takes longer is left to whoever wants to wait.
const QUICK: Duration = Duration::from_secs(1);

/// What every question on the local index takes.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "The index")]
pub struct IndexFlags {
    /// Repository or folder.
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub repo: PathBuf,
    /// Make an index where there is none, without asking.
    #[arg(long)]
    pub index: bool,
    /// Leave an index that lies behind as it is.
    #[arg(long)]
    pub no_refresh: bool,
}

impl IndexFlags {
    /// As settings.
    pub fn flags(&self) -> Flags {
        let index = self.index.then_some(("auto_index", Value::Switch(true)));
        let refresh = self.no_refresh.then_some(("refresh", Value::Switch(false)));
        index.into_iter().chain(refresh).collect()
    }
}

/// Opens the index of the repository at `path`; makes it where there is none and somebody wants one.
pub fn open(path: &Path, settings: &Settings) -> anyhow::Result<LocalIndex> {
    match local::open(path) {
        Err(LocalError::NotIndexed(_)) => {
            make(path, settings)?;
            Ok(local::open(path)?)
        }
        other => Ok(other?),
    }
}

/// What is checked out, as far as it is indexed (`None`: nothing is), and what the index lacks of it. An index that lies behind is
/// brought up to date first, where that is quick.
pub async fn checked_out(index: &LocalIndex, settings: &Settings) -> anyhow::Result<(Option<Choice>, Option<Lag>)> {
    let choice = match index.choose(None).await {
        Err(LocalError::NotIndexed(_)) => {
            make(index.root(), settings)?;
            index.choose(None).await?
        }
        other => other?,
    };
    let Some(lag) = index.lag(choice.as_ref()).await? else { return Ok((choice, None)) };
    let estimate = lag.estimate();
    if !settings.refresh() || estimate >= QUICK || estimate.mul_f64(pace::pace(&index.folder)) >= QUICK {
        return Ok((choice, Some(lag)));
    }
    match refresh(index, lag) {
        Ok(()) => {
            let choice = index.choose(None).await?;
            let lag = index.lag(choice.as_ref()).await?;
            Ok((choice, lag))
        }
        // What is asked can be answered as before: in a folder that must not be written to, or while another run writes.
        Err(error) => {
            eprintln!("note: the index was not brought up to date: {}", printable(&format!("{error:#}")));
            Ok((choice, Some(lag)))
        }
    }
}

/// By how much the index lies behind, as a sentence.
pub struct Behind(pub Lag);

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lag { commits, files, .. } = self.0;
        let (commits, verb) = (counted(commits, "commit"), if files == 1 { "differs" } else { "differ" });
        let files = counted(files, "file");
        write!(f, "the index is {commits} behind, {files} {verb}: `kotadb index` brings it up to date")
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn refresh(index: &LocalIndex, lag: Lag) -> anyhow::Result<()> {
    let (path, started) = (index.root(), Instant::now());
    on_a_thread(|| Ok(local::index(path, &LocalOptions::default(), &mut |_| {}).map(|_| ())?))?;
    let (commits, files) = (counted(lag.commits, "commit"), counted(lag.files, "file"));
    let took = started.elapsed();
    pace::keep(&index.folder, lag.estimate(), took);
    let way_out = if took > QUICK { "; `--no-refresh` leaves it" } else { "" };
    eprintln!("note: brought the index up to date: {commits}, {files} ({:.1} s{way_out})", took.as_secs_f64());
    Ok(())
}

/// Makes an index where somebody wants one.
fn make(path: &Path, settings: &Settings) -> anyhow::Result<()> {
    let place = path.canonicalize().with_context(|| format!("`{}` is no folder", path.display()))?;
    let place = printable(&place.display().to_string());
    let question = || is_agreed(&format!("`{place}` has no index yet. Make one now?"));
    if !settings.auto_index() && question()? != Some(true) {
        let argument = if path == Path::new(".") { String::new() } else { format!(" {}", path.display()) };
        bail!("`{place}` has no index yet: run `kotadb index{argument}`, or ask again with `--index`");
    }
    on_a_thread(|| index::make(path, &LocalOptions::default(), false).map(|_| ()))
}

/// Indexing runs on a runtime of its own, which cannot be started on the one that asks.
fn on_a_thread(work: impl FnOnce() -> anyhow::Result<()> + Send) -> anyhow::Result<()> {
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|_| bail!("indexing broke off: run `kotadb index` to see why"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_told_in_commits_and_files() {
        let lag = Lag { commits: 1, files: 12, bytes: 0, indexed: 0 };
        let wanted = "the index is 1 commit behind, 12 files differ: `kotadb index` brings it up to date";
        assert_eq!(Behind(lag).to_string(), wanted);
    }
}
