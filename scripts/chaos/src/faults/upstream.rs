//! Fault 13, what happens to a repository at its host while a job of it is about to publish: it is renamed, transferred, made
//! private or deleted. What is known and found in the end is what is true in the end.

use std::time::Duration;

use kotadb_core::store::Store;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::{clock, gc};

use super::moving::in_publish;
use super::{DUE, one_tenant};
use crate::invariants::{self, FRESH};
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage, Tenant};

const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: u64 = 3600 * 1000;

/// Each of them once, or several times.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, one, reader) = one_tenant(plan, Duration::from_secs(30), "acme/upstream").await?;
    let tenant = stage.tenant("two").await?;
    let runs = if plan.long { 5 } else { 1 };
    let (mut renamed, mut sent_away, mut transferred, mut private) = (0, 0, 0, 0);
    // Served to the end: sweeps look at all of them.
    let mut kept = Vec::new();
    for nth in 0..runs {
        let count = |(one, is_right): (Registered, bool), wrong: &mut u64, kept: &mut Vec<Registered>| {
            *wrong += u64::from(!is_right);
            kept.push(one);
        };
        count(is_renamed(&stage, &tenant, nth).await?, &mut renamed, &mut kept);
        count(is_sent_away(&stage, &tenant, nth).await?, &mut sent_away, &mut kept);
        count(is_transferred(&stage, &tenant, nth).await?, &mut transferred, &mut kept);
        count(is_private(&stage, &tenant, nth).await?, &mut private, &mut kept);
    }
    findings.never("renamed repositories not found by both names", runs, renamed);
    findings.never("tips lost because a job looked under a former name", runs, sent_away);
    findings.never("transferred repositories that do not stand still, or are not found", runs, transferred);
    findings.never("private repositories that are lost, or not found when public again", runs, private);
    let mut left = 0;
    for nth in 0..runs {
        left += deleted(&stage, nth).await?;
    }
    findings.never("objects and entries left of repositories deleted at their host", runs, left);
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

async fn registered(stage: &Stage, tenant: &Tenant, name: &str) -> anyhow::Result<Registered> {
    let mut one = stage.register(tenant, name).await?;
    stage.settle_jobs().await?;
    one.push_surely().await?;
    Ok(one)
}

/// The host calls it `to` now, and answers to the former name with the way there.
fn rename_at_host(stage: &Stage, one: &Registered, to: &str) {
    stage.git.insert(to, one.repository.path());
    stage.gate.move_to(&one.repository.name, to);
}

async fn tell(one: &Registered, action: &str, name: &str) -> anyhow::Result<()> {
    let ack = one.tenant.api.tell(&one.hook, action, name).await;
    anyhow::ensure!(ack.is_accepted() && ack.outcome == "applied", "`{action}` was not applied: {ack:?}");
    Ok(())
}

/// Told in the middle of a publish.
async fn is_renamed(stage: &Stage, tenant: &Tenant, nth: u64) -> anyhow::Result<(Registered, bool)> {
    let mut one = registered(stage, tenant, &format!("acme/old{nth}")).await?;
    let to = format!("acme/new{nth}");
    in_publish(stage, async || {
        rename_at_host(stage, &one, &to);
        tell(&one, "renamed", &to).await
    })
    .await?;
    stage.settle_jobs().await?;
    let mut is_right = invariants::is_searchable(&one).await?;
    one.push_surely().await?;
    stage.settle_jobs().await?;
    is_right &= invariants::is_searchable(&one).await?;
    let by_new = tenant.api.search(&one.repository.word(), Some(&to)).await?;
    Ok((one, is_right && by_new.is_some_and(|lines| lines.len() == crate::repository::FILES)))
}

/// Told only after the job was sent away from the former name, and given up for that.
async fn is_sent_away(stage: &Stage, tenant: &Tenant, nth: u64) -> anyhow::Result<(Registered, bool)> {
    let one = registered(stage, tenant, &format!("acme/here{nth}")).await?;
    let to = format!("acme/there{nth}");
    rename_at_host(stage, &one, &to);
    tokio::time::sleep(DUE).await;
    stage.drain().await?;
    tell(&one, "renamed", &to).await?;
    stage.settle_jobs().await?;
    let is_found = invariants::is_searchable(&one).await?;
    Ok((one, is_found))
}

