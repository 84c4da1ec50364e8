//! Fault 9: repositories that are made to break an indexer. Each ends as done or given up for its own reason, and the jobs
//! of others go on.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;

use super::one_tenant;
use crate::invariants;
use crate::program::Program;
use crate::report::Findings;
use crate::repository::Repository;
use crate::stage::{Plan, Registered, Stage, Tenant};

/// What one indexer may take on repositories of this size, in MiB.
const MOST_MEMORY: f64 = 512.0;
/// Crashes after which a job is given up.
const MOST_CRASHES: usize = 3;
const LEASE: Duration = Duration::from_secs(3);

/// A poisonous repository, and states of its job that are right.
struct Poison {
    name: &'static str,
    only_long: bool,
    right: &'static [&'static str],
    make: fn(&Repository) -> anyhow::Result<()>,
}

const POISONS: [Poison; 6] = [
    Poison { name: "deep", only_long: false, right: &["done", "dead"], make: deep_tree },
    Poison { name: "zeros", only_long: false, right: &["done"], make: zeros },
    Poison { name: "copies", only_long: false, right: &["done", "dead"], make: copies },
    Poison { name: "bomb", only_long: false, right: &["dead"], make: bomb },
    Poison { name: "gibibytes", only_long: true, right: &["done"], make: gibibytes },
    Poison { name: "million", only_long: true, right: &["dead"], make: million_files },
];

/// Each poison beside a healthy repository; then one that kills its worker each time.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, LEASE, "acme/healthy").await?;
    // Of a tenant of its own: the reader counts lines of other repositories as somebody else's.
    let tenant = stage.tenant("two").await?;
    let (mut runs, mut wrong, mut resident): (u64, u64, u64) = (0, 0, 0);
    for poison in POISONS.iter().filter(|poison| plan.long || !poison.only_long) {
        let poisoned = stage.register(&tenant, &format!("acme/{}", poison.name)).await?;
        (poison.make)(&poisoned.repository).with_context(|| format!("cannot make `{}`", poison.name))?;
        one.push_surely().await?;
        tokio::time::sleep(super::DUE).await;
        let mut worker = stage.start_indexer(&mut stage.indexer("drain", "worker"))?;
        resident = resident.max(watch(&mut worker).await?);
        let state = state(&stage, &poisoned).await?;
        if !poison.right.contains(&state.as_str()) {
            eprintln!("poison `{}`: its job is {state}", poison.name);
            wrong += 1;
        }
        wrong += u64::from(!invariants::is_searchable(&one).await?);
        runs += 1;
    }
    findings.never("poisons whose jobs, or those beside them, end wrongly", runs, wrong);
    findings.at_most("MiB of the largest indexer with its job", runs, resident as f64 / 1024.0, MOST_MEMORY);
    crashing(&stage, &tenant, &mut one, findings).await?;
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

