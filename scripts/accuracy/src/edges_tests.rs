//! A small tree, its truth, and edges of ours of every kind.

use kotadb_core::facts::{Facts, Role, Span, Symbol, SymbolKind};
use kotadb_core::graph::{Confidence, FileEdges};

use super::*;
use crate::tree::File;

const TEXT: &str = "def a(): pass\ndef b(): pass\na()\nb()\nlen(x)\n";

fn at(part: &str) -> u32 {
    TEXT.find(part).unwrap() as u32
}

fn truth(tree: &Tree) -> Truth {
    let lines = format!(
        "def\ta\tm.py\t4\ta\t\ndef\tb\tm.py\t{}\tb\t\nuse\ta\tm.py\t{}\tcall\nuse\tb\tm.py\t{}\tcall\nuse\t-\tm.py\t{}\tcall\n",
        at("b(): pass"),
        at("a()\n"),
        at("b()\n"),
        at("len")
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t"), lines).unwrap();
    Truth::read(&folder.path().join("t"), tree, "c").unwrap()
}

fn symbol(part: &str) -> Symbol {
    let start = at(part);
    let name_span = Span { start, end: start + 1 };
    Symbol { name: part[..1].into(), name_span, ..Symbol::new(SymbolKind::Function) }
}

fn edge(site: &str, symbol: u32, confidence: u8) -> Edge {
    let target = Target::Symbol { file: 0, symbol };
    Edge {
        source: None,
        target,
        role: Role::Call,
        tier: Tier::File,
        confidence: Confidence(confidence),
        site: at(site),
    }
}

fn rows(edges: Vec<Edge>) -> (Vec<Row>, Findings) {
    let tree = Tree::new(vec![File::new("m.py".into(), TEXT.as_bytes().to_vec())]);
    let truth = truth(&tree);
    let facts = Facts { symbols: vec![symbol("a(): pass"), symbol("b(): pass"), symbol("x)")], ..Facts::default() };
    let ours =
        Ours::new(vec![Some(facts)], Some(vec![FileEdges { edges, unresolved: Vec::new(), ..FileEdges::default() }]));
    let mut findings = Findings::default();
    let rows = measure(&Comparison { tree: &tree, truth: &truth, ours: &ours }, &mut findings);
    (rows, findings)
}

fn value(rows: &[Row], metric: &str) -> Option<f64> {
    rows.iter().find(|row| row.metric == metric).map(|row| row.value)
}

#[test]
fn right_wrong_and_outside_are_told_apart() {
    let (rows, findings) = rows(vec![edge("a()\n", 0, 95), edge("b()\n", 0, 90), edge("len", 1, 85)]);
    assert_eq!(
        value(&rows, "callers: precision"),
        Some(1.0 / 3.0),
        "one leads elsewhere, one inside instead of outside"
    );
    assert_eq!(value(&rows, "callers: recall"), Some(0.5));
    assert_eq!(findings.of("edges that are wrong").len(), 2);
    assert_eq!(findings.of("calls that are missed")[0].why, "bare, wrong, file");
}

#[test]
fn what_is_not_sure_is_only_possible() {
    let (rows, findings) = rows(vec![edge("a()\n", 0, 95), edge("b()\n", 0, 40), edge("b()\n", 1, 40)]);
    assert_eq!(value(&rows, "callers: precision"), Some(1.0));
    assert_eq!(value(&rows, "callers: recall"), Some(0.5));
    assert_eq!(value(&rows, "possible: recall"), Some(1.0));
    assert_eq!(value(&rows, "possible: candidates a site"), Some(1.5));
    assert_eq!(findings.of("calls that are missed")[0].why, "bare, only possible, file");
}

#[test]
fn names_that_the_truth_does_not_know_are_counted_apart() {
    let (rows, _) = rows(vec![edge("x)", 0, 95)]);
    assert_eq!(value(&rows, "callers: precision"), None);
    assert_eq!(value(&rows, "edges that the truth is silent about"), Some(1.0));
}

#[test]
fn edges_to_what_the_truth_has_no_word_of_count_neither_way() {
    let (rows, findings) = rows(vec![edge("a()\n", 0, 95), edge("a()\n", 2, 95)]);
    assert_eq!(value(&rows, "callers: precision"), Some(1.0));
    assert_eq!(value(&rows, "edges to what the truth has no definition of"), Some(1.0));
    assert!(findings.of("edges that are wrong").is_empty());
}

#[test]
fn few_symbols_of_a_name_may_be_taken_for_each_other() {
    let tree = Tree::new(vec![File::new("m.py".into(), TEXT.as_bytes().to_vec())]);
    let truth = truth(&tree);
    let namesake = Symbol { name: "b".into(), container: Some(2), ..symbol("a(): pass") };
    let facts = Facts { symbols: vec![namesake, symbol("b(): pass"), symbol("x)")], ..Facts::default() };
    let edges = vec![edge("b()\n", 0, 95)];
    let ours = Ours::new(vec![Some(facts)], Some(vec![FileEdges { edges, ..FileEdges::default() }]));
    let compared = Comparison { tree: &tree, truth: &truth, ours: &ours };
    let rows = measure(&compared, &mut Findings::default());
    assert_eq!(value(&rows, "callers: recall"), Some(0.0));
    assert_eq!(value(&rows, "possible: recall"), Some(0.5), "the other `b` has the name");
    assert_eq!(value(&rows, "edges by name alone: right"), Some(1.0));
}
