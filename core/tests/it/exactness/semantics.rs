//! Single properties of answers, each with the smallest index that shows it.

use kotadb_core::query::{Score, Signal};
use kotadb_core::search::{Budget, Hidden, SearchError, SearchRequest, SearchResult, Searcher, Totals};
use kotadb_core::segment::Class;
use kotadb_core::store::{Store, StoreError, StoreOptions};
use kotadb_core::text::Language;

use super::index::{File, Index, Repository};
use super::{CACHE, block_on, publish};

fn file(path: &str, content: &str, class: Class, language: &str) -> File {
    File {
        path: path.as_bytes().to_vec(),
        content: content.as_bytes().to_vec(),
        class,
        language: Language::from_name(language).unwrap(),
    }
}

fn one_repository(refs: Vec<(&str, Vec<File>)>) -> Vec<Repository> {
    let refs = refs.into_iter().map(|(name, files)| (name.to_owned(), files)).collect();
    vec![Repository { name: "acme/one".to_owned(), refs }]
}

fn paths(result: &SearchResult) -> Vec<&str> {
    result.files.iter().map(|file| std::str::from_utf8(&file.path).unwrap()).collect()
}

#[test]
fn one_blob_at_two_paths_answers_for_each() {
    let shared = "int shared_name;\n";
    let before = vec![
        file("include/x.h", shared, Class::Source, "c"),
        file("vendor/x.hpp", shared, Class::Vendored, "c++"),
        file("tests/moved.c", "int moved_name;\n", Class::Test, "c"),
    ];
    // The same blob goes from one class to another by a rename.
    let after =
        vec![before[0].clone(), before[1].clone(), file("src/moved.c", "int moved_name;\n", Class::Source, "c")];
    let repositories = one_repository(vec![("refs/heads/main", after), ("refs/heads/old", before)]);
    block_on(async {
        let (index, searcher) = publish(&repositories, 100).await;
        let search = async |query: &str| index.search(&searcher, query).await;
        assert_eq!(paths(&search("shared_name").await), ["include/x.h", "vendor/x.hpp"]);
        assert_eq!(paths(&search("shared_name lang:c").await), ["include/x.h"]);
        assert_eq!(paths(&search("shared_name lang:c++").await), ["vendor/x.hpp"]);
        assert_eq!(paths(&search("shared_name path:vendor").await), ["vendor/x.hpp"]);
        assert_eq!(paths(&search("shared_name -path:vendor/**").await), ["include/x.h"]);
        assert_eq!(paths(&search("moved_name").await), ["src/moved.c"]);
        assert_eq!(paths(&search("moved_name ref:old").await), ["tests/moved.c"]);
        assert_eq!(paths(&search("moved_name path:tests").await), [""; 0]);
        // Rank: source before tests before vendored, by what each snapshot says.
        assert_eq!(paths(&search("_name ref:old").await), ["include/x.h", "tests/moved.c", "vendor/x.hpp"]);
        assert_eq!(paths(&search("_name").await), ["include/x.h", "src/moved.c", "vendor/x.hpp"]);
        assert_eq!(paths(&search("lang:c").await), ["include/x.h", "src/moved.c"]);
    });
}

#[test]
fn refs_at_one_commit_are_answered_once() {
    let files = vec![file("a.c", "one two\n", Class::Source, "c")];
    let repositories = one_repository(vec![("refs/heads/main", files.clone()), ("refs/tags/v1", files)]);
    block_on(async {
        let (index, searcher) = publish(&repositories, 100).await;
        // Both refs have their own snapshot here; the text and its path are the same.
        let all = index.search(&searcher, "two ref:*").await;
        assert_eq!((all.files.len(), &all.totals), (1, &Totals { files: 1, lines: 1, exact: true }));
        assert_eq!(all.files[0].refs, ["refs/heads/main", "refs/tags/v1"]);
        assert_eq!(index.search(&searcher, "two ref:v1").await.files.len(), 1);
        assert_eq!(index.search(&searcher, "two ref:HEAD").await.files[0].refs[0], "refs/heads/main");
        assert_eq!(index.search(&searcher, "two -ref:main").await.files[0].refs[0], "refs/tags/v1");
        assert_eq!(index.search(&searcher, "two").await.files[0].refs[0], "refs/heads/main");
    });
}

