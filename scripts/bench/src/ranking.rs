//! Whether definitions come first: names that a repository defines once, as `ctags` knows them, are searched for as the
//! REST route does it, and the files that define them are looked for among the first ten of its page; beside that in two
//! orders of all matches: BM25, and by path.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use clap::Args;
use kotadb_core::query;
use kotadb_core::search::{FileMatch, Page, SearchRequest, SearchResult, Searcher};
use kotadb_indexer::local::{self, LocalIndex};
use tokio::runtime::Runtime;

use crate::rows::{Row, Rows};

/// `ranking`
#[derive(Debug, Args)]
pub struct RankingArgs {
    /// Repository with a local index, checked out.
    #[arg(long, default_value = "target/bench/linux")]
    repo: PathBuf,
    /// Names of each set.
    #[arg(long, default_value_t = 200)]
    names: usize,
    /// What rows are named after.
    #[arg(long, default_value = "linux")]
    corpus: String,
    /// Says of each name where its file is.
    #[arg(long)]
    each: bool,
}

/// Places of an order that count.
const PLACES: usize = 10;

/// Lines of a page, as the REST route gives them unless asked otherwise.
const PAGE: usize = 50;

/// Sets of names, by the least number of files that match them. In the first every name counts, in most of them one file
/// matches and every order is right; in the last no page can look at every match.
const SETS: [(&str, u64); 3] = [("all", 1), ("3 files", 3), ("129 files", 129)];

/// How many names are looked at for each of a set.
const SPARE: usize = 50;

/// BM25's usual constants: how soon repetitions stop to count, and how much long files are held back.
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// How far our order is to be above the better one of the others.
const MARGIN: f64 = 0.15;

/// A name, and the one file that defines it.
struct Judged {
    name: String,
    path: String,
}

/// A matching file with what BM25 says of it.
struct Found {
    path: String,
    bm25: f64,
}

/// Reciprocal ranks of one name: ours, BM25, by path.
type Ranks = [f64; 3];

struct Judge<'a> {
    args: &'a RankingArgs,
    runtime: Runtime,
    searcher: Searcher,
    index: LocalIndex,
    /// Bytes of a file of the repository, on average.
    average: f64,
}

/// Measures the mean reciprocal rank of each order over each set.
pub fn run(args: &RankingArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let index = local::open(&args.repo)?;
    let searcher = Searcher::new(index.store.clone(), 1 << 30);
    let judge = Judge { args, runtime, searcher, index, average: average(args)? };
    let mut sets = SETS.map(|_| Vec::new());
    for judged in &judge.judged()? {
        let n_files = judge.count(judged)?;
        let wanted = |(set, (_, least)): (&Vec<Ranks>, &(&str, u64))| set.len() < args.names && n_files >= *least;
        if !sets.iter().zip(&SETS).any(wanted) {
            continue;
        }
        let Some(ranks) = judge.ranks(judged, n_files)? else { continue };
        for (set, (_, least)) in sets.iter_mut().zip(SETS) {
            if set.len() < args.names && n_files >= least {
                set.push(ranks);
            }
        }
    }
    let out: Vec<Row> = sets.iter().zip(SETS).flat_map(|(set, (name, _))| summary(args, name, set)).collect();
    rows.write(&format!("ranking-{}", args.corpus), &out)
}

/// The margin is promised where there is room for it: where the better one of the other orders is that good already, ours
/// is promised to be no worse, and the margin that there can be is stated.
fn summary(args: &RankingArgs, set: &str, ranks: &[Ranks]) -> [Row; 5] {
    let mean = |nth: usize| ranks.iter().map(|ranks| ranks[nth]).sum::<f64>() / ranks.len().max(1) as f64;
    let name = format!("{}, {set}", args.corpus);
    let row = |tool: &str, value: f64| Row::of(tool, &name, "mrr_at_10", value, "ratio");
    let [ours, bm25, by_path] = [0, 1, 2].map(mean);
    let best_other = bm25.max(by_path);
    let margin = if best_other + MARGIN <= 1.0 { MARGIN } else { 0.0 };
    [
        row("kotadb", ours).at_least(best_other + margin),
        row("bm25", bm25),
        row("path order", by_path),
        Row::of("ctags", &name, "names", ranks.len() as f64, "count"),
        Row::of("ctags", &name, "margin_possible", 1.0 - best_other, "ratio"),
    ]
}

