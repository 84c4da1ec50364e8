//! Fault 2: a worker that sleeps through its lease with the process of its job, in the middle of its publish, publishes nothing
//! when it wakes: neither when its successor has published, nor when that has only begun.

use std::time::Duration;

use kotadb_core::testing::s3::faults::Hold;
use nix::sys::signal::Signal;

use crate::invariants;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

const PATIENCE: Duration = Duration::from_secs(60);

/// What the worker waits for when it is put to sleep, and how far its successor is when it wakes.
#[derive(Clone, Copy, Debug)]
struct Case {
    hold: Hold,
    /// Requests of that kind before the one of the publish.
    skip: u32,
    successor_published: bool,
}

/// All cases, with a lease of 60 s and 90 s of sleep, or in small.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (lease, sleep) = if plan.long { (60, 90) } else { (3, 5) };
    let stage = Stage::start(plan, Duration::from_secs(lease)).await?;
    let tenant = stage.tenant("one").await?;
    let mut one = stage.register(&tenant, "acme/zombie").await?;
    stage.drain().await?;
    let reader = Reader::start(vec![(tenant.clone(), vec![one.repository.name.clone()])]);
    let (mut published, mut cases) = (0, 0);
    for hold in [Hold::SwapHead, Hold::ReadHead] {
        for successor_published in [true, false] {
            // HEAD is read once where a run begins.
            let skip = u32::from(hold == Hold::ReadHead);
            let case = Case { hold, skip, successor_published };
            published += u64::from(published_by_zombie(&stage, &mut one, case, Duration::from_secs(sleep)).await?);
            cases += 1;
        }
    }
    findings.never(&format!("publishes of a worker that slept {sleep} s"), cases, published);
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

/// Whether a worker publishes that was put to sleep in its publish.
async fn published_by_zombie(stage: &Stage, one: &mut Registered, case: Case, sleep: Duration) -> anyhow::Result<bool> {
    one.push_surely().await?;
    let commit = one.repository.commit_of("HEAD")?;
    let is_published = || stage.s3.heads().published_at(one.tenant.id, one.id, commit).is_some();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let mut request = stage.s3.hold(case.hold, case.skip);
    let mut zombie = stage.start_indexer(&mut stage.indexer("drain", "zombie"))?;
    anyhow::ensure!(request.reached(PATIENCE).await, "{case:?}: the request did not come");
    zombie.signal_all(Signal::SIGSTOP)?;
    tokio::time::sleep(sleep).await;
    // The successor raises the fence first; its second swap is its publish.
    let mut publish = (!case.successor_published).then(|| stage.s3.hold(Hold::SwapHead, 1));
    let mut successor = stage.start_indexer(&mut stage.indexer("drain", "successor"))?;
    match &mut publish {
        Some(publish) => anyhow::ensure!(publish.reached(PATIENCE).await, "{case:?}: the successor did not publish"),
        None => anyhow::ensure!(successor.wait(PATIENCE).await?.success(), "{case:?}: the successor failed"),
    }
    let before = is_published();
    anyhow::ensure!(before == case.successor_published, "{case:?}: the successor is not where it should be");
    request.release();
    zombie.signal_all(Signal::SIGCONT)?;
    // It has more than enough time for what it must not do.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let is_broken = is_published() != before;
    if let Some(publish) = publish {
        publish.release();
        successor.wait(PATIENCE).await?;
    }
    zombie.wait(PATIENCE).await?;
    Ok(is_broken)
}