#[test]
fn what_nobody_asked_for_is_hidden_and_counted() {
    let files = vec![
        file("a.c", "word\n", Class::Source, "c"),
        file("gen/a.c", "word\nword\n", Class::Generated, "c"),
        file("gen/b.c", "wor ord rd_word_\n", Class::Generated, "c"),
        file("vendor/a.c", "wor, ord\n", Class::Vendored, "c"),
    ];
    block_on(async {
        let (index, searcher) = publish(&one_repository(vec![("refs/heads/main", files)]), 100).await;
        let ask = async |query: &str, count: bool| {
            let query = kotadb_core::query::parse(query).unwrap();
            let request = SearchRequest::new(index.tenant, index.visible.clone(), query);
            searcher.search(&SearchRequest { count, facets: true, ..request }).await.unwrap()
        };
        let plain = ask("word", false).await;
        assert_eq!((paths(&plain), plain.complete), (vec!["a.c"], true));
        // The index alone cannot tell: `wor` and `ord` are in all four.
        assert_eq!(plain.hidden, Some(Hidden { generated: 2, vendored: 1, exact: false }));
        let counted = ask("word", true).await;
        assert_eq!(counted.hidden, Some(Hidden { generated: 2, vendored: 0, exact: true }));
        assert_eq!(counted.totals, Totals { files: 1, lines: 1, exact: true });
        assert_eq!(counted.facets.unwrap().classes, [(Class::Source, 1)]);
        let only = ask("word generated:only", true).await;
        assert_eq!((paths(&only), only.hidden.unwrap().vendored), (vec!["gen/a.c", "gen/b.c"], 0));
        assert_eq!(ask("path:a.c", false).await.hidden, Some(Hidden { generated: 1, vendored: 1, exact: true }));
    });
}

#[test]
fn definitions_come_first_and_say_why() {
    let mut files: Vec<File> =
        (0..30).map(|n| file(&format!("a/f{n:02}.c"), "\tx = do_it(1);\n", Class::Source, "c")).collect();
    files.push(file("z/impl.c", "int do_it(int n)\n{\n}\n", Class::Source, "c"));
    block_on(async {
        let (index, searcher) = publish(&one_repository(vec![("refs/heads/main", files)]), 100).await;
        let request = SearchRequest { explain: true, ..index.request("do_it", Some(3)).unwrap() };
        let result = searcher.search(&request).await.unwrap();
        assert_eq!(paths(&result), ["z/impl.c", "a/f00.c", "a/f01.c"]);
        let signals = |nth: usize| result.files[nth].score.iter().flat_map(Score::parts).collect::<Vec<_>>();
        assert_eq!(signals(0)[0], (Signal::Definition, 5000));
        assert!(
            signals(1).contains(&(Signal::Word, 500))
                && !signals(1).iter().any(|(signal, _)| *signal == Signal::Definition)
        );
    });
}

#[test]
fn a_spent_budget_ends_the_search_and_says_so() {
    block_on(async {
        let (index, searcher) = publish(&large(), 100).await;
        let budget = Budget { deadline: Some(std::time::Instant::now()), bytes: None };
        let request = SearchRequest { budget, count: true, ..index.request("common_word", Some(1)).unwrap() };
        let late = searcher.search(&request).await.unwrap();
        assert_eq!((late.files.len(), late.complete), (1, false));
        let bytes = Budget { deadline: None, bytes: Some(1) };
        let other = Searcher::new(index.store.clone(), CACHE);
        let request = SearchRequest { budget: bytes, count: true, ..index.request("common_word", Some(0)).unwrap() };
        let none = other.search(&request).await.unwrap();
        assert_eq!((none.totals.exact, none.files.len()), (false, 0));
    });
}

#[test]
fn other_repositories_are_as_if_they_did_not_exist() {
    let of = |name: &str| Repository {
        name: name.to_owned(),
        refs: vec![("refs/heads/main".to_owned(), vec![file("a.c", "secret\n", Class::Source, "c")])],
    };
    block_on(async {
        let (mut index, searcher) = publish(&[of("acme/one"), of("acme/two")], 100).await;
        assert_eq!(index.search(&searcher, "secret").await.totals.files, 2);
        index.visible.remove(1);
        let result = index.search(&searcher, "secret OR repo:two").await;
        assert_eq!(result.files.iter().map(|file| file.repository_name.as_str()).collect::<Vec<_>>(), ["acme/one"]);
    });
}

