//! Fault 8: very many pushes at once. At most two jobs of a repository are outstanding, the last tip is found, many tenants
//! with many repositories all are served, and a small tenant does not wait behind a large one.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::one_tenant;
use crate::history::History;
use crate::invariants;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

/// A burst waits at most 30 s, and then runs.
const UNTIL_FOUND: f64 = 45.0;
/// Job lengths that a small tenant may wait.
const LENGTHS: f64 = 2.0;
const QUEUED: usize = 5000;

/// 1,000 pushes in 10 s on one repository, then a crowd, then a small tenant behind a large one.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, Duration::from_secs(60), "acme/storm").await?;
    let mut server = stage.start_indexer(&mut stage.indexer("serve", "server"))?;
    let (pushes, time) = if plan.long { (1000, 10.0) } else { (300, 3.0) };
    let accepted = pour(&mut one, pushes, time).await?;
    let found = invariants::until_searchable(&one, Duration::from_secs(90)).await?;
    let history = History::read(&stage.postgres).await?;
    findings.at_least("pushes accepted", accepted as f64, pushes as f64 * 0.95);
    findings.at_most("outstanding jobs of one repository", pushes, history.most_outstanding() as f64, 2.0);
    findings.at_most(
        "seconds until the last tip is found",
        1,
        found.map_or(f64::INFINITY, |found| found.as_secs_f64()),
        UNTIL_FOUND,
    );
    let crowd = crowd(&stage, findings).await?;
    server.signal(Signal::SIGTERM)?;
    server.wait(Duration::from_secs(60)).await?;
    stage.settle_jobs().await?;
    small_behind_large(&stage, findings).await?;
    let all: Vec<_> = crowd.iter().chain([&one]).collect();
    invariants::check(&stage, &all, reader, findings).await
}

/// Deliveries at an even pace, of which every fiftieth has a commit of its own.
async fn pour(one: &mut Registered, pushes: u64, time: f64) -> anyhow::Result<u64> {
    let since = Instant::now();
    let mut sent = tokio::task::JoinSet::new();
    for nth in 0..pushes {
        if nth % 50 == 49 {
            one.repository.push()?;
        }
        let (api, hook) = (one.tenant.api.clone(), one.hook.clone());
        sent.spawn(async move { api.deliver(&hook, uuid::Uuid::now_v7()).await });
        let due = Duration::from_secs_f64(time * (nth + 1) as f64 / pushes as f64);
        tokio::time::sleep(due.saturating_sub(since.elapsed())).await;
    }
    let mut accepted = 0;
    while let Some(ack) = sent.join_next().await {
        accepted += u64::from(ack?.is_accepted());
    }
    one.push_surely().await?;
    Ok(accepted)
}

/// Repositories of many tenants, all pushed to at once; all are found in the end.
async fn crowd(stage: &Stage, findings: &mut Findings) -> anyhow::Result<Vec<Registered>> {
    let (tenants, repositories) = if stage.plan.long { (25, 4) } else { (4, 2) };
    let mut crowd = Vec::new();
    for tenant in 0..tenants {
        let owner = stage.tenant(&format!("crowd{tenant}")).await?;
        for nth in 0..repositories {
            crowd.push(stage.register(&owner, &format!("crowd{tenant}/r{nth}")).await?);
        }
    }
    for one in &mut crowd {
        one.push_surely().await?;
    }
    let mut late = 0;
    for one in &crowd {
        late += u64::from(invariants::until_searchable(one, Duration::from_secs(120)).await?.is_none());
    }
    findings.never("tips of a crowd that are not found in time", crowd.len() as u64, late);
    Ok(crowd)
}

/// How long a job waits that is queued behind 5,000 of another tenant, in lengths of a job.
async fn small_behind_large(stage: &Stage, findings: &mut Findings) -> anyhow::Result<()> {
    let large = stage.tenant("large").await?;
    let source = crate::repository::Repository::new("large/source")?;
    for nth in 0..QUEUED {
        stage.git.insert(&format!("large/r{nth}"), source.path());
    }
    let (tenant, origin) = (large.id, stage.git.origin());
    let rows = format!(
        "INSERT INTO kotadb.repositories (id, tenant_id, name, url, ref_patterns)
         SELECT gen_random_uuid(), '{tenant}', 'large/r' || n, '{origin}/large/r' || n, '{{}}' FROM generate_series(0, {QUEUED} - 1) n;
         INSERT INTO kotadb.jobs (id, tenant_id, repository_id, kind, trigger, priority, rebuild, run_at)
         SELECT gen_random_uuid(), tenant_id, id, 'index', 'push', 10, false, now() FROM kotadb.repositories
         WHERE tenant_id = '{tenant}' AND name LIKE 'large/%'"
    );
    stage.postgres.execute(&rows).await?;
    let small = stage.tenant("small").await?;
    let mut one = stage.register(&small, "small/only").await?;
    let mut server = stage.start_indexer(&mut stage.indexer("serve", "fair"))?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    one.push_surely().await?;
    let found = invariants::until_searchable(&one, Duration::from_secs(60)).await?;
    server.signal(Signal::SIGTERM)?;
    server.wait(Duration::from_secs(60)).await?;
    let figures = format!(
        "SELECT (max(extract(epoch FROM started_at - greatest(run_at, created_at))) FILTER (WHERE repository_id = '{}')
             / percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at)))::float8::text
         FROM kotadb.jobs WHERE state = 'done' AND started_at > now() - interval '90 seconds'",
        one.id
    );
    let lengths = stage.postgres.texts(&figures).await?.first().and_then(|text| text.parse::<f64>().ok());
    let lengths = lengths.filter(|_| found.is_some()).unwrap_or(f64::INFINITY);
    findings.at_most("job lengths that a small tenant waits behind 5,000 jobs", 1, lengths, LENGTHS);
    stage
        .postgres
        .execute("UPDATE kotadb.jobs SET state = 'cancelled', finished_at = now() WHERE state = 'queued'")
        .await
}
