//! The job queue under load: claims of eight connections through pgbouncer from a Postgres that keeps its promises (fsync
//! on), with a million queued jobs of 200 tenants; then the way from an enqueue to a running job with a live indexer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use kotadb_core::db::direct::Direct;
use kotadb_core::db::jobs::{self, Claimed, JobKind, NewJob, Spend, Trigger};
use kotadb_core::db::{Db, DbOptions, Scope, health, repositories, tenants};
use kotadb_core::http::git_backend::GitServer;
use kotadb_core::id::TenantId;
use kotadb_core::testing::durable::Durable;

use crate::rows::{Row, Rows};
use crate::samples::Samples;

/// What to run.
#[derive(Debug, clap::Args)]
pub struct QueueArgs {
    /// Queued jobs.
    #[arg(long, default_value_t = 1_000_000)]
    jobs: u64,
    /// Their tenants.
    #[arg(long, default_value_t = 200)]
    tenants: u64,
    /// Connections that claim.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// Seconds of claims.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Enqueues that a live indexer is timed for.
    #[arg(long, default_value_t = 50)]
    starts: usize,
}

/// A lease that nobody outlives unless it is told to.
const LEASE: Duration = Duration::from_secs(60);

/// Measures and writes `rows/queue.json`, and the plans beside it.
pub fn run(args: &QueueArgs, bin: &Path, out: &Path, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let measured = runtime.block_on(async {
        let mut measured = claims(args, out).await?;
        measured.extend(starts(args.starts, bin).await?);
        anyhow::Ok(measured)
    })?;
    rows.write("queue", &measured)
}

/// Times of one worker.
#[derive(Debug, Default)]
struct Worked {
    claims: Vec<Duration>,
    by_tenant: BTreeMap<TenantId, u64>,
}

async fn claims(args: &QueueArgs, out: &Path) -> anyhow::Result<Vec<Row>> {
    let durable = Durable::start(u32::try_from(args.workers)?).await?;
    fill(&durable.direct_url, args).await?;
    let db = pool(&durable.pooled_url, u32::try_from(args.workers)?)?;
    let floor = flush_floor(&durable.direct_url).await?;
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let start = Instant::now();
    let workers: Vec<_> = (0..args.workers).map(|nth| tokio::spawn(work(db.clone(), nth, end))).collect();
    let mut all = Worked::default();
    for worker in workers {
        let worked = worker.await??;
        all.claims.extend(worked.claims);
        worked.by_tenant.into_iter().for_each(|(tenant, n)| *all.by_tenant.entry(tenant).or_default() += n);
    }
    let seconds = start.elapsed().as_secs_f64();
    let health = health(&db).await?;
    plans(&durable.direct_url, out)?;
    let mut direct = Direct::connect(&durable.direct_url).await?;
    let left = direct.texts("SELECT count(*)::text FROM kotadb.jobs WHERE state = 'queued'").await?;
    let rescued = direct.texts("SELECT count(*)::text FROM kotadb.job_events WHERE phase = 'rescued'").await?;
    direct.close().await;
    let name = format!("queue of {}", args.jobs);
    let shares = (all.by_tenant.values().min(), all.by_tenant.values().max());
    let (least, most) = (shares.0.copied().unwrap_or(0), shares.1.copied().unwrap_or(0));
    anyhow::ensure!(all.claims.len() > 1000, "only {} claims", all.claims.len());
    let (n_claims, claims) = (all.claims.len(), Samples::of(all.claims));
    let rows = vec![
        Row::ours(&name, "claim_p50", claims.quantile_ms(0.5), "ms"),
        Row::ours(&name, "claim_p99", claims.quantile_ms(0.99), "ms").at_most(10.0),
        Row::ours(&name, "flush_p50", floor, "ms"),
        Row::ours(&name, "health_p50", health, "ms"),
        Row::ours(&name, "claims", n_claims as f64 / seconds, "per s"),
        Row::ours(&name, "left_queued", left[0].parse()?, "count"),
        Row::ours(&name, "rescued", rescued[0].parse()?, "count").at_least(1.0),
        Row::ours(&name, "tenants_served", all.by_tenant.len() as f64, "count").at_least(args.tenants as f64),
        // In turn: nobody is served much more often than anybody else.
        Row::ours(&name, "most_over_least", most as f64 / (least.max(1)) as f64, "ratio").at_most(1.5),
    ];
    Ok(rows)
}

