//! Fault 9, memory: a repository needs more than its process may have, or than there is. The process ends, by its own limit or
//! by the kernel; that passes, so the job waits and is tried again, and no worker ends with it.

use std::time::Duration;

use super::{DUE, one_tenant};
use crate::cgroup::Cgroup;
use crate::history::History;
use crate::invariants;
use crate::program::Program;
use crate::report::Findings;
use crate::repository::Repository;
use crate::stage::{Plan, Registered, Stage};

const LEASE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(180);
/// Too little at all, and too little for what comes later in a job.
const LIMITS_MIB: [u64; 7] = [8, 16, 32, 48, 64, 96, 128];
/// What a worker shares with its job's process, until that is too little. A kernel takes back what it can before.
const GROUPS_MIB: [u64; 4] = [32, 24, 18, 14];
/// Files of the repository, of this many bytes each.
const FILES: usize = 8;
const FILE_BYTES: usize = 4 << 20;

/// Limits of the process first, then one of the kernel.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, LEASE, "acme/memory").await?;
    let tenant = stage.tenant("two").await?;
    let mut large = stage.register(&tenant, "acme/large").await?;
    stage.drain().await?;
    let limits: Vec<_> =
        LIMITS_MIB.into_iter().skip(usize::from(!plan.long)).step_by(if plan.long { 1 } else { 2 }).collect();
    let (mut wrong, mut short) = (0, 0);
    for limit in &limits {
        fill(&large.repository, FILES, *limit)?;
        push(&mut [&mut large, &mut one]).await?;
        let mut command = stage.indexer("drain", "short");
        let command = command.env("KOTADB_JOB_MEMORY_BYTES", (limit << 20).to_string());
        let (is_right, was_short) =
            tried(&stage, stage.start_indexer(command)?, &large, &format!("{limit} MiB")).await?;
        wrong += u64::from(!is_right);
        short += u64::from(was_short);
        stage.settle_jobs().await?;
    }
    findings.at_least("runs that had too little memory", short as f64, 1.0);
    findings.never("runs with little memory that do not pass or wait for another try", limits.len() as u64, wrong);
    ended_by_kernel(&stage, (&mut large, &mut one), findings).await?;
    findings.never("crashes counted", 1, History::read(&stage.postgres).await?.crashes());
    stage.settle_jobs().await?;
    tenant.api.delete(&large.id.to_string()).await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

/// In a cgroup that holds the worker, and not its job's process.
async fn ended_by_kernel(
    stage: &Stage,
    (large, one): (&mut Registered, &mut Registered),
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let (mut kills, mut wrong, mut beside) = (0, 0, 0);
    for mebibytes in GROUPS_MIB {
        let Some(group) = Cgroup::limited(mebibytes << 20) else {
            findings.needs("the right to make a memory cgroup, for the kernel's own end of memory");
            return Ok(());
        };
        fill(&large.repository, FILES, mebibytes)?;
        push(&mut [&mut *large, &mut *one]).await?;
        let mut command = stage.indexer_under("sh", &["-c", &group.entering()], "drain", "group");
        let worker = stage.start_indexer(command.env("KOTADB_JOB_MEMORY_BYTES", (8_u64 << 30).to_string()))?;
        let (is_right, was_short) = tried(stage, worker, large, &format!("the kernel at {mebibytes} MiB")).await?;
        kills = group.kills()?;
        wrong += u64::from(!is_right || was_short != (kills > 0));
        beside += u64::from(!invariants::is_searchable(one).await?);
        if kills > 0 {
            break;
        }
    }
    findings.at_least("processes that the kernel ended for want of memory", kills as f64, 1.0);
    findings.never("jobs that do not wait for another try then", 1, wrong);
    findings.never("jobs of others that it ends", 1, beside);
    Ok(())
}

/// Whether the worker ended well and the job of `large` is done or waits, and whether it waits.
async fn tried(stage: &Stage, mut worker: Program, large: &Registered, name: &str) -> anyhow::Result<(bool, bool)> {
    let status = worker.wait(PATIENCE).await?;
    let job = format!(
        "SELECT state || ' ' || coalesce(error_class, '-') || ' ' || crash_count || ' ' || coalesce(errors -> -1 ->> 'message', '')
         FROM kotadb.jobs WHERE repository_id = '{}' ORDER BY id DESC LIMIT 1",
        large.id
    );
    let job = stage.postgres.texts(&job).await?.into_iter().next().unwrap_or_default();
    println!("memory, {name}: {job}");
    // The class of what a store could not read for want of memory; it is retried alike.
    let waits = ["queued transient 0 ", "queued storage 0 "].iter().any(|waiting| job.starts_with(waiting));
    let is_right = status.success() && (waits || job.starts_with("done - 0"));
    if !is_right {
        eprintln!("memory, {name}: the worker ended with {status}, its job is `{job}`");
    }
    Ok((is_right, waits))
}

async fn push(repositories: &mut [&mut Registered]) -> anyhow::Result<()> {
    for one in repositories {
        one.push_surely().await?;
    }
    tokio::time::sleep(DUE).await;
    Ok(())
}

/// New files whose trigrams have little in common, so that their index is as large as can be.
fn fill(repository: &Repository, files: usize, seed: u64) -> anyhow::Result<()> {
    let mut state = seed;
    for nth in 0..files {
        let mut text = Vec::with_capacity(FILE_BYTES);
        while text.len() < FILE_BYTES {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.extend_from_slice(format!("{state:x}{:x}\n", state.rotate_left(29)).as_bytes());
        }
        std::fs::write(repository.path().join(format!("large{nth}.txt")), text)?;
    }
    Ok(())
}
