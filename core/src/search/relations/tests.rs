//! Answers over a toy program in memory: what they say, and in how many waves.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use uuid::Uuid;

use super::*;
use crate::graph::ask::{Direction, Question, Reach, Summary};
use crate::graph::tests::{Program, example, open, program};
use crate::graph::{Block, Confidence, Graph, GraphError, Place, Shelf, View};
use crate::id::{ObjectId, TenantId};
use crate::search::Searcher;
use crate::segment::{Class, PreparedDocument, Scratch, Segment, SegmentBuilder};
use crate::store::{self, SegmentEntry, Snapshot, SnapshotEntry, Store, StoreError, StoreOptions, Tip, TipGraph};
use crate::text::Language;

struct Nothing;

impl Shelf for Nothing {
    fn find(&self, _: &Graph, _: Place) -> Result<Option<Arc<Block>>, GraphError> {
        Ok(None)
    }
}

/// Files in memory, as far away as a bucket.
struct Memory {
    program: Program,
    graph: Vec<u8>,
    waves: AtomicUsize,
}

impl Memory {
    fn new(program: Program) -> (Self, View) {
        let graph = program.graph();
        let view = View::new(open(&graph), None, Box::new(Nothing)).unwrap();
        (Self { program, graph, waves: AtomicUsize::new(0) }, view)
    }

    /// Waves since the last time.
    fn waves(&self) -> usize {
        self.waves.swap(0, Ordering::Relaxed)
    }
}

impl Ground for Memory {
    async fn blocks(&self, places: &[(Place, Range<u64>)]) -> Result<Vec<Bytes>, RelationsError> {
        self.waves.fetch_add(1, Ordering::Relaxed);
        let cut = |(_, range): &(Place, Range<u64>)| {
            Bytes::copy_from_slice(&self.graph[range.start as usize..range.end as usize])
        };
        Ok(places.iter().map(cut).collect())
    }

