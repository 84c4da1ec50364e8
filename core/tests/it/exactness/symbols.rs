//! Symbols by name, against a plain scan, and what a look-up sends to a store that is far away.

use std::collections::BTreeSet;
use std::time::Duration;

use kotadb_core::facts::{Facts, Flags, Span, Symbol, SymbolKind};
use kotadb_core::query;
use kotadb_core::search::{NameMatch, Searcher, SymbolAnswer, SymbolRequest};
use kotadb_core::segment::Class;
use kotadb_core::store::{Latency, Store, StoreOptions};
use kotadb_core::text::{self, Language};
use proptest::prelude::*;

use super::index::{File, Index, Repository};
use super::{CACHE, block_on};

/// Every word that begins with a capital is a class, and one behind `.` is a method of it.
pub fn extract(file: &File) -> Option<Facts> {
    if file.language == Language::TEXT {
        return None;
    }
    let mut facts = Facts::default();
    let mut class = None;
    for word in text::words(&file.content) {
        let name: Box<str> = String::from_utf8_lossy(&file.content[word.clone()]).into();
        let is_method = file.content[..word.start].ends_with(b".");
        let kind = if is_method { SymbolKind::Method } else { SymbolKind::Class };
        if !is_method && !name.starts_with(char::is_uppercase) {
            continue;
        }
        let span = Span { start: word.start as u32, end: word.end as u32 };
        let container = class.filter(|_| is_method);
        let flags = if is_method { Flags::default() } else { Flags::EXPORTED };
        let symbol = Symbol { name, flags, container, name_span: span, range: span, ..Symbol::new(kind) };
        if !is_method {
            class = Some(facts.symbols.len() as u32);
        }
        facts.symbols.push(Symbol { signature: span, ..symbol });
    }
    facts.number_lines(&file.content);
    Some(facts)
}

fn file(path: &str, content: &str) -> File {
    let language = Language::detect(path.as_bytes(), content.as_bytes());
    let class = if path.starts_with("vendor") { Class::Vendored } else { Class::Source };
    File { path: path.into(), content: content.into(), class, language }
}

fn repository(name: &str, refs: &[(&str, &[(&str, &str)])]) -> Repository {
    let files = |files: &[(&str, &str)]| files.iter().map(|(path, content)| file(path, content)).collect();
    let refs = refs.iter().map(|(name, listed)| ((*name).to_owned(), files(listed))).collect();
    Repository { name: name.into(), refs }
}

async fn publish(repositories: &[Repository], docs: usize) -> (Index, Searcher) {
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let searcher = Searcher::new(store.clone(), CACHE);
    (Index::publish_facts(store, repositories, docs, extract).await, searcher)
}

fn request(index: &Index, name: &str) -> SymbolRequest {
    SymbolRequest::new(index.tenant, index.visible.clone(), name)
}

fn ids(answer: &SymbolAnswer) -> Vec<String> {
    answer.symbols.iter().map(|hit| format!("{}:{}", hit.repository_name, hit.id())).collect()
}

fn two() -> Vec<Repository> {
    let main: &[(&str, &str)] = &[
        ("src/pool.rs", "struct Pool\n  fn .acquire\n  fn .acquire\n"),
        ("src/apply.rs", "Apply ApplyIndexOperation\nPOOL"),
        ("vendor/pool.c", "Pool"),
        ("notes.txt", "Pool"),
    ];
    let old: &[(&str, &str)] = &[("src/pool.rs", "Pool PoolOld\n")];
    vec![
        repository("o/a", &[("refs/heads/main", main), ("refs/heads/old", old)]),
        repository("o/b", &[("refs/heads/main", &[("lib.py", "class SmallPool:\n  Pool")])]),
    ]
}

