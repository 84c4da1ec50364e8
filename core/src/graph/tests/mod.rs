//! Graphs against their slow, obvious twin: a list of all edges by names.

mod program;
mod said;

use std::sync::Arc;

use proptest::prelude::*;

pub(crate) use self::program::{Files, Program, example, open, program, programs, view};
pub(crate) use self::said::name_of;
use self::said::{said, twin};
use super::*;
use crate::facts::{Facts, Role};
use crate::segment::Class;

/// Blocks that somebody must read first.
struct Nothing;

impl Shelf for Nothing {
    fn find(&self, _: &Graph, _: Place) -> Result<Option<Arc<Block>>, GraphError> {
        Ok(None)
    }
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
    let wanted = view.take_wanted();
    assert_eq!(wanted.iter().map(|place| place.kind).collect::<Vec<_>>(), [Kind::Out, Kind::In, Kind::FileIn]);
    load(wanted);
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
pub(crate) fn ask(base: &[u8], delta: Option<&[u8]>) -> Result<(), GraphError> {
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

const GOLDEN: &[u8] = include_bytes!("../golden/v2.graph");
const GOLDEN_DELTA: &[u8] = include_bytes!("../golden/v2-delta.graph");

#[test]
fn a_file_of_an_old_version_is_refused() {
    let old = include_bytes!("../golden/v1.graph");
    assert!(matches!(Graph::hot_range(old, old.len() as u64), Err(GraphError::TooOld { found: 1, supported: 2 })));
}

#[test]
fn files_of_version_2_are_read_and_written() {
    let changed =
        program(&[("a/lib", &[("Open", &["x:write"]), ("check", &[])]), ("c", &[("new", &["Open", "main"])])]);
    let (base, delta) = (example().graph(), changed.delta(&example(), &example().graph()));
    // Of a new version: the folder to write them to.
    if let Some(folder) = std::env::var_os("KOTADB_GOLDEN") {
        let folder = std::path::Path::new(&folder);
        std::fs::write(folder.join("v2.graph"), &base).unwrap();
        std::fs::write(folder.join("v2-delta.graph"), &delta).unwrap();
        return;
    }
    assert_eq!(said(&view(GOLDEN, None), &example()), twin(&example()));
    assert_eq!(said(&view(GOLDEN, Some(GOLDEN_DELTA)), &changed), twin(&changed));
    assert_eq!((base.as_slice(), delta.as_slice()), (GOLDEN, GOLDEN_DELTA), "same facts, same builder: same bytes");
}
