//! Fault 12, the way to the indexer: the Machines API refuses, limits, or does not answer, so wakes are lost. Deliveries are
//! accepted all the same, and the tick of the database alone brings the machine up; it also does so after a worker died.

use std::sync::Arc;
use std::time::Duration;

use kotadb_core::testing::Scripted;
use kotadb_core::testing::chance::Chance;

use super::{DUE, now};
use crate::history::History;
use crate::invariants;
use crate::machine::Machine;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};
use crate::tick::{MINUTE, Tick};

/// A delivery's promise when all is warm, and what a machine with much beside it may add.
const ACK: f64 = 3.0;
/// Between a tick and the claim: the call, the start of the machine, and its first look.
const AFTER_TICK: f64 = 8.0;
/// By the promise, for the lease and the pace that programs have.
const DEAD_WORKER: f64 = 150.0;
/// The same on top of a lease and a pause between two ticks.
const ON_TOP: f64 = 30.0;

/// Periods and leases, as they are or in small.
struct Pace {
    tick: Duration,
    lease: Duration,
}

/// What becomes of the call, which is made once more after a 500.
const LOST: [(&str, &[Scripted]); 4] = [
    ("500", &[Scripted::Status(500), Scripted::Status(500)]),
    ("429", &[Scripted::Status(429)]),
    ("404", &[Scripted::Status(404), Scripted::Status(404)]),
    ("no answer", &[Scripted::Hang]),
];

/// A stage whose indexer is a machine, and a tick.
struct Scene {
    pace: Pace,
    machine: Machine,
    stage: Arc<Stage>,
    one: Registered,
    reader: Reader,
    tick: Tick,
}

/// Lost wakes one by one, then many pushes at random.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let mut scene = Scene::set(plan).await?;
    scene.lost(findings).await?;
    scene.storm(findings).await?;
    scene.end(findings).await
}

/// A worker that dies, and nobody but the tick who sees it.
pub async fn run_tick_alone(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let mut scene = Scene::set(plan).await?;
    scene.dead_worker(findings).await?;
    scene.end(findings).await
}

impl Scene {
    async fn set(plan: &Plan) -> anyhow::Result<Self> {
        let pace = match plan.long {
            true => Pace { tick: MINUTE, lease: Duration::from_secs(60) },
            false => Pace { tick: Duration::from_secs(4), lease: Duration::from_secs(4) },
        };
        let machine = Machine::prepare().await;
        let stage = Arc::new(Stage::open_with(plan, pace.lease, machine.settings()).await?);
        machine.belong_to(&stage);
        let tenant = stage.tenant("one").await?;
        let one = stage.register(&tenant, "acme/woken").await?;
        anyhow::ensure!(
            invariants::until_searchable(&one, Duration::from_secs(60)).await?.is_some(),
            "the registration wakes nobody: {}",
            stage.last_log("router.log")
        );
        let reader = Reader::start(vec![(tenant, vec![one.repository.name.clone()])]);
        machine.stopped().await;
        let tick = Tick::start(&stage, pace.tick).await?;
        Ok(Self { pace, machine, stage, one, reader, tick })
    }

    async fn end(self, findings: &mut Findings) -> anyhow::Result<()> {
        let Self { machine, stage, one, reader, tick, .. } = self;
        findings.at_least("calls of the tick", tick.calls() as f64, 1.0);
        findings.at_least("starts that were asked for", machine.starts() as f64, 1.0);
        drop(tick);
        machine.stopped().await;
        stage.settle_jobs().await?;
        invariants::check(&stage, &[&one], reader, findings).await
    }

