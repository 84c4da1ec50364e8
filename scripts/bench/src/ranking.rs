//! Whether definitions come first: names that a repository defines once, as `ctags` knows them, are searched for, and the
//! files that define them are looked for in three orders of the same matches: ours, BM25, and by path.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use clap::Args;
use kotadb_core::query::{self, Entry, Plan};
use kotadb_core::search::{FileMatch, SearchRequest, Searcher};
use kotadb_indexer::local::{self, LocalIndex};
use tokio::runtime::Runtime;

use crate::rows::{Row, Rows};

/// `ranking`
#[derive(Debug, Args)]
pub struct RankingArgs {
    /// Repository with a local index, checked out.
    #[arg(long, default_value = "target/bench/linux")]
    repo: PathBuf,
    /// Names that are searched for.
    #[arg(long, default_value_t = 200)]
    names: u32,
    /// What rows are named after.
    #[arg(long, default_value = "definitions")]
    corpus: String,
}

/// Places of an order that count.
const PLACES: usize = 10;

/// Files that a name must be in: where it is in one file alone, every order is right.
const FEWEST_FILES: usize = 3;

/// How many names are looked at for each that is in several files.
const SPARE: usize = 10;

/// BM25's usual constants: how soon repetitions stop to count, and how much long files are held back.
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// A name, and the one file that defines it.
struct Judged {
    name: String,
    path: String,
}

/// A matching file with what the orders ask of it.
struct Found {
    path: String,
    score: i32,
    bm25: f64,
}

struct Judge<'a> {
    args: &'a RankingArgs,
    runtime: Runtime,
    searcher: Searcher,
    index: LocalIndex,
}

/// Measures the mean reciprocal rank of each order.
pub fn run(args: &RankingArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let index = local::open(&args.repo)?;
    let searcher = Searcher::new(index.store.clone(), 1 << 30);
    let judge = Judge { args, runtime, searcher, index };
    let (mut ours, mut bm25, mut by_path, mut names) = (0.0, 0.0, 0.0, 0);
    for judged in &judge.judged()? {
        let mut found = judge.found(judged)?;
        if found.len() < FEWEST_FILES || names == args.names {
            continue;
        }
        names += 1;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        by_path += reciprocal_rank(&found, judged);
        found.sort_by(|a, b| b.bm25.total_cmp(&a.bm25));
        bm25 += reciprocal_rank(&found, judged);
        found.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.path.cmp(&b.path)));
        ours += reciprocal_rank(&found, judged);
    }
    let mean = |sum: f64| sum / f64::from(names.max(1));
    let row = |tool: &str, sum: f64| Row::of(tool, &args.corpus, "mrr_at_10", mean(sum), "ratio");
    let best_other = mean(bm25).max(mean(by_path));
    let out = [
        row("kotadb", ours).at_least(best_other + 0.15),
        row("bm25", bm25),
        row("path order", by_path),
        Row::of("ctags", &args.corpus, "names", f64::from(names), "count"),
    ];
    rows.write(&format!("ranking-{}", args.corpus), &out)
}

impl Judge<'_> {
    /// Names that are defined once, evenly picked.
    fn judged(&self) -> anyhow::Result<Vec<Judged>> {
        let output = Command::new("ctags")
            .args(["-R", "-x", "--_xformat=%N\t%K\t%F", "--exclude=.git", "."])
            .current_dir(&self.args.repo)
            .output()
            .context("run `ctags`: install universal-ctags")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut defined: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for line in text.lines() {
            let mut columns = line.split('\t');
            let (Some(name), Some(kind), Some(path)) = (columns.next(), columns.next(), columns.next()) else {
                continue;
            };
            if is_wanted(name, kind) {
                defined.entry(name).and_modify(|path| *path = None).or_insert(Some(path));
            }
        }
        let once: Vec<_> = defined.into_iter().filter_map(|(name, path)| Some((name, path?))).collect();
        let step = (once.len() / (self.args.names as usize * SPARE).max(1)).max(1);
        let picked = once.into_iter().step_by(step);
        let judged =
            picked.map(|(name, path)| Judged { name: name.to_owned(), path: path.trim_start_matches("./").to_owned() });
        Ok(judged.collect())
    }

    fn found(&self, judged: &Judged) -> anyhow::Result<Vec<Found>> {
        let query = query::parse(&format!("\"{}\" case:yes generated:yes vendored:yes", judged.name))?;
        let plan = Plan::new(&query)?;
        let request = SearchRequest::new(self.index.tenant, vec![self.index.visible()], query);
        let result = self.runtime.block_on(self.searcher.search(&request))?;
        let texts = result.files.iter().map(|file| self.content(file)).collect::<anyhow::Result<Vec<_>>>()?;
        let average = texts.iter().map(Vec::len).sum::<usize>() as f64 / texts.len().max(1) as f64;
        let found = result.files.iter().zip(&texts).map(|(file, text)| {
            let times = file.lines.iter().map(|line| line.ranges.len()).sum::<usize>() as f64;
            let length = text.len() as f64 / average.max(1.0);
            Found {
                path: String::from_utf8_lossy(&file.path).into_owned(),
                score: plan.score(Entry { path: &file.path, language: file.language }, file.class, text).total(),
                bm25: times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length)),
            }
        });
        Ok(found.collect())
    }

    fn content(&self, file: &FileMatch) -> anyhow::Result<Vec<u8>> {
        let path = self.args.repo.join(String::from_utf8_lossy(&file.path).as_ref());
        std::fs::read(&path).with_context(|| format!("read `{}`", path.display()))
    }
}

/// Of things with a body, and long enough to be a name of its own.
fn is_wanted(name: &str, kind: &str) -> bool {
    let kinds = ["function", "class", "struct", "enum", "interface", "trait", "method", "type", "implementation"];
    name.len() >= 4 && kinds.contains(&kind) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn reciprocal_rank(found: &[Found], judged: &Judged) -> f64 {
    let place = found.iter().take(PLACES).position(|found| found.path == judged.path);
    place.map_or(0.0, |place| 1.0 / (place + 1) as f64)
}
