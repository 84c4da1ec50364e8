//! A toy program with its graph, as the indexer would have made it: `def name` begins a symbol, `name(` calls all of that name
//! that are defined, surely where there is one alone, and a name that nobody defines leads nowhere.

use std::ops::Range;

use kotadb_core::facts::{Facts, Flags, Reference, Role, Span, Symbol, SymbolKind, UNKNOWN_ARITY};
use kotadb_core::graph::{Confidence, Edge, FileEdges, GraphBuilder, GraphFile, Target, Tier, Unresolved};
use kotadb_core::segment::Class;
use kotadb_core::text;

/// Path and text, in path order.
pub type Files<'a> = &'a [(&'a str, &'a str)];

/// `acquire` is called by `run`, and that by a test; `close` is two symbols; `lost(` is in the text, and is defined nowhere that
/// the call could mean.
pub const PROGRAM: Files<'static> = &[
    ("app.py", "def run():\n    acquire()\n    lost()\n"),
    ("gen/made.py", "def made():\n    acquire()\n"),
    ("lock.py", "def close():\n    pass\n"),
    ("pool.py", "def acquire():\n    pass\ndef close():\n    pass\ndef lost():\n    pass\n"),
    ("test_app.py", "def test_run():\n    run()\n"),
];

/// What a text defines.
pub fn facts(content: &str) -> Option<Facts> {
    let mut facts = Facts::default();
    let starts: Vec<usize> = content.match_indices("def ").map(|(at, _)| at).collect();
    for (nth, start) in starts.iter().enumerate() {
        let end = starts.get(nth + 1).copied().unwrap_or(content.len());
        let name = start + 4..start + content[*start..].find('(').unwrap();
        let line = start + content[*start..].find('\n').unwrap();
        let span = |range: Range<usize>| Span { start: range.start as u32, end: range.end as u32 };
        let is_test = content[name.clone()].starts_with("test_");
        let flags = if is_test { Flags::TEST } else { Flags::EXPORTED };
        let symbol = Symbol { name: content[name.clone()].into(), flags, ..Symbol::new(SymbolKind::Function) };
        facts.symbols.push(Symbol {
            name_span: span(name),
            range: span(*start..end),
            signature: span(*start..line),
            ..symbol
        });
    }
    facts.references = calls(content).map(|word| reference(content, word)).collect();
    facts.number_lines(content.as_bytes());
    Some(facts)
}

fn calls(content: &str) -> impl Iterator<Item = Range<usize>> {
    let is_call =
        |word: &Range<usize>| content[word.end..].starts_with('(') && !content[..word.start].ends_with("def ");
    text::words(content.as_bytes()).filter(is_call)
}

fn reference(content: &str, word: Range<usize>) -> Reference {
    let start = word.start as u32;
    Reference { name: content[word].into(), start, role: Role::Call, receiver: None, n_arguments: UNKNOWN_ARITY }
}

/// The graph of a program.
pub fn graph(files: Files<'_>, class: fn(&[u8]) -> Class) -> Vec<u8> {
    let all: Vec<Facts> = files.iter().map(|(_, content)| facts(content).unwrap()).collect();
    let mut builder = GraphBuilder::default();
    for ((path, content), facts) in files.iter().zip(&all) {
        let edges = edges(content, facts, &all);
        let path = path.as_bytes();
        builder.add(&GraphFile { path, class: class(path), facts, edges: &edges }).unwrap();
    }
    let mut bytes = Vec::new();
    builder.finish(&[], &mut bytes).unwrap();
    bytes
}

fn edges(content: &str, facts: &Facts, all: &[Facts]) -> FileEdges {
    let mut edges = FileEdges::default();
    for word in calls(content) {
        let (name, site) = (&content[word.clone()], word.start as u32);
        let within = |symbol: &Symbol| (symbol.range.start..symbol.range.end).contains(&site);
        let source = facts.symbols.iter().position(within).map(|nth| nth as u32);
        if name == "lost" {
            edges.unresolved.push(Unresolved { source, name: name.into(), role: Role::Call, site });
            continue;
        }
        let symbols = all.iter().enumerate().flat_map(|(file, facts)| {
            let named = facts.symbols.iter().enumerate().filter(|(_, symbol)| &*symbol.name == name);
            named.map(move |(nth, _)| Target::Symbol { file: file as u32, symbol: nth as u32 })
        });
        let targets: Vec<_> = symbols.collect();
        let (tier, share) = if targets.len() == 1 { (Tier::Import, 95) } else { (Tier::Candidate, 30) };
        let edge = |target| Edge { source, target, role: Role::Call, tier, confidence: Confidence(share), site };
        edges.edges.extend(targets.into_iter().map(edge));
    }
    edges
}
