//! How soon a push is searchable: from the sending of its webhook to the first answer that has the pushed word, with the
//! whole service as real processes. With an indexer that waits (`warm`), with none, whose machine is started by the wake-up
//! (`zero`), and the same where the indexer's disk is as slow as a root disk of Fly (`slow`, and `disk` with the scratch of
//! jobs on it as well). Objects are in a bucket that is as far away as promised, for the router, too.

mod deployment;
mod machine;
mod repository;
mod slow_disk;
mod stages;

use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum};

use self::deployment::Deployment;
use self::repository::Repository;
use self::stages::{Push, Stages};
use crate::rows::{Row, Rows};
use crate::samples::Samples;

/// `freshness`
#[derive(Debug, Args)]
pub struct FreshnessArgs {
    /// Who takes the jobs, and on what disk.
    #[arg(long, value_enum)]
    indexer: Way,
    /// Pushes that are measured.
    #[arg(long, default_value_t = 25)]
    pushes: u32,
    /// Files of the repository.
    #[arg(long, default_value_t = 5000)]
    files: u32,
    /// Where the chances of the bucket begin.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Who takes the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// An indexer that waits.
    Warm,
    /// None: the wake-up starts a machine.
    Zero,
    /// The same; program, scratch and data on a slow disk, the program not in memory.
    Slow,
    /// The same, and no scratch in memory.
    Disk,
}

/// Between two pushes, so that each is a burst of its own.
const PAUSE: Duration = Duration::from_millis(500);

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Warm => "fresh, warm",
            Self::Zero => "fresh, from zero",
            Self::Slow => "fresh, from zero, slow disk",
            Self::Disk => "fresh, from zero, slow disk, scratch on it",
        }
    }

    /// What is promised of pushes: median and p95 in milliseconds.
    fn promise(self) -> (Option<f64>, Option<f64>) {
        match self {
            Self::Warm => (Some(4000.0), None),
            Self::Zero | Self::Slow => (Some(8000.0), Some(30_000.0)),
            Self::Disk => (None, None),
        }
    }

    fn part(self) -> String {
        format!("freshness-{}", format!("{self:?}").to_lowercase())
    }
}

/// Measures and writes `rows/freshness-….json`.
pub fn run(args: &FreshnessArgs, bin: &Path, rows: &mut Rows) -> anyhow::Result<()> {
    anyhow::ensure!(args.pushes > 0, "nothing to measure: give `--pushes` more than 0");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let measured = runtime.block_on(measure(args, bin))?;
    rows.write(&args.indexer.part(), &measured)
}

async fn measure(args: &FreshnessArgs, bin: &Path) -> anyhow::Result<Vec<Row>> {
    let mut repository = Repository::new(args.files)?;
    let deployment = Deployment::start(bin, args.indexer, args.seed).await?;
    deployment.serve(repository.path());
    let (hook, first) = deployment.first_index(&repository).await?;
    let name = args.indexer.name();
    let mut rows = vec![Row::ours(name, "first_index", first.searchable.as_secs_f64() * 1e3, "ms")];
    rows.extend(first.rows(name, "first_"));
    let mut pushes = Vec::new();
    for nth in 1..=args.pushes {
        deployment.rest().await?;
        tokio::time::sleep(PAUSE).await;
        let word = repository.push()?;
        let push = deployment.push(&hook, &word).await?;
        eprintln!("{nth:3} {push}");
        pushes.push(push);
    }
    rows.extend(summary(args.indexer, &pushes));
    Ok(rows)
}

fn summary(way: Way, pushes: &[Push]) -> Vec<Row> {
    let searchable = Samples::of(pushes.iter().map(|push| push.searchable).collect());
    let row = |metric: &str, quantile: f64, promise: Option<f64>| {
        let row = Row::ours(way.name(), metric, searchable.quantile_ms(quantile), "ms").of_runs(pushes.len());
        match promise {
            Some(limit) => row.at_most(limit),
            None => row,
        }
    };
    let (p50, p95) = way.promise();
    let mut rows = vec![row("push_p50", 0.5, p50), row("push_p95", 0.95, p95), row("push_max", 1.0, None)];
    rows.extend(Stages::medians(pushes).rows(way.name(), "push_"));
    rows
}
