//! Questions about commits of a small repository in a bucket: what they find, what they refuse, and in how many round trips.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::facts::{Facts, Flags, Span, Symbol, SymbolKind, extractor_version};
use crate::graph::{FileEdges, GraphBuilder, GraphFile};
use crate::id::{ObjectId, RepositoryId};
use crate::query;
use crate::segment::{Class, PreparedDocument, Scratch, SegmentBuilder};
use crate::store::{
    Kind, Refs, RepositoryEntry, Retained, SegmentEntry, SkipReason, Skipped, Snapshot, SnapshotEntry, Store,
    StoreError, StoreOptions, Tip, TipGraph,
};
use crate::text::Language;

const REPOSITORY: RepositoryId = RepositoryId(Uuid::from_u128(7));

/// Path, text and class.
const FILES: [(&str, &[u8], Class); 7] = [
    ("README.md", b"# Pool\n", Class::Docs),
    ("gen/pool.rs", b"fn made() {}\n", Class::Generated),
    ("src/db/pool.rs", b"one\ntwo\nthree\nfour", Class::Source),
    ("src/db/pool_test.rs", b"test\n", Class::Test),
    ("src/main.rs", b"fn main() {}\n\xff\n", Class::Source),
    ("src/wide.rs", "ääää\nb\n".as_bytes(), Class::Source),
    ("src/zero.py", b"", Class::Source),
];

fn commit(nth: u8) -> ObjectId {
    ObjectId([nth; 20])
}

struct Index {
    searcher: Searcher,
    hidden: BTreeSet<ObjectId>,
}

impl Index {
    /// `main` at 1, `refs/heads/next` at 2 with one file, `refs/tags/v1` at 2, and 3 that `main` has left.
    async fn new() -> Self {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let tenant = TenantId::LOCAL;
        let mut nth = 0;
        let mut id = || {
            nth += 1;
            Uuid::from_u128(nth)
        };
        let (mut builder, mut scratch) = (SegmentBuilder::new(Vec::new()).unwrap(), Scratch::default());
        let mut entries = Vec::new();
        for (path, text, class) in FILES {
            let language = Language::of_path(path.as_bytes()).unwrap();
            let mut document = PreparedDocument::new(commit(9), language, text, &mut scratch).unwrap();
            let version = extractor_version(language).unwrap_or(1);
            document.add_facts(version, Some(&facts(text)), text, &mut scratch).unwrap();
            let doc = builder.add(document).unwrap();
            let path = path.as_bytes().to_vec();
            entries.push(SnapshotEntry { path, mode: 0o100_644, segment: 0, doc, class, language });
        }
        let (segment, summary) = builder.finish().unwrap();
        let key = store.put(tenant, Kind::Segment, id(), segment.into()).await.unwrap();
        let skipped = vec![
            Skipped { path: b"src/db/dump.bin".to_vec(), reason: SkipReason::Binary },
            Skipped { path: b"vendor".to_vec(), reason: SkipReason::Submodule },
        ];
        let other_text = SnapshotEntry { doc: entries[3].doc, ..entries[2].clone() };
        let mut tips = Vec::new();
        for (number, ref_name, entries, skipped) in [
            (1, "refs/heads/main", entries.clone(), skipped),
            (2, "refs/heads/next", entries[..1].to_vec(), Vec::new()),
            (3, "refs/heads/main", vec![entries[0].clone(), other_text], Vec::new()),
        ] {
            let snapshot = Snapshot::new(commit(number), vec![key], entries, skipped).encode();
            let snapshot = store.put(tenant, Kind::Snapshot, id(), snapshot).await.unwrap();
            tips.push(Tip { ref_name: ref_name.into(), commit: commit(number), snapshot, base: None, graph: None });
        }
        let graph = store.put(tenant, Kind::Graph, id(), graph().into()).await.unwrap();
        tips[0].graph = Some(TipGraph { key: graph, base: None });
        let tag = Tip { ref_name: "refs/tags/v1".into(), ..tips[1].clone() };
        let history = vec![Retained { tip: tips[2].clone(), left_ms: 1 }];
        let refs = Refs { tips: vec![tips[1].clone(), tag], history, ..Refs::default() };
        let refs = store.put(tenant, Kind::Refs, id(), refs.encode()).await.unwrap();
        let entry = SegmentEntry {
            key,
            bytes: summary.bytes,
            hot_bytes: summary.hot_bytes,
            n_docs: summary.n_docs,
            text_bytes: summary.text_bytes,
        };
        let publish = store.update_head::<StoreError, _>(tenant, |root| {
            root.segments = vec![entry.clone()];
            let (default, refs) = (Some(tips[0].clone()), Some(refs));
            let entry = RepositoryEntry { default, refs, segments: vec![0], ..RepositoryEntry::default() };
            root.repositories.insert(REPOSITORY, entry);
            Ok(true)
        });
        publish.await.unwrap();
        Self { searcher: Searcher::new(store, 1 << 20), hidden: BTreeSet::new() }
    }

