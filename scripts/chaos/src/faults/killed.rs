//! Fault 1: SIGKILL at every fail point, several indexers at once, half of their repositories with a follow-up queued.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;

use kotadb_core::id::TenantId;
use kotadb_core::testing::chance::Chance;
use kotadb_indexer::fail_point;

use super::{DUE, now, one_tenant};
use crate::history::History;
use crate::invariants;
use crate::program::Program;
use crate::reader::{Readable, Reader};
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

/// Short, so that a killed worker's job is soon taken again. The promise is for one of 60 s; what comes on top is the same.
const LEASE: Duration = Duration::from_secs(4);
/// On top of the lease: by the promise of 90 s.
const ON_TOP: f64 = 30.0;
/// Indexers that are killed in one round.
pub(super) const AT_ONCE: usize = 6;
/// Of this fail point's kill no job is left running.
const AFTER_ROW: &str = "publish.after_row";

/// A kill that happened.
struct Kill {
    point: &'static str,
    /// Process id, with which the worker's name begins.
    worker: String,
    /// Seconds since 1970.
    at: f64,
}

/// 10 kills at each fail point, or one.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut repositories) = stage_with_repositories(plan, LEASE).await?;
    let reader = Reader::start(names(&repositories));
    let each = if plan.long { 10 } else { 1 };
    let kills = kill_all(&stage, &mut repositories, each).await?;
    stage.settle_jobs().await?;
    report(&stage, &kills, each, findings).await?;
    invariants::check(&stage, &repositories.iter().collect::<Vec<_>>(), reader, findings).await?;
    if plan.long {
        promised(plan, findings).await
    } else {
        findings.needs("the long form, for a lease of 60 s");
        Ok(())
    }
}

/// A stage with as many indexed repositories as are disturbed at once, of two tenants.
pub(super) async fn stage_with_repositories(
    plan: &Plan,
    lease: Duration,
) -> anyhow::Result<(Arc<Stage>, Vec<Registered>)> {
    let stage = Stage::start(plan, lease).await?;
    let (first, second) = (stage.tenant("one").await?, stage.tenant("two").await?);
    let mut repositories = Vec::new();
    for nth in 0..AT_ONCE {
        let tenant = if nth % 3 == 2 { &second } else { &first };
        repositories.push(stage.register(tenant, &format!("acme/kill{nth}")).await?);
    }
    stage.drain().await?;
    Ok((stage, repositories))
}

/// The repositories of each tenant.
pub(super) fn names(repositories: &[Registered]) -> Vec<Readable> {
    let mut readable: BTreeMap<TenantId, Readable> = BTreeMap::new();
    for one in repositories {
        let (_, names) = readable.entry(one.tenant.id).or_insert_with(|| (one.tenant.clone(), Vec::new()));
        names.push(one.repository.name.clone());
    }
    readable.into_values().collect()
}

/// With the lease that indexers have: killed while another one runs.
async fn promised(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, Duration::from_secs(60), "acme/promised").await?;
    one.push_surely().await?;
    tokio::time::sleep(DUE).await;
    let mut command = stage.indexer("drain", "doomed");
    let mut doomed = stage.start_indexer(command.env("KOTADB_FAIL_POINT", "publish.before_swap"))?;
    let status = doomed.wait(Duration::from_secs(120)).await?;
    anyhow::ensure!(status.signal() == Some(9), "the worker survived: {status}");
    let killed = now();
    stage.drain().await?;
    let again = History::read(&stage.postgres).await?.runs_after(&one.id.to_string(), killed);
    let seconds = again.map_or(f64::INFINITY, |again| again - killed);
    findings.at_most("seconds until it runs again while an indexer runs, lease of 60 s", 1, seconds, 90.0);
    invariants::check(&stage, &[&one], reader, findings).await
}

/// Rounds until every point has its kills.
async fn kill_all(stage: &Stage, repositories: &mut [Registered], each: usize) -> anyhow::Result<Vec<Kill>> {
    let chance = Chance::new(stage.plan.seed);
    let mut left: Vec<&'static str> = fail_point::NAMES.iter().flat_map(|name| vec![*name; each]).collect();
    let mut kills = Vec::new();
    for _ in 0..2 * left.len() {
        if left.is_empty() {
            break;
        }
        let n = AT_ONCE.min(left.len());
        let points: Vec<_> = (0..n).map(|_| left.swap_remove(chance.below(left.len() as u64) as usize)).collect();
        left.extend(round(stage, repositories, &points, &mut kills).await?);
    }
    Ok(kills)
}

/// Pushes to as many repositories as there are points, lets an indexer die at each, and another one repair it. Gives the
/// points that were not reached.
async fn round(
    stage: &Stage,
    repositories: &mut [Registered],
    points: &[&'static str],
    kills: &mut Vec<Kill>,
) -> anyhow::Result<Vec<&'static str>> {
    let pushed = &mut repositories[..points.len()];
    for one in pushed.iter_mut() {
        one.push_surely().await?;
    }
    tokio::time::sleep(DUE).await;
    let mut doomed: Vec<(&'static str, Program)> = Vec::new();
    for (nth, point) in points.iter().enumerate() {
        let mut command = stage.indexer("drain", &format!("worker{nth}"));
        doomed.push((point, stage.start_indexer(command.env("KOTADB_FAIL_POINT", point))?));
    }
    let mut missed = Vec::new();
    for (point, mut program) in doomed {
        let worker = format!("{}-", program.id());
        let status = program.wait(Duration::from_secs(120)).await?;
        if status.signal() == Some(9) {
            kills.push(Kill { point, worker, at: now() });
        } else {
            missed.push(point);
        }
    }
    for one in pushed.iter_mut().step_by(2) {
        one.push_surely().await?;
    }
    stage.drain().await?;
    Ok(missed)
}

async fn report(stage: &Stage, kills: &[Kill], each: usize, findings: &mut Findings) -> anyhow::Result<()> {
    let mut by_point: BTreeMap<&str, u64> = fail_point::NAMES.iter().map(|name| (*name, 0)).collect();
    for kill in kills {
        *by_point.entry(kill.point).or_default() += 1;
    }
    findings.at_least("kills", kills.len() as f64, (each * fail_point::NAMES.len()) as f64);
    findings.at_least(
        "kills at the fail point with the fewest",
        by_point.values().copied().min().unwrap_or(0) as f64,
        each as f64,
    );
    let history = History::read(&stage.postgres).await?;
    let running: Vec<_> = kills.iter().filter(|kill| kill.point != AFTER_ROW).collect();
    findings.never(
        "I6 kills that are not one crash each",
        running.len() as u64,
        history.crashes().abs_diff(running.len() as u64),
    );
    findings.never("jobs given up", history.claims(), history.deaths());
    let mut longest: f64 = 0.0;
    for kill in &running {
        let held = history
            .changes
            .iter()
            .rfind(|change| change.owner.as_ref().is_some_and(|owner| owner.starts_with(&kill.worker)));
        let again = held.and_then(|held| history.runs_after(&held.repository, kill.at));
        longest = longest.max(again.map_or(f64::INFINITY, |again| again - kill.at));
    }
    findings.at_most(
        "seconds until it runs again, with a lease of 4 s",
        running.len() as u64,
        longest,
        LEASE.as_secs_f64() + ON_TOP,
    );
    Ok(())
}
