//! Fault 17: a worker loses sight of Postgres in the middle of its publish. It stops by itself, another worker takes over
//! when the lease is over, and the publish of the first, when it arrives, changes nothing.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kotadb_core::testing::s3::faults::Hold;

use super::{DUE, one_tenant};
use crate::history::History;
use crate::invariants;
use crate::proxy::Weather;
use crate::report::Findings;
use crate::stage::Plan;

const PATIENCE: Duration = Duration::from_secs(150);

/// A network that keeps silent, and one that cuts.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let lease = Duration::from_secs(if plan.long { 60 } else { 6 });
    let (stage, mut one, reader) = one_tenant(plan, lease, "acme/partition").await?;
    let (mut takeover, mut stopped, mut runs): (f64, f64, u64) = (0.0, 0.0, 0);
    for weather in [Weather::Silent, Weather::Cut] {
        one.push_surely().await?;
        tokio::time::sleep(DUE).await;
        let mut held = stage.s3.hold(Hold::SwapHead, 0);
        let mut cut_off = stage.start_indexer(&mut stage.indexer("drain", "cut-off"))?;
        anyhow::ensure!(held.reached(PATIENCE).await, "the publish did not come");
        stage.postgres.to_indexers.set(weather);
        let (since, at) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64());
        let mut command = stage.indexer("drain", "other");
        let mut other = stage.start_indexer(command.env("DATABASE_URL", stage.postgres.router_url()))?;
        // A worker that cannot reach Postgres gives up; until then it must have stopped its job.
        cut_off.wait(PATIENCE).await?;
        stopped = stopped.max(since.elapsed().as_secs_f64());
        anyhow::ensure!(
            other.wait(PATIENCE).await?.success(),
            "the other worker failed: {}",
            stage.last_log("indexer.log")
        );
        held.release();
        stage.postgres.to_indexers.set(Weather::Fine);
        let history = History::read(&stage.postgres).await?;
        let again = history.runs_after(&one.id.to_string(), at);
        takeover = takeover.max(again.map_or(f64::INFINITY, |again| again - at));
        runs += 1;
    }
    let lease = lease.as_secs_f64();
    findings.at_most(
        &format!("seconds until another worker runs it, with a lease of {lease} s"),
        runs,
        takeover,
        lease + 30.0,
    );
    findings.at_most("seconds until the worker that was cut off has ended", runs, stopped, lease * 2.0 / 3.0 + 60.0);
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}
