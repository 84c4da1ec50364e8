//! Fault 3: SIGTERM in the middle of a job. The worker gives the job back as if it had never been tried, and ends in time.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use kotadb_core::testing::chance::Chance;
use kotadb_core::testing::s3::faults::Hold;
use nix::sys::signal::Signal;

use super::{DUE, one_tenant};
use crate::history::History;
use crate::invariants;
use crate::report::Findings;
use crate::stage::Plan;

/// Less than any platform waits before it kills.
const MOST_SECONDS: f64 = 10.0;

/// Some at any moment of a job, some in its publish.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, Duration::from_secs(30), "acme/terminated").await?;
    let chance = Chance::new(plan.seed);
    let runs = if plan.long { 30 } else { 4 };
    let (mut slowest, mut counted): (f64, u64) = (0.0, 0);
    for nth in 0..runs {
        one.push_surely().await?;
        tokio::time::sleep(DUE).await;
        let mut held = (nth % 2 == 0).then(|| stage.s3.hold(Hold::SwapHead, 0));
        let mut worker = stage.start_indexer(&mut stage.indexer("drain", "worker"))?;
        match &mut held {
            Some(held) => anyhow::ensure!(held.reached(Duration::from_secs(60)).await, "the publish did not come"),
            None => tokio::time::sleep(Duration::from_millis(chance.below(700))).await,
        }
        let asked = Instant::now();
        worker.signal(Signal::SIGTERM)?;
        let status = worker.wait(Duration::from_secs(60)).await?;
        // One that is still starting has nothing to give back, and ends as any program does.
        let is_early = status.signal() == Some(Signal::SIGTERM as i32)
            && !History::read(&stage.postgres).await?.has_claim_of(worker.id());
        anyhow::ensure!(
            status.success() || is_early,
            "the worker ended with {status}: {}",
            stage.last_log("indexer.log")
        );
        slowest = slowest.max(asked.elapsed().as_secs_f64());
        let tried = format!(
            "SELECT count(*)::text FROM kotadb.jobs WHERE repository_id = '{}' AND state <> 'done' AND (attempt > 0 OR state <> 'queued')",
            one.id
        );
        counted += u64::try_from(stage.postgres.number(&tried).await?)?;
        if let Some(held) = held {
            held.release();
        }
        stage.drain().await?;
    }
    findings.at_most("seconds from SIGTERM to the end", runs, slowest, MOST_SECONDS);
    findings.never("tries counted of a job that was given back", runs, counted);
    findings.never("crashes counted", runs, History::read(&stage.postgres).await?.crashes());
    invariants::check(&stage, &[&one], reader, findings).await
}
