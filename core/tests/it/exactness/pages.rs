//! Pages of an answer, put together, are the answer: also where the index moves on between them.

use std::sync::Arc;

use kotadb_core::query;
use kotadb_core::search::{
    CursorError, FileMatch, LineMatch, Overlay, OverlayFile, Page, SearchError, SearchRequest, Searcher,
};
use kotadb_core::segment::Class;
use kotadb_core::text::Language;
use proptest::prelude::*;

use super::index::Index;
use super::{CACHE, block_on, corpus, publish};

/// Every line of an answer in its order; a file without one stands for itself.
fn flat(files: &[FileMatch]) -> Vec<(Vec<String>, Vec<u8>, Option<LineMatch>)> {
    let of = |file: &FileMatch| {
        let place = (file.refs.clone(), file.path.clone());
        let lines: Vec<_> = file.lines.iter().cloned().map(Some).collect();
        let lines = if lines.is_empty() { vec![None] } else { lines };
        lines.into_iter().map(|line| (place.0.clone(), place.1.clone(), line)).collect::<Vec<_>>()
    };
    files.iter().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pages_put_together_are_the_answer(
        repositories in corpus::repositories(),
        later in corpus::repositories(),
        literal in corpus::literal(),
        by_files: bool,
        size in 1usize..5,
        docs in 1usize..6,
        moves_after in 0usize..4,
    ) {
        block_on(async {
            let (index, searcher) = publish(&repositories, docs).await;
            for query in [format!("\"{literal}\" case:no ref:*"), format!("\"{literal}\" OR lang:rust"), "path:a".to_owned()] {
                let Ok(query) = query::parse(&query) else { continue };
                let request = SearchRequest::new(index.tenant, index.visible.clone(), query);
                let all = flat(&searcher.search(&request).await.unwrap().files);
                let (mut pages, mut cursor, mut turns) = (Vec::new(), None, 0);
                loop {
                    let page = match by_files {
                        true => Page { files: Some(size), lines: None, cursor },
                        false => Page { files: None, lines: Some(size), cursor },
                    };
                    // Another process, with nothing in memory, answers every other page.
                    let other = Searcher::new(index.store.clone(), CACHE);
                    let searcher = if turns % 2 == 0 { &searcher } else { &other };
                    let result = searcher.search(&SearchRequest { page, ..request.clone() }).await.unwrap();
                    assert!(result.files.len() <= size && result.complete == result.next.is_none());
                    pages.extend(flat(&result.files));
                    if turns == moves_after {
                        Index::publish(index.store.clone(), &later, docs).await;
                    }
                    turns += 1;
                    let Some(next) = result.next else { break };
                    cursor = Some(searcher.cursor(index.tenant, &next.to_string()).unwrap());
                }
                assert_eq!(pages, all);
                Index::publish(index.store.clone(), &repositories, docs).await;
            }
        });
    }
}

#[test]
fn a_cursor_of_another_query_is_refused() {
    let file = |path: &str| super::index::File {
        path: path.as_bytes().to_vec(),
        content: b"word other\n".to_vec(),
        class: Class::Source,
        language: Language::TEXT,
    };
    let files = vec![file("a"), file("b")];
    let refs = vec![("refs/heads/main".to_owned(), files)];
    let repositories = [super::index::Repository { name: "acme/one".to_owned(), refs }];
    block_on(async {
        let (index, searcher) = publish(&repositories, 10).await;
        let ask = async |query: &str, cursor| {
            let page = Page { files: Some(1), lines: None, cursor };
            let query = query::parse(query).unwrap();
            searcher
                .search(&SearchRequest { page, ..SearchRequest::new(index.tenant, index.visible.clone(), query) })
                .await
        };
        let next = ask("word", None).await.unwrap().next;
        assert!(next.is_some() && ask("word", next.clone()).await.unwrap().next.is_none());
        assert!(matches!(ask("other", next).await, Err(SearchError::Cursor(CursorError::Foreign))));
    });
}

#[test]
fn pages_of_500_repositories_come_from_one_version_while_others_publish() {
    let file = |path: String, content: &str| super::index::File {
        path: path.into_bytes(),
        content: content.as_bytes().to_vec(),
        class: Class::Source,
        language: Language::TEXT,
    };
    let repositories = |content: &dyn Fn(usize) -> String| {
        let one = |nth: usize| super::index::Repository {
            name: format!("acme/r{nth:03}"),
            refs: vec![("refs/heads/main".to_owned(), vec![file(format!("f{nth}"), &content(nth))])],
        };
        (0..500).map(one).collect::<Vec<_>>()
    };
    block_on(async {
        let (index, searcher) = publish(&repositories(&|nth| format!("word {nth}\n")), 10).await;
        let query = query::parse("word").unwrap();
        let request = SearchRequest::new(index.tenant, index.visible.clone(), query);
        let all = searcher.search(&request).await.unwrap();
        assert_eq!(all.files.len(), 500);
        let (mut pages, mut cursor, mut longest) = (Vec::new(), None, 0);
        loop {
            let page = Page { cursor, ..Page::of_files(90) };
            let searcher = Searcher::new(index.store.clone(), CACHE);
            let result = searcher.search(&SearchRequest { page, ..request.clone() }).await.unwrap();
            assert_eq!(result.root_version, all.root_version);
            pages.extend(flat(&result.files));
            let Some(next) = result.next.map(|next| next.to_string()) else { break };
            longest = longest.max(next.len());
            cursor = Some(searcher.cursor(index.tenant, &next).unwrap());
            Index::publish(index.store.clone(), &repositories(&|nth| format!("other {nth}\n")), 10).await;
        }
        assert_eq!(pages, flat(&all.files));
        // Ids that follow each other compress better than real ones do.
        assert!((10_000..75_000).contains(&longest), "{longest} bytes");
    });
}

/// A page must not hold the texts of all files that could be ranked together, when these are long.
#[test]
fn long_texts_are_ranked_a_few_at_a_time() {
    const MIB: usize = 1 << 20;
    let text = bytes::Bytes::from("some other line\nword\n".repeat(MIB / 21));
    let file = |nth: usize| OverlayFile {
        path: format!("f{nth:03}").into_bytes(),
        mode: 0o100_644,
        class: Class::Source,
        language: Language::TEXT,
        content: text.clone(),
        names: Vec::new(),
    };
    let refs = vec![("refs/heads/main".to_owned(), Vec::new())];
    let repositories = [super::index::Repository { name: "acme/one".to_owned(), refs }];
    block_on(async {
        let (index, searcher) = publish(&repositories, 10).await;
        let overlay = Overlay {
            repository: index.visible[0].id,
            ref_name: "refs/heads/main".to_owned(),
            removed: Vec::new(),
            files: (0..200).map(file).collect(),
        };
        let query = query::parse("word type:file").unwrap();
        let request = SearchRequest::new(index.tenant, index.visible.clone(), query);
        let request = SearchRequest { overlay: Some(Arc::new(overlay)), ..request };
        let (mut paths, mut cursor) = (Vec::new(), None);
        loop {
            let page = Page { cursor, ..Page::of_files(30) };
            let result = searcher.search(&SearchRequest { page, ..request.clone() }).await.unwrap();
            let most = if paths.is_empty() { 130 } else { 200 };
            assert!(result.stats.verified < most, "{:?}", result.stats);
            paths.extend(result.files.into_iter().map(|file| file.path));
            cursor = result.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paths, (0..200).map(|nth| file(nth).path).collect::<Vec<_>>());
    });
}
