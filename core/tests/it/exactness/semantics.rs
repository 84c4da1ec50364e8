//! Single properties of answers, each with the smallest index that shows it.

use kotadb_core::search::{SearchError, SearchResult, Searcher};
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
        // Both refs have their own snapshot here, so they are two targets with the same path.
        let all = index.search(&searcher, "two ref:*").await;
        assert_eq!(
            all.files.iter().map(|file| file.ref_name.as_str()).collect::<Vec<_>>(),
            ["refs/heads/main", "refs/tags/v1"]
        );
        assert_eq!(index.search(&searcher, "two ref:v1").await.files.len(), 1);
        assert_eq!(index.search(&searcher, "two -ref:main").await.files[0].ref_name, "refs/tags/v1");
        assert_eq!(index.search(&searcher, "two").await.files[0].ref_name, "refs/heads/main");
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
        assert_eq!(index.search(&searcher, "secret").await.n_files, 2);
        index.visible.remove(1);
        let result = index.search(&searcher, "secret OR repo:two").await;
        assert_eq!(result.files.iter().map(|file| file.repository_name.as_str()).collect::<Vec<_>>(), ["acme/one"]);
    });
}

/// Source too large for one GET: 40 files of text that compresses badly, each with words of its own.
fn large() -> Vec<Repository> {
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
fn a_cold_search_is_four_waves_and_a_warm_one_is_one() {
    block_on(async {
        let (index, searcher) = publish(&large(), 100).await;
        let cold = index.search(&searcher, "needle_number_17").await;
        assert_eq!(paths(&cold), ["src/f17.c"]);
        assert_eq!((cold.files[0].lines[0].line, cold.files[0].lines[0].column), (1501, 1));
        assert_eq!(cold.stats.round_trips, 4, "{:?}", cold.stats);
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
        assert_eq!((some.n_matches, some.complete), (5, false));
        let listed = searcher.search(&index.request("path:src", Some(5)).unwrap()).await.unwrap();
        assert_eq!((listed.n_files, listed.complete, listed.stats.verified), (5, false, 0));
        assert_eq!(index.search(&searcher, "common_word").await.n_matches, 40);
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
        assert_eq!(search().await.unwrap().n_matches, 40);
        std::fs::remove_file(&segment).unwrap();
        assert!(matches!(search().await, Err(SearchError::Store(StoreError::NotFound(_)))));
    });
}