    fn request(&self, reference: Option<&str>) -> CommitRequest {
        let repository = Visible { id: REPOSITORY, name: "a/b".into(), hidden: self.hidden.clone() };
        let request = CommitRequest::new(TenantId::LOCAL, repository);
        CommitRequest { reference: reference.map(str::to_owned), ..request }
    }

    async fn ask<Q: Ask>(&self, question: &Q) -> Result<Answered<Q::Answer>, CommitError> {
        self.searcher.ask(&self.request(None), question).await
    }

    async fn chosen(&self, reference: &str) -> Result<(u8, String), String> {
        let state = self.searcher.commit_state(&self.request(Some(reference))).await;
        state.map(|state| (state.commit.0[0], state.ref_name)).map_err(|error| error.to_string())
    }

    async fn lines(&self, path: &str, (first, last): (u64, Option<u64>), most_bytes: usize) -> FileContent {
        let request = FileRequest { first, last, ..FileRequest::new(path.as_bytes(), most_bytes) };
        self.ask(&request).await.unwrap().answer
    }
}

/// One function over the whole text.
fn facts(text: &[u8]) -> Facts {
    let span = Span { start: 0, end: text.len() as u32 };
    let symbol = Symbol {
        name: "all".into(),
        name_span: Span { start: 0, end: 3.min(span.end) },
        ..Symbol::new(SymbolKind::Function)
    };
    let symbol = Symbol { range: span, signature: span, flags: Flags::EXPORTED, ..symbol };
    let mut facts = Facts { symbols: vec![symbol], ..Facts::default() };
    facts.number_lines(text);
    facts
}

/// Of all files, without an edge.
fn graph() -> Vec<u8> {
    let mut builder = GraphBuilder::default();
    for (path, text, class) in FILES {
        let edges = FileEdges::default();
        builder.add(&GraphFile { path: path.as_bytes(), class, facts: &facts(text), edges: &edges }).unwrap();
    }
    let mut bytes = Vec::new();
    builder.finish(&[], &mut bytes).unwrap();
    bytes
}

fn paths(tree: &Tree) -> Vec<String> {
    tree.items.iter().map(|item| String::from_utf8_lossy(&item.path).into_owned()).collect()
}

#[tokio::test]
async fn a_commit_is_meant_by_branch_tag_or_digits() {
    let mut index = Index::new().await;
    let (main, next) = ((1, "refs/heads/main".to_owned()), (2, "refs/heads/next".to_owned()));
    for (asked, expected) in [
        ("HEAD", &main),
        ("main", &main),
        ("refs/heads/main", &main),
        ("", &main),
        (&"01".repeat(20), &main),
        ("0101010", &main),
        ("next", &next),
        ("0202020", &next),
        ("v1", &(2, "refs/tags/v1".to_owned())),
        ("tags/v1", &(2, "refs/tags/v1".to_owned())),
        ("0303030", &(3, "03".repeat(20))),
    ] {
        assert_eq!(index.chosen(asked).await.as_ref(), Ok(expected), "{asked}");
    }
    for asked in ["nex", "030303", "04040404", "refs/heads"] {
        assert!(
            index.chosen(asked).await.unwrap_err().contains("no indexed branch, tag or commit of `a/b`"),
            "{asked}"
        );
    }
    // A hidden commit is as if it did not exist, whatever names it.
    index.hidden = BTreeSet::from([commit(2), commit(1)]);
    for asked in ["next", "v1", "0202020", "main"] {
        assert!(index.chosen(asked).await.is_err(), "{asked}");
    }
    assert!(index.chosen("").await.unwrap_err().contains("nothing of `a/b` is indexed yet"));
    let late = CommitRequest { min_version: Some(99), ..index.request(Some("0303030")) };
    assert!(matches!(
        index.searcher.commit_state(&late).await,
        Err(CommitError::Search(crate::search::SearchError::Behind { wanted: 99, .. }))
    ));
}

