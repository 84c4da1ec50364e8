//! A million statements of many clients through pgbouncer in transaction mode, each answer held against what it has to be.

use clap::Args;
use kotadb_core::testing::PooledLoad;
use kotadb_core::testing::durable::Durable;

use crate::rows::{Row, Rows};

/// `pooler`
#[derive(Debug, Args)]
pub struct PoolerArgs {
    /// Statements.
    #[arg(long, default_value_t = 1_000_000)]
    queries: u64,
    /// Clients, each with a connection of its own to the pooler.
    #[arg(long, default_value_t = 48)]
    clients: u64,
    /// Connections that the pooler has to Postgres.
    #[arg(long, default_value_t = 6)]
    servers: u32,
}

/// Asks and writes the rows.
pub fn run(args: &PoolerArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let answers = runtime.block_on(async {
        let services = Durable::start(args.servers).await?;
        let load = PooledLoad { clients: args.clients, queries: args.queries };
        anyhow::Ok(load.run(&services.pooled_url).await?)
    })?;
    let name = format!("{} queries, {} clients, {} servers", args.queries, args.clients, args.servers);
    let per_second = answers.right as f64 / answers.took.as_secs_f64();
    rows.write(
        "pooler",
        &[
            Row::ours(&name, "wrong", answers.wrong as f64, "count").just(0.0),
            Row::ours(&name, "failed", answers.failed as f64, "count").just(0.0),
            Row::ours(&name, "right", answers.right as f64, "count"),
            Row::ours(&name, "given_up", answers.given_up as f64, "count"),
            Row::ours(&name, "answers_per_s", per_second, "count"),
        ],
    )
}
