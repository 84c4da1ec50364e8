//! The 21 queries over HTTP: the router as a process of its own, over a local Postgres and a folder as object store, asked
//! through one connection that stays open; and the same as calls of the tool `search_code`, which may take 2 ms more.
//! `scripts/bench.sh` runs the service.

use anyhow::Context;
use clap::Args;
use reqwest::{Client, RequestBuilder};
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
/// Milliseconds that a call of a tool may take longer than the route.
const MCP_MORE_MS: f64 = 2.0;

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
    fn measure(&self, query: &BenchQuery) -> anyhow::Result<[Row; 5]> {
        let (samples, answer) = self.time(PAGE_EFFORT, query, false)?;
        let (counted, _) = self.time(ALL_EFFORT, query, true)?;
        let called = self.time_calls(query)?;
        let most = samples.quantile_ms(0.5) + MCP_MORE_MS;
        let items = answer["items"].as_array().with_context(|| format!("`{}` gave {answer}", query.name))?;
        let row = |metric: &str, value: f64, unit: &str| Row::of("kotadb http", query.name, metric, value, unit);
        Ok([
            row("page_p50", samples.quantile_ms(0.5), "ms").of_runs(samples.runs()),
            row("page_p99", samples.quantile_ms(0.99), "ms").of_runs(samples.runs()),
            row("all_p50", counted.quantile_ms(0.5), "ms").of_runs(counted.runs()),
            row("page_lines", items.len() as f64, "count"),
            Row::of("kotadb mcp", query.name, "page_p50", called.quantile_ms(0.5), "ms")
                .at_most(most)
                .of_runs(called.runs()),
        ])
    }

    /// As `time` does, of calls of a tool.
    fn time_calls(&self, query: &BenchQuery) -> anyhow::Result<Samples> {
        let mut answer = Value::Null;
        let samples = Samples::take(PAGE_EFFORT, || {
            answer = serde_json::from_slice(&self.call(query)?)?;
            anyhow::Ok(())
        })?;
        anyhow::ensure!(answer["result"]["isError"] == false, "`{}` as a call gave {answer}", query.name);
        Ok(samples)
    }

    fn call(&self, query: &BenchQuery) -> anyhow::Result<Vec<u8>> {
        let text = format!("{} generated:yes vendored:yes", query.ours);
        let arguments = serde_json::json!({ "query": text, "limit": PAGE, "max_tokens": 20_000 });
        let params = serde_json::json!({ "name": "search_code", "arguments": arguments });
        let body = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = self.client.post(format!("{}/mcp", self.args.url)).bearer_auth(&self.args.key);
        let request = request.header("accept", "application/json, text/event-stream");
        self.send(request.header("mcp-protocol-version", "2025-11-25").json(&body))
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
        self.send(request.json(&body))
    }

    fn send(&self, request: RequestBuilder) -> anyhow::Result<Vec<u8>> {
        self.runtime.block_on(async {
            let answer = request.send().await?.error_for_status()?;
            Ok(answer.bytes().await?.to_vec())
        })
    }
}
