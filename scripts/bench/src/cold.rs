//! Queries by a process that knows nothing yet, over the local index of a repository read as from a bucket: GETs that wait
//! as promised in `Latency::default`, really slept, and each query with an empty cache. Also beside a slow disk as a second
//! tier of cache, and after many pushes.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use kotadb_core::query;
use kotadb_core::search::{Page, SearchRequest, Searcher};
use kotadb_core::segment::Segment;
use kotadb_core::store::{DiskOptions, DriveSpeed, Kind, Latency, ObjectKey};
use kotadb_indexer::local::{self, LocalIndex};
use tokio::runtime::Runtime;

use crate::pushes;
use crate::rows::{Row, Rows};

/// `cold`
#[derive(Debug, Args)]
pub struct ColdArgs {
    /// Repository with a local index.
    #[arg(long, default_value = "target/bench/linux")]
    repo: PathBuf,
    /// Queries of each kind.
    #[arg(long, default_value_t = 100)]
    queries: usize,
    /// Where the chances begin.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Changes the repository by so many pushes first (each is indexed), and measures literals only.
    #[arg(long, default_value_t = 0)]
    pushes: usize,
    /// Prints what each query took, to the error output.
    #[arg(long)]
    each: bool,
}

/// Lines of a page.
const PAGE: usize = 50;
const CACHE: u64 = 2 << 30;
const DISK: u64 = 1 << 30;
/// Bytes of a literal: from, and how many lengths.
const SHORTEST: usize = 16;
const LENGTHS: usize = 9;

/// What one query took.
struct Cost {
    ms: f64,
    round_trips: f64,
    gets: f64,
    bytes: f64,
}

/// Measures each kind of query.
pub fn run(args: &ColdArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut chance = Chance(args.seed);
    let index = local::open(&args.repo)?;
    let lines = runtime.block_on(lines(&index, args.queries, &mut chance))?;
    let mut out = Vec::new();
    if args.pushes > 0 {
        pushes::push(&args.repo, args.pushes, &mut || chance.next())?;
        let index = local::open(&args.repo)?;
        let bench = Bench { runtime, index, each: args.each };
        let asked = Asked::of(&lines, literal, &mut chance);
        let name = format!("cold literal, {} pushes", args.pushes);
        out.extend(summary(&name, &bench.all(&asked, None)?, true));
        return rows.write("cold-pushes", &out);
    }
    let bench = Bench { runtime, index, each: args.each };
    let kinds: [(&str, Ask); 4] =
        [("literal", literal), ("none-literal", none_literal), ("identifier", identifier), ("regex", regex)];
    for (name, ask) in kinds {
        let asked = Asked::of(&lines, ask, &mut chance);
        out.extend(summary(&format!("cold {name}"), &bench.all(&asked, None)?, name == "literal"));
    }
    out.extend(bench.beside_a_slow_disk(&Asked::of(&lines, literal, &mut chance))?);
    rows.write("cold", &out)
}

/// A query, and where the chances of its GETs begin.
struct Asked(String, u64);

impl Asked {
    fn of(lines: &[String], ask: Ask, chance: &mut Chance) -> Vec<Self> {
        let texts: Vec<String> = lines.iter().filter_map(|line| ask(line, chance)).collect();
        texts.into_iter().map(|text| Self(text, chance.next())).collect()
    }
}

struct Bench {
    runtime: Runtime,
    index: LocalIndex,
    each: bool,
}

impl Bench {
    fn all(&self, asked: &[Asked], disk: Option<&Path>) -> anyhow::Result<Vec<Cost>> {
        asked.iter().map(|asked| self.measure(asked, disk)).collect()
    }

    /// The same queries with and without a second tier that is as slow as a root disk and has seen them once, in turns.
    fn beside_a_slow_disk(&self, asked: &[Asked]) -> anyhow::Result<Vec<Row>> {
        let folder = tempfile::tempdir()?;
        self.all(asked, Some(folder.path()))?;
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for asked in asked {
            without.push(self.measure(asked, None)?);
            with.push(self.measure(asked, Some(folder.path()))?);
        }
        let name = "cold literal, slow disk";
        let ratio = |share| quantile(&with, share, |cost| cost.ms) / quantile(&without, share, |cost| cost.ms);
        let mut rows = summary(name, &with, false);
        rows.push(Row::ours(name, "ms_p50_ratio", ratio(0.5), "ratio").at_most(1.0));
        rows.push(Row::ours(name, "ms_p90_ratio", ratio(0.9), "ratio").at_most(1.0));
        Ok(rows)
    }

