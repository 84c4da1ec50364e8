//! Fault 13: while a job is about to publish, its branch is rewritten, another one is deleted, or the repository is. What is
//! found in the end is what is there in the end.

use std::time::Duration;

use kotadb_core::testing::s3::faults::Hold;

use super::{DUE, one_tenant};
use crate::invariants::{self, FRESH};
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage, Tenant};

const PATIENCE: Duration = Duration::from_secs(60);

/// Each kind of change in the middle of a publish.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, Duration::from_secs(30), "acme/moving").await?;
    let (mut wrong, runs) = (0, if plan.long { 10 } else { 1 });
    for _ in 0..runs {
        one.push_surely().await?;
        in_publish(&stage, async || rewrite(&mut one).await).await?;
        stage.settle_jobs().await?;
        wrong += u64::from(!invariants::is_searchable(&one).await?);
    }
    findings.never("rewritten branches not found as they are", runs, wrong);
    // Of a tenant of its own: the reader counts lines of other repositories as somebody else's.
    let tenant = stage.tenant("two").await?;
    deleted_branch(&stage, &tenant, findings).await?;
    deleted_repository(&stage, &tenant, findings).await?;
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

/// Holds a worker in its publish, does something, and lets it go.
pub(super) async fn in_publish(
    stage: &Stage,
    meanwhile: impl AsyncFnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    tokio::time::sleep(DUE).await;
    let mut held = stage.s3.hold(Hold::SwapHead, 0);
    let mut worker = stage.start_indexer(&mut stage.indexer("drain", "worker"))?;
    anyhow::ensure!(held.reached(PATIENCE).await, "the publish did not come");
    meanwhile().await?;
    held.release();
    anyhow::ensure!(worker.wait(PATIENCE).await?.success(), "the worker failed");
    Ok(())
}

/// The next generation, on another history.
async fn rewrite(one: &mut Registered) -> anyhow::Result<()> {
    one.repository.git(&["checkout", "--quiet", "--orphan", "rewritten"])?;
    one.repository.push()?;
    one.repository.git(&["branch", "--quiet", "--force", "main", "rewritten"])?;
    one.repository.git(&["checkout", "--quiet", "main"])?;
    one.repository.git(&["branch", "--quiet", "-D", "rewritten"])?;
    let ack = one.deliver().await;
    anyhow::ensure!(ack.is_accepted(), "the delivery was refused: {ack:?}");
    Ok(())
}

async fn deleted_branch(stage: &Stage, tenant: &Tenant, findings: &mut Findings) -> anyhow::Result<()> {
    let mut one = stage.register_refs(tenant, "acme/branches", &["main", "side"]).await?;
    one.repository.git(&["branch", "side"])?;
    stage.settle_jobs().await?;
    one.push_surely().await?;
    in_publish(stage, async || {
        one.repository.git(&["branch", "--quiet", "-D", "side"])?;
        let ack = one.deliver().await;
        anyhow::ensure!(ack.is_accepted(), "the delivery was refused: {ack:?}");
        Ok(())
    })
    .await?;
    stage.settle_jobs().await?;
    tokio::time::sleep(FRESH).await;
    let query = format!("{} ref:side", one.repository.word());
    let found = tenant.api.search(&query, Some(&one.repository.name)).await?;
    findings.never("lines of a deleted branch", 1, found.map_or(1, |lines| lines.len() as u64));
    findings.never(
        "tips beside a deleted branch that are not found",
        1,
        u64::from(!invariants::is_searchable(&one).await?),
    );
    tenant.api.delete(&one.id.to_string()).await
}

async fn deleted_repository(stage: &Stage, tenant: &Tenant, findings: &mut Findings) -> anyhow::Result<()> {
    let mut one = stage.register(tenant, "acme/deleted").await?;
    stage.settle_jobs().await?;
    one.push_surely().await?;
    in_publish(stage, async || tenant.api.delete(&one.id.to_string()).await).await?;
    stage.settle_jobs().await?;
    tokio::time::sleep(FRESH).await;
    let lines = tenant.api.search(&one.repository.word(), None).await?;
    findings.never("lines of a deleted repository", 1, lines.map_or(1, |lines| lines.len() as u64));
    let mut sweep = stage.start_indexer(&mut stage.indexer("sweep", "sweep"))?;
    anyhow::ensure!(sweep.wait(PATIENCE).await?.success(), "the sweep failed");
    let (root, _) = stage.s3.store()?.head(tenant.id).await?;
    findings.never("deleted repositories that HEAD still names", 1, u64::from(root.repositories.contains_key(&one.id)));
    Ok(())
}
