//! Fault 5: a table is locked, so that statements wait. A delivery is answered before its deadline, with a 503 problem, and
//! nothing hangs; afterwards all is as before.

use std::time::{Duration, Instant};

use kotadb_core::db::direct::Direct;

use super::one_tenant;
use crate::invariants;
use crate::proxy::Weather;
use crate::report::Findings;
use crate::stage::Plan;

/// A delivery's own deadline, and a little.
const ANSWER: f64 = 6.0;
const TABLES: [&str; 3] = ["kotadb.deliveries", "kotadb.jobs", "kotadb.hooks"];

/// Locks each table that a delivery needs, then lets every message wait.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, Duration::from_secs(60), "acme/slow").await?;
    let (mut slowest, mut wrong, mut sent, mut recovery): (f64, u64, u64, f64) = (0.0, 0, 0, 0.0);
    let rounds = if plan.long { 3 } else { 1 };
    for table in (0..rounds).flat_map(|_| TABLES) {
        let mut direct = Direct::connect(&stage.postgres.superuser_url()?).await?;
        direct.execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await?;
        let ack = one.deliver().await;
        slowest = slowest.max(ack.took.as_secs_f64());
        wrong += u64::from(!ack.is_unavailable());
        sent += 1;
        direct.execute("ROLLBACK").await?;
        direct.close().await;
        let back = Instant::now();
        one.push_surely().await?;
        recovery = recovery.max(back.elapsed().as_secs_f64());
    }
    findings.never("answers that are no 503 problem", sent, wrong);
    findings.at_most("seconds to the slowest answer", sent, slowest, ANSWER);
    findings.at_most("seconds until a delivery is accepted again", sent, recovery, 5.0);
    stage.postgres.to_router.set(Weather::Slow(Duration::from_millis(20)));
    stage.postgres.to_indexers.set(Weather::Slow(Duration::from_millis(20)));
    let ack = one.push().await?;
    findings.never("deliveries refused at 40 ms a round trip", 1, u64::from(!ack.is_accepted()));
    stage.settle_jobs().await?;
    stage.postgres.to_router.set(Weather::Fine);
    stage.postgres.to_indexers.set(Weather::Fine);
    invariants::check(&stage, &[&one], reader, findings).await
}