    async fn texts(&self, paths: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Bytes>, RelationsError> {
        self.waves.fetch_add(1, Ordering::Relaxed);
        let text = |path: &Vec<u8>| {
            let name = std::str::from_utf8(path).ok().filter(|name| self.program.0.contains_key(*name))?;
            Some((path.clone(), text(&self.program, name).into()))
        };
        Ok(paths.iter().filter_map(text).collect())
    }
}

/// A function of the toy language takes three lines and 100 bytes.
fn text(program: &Program, path: &str) -> String {
    let lines = |(name, _): &(String, Vec<String>)| {
        format!("{:<32}\n{:<32}\n{:<33}\n", format!("fn {name}()  uses:"), "  more", "  end")
    };
    program.0[path].iter().map(lines).collect()
}

fn only(found: Found) -> SymbolPlace {
    match found {
        Found::One(place) => place,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn callers_have_places_and_lines() {
    let (memory, view) = Memory::new(example());
    let relations = Relations { view: &view, ground: &memory };
    let subject = only(relations.find("Open").await.unwrap());
    assert_eq!((subject.id.as_str(), subject.line, subject.is_test), ("a/lib#Open", 1, false));
    memory.waves();
    let question = Question { min_confidence: Confidence(2), ..Question::calls(Direction::Users) };
    let tree = relations.calls(subject, &question).await.unwrap();
    assert!(memory.waves() <= 3, "who calls; their names and sites; their texts");
    let line = |line: &CallLine| {
        let site = &line.sites[0];
        (line.symbol.id.clone(), site.line, site.column, site.text.clone())
    };
    let expected = [
        ("a/lib#check~2", 7, 31, "fn check()  uses:"),
        ("a/main#main", 1, 31, "fn main()  uses:"),
        ("b/test#t", 1, 31, "fn t()  uses:"),
    ];
    let expected = expected.map(|(id, line, column, text)| (id.to_owned(), line, column, text.to_owned()));
    assert_eq!(tree.lines.iter().map(line).collect::<Vec<_>>(), expected);
    assert_eq!(tree.subject.summary, Some(Summary { confirmed: 3, possible: 0, unresolved_same_name: 0 }));
    let ids = tree.lines.iter().map(|line| line.path.clone()).collect::<Vec<_>>();
    assert_eq!(ids, [b"a/lib".to_vec(), b"a/main".to_vec(), b"b/test".to_vec()]);
}

#[tokio::test]
async fn a_name_of_several_symbols_is_not_guessed() {
    let (memory, view) = Memory::new(example());
    let relations = Relations { view: &view, ground: &memory };
    let Found::Several(places) = relations.find("check").await.unwrap() else { panic!("two symbols have that name") };
    assert_eq!(places.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["a/lib#check", "a/lib#check~2"]);
    assert_eq!(relations.find("nothing").await.unwrap(), Found::None);
    assert_eq!(only(relations.find("a/lib#check~2").await.unwrap()).line, 7);
    assert_eq!(only(relations.find("a/main").await.unwrap()).id, "a/main");
    let external = only(relations.find("external:x#print").await.unwrap());
    let tree = relations.calls(external, &Question::calls(Direction::Users)).await.unwrap();
    assert_eq!(tree.lines.iter().map(|line| line.symbol.id.as_str()).collect::<Vec<_>>(), ["a/main#main"]);
}

#[tokio::test]
async fn callers_of_the_few_namesakes_are_told_to_who_asks_for_all() {
    // Only its own file knows `close`, in two of them: what a rule took for one may mean the other.
    let program = program(&[
        ("a/lib", &[("close", &[]), ("run", &["close"])]),
        ("b/lib", &[("close", &[]), ("stop", &["close"])]),
    ]);
    let (memory, view) = Memory::new(program);
    let relations = Relations { view: &view, ground: &memory };
    let least = |least| Question { min_confidence: Confidence(least), ..Question::calls(Direction::Users) };
    let close = only(relations.find("a/lib#close").await.unwrap());
    assert_eq!(relations.namesakes(&close, &least(0)).await.unwrap().len(), 1);
    assert_eq!(relations.namesakes(&close, &least(2)).await.unwrap(), Vec::new());
    let run = only(relations.find("run").await.unwrap());
    assert_eq!(relations.namesakes(&run, &least(0)).await.unwrap(), Vec::new());
}

#[tokio::test]
async fn impact_of_a_diff_is_that_of_the_symbols_in_it() {
    let (memory, view) = Memory::new(example());
    let relations = Relations { view: &view, ground: &memory };
    let diff = "--- a/a/lib\n+++ b/a/lib\n@@ -5 +5 @@\n-  more\n+  less\n--- a/gone\n+++ b/gone\n@@ -1 +1 @@\n-a\n+b\n";
    let by_diff = relations.impact(&ChangeSource::Diff(diff.into()), Reach::default()).await.unwrap();
    let changed: Vec<_> = by_diff.changed.iter().map(|(place, signature)| (place.id.as_str(), *signature)).collect();
    assert_eq!(changed, [("a/lib#check", false)]);
    assert_eq!(by_diff.unknown_files, ["gone"]);
    let named = ChangeSource::Named(vec!["a/lib#check".into(), "nothing".into()]);
    let by_name = relations.impact(&named, Reach::default()).await.unwrap();
    assert_eq!(by_name.lines, by_diff.lines);
    assert_eq!(by_name.unclear, [("nothing".to_owned(), Vec::new())]);
    assert_eq!(by_name.lines[0].symbol.id, "a/lib#Open");
    let fault = relations.impact(&ChangeSource::Diff("@@ -1 +1 @@\n-a\n+b\n".into()), Reach::default()).await;
    let fault = fault.unwrap_err().to_string();
    assert!(fault.starts_with("the diff cannot be read: line ") && fault.contains("belongs to no file"), "{fault}");
}

#[tokio::test]
async fn dependencies_name_files_and_a_map_fits() {
    let (memory, view) = Memory::new(example());
    let relations = Relations { view: &view, ground: &memory };
    let filter = (5, Confidence(0), &[][..], 100);
    let tree = relations.dependencies(b"a/lib", Direction::Users, filter).await.unwrap();
    let paths: Vec<_> = tree.lines.iter().map(|line| String::from_utf8_lossy(&line.path).into_owned()).collect();
    assert_eq!(paths, ["a/main", "b/test"]);
    assert!(tree.cycles.is_empty() && tree.component.is_empty());
    let missing = relations.dependencies(b"a/none", Direction::Users, filter).await;
    assert!(missing.unwrap_err().to_string().contains("no file `a/none`"));
    let map = relations.map(&[], "", 60).await.unwrap();
    assert!(map.text.len() <= 60 && map.shown >= 1, "{map:?}");
    assert!(map.text.contains("a/lib\n  1: fn Open()"), "{map:?}");
}

/// A bucket with the graph, the texts in a segment, and HEAD.
async fn stored(program: &Program) -> (Store, Tip) {
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let put = async |kind, nth, bytes: Vec<u8>| {
        store.put(TenantId::LOCAL, kind, Uuid::from_u128(nth), bytes.into()).await.unwrap()
    };
    let (mut builder, mut scratch) = (SegmentBuilder::new(Vec::new()).unwrap(), Scratch::default());
    for path in program.0.keys() {
        let (blob, text) = (ObjectId([1; 20]), text(program, path));
        builder.add(PreparedDocument::new(blob, Language::TEXT, text.as_bytes(), &mut scratch).unwrap()).unwrap();
    }
    let (segment, _) = builder.finish().unwrap();
    let (bytes, n_docs) = (segment.len() as u64, program.0.len() as u32);
    let hot = Segment::hot_range(&segment, bytes).unwrap();
    let key = put(store::Kind::Segment, 1, segment).await;
    let entry = SegmentEntry { key, bytes, hot_bytes: hot.end - hot.start, n_docs, text_bytes: 1 };
    store
        .update_head(TenantId::LOCAL, |root| {
            root.segments = vec![entry.clone()];
            Ok::<_, StoreError>(true)
        })
        .await
        .unwrap();
    let file = |(doc, path): (u32, &String)| SnapshotEntry {
        path: path.clone().into_bytes(),
        mode: 0o100_644,
        segment: 0,
        doc,
        class: Class::Source,
        language: Language::TEXT,
    };
    let entries = (0..).zip(program.0.keys()).map(file).collect();
    let snapshot = Snapshot::new(ObjectId([2; 20]), vec![key], entries, Vec::new());
    let snapshot = put(store::Kind::Snapshot, 2, snapshot.encode().to_vec()).await;
    let graph = Some(TipGraph { key: put(store::Kind::Graph, 3, program.graph()).await, base: None });
    let tip = Tip { ref_name: "refs/heads/main".into(), commit: ObjectId([2; 20]), snapshot, base: None, graph };
    (store, tip)
}

#[tokio::test]
async fn a_graph_in_a_bucket_answers_in_few_round_trips_and_then_from_memory() {
    let (store, tip) = stored(&example()).await;
    let searcher = Searcher::new(store, 1 << 20);
    let question = Question { min_confidence: Confidence(0), ..Question::calls(Direction::Users) };
    let mut trees = Vec::new();
    // Cold: the tail; the snapshot; the symbol; who calls it; their names and sites; the segment's tail and texts.
    for (most, cold) in [(7, true), (2, false)] {
        let graph = searcher.graph(TenantId::LOCAL, &tip).await.unwrap().unwrap();
        let relations = graph.relations();
        let subject = only(relations.find("a/lib#Open").await.unwrap());
        trees.push(relations.calls(subject, &question).await.unwrap());
        let stats = graph.stats();
        assert!(stats.round_trips <= most, "{stats:?}");
        assert_eq!(stats.cache_hits == 0, cold, "{stats:?}");
    }
    assert_eq!(trees[0], trees[1]);
    let texts: Vec<_> = trees[0].lines.iter().map(|line| line.sites[0].text.as_str()).collect();
    assert_eq!(texts, ["fn check()  uses:", "fn main()  uses:", "fn t()  uses:"]);
    let without = Tip { graph: None, ..tip };
    assert!(searcher.graph(TenantId::LOCAL, &without).await.unwrap().is_none());
}
