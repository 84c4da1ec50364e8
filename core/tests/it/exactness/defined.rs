//! `sym:` and `type:symbol` against the facts of every document, and what symbols do to the order of an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kotadb_core::facts::{Facts, Flags, Span, Symbol, SymbolKind};
use kotadb_core::query;
use kotadb_core::search::{FileMatch, Overlay, OverlayFile, Page, Score, SearchRequest, SearchResult, Searcher};
use kotadb_core::segment::{Class, NameRow};
use kotadb_core::store::{Latency, Store, StoreOptions};
use kotadb_core::text::{self, Language};
use proptest::prelude::*;

use super::index::{File, Index, Repository};
use super::symbols::extract;
use super::{CACHE, block_on};

/// A bucket next door.
const LATENCY: Latency = Latency {
    p50: Duration::from_millis(1),
    p90: Duration::from_millis(2),
    slow_share: 0.0,
    slow: Duration::ZERO,
    bytes_per_second: 1 << 30,
    seed: 5,
};

/// A condition on one file: what a query says of it.
#[derive(Clone, Debug)]
enum Term {
    /// As written, the name, what is round it, and whether longer names are meant.
    Symbol(&'static str, &'static str, &'static str, bool),
    Text(&'static str),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
}

impl Term {
    fn render(&self) -> String {
        let join = |parts: &[Self], with: &str| {
            let parts: Vec<_> = parts.iter().map(Self::render).collect();
            format!("({})", parts.join(with))
        };
        match self {
            Self::Symbol(written, ..) => format!("sym:{written}"),
            Self::Text(text) => format!("\"{text}\""),
            Self::And(parts) => join(parts, " "),
            Self::Or(parts) => join(parts, " OR "),
            Self::Not(part) => format!("NOT {}", part.render()),
        }
    }

    /// The lines that it is about; none: it does not hold.
    fn lines(&self, file: &File) -> BTreeSet<u64> {
        match self {
            Self::Symbol(written, name, container, begins) => symbols(file, |symbol, round| {
                let fold = |text: &str| {
                    if written.contains(char::is_uppercase) { text.to_owned() } else { text::folded(text) }
                };
                let (symbol, name) = (fold(symbol), fold(name));
                let is_name = if *begins { symbol.starts_with(&name) } else { symbol == name };
                let round = text::folded(round);
                is_name && (container.is_empty() || round == *container || round.ends_with(&format!(".{container}")))
            }),
            Self::Text(word) => {
                let content = String::from_utf8_lossy(&file.content).to_lowercase();
                (1..).zip(content.lines()).filter(|(_, line)| line.contains(word)).map(|(number, _)| number).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    fn holds(&self, file: &File) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(file)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(file)),
            Self::Not(part) => !part.holds(file),
            atom => !atom.lines(file).is_empty(),
        }
    }

    /// Of its terms that are not negated.
    fn shown(&self, positive: bool, file: &File, out: &mut BTreeSet<u64>) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.shown(positive, file, out)),
            Self::Not(part) => part.shown(!positive, file, out),
            atom if positive => out.extend(atom.lines(file)),
            _ => {}
        }
    }
}

/// The lines of a file's symbols for which `is_wanted` says yes of name and container.
fn symbols(file: &File, is_wanted: impl Fn(&str, &str) -> bool) -> BTreeSet<u64> {
    let Some(facts) = extract(file) else { return BTreeSet::new() };
    let wanted = (0..facts.symbols.len()).filter(|nth| {
        let mut names = facts.qualified(*nth);
        let name = names.pop().unwrap();
        is_wanted(name, &names.join("."))
    });
    let line = |nth: usize| u64::from(facts.symbols[nth].line);
    wanted.map(line).collect()
}

fn term() -> impl Strategy<Value = Term> {
    let symbol = prop::sample::select(vec![
        ("Aa", "Aa", "", false),
        ("aa", "aa", "", false),
        ("b", "b", "", false),
        ("AB*", "AB", "", true),
        ("ba*", "ba", "", true),
        ("A.ab", "ab", "a", false),
        ("bb::ab*", "ab", "bb", true),
        ("nowhere", "nowhere", "", false),
    ]);
    let leaf = prop_oneof![
        4 => symbol.prop_map(|(written, name, container, begins)| Term::Symbol(written, name, container, begins)),
        1 => prop::sample::select(vec!["ab", "a", "bb"]).prop_map(Term::Text),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Term::And),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Term::Or),
            2 => inner.prop_map(|part| Term::Not(Box::new(part))),
        ]
    })
}

