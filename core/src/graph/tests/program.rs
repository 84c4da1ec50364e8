//! Programs in a toy language, and their graphs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;

use crate::facts::{Facts, Flags, Relation, Role, Span, Symbol, SymbolKind};
use crate::graph::*;
use crate::segment::Class;

/// Blocks of files that lie in memory.
pub(crate) struct Files(pub(crate) [Vec<u8>; 2]);

impl Shelf for Files {
    fn find(&self, graph: &Graph, place: Place) -> Result<Option<Arc<Block>>, GraphError> {
        let Range { start, end } = graph.range(place.kind, place.block);
        let file = &self.0[usize::from(place.in_delta)];
        graph.decode(place.kind, place.block, &file[start as usize..end as usize]).map(|block| Some(Arc::new(block)))
    }
}

pub(crate) fn open(file: &[u8]) -> Arc<Graph> {
    let hot = Graph::hot_range(file, file.len() as u64).unwrap();
    Arc::new(Graph::open(&file[hot.start as usize..], file.len() as u64).unwrap())
}

pub(crate) fn view(base: &[u8], delta: Option<&[u8]>) -> View {
    let shelf = Files([base.to_vec(), delta.unwrap_or_default().to_vec()]);
    View::new(open(base), delta.map(open), Box::new(shelf)).unwrap()
}

/// A program in a toy language: files of functions, and what names each function uses. A name leads to all functions of that
/// name, `x:` in front of it makes it an external.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program(pub(crate) BTreeMap<String, Vec<(String, Vec<String>)>>);

