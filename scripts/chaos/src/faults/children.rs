//! Fault 9, the process of a job: it is killed, segfaults or aborts in the middle of its publish. Its job runs again at once in
//! another process of the same worker; that, and the jobs of others, go on.

use std::time::Duration;

use kotadb_core::testing::s3::faults::{Held, Hold};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{DUE, now};
use crate::history::History;
use crate::invariants;
use crate::program::Program;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

/// No lease that ends is waited for.
const LEASE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(60);
/// By the promise.
const AGAIN: f64 = 1.0;
const SIGNALS: [Signal; 4] = [Signal::SIGKILL, Signal::SIGSEGV, Signal::SIGABRT, Signal::SIGBUS];

/// What the ends of processes came to.
#[derive(Default)]
struct Tally {
    ends: u64,
    longest: f64,
    lost: u64,
    unclear: u64,
}

/// Each signal in turn, while two workers serve two repositories.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let stage = Stage::start(plan, LEASE).await?;
    let tenants = [stage.tenant("one").await?, stage.tenant("two").await?];
    let mut one = stage.register(&tenants[0], "acme/child").await?;
    let mut other = stage.register(&tenants[1], "acme/beside").await?;
    stage.drain().await?;
    let readable = |of: &Registered| (of.tenant.clone(), vec![of.repository.name.clone()]);
    let reader = Reader::start(vec![readable(&one), readable(&other)]);
    let mut workers = Vec::new();
    for name in ["first", "second"] {
        workers.push(stage.start_indexer(&mut stage.indexer("serve", name))?);
    }
    let mut tally = Tally::default();
    for signal in SIGNALS.repeat(if plan.long { 10 } else { 1 }) {
        end_child(&stage, (&mut one, &mut other), &workers, signal, &mut tally).await?;
    }
    let mut ended = 0;
    for worker in &mut workers {
        ended += u64::from(worker.ended()?.is_some());
        worker.signal(Signal::SIGTERM)?;
        worker.wait(PATIENCE).await?;
    }
    let history = History::read(&stage.postgres).await?;
    findings.at_most("seconds until a job runs again whose process died", tally.ends, tally.longest, AGAIN);
    findings.never("tips not found after it", tally.ends, tally.lost);
    findings.never(
        "deaths of a process that are not one crash each",
        tally.ends,
        history.crashes().abs_diff(tally.ends),
    );
    findings.never("deaths that do not name their signal", tally.ends, tally.unclear);
    findings.never("workers that ended with it", 2, ended);
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one, &other], reader, findings).await
}

async fn end_child(
    stage: &Stage,
    (one, other): (&mut Registered, &mut Registered),
    workers: &[Program],
    signal: Signal,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let (held, child) = in_publish(stage, (one, other), workers).await?;
    let at = end(child, signal).await?;
    tally.ends += 1;
    for pushed in [&*one, &*other] {
        tally.lost += u64::from(invariants::until_searchable(pushed, PATIENCE).await?.is_none());
    }
    held.release();
    let again = History::read(&stage.postgres).await?.runs_after(&one.id.to_string(), at);
    tally.longest = tally.longest.max(again.map_or(f64::INFINITY, |again| again - at));
    let named = format!(
        "SELECT count(*)::text FROM (SELECT errors -> -1 ->> 'message' AS message FROM kotadb.jobs
         WHERE repository_id = '{}' ORDER BY id DESC LIMIT 1) newest WHERE message LIKE '%{signal}%'",
        one.id
    );
    tally.unclear += u64::from(stage.postgres.number(&named).await? != 1);
    Ok(())
}

/// A process that is about to publish while the other worker is busy. Upkeep swaps HEAD, too: then there may be no such
/// process, and all begins again.
async fn in_publish(
    stage: &Stage,
    (one, other): (&mut Registered, &mut Registered),
    workers: &[Program],
) -> anyhow::Result<(Held, i32)> {
    for _ in 0..10 {
        let mut held = stage.s3.hold(Hold::SwapHead, 0);
        one.push_surely().await?;
        anyhow::ensure!(held.reached(PATIENCE).await, "the publish did not come");
        other.push_surely().await?;
        tokio::time::sleep(DUE).await;
        if let Some(child) = child_of(stage, one, workers).await? {
            return Ok((held, child));
        }
        held.release();
    }
    anyhow::bail!("no publish could be held")
}

/// Ends a process by a signal; when that was. Rust's own handler of the first one of some kinds gives way, as for a fault that
/// comes again at once.
async fn end(child: i32, signal: Signal) -> anyhow::Result<f64> {
    let child = Pid::from_raw(child);
    let at = now();
    kill(child, signal)?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    // One that has ended by the first is as good.
    let _gone_already = kill(child, signal);
    Ok(at)
}

/// The process that runs the job of a repository, if one does.
async fn child_of(stage: &Stage, one: &Registered, workers: &[Program]) -> anyhow::Result<Option<i32>> {
    let owner = format!(
        "SELECT split_part(lease_owner, '-', 1) FROM kotadb.jobs WHERE repository_id = '{}' AND state = 'running'",
        one.id
    );
    let owner = stage.postgres.texts(&owner).await?;
    let worker = workers.iter().find(|worker| owner.contains(&worker.id().to_string()));
    Ok(worker.and_then(|worker| worker.children().first().copied()))
}