fn files() -> impl Strategy<Value = Vec<File>> {
    let word = "[AB][ab]{0,2}|\\.[ab]{1,2}|[ab]{1,2}|AB[ab]";
    let text = prop::collection::vec((word, prop::sample::select(vec![" ", "\n", "\r\n", " é "])), 0..8);
    let text = text.prop_map(|words| words.into_iter().map(|(word, end)| word + end).collect::<String>());
    prop::collection::vec((0..6u8, text), 0..7).prop_map(|files| {
        let files: BTreeMap<u8, String> = files.into_iter().collect();
        let file = |(nth, content): (u8, String)| {
            let path =
                format!("{}{nth}.{}", if nth == 5 { "vendor/" } else { "" }, ["rs", "py", "txt"][nth as usize % 3]);
            let language = Language::detect(path.as_bytes(), content.as_bytes());
            let class = if nth == 5 { Class::Vendored } else { Class::Source };
            File { path: path.into_bytes(), content: content.into_bytes(), class, language }
        };
        files.into_iter().map(file).collect()
    })
}

/// Ref, path, and the lines that are shown.
type Found = BTreeSet<(String, Vec<u8>, Vec<u64>)>;

fn found(result: &SearchResult) -> Found {
    let of = |file: &FileMatch| {
        let lines: Vec<u64> = file.lines.iter().map(|line| line.line).collect();
        let path = file.path.clone();
        file.refs.clone().into_iter().map(move |name| (name, path.clone(), lines.clone()))
    };
    result.files.iter().flat_map(of).collect()
}

async fn publish(repositories: &[Repository], docs: usize) -> (Index, Searcher) {
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let searcher = Searcher::new(store.clone(), CACHE);
    (Index::publish_facts(store, repositories, docs, extract).await, searcher)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn symbols_of_a_query_are_those_of_the_facts(
        main in files(),
        old in files(),
        terms in prop::collection::vec(term(), 12),
        docs in 1usize..5,
    ) {
        let refs = vec![("refs/heads/main".to_owned(), main), ("refs/heads/old".to_owned(), old)];
        let repository = Repository { name: "o/a".to_owned(), refs };
        block_on(async {
            let (index, searcher) = publish(std::slice::from_ref(&repository), docs).await;
            for term in &terms {
                let query = format!("{} ref:*", term.render());
                let Some(request) = index.request(&query, None) else { continue };
                let mut expected = Found::new();
                for (name, files) in &repository.refs {
                    for file in files.iter().filter(|file| term.holds(file)) {
                        let mut lines = BTreeSet::new();
                        term.shown(true, file, &mut lines);
                        expected.insert((name.clone(), file.path.clone(), lines.into_iter().collect()));
                    }
                }
                let result = searcher.search(&request).await.unwrap();
                assert_eq!(found(&result), expected, "{query}");
                assert!(result.complete && result.totals.exact);
                let lines = result.files.iter().map(|file| file.lines.len() as u64).sum::<u64>();
                assert_eq!((result.totals.files, result.totals.lines), (result.files.len() as u64, lines), "{query}");
                let files = index.request(&format!("{query} type:file"), None).unwrap();
                let files = searcher.search(&files).await.unwrap();
                let paths = |found: Found| -> BTreeSet<_> { found.into_iter().map(|(name, path, _)| (name, path)).collect() };
                assert_eq!(paths(found(&files)), paths(expected), "{query}");
            }
        });
    }
}

#[test]
fn lines_say_what_they_define() {
    let content = "class Pool\n  def .acquire, .release\nuse Pool\n";
    let file = |path: &str, content: &str| File {
        path: path.into(),
        content: content.into(),
        class: Class::Source,
        language: Language::detect(path.as_bytes(), b""),
    };
    let files = vec![file("src/pool.rs", content), file("src/other.rs", "nothing Other\n")];
    let repository = Repository { name: "o/a".to_owned(), refs: vec![("refs/heads/main".to_owned(), files)] };
    block_on(async {
        let (index, searcher) = publish(&[repository], 10).await;
        let of = async |query: &str| {
            let result = index.search(&searcher, query).await;
            let line = |file: &FileMatch| {
                let names = |row: &NameRow| format!("{} {}:{}", row.qualified(), row.line, row.column);
                let symbols: Vec<_> = file.symbols.iter().map(names).collect();
                let shown = file.lines.iter().map(|line| (line.line, line.ranges.len())).collect::<Vec<_>>();
                (symbols.join(", "), shown)
            };
            result.files.iter().map(line).collect::<Vec<_>>()
        };
        let acquire = ("Pool.acquire 2:8".to_owned(), vec![(2, 1)]);
        assert_eq!(of("sym:Pool.acquire").await, std::slice::from_ref(&acquire));
        assert_eq!(of("type:symbol acquire").await, std::slice::from_ref(&acquire));
        // `use Pool` is a class to this extractor, too.
        assert_eq!(of("type:symbol Pool").await, [("Pool 1:7, Pool 3:5".to_owned(), vec![(1, 1), (3, 1)])]);
        assert_eq!(of("sym:acq* sym:rele*").await, [("Pool.acquire 2:8, Pool.release 2:18".to_owned(), vec![(2, 2)])]);
        // The symbol of a line that the text matches is no match of its own.
        assert_eq!(of("sym:acquire acquire").await, [("Pool.acquire 2:8".to_owned(), vec![(2, 1)])]);
        assert_eq!(of("sym:acquire Pool").await, [("Pool.acquire 2:8".to_owned(), vec![(1, 1), (2, 1), (3, 1)])]);
        assert_eq!(of("acquire").await, [(String::new(), vec![(2, 1)])], "nobody asked for symbols");
        let request = SearchRequest { explain: true, ..index.request("sym:pool", None).unwrap() };
        let result = searcher.search(&request).await.unwrap();
        let parts: Vec<_> = result.files[0].score.iter().flat_map(Score::parts).collect();
        assert_eq!(parts[0], (query::Signal::Definition, 4500), "{parts:?}: in another case");
    });
}