#[test]
fn the_best_name_comes_first() {
    block_on(async {
        let (index, searcher) = publish(&two(), 2).await;
        let answer = searcher.symbols(&request(&index, "Pool")).await.unwrap();
        let found: Vec<_> = answer.symbols.iter().map(|hit| (hit.row.name.to_string(), hit.matched)).collect();
        let expected = [("Pool", NameMatch::Exact), ("Pool", NameMatch::Exact), ("POOL", NameMatch::Folded)];
        let expected = expected.into_iter().chain([("SmallPool", NameMatch::Word)]);
        assert_eq!(found, expected.map(|(name, matched)| (name.to_owned(), matched)).collect::<Vec<_>>());
        assert_eq!((answer.hidden, answer.complete, answer.n_refs), (1, true, 2), "the vendored one");
        let pool = &answer.symbols[0];
        assert_eq!((pool.row.line, pool.row.column, &*pool.row.signature), (1, 8, "Pool"));
        assert_eq!(pool.refs, ["refs/heads/main"]);
        assert!(!answer.pending);
    });
}

#[test]
fn symbols_that_are_still_to_come_are_said_to_be() {
    block_on(async {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let searcher = Searcher::new(store.clone(), CACHE);
        let no_python = |file: &File| if file.language.name() == "python" { None } else { extract(file) };
        let index = Index::publish_facts(store, &two(), 100, no_python).await;
        let mut request = request(&index, "Pool");
        assert!(searcher.symbols(&request).await.unwrap().pending, "those of Python");
        request.visible.pop();
        assert!(!searcher.symbols(&request).await.unwrap().pending, "there is no extractor of plain text");
    });
}

#[test]
fn a_symbol_has_an_id_that_tells_it_apart() {
    block_on(async {
        let (index, searcher) = publish(&two(), 100).await;
        let answer = searcher.symbols(&request(&index, "Pool::acquire")).await.unwrap();
        assert_eq!(ids(&answer), ["o/a:src/pool.rs#Pool.acquire", "o/a:src/pool.rs#Pool.acquire~2"]);
        let none = searcher.symbols(&request(&index, "Apply.acquire")).await.unwrap();
        assert!(none.symbols.is_empty() && none.complete);
    });
}

#[test]
fn parts_of_names_are_found_too() {
    block_on(async {
        let (index, searcher) = publish(&two(), 1).await;
        for name in ["apply", "index", "index_op", "operation"] {
            let answer = searcher.symbols(&request(&index, name)).await.unwrap();
            assert!(ids(&answer).contains(&"o/a:src/apply.rs#ApplyIndexOperation".to_owned()), "{name}: {answer:?}");
        }
        let exact = SymbolRequest { exact: true, ..request(&index, "apply") };
        assert!(searcher.symbols(&exact).await.unwrap().symbols.is_empty());
    });
}

#[test]
fn filters_narrow_and_what_may_not_be_seen_is_not_there() {
    block_on(async {
        let (index, searcher) = publish(&two(), 3).await;
        let with = |filter: &str| {
            let filter = query::parse_filter(filter).unwrap();
            SymbolRequest { filter, ..request(&index, "Pool") }
        };
        let python = searcher.symbols(&with("lang:python")).await.unwrap();
        assert_eq!(ids(&python), ["o/b:lib.py#Pool", "o/b:lib.py#SmallPool"]);
        let vendored = searcher.symbols(&with("vendored:only")).await.unwrap();
        assert_eq!(ids(&vendored), ["o/a:vendor/pool.c#Pool"]);
        let old = searcher.symbols(&with("ref:old")).await.unwrap();
        assert_eq!(ids(&old), ["o/a:src/pool.rs#Pool", "o/a:src/pool.rs#PoolOld"]);
        assert_eq!(old.symbols[0].refs, ["refs/heads/old"]);
        let kinds = SymbolRequest { kinds: vec![SymbolKind::Method], ..request(&index, "acquire") };
        assert_eq!(searcher.symbols(&kinds).await.unwrap().symbols.len(), 2);
        let kinds = SymbolRequest { kinds: vec![SymbolKind::Class], ..kinds };
        assert!(searcher.symbols(&kinds).await.unwrap().symbols.is_empty());

        let mut one = request(&index, "Pool");
        one.visible.remove(0);
        assert_eq!(ids(&searcher.symbols(&one).await.unwrap()), ["o/b:lib.py#Pool", "o/b:lib.py#SmallPool"]);
        let mut hidden = request(&index, "Pool");
        let commit = searcher.symbols(&hidden).await.unwrap().symbols[0].commit;
        hidden.visible.iter_mut().for_each(|visible| _ = visible.hidden.insert(commit));
        let left = searcher.symbols(&hidden).await.unwrap();
        assert!(left.symbols.iter().all(|hit| hit.commit != commit));
        hidden.visible.clear();
        let nothing = searcher.symbols(&hidden).await.unwrap();
        assert!(nothing.symbols.is_empty() && nothing.n_refs == 0);
    });
}