impl Program {
    fn facts(&self, path: &str) -> Facts {
        let symbol = |(nth, (name, _)): (usize, &(String, Vec<String>))| {
            let start = nth as u32 * 100;
            let name_span = Span { start: start + 3, end: start + 3 + name.len() as u32 };
            Symbol {
                name: name.as_str().into(),
                name_span,
                line: nth as u32 * 3 + 1,
                range: Span { start, end: start + 100 },
                signature: Span { start, end: start + 20 },
                // Capital names are exported.
                flags: if name.starts_with(char::is_uppercase) { Flags::EXPORTED } else { Flags::default() },
                ..Symbol::new(SymbolKind::Function)
            }
        };
        Facts { symbols: self.0[path].iter().enumerate().map(symbol).collect(), ..Facts::default() }
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    pub(crate) fn externals(&self) -> Vec<External> {
        let names = self.0.values().flatten().flat_map(|(_, uses)| uses);
        let names: BTreeSet<_> = names.filter_map(|name| name.strip_prefix("x:")).collect();
        names.into_iter().rev().map(|name| External { package: "x".into(), name: name.into() }).collect()
    }

    fn definers(&self, name: &str) -> Vec<Target> {
        let in_file = |(file, symbols): (usize, &Vec<(String, Vec<String>)>)| {
            let named = symbols.iter().enumerate().filter(|(_, (other, _))| other == name);
            named.map(|(symbol, _)| Target::Symbol { file: file as u32, symbol: symbol as u32 }).collect::<Vec<_>>()
        };
        self.0.values().enumerate().flat_map(in_file).collect()
    }

    fn number(&self, path: &str) -> u32 {
        self.0.keys().position(|other| other == path).unwrap() as u32
    }

    pub(crate) fn edges(&self, path: &str) -> FileEdges {
        let mut edges = FileEdges::default();
        let externals = self.externals();
        for (symbol, (_, uses)) in self.0[path].iter().enumerate() {
            for (nth, name) in uses.iter().enumerate() {
                let (source, site) = (Some(symbol as u32), symbol as u32 * 100 + 30 + nth as u32);
                let mut targets = self.definers(name);
                let external = externals.iter().position(|one| name.strip_prefix("x:") == Some(&one.name));
                targets.extend(external.map(|number| Target::External(number as u32)));
                // What names itself stands below all of that name, and so do all functions `a`, wherever they are.
                if name == &self.0[path][symbol].0 {
                    let below = [Target::Symbol { file: self.number(path), symbol: symbol as u32 }].into_iter();
                    for below in below.chain(self.definers("a")) {
                        let (relation, tier, confidence) = (Relation::Extends, Tier::File, Confidence(80));
                        let one =
                            |above: &Target| Inheritance { below, above: *above, relation, tier, confidence, site };
                        edges.inheritance.extend(targets.iter().filter(|_| !name.starts_with("x:")).map(one));
                    }
                }
                // A name that is a path leads to the file, from the file.
                let file = self.0.keys().position(|path| path == name);
                targets.extend(file.map(|file| Target::File(file as u32)));
                let source = if file.is_some() { None } else { source };
                let role = if file.is_some() { Role::Import } else { Role::Call };
                let (tier, confidence) = (Tier::Candidate, Confidence((90 / targets.len().max(1)) as u8));
                if targets.is_empty() {
                    edges.unresolved.push(Unresolved { source, name: name.as_str().into(), role, site });
                }
                edges.edges.extend(targets.into_iter().map(|target| Edge {
                    source,
                    target,
                    role,
                    tier,
                    confidence,
                    site,
                }));
            }
        }
        edges
    }

    pub(crate) fn graph(&self) -> Vec<u8> {
        let (mut builder, mut out) = (GraphBuilder::default(), Vec::new());
        for path in self.0.keys() {
            let (facts, edges) = (self.facts(path), self.edges(path));
            builder
                .add(&GraphFile { path: path.as_bytes(), class: Class::Source, facts: &facts, edges: &edges })
                .unwrap();
        }
        let summary = builder.finish(&self.externals(), &mut out).unwrap();
        assert_eq!(summary.file_len, out.len() as u64);
        assert_eq!(summary.parts.iter().sum::<u64>() + Graph::TRAILER_LEN - Graph::TRAILER_LEN, out.len() as u64);
        out
    }

    /// The delta on `base`: changed files, and those that use a name of which there are others now.
    pub(crate) fn delta(&self, base: &Program, graph: &[u8]) -> Vec<u8> {
        let changed: BTreeSet<_> =
            self.paths().into_iter().filter(|path| self.0.get(path) != base.0.get(path)).collect();
        let removed: Vec<_> = base.paths().into_iter().filter(|path| !self.0.contains_key(path)).collect();
        let names = |program: &Program, path: &String| program.0.get(path).cloned().unwrap_or_default();
        let touched = changed.iter().chain(&removed).flat_map(|path| [names(self, path), names(base, path)].concat());
        let mut touched: BTreeSet<_> = touched.map(|(name, _)| name).collect();
        touched.extend(removed.iter().chain(&changed).cloned());
        let again = |path: &&String| {
            // Who speaks of `a` uses the name.
            let names_itself = |(name, uses): &(String, Vec<String>)| uses.contains(name) && touched.contains("a");
            let functions = &self.0[*path];
            functions.iter().any(|one| names_itself(one) || one.1.iter().any(|name| touched.contains(name)))
        };
        let again: BTreeSet<_> = self.0.keys().filter(again).cloned().collect();
        let mut builder = DeltaBuilder::default();
        removed.iter().for_each(|path| builder.remove(path.as_bytes()));
        for path in changed.union(&again) {
            let (facts, edges) = (self.facts(path), self.edges(path));
            let (path, is_changed) = (path.as_bytes(), changed.contains(path));
            builder.add(DeltaFile { path, class: Class::Source, facts: &facts, edges, is_changed });
        }
        let (view, paths, externals, mut out) = (view(graph, None), self.paths(), self.externals(), Vec::new());
        let mut sources = DeltaSources {
            base: &view,
            base_name: [7; 24],
            path: &|file| paths.get(file as usize).map(|path| path.clone().into_bytes()),
            externals: &externals,
            facts: &mut |path| Ok(self.facts(std::str::from_utf8(path).unwrap())),
        };
        builder.finish(&mut sources, &mut out).unwrap();
        out
    }
}

pub(crate) fn programs() -> impl Strategy<Value = Program> {
    let name = prop_oneof!["[A-C]", "[a-f]", "x:[a-c]", "[a-d]/[ab]"];
    let defined = prop_oneof!["[A-C]", "[a-f]"];
    let function = (defined, prop::collection::vec(name, 0..4));
    prop::collection::btree_map("[a-d]/[ab]", prop::collection::vec(function, 0..4), 0..6).prop_map(Program)
}

/// A function and what it uses.
type Function<'a> = (&'a str, &'a [&'a str]);

pub(crate) fn program(files: &[(&str, &[Function<'_>])]) -> Program {
    let function = |(name, uses): &Function<'_>| (name.to_string(), uses.iter().map(|one| one.to_string()).collect());
    let file =
        |(path, functions): &(&str, &[Function<'_>])| (path.to_string(), functions.iter().map(function).collect());
    Program(files.iter().map(file).collect())
}

pub(crate) fn example() -> Program {
    program(&[
        ("a/main", &[("main", &["Open", "x:print", "a/lib", "nobody"])]),
        ("a/lib", &[("Open", &["check", "check", "x:read"]), ("check", &[]), ("check", &["Open"]), ("unused", &[])]),
        ("b/test", &[("t", &["Open"])]),
    ])
}