#[tokio::test]
async fn lines_of_a_file_are_whole_and_lead_on() {
    let index = Index::new().await;
    let all = index.lines("src/db/pool.rs", (1, None), 1000).await;
    assert_eq!((&all.text[..], all.first, all.last, all.next), (&b"one\ntwo\nthree\nfour"[..], 1, 4, None));
    assert_eq!((all.n_lines, all.n_bytes, all.class), (4, 18, Class::Source));
    let some = index.lines("src/db/pool.rs", (2, Some(3)), 1000).await;
    assert_eq!((&some.text[..], some.last, some.next), (&b"two\nthree\n"[..], 3, None));
    let few = index.lines("src/db/pool.rs", (1, None), 9).await;
    assert_eq!((&few.text[..], few.last, few.next, few.cut), (&b"one\ntwo\n"[..], 2, Some(3), false));
    // Read on, the parts are the file.
    let (mut text, mut next) = (Vec::new(), Some(1));
    while let Some(first) = next {
        let part = index.lines("src/db/pool.rs", (first, None), 6).await;
        text.extend_from_slice(&part.text);
        next = part.next;
    }
    assert_eq!(text, FILES[2].1);
    let long = index.lines("src/wide.rs", (1, None), 5).await;
    assert_eq!((&long.text[..], long.cut, long.next), ("ää".as_bytes(), true, Some(2)));
    let empty = index.lines("src/zero.py", (1, None), 5).await;
    assert_eq!((empty.text.len(), empty.first, empty.last, empty.next, empty.cut), (0, 1, 0, None, false));
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let index = Index::new().await;
    for (path, first, why) in [
        ("src/db/dump.bin", 1, "`src/db/dump.bin` is not in the index: it is binary"),
        ("vendor", 1, "it is a submodule"),
        ("src/db", 1, "`src/db` is a folder"),
        ("src/db/", 1, "is a folder"),
        ("src/d", 1, "there is no file `src/d`"),
        ("", 1, "is a folder"),
        ("src/db/pool.rs", 5, "has 4 lines: line 5 is behind them"),
    ] {
        let request = FileRequest { first, ..FileRequest::new(path.as_bytes(), 100) };
        let error = index.ask(&request).await.unwrap_err().to_string();
        assert!(error.contains(why), "{path}: {error}");
    }
    let error = index.ask(&TreeRequest::new(b"src/db/pool.rs", 9)).await.unwrap_err().to_string();
    assert!(error.contains("no folder `src/db/pool.rs`"), "{error}");
}

#[tokio::test]
async fn a_folder_shows_what_is_in_it() {
    let index = Index::new().await;
    let root = index.ask(&TreeRequest::new(b"", 100)).await.unwrap().answer;
    assert_eq!(paths(&root), ["README.md", "gen/", "src/", "vendor"]);
    assert_eq!(root.items[2].kind, TreeItemKind::Folder { files: 6 });
    assert_eq!(root.items[3].kind, TreeItemKind::LeftOut(SkipReason::Submodule));
    assert_eq!((root.total, root.hidden, root.more), (4, 0, false));
    for folder in [&b"src"[..], b"src/"] {
        let src = index.ask(&TreeRequest::new(folder, 100)).await.unwrap().answer;
        assert_eq!(paths(&src), ["src/db/", "src/main.rs", "src/wide.rs", "src/zero.py"]);
    }
    let all = TreeRequest { recursive: true, ..TreeRequest::new(b"src/db", 100) };
    let all = index.ask(&all).await.unwrap().answer;
    assert_eq!(paths(&all), ["src/db/dump.bin", "src/db/pool.rs", "src/db/pool_test.rs"]);
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let request = TreeRequest { after, ..TreeRequest::new(b"", 1) };
        let page = index.ask(&request).await.unwrap().answer;
        assert_eq!(page.total, 4);
        pages.extend(paths(&page));
        after = page.items.last().map(|item| item.path.clone()).filter(|_| page.more);
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, paths(&root));
}

#[tokio::test]
async fn a_filter_narrows_a_tree_to_the_files_that_it_names() {
    let index = Index::new().await;
    let filtered = async |filter: &str, recursive| {
        let filter = Some(query::parse_filter(filter).unwrap());
        let request = TreeRequest { filter, recursive, ..TreeRequest::new(b"", 100) };
        let tree = index.ask(&request).await.unwrap().answer;
        (paths(&tree), tree.hidden)
    };
    let strings = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    assert_eq!(filtered("path:pool", true).await, (strings(&["src/db/pool.rs", "src/db/pool_test.rs"]), 1));
    assert_eq!(filtered("path:pool generated:yes", true).await.0.len(), 3);
    assert_eq!(filtered("lang:python", true).await, (strings(&["src/zero.py"]), 0));
    assert_eq!(filtered("lang:rust path:*_test.rs", false).await, (strings(&["src/"]), 0));
    assert_eq!(filtered("repo:other", true).await, (strings(&[]), 0));
    assert_eq!(filtered("ref:next", true).await, (strings(&[]), 0));
}

