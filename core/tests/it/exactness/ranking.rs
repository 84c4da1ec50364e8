//! Whether definitions come first: of generated names, each defined once among files of many languages, the first page of
//! their search is held against BM25 and path order over the same matches.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kotadb_core::query;
use kotadb_core::search::{Page, SearchRequest, SearchResult, Searcher};
use kotadb_core::segment::Class;
use kotadb_core::text::Language;

use super::index::{File, Index, Repository};
use super::{block_on, publish};

/// A language: name, extension, a definition, a use.
type Grammar = (&'static str, &'static str, fn(&str) -> String, fn(&str) -> String);

const GRAMMARS: [Grammar; 8] = [
    ("rust", "rs", |name| format!("pub fn {name}(of: u32) -> u32 {{"), |name| format!("    let it = {name}(7);")),
    ("python", "py", |name| format!("def {name}(of):"), |name| format!("    it = {name}(7)")),
    ("go", "go", |name| format!("func {name}(of int) int {{"), |name| format!("\tit := {name}(7)")),
    ("c", "c", |name| format!("static int {name}(int of)"), |name| format!("\tint it = {name}(7);")),
    ("javascript", "js", |name| format!("export function {name}(of) {{"), |name| format!("  const it = {name}(7);")),
    ("java", "java", |name| format!("  public int {name}(int of) {{"), |name| format!("    int it = {name}(7);")),
    ("ruby", "rb", |name| format!("  def {name}(of)"), |name| format!("    it = {name}(7)")),
    ("bash", "sh", |name| format!("{name}() {{"), |name| format!("  it=$({name} 7)")),
];
const FOLDERS: [&str; 6] = ["app", "core/deep/er", "lib", "net/http/client/pool", "tools", "zone"];

const FILES: u64 = 900;
const NAMES: u64 = 160;
/// What REST gives on a page, and how far down a file may be to count.
const PAGE: usize = 50;
const PLACES: usize = 10;
const MARGIN: f64 = 0.15;

/// A number that looks random.
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn name(nth: u64) -> String {
    const VERBS: [&str; 10] =
        ["read", "write", "open", "flush", "merge", "parse", "index", "lookup", "verify", "rotate"];
    const NOUNS: [&str; 16] = [
        "page", "table", "segment", "cursor", "commit", "buffer", "record", "range", "token", "lease", "header",
        "shard", "ticket", "window", "socket", "volume",
    ];
    format!("{}_{}", VERBS[nth as usize % 10], NOUNS[nth as usize / 10])
}

/// Files that use a name: few of most names, a good part of all of some.
fn uses(nth: u64) -> u64 {
    match nth % 16 {
        0 => 400 + 2 * nth,
        1..4 => 40,
        4..9 => 8,
        _ => nth % 4,
    }
}

fn path(file: u64) -> String {
    let (_, extension, ..) = GRAMMARS[file as usize % 8];
    let folder = FOLDERS[mixed(file) as usize % 6];
    let tests = if file.is_multiple_of(7) { "tests/" } else { "" };
    format!("{folder}/{tests}unit_{file}.{extension}")
}

/// The corpus, and of each name the path of the file that defines it.
fn corpus() -> (Vec<File>, BTreeMap<String, String>) {
    let mut texts: Vec<String> = (0..FILES).map(|file| format!("unit {file}\n")).collect();
    let mut defined = BTreeMap::new();
    for nth in 0..NAMES {
        let name = name(nth);
        // Definitions are in no test.
        let home = (nth * 5..).find(|file| file % 7 != 0).expect("some file is no test") % FILES;
        for one in 0..uses(nth) {
            let file = mixed(nth << 16 | one) % FILES;
            for _ in 0..1 + mixed(nth << 24 | one) % 4 {
                writeln!(texts[file as usize], "{}", GRAMMARS[file as usize % 8].3(&name)).unwrap();
            }
        }
        let (.., define, _) = GRAMMARS[home as usize % 8];
        // What is defined is described before, in a file with other things.
        writeln!(texts[home as usize], "{}\n{}", define(&name), "other words in a long file\n".repeat(30)).unwrap();
        defined.insert(name, path(home));
    }
    let file = |(file, text): (u64, String)| File {
        path: path(file).into_bytes(),
        class: if path(file).contains("tests/") { Class::Test } else { Class::Source },
        language: Language::from_name(GRAMMARS[file as usize % 8].0).unwrap(),
        content: text.into_bytes(),
    };
    ((0..).zip(texts).map(file).collect(), defined)
}