/// Source too large for one GET: 40 files of text that compresses badly, each with words of its own.
pub fn large() -> Vec<Repository> {
    let mut state = 7u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("w{:x}", state >> 24)
    };
    let files = (0..40).map(|number| {
        let mut content = (0..1500).map(|_| word()).collect::<Vec<_>>().join("\n");
        content.push_str(&format!("\nneedle_number_{number}\ncommon_word\n"));
        file(&format!("src/f{number:02}.c"), &content, Class::Source, "c")
    });
    one_repository(vec![("refs/heads/main", files.collect())])
}

#[test]
fn a_cold_search_is_at_most_four_waves_and_a_warm_one_is_one() {
    block_on(async {
        let (index, searcher) = publish(&large(), 100).await;
        let cold = index.search(&searcher, "needle_number_17").await;
        assert_eq!(paths(&cold), ["src/f17.c"]);
        assert_eq!((cold.files[0].lines[0].line, cold.files[0].lines[0].column), (1501, 1));
        // One trigram is in one document, which the dictionary says itself: no list is read.
        assert_eq!(cold.stats.round_trips, 3, "{:?}", cold.stats);
        let several = index.search(&Searcher::new(index.store.clone(), CACHE), "needle_number_1").await;
        assert_eq!(several.stats.round_trips, 4, "{:?}", several.stats);
        assert!(cold.stats.verified < 5, "{:?}", cold.stats);
        let warm = index.search(&searcher, "needle_number_17").await;
        assert_eq!((warm.stats.round_trips, warm.stats.gets), (1, 1), "{:?}", warm.stats);
        assert_eq!(warm.files, cold.files);
    });
}

#[test]
fn a_common_query_stops_early() {
    block_on(async {
        let (index, searcher) = publish(&large(), 100).await;
        let some = searcher.search(&index.request("common_word", Some(5)).unwrap()).await.unwrap();
        assert_eq!((some.files.len(), some.totals.exact, some.complete), (5, false, false));
        let counted = SearchRequest { count: true, ..index.request("common_word", Some(5)).unwrap() };
        let counted = searcher.search(&counted).await.unwrap();
        assert_eq!((counted.files, counted.complete), (some.files, false));
        assert_eq!(counted.totals, Totals { files: 40, lines: 40, exact: true });
        let listed = searcher.search(&index.request("path:src", Some(5)).unwrap()).await.unwrap();
        assert_eq!((listed.files.len(), listed.complete, listed.stats.verified), (5, false, 0));
        assert_eq!(index.search(&searcher, "common_word").await.totals.lines, 40);
        assert_eq!(index.search(&searcher, "no_such_word_anywhere").await.stats.candidates, 0);
    });
}

#[test]
fn threads_of_either_runtime_give_the_same() {
    let repositories = large();
    let ask = async {
        let (index, searcher) = publish(&repositories, 7).await;
        index.search(&searcher, "/w[0-9a-f]+7$/").await.files
    };
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let first = many.block_on(ask);
    let again = block_on(async {
        let (index, searcher) = publish(&repositories, 100).await;
        index.search(&searcher, "/w[0-9a-f]+7$/").await.files
    });
    assert!(first.len() == 40 && first == again);
}

#[test]
fn corruption_names_the_object_and_the_range() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let store = Store::open(&StoreOptions::Folder(folder.path().to_owned())).unwrap();
        let index = Index::publish(store, &large(), 100).await;
        let segments = folder.path().join(format!("t/{}/seg", index.tenant));
        let segment = std::fs::read_dir(segments).unwrap().next().unwrap().unwrap().path();
        let mut bytes = std::fs::read(&segment).unwrap();
        let (early, late) = (bytes.len() / 8, bytes.len() - 100);
        let search = async || {
            let searcher = Searcher::new(index.store.clone(), CACHE);
            searcher.search(&index.request("common_word", None).unwrap()).await
        };
        for at in [early, late] {
            bytes[at] ^= 1;
            std::fs::write(&segment, &bytes).unwrap();
            let error = search().await.expect_err("a byte is wrong");
            let SearchError::Store(StoreError::Corrupt { object, what }) = error else { panic!("{error}") };
            assert!(object.contains("/seg/") && what.contains(".."), "{object}: {what}");
            bytes[at] ^= 1;
        }
        std::fs::write(&segment, &bytes).unwrap();
        assert_eq!(search().await.unwrap().totals.lines, 40);
        std::fs::remove_file(&segment).unwrap();
        assert!(matches!(search().await, Err(SearchError::Store(StoreError::NotFound(_)))));
    });
}
