//! A search whose bucket falls silent ends at its deadline, wherever it waits, with what it has and where to go on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kotadb_core::search::{Budget, Hidden, Page, SearchRequest, SearchResult, Searcher, StopReason};
use kotadb_core::segment::Class;
use kotadb_core::store::{Faults, Latency, SharedMemory};

use super::index::{File, Index};
use super::semantics::large;
use super::{CACHE, block_on};

/// Much longer than a search takes that is answered.
const PATIENCE: Duration = Duration::from_millis(150);

/// A bucket next door.
const NEXT_DOOR: Latency = Latency {
    p50: Duration::from_micros(200),
    p90: Duration::from_micros(300),
    slow_share: 0.0,
    slow: Duration::ZERO,
    bytes_per_second: 1 << 32,
    seed: 3,
};

/// A source of 41 files, one of them generated, in one segment that is read by ranges.
async fn index() -> (Index, std::sync::Arc<Faults>) {
    let (store, faults) = SharedMemory::default().sender(1, 0);
    let mut repositories = large();
    let content = repositories[0].refs[0].1[0].content.clone();
    let files = &mut repositories[0].refs[0].1;
    files.push(File {
        path: b"gen/g.c".to_vec(),
        content: [b"generated\n", &content[..]].concat(),
        class: Class::Generated,
        ..files[0].clone()
    });
    (Index::publish(store, &repositories, 100).await, faults)
}

fn request(index: &Index, count: bool, page: Page) -> SearchRequest {
    let query = kotadb_core::query::parse("common_word").unwrap();
    SearchRequest { count, page, ..SearchRequest::new(index.tenant, index.visible.clone(), query) }
}

fn in_time(request: &SearchRequest) -> SearchRequest {
    SearchRequest { budget: Budget { deadline: Some(Instant::now() + PATIENCE), bytes: None }, ..request.clone() }
}

fn paths(results: &[SearchResult]) -> Vec<Vec<u8>> {
    results.iter().flat_map(|result| &result.files).map(|file| file.path.clone()).collect()
}

/// The rest of an answer once the store is there again.
async fn rest(searcher: &Searcher, index: &Index, first: SearchResult) -> Vec<SearchResult> {
    let mut pages = vec![first];
    while let Some(last) = pages.last().filter(|last| !last.complete) {
        let page = Page { cursor: last.next.clone(), ..Page::default() };
        pages.push(searcher.search(&request(index, false, page)).await.unwrap());
    }
    pages
}

#[test]
fn a_store_that_falls_silent_anywhere_ends_no_later_than_the_deadline() {
    block_on(async {
        let (index, faults) = index().await;
        for (far, count) in [(false, false), (true, false), (true, true)] {
            let store = if far { index.store.far_away(NEXT_DOOR).unwrap().0 } else { index.store.clone() };
            let whole = request(&index, count, Page::default());
            let before = faults.requests();
            let all = paths(&[Searcher::new(store.clone(), CACHE).search(&whole).await.unwrap()]);
            let n_requests = faults.requests() - before;
            assert!(all.len() == 40 && n_requests >= 4, "{} files, {n_requests} requests", all.len());
            let mut cut = BTreeSet::new();
            for answered in 0..n_requests {
                let searcher = Searcher::new(store.clone(), CACHE);
                faults.stall_after(Some(answered));
                let start = Instant::now();
                let first = searcher.search(&in_time(&whole)).await.unwrap();
                assert!(start.elapsed() < Duration::from_secs(10), "{answered} answered: {:?}", start.elapsed());
                faults.stall_after(None);
                if !first.complete {
                    assert_eq!((first.reason, first.totals.exact), (Some(StopReason::Deadline), false));
                    cut.insert((first.hidden.is_some(), first.next.is_some()));
                }
                let pages = rest(&searcher, &index, first).await;
                let mut found = paths(&pages);
                found.sort();
                let mut expected = all.clone();
                expected.sort();
                assert_eq!(found, expected, "{answered} answered");
            }
            let expected = BTreeSet::from([(false, false), (true, true)]);
            assert_eq!(cut, expected, "before anything is known, and when the content is due");
        }
    });
}

#[test]
fn what_was_found_before_the_store_fell_silent_is_given() {
    block_on(async {
        let (index, faults) = index().await;
        let store = index.store.far_away(NEXT_DOOR).unwrap().0;
        // HEAD is known for a second: on a machine that is busy for longer, again.
        for _ in 0..50 {
            let searcher = Searcher::new(store.clone(), CACHE);
            let start = Instant::now();
            let one = kotadb_core::query::parse("needle_number_0 common_word").unwrap();
            let one = SearchRequest { query: one, ..request(&index, false, Page::default()) };
            assert_eq!(searcher.search(&one).await.unwrap().files.len(), 1);
            faults.stall_after(Some(0));
            let first = searcher.search(&in_time(&request(&index, false, Page::default()))).await.unwrap();
            faults.stall_after(None);
            if start.elapsed() > Duration::from_millis(900) || first.hidden.is_none() {
                continue;
            }
            assert_eq!((first.complete, first.reason), (false, Some(StopReason::Deadline)));
            let kept = paths(std::slice::from_ref(&first));
            assert_eq!(kept, [b"src/f00.c"], "the one that is in memory");
            let mut found = paths(&rest(&searcher, &index, first).await);
            assert_eq!(found[..kept.len()], kept);
            found.sort();
            found.dedup();
            assert_eq!(found.len(), 40);
            return;
        }
        panic!("a second is always over");
    });
}

#[test]
fn where_nothing_hidden_could_be_counted_the_most_there_can_be_is_said() {
    block_on(async {
        let (index, _) = index().await;
        let searcher = Searcher::new(index.store.clone(), CACHE);
        let counting = request(&index, true, Page::of_files(1));
        let spent = SearchRequest { budget: Budget { deadline: None, bytes: Some(1) }, ..counting.clone() };
        let answer = searcher.search(&spent).await.unwrap();
        assert_eq!(answer.hidden, Some(Hidden { generated: 1, vendored: 0, exact: false }));
        assert!(answer.stats.bytes > 1 && !answer.totals.exact);
        let counted = searcher.search(&counting).await.unwrap();
        assert_eq!(counted.hidden, Some(Hidden { generated: 1, vendored: 0, exact: true }));
    });
}

#[test]
fn what_is_read_stays_within_the_budget_and_one_read() {
    block_on(async {
        let (index, _) = index().await;
        let open = Searcher::new(index.store.clone(), CACHE);
        let opened = open.search(&request(&index, false, Page::of_files(0))).await.unwrap().stats.bytes;
        let whole = open.search(&request(&index, false, Page::default())).await.unwrap().stats.bytes;
        assert!(whole > 200_000, "{whole} bytes of content");
        let budget = Budget { deadline: None, bytes: Some(opened + 1) };
        let counting = SearchRequest { budget, ..request(&index, true, Page::of_files(0)) };
        let answer = Searcher::new(index.store.clone(), CACHE).search(&counting).await.unwrap();
        assert!(!answer.totals.exact && answer.stats.bytes <= opened + whole, "{:?}", answer.stats);
    });
}