/// Queued jobs as if the webhooks had made them, without the time that takes.
async fn fill(url: &str, args: &QueueArgs) -> anyhow::Result<()> {
    let (jobs, tenants) = (args.jobs, args.tenants);
    let fill = format!(
        "SET session_replication_role = replica;
         INSERT INTO kotadb.tenants (id, name) SELECT md5('t' || n)::uuid, 't' || n FROM generate_series(1, {tenants}) n;
         INSERT INTO kotadb.repositories (id, tenant_id, name, url)
             SELECT md5('r' || n)::uuid, md5('t' || n % {tenants} + 1)::uuid, 'r' || n, 'https://github.com/a/' || n
             FROM generate_series(1, {jobs}) n;
         INSERT INTO kotadb.jobs (id, tenant_id, repository_id, kind, trigger, priority, run_at)
             SELECT md5('j' || n)::uuid, md5('t' || n % {tenants} + 1)::uuid, md5('r' || n)::uuid, 'index', 'push', n % 4 * 10,
                 now() - random() * interval '1 hour'
             FROM generate_series(1, {jobs}) n;
         INSERT INTO kotadb.queue_tenants (tenant_id, next_at) SELECT id, '-infinity' FROM kotadb.tenants"
    );
    let mut direct = Direct::connect(url).await?;
    direct.execute(&fill).await?;
    direct.execute("VACUUM ANALYZE kotadb.jobs").await?;
    direct.execute("ANALYZE; CHECKPOINT").await?;
    direct.close().await;
    Ok(())
}

/// Claims and closes; one job in a hundred is left to be rescued.
async fn work(db: Db, nth: usize, end: Instant) -> anyhow::Result<Worked> {
    let worker = format!("worker-{nth}");
    let mut worked = Worked::default();
    while Instant::now() < end {
        let start = Instant::now();
        let claimed = jobs::claim(&db, &worker, LEASE, Spend::Guarded).await?;
        worked.claims.push(start.elapsed());
        let Some(claimed) = claimed else { continue };
        *worked.by_tenant.entry(claimed.tenant).or_default() += 1;
        let dies = worked.claims.len() % 100 == 50;
        close(&db, &claimed, dies).await?;
    }
    Ok(worked)
}

async fn close(db: &Db, claimed: &Claimed, dies: bool) -> anyhow::Result<()> {
    if !dies {
        jobs::complete(db, claimed, None, &serde_json::json!({})).await?;
        return Ok(());
    }
    // As if it had died a lease ago.
    let mut tx = db.begin(Scope::Worker).await?;
    jobs::heartbeat(&mut tx, claimed, Duration::ZERO).await?;
    tx.commit().await?;
    Ok(())
}

/// What the disk itself takes for a small commit of one connection: no claim can be faster.
async fn flush_floor(url: &str) -> anyhow::Result<f64> {
    let mut direct = Direct::connect(url).await?;
    direct.execute("CREATE TABLE public.floor (n int)").await?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        direct.execute("INSERT INTO public.floor VALUES (1)").await?;
        times.push(start.elapsed());
    }
    direct.close().await;
    Ok(Samples::of(times).quantile_ms(0.5))
}

/// What the health report costs with what is left.
async fn health(db: &Db) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        let mut tx = db.begin(Scope::Anonymous).await?;
        health::job_queue(&mut tx).await?;
        tx.commit().await?;
        times.push(start.elapsed());
    }
    Ok(Samples::of(times).quantile_ms(0.5))
}

/// The plans of the statements inside one claim, by `auto_explain`, into `queue-plans.txt`.
fn plans(url: &str, out: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", url, "-c", "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0"]);
    command.args(["-c", "SET auto_explain.log_nested_statements = on; SET auto_explain.log_analyze = on"]);
    command.args(["-c", "SET client_min_messages = log", "-c", "SET ROLE kotadb_worker"]);
    command.args(["-c", "SELECT id FROM kotadb.claim_job('plans', 60000, true, 20, 3)"]);
    let done = command.output().context("cannot start `psql`: it comes with Postgres")?;
    let plans = String::from_utf8_lossy(&done.stderr).into_owned();
    anyhow::ensure!(!plans.contains("Seq Scan on jobs "), "a claim scans the jobs: {plans}");
    Ok(std::fs::write(out.join("queue-plans.txt"), plans)?)
}