    /// One push after the other whose wake is lost, so that only the tick is left.
    async fn lost(&mut self, findings: &mut Findings) -> anyhow::Result<()> {
        let Self { pace, machine, stage, one, .. } = self;
        let (mut slowest, mut longest): (f64, f64) = (0.0, 0.0);
        for (name, answers) in LOST {
            machine.script(answers);
            let at = now();
            let ack = one.push().await?;
            anyhow::ensure!(ack.is_accepted(), "{name}: the delivery was refused: {ack:?}");
            slowest = slowest.max(ack.took.as_secs_f64());
            let found = invariants::until_searchable(one, pace.tick * 2 + Duration::from_secs(60)).await?;
            let claimed = History::read(&stage.postgres).await?.runs_after(&one.id.to_string(), at);
            let waited = claimed.filter(|_| found.is_some()).map_or(f64::INFINITY, |claimed| claimed - at);
            println!("wakes: {name}: claimed after {waited:.1} s");
            longest = longest.max(waited);
            machine.stopped().await;
        }
        let tick = pace.tick.as_secs_f64();
        findings.at_most("seconds to the slowest acknowledgement, wakes lost", LOST.len() as u64, slowest, ACK);
        findings.at_most(
            &format!("seconds until a job is taken whose wake was lost, tick each {tick} s"),
            LOST.len() as u64,
            longest,
            tick + DUE.as_secs_f64() + AFTER_TICK,
        );
        Ok(())
    }

    /// Pushes at random moments, of which half meet a fault, and a machine that comes and goes meanwhile: none is left over.
    async fn storm(&mut self, findings: &mut Findings) -> anyhow::Result<()> {
        let Self { pace, machine, stage, one, .. } = self;
        let chance = Chance::new(stage.plan.seed);
        let pushes = if stage.plan.long { 100 } else { 12 };
        let (mut refused, mut spent) = (0, 0);
        for _ in 0..pushes {
            let starts = machine.starts();
            // Pushes share calls, so what was scripted would heap up.
            if let Some((_, answers)) =
                LOST.get(chance.below(2 * LOST.len() as u64) as usize).filter(|_| starts >= spent)
            {
                machine.script(answers);
                spent = starts + answers.len() as u64;
            }
            refused += u64::from(!one.push().await?.is_accepted());
            tokio::time::sleep(Duration::from_millis(chance.below(1500))).await;
        }
        let patience = pace.tick * 3 + Duration::from_secs(60);
        let found = invariants::until_searchable(one, patience).await?;
        findings.never("deliveries refused while wakes are lost at random", pushes, refused);
        findings.never("last tips that no wake and no tick brings", pushes, u64::from(found.is_none()));
        machine.stopped().await;
        Ok(())
    }

    /// A worker dies in its job, no other runs, and all wakes are over: only the tick sees the lease that ends.
    async fn dead_worker(&mut self, findings: &mut Findings) -> anyhow::Result<()> {
        let Self { pace, machine, stage, one, .. } = self;
        let (mut longest, mut runs): (f64, u64) = (0.0, 0);
        for point in ["build.planned", "publish.before_swap"] {
            // This push's own wake starts nobody, so that the worker that dies is ours.
            machine.script(&[Scripted::Status(429)]);
            one.push_surely().await?;
            tokio::time::sleep(DUE).await;
            let mut command = stage.indexer("drain", "doomed");
            let mut doomed = stage.start_indexer(command.env("KOTADB_FAIL_POINT", point))?;
            let status = doomed.wait(Duration::from_secs(60)).await?;
            let at = now();
            if status.success() {
                // The tick was faster, so the job was another worker's.
                machine.stopped().await;
                continue;
            }
            let found = invariants::until_searchable(one, Duration::from_secs(240)).await?;
            let again = History::read(&stage.postgres).await?.runs_after(&one.id.to_string(), at);
            let waited = again.filter(|_| found.is_some()).map_or(f64::INFINITY, |again| again - at);
            println!("wakes: worker dead at {point}: claimed after {waited:.1} s");
            longest = longest.max(waited);
            runs += 1;
            machine.stopped().await;
        }
        let (tick, lease) = (pace.tick.as_secs_f64(), pace.lease.as_secs_f64());
        findings.at_most(
            &format!("seconds until a dead worker's job runs again, by a tick each {tick} s alone, lease of {lease} s"),
            runs,
            longest,
            if stage.plan.long { DEAD_WORKER } else { tick + lease + ON_TOP },
        );
        Ok(())
    }
}