/// What was published stays to be found by its owner here, and nothing more is fetched.
async fn is_transferred(stage: &Stage, tenant: &Tenant, nth: u64) -> anyhow::Result<(Registered, bool)> {
    let mut one = registered(stage, tenant, &format!("acme/mine{nth}")).await?;
    let to = format!("zeta/mine{nth}");
    in_publish(stage, async || {
        rename_at_host(stage, &one, &to);
        tell(&one, "transferred", &to).await
    })
    .await?;
    stage.settle_jobs().await?;
    let is_found = invariants::is_searchable(&one).await?;
    let ack = one.push().await?;
    anyhow::ensure!(ack.is_accepted() && ack.outcome == "ignored", "a push was not ignored: {ack:?}");
    stage.settle_jobs().await?;
    let is_right = is_found && known(stage, &one).await? == format!("{to} transferred");
    Ok((one, is_right))
}

/// Without leave its jobs are given up; what is held stays, and when it is public again nothing is missing.
async fn is_private(stage: &Stage, tenant: &Tenant, nth: u64) -> anyhow::Result<(Registered, bool)> {
    let name = format!("acme/closed{nth}");
    let mut one = registered(stage, tenant, &name).await?;
    in_publish(stage, async || {
        stage.gate.set_private(&name, true);
        tell(&one, "privatized", &name).await
    })
    .await?;
    stage.settle_jobs().await?;
    let is_held = invariants::is_searchable(&one).await?;
    one.push_surely().await?;
    stage.settle_jobs().await?;
    let given_up = format!(
        "SELECT count(*)::text FROM kotadb.jobs WHERE repository_id = '{}' AND state = 'dead' AND error_class = 'permanent'",
        one.id
    );
    let is_given_up = stage.postgres.number(&given_up).await? == 1;
    stage.gate.set_private(&name, false);
    tell(&one, "publicized", &name).await?;
    stage.settle_jobs().await?;
    let is_right = is_held && is_given_up && invariants::is_searchable(&one).await?;
    Ok((one, is_right))
}

/// It stands still for a week, is deleted here by the first sweep after that, and its objects are gone a day later. How
/// much is left then.
async fn deleted(stage: &Stage, nth: u64) -> anyhow::Result<u64> {
    // Of a tenant of its own, so that everything in the store is its.
    let tenant = stage.tenant(&format!("deleting{nth}")).await?;
    let name = format!("acme/deleted{nth}");
    let one = registered(stage, &tenant, &name).await?;
    in_publish(stage, async || {
        stage.gate.forget(&name);
        tell(&one, "deleted", &name).await
    })
    .await?;
    stage.settle_jobs().await?;
    let jobs = format!(
        "SELECT count(*)::text FROM kotadb.jobs WHERE repository_id = '{}' AND state IN ('queued', 'running')",
        one.id
    );
    let mut left = u64::try_from(stage.postgres.number(&jobs).await?)?;
    left += u64::from(known(stage, &one).await? != format!("{name} gone"));
    let week = format!(
        "UPDATE kotadb.repositories SET upstream_gone_at = upstream_gone_at - interval '8 days' WHERE id = '{}'",
        one.id
    );
    stage.postgres.execute(&week).await?;
    for _ in 0..2 {
        let mut sweep = stage.start_indexer(&mut stage.indexer("sweep", "sweep"))?;
        anyhow::ensure!(sweep.wait(PATIENCE).await?.success(), "the sweep failed: {}", stage.last_log("indexer.log"));
    }
    tokio::time::sleep(FRESH).await;
    let lines = tenant.api.search(&one.repository.word(), None).await?;
    left += lines.map_or(1, |lines| lines.len() as u64);
    let store = stage.s3.store()?;
    Ok(left + objects(&store, &tenant).await?)
}

/// What the store holds of a tenant two days later, and what HEAD names.
async fn objects(store: &Store, tenant: &Tenant) -> anyhow::Result<u64> {
    for hours in [26, 51] {
        gc::collect(store, tenant.id, clock::now_ms() + hours * HOUR, &Halt::default()).await?;
    }
    let (root, _) = store.head(tenant.id).await?;
    let there = store.list(tenant.id).await?;
    Ok((there.len() + root.segments.len() + root.repositories.len()) as u64)
}

/// Name of a repository here, and why it stands still.
async fn known(stage: &Stage, one: &Registered) -> anyhow::Result<String> {
    let row = format!(
        "SELECT concat_ws(' ', name, suspended_because) FROM kotadb.repositories WHERE id = '{}' AND deleted_at IS NULL",
        one.id
    );
    Ok(stage.postgres.texts(&row).await?.into_iter().next().unwrap_or_default())
}
