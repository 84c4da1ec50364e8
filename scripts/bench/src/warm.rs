//! The 21 queries in one process that has answered them before: from the parsed request to the serialised answer, over the
//! local index of a repository.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kotadb_core::query;
use kotadb_core::search::{Page, SearchRequest, SearchResult, Searcher};
use kotadb_core::wire::search::list;
use kotadb_indexer::local::{self, LocalIndex};
use tokio::runtime::Runtime;

use crate::queries::{BenchQuery, QUERIES};
use crate::rows::{Row, Rows};
use crate::samples::{Effort, Samples};

/// `warm`
#[derive(Debug, Args)]
pub struct WarmArgs {
    /// Repository with a local index.
    #[arg(long, default_value = "target/bench/linux")]
    repo: PathBuf,
    /// Cache limit, in MiB.
    #[arg(long, default_value_t = 2048)]
    cache: u64,
    /// Only queries whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Rows are written as this part.
    #[arg(long, default_value = "warm")]
    part: String,
    /// Rows name this tool.
    #[arg(long, default_value = "kotadb")]
    tool: String,
}

/// Files of a page.
const PAGE: usize = 50;

/// Where a page takes less than 20 ms there is time for a hundred runs and more: one in a hundred is no longer the slowest.
pub const PAGE_EFFORT: Effort = Effort { warm_up: 3, least: 10, most: 400, patience: Duration::from_secs(3) };
/// What counts every match can take seconds.
pub const ALL_EFFORT: Effort = Effort { warm_up: 1, least: 3, most: 40, patience: Duration::from_secs(2) };

struct Bench {
    runtime: Runtime,
    searcher: Searcher,
    index: LocalIndex,
    tool: String,
}

/// Measures page and all of each query.
pub fn run(args: &WarmArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let index = local::open(&args.repo)?;
    let bench = Bench {
        runtime,
        searcher: Searcher::new(index.store.clone(), args.cache << 20),
        index,
        tool: args.tool.clone(),
    };
    let mut out = Vec::new();
    for query in QUERIES.iter().filter(|query| query.name.contains(&args.only)) {
        out.extend(bench.measure(query)?);
    }
    rows.write(&args.part, &out)
}

impl Bench {
    fn measure(&self, query: &BenchQuery) -> anyhow::Result<Vec<Row>> {
        let (page, all) = (self.request(query, false)?, self.request(query, true)?);
        let paged = Samples::take(PAGE_EFFORT, || self.answer(&page).map(drop))?;
        let complete = Samples::take(ALL_EFFORT, || self.answer(&all).map(drop))?;
        let (result, stats) = (self.answer(&all)?, self.answer(&page)?.stats);
        let row = |metric: &str, value: f64, unit: &str| Row::of(&self.tool, query.name, metric, value, unit);
        Ok(vec![
            row("page_p50", paged.quantile_ms(0.5), "ms").of_runs(paged.runs()),
            row("page_p99", paged.quantile_ms(0.99), "ms").of_runs(paged.runs()),
            row("all_p50", complete.quantile_ms(0.5), "ms").of_runs(complete.runs()),
            row("lines", result.totals.lines as f64, "count"),
            row("files", result.totals.files as f64, "count"),
            row("page_verified", f64::from(stats.verified), "count"),
            row("all_candidates", f64::from(result.stats.candidates), "count"),
        ])
    }

    fn request(&self, query: &BenchQuery, all: bool) -> anyhow::Result<SearchRequest> {
        let visible = vec![self.index.visible()];
        let page = Page::of_files(PAGE);
        // As ripgrep and Zoekt search them, too.
        let query = query::parse(&format!("{} generated:yes vendored:yes", query.ours))?;
        let request = SearchRequest::new(self.index.tenant, visible, query);
        Ok(SearchRequest { page, count: all, ..request })
    }

    fn answer(&self, request: &SearchRequest) -> anyhow::Result<SearchResult> {
        let result = self.runtime.block_on(self.searcher.search(request))?;
        std::hint::black_box(serde_json::to_vec(&list(&result))?);
        Ok(result)
    }
}