/// From the commit of an enqueue to the start of its job, by a `kotadb-indexer serve` that waits for work.
async fn starts(n: usize, bin: &Path) -> anyhow::Result<Vec<Row>> {
    let durable = Durable::start(8).await?;
    let db = pool(&durable.pooled_url, 2)?;
    let data = tempfile::tempdir()?;
    let git = GitServer::start(BTreeMap::new(), None).await?;
    let repository = one_file(data.path())?;
    git.insert("a/b", &repository);
    let mut tx = db.begin(Scope::Worker).await?;
    let tenant = tenants::ensure(&mut tx, "acme").await?;
    tx.commit().await?;
    let mut tx = db.begin(Scope::Tenant(tenant)).await?;
    let (row, _) = repositories::register(&mut tx, tenant, "a/b", &git.url("a/b"), &[]).await?;
    tx.commit().await?;
    let mut command = Command::new(bin.join("kotadb-indexer"));
    command.arg("serve").env_clear().env("KOTADB_MODE", "local").env("DATABASE_URL", &durable.pooled_url);
    command.env("DATABASE_DIRECT_URL", &durable.login_url).env("KOTADB_DATA_DIR", data.path().join("data"));
    command.env("KOTADB_GIT_ALLOWED_ORIGINS", git.origin());
    let _indexer =
        Ended(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().context("cannot start the indexer")?);
    let (repository, delay) = (row.id, Duration::ZERO);
    let job = NewJob { tenant, repository, kind: JobKind::Index, trigger: Trigger::Manual, full: false, delay };
    // The first starts the process up.
    time_start(&db, &job).await?;
    let mut times = Vec::new();
    for _ in 0..n {
        tokio::time::sleep(Duration::from_millis(150)).await;
        times.push(time_start(&db, &job).await?);
    }
    let times = Samples::of(times);
    Ok(vec![
        Row::ours("enqueue to running", "start_p50", times.quantile_ms(0.5), "ms").at_most(100.0),
        Row::ours("enqueue to running", "start_p99", times.quantile_ms(0.99), "ms"),
    ])
}

/// From the commit of one enqueue to the start of its job; returns when the job has ended.
async fn time_start(db: &Db, job: &NewJob) -> anyhow::Result<Duration> {
    let mut tx = db.begin(Scope::Tenant(job.tenant)).await?;
    let queued = jobs::enqueue(&mut tx, job).await?.job;
    tx.commit().await?;
    let start = Instant::now();
    let mut started = None;
    loop {
        let mut tx = db.begin(Scope::Tenant(job.tenant)).await?;
        let row = jobs::get(&mut tx, queued).await?.context("the job vanished")?;
        tx.commit().await?;
        if row.started_at.is_some() {
            started.get_or_insert(start.elapsed());
        }
        if let (Some(started), true) = (started, row.finished_at.is_some()) {
            return Ok(started);
        }
        anyhow::ensure!(start.elapsed() < Duration::from_secs(60), "no indexer takes the job");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Killed when it is no longer needed.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A bare repository with one commit.
fn one_file(folder: &Path) -> anyhow::Result<PathBuf> {
    let (tree, bare) = (folder.join("tree"), folder.join("bare.git"));
    std::fs::create_dir_all(&tree)?;
    std::fs::write(tree.join("a.rs"), "fn a() {}\n")?;
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(&tree).args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"]).args(arguments);
        let done = git.output().context("cannot start `git`")?;
        anyhow::ensure!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        anyhow::Ok(())
    };
    git(&["init", "--quiet", "--initial-branch=main"])?;
    git(&["add", "--all"])?;
    git(&["commit", "--quiet", "-m", "one"])?;
    git(&["clone", "--quiet", "--bare", ".", "../bare.git"])?;
    Ok(bare)
}

fn pool(url: &str, max_connections: u32) -> anyhow::Result<Db> {
    let options = DbOptions { url: url.to_owned(), max_connections, acquire_timeout: Duration::from_secs(20) };
    Ok(Db::new(&options)?)
}
