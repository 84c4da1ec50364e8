//! Fault 4: Postgres restarts in order and by a crash, the pooler restarts, all its connections are taken. Deliveries are
//! accepted and kept, or refused with 503; afterwards the same processes go on.

use std::time::{Duration, Instant};

use kotadb_core::db::{Db, Scope, Tx};
use nix::sys::signal::Signal;
use uuid::Uuid;

use crate::api::Ack;
use crate::invariants;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

/// After Postgres is back.
const RECOVERY: f64 = 5.0;
/// A delivery's own deadline, and a little.
const ANSWER: f64 = 6.0;
/// Connections of the pooler to Postgres for one login.
const POOL: usize = 4;
const KINDS: [&str; 4] = ["restart", "crash", "pooler", "pool full"];

/// What became of the deliveries.
#[derive(Debug, Default)]
struct Deliveries {
    accepted: Vec<Uuid>,
    sent: u64,
    wrong: u64,
    slowest: f64,
}

/// Each kind in turn, some times.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let mut stage = Stage::open(plan, Duration::from_secs(15)).await?;
    let tenant = stage.tenant("one").await?;
    let mut one = stage.register(&tenant, "acme/away").await?;
    stage.drain().await?;
    let reader = Reader::start(vec![(tenant.clone(), vec![one.repository.name.clone()])]);
    let mut server = stage.start_indexer(&mut stage.indexer("serve", "server"))?;
    let (mut deliveries, mut recovery): (Deliveries, f64) = (Deliveries::default(), 0.0);
    let rounds = if plan.long { 5 } else { 1 };
    for kind in (0..rounds).flat_map(|_| KINDS) {
        one.push_surely().await?;
        disturb(&mut stage, kind, &one, &mut deliveries).await?;
        let back = Instant::now();
        while !deliver(&one, &mut deliveries).await.is_accepted() {
            anyhow::ensure!(back.elapsed() < Duration::from_secs(60), "{kind}: the router does not recover");
        }
        recovery = recovery.max(back.elapsed().as_secs_f64());
        anyhow::ensure!(server.ended()?.is_none(), "{kind}: the indexer ended: {}", stage.last_log("indexer.log"));
    }
    server.signal(Signal::SIGTERM)?;
    anyhow::ensure!(server.wait(Duration::from_secs(60)).await?.success(), "the indexer failed");
    let Deliveries { accepted, sent, wrong, slowest } = deliveries;
    findings.never("accepted deliveries that are lost", accepted.len() as u64, lost(&stage, &accepted).await?);
    findings.never("answers that are neither 202 nor a 503 problem", sent, wrong);
    findings.at_most("seconds to the slowest answer", sent, slowest, ANSWER);
    findings.at_most("seconds until a delivery is accepted again", rounds * KINDS.len() as u64, recovery, RECOVERY);
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

async fn disturb(stage: &mut Stage, kind: &str, one: &Registered, deliveries: &mut Deliveries) -> anyhow::Result<()> {
    match kind {
        "pooler" => stage.postgres.restart_pooler(),
        "pool full" => {
            let taken = Taken::all(stage).await?;
            deliver_for(one, Duration::from_secs(3), deliveries).await;
            taken.give_back().await;
            Ok(())
        }
        _ => {
            stage.postgres.stop(kind == "crash").await?;
            deliver_for(one, Duration::from_secs(2), deliveries).await;
            stage.postgres.start_again().await
        }
    }
}

async fn deliver_for(one: &Registered, time: Duration, deliveries: &mut Deliveries) {
    let since = Instant::now();
    while since.elapsed() < time {
        deliver(one, deliveries).await;
    }
}

async fn deliver(one: &Registered, deliveries: &mut Deliveries) -> Ack {
    let id = Uuid::now_v7();
    let ack = one.tenant.api.deliver(&one.hook, id).await;
    deliveries.sent += 1;
    deliveries.slowest = deliveries.slowest.max(ack.took.as_secs_f64());
    if ack.is_accepted() {
        deliveries.accepted.push(id);
    } else if !ack.is_unavailable() {
        eprintln!("postgres away: {ack:?}");
        deliveries.wrong += 1;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    ack
}

async fn lost(stage: &Stage, accepted: &[Uuid]) -> anyhow::Result<u64> {
    let kept = stage.postgres.texts("SELECT delivery_id::text FROM kotadb.deliveries").await?;
    Ok(accepted.iter().filter(|id| !kept.contains(&id.to_string())).count() as u64)
}

/// All connections of the pooler.
struct Taken {
    db: Db,
    open: Vec<Tx>,
}

impl Taken {
    async fn all(stage: &Stage) -> anyhow::Result<Self> {
        let db = stage.postgres.db()?;
        let mut open = Vec::new();
        for _ in 0..POOL {
            // Others may hold one for a moment: then fewer are to be had, and all are taken.
            match tokio::time::timeout(Duration::from_secs(2), db.begin(Scope::Anonymous)).await {
                Ok(tx) => open.push(tx?),
                Err(_) => break,
            }
        }
        anyhow::ensure!(open.len() + 1 >= POOL, "the pool could not be filled: {} of {POOL}", open.len());
        Ok(Self { db, open })
    }

    async fn give_back(self) {
        drop(self.open);
        self.db.close().await;
    }
}
