//! An answer over all refs is the union of the answers over each, and what is counted is what is listed.

use std::collections::{BTreeMap, BTreeSet};

use kotadb_core::search::{FileMatch, SearchRequest, SearchResult};
use proptest::prelude::*;

use super::index::Index;
use super::{Searcher, block_on, corpus, found, publish};

async fn search(index: &Index, searcher: &Searcher, query: &str) -> SearchResult {
    let request = SearchRequest { facets: true, ..index.request(query, None).unwrap() };
    searcher.search(&request).await.unwrap()
}

/// Files, each with a ref that has it.
fn files(result: &SearchResult) -> BTreeSet<(String, String, Vec<u8>)> {
    let of = |file: &FileMatch| {
        let place = |name: &String| (file.repository_name.clone(), name.clone(), file.path.clone());
        file.refs.iter().map(place).collect::<Vec<_>>()
    };
    result.files.iter().flat_map(of).collect()
}

/// Counted from the list.
fn counts<K: Ord>(result: &SearchResult, key: impl Fn(&FileMatch) -> Option<K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    result.files.iter().filter_map(key).for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}

fn folder(file: &FileMatch) -> Vec<u8> {
    let end = file.path.iter().position(|byte| *byte == b'/').unwrap_or(0);
    file.path[..end].to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn all_refs_are_the_union_of_each(
        repositories in corpus::repositories(),
        literal in corpus::literal(),
        docs in 1usize..6,
    ) {
        block_on(async {
            let (index, searcher) = publish(&repositories, docs).await;
            for (query, option) in [
                (format!("\"{literal}\""), "case:no"),
                (format!("path:a -\"{literal}\""), "case:yes"),
                (format!("\"{literal}\" OR lang:c"), "multiline:yes"),
            ] {
                let all = search(&index, &searcher, &format!("({query}) {option} ref:*")).await;
                let (mut lines, mut places) = (BTreeSet::new(), BTreeSet::new());
                for (name, _) in repositories.iter().flat_map(|repository| &repository.refs) {
                    let one = search(&index, &searcher, &format!("({query}) {option} ref:{name}")).await;
                    lines.extend(found(&one));
                    places.extend(files(&one));
                }
                assert_eq!((found(&all), files(&all)), (lines, places), "{query}");
            }
        });
    }

    #[test]
    fn facets_and_totals_count_what_is_listed(
        repositories in corpus::repositories(),
        literal in corpus::literal(),
        docs in 1usize..6,
    ) {
        block_on(async {
            let (index, searcher) = publish(&repositories, docs).await;
            for query in [format!("\"{literal}\" ref:*"), "path:a ref:*".to_owned(), format!("\"{literal}\" OR lang:c")] {
                let result = search(&index, &searcher, &query).await;
                let facets = result.facets.clone().unwrap();
                assert!(facets.exact && result.totals.files == result.files.len() as u64);
                let languages: BTreeMap<_, _> = facets.languages.iter().copied().collect();
                assert_eq!(languages, counts(&result, |file| Some(file.language)), "{query}");
                let classes: BTreeMap<_, _> = facets.classes.iter().copied().collect();
                assert_eq!(classes, counts(&result, |file| Some(file.class)), "{query}");
                let repositories: BTreeMap<_, _> =
                    facets.repositories.iter().map(|(_, name, files)| (name.clone(), *files)).collect();
                assert_eq!(repositories, counts(&result, |file| Some(file.repository_name.clone())), "{query}");
                let folders: BTreeMap<_, _> = facets.folders.iter().cloned().collect();
                assert_eq!(folders, counts(&result, |file| Some(folder(file))), "{query}");
            }
        });
    }
}