/// Waits for the end, which must be a good one; the most memory seen in KiB.
async fn watch(worker: &mut Program) -> anyhow::Result<u64> {
    let mut most = 0;
    loop {
        if let Some(status) = worker.ended()? {
            anyhow::ensure!(status.success(), "the worker ended with {status}");
            return Ok(most);
        }
        most = most.max(worker.resident_all_kib());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Three workers in a row die of the same job: it is given up, and what waits behind it runs.
async fn crashing(stage: &Stage, tenant: &Tenant, one: &mut Registered, findings: &mut Findings) -> anyhow::Result<()> {
    let mut poisoned = stage.register(tenant, "acme/crashing").await?;
    stage.drain().await?;
    poisoned.push_surely().await?;
    tokio::time::sleep(super::DUE).await;
    for _ in 0..MOST_CRASHES {
        let mut command = stage.indexer("drain", "worker");
        let mut worker = stage.start_indexer(command.env("KOTADB_FAIL_POINT", "build.planned"))?;
        anyhow::ensure!(!worker.wait(Duration::from_secs(60)).await?.success(), "the worker survived");
        // The next one takes it as soon as the lease is over.
    }
    one.push_surely().await?;
    tokio::time::sleep(super::DUE).await;
    stage.drain().await?;
    let state = state(stage, &poisoned).await?;
    findings.never("jobs that crashed three times and are not given up", 1, u64::from(state != "dead"));
    findings.never("jobs of others that wait behind it", 1, u64::from(!invariants::is_searchable(one).await?));
    Ok(())
}

async fn state(stage: &Stage, one: &Registered) -> anyhow::Result<String> {
    let newest = format!("SELECT state FROM kotadb.jobs WHERE repository_id = '{}' ORDER BY id DESC LIMIT 1", one.id);
    stage.postgres.texts(&newest).await?.into_iter().next().context("no job")
}

/// 1,900 folders, each in the one before.
fn deep_tree(repository: &Repository) -> anyhow::Result<()> {
    import(repository, |out| write!(out, "M 100644 inline {}file.rs\ndata 3\nfn\n\n", "d/".repeat(1900)))
}

/// 256 MiB of zeros, of which the pack holds little, and text of the largest size that is indexed.
fn zeros(repository: &Repository) -> anyhow::Result<()> {
    inflating(repository, 256)
}

/// As much as no machine here has memory for.
fn gibibytes(repository: &Repository) -> anyhow::Result<()> {
    inflating(repository, 3 << 10)
}

fn inflating(repository: &Repository, mebibytes: usize) -> anyhow::Result<()> {
    import(repository, |out| {
        let mebibyte = vec![0; 1 << 20];
        write!(out, "M 100644 inline zeros.bin\ndata {}\n", mebibytes << 20)?;
        (0..mebibytes).try_for_each(|_| out.write_all(&mebibyte))?;
        write!(out, "\nM 100644 inline ones.txt\ndata {}\n", 8 << 20)?;
        (0..8).try_for_each(|_| out.write_all(&vec![b'1'; 1 << 20]))?;
        writeln!(out)
    })
}

/// 10,000 paths out of a few hundred bytes.
fn copies(repository: &Repository) -> anyhow::Result<()> {
    nested(repository, 3)
}

/// 10 billion paths.
fn bomb(repository: &Repository) -> anyhow::Result<()> {
    nested(repository, 9)
}

/// One tree, ten times in each of the trees above.
fn nested(repository: &Repository, levels: usize) -> anyhow::Result<()> {
    let blob = repository.git(&["hash-object", "-w", "file_0.rs"])?;
    let entries = |kind: &str, id: &str| (0..10).map(|nth| format!("{kind} {id}\tn{nth}\n")).collect::<String>();
    let mut tree = make_tree(repository, &entries("100644 blob", &blob))?;
    for _ in 0..levels {
        tree = make_tree(repository, &entries("040000 tree", &tree))?;
    }
    let commit = repository.git(&["commit-tree", "-m", "copies", &tree])?;
    repository.git(&["update-ref", "refs/heads/main", &commit]).map(drop)
}

fn million_files(repository: &Repository) -> anyhow::Result<()> {
    import(repository, |out| {
        (0..1_000_000).try_for_each(|nth| write!(out, "M 100644 inline {}/{nth}\ndata 1\nx\n", nth / 1000))
    })
}

fn make_tree(repository: &Repository, entries: &str) -> anyhow::Result<String> {
    let output = feed(repository, &["mktree"], |out| out.write_all(entries.as_bytes()))?;
    Ok(output.trim().to_owned())
}

fn import(repository: &Repository, files: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> anyhow::Result<()> {
    let done = feed(repository, &["fast-import", "--quiet", "--force"], |out| {
        write!(
            out,
            "commit refs/heads/main\ncommitter chaos <chaos@example.invalid> 1577934245 +0000\ndata 6\npoison\n"
        )?;
        files(out)
    });
    done.map(drop)
}

fn feed(
    repository: &Repository,
    args: &[&str],
    input: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<String> {
    let mut command = Command::new("git");
    command.current_dir(repository.path()).args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut out = std::io::BufWriter::new(child.stdin.take().context("standard input is a pipe")?);
    input(&mut out)?;
    out.flush()?;
    drop(out);
    let done = child.wait_with_output()?;
    anyhow::ensure!(done.status.success(), "git {args:?} failed");
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
