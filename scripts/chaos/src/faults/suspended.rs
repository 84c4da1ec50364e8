//! Fault 9, again and again: a repository kills the process of each of its jobs. After the third crash it stands still: a push
//! starts nothing, until an operator retries its job.

use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{DUE, one_tenant};
use crate::history::History;
use crate::invariants;
use crate::program::Program;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

const LEASE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(60);
/// Crashes after which a job is given up.
const MOST_CRASHES: u64 = 3;
/// In which a loop would show.
const A_WHILE: Duration = Duration::from_secs(4);

/// Crashes, then a push, then the retry.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, LEASE, "acme/steady").await?;
    let tenant = stage.tenant("two").await?;
    let mut poison = stage.register(&tenant, "acme/poison").await?;
    stage.drain().await?;
    let mut worker = stage.start_indexer(&mut stage.indexer("serve", "worker"))?;
    let (mut runs, mut not_still, mut looped, mut not_back, mut late) = (0, 0, 0, 0, 0);
    for _ in 0..if plan.long { 10 } else { 1 } {
        let claims = claims(&stage, &poison).await?;
        stage.gate.set_silent(&poison.repository.name, true);
        poison.push_surely().await?;
        crash_until_given_up(&stage, &poison, &worker).await?;
        not_still += u64::from(state(&stage, &poison).await? != "dead crash crashes");
        // What its owner pushes now starts nothing, and the delivery is no less accepted.
        let ack = poison.push().await?;
        anyhow::ensure!(ack.is_accepted(), "the delivery was refused: {ack:?}");
        one.push_surely().await?;
        tokio::time::sleep(A_WHILE).await;
        late += u64::from(invariants::until_searchable(&one, PATIENCE).await?.is_none());
        looped += self::claims(&stage, &poison).await?.abs_diff(claims + MOST_CRASHES);
        stage.gate.set_silent(&poison.repository.name, false);
        retry(&stage, &poison).await?;
        not_back += u64::from(invariants::until_searchable(&poison, PATIENCE).await?.is_none());
        poison.push_surely().await?;
        not_back += u64::from(invariants::until_searchable(&poison, PATIENCE).await?.is_none());
        runs += 1;
    }
    anyhow::ensure!(worker.ended()?.is_none(), "the worker ended: {}", stage.last_log("indexer.log"));
    worker.signal(Signal::SIGTERM)?;
    worker.wait(PATIENCE).await?;
    findings.never("repositories that do not stand still after three crashes", runs, not_still);
    findings.never("claims beyond those three", runs, looped);
    findings.never("tips of others that are not found meanwhile", runs, late);
    findings.never("tips not found after the operator's retry", runs, not_back);
    let history = History::read(&stage.postgres).await?;
    findings.never(
        "crashes that were not caused",
        runs * MOST_CRASHES,
        history.crashes().abs_diff(runs * MOST_CRASHES),
    );
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one, &poison], reader, findings).await
}

/// Ends each process that waits for the silent remote.
async fn crash_until_given_up(stage: &Stage, poison: &Registered, worker: &Program) -> anyhow::Result<()> {
    let since = Instant::now();
    tokio::time::sleep(DUE).await;
    while !state(stage, poison).await?.starts_with("dead") {
        anyhow::ensure!(since.elapsed() < PATIENCE, "it is not given up: {}", stage.last_log("indexer.log"));
        if state(stage, poison).await?.starts_with("running")
            && let Some(child) = worker.children().first()
        {
            // One that has ended meanwhile is as good.
            let _gone_already = kill(Pid::from_raw(*child), Signal::SIGSEGV);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// As an operator does it in the SQL editor.
async fn retry(stage: &Stage, one: &Registered) -> anyhow::Result<()> {
    let retry = format!(
        "SELECT kotadb.requeue_job(id) FROM kotadb.jobs WHERE repository_id = '{}' AND state = 'dead' ORDER BY id DESC LIMIT 1",
        one.id
    );
    let said = stage.postgres.texts(&retry).await?.into_iter().next().context("there is no dead job")?;
    anyhow::ensure!(said.ends_with("is queued"), "the retry says: {said}");
    Ok(())
}

async fn claims(stage: &Stage, one: &Registered) -> anyhow::Result<u64> {
    let (history, id) = (History::read(&stage.postgres).await?, one.id.to_string());
    Ok(history.changes.iter().filter(|change| change.is_claim() && change.repository == id).count() as u64)
}

/// State and error of the newest job, and why the repository stands still.
async fn state(stage: &Stage, one: &Registered) -> anyhow::Result<String> {
    let newest = format!(
        "SELECT concat_ws(' ', j.state, j.error_class, r.suspended_because) FROM kotadb.jobs j
         JOIN kotadb.repositories r ON r.id = j.repository_id WHERE r.id = '{}' ORDER BY j.id DESC LIMIT 1",
        one.id
    );
    stage.postgres.texts(&newest).await?.into_iter().next().context("no job")
}
