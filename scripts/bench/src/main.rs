//! Measures KotaDB beside its peers and says which promises hold: one subcommand a part, each writing its rows, and `report`,
//! which makes tables and a chart of them. `make bench` runs them in order; corpora and peers are set up by `scripts/bench.sh`.

mod build;
mod chart;
mod cold;
mod freshness;
mod http;
mod many;
mod mcp;
mod peers;
mod pooler;
mod program;
mod pushes;
mod queries;
mod queue;
mod ranking;
mod refs;
mod report;
mod router;
mod rows;
mod samples;
mod stages;
mod symbols;
mod tree;
mod warm;
mod webhooks;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use self::rows::Rows;

/// Measures KotaDB beside its peers.
#[derive(Debug, Parser)]
#[command(name = "kotadb-bench")]
struct Args {
    /// Where rows and reports are written.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// Folder of the programs of this project.
    #[arg(long, default_value = "target/release", env = "KOTADB_BIN")]
    bin: PathBuf,
    #[command(subcommand)]
    part: Part,
}

/// The parts.
#[derive(Debug, Subcommand)]
enum Part {
    /// Index build: time, memory, size, pushes of 20 files, and what a compaction makes of it.
    Build(build::BuildArgs),
    /// The 21 queries in one long-lived process.
    Warm(warm::WarmArgs),
    /// Queries of a process that knows nothing yet, over a bucket that is far away.
    Cold(cold::ColdArgs),
    /// The 21 queries over HTTP.
    Http(http::HttpArgs),
    /// Throughput of single stages, as criterion measured it.
    Stages(stages::StagesArgs),
    /// The 21 queries as whole processes: ours, ripgrep, csearch.
    Peers(peers::PeersArgs),
    /// A search of a working tree with one dirty file, beside `git status`.
    Tree(tree::TreeArgs),
    /// A tenant with many small repositories: root, publishes, searches.
    Many(many::ManyArgs),
    /// A repository with many refs: what they add.
    Refs(refs::RefsArgs),
    /// Calls of tools for agents beside their routes.
    Mcp(mcp::McpArgs),
    /// How soon a push is searchable.
    Freshness(freshness::FreshnessArgs),
    /// The job queue: claims of a million jobs, and the start of a live indexer.
    Queue(queue::QueueArgs),
    /// How high definitions rank: our order beside BM25 and paths.
    Ranking(ranking::RankingArgs),
    /// A million statements through pgbouncer: are the answers right?
    Pooler(pooler::PoolerArgs),
    /// Names, callers and impact in one long-lived process.
    Symbols(symbols::SymbolsArgs),
    /// The router: its start, its memory, its size; or its warm searches.
    Router(router::RouterArgs),
    /// Webhook deliveries at a steady rate against the router and a durable Postgres.
    Webhooks(webhooks::WebhooksArgs),
    /// Tables, JSON and chart of all rows that were written.
    Report,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut rows = Rows::open(&args.out)?;
    match &args.part {
        Part::Build(part) => build::run(part, &args.bin, &mut rows)?,
        Part::Warm(part) => warm::run(part, &mut rows)?,
        Part::Cold(part) => cold::run(part, &mut rows)?,
        Part::Http(part) => http::run(part, &mut rows)?,
        Part::Stages(part) => stages::run(part, &mut rows)?,
        Part::Peers(part) => peers::run(part, &args.bin, &mut rows)?,
        Part::Tree(part) => tree::run(part, &args.bin, &mut rows)?,
        Part::Many(part) => many::run(part, &mut rows)?,
        Part::Mcp(part) => mcp::run(part, &mut rows)?,
        Part::Refs(part) => refs::run(part, &mut rows)?,
        Part::Freshness(part) => freshness::run(part, &args.bin, &mut rows)?,
        Part::Queue(part) => queue::run(part, &args.bin, &args.out, &mut rows)?,
        Part::Ranking(part) => ranking::run(part, &mut rows)?,
        Part::Pooler(part) => pooler::run(part, &mut rows)?,
        Part::Symbols(part) => symbols::run(part, &mut rows)?,
        Part::Router(part) => router::run(part, &args.bin, &mut rows)?,
        Part::Webhooks(part) => webhooks::run(part, &args.bin, &mut rows)?,
        Part::Report => report::run(&args.out)?,
    }
    Ok(())
}
