//! Fault 19: a long time of pushes and searches. Memory, files and tables stay as large as they were.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::invariants;
use crate::program::Program;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Stage};

/// So small that it is full long before the first look: as it is by itself, it would fill for hours.
const CACHE_BYTES: u64 = 256 << 10;
/// Growth of memory that is none: allocators keep what they had.
const GROWTH: f64 = 1.2;
const LEEWAY_KIB: f64 = 16.0 * 1024.0;
/// Open files come and go with connections.
const MORE_FILES: f64 = 10.0;
const BLOAT: f64 = 2.0;
/// Tables that each push writes to.
const TABLES: [&str; 5] =
    ["kotadb.jobs", "kotadb.job_events", "kotadb.deliveries", "kotadb.queue_tenants", "kotadb.indexer_usage"];
/// Between two pushes of the long form, so that the machine is of use for other things.
const PAUSE: Duration = Duration::from_secs(1);

/// Memory and files of router and indexer, and connections to Postgres.
#[derive(Clone, Copy, Debug)]
struct Size {
    kib: [u64; 2],
    own_kib: [u64; 2],
    files: [u64; 2],
    connections: u64,
}

impl Size {
    async fn of(stage: &Stage, server: &Program) -> anyhow::Result<Self> {
        let connections = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database()";
        Ok(Self {
            kib: [stage.router.resident_kib(), server.resident_kib()],
            own_kib: [stage.router.own_kib(), server.own_kib()],
            files: [stage.router.open_files(), server.open_files()],
            connections: u64::try_from(stage.postgres.number(connections).await?)?,
        })
    }
}

/// Half an hour, or half a minute.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let settings = vec![("KOTADB_CACHE_BYTES", CACHE_BYTES.to_string())];
    let stage = Stage::open_with(plan, Duration::from_secs(60), settings).await?;
    let tenant = stage.tenant("one").await?;
    let mut one = stage.register(&tenant, "acme/soak").await?;
    stage.drain().await?;
    let reader = Reader::start(vec![(tenant, vec![one.repository.name.clone()])]);
    let mut server = stage.start_indexer(&mut stage.indexer("serve", "server"))?;
    let time = Duration::from_secs(if plan.long { 1800 } else { 30 });
    let (since, mut early, mut pushes) = (Instant::now(), None, 0);
    let mut looks: u32 = 0;
    while since.elapsed() < time {
        one.push_surely().await?;
        pushes += 1;
        invariants::until_searchable(&one, Duration::from_secs(30)).await?;
        if since.elapsed() > time / 10 * looks {
            looks += 1;
            println!("soak, {} s: {:?}", since.elapsed().as_secs(), Size::of(&stage, &server).await?);
        }
        if early.is_none() && since.elapsed() > time / 3 {
            early = Some(Size::of(&stage, &server).await?);
        }
        if plan.long {
            tokio::time::sleep(PAUSE).await;
        }
    }
    let late = Size::of(&stage, &server).await?;
    let early = early.unwrap_or(late);
    println!("soak: {early:?}, then {late:?}");
    for (nth, name) in ["router", "indexer"].into_iter().enumerate() {
        let limit = early.kib[nth] as f64 * GROWTH + LEEWAY_KIB;
        findings.at_most(&format!("KiB of the {name} at the end"), pushes, late.kib[nth] as f64, limit.round());
        let limit = early.own_kib[nth] as f64 * GROWTH + LEEWAY_KIB;
        let what = format!("KiB of the {name} that are no file, at the end");
        findings.at_most(&what, pushes, late.own_kib[nth] as f64, limit.round());
        findings.at_most(
            &format!("open files of the {name} at the end"),
            pushes,
            late.files[nth] as f64,
            early.files[nth] as f64 + MORE_FILES,
        );
    }
    let limit = early.connections as f64 + MORE_FILES;
    findings.at_most("connections to Postgres at the end", pushes, late.connections as f64, limit);
    server.signal(Signal::SIGTERM)?;
    server.wait(Duration::from_secs(60)).await?;
    for table in TABLES {
        let bloat = bloat(&stage, table).await?;
        findings.at_most(&format!("size of `{table}`, in sizes of its rows"), pushes, bloat, BLOAT);
    }
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

/// How much larger a table is than its rows written anew.
async fn bloat(stage: &Stage, table: &str) -> anyhow::Result<f64> {
    let copy = "chaos.copy";
    stage.postgres.execute(&format!("VACUUM {table}; ")).await?;
    stage.postgres.execute(&format!("CREATE TABLE {copy} AS SELECT * FROM {table}")).await?;
    let size = async |name: &str| stage.postgres.number(&format!("SELECT pg_relation_size('{name}')::text")).await;
    // Tables of a few pages say nothing.
    let least = 128.0 * 1024.0;
    let (now, anew) = (size(table).await? as f64, size(copy).await? as f64);
    stage.postgres.execute(&format!("DROP TABLE {copy}")).await?;
    Ok(now / anew.max(least))
}
