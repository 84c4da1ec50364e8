//! Questions about symbols in one process that has answered them before: names, callers, impact, each from the request to
//! what is serialised, for symbols that are spread over those which others build upon.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use kotadb_core::graph::ask::{Direction, Question, Reach};
use kotadb_core::search::relations::{ChangeSource, Found, IndexedAs};
use kotadb_core::search::{Searcher, SymbolRequest};
use kotadb_core::store::Tip;
use kotadb_core::wire::relations::{GraphState, call_list, impact_report};
use kotadb_indexer::graphs::footing;
use kotadb_indexer::local::{self, LocalIndex};
use tokio::runtime::Runtime;

use crate::rows::{Row, Rows};
use crate::samples::Samples;

/// `symbols`
#[derive(Debug, Args)]
pub struct SymbolsArgs {
    /// Repository with a local index.
    #[arg(long, default_value = "target/bench/linux")]
    repo: PathBuf,
    /// Cache limit, in MiB.
    #[arg(long, default_value_t = 2048)]
    cache: u64,
    /// Symbols that are asked about.
    #[arg(long, default_value_t = 200)]
    symbols: usize,
}

/// Times that each question is asked; the last one counts.
const TIMES: usize = 3;

struct Bench {
    runtime: Runtime,
    searcher: Searcher,
    index: LocalIndex,
    tip: Tip,
    state: GraphState,
}

/// A symbol of the graph: what it is asked by.
struct Symbol {
    id: String,
    name: String,
}

/// Measures names, callers and impact.
pub fn run(args: &SymbolsArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let index = local::open(&args.repo)?;
    let tip = runtime.block_on(index.choose(None))?.context("nothing is indexed")?.tip;
    let searcher = Searcher::new(index.store.clone(), args.cache << 20);
    let indexed: IndexedAs = runtime.block_on(searcher.indexed(index.tenant, &tip))?;
    let bench = Bench { runtime, searcher, index, tip, state: GraphState::of(None, &indexed) };
    let symbols = bench.sample(args.symbols)?;
    let names = bench.measure(&symbols, |symbol| bench.look_up(&symbol.name))?;
    let callers = bench.measure(&symbols, |symbol| bench.callers(&symbol.id))?;
    let impact = bench.measure(&symbols, |symbol| bench.impact(&symbol.id))?;
    let mut out = Vec::new();
    for (name, samples, most) in [("look-up", names, 2.0), ("callers", callers, 5.0), ("impact, depth 5", impact, 50.0)]
    {
        let p50 = Row::ours(name, "p50", samples.quantile_ms(0.5), "ms").of_runs(samples.runs());
        out.push(p50.at_most(most));
        out.push(Row::ours(name, "p99", samples.quantile_ms(0.99), "ms").of_runs(samples.runs()));
    }
    rows.write("symbols", &out)
}

impl Bench {
    /// Symbols of the graph's list of those of highest rank, as far from each other as can be.
    fn sample(&self, most: usize) -> anyhow::Result<Vec<Symbol>> {
        let graph = self.tip.graph.context("the indexed commit has no graph")?;
        let view = self.runtime.block_on(footing::view(&self.index.store, self.index.tenant, graph))?;
        let top = view.top()?;
        let mut symbols = Vec::new();
        for node in top.iter().step_by((top.len() / most.max(1)).max(1)) {
            let (file, node) = (view.file_of(*node).context("a node has a file")?, view.node(*node)?);
            let id = format!("{}#{}", String::from_utf8_lossy(view.path(file)), node.label());
            symbols.push(Symbol { id, name: node.name().to_owned() });
        }
        anyhow::ensure!(!symbols.is_empty(), "the graph names no symbols");
        Ok(symbols)
    }

    fn measure(&self, symbols: &[Symbol], ask: impl Fn(&Symbol) -> anyhow::Result<()>) -> anyhow::Result<Samples> {
        let mut times = Vec::new();
        for symbol in symbols {
            for time in 1..=TIMES {
                let begin = Instant::now();
                ask(symbol).with_context(|| format!("`{}`", symbol.id))?;
                if time == TIMES {
                    times.push(begin.elapsed());
                }
            }
        }
        Ok(Samples::of(times))
    }

    fn look_up(&self, name: &str) -> anyhow::Result<()> {
        let request = SymbolRequest::new(self.index.tenant, vec![self.index.visible()], name);
        let answer = self.runtime.block_on(self.searcher.symbols(&request))?;
        anyhow::ensure!(answer.symbols.iter().any(|hit| *hit.row.name == *name), "`{name}` is not found");
        Ok(())
    }

    fn callers(&self, id: &str) -> anyhow::Result<()> {
        let asked = async {
            let graph = self.searcher.graph(self.index.tenant, &self.tip).await?.context("no graph")?;
            let relations = graph.relations();
            let Found::One(symbol) = relations.find(id).await? else { anyhow::bail!("is not one symbol") };
            Ok(call_list(&relations.calls(symbol, &Question::calls(Direction::Users)).await?, self.state.clone()))
        };
        std::hint::black_box(serde_json::to_vec(&self.runtime.block_on(asked)?)?);
        Ok(())
    }

    fn impact(&self, id: &str) -> anyhow::Result<()> {
        let asked = async {
            let graph = self.searcher.graph(self.index.tenant, &self.tip).await?.context("no graph")?;
            let source = ChangeSource::Named(vec![id.to_owned()]);
            let answer = graph.relations().impact(&source, Reach { depth: 5, ..Reach::default() }).await?;
            anyhow::Ok(impact_report(&answer, self.state.clone()))
        };
        std::hint::black_box(serde_json::to_vec(&self.runtime.block_on(asked)?)?);
        Ok(())
    }
}
