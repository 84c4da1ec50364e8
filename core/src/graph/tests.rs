//! Graphs against their slow, obvious twin: a list of all edges by names.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::facts::{Facts, Flags, Relation, Role, Span, Symbol, SymbolKind};
use crate::segment::Class;

/// Blocks of files that lie in memory.
pub(super) struct Files(pub(super) [Vec<u8>; 2]);

impl Shelf for Files {
    fn find(&self, graph: &Graph, place: Place) -> Result<Option<Arc<Block>>, GraphError> {
        let Range { start, end } = graph.range(place.kind, place.block);
        let file = &self.0[usize::from(place.in_delta)];
        graph.decode(place.kind, place.block, &file[start as usize..end as usize]).map(|block| Some(Arc::new(block)))
    }
}

/// Blocks that somebody must read first.
struct Nothing;

impl Shelf for Nothing {
    fn find(&self, _: &Graph, _: Place) -> Result<Option<Arc<Block>>, GraphError> {
        Ok(None)
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

    fn paths(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn externals(&self) -> Vec<External> {
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

    fn edges(&self, path: &str) -> FileEdges {
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
    pub(super) fn delta(&self, base: &Program, graph: &[u8]) -> Vec<u8> {
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
            let file = GraphFile { path: path.as_bytes(), class: Class::Source, facts: &facts, edges: &edges };
            builder.add(&DeltaFile { file, is_changed: changed.contains(path) });
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

/// Everything that a view says, by names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    nodes: BTreeSet<String>,
    out: BTreeSet<(String, String, Manner, Vec<u32>)>,
    into: BTreeSet<(String, String, Manner)>,
    uses: BTreeSet<(String, String, u16, u8, u32, u32)>,
    used: BTreeSet<(String, String, u16, u8, u32)>,
    unclear: BTreeSet<(String, String, u32, u32, u32)>,
    kin: BTreeSet<(String, String, String, u32)>,
}

pub(crate) fn name_of(view: &View, node: NodeId) -> String {
    if view.is_external(node) {
        let External { package, name } = view.external(node).unwrap();
        return format!("external:{package}#{name}");
    }
    let path = String::from_utf8_lossy(view.path(view.file_of(node).unwrap()));
    format!("{path}#{}", view.node(node).unwrap().label())
}

fn said(view: &View, program: &Program) -> Said {
    let mut said = Said::default();
    let mut ids = Vec::new();
    let path = |file: u32| String::from_utf8_lossy(view.path(file)).into_owned();
    for file in view.files_under(b"") {
        assert_eq!(view.find_file(view.path(file)), Some(file));
        ids.extend(view.nodes_of(file));
        let uses = view.uses(file).unwrap().into_iter();
        said.uses.extend(uses.map(|one| (path(file), path(one.file), one.roles, one.confidence, one.count, one.site)));
        let used = view.used_by(file).unwrap().into_iter();
        said.used.extend(used.map(|one| (path(file), path(one.file), one.roles, one.confidence, one.count)));
    }
    ids.extend(view.externals_of("x").unwrap().into_iter().map(|(id, _)| id));
    for &id in &ids {
        let name = name_of(view, id);
        for edge in view.edges_out(id).unwrap() {
            said.out.insert((name.clone(), name_of(view, edge.target), edge.manner, edge.sites.to_vec()));
        }
        for edge in view.edges_in(id).unwrap() {
            said.into.insert((name.clone(), name_of(view, edge.source), edge.manner));
        }
        let above = view.kin(id, false).unwrap();
        for one in &above {
            said.kin.insert((name.clone(), name_of(view, one.node), path(one.file), one.site));
        }
        for one in view.kin(id, true).unwrap() {
            let back = Kin { node: id, ..one };
            assert!(view.kin(one.node, false).unwrap().contains(&back), "both ways the same");
        }
    }
    // A node that nobody uses any more may stay in a base; a whole graph has it not.
    let kin = said.kin.iter().flat_map(|(below, above, ..)| [below.clone(), above.clone()]);
    let used: BTreeSet<_> = said.into.iter().map(|(name, ..)| name.clone()).chain(kin).collect();
    let named = ids.iter().filter(|id| !view.is_external(**id)).map(|id| (*id, name_of(view, *id)));
    let stays = |(id, name): &(NodeId, String)| {
        let node = view.node(*id).unwrap();
        used.contains(name) || node.symbol.is_none() || node.is_offered() || !view.edges_out(*id).unwrap().is_empty()
    };
    said.nodes = named.filter(stays).map(|(_, name)| name).collect();
    let names: BTreeSet<_> = program.0.values().flatten().flat_map(|(_, uses)| uses.clone()).collect();
    for name in names {
        let rows = view.unclear(&name).unwrap().into_iter();
        said.unclear.extend(rows.map(|row| (name.clone(), path(row.file), row.calls, row.others, row.site)));
    }
    said
}

/// The twin: what the program says, without any graph.
fn twin(program: &Program) -> Said {
    let mut said = Said::default();
    let label = |path: &str, symbol: u32| {
        let symbols = &program.0[path];
        let name = &symbols[symbol as usize].0;
        let before = symbols[..symbol as usize].iter().filter(|(other, _)| other == name).count();
        if before == 0 { format!("{path}#{name}") } else { format!("{path}#{name}~{}", before + 1) }
    };
    let (paths, externals) = (program.paths(), program.externals());
    for path in &paths {
        said.nodes.insert(format!("{path}#"));
        for (symbol, (name, _)) in program.0[path].iter().enumerate() {
            if name.starts_with(char::is_uppercase) {
                said.nodes.insert(label(path, symbol as u32));
            }
        }
        let FileEdges { edges, unresolved, inheritance } = program.edges(path);
        for one in inheritance {
            let named = |target: Target| match target {
                Target::Symbol { file, symbol } => label(&paths[file as usize], symbol),
                other => format!("{other:?}"),
            };
            said.kin.insert((named(one.below), named(one.above), path.clone(), one.site));
            said.nodes.extend([named(one.below), named(one.above)]);
        }
        let mut sites = BTreeMap::<_, Vec<u32>>::new();
        let mut files = BTreeMap::<String, (u16, u8, u32, bool, u32)>::new();
        for edge in edges {
            let source = edge.source.map_or(format!("{path}#"), |symbol| label(path, symbol));
            let (target, other) = match edge.target {
                Target::Symbol { file, symbol } => (label(&paths[file as usize], symbol), Some(&paths[file as usize])),
                Target::File(file) => (format!("{}#", paths[file as usize]), Some(&paths[file as usize])),
                Target::External(number) => (format!("external:x#{}", externals[number as usize].name), None),
            };
            if other.is_some() {
                said.nodes.insert(target.clone());
            }
            said.nodes.insert(source.clone());
            let manner = Manner { role: edge.role, tier: edge.tier, confidence: edge.confidence };
            sites.entry((source, target, manner)).or_default().push(edge.site);
            if let Some(other) = other.filter(|other| *other != path) {
                let is_import = edge.role == Role::Import;
                let row = files.entry(other.clone()).or_insert((0, 0, 0, is_import, edge.site));
                row.0 |= 1 << edge.role as u16;
                row.1 = row.1.max(edge.confidence.0);
                row.2 += 1;
                if is_import && !row.3 || is_import == row.3 && edge.site < row.4 {
                    (row.3, row.4) = (is_import, edge.site);
                }
            }
        }
        for ((source, target, manner), mut sites) in sites {
            sites.sort_unstable();
            sites.dedup();
            said.out.insert((source.clone(), target.clone(), manner, sites));
            let better = |other: &(String, String, Manner)| {
                (&other.0, &other.1, other.2.role) == (&target, &source, manner.role)
            };
            let other = said.into.iter().find(|other| better(other)).cloned();
            if other.as_ref().is_none_or(|other| other.2.confidence < manner.confidence) {
                other.map(|other| said.into.remove(&other));
                said.into.insert((target, source, manner));
            }
        }
        for (other, (roles, confidence, count, _, site)) in files {
            said.used.insert((other.clone(), path.clone(), roles, confidence, count));
            said.uses.insert((path.clone(), other, roles, confidence, count, site));
        }
        let mut unclear = BTreeMap::<_, (u32, u32, u32)>::new();
        for one in unresolved {
            let row = unclear.entry(one.name.to_string()).or_insert((0, 0, one.site));
            row.0 += u32::from(one.role.is_call());
            row.1 += u32::from(!one.role.is_call());
        }
        said.unclear.extend(unclear.into_iter().map(|(name, row)| (name, path.clone(), row.0, row.1, row.2)));
    }
    said
}

pub(crate) fn programs() -> impl Strategy<Value = Program> {
    let name = prop_oneof!["[A-C]", "[a-f]", "x:[a-c]", "[a-d]/[ab]"];
    let defined = prop_oneof!["[A-C]", "[a-f]"];
    let function = (defined, prop::collection::vec(name, 0..4));
    prop::collection::btree_map("[a-d]/[ab]", prop::collection::vec(function, 0..4), 0..6).prop_map(Program)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_graph_says_what_the_program_says(program in programs()) {
        prop_assert_eq!(said(&view(&program.graph(), None), &program), twin(&program));
    }

    #[test]
    fn a_base_with_a_delta_is_the_graph_built_whole(base in programs(), change in programs(), keep in 0..3) {
        // Some files of the base stay as they are.
        let mut program = change;
        let stay = base.0.iter().enumerate().filter(|(nth, _)| (*nth as i32 + keep) % 3 != 0);
        program.0.extend(stay.map(|(_, (path, symbols))| (path.clone(), symbols.clone())));
        let graph = base.graph();
        let delta = program.delta(&base, &graph);
        prop_assert_eq!(open(&delta).base_name(), Some([7; 24]));
        prop_assert_eq!(said(&view(&graph, Some(&delta)), &program), twin(&program));
    }
}

fn program(files: &[(&str, &[(&str, &[&str])])]) -> Program {
    let function =
        |(name, uses): &(&str, &[&str])| (name.to_string(), uses.iter().map(|one| one.to_string()).collect());
    let file =
        |(path, functions): &(&str, &[(&str, &[&str])])| (path.to_string(), functions.iter().map(function).collect());
    Program(files.iter().map(file).collect())
}

pub(crate) fn example() -> Program {
    program(&[
        ("a/main", &[("main", &["Open", "x:print", "a/lib", "nobody"])]),
        ("a/lib", &[("Open", &["check", "check", "x:read"]), ("check", &[]), ("check", &["Open"]), ("unused", &[])]),
        ("b/test", &[("t", &["Open"])]),
    ])
}

#[test]
fn what_is_not_loaded_is_wanted_in_one_wave() {
    let file = example().graph();
    let view = View::new(open(&file), None, Box::new(Nothing)).unwrap();
    let lib = view.find_file(b"a/lib").unwrap();
    let ask = || View::all(view.nodes_of(lib), |node| Ok((view.node(node)?.label(), view.edges_in(node)?.len())));
    assert!(matches!(ask(), Err(GraphError::Missing)));
    let wanted = view.take_wanted();
    assert_eq!(wanted.iter().map(|place| place.kind).collect::<Vec<_>>(), [Kind::Nodes]);
    let load = |wanted: Vec<Place>| {
        for place in wanted {
            let range = view.range(place);
            view.insert(place, &file[range.start as usize..range.end as usize]).unwrap();
        }
    };
    load(wanted);
    assert!(matches!(ask(), Err(GraphError::Missing)));
    load(view.take_wanted());
    let nodes: Vec<_> =
        [("", 1), ("Open", 3), ("check", 1), ("check~2", 1)].map(|(name, n)| (name.to_owned(), n)).into();
    assert_eq!(ask().unwrap(), nodes);
    assert!(view.take_wanted().is_empty());
}

#[test]
fn ranks_tell_what_others_build_upon() {
    let uses: Vec<(String, Vec<String>)> = (0..30).map(|n| (format!("F{n}"), vec!["Core".to_owned()])).collect();
    let mut program = Program::default();
    program.0.insert("a".into(), uses);
    program.0.insert("b".into(), vec![("Core".into(), vec![]), ("Lonely".into(), vec![])]);
    let view = view(&program.graph(), None);
    let top = view.top().unwrap();
    assert_eq!(name_of(&view, top[0]), "b#Core");
    let rank = |name: &str| view.node(*top.iter().find(|id| name_of(&view, **id) == name).unwrap()).unwrap().rank;
    assert!(rank("b#Core") > rank("b#Lonely") + 30, "{} {}", rank("b#Core"), rank("b#Lonely"));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let (facts, none) = (Facts::default(), FileEdges::default());
    let file = |path| GraphFile { path, class: Class::Source, facts: &facts, edges: &none };
    let mut builder = GraphBuilder::default();
    builder.add(&file(b"b")).unwrap();
    assert!(builder.add(&file(b"a")).unwrap_err().to_string().contains("order of paths at `a`"));
    for target in [Target::File(9), Target::External(0), Target::Symbol { file: 0, symbol: 0 }] {
        let edge =
            Edge { source: None, target, role: Role::Call, tier: Tier::File, confidence: Confidence(90), site: 1 };
        let edges = FileEdges { edges: vec![edge], ..FileEdges::default() };
        let mut builder = GraphBuilder::default();
        builder.add(&GraphFile { edges: &edges, ..file(b"b") }).unwrap();
        assert!(matches!(builder.finish(&[], Vec::new()), Err(GraphError::Build(_))), "{target:?}");
    }
    let (one, other) = (example(), program(&[("z", &[("Open", &[])])]));
    let delta = other.delta(&one, &one.graph());
    let shelf = || Box::new(Nothing);
    assert!(View::new(open(&other.graph()), Some(open(&delta)), shelf()).is_err(), "a delta on another base");
    assert!(View::new(open(&delta), None, shelf()).is_err(), "a delta alone");
    assert!(View::new(open(&one.graph()), Some(open(&one.graph())), shelf()).is_err(), "a base as a delta");
}

/// Asks everything; whatever the bytes are, nothing may panic.
pub(super) fn ask(base: &[u8], delta: Option<&[u8]>) -> Result<(), GraphError> {
    let open = |file: &[u8]| {
        let hot = Graph::hot_range(file, file.len() as u64)?;
        Graph::open(&file[hot.start as usize..], file.len() as u64).map(Arc::new)
    };
    let shelf = Files([base.to_vec(), delta.unwrap_or_default().to_vec()]);
    let view = View::new(open(base)?, delta.map(open).transpose()?, Box::new(shelf))?;
    for file in view.files_under(b"") {
        view.uses(file)?;
        view.used_by(file)?;
        for node in view.nodes_of(file) {
            view.node(node)?.label();
            view.edges_in(node)?;
            view.edges_out(node)?;
        }
    }
    view.externals_of("x")?;
    view.unclear("nobody")?;
    view.top().map(drop)
}

#[test]
fn a_flipped_byte_is_an_error_or_nothing() {
    let base = example().graph();
    let changed = program(&[("a/lib", &[("Open", &["x:write"]), ("check", &[])]), ("c", &[("new", &["Open"])])]);
    let delta = changed.delta(&example(), &base);
    ask(&base, Some(&delta)).unwrap();
    for (at, flip) in (0..base.len()).flat_map(|at| [(at, 1), (at, 0x80)]) {
        let mut flipped = base.clone();
        flipped[at] ^= flip;
        assert!(ask(&flipped, None).is_err(), "base flipped at {at}");
        let _ = ask(&flipped, Some(&delta));
    }
    for at in 0..delta.len() {
        let mut flipped = delta.clone();
        flipped[at] ^= 1;
        assert!(ask(&base, Some(&flipped)).is_err(), "delta flipped at {at}");
    }
    for at in 0..base.len() {
        assert!(ask(&base[..at], None).is_err(), "cut at {at}");
    }
}

const GOLDEN: &[u8] = include_bytes!("golden/v1.graph");
const GOLDEN_DELTA: &[u8] = include_bytes!("golden/v1-delta.graph");

#[test]
fn files_of_version_1_are_read_and_written() {
    let changed =
        program(&[("a/lib", &[("Open", &["x:write"]), ("check", &[])]), ("c", &[("new", &["Open", "main"])])]);
    let (base, delta) = (example().graph(), changed.delta(&example(), &example().graph()));
    // Of a new version: the folder to write them to.
    if let Some(folder) = std::env::var_os("KOTADB_GOLDEN") {
        let folder = std::path::Path::new(&folder);
        std::fs::write(folder.join("v1.graph"), &base).unwrap();
        std::fs::write(folder.join("v1-delta.graph"), &delta).unwrap();
        return;
    }
    assert_eq!(said(&view(GOLDEN, None), &example()), twin(&example()));
    assert_eq!(said(&view(GOLDEN, Some(GOLDEN_DELTA)), &changed), twin(&changed));
    assert_eq!((base.as_slice(), delta.as_slice()), (GOLDEN, GOLDEN_DELTA), "same facts, same builder: same bytes");
}
