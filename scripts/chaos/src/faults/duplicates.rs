//! Fault 7: the same delivery a hundred times at once, deliveries out of order, and one again long after its job is done.
//! One row, one job, and what the remote holds last is what is found.

use std::time::Duration;

use futures::future::join_all;
use uuid::Uuid;

use super::one_tenant;
use crate::invariants;
use crate::report::Findings;
use crate::stage::Plan;

const COPIES: usize = 100;

/// Some deliveries, each a hundred times.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, Duration::from_secs(60), "acme/twice").await?;
    let (mut runs, mut more_rows, mut more_jobs, mut refused) = (0, 0, 0, 0);
    let jobs = "SELECT count(*)::text FROM kotadb.jobs";
    let mut ids = Vec::new();
    for _ in 0..if plan.long { 10 } else { 2 } {
        let before = stage.postgres.number(jobs).await?;
        one.repository.push()?;
        let id = Uuid::now_v7();
        let acks = join_all((0..COPIES).map(|_| one.tenant.api.deliver(&one.hook, id))).await;
        refused += acks.iter().filter(|ack| !ack.is_accepted() && !ack.is_unavailable()).count() as u64;
        // Whoever was refused for want of room tries again, as GitHub's users do.
        while !one.tenant.api.deliver(&one.hook, id).await.is_accepted() {}
        let rows = format!("SELECT count(*)::text FROM kotadb.deliveries WHERE delivery_id = '{id}'");
        more_rows += stage.postgres.number(&rows).await?.abs_diff(1);
        more_jobs += (stage.postgres.number(jobs).await? - before).abs_diff(1);
        runs += COPIES as u64;
        ids.push(id);
        tokio::time::sleep(super::DUE).await;
        stage.drain().await?;
    }
    let before = stage.postgres.number(jobs).await?;
    // Days later GitHub, or somebody at GitHub, sends all of them again, in another order.
    for id in ids.iter().rev() {
        let ack = one.tenant.api.deliver(&one.hook, *id).await;
        refused += u64::from(!ack.is_accepted());
    }
    more_jobs += stage.postgres.number(jobs).await?.abs_diff(before);
    findings.never("rows more or less than one a delivery", runs, more_rows);
    findings.never("jobs more or less than one a delivery", runs, more_jobs);
    findings.never("copies answered neither 202 nor a 503 problem", runs, refused);
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}