impl Judge<'_> {
    /// Names that are defined once, in an order that has nothing to do with them.
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
        let mut once: Vec<_> = defined.into_iter().filter_map(|(name, path)| Some((name, path?))).collect();
        once.sort_by_cached_key(|(name, _)| {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            hasher.finish()
        });
        once.truncate(self.args.names * SPARE);
        let judged = once.into_iter();
        let judged =
            judged.map(|(name, path)| Judged { name: name.to_owned(), path: path.trim_start_matches("./").to_owned() });
        Ok(judged.collect())
    }

    /// Matching files.
    fn count(&self, judged: &Judged) -> anyhow::Result<u64> {
        Ok(self.search(judged, Page::of_files(0))?.totals.files)
    }

    /// `None`: no order has the file, since nobody asked for such files.
    fn ranks(&self, judged: &Judged, n_files: u64) -> anyhow::Result<Option<Ranks>> {
        let all = self.search(judged, Page::default())?;
        let mut found = all.files.iter().map(|file| self.found(file)).collect::<anyhow::Result<Vec<_>>>()?;
        if !found.iter().any(|found| found.path == judged.path) {
            return Ok(None);
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let by_path = reciprocal_rank(found.iter().map(|found| &*found.path), judged);
        found.sort_by(|a, b| b.bm25.total_cmp(&a.bm25));
        let bm25 = reciprocal_rank(found.iter().map(|found| &*found.path), judged);
        let page = self.search(judged, Page::of_lines(PAGE))?;
        let paths: Vec<_> = page.files.iter().map(|file| String::from_utf8_lossy(&file.path)).collect();
        let ours = reciprocal_rank(paths.iter().map(|path| &**path), judged);
        if self.args.each {
            let first = paths.first().map_or("", |path| &**path);
            println!("{ours:.3} {bm25:.3} {by_path:.3} {n_files:6} {} {} first {first}", judged.name, judged.path);
        }
        Ok(Some([ours, bm25, by_path]))
    }

    fn search(&self, judged: &Judged, page: Page) -> anyhow::Result<SearchResult> {
        let query = query::parse(&format!("\"{}\"", judged.name))?;
        let request = SearchRequest::new(self.index.tenant, vec![self.index.visible()], query);
        let request = SearchRequest { count: page.files == Some(0), page, ..request };
        Ok(self.runtime.block_on(self.searcher.search(&request))?)
    }

    fn found(&self, file: &FileMatch) -> anyhow::Result<Found> {
        let path = String::from_utf8_lossy(&file.path).into_owned();
        let full = self.args.repo.join(&path);
        let bytes = std::fs::symlink_metadata(&full).with_context(|| format!("look at `{}`", full.display()))?.len();
        let times = file.lines.iter().map(|line| line.ranges.len()).sum::<usize>() as f64;
        let bm25 = times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * bytes as f64 / self.average));
        Ok(Found { path, bm25 })
    }
}

/// The average length of a file at HEAD, in bytes.
fn average(args: &RankingArgs) -> anyhow::Result<f64> {
    let output = Command::new("git").args(["ls-tree", "-r", "-l", "HEAD"]).current_dir(&args.repo).output()?;
    let listed = String::from_utf8_lossy(&output.stdout);
    let lengths: Vec<f64> = listed.lines().filter_map(|line| line.split_whitespace().nth(3)?.parse().ok()).collect();
    Ok(lengths.iter().sum::<f64>() / lengths.len().max(1) as f64)
}

/// Of things with a body, and long enough to be a name of its own.
fn is_wanted(name: &str, kind: &str) -> bool {
    let kinds = ["function", "class", "struct", "enum", "interface", "trait", "method", "type", "implementation"];
    name.len() >= 4 && kinds.contains(&kind) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn reciprocal_rank<'p>(paths: impl Iterator<Item = &'p str>, judged: &Judged) -> f64 {
    let place = paths.take(PLACES).position(|path| path == judged.path);
    place.map_or(0.0, |place| 1.0 / (place + 1) as f64)
}