#[tokio::test]
async fn facts_come_with_the_text() {
    let index = Index::new().await;
    let found = index.ask(&FileFactsRequest { path: b"src/db/pool.rs".to_vec() }).await.unwrap().answer;
    assert_eq!((&*found.facts.unwrap().symbols[0].name, &found.text[..]), ("all", FILES[2].1));
    assert!(found.has_symbols && !found.pending);
}

#[tokio::test]
async fn what_has_changed_since_a_commit_are_the_lines_that_differ() {
    let index = Index::new().await;
    let changed = async |asked: Option<&str>, base: &str| {
        let commit = index.searcher.open_commit(&index.request(asked), false).await.unwrap();
        let found = since::since(&commit, base).await.unwrap();
        let text = |path: Vec<u8>| String::from_utf8(path).unwrap();
        let files: Vec<_> = found.files.into_iter().map(|file| (text(file.path), file.lines)).collect();
        (files, found.gone.into_iter().map(text).collect::<Vec<_>>())
    };
    let file = |path: &str, end| (path.to_owned(), std::iter::once(1..end).collect::<Vec<_>>());
    assert_eq!(changed(None, "main").await, (vec![], vec![]));
    let added = [file("gen/pool.rs", 2), file("src/db/pool.rs", 5), file("src/db/pool_test.rs", 2)];
    let since_3 = [&added[..], &[file("src/main.rs", 3), file("src/wide.rs", 3)]].concat();
    assert_eq!(changed(None, "0303030").await, (since_3, vec![]));
    let gone = ["gen/pool.rs", "src/db/pool_test.rs", "src/main.rs", "src/wide.rs", "src/zero.py"].map(str::to_owned);
    assert_eq!(changed(Some("0303030"), "main").await, (vec![file("src/db/pool.rs", 2)], gone.to_vec()));
    let commit = index.searcher.open_commit(&index.request(None), false).await.unwrap();
    assert!(matches!(since::since(&commit, "none").await, Err(CommitError::NoCommit { .. })));
}

#[tokio::test]
async fn a_question_takes_few_round_trips() {
    let index = Index::new().await;
    let file = FileRequest::new(b"src/db/pool.rs", 1000);
    // HEAD, the snapshot, and the segment, which is small enough to come whole.
    let cold = index.ask(&file).await.unwrap().stats;
    assert_eq!(cold.round_trips, 3, "{cold:?}");
    // Memory is asked anew whether HEAD has moved.
    let warm = index.ask(&file).await.unwrap().stats;
    assert_eq!((warm.round_trips, warm.gets), (1, 1), "{warm:?}");
    let tree = index.ask(&TreeRequest::new(b"", 100)).await.unwrap().stats;
    assert_eq!((tree.round_trips, tree.gets), (1, 1), "{tree:?}");
    // The refs object and the other snapshot; of the same segment.
    let other = index.searcher.ask(&index.request(Some("next")), &FileRequest::new(b"README.md", 9)).await.unwrap();
    assert_eq!(other.stats.round_trips, 3, "{:?}", other.stats);
}

#[tokio::test]
async fn a_name_is_looked_up_in_the_index_and_not_in_the_graph() {
    let index = Index::new().await;
    let asked = async |symbol: &str, reference| {
        let question = DefinitionRequest { symbol: symbol.to_owned() };
        let answered = index.searcher.ask(&index.request(reference), &question).await.unwrap();
        (answered.answer.into_iter().map(|place| place.id).collect::<Vec<_>>(), answered.stats.round_trips)
    };
    // HEAD, graph and snapshot; HEAD again and the refs object, the segment with its names; the nodes.
    let (ids, round_trips) = asked("all", None).await;
    assert_eq!(ids, FILES.map(|(path, ..)| format!("{path}#all")));
    assert!(round_trips <= 6, "{round_trips}");
    assert_eq!(asked("all", Some("next")).await.0, ["README.md#all"], "without a graph");
    for symbol in ["src/wide.rs#all", "gen/pool.rs#all"] {
        assert_eq!(asked(symbol, None).await.0, [symbol]);
    }
    assert_eq!(asked("al", None).await.0, [""; 0]);
    assert_eq!(asked("src/wide.rs#none", None).await.0, [""; 0]);
}