#[test]
fn a_slip_leads_to_names_that_may_be_seen() {
    let file = |path: &str, content: &str| File {
        path: path.into(),
        content: content.into(),
        class: Class::Source,
        language: Language::from_name("rust").unwrap(),
    };
    let of = |name: &str, path: &str, content: &str| Repository {
        name: name.to_owned(),
        refs: vec![("refs/heads/main".to_owned(), vec![file(path, content)])],
    };
    block_on(async {
        let (mut index, searcher) =
            publish(&[of("o/a", "a.rs", "Acquire AcquireAll Release"), of("o/b", "b.rs", "Acquite")], 10).await;
        let near = async |index: &Index, query: &str| {
            let result = index.search(&searcher, query).await;
            result.near.into_iter().map(|one| (one.name, one.near.join(" "))).collect::<Vec<_>>()
        };
        let told = |name: &str, near: &str| vec![(name.to_owned(), near.to_owned())];
        assert_eq!(near(&index, "sym:Acquier").await, told("Acquier", "Acquire Acquite"));
        assert_eq!(near(&index, "sym:acqui").await, told("acqui", "Acquire AcquireAll Acquite"));
        assert!(near(&index, "sym:Acquire nowhere").await.is_empty(), "there is such a symbol");
        assert!(near(&index, "sym:Unlike").await.is_empty() && near(&index, "Acquier").await.is_empty());
        index.visible.pop();
        assert_eq!(near(&index, "sym:Acquier").await, told("Acquier", "Acquire"), "the other repository is hidden");
    });
}

#[test]
fn an_overlay_says_what_it_defines() {
    let file = |content: &str| File {
        path: b"a.rs".to_vec(),
        content: content.into(),
        class: Class::Source,
        language: Language::from_name("rust").unwrap(),
    };
    let repository =
        Repository { name: "o/a".to_owned(), refs: vec![("refs/heads/main".to_owned(), vec![file("Old Kept")])] };
    let row = |name: &str, line: u32, column: u32| NameRow {
        name: name.into(),
        doc: 0,
        symbol: line,
        kind: SymbolKind::Class,
        flags: Flags::default(),
        line,
        column,
        ordinal: 0,
        container: Box::default(),
        signature: Box::default(),
    };
    block_on(async {
        let (index, searcher) = publish(&[repository], 10).await;
        let over = OverlayFile {
            path: b"a.rs".to_vec(),
            mode: 0o100_644,
            class: Class::Source,
            language: Language::from_name("rust").unwrap(),
            content: bytes::Bytes::from_static(b"New\nKept"),
            names: vec![row("New", 1, 1), row("Kept", 2, 1)],
        };
        let overlay = Overlay {
            repository: index.visible[0].id,
            ref_name: "refs/heads/main".to_owned(),
            removed: Vec::new(),
            files: vec![over],
        };
        let lines = async |query: &str| {
            let overlay = Some(Arc::new(overlay.clone()));
            let request = SearchRequest { overlay, ..index.request(query, None).unwrap() };
            let result = searcher.search(&request).await.unwrap();
            result.files.iter().flat_map(|file| file.lines.iter().map(|line| line.line)).collect::<Vec<_>>()
        };
        assert_eq!(
            (lines("sym:New").await, lines("sym:Kept").await, lines("sym:Old").await),
            (vec![1], vec![2], vec![])
        );
        assert_eq!(index.search(&searcher, "sym:Old").await.totals.files, 1, "the commit has it");
    });
}

