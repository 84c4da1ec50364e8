//! Answers of the engine against a plain scan, over real segments, snapshots and a store.

mod corpus;
mod cursors;
mod deadlines;
mod defined;
mod hostile;
mod index;
mod layers;
mod pages;
mod plans;
mod ranking;
mod reads;
mod semantics;
mod sums;
mod symbols;
mod twin;

use std::collections::BTreeSet;

use kotadb_core::search::{SearchResult, Searcher};
use kotadb_core::store::{Store, StoreOptions};
use proptest::prelude::*;

use self::index::{Index, Repository};
use self::twin::{Found, Tree};

const CACHE: u64 = 8 << 20;

/// Runs on the executor of one thread, like a Lambda.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

async fn publish(repositories: &[Repository], docs: usize) -> (Index, Searcher) {
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let searcher = Searcher::new(store.clone(), CACHE);
    (Index::publish(store, repositories, docs).await, searcher)
}

/// Every line of an answer, once for each ref that it stands for.
fn found(result: &SearchResult) -> BTreeSet<Found> {
    let lines = result.files.iter().flat_map(|file| {
        file.refs.iter().flat_map(move |ref_name| {
            file.lines.iter().map(move |line| {
                let place = (file.repository_name.clone(), ref_name.clone(), file.path.clone());
                (place.0, place.1, place.2, line.line, line.column, line.byte_start, line.byte_end)
            })
        })
    });
    lines.collect()
}

/// What holds of any complete answer.
fn check_shape(result: &SearchResult) {
    assert!(result.complete && result.totals.exact && result.reason.is_none());
    assert_eq!(result.totals.files, result.files.len() as u64);
    assert_eq!(result.totals.lines, result.files.iter().map(|file| file.lines.len() as u64).sum::<u64>());
    for line in result.files.iter().flat_map(|file| &file.lines) {
        let first = line.ranges[0].clone();
        assert_eq!(line.byte_start == line.byte_end, first.is_empty());
        assert!(line.ranges.iter().all(|range| range.end as usize <= line.text.len()));
        assert!(line.cut || u64::from(first.end - first.start) == line.byte_end - line.byte_start);
        assert!(line.text.len() <= 4096);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn patterns_find_what_a_plain_scan_finds(
        repositories in corpus::repositories(),
        patterns in prop::collection::vec((corpus::regex(), any::<bool>()), 16),
        docs in 1usize..6,
    ) {
        block_on(async {
            let (index, searcher) = publish(&repositories, docs).await;
            for (pattern, exact) in patterns {
                let query = format!("/{}/ case:{}", pattern.replace('/', r"\/"), if exact { "yes" } else { "no" });
                let Some(request) = index.request(&query, None) else { continue };
                let regexes = [twin::regex(&pattern, !exact).unwrap()];
                let places = twin::places(&repositories, false);
                let expected: BTreeSet<Found> = places.iter().flat_map(|at| twin::scan(at, &regexes)).collect();
                let result = searcher.search(&request).await.unwrap();
                check_shape(&result);
                assert_eq!(found(&result), expected, "{query}");
            }
        });
    }

    #[test]
    fn literals_find_what_a_plain_scan_finds(
        repositories in corpus::repositories(),
        literals in prop::collection::vec((corpus::literal(), any::<bool>()), 16),
        docs in 1usize..6,
    ) {
        block_on(async {
            let (index, searcher) = publish(&repositories, docs).await;
            for (literal, exact) in literals {
                let query = format!("\"{literal}\" case:{}", if exact { "yes" } else { "no" });
                let regexes = [twin::regex(&regex_syntax::escape(&literal), !exact).unwrap()];
                let places = twin::places(&repositories, false);
                let expected: BTreeSet<Found> = places.iter().flat_map(|at| twin::scan(at, &regexes)).collect();
                let result = index.search(&searcher, &query).await;
                check_shape(&result);
                assert_eq!(found(&result), expected, "{query}");
            }
        });
    }

    #[test]
    fn boolean_queries_find_what_a_naive_evaluation_finds(
        repositories in corpus::repositories(),
        trees in prop::collection::vec(tree(), 12),
        docs in 1usize..6,
    ) {
        block_on(async {
            let (index, searcher) = publish(&repositories, docs).await;
            for tree in trees {
                check_tree(&index, &searcher, &repositories, &tree).await;
            }
        });
    }

    #[test]
    fn a_limit_gives_the_first_lines(
        repositories in corpus::repositories(),
        literal in corpus::literal(),
        limit in 1usize..30,
    ) {
        block_on(async {
            let (index, searcher) = publish(&repositories, 3).await;
            let query = format!("\"{literal}\" case:no ref:*");
            let all = index.search(&searcher, &query).await;
            let some = searcher.search(&index.request(&query, Some(limit)).unwrap()).await.unwrap();
            let lines = |result: &SearchResult| {
                let of = |file: &kotadb_core::search::FileMatch| {
                    file.lines.iter().map(|line| (file.repository, file.refs.clone(), file.path.clone(), line.clone())).collect::<Vec<_>>()
                };
                result.files.iter().flat_map(of).collect::<Vec<_>>()
            };
            let (all_lines, some_lines) = (lines(&all), lines(&some));
            assert_eq!(some_lines[..], all_lines[..limit.min(all_lines.len())]);
            assert!(!some.complete || some_lines.len() == all_lines.len());
            assert!(some.complete || some_lines.len() == limit);
        });
    }
}

/// Texts, filters and their combinations; lower case, so that they match in either case.
fn tree() -> impl Strategy<Value = Tree> {
    let text = || prop::sample::select(vec!["kernel", "class", "fn", "a_b", "x9", "καφές", "42", "nowhere"]);
    let leaf = prop_oneof![
        6 => text().prop_map(|text| Tree::Text(text.to_owned())),
        2 => prop::sample::select(vec!["src", "src/net", ".rs", "a.", "docs"]).prop_map(Tree::Path),
        1 => prop::sample::select(vec!["rust", "c"]).prop_map(Tree::Lang),
        1 => prop::sample::select(vec!["one", "acme"]).prop_map(Tree::Repo),
        1 => prop::sample::select(vec!["main", "v1", "trunk"]).prop_map(Tree::Ref),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::And),
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::Or),
            2 => inner.prop_map(|part| Tree::Not(Box::new(part))),
        ]
    })
}