/// Text that takes room, so that segments are not read whole.
fn filler(seed: u32) -> String {
    let mut state = seed;
    let mut word = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("{:x} ", state >> 3)
    };
    (0..4_000).map(|_| word()).collect()
}

#[test]
fn a_cold_look_up_takes_three_round_trips() {
    let texts: Vec<(String, String)> = (0..60u32)
        .map(|n| (format!("src/{n}.rs"), format!("{} Common{} Rare{n}Part NeedleNumber{n}", filler(n), n % 7)))
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let repository = repository("o/a", &[("refs/heads/main", &files)]);
    let latency = Latency {
        p50: Duration::from_millis(1),
        p90: Duration::from_millis(2),
        slow_share: 0.0,
        slow: Duration::ZERO,
        bytes_per_second: 1 << 30,
        seed: 5,
    };
    block_on(async {
        let (index, _) = publish(&[repository], 30).await;
        let (far, traffic) = index.store.far_away(latency).unwrap();
        let searcher = Searcher::new(far.clone(), CACHE);
        let exact = SymbolRequest { exact: true, ..request(&index, "NeedleNumber41") };
        let answer = searcher.symbols(&exact).await.unwrap();
        assert_eq!(ids(&answer), ["o/a:src/41.rs#NeedleNumber41"]);
        let stats = answer.stats;
        assert_eq!((stats.round_trips, u64::from(stats.gets)), (3, traffic.gets()), "{stats:?}");
        assert!(stats.gets <= 6 && stats.bytes < 300_000, "HEAD, a snapshot, two tails, two blocks: {stats:?}");
        let begin = SymbolRequest { limit: 3, ..request(&index, "needlenumber4") };
        let answer = Searcher::new(far.clone(), CACHE).symbols(&begin).await.unwrap();
        assert_eq!((answer.symbols.len(), answer.stats.round_trips, answer.complete), (3, 3, false), "{answer:?}");
        let part = Searcher::new(far, CACHE).symbols(&request(&index, "part")).await.unwrap();
        assert!(part.symbols.len() == 20 && part.stats.round_trips <= 5, "{:?}", part.stats);
        let warm = searcher.symbols(&exact).await.unwrap();
        assert_eq!(
            (warm.stats.round_trips, warm.stats.gets, ids(&warm)),
            (0, 0, ids(&searcher.symbols(&exact).await.unwrap()))
        );
    });
}

#[test]
fn the_first_of_many_namesakes_are_those_of_all() {
    let texts: Vec<(String, String)> = (0..300u32)
        .map(|n| {
            let (folder, name) =
                (["src", "test", "vendor"][n as usize % 3], ["Pool", "pool", "POOL", "PoolOld"][n as usize % 4]);
            (format!("{folder}/{}.rs", n * 7 % 300), format!("Other\n.{name} SmallPool{n}"))
        })
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let repository = repository("o/a", &[("refs/heads/main", &files)]);
    block_on(async {
        let (index, searcher) = publish(&[repository], 70).await;
        for (name, exact) in [("pool", false), ("Pool", false), ("Pool", true), ("PoolO", false)] {
            let all = SymbolRequest { exact, limit: 10_000, ..request(&index, name) };
            let all = searcher.symbols(&all).await.unwrap();
            assert!(all.complete && all.symbols.len() >= 50, "{name}: {}", all.symbols.len());
            for limit in [1, 5, 20, 40] {
                let some = SymbolRequest { exact, limit, ..request(&index, name) };
                let some = searcher.symbols(&some).await.unwrap();
                assert_eq!(ids(&some), ids(&all)[..limit], "{name} {limit}");
                assert!(!some.complete);
            }
        }
    });
}

