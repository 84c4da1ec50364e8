//! Fault 3, with something made already: SIGTERM while a large job builds, or while it uploads. It is given back untried, and
//! the next worker goes on from what is in the store instead of making it again.

use std::time::{Duration, Instant};

use kotadb_core::testing::chance::Chance;
use kotadb_core::testing::s3::faults::Hold;
use nix::sys::signal::Signal;

use super::{DUE, one_tenant};
use crate::history::History;
use crate::invariants;
use crate::report::Findings;
use crate::repository;
use crate::stage::{Plan, Registered, Stage};

const PATIENCE: Duration = Duration::from_secs(120);
/// Less than any platform waits before it kills. What is made is brought away first.
const MOST_SECONDS: f64 = 60.0;
/// Large files of the repository, of this many bytes each.
const LARGE: usize = 24;
const LARGE_BYTES: usize = 1 << 20;

/// What a repository's newest job left.
struct Left {
    /// State and tries.
    job: String,
    /// Documents that its checkpoint says are uploaded.
    kept: i64,
}

/// In turn while it uploads, and at any moment.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, one, reader) = one_tenant(plan, Duration::from_secs(60), "acme/beside").await?;
    let tenant = stage.tenant("two").await?;
    let mut large = stage.register(&tenant, "acme/large").await?;
    stage.drain().await?;
    let chance = Chance::new(plan.seed);
    let (mut runs, mut slowest, mut counted, mut again, mut resumed): (u64, f64, u64, u64, u64) = (0, 0.0, 0, 0, 0);
    for nth in 0..if plan.long { 20 } else { 3 } {
        fill(&large, nth)?;
        large.push_surely().await?;
        tokio::time::sleep(DUE).await;
        let moment = (nth % 2 == 1).then(|| Duration::from_millis(500 + chance.below(3000)));
        slowest = slowest.max(terminate(&stage, moment).await?);
        let left = left(&stage, &large).await?;
        runs += 1;
        counted += u64::from(left.job != "queued 0" && left.job != "done 1");
        stage.settle_jobs().await?;
        if left.job == "queued 0" {
            let made = documents_new(&stage, &large).await?;
            println!("checkpoint: {} documents kept, {made} made", left.kept);
            again += u64::from(left.kept + made != (LARGE + repository::FILES) as i64);
            resumed += u64::from(left.kept > 0);
        }
    }
    findings.at_most("seconds from SIGTERM to the end of a large job", runs, slowest, MOST_SECONDS);
    findings.never("tries counted of a large job that was given back", runs, counted);
    findings.never("crashes counted", runs, History::read(&stage.postgres).await?.crashes());
    findings.at_least("jobs that went on from a checkpoint", resumed as f64, runs.div_ceil(2) as f64);
    findings.never("jobs that made documents again, or none of the rest", runs, again);
    invariants::check(&stage, &[&one, &large], reader, findings).await
}

/// Starts a worker and ends it: at that moment, or when it uploads its first segment. How long it took to end.
async fn terminate(stage: &Stage, moment: Option<Duration>) -> anyhow::Result<f64> {
    let mut held = moment.is_none().then(|| stage.s3.hold(Hold::PutSegment, 0));
    let mut worker = stage.start_indexer(&mut stage.indexer("drain", "worker"))?;
    match &mut held {
        Some(held) => anyhow::ensure!(held.reached(PATIENCE).await, "no segment was uploaded"),
        None => tokio::time::sleep(moment.unwrap_or_default()).await,
    }
    let asked = Instant::now();
    worker.signal(Signal::SIGTERM)?;
    // The word is there before the upload goes on.
    tokio::time::sleep(Duration::from_millis(300)).await;
    if let Some(held) = held {
        held.release();
    }
    let status = worker.wait(PATIENCE).await?;
    anyhow::ensure!(status.success(), "the worker ended with {status}: {}", stage.last_log("indexer.log"));
    Ok(asked.elapsed().as_secs_f64())
}

async fn left(stage: &Stage, one: &Registered) -> anyhow::Result<Left> {
    let of_newest = |what: &str| {
        format!("SELECT {what} FROM kotadb.jobs j WHERE repository_id = '{}' ORDER BY id DESC LIMIT 1", one.id)
    };
    let job = stage.postgres.texts(&of_newest("state || ' ' || attempt")).await?.into_iter().next().unwrap_or_default();
    let kept = "(SELECT coalesce(sum((s ->> 'n_docs')::bigint), 0)::text
        FROM jsonb_array_elements(coalesce(j.checkpoint -> 'uploaded', '[]')) s)";
    Ok(Left { job, kept: stage.postgres.number(&of_newest(kept)).await? })
}

/// Documents that the newest job made in the try that ended it.
async fn documents_new(stage: &Stage, one: &Registered) -> anyhow::Result<i64> {
    let made = format!(
        "SELECT summary ->> 'documents_new' FROM kotadb.jobs WHERE repository_id = '{}' ORDER BY id DESC LIMIT 1",
        one.id
    );
    stage.postgres.number(&made).await
}

/// Other large files than the last time.
fn fill(one: &Registered, nth: u64) -> anyhow::Result<()> {
    for file in 0..LARGE {
        let line = format!("run {nth} file {file} says one more word of the same\n");
        let text = line.repeat(LARGE_BYTES / line.len());
        std::fs::write(one.repository.path().join(format!("large{file}.txt")), text)?;
    }
    Ok(())
}