    fn measure(&self, Asked(text, seed): &Asked, disk: Option<&Path>) -> anyhow::Result<Cost> {
        let (store, traffic) = self.index.store.far_away(Latency { seed: *seed, ..Latency::default() })?;
        let store = match disk {
            Some(folder) => {
                store.with_disk(&DiskOptions::new(folder.to_owned(), DISK).no_faster_than(DriveSpeed::FLY_ROOT))?
            }
            None => store,
        };
        let query = query::parse(text).with_context(|| format!("`{text}`"))?;
        let request = SearchRequest::new(self.index.tenant, vec![self.index.visible()], query);
        let request = SearchRequest { page: Page::of_lines(PAGE), ..request };
        let searcher = Searcher::new(store.clone(), CACHE);
        let start = Instant::now();
        let stats = self.runtime.block_on(searcher.search(&request))?.stats;
        let ms = start.elapsed().as_secs_f64() * 1e3;
        anyhow::ensure!(u64::from(stats.gets) == traffic.gets(), "{text}: {stats:?}, sent {}", traffic.gets());
        self.runtime.block_on(store.settle_disk());
        let (round_trips, gets, bytes) = (f64::from(stats.round_trips), f64::from(stats.gets), traffic.bytes() as f64);
        if self.each {
            let read = stats.verified;
            eprintln!("{ms:6.1} ms {round_trips} waves {gets:4} GETs {bytes:9} bytes {read:5} read  {text}");
        }
        Ok(Cost { ms, round_trips, gets, bytes })
    }
}

fn quantile(costs: &[Cost], share: f64, of: fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<f64> = costs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let nth = (values.len() as f64 * share).ceil() as usize;
    values.get(nth.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Medians and tails; of what was promised both are held against it, but for times, whose medians were.
fn summary(name: &str, costs: &[Cost], promised: bool) -> Vec<Row> {
    let columns: [Column; 4] = [
        ("ms", "ms", 120.0, |cost| cost.ms),
        ("round_trips", "count", 4.0, |cost| cost.round_trips),
        ("gets", "count", 70.0, |cost| cost.gets),
        ("bytes", "MB", 4.5, |cost| cost.bytes / 1e6),
    ];
    let mut rows = vec![Row::ours(name, "queries", costs.len() as f64, "count")];
    for (metric, unit, promise, of) in columns {
        for (share, suffix) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99")] {
            let row = Row::ours(name, &format!("{metric}_{suffix}"), quantile(costs, share, of), unit);
            let held = promised && (suffix == "p50" || (suffix == "p90" && metric != "ms"));
            rows.push(if held { row.at_most(promise) } else { row });
        }
    }
    rows
}

/// A metric: name, unit, what is promised of literals, and where it is.
type Column = (&'static str, &'static str, f64, fn(&Cost) -> f64);
/// A query made of a line of the corpus.
type Ask = fn(&str, &mut Chance) -> Option<String>;

fn literal(line: &str, chance: &mut Chance) -> Option<String> {
    Some(quoted(piece(line, chance)))
}

/// What is hardly anywhere: a piece from its end to its beginning.
fn none_literal(line: &str, chance: &mut Chance) -> Option<String> {
    Some(quoted(&piece(line, chance).chars().rev().collect::<String>()))
}

fn identifier(line: &str, _: &mut Chance) -> Option<String> {
    let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.find(|word| word.len() >= 6).map(quoted)
}

/// An identifier whose middle is anything.
fn regex(line: &str, chance: &mut Chance) -> Option<String> {
    let word = identifier(line, chance)?;
    let word = word.trim_start_matches('"').split('"').next()?;
    let middle = word.len() / 2;
    Some(format!("/{}\\w{}/ case:yes", &word[..middle], &word[middle + 1..]))
}

fn quoted(text: &str) -> String {
    format!("\"{}\" case:yes", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn piece<'a>(line: &'a str, chance: &mut Chance) -> &'a str {
    let len = SHORTEST + chance.below(LENGTHS);
    let start = chance.below(line.len() - len + 1);
    &line[start..start + len]
}

/// Lines of random documents: ASCII, trimmed, long enough for every literal.
async fn lines(index: &LocalIndex, n: usize, chance: &mut Chance) -> anyhow::Result<Vec<String>> {
    let (root, _) = index.store.head(index.tenant).await?;
    let mut segments: Vec<(ObjectKey, Segment)> = Vec::new();
    for entry in &root.segments {
        let hot = entry.bytes - entry.hot_bytes..entry.bytes;
        segments.push((entry.key, Segment::open(part(index, entry.key, hot).await?, entry.bytes)?));
    }
    let mut lines = Vec::new();
    let longest = SHORTEST + LENGTHS - 1;
    for _ in 0..n * 100 {
        let (key, segment) = &segments[chance.below(segments.len())];
        let doc = chance.below(segment.n_docs() as usize) as u32;
        let frame = part(index, *key, segment.frame_range(doc)).await?;
        let text = String::from_utf8(segment.decode_frame(doc, &frame)?).unwrap_or_default();
        let fit = |line: &&str| line.len() >= longest && line.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let fitting: Vec<&str> = text.lines().map(str::trim).filter(fit).collect();
        if !fitting.is_empty() {
            lines.push(fitting[chance.below(fitting.len())].to_owned());
        }
        if lines.len() == n {
            break;
        }
    }
    Ok(lines)
}

async fn part(index: &LocalIndex, key: ObjectKey, range: std::ops::Range<u64>) -> anyhow::Result<bytes::Bytes> {
    let read = index.store.get_ranges(index.tenant, Kind::Segment, key, std::slice::from_ref(&range)).await?;
    read.parts.into_iter().next().context("one range was asked for")
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}