fn repositories() -> impl Strategy<Value = Vec<Repository>> {
    let word = "[AB][ab]{0,1}|[AB]a[AB]b[AB]?|\\.[ab]{1,2}";
    let text = prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "));
    let files = prop::collection::vec((0..4u8, text), 0..6);
    let refs = prop::collection::vec(files, 1..3);
    prop::collection::vec(refs, 1..3).prop_map(|repositories| {
        let of = |files: &Vec<(u8, String)>| {
            let mut seen = BTreeSet::new();
            let files = files.iter().filter(|(nth, _)| seen.insert(*nth));
            files.map(|(nth, text)| file(&format!("{nth}.{}", if nth % 2 == 0 { "rs" } else { "py" }), text)).collect()
        };
        let named = |(nth, refs): (usize, &Vec<Vec<(u8, String)>>)| Repository {
            name: format!("o/{nth}"),
            refs: refs.iter().enumerate().map(|(nth, files)| (format!("refs/heads/{nth}"), of(files))).collect(),
        };
        repositories.iter().enumerate().map(named).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn names_are_found_as_a_scan_finds_them(repositories in repositories(), docs in 1usize..5, exact: bool) {
        block_on(async {
            let (index, searcher) = publish(&repositories, docs).await;
            for name in ["Aa", "a", "B", "AaBb", "ba"] {
                let filter = query::parse_filter("ref:*").unwrap();
                let request = SymbolRequest { filter, exact, limit: 10_000, ..request(&index, name) };
                let answer = searcher.symbols(&request).await.unwrap();
                let found: BTreeSet<_> = answer.symbols.iter().flat_map(|hit| {
                    let place = |ref_name: &String| (hit.repository_name.clone(), ref_name.clone(), hit.id(), hit.row.line, hit.row.column);
                    hit.refs.iter().map(place).collect::<Vec<_>>()
                }).collect();
                assert!(answer.complete);
                let parts = text::subwords(name);
                let matches = |symbol: &str| {
                    let folded = text::folded(symbol);
                    let words = text::subwords(symbol);
                    let in_words = words.windows(parts.len()).any(|window| {
                        let (last, before) = window.split_last().unwrap();
                        // Single characters are in no list of parts.
                        last.len() > 1 && before == &parts[..parts.len() - 1] && last.starts_with(&parts[parts.len() - 1])
                    });
                    if exact { symbol == name } else { folded.starts_with(&text::folded(name)) || in_words }
                };
                let mut expected = BTreeSet::new();
                for repository in &repositories {
                    for (ref_name, files) in &repository.refs {
                        for file in files {
                            expected.extend(scan(file, &matches).into_iter().map(|(id, line, column)| {
                                (repository.name.clone(), ref_name.clone(), id, line, column)
                            }));
                        }
                    }
                }
                // What has the name somewhere within is found where a block has it anyhow.
                assert!(found.is_superset(&expected), "{name}: {found:?} without {:?}", expected.difference(&found).collect::<Vec<_>>());
                let within = |id: &String| text::folded(id).contains(&text::folded(name));
                assert!(found.difference(&expected).all(|(_, _, id, ..)| !exact && within(id)), "{name}");
            }
        });
    }
}

/// Id, line and column of the symbols of a file.
fn scan(file: &File, matches: &dyn Fn(&str) -> bool) -> Vec<(String, u32, u32)> {
    let facts = extract(file).unwrap();
    let mut seen = std::collections::BTreeMap::new();
    let path = String::from_utf8_lossy(&file.path);
    let mut found = Vec::new();
    for (number, symbol) in facts.symbols.iter().enumerate() {
        let qualified = facts.qualified(number).join(".");
        let nth = *seen.entry(qualified.clone()).and_modify(|n| *n += 1).or_insert(1);
        let ordinal = if nth == 1 { String::new() } else { format!("~{nth}") };
        let line = text::LineTable::new(&file.content).position(&file.content, symbol.name_span.start as usize);
        if matches(&symbol.name) {
            found.push((format!("{path}#{qualified}{ordinal}"), line.line as u32, line.column as u32));
        }
    }
    found
}
