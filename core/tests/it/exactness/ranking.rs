//! Whether definitions come first: of generated names, each defined once among files of many languages, the first page of
//! their search is held against BM25 and path order over the same matches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use kotadb_core::query;
use kotadb_core::search::{FileMatch, Page, SearchRequest, SearchResult, Searcher};
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

/// More uses of a name than are ranked together, in `a` to `y`, and behind them files that are called by it.
fn behind_many_uses(called: usize) -> Vec<File> {
    let file = |path: String, content: String| File {
        path: path.into_bytes(),
        class: Class::Source,
        language: Language::from_name("java").unwrap(),
        content: content.into_bytes(),
    };
    let uses = (0..1500).map(|nth| {
        let content = format!("    var it = TextRange.of({nth});\n    use(TextRange, {nth});\n");
        file(format!("{}/Use{nth}.java", char::from(b'a' + (nth % 25) as u8)), content)
    });
    let called = (0..called).map(|nth| file(format!("z{nth:03}/TextRange.java"), format!("// TextRange {nth}\n")));
    let defined = file("zz/TextRange.java".to_owned(), "public final class TextRange {\n".to_owned());
    uses.chain(called).chain([defined]).collect()
}

#[test]
fn a_file_of_the_name_that_is_looked_for_comes_first_wherever_it_is() {
    let refs = vec![("refs/heads/main".to_owned(), behind_many_uses(0))];
    block_on(async {
        let (index, searcher) = publish(&[Repository { name: "acme/one".to_owned(), refs }], 300).await;
        // Nothing is fetched to rank more.
        search(&index, &searcher, "TextRange", Page::default()).await;
        for name in ["TextRange", "textrange"] {
            let page = search(&index, &searcher, name, Page::of_files(20)).await;
            assert_eq!(page.files[0].path, b"zz/TextRange.java", "{name}");
            assert!(!page.complete);
        }
        let nowhere = search(&index, &searcher, "TextRange.of", Page::of_files(20)).await;
        assert_eq!(nowhere.files[0].path, b"a/Use0.java", "that is no name");
    });
}

/// Files ahead of their turn come once, on whatever page: in two repositories, one of them with two refs.
#[test]
fn pages_with_files_ahead_of_their_turn_are_the_answer() {
    let main = behind_many_uses(100);
    let mut next = behind_many_uses(70);
    next.iter_mut().step_by(3).for_each(|file| file.content.extend(b"    more(TextRange);\n"));
    let refs = vec![("refs/heads/main".to_owned(), main), ("refs/heads/next".to_owned(), next)];
    let other = vec![("refs/heads/main".to_owned(), behind_many_uses(20))];
    let repositories =
        [Repository { name: "acme/one".to_owned(), refs }, Repository { name: "acme/two".to_owned(), refs: other }];
    block_on(async {
        let (index, searcher) = publish(&repositories, 300).await;
        for query in ["TextRange", "TextRange ref:*", "textrange lang:java ref:*"] {
            let parsed = query::parse(query).unwrap();
            let request = SearchRequest::new(index.tenant, index.visible.clone(), parsed);
            searcher.search(&request).await.unwrap();
            let all = searcher.search(&request).await.unwrap();
            let key = |file: &FileMatch| (file.path.clone(), file.refs.clone(), file.repository);
            let keys: BTreeSet<_> = all.files.iter().map(key).collect();
            assert_eq!(keys.len(), all.files.len());
            let named = all.files.iter().take_while(|file| file.path.ends_with(b"TextRange.java")).count();
            assert!(named >= 64, "{named} files of that name come first");
            let counted = SearchRequest { page: Page::of_files(40), count: true, ..request.clone() };
            let totals = searcher.search(&counted).await.unwrap().totals;
            assert_eq!((totals.files, totals.lines), (all.totals.files, all.totals.lines));
            // With everything in memory; with nothing, in turns; with nothing from the second page on.
            for (files, is_warm) in [(40, [true, true]), (333, [true, true]), (70, [false, true]), (50, [true, false])]
            {
                let (mut pages, mut cursor, mut nth) = (Vec::new(), None, 0);
                loop {
                    let cold = Searcher::new(index.store.clone(), super::CACHE);
                    let asked = if is_warm[nth.min(1)] { &searcher } else { &cold };
                    let page = Page { cursor, ..Page::of_files(files) };
                    let result = asked.search(&SearchRequest { page, ..request.clone() }).await.unwrap();
                    pages.extend(result.files);
                    (cursor, nth) = (result.next, nth + 1);
                    if cursor.is_none() {
                        break;
                    }
                }
                assert_eq!(pages.len(), all.files.len(), "{query:?}, {files} at once");
                assert!(pages.iter().map(key).collect::<BTreeSet<_>>() == keys);
                assert!(is_warm != [true, true] || pages == all.files);
            }
        }
    });
}
