//! Answers over a toy program in memory: what they say, and in how many waves.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::*;
use crate::graph::ask::{Direction, Question, Reach, Summary};
use crate::graph::tests::{Program, example, open};
use crate::graph::{Block, Confidence, Graph, GraphError, Place, Shelf, View};

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

    /// A function of the toy language takes three lines and 100 bytes.
    async fn texts(&self, paths: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Bytes>, RelationsError> {
        self.waves.fetch_add(1, Ordering::Relaxed);
        let text = |path: &Vec<u8>| {
            let functions = &self.program.0[std::str::from_utf8(path).unwrap()];
            let lines = |(name, _): &(String, Vec<String>)| {
                format!("{:<32}\n{:<32}\n{:<33}\n", format!("fn {name}()  uses:"), "  more", "  end")
            };
            (path.clone(), functions.iter().map(lines).collect::<String>().into())
        };
        Ok(paths.iter().map(text).collect())
    }

    async fn named(&self, name: &str) -> Result<Vec<(Vec<u8>, String)>, RelationsError> {
        let mut found = Vec::new();
        for (path, functions) in &self.program.0 {
            let mut nth = 0;
            for _ in functions.iter().filter(|(other, _)| other == name) {
                nth += 1;
                let label = if nth == 1 { name.to_owned() } else { format!("{name}~{nth}") };
                found.push((path.clone().into_bytes(), label));
            }
        }
        Ok(found)
    }
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
    let question = Question { min_confidence: Confidence(0), ..Question::calls(Direction::Users) };
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
    assert!(fault.unwrap_err().to_string().starts_with("the diff cannot be read: line 2"));
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
