//! Fault 1, the processes of jobs alone: SIGKILL at every fail point that they pass. The same worker runs the job again at once,
//! and nobody waits for a lease.

use std::collections::BTreeMap;
use std::time::Duration;

use kotadb_core::testing::chance::Chance;
use kotadb_indexer::fail_point;

use super::DUE;
use super::killed::{AT_ONCE, names, stage_with_repositories};
use crate::history::History;
use crate::invariants;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

const LEASE: Duration = Duration::from_secs(60);
/// The promise, which `children` looks at alone, and the turn of another job: here follow-ups of others are queued.
const AGAIN: f64 = 3.0;
/// Passed by the worker, not by the process of the job.
const OF_WORKER: [&str; 2] = ["publish.before_row", "publish.after_row"];

/// 10 kills at each fail point, or one.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut repositories) = stage_with_repositories(plan, LEASE).await?;
    let reader = Reader::start(names(&repositories));
    let each = if plan.long { 10 } else { 1 };
    let chance = Chance::new(plan.seed);
    let points = fail_point::NAMES.iter().copied().filter(|name| !OF_WORKER.contains(name));
    let mut left: Vec<&str> = points.flat_map(|name| vec![name; each]).collect();
    let (wanted, mut reached) = (left.len() as u64, BTreeMap::new());
    for _ in 0..2 * left.len() {
        if left.is_empty() {
            break;
        }
        let n = AT_ONCE.min(left.len());
        let points: Vec<_> = (0..n).map(|_| left.swap_remove(chance.below(left.len() as u64) as usize)).collect();
        left.extend(round(&stage, &mut repositories, &points, &mut reached).await?);
    }
    let history = History::read(&stage.postgres).await?;
    findings.at_least("kills of a job's process", reached.values().sum::<u64>() as f64, wanted as f64);
    findings.at_least(
        "such kills at the fail point with the fewest",
        reached.values().copied().min().unwrap_or(0) as f64,
        each as f64,
    );
    findings.never("I6 kills that are not one crash each", wanted, history.crashes().abs_diff(wanted));
    findings.never("jobs given up", history.claims(), history.deaths());
    findings.at_most(
        "seconds from such a crash to the next run, others queued",
        wanted,
        history.longest_after_crash(),
        AGAIN,
    );
    stage.settle_jobs().await?;
    invariants::check(&stage, &repositories.iter().collect::<Vec<_>>(), reader, findings).await
}

/// Pushes to as many repositories as there are points, and lets a worker of each lose its first process; half of them have a
/// follow-up queued meanwhile. Gives the points that were not reached.
async fn round<'p>(
    stage: &Stage,
    repositories: &mut [Registered],
    points: &[&'p str],
    reached: &mut BTreeMap<&'p str, u64>,
) -> anyhow::Result<Vec<&'p str>> {
    let pushed = &mut repositories[..points.len()];
    for one in pushed.iter_mut() {
        one.push_surely().await?;
    }
    tokio::time::sleep(DUE).await;
    let before = History::read(&stage.postgres).await?.crashes();
    let mut workers = Vec::new();
    for (nth, point) in points.iter().enumerate() {
        let mut command = stage.indexer("drain", &format!("worker{nth}"));
        workers.push(stage.start_indexer(command.env("KOTADB_FAIL_POINT", format!("child:{point}")))?);
    }
    for one in pushed.iter_mut().step_by(2) {
        one.push_surely().await?;
    }
    let mut missed = Vec::new();
    for (point, worker) in points.iter().zip(&mut workers) {
        let status = worker.wait(Duration::from_secs(120)).await?;
        anyhow::ensure!(status.success(), "{point}: the worker ended with {status}: {}", stage.last_log("indexer.log"));
        match History::read(&stage.postgres).await?.has_crash_of(worker.id()) {
            true => *reached.entry(*point).or_default() += 1,
            false => missed.push(*point),
        }
    }
    let crashes = History::read(&stage.postgres).await?.crashes() - before;
    anyhow::ensure!(crashes as usize + missed.len() == points.len(), "{crashes} crashes at {points:?}");
    Ok(missed)
}