async fn check_tree(index: &Index, searcher: &Searcher, repositories: &[Repository], tree: &Tree) {
    let query = tree.render();
    // Nothing but negated text is refused.
    let Some(request) = index.request(&query, None) else { return };
    let result = searcher.search(&request).await.unwrap();
    check_shape(&result);
    let mut texts = Vec::new();
    tree.positive(true, &mut texts);
    let regexes: Vec<_> = texts.iter().map(|text| twin::regex(&regex_syntax::escape(text), true).unwrap()).collect();
    let places = twin::places(repositories, tree.names_refs());
    let matching: Vec<_> = places.iter().filter(|at| tree.holds(at)).collect();
    let lines: BTreeSet<_> = matching.iter().flat_map(|at| twin::scan(at, &regexes)).map(place).collect();
    assert_eq!(found(&result).into_iter().map(place).collect::<BTreeSet<_>>(), lines, "{query}");
    let files: BTreeSet<_> = matching.iter().map(|at| (at.repository, at.ref_name, at.file.path.as_slice())).collect();
    let answered = result.files.iter().flat_map(|file| {
        file.refs.iter().map(|ref_name| (file.repository_name.as_str(), ref_name.as_str(), file.path.as_slice()))
    });
    assert_eq!(answered.collect::<BTreeSet<_>>(), files, "{query}");
}

/// Of several terms at one place the engine takes the first written, the twin the first it tries: ends may differ.
fn place(found: Found) -> (String, String, Vec<u8>, u64, u64) {
    (found.0, found.1, found.2, found.3, found.4)
}
