//! What a call of a tool takes beside the same question to its route: through one connection that stays open, in turns, so that what
//! else the machine does strikes both alike. `scripts/bench.sh` runs the service over a repository of thousands of files.

use std::time::Instant;

use anyhow::Context;
use clap::Args;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::rows::{Row, Rows};
use crate::samples::Samples;

/// `mcp`
#[derive(Debug, Args)]
pub struct McpArgs {
    /// Address of the router.
    #[arg(long)]
    url: String,
    /// A key that may search.
    #[arg(long, env = "KOTADB_API_KEY", hide_env_values = true)]
    key: String,
    /// Pairs of a question.
    #[arg(long, default_value_t = 300)]
    runs: usize,
}

/// Milliseconds that a call of a tool may take longer than the route.
const MORE_MS: f64 = 2.0;
/// Pairs that are not counted.
const WARM: usize = 20;
/// Fewest files of the index.
const FEWEST: u64 = 1000;

/// A tool with its arguments, and the route that answers the same.
struct Twin {
    tool: &'static str,
    arguments: Value,
    route: Route,
}

enum Route {
    Get(&'static str, Vec<(&'static str, &'static str)>),
    Post(&'static str, Value),
}

fn twins() -> Vec<Twin> {
    let twin = |tool, arguments, route| Twin { tool, arguments, route };
    let search = |query: &str| {
        let asked = json!({ "query": query, "limit": 20 });
        twin("search_code", asked.clone(), Route::Post("search/code", asked))
    };
    let of_symbol = |tool, question, symbol: &str| {
        twin(tool, json!({ "symbol": symbol }), Route::Get(question, vec![("limit", "20")]))
    };
    vec![
        search("resolver_match"),
        search("class QuerySet"),
        search("/def get_\\w+_or_404/"),
        twin(
            "search_symbols",
            json!({ "name": "get_queryset" }),
            Route::Get("search/symbols", vec![("name", "get_queryset"), ("limit", "20")]),
        ),
        of_symbol("find_callers", "symbols/get_object_or_404/callers", "get_object_or_404"),
        of_symbol(
            "find_usages",
            "symbols/django%2Fdb%2Fmodels%2Fquery.py%23QuerySet/usages",
            "django/db/models/query.py#QuerySet",
        ),
        twin(
            "find_definition",
            json!({ "symbol": "get_object_or_404" }),
            Route::Get("symbols/get_object_or_404/definition", Vec::new()),
        ),
        twin(
            "read_file",
            json!({ "path": "django/shortcuts.py", "start": 1, "end": 60 }),
            Route::Get(
                "repositories/{id}/files",
                vec![("path", "django/shortcuts.py"), ("first_line", "1"), ("last_line", "60")],
            ),
        ),
    ]
}

struct Service<'a> {
    runtime: Runtime,
    client: Client,
    args: &'a McpArgs,
    repository: String,
}

/// Measures all of them.
pub fn run(args: &McpArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = Client::builder().no_proxy().build()?;
    let mut service = Service { runtime, client, args, repository: String::new() };
    let listed = service.get("repositories", &[])?;
    let listed = service.send(listed)?;
    service.repository = listed["items"][0]["id"].as_str().context("no repository is served")?.to_owned();
    let tree = service.get("repositories/{id}/tree", &[("recursive", "true"), ("limit", "1")])?;
    let files = service.send(tree)?["total"].as_u64().unwrap_or_default();
    anyhow::ensure!(files >= FEWEST, "the index has {files} files: measure over {FEWEST} at least");
    let mut out = vec![Row::ours("index of calls", "files", files as f64, "count").at_least(FEWEST as f64)];
    for twin in twins() {
        out.extend(service.measure(&twin)?);
    }
    rows.write("mcp", &out)
}

impl Service<'_> {
    fn measure(&self, twin: &Twin) -> anyhow::Result<[Row; 2]> {
        let (mut routes, mut calls) = (Vec::new(), Vec::new());
        for nth in 0..WARM + self.args.runs {
            let request = self.route(&twin.route)?;
            let began = Instant::now();
            let answer = self.send(request)?;
            let of_route = began.elapsed();
            let began = Instant::now();
            let called = self.send(self.call(twin))?;
            let of_call = began.elapsed();
            anyhow::ensure!(called["result"]["isError"] == false, "`{}` gave {called}", twin.tool);
            let n_items = |answer: &Value| answer["items"].as_array().map_or(1, Vec::len);
            let found = n_items(&called["result"]["structuredContent"]);
            anyhow::ensure!(found > 0 && n_items(&answer) > 0, "`{}` found nothing: {answer}", twin.tool);
            if nth >= WARM {
                routes.push(of_route);
                calls.push(of_call);
            }
        }
        let (routes, calls) = (Samples::of(routes), Samples::of(calls));
        let name = format!("{} {}", twin.tool, twin.arguments);
        let p50 = |samples: &Samples| samples.quantile_ms(0.5);
        Ok([
            Row::of("kotadb rest", &name, "p50", p50(&routes), "ms").of_runs(routes.runs()),
            Row::of("kotadb mcp", &name, "p50", p50(&calls), "ms")
                .at_most(p50(&routes) + MORE_MS)
                .of_runs(calls.runs()),
        ])
    }

    fn route(&self, route: &Route) -> anyhow::Result<RequestBuilder> {
        match route {
            Route::Get(path, query) => self.get(path, query),
            Route::Post(path, body) => {
                let request = self.client.post(format!("{}/api/v1/{path}", self.args.url));
                Ok(request.bearer_auth(&self.args.key).json(body))
            }
        }
    }

    fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<RequestBuilder> {
        let path = path.replace("{id}", &self.repository);
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/{path}", self.args.url), query)?;
        Ok(self.client.get(url).bearer_auth(&self.args.key))
    }

    fn call(&self, twin: &Twin) -> RequestBuilder {
        let params = json!({ "name": twin.tool, "arguments": twin.arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = self.client.post(format!("{}/mcp", self.args.url)).bearer_auth(&self.args.key);
        let request = request.header("accept", "application/json, text/event-stream");
        request.header("mcp-protocol-version", "2025-11-25").json(&body)
    }

    fn send(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        self.runtime.block_on(async {
            let answer = request.send().await?;
            let status = answer.status();
            let bytes = answer.bytes().await?;
            anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&bytes));
            Ok(serde_json::from_slice(&bytes)?)
        })
    }
}