async fn search(index: &Index, searcher: &Searcher, name: &str, page: Page) -> SearchResult {
    let query = query::parse(&format!("\"{name}\"")).unwrap();
    let request = SearchRequest { page, ..SearchRequest::new(index.tenant, index.visible.clone(), query) };
    searcher.search(&request).await.unwrap()
}

fn reciprocal_rank<'p>(mut paths: impl Iterator<Item = &'p [u8]>, wanted: &str) -> f64 {
    let place = paths.by_ref().take(PLACES).position(|path| path == wanted.as_bytes());
    place.map_or(0.0, |place| 1.0 / (place + 1) as f64)
}

#[test]
fn definitions_come_before_what_bm25_and_paths_put_first() {
    let (files, defined) = corpus();
    let lengths: BTreeMap<Vec<u8>, f64> =
        files.iter().map(|file| (file.path.clone(), file.content.len() as f64)).collect();
    let average = lengths.values().sum::<f64>() / lengths.len() as f64;
    let refs = vec![("refs/heads/main".to_owned(), files)];
    let (mut sums, mut behind) = ([0.0; 3], 0);
    block_on(async {
        let (index, searcher) = publish(&[Repository { name: "acme/one".to_owned(), refs }], 1000).await;
        for (name, path) in &defined {
            let page = search(&index, &searcher, name, Page::of_lines(PAGE)).await;
            sums[0] += reciprocal_rank(page.files.iter().map(|file| &*file.path), path);
            let mut all = search(&index, &searcher, name, Page::default()).await.files;
            all.sort_by(|a, b| a.path.cmp(&b.path));
            let rank = all.iter().position(|file| file.path == path.as_bytes()).unwrap();
            behind += usize::from(rank >= 128);
            sums[2] += reciprocal_rank(all.iter().map(|file| &*file.path), path);
            all.sort_by_cached_key(|file| {
                let times = file.lines.iter().map(|line| line.ranges.len()).sum::<usize>() as f64;
                let score = times * 2.2 / (times + 1.2 * (0.25 + 0.75 * lengths[&file.path] / average));
                std::cmp::Reverse((score * 1e9) as u64)
            });
            sums[1] += reciprocal_rank(all.iter().map(|file| &*file.path), path);
        }
    });
    let [ours, bm25, by_path] = sums.map(|sum| sum / defined.len() as f64);
    println!("ours {ours:.3}, BM25 {bm25:.3}, by path {by_path:.3}; {behind} definitions behind 128 matches");
    assert!(behind >= 3, "{behind}: pages must not be able to rank all that they need");
    assert!(ours >= bm25.max(by_path) + MARGIN, "ours {ours:.3}, BM25 {bm25:.3}, by path {by_path:.3}");
    assert!(ours >= 0.9, "{ours:.3}");
}

/// A name with more uses than are ranked together: page for page everything comes once, in the order of one answer.
#[test]
fn pages_across_batches_are_the_answer() {
    let file = |nth: usize| File {
        path: format!("folder_{:02}/unit_{nth}.c", nth % 25).into_bytes(),
        class: Class::Source,
        language: Language::from_name("c").unwrap(),
        content: format!("{}int it = read_page({nth});\n", "\t\tread_page(1);\n".repeat(nth % 2)).into_bytes(),
    };
    let files: Vec<File> = (0..2500).map(file).collect();
    let refs = vec![("refs/heads/main".to_owned(), files)];
    block_on(async {
        let (index, searcher) = publish(&[Repository { name: "acme/one".to_owned(), refs }], 1000).await;
        let all = search(&index, &searcher, "read_page", Page::default()).await.files;
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let page = search(&index, &searcher, "read_page", Page { files: Some(97), lines: None, cursor }).await;
            pages.extend(page.files);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((pages.len(), all.len()), (2500, 2500));
        assert!(pages == all);
        let folders: Vec<&[u8]> = all[..10].iter().map(|file| &file.path[.."folder_00".len()]).collect();
        let most = folders.iter().map(|one| folders.iter().filter(|other| *other == one).count()).max();
        assert!(most <= Some(3), "{folders:?}");
    });
}