/// `.c` files that use a name, and one far behind them that defines it in a way that no line tells.
fn used(n: usize) -> Vec<File> {
    let file = |path: String, content: String| File {
        path: path.into_bytes(),
        content: content.into_bytes(),
        class: Class::Source,
        language: Language::from_name("c").unwrap(),
    };
    let mut files: Vec<File> = (0..n)
        .map(|nth| {
            file(format!("folder_{:02}/unit_{nth}.c", nth % 25), format!("  x = do_it({nth});\n  y = do_it(2);\n"))
        })
        .collect();
    files.push(file("zone/home.c".to_owned(), "DEFINED(Home, do_it, int)\n".to_owned()));
    files.push(file("zone/near.c".to_owned(), "DECLARED(do_it)\n".to_owned()));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn extract_used(file: &File) -> Option<Facts> {
    let mut facts = Facts::default();
    for (place, flags) in [("DEFINED(Home, ", Flags::EXPORTED), ("DECLARED(", Flags::DECLARATION)] {
        if file.content.starts_with(place.as_bytes()) {
            let span = Span { start: place.len() as u32, end: place.len() as u32 + 5 };
            let symbol = Symbol {
                name: "do_it".into(),
                flags,
                name_span: span,
                range: span,
                ..Symbol::new(SymbolKind::Function)
            };
            facts.symbols.push(symbol);
        }
    }
    facts.number_lines(&file.content);
    Some(facts)
}

async fn publish_used(n: usize) -> (Index, Searcher) {
    let repository = Repository { name: "o/a".to_owned(), refs: vec![("refs/heads/main".to_owned(), used(n))] };
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let searcher = Searcher::new(store.clone(), CACHE);
    (Index::publish_facts(store, &[repository], 400, extract_used).await, searcher)
}

#[test]
fn what_is_defined_comes_before_its_uses() {
    block_on(async {
        let (index, searcher) = publish_used(1500).await;
        for query in ["do_it", "DO_IT case:no", "do_it OR nowhere_else", "do_it /x|zzz|DEFINED|DECLARED/"] {
            let request = SearchRequest { explain: true, ..index.request(query, Some(20)).unwrap() };
            let first = &searcher.search(&request).await.unwrap().files[0];
            assert_eq!(String::from_utf8_lossy(&first.path), "zone/home.c", "{query}");
        }
        let all: Vec<_> = index.search(&searcher, "do_it").await.files.into_iter().map(|file| file.path).collect();
        assert_eq!(paged(&index, |_| searcher.clone()).await, all);
        // Whoever goes on from a page gives the rest of its order, whatever is in memory.
        let (far, _) = index.store.far_away(LATENCY).unwrap();
        let fresh = |_| Searcher::new(far.clone(), CACHE);
        let alone = paged(&index, fresh).await;
        assert_eq!(alone[0], b"zone/home.c");
        assert_eq!(alone.iter().collect::<BTreeSet<_>>(), all.iter().collect());
        assert_eq!(paged(&index, |page| if page % 3 == 0 { fresh(page) } else { searcher.clone() }).await, alone);
    });
}

/// All files of an answer, page by page, each page by the searcher of its number.
async fn paged(index: &Index, searcher: impl Fn(usize) -> Searcher) -> Vec<Vec<u8>> {
    let (mut paths, mut cursor) = (Vec::new(), None);
    for nth in 0.. {
        let page = Page { files: Some(70), lines: None, cursor: cursor.take() };
        let request = SearchRequest { page, ..index.request("do_it", None).unwrap() };
        let result = searcher(nth).search(&request).await.unwrap();
        paths.extend(result.files.into_iter().map(|file| file.path));
        match result.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(paths.len(), 1502);
    paths
}

#[test]
fn a_cold_definition_takes_one_more_round_trip_at_most() {
    block_on(async {
        let (index, _) = publish_used(1500).await;
        let near = Store::open(&StoreOptions::Memory).unwrap();
        let repository = Repository { name: "o/a".to_owned(), refs: vec![("refs/heads/main".to_owned(), used(1500))] };
        let plain = Index::publish_facts(near, &[repository], 400, |_| None).await;
        let cold = async |index: &Index, query: &str| {
            let (far, traffic) = index.store.far_away(LATENCY).unwrap();
            let request = index.request(query, Some(20)).unwrap();
            let result = Searcher::new(far, CACHE).search(&request).await.unwrap();
            assert_eq!(u64::from(result.stats.gets), traffic.gets(), "{:?}", result.stats);
            (String::from_utf8_lossy(&result.files[0].path).into_owned(), result.stats)
        };
        let (_, before) = cold(&plain, "do_it").await;
        let (first, after) = cold(&index, "do_it").await;
        assert_eq!(first, "zone/home.c");
        assert!(after.round_trips <= before.round_trips + 1, "{before:?}, {after:?}");
        let (first, asked) = cold(&index, "sym:do_it").await;
        assert!(first.starts_with("zone/") && asked.round_trips <= 4 && asked.verified == 2, "{asked:?}");
    });
}
