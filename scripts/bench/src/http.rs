//! The 21 queries over HTTP: the router as a process of its own, over a local Postgres and a folder as object store, asked
//! through one connection that stays open. `scripts/bench.sh` runs the service.

use anyhow::Context;
use clap::Args;
use reqwest::Client;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::queries::{BenchQuery, QUERIES};
use crate::rows::{Row, Rows};
use crate::samples::{Effort, Samples};
use crate::warm::{ALL_EFFORT, PAGE_EFFORT};

/// `http`
#[derive(Debug, Args)]
pub struct HttpArgs {
    /// Address of the router.
    #[arg(long)]
    url: String,
    /// A key that may search.
    #[arg(long, env = "KOTADB_API_KEY", hide_env_values = true)]
    key: String,
    /// Only queries whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

/// Lines of a page, as the route gives them unless asked otherwise.
const PAGE: usize = 50;

struct Service<'a> {
    runtime: Runtime,
    client: Client,
    args: &'a HttpArgs,
}

/// Measures a page of each query, and a page with every match counted, from the request to the last byte of the answer.
pub fn run(args: &HttpArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let service = Service { runtime, client: Client::builder().no_proxy().build()?, args };
    let mut out = Vec::new();
    for query in QUERIES.iter().filter(|query| query.name.contains(&args.only)) {
        out.extend(service.measure(query)?);
    }
    rows.write("http", &out)
}

impl Service<'_> {
    fn measure(&self, query: &BenchQuery) -> anyhow::Result<[Row; 4]> {
        let (samples, answer) = self.time(PAGE_EFFORT, query, false)?;
        let (counted, _) = self.time(ALL_EFFORT, query, true)?;
        let items = answer["items"].as_array().with_context(|| format!("`{}` gave {answer}", query.name))?;
        let row = |metric: &str, value: f64, unit: &str| Row::of("kotadb http", query.name, metric, value, unit);
        Ok([
            row("page_p50", samples.quantile_ms(0.5), "ms").of_runs(samples.runs()),
            row("page_p99", samples.quantile_ms(0.99), "ms").of_runs(samples.runs()),
            row("all_p50", counted.quantile_ms(0.5), "ms").of_runs(counted.runs()),
            row("page_lines", items.len() as f64, "count"),
        ])
    }

    fn time(&self, effort: Effort, query: &BenchQuery, count: bool) -> anyhow::Result<(Samples, Value)> {
        let mut answer = Vec::new();
        let samples = Samples::take(effort, || {
            answer = self.ask(query, count)?;
            anyhow::Ok(())
        })?;
        Ok((samples, serde_json::from_slice(&answer)?))
    }

    fn ask(&self, query: &BenchQuery, count: bool) -> anyhow::Result<Vec<u8>> {
        let text = format!("{} generated:yes vendored:yes", query.ours);
        let body = serde_json::json!({ "query": text, "limit": PAGE, "count": count });
        let request = self.client.post(format!("{}/api/v1/search/code", self.args.url)).bearer_auth(&self.args.key);
        self.runtime.block_on(async {
            let answer = request.json(&body).send().await?.error_for_status()?;
            Ok(answer.bytes().await?.to_vec())
        })
    }
}
