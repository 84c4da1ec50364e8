//! Answers against slow, obvious twins, and cases by hand.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::facts::Role;
use crate::graph::Confidence;
use crate::graph::tests::{Program, example, name_of, programs, view};
use crate::graph::{FileUse, NodeId, View};

fn nodes(view: &View) -> Vec<NodeId> {
    view.files_under(b"").into_iter().flat_map(|file| view.nodes_of(file)).collect()
}

fn find(view: &View, label: &str) -> NodeId {
    *nodes(view).iter().find(|node| name_of(view, **node) == label).unwrap_or_else(|| panic!("there is no {label}"))
}

fn named(view: &View, tree: &Calls) -> Vec<(u32, String, Vec<u32>)> {
    let line = |call: &Call| {
        let sites = call.sites.iter().map(|(site, _)| *site).collect();
        (call.depth, name_of(view, call.node), sites)
    };
    tree.calls.iter().map(line).collect()
}

#[test]
fn callers_come_with_their_sites_and_callees_with_externals() {
    let view = view(&example().graph(), None);
    let open = find(&view, "a/lib#Open");
    let question = Question { depth: 2, min_confidence: Confidence(0), ..Question::calls(Direction::Users) };
    let tree = calls(&view, &[open], &question).unwrap();
    let expected = [
        (1, "a/lib#check~2".to_owned(), vec![230]),
        (1, "a/main#main".to_owned(), vec![30]),
        (1, "b/test#t".to_owned(), vec![30]),
    ];
    let of_level = |depth| named(&view, &tree).into_iter().filter(move |line| line.0 == depth).collect::<BTreeSet<_>>();
    assert_eq!(of_level(1), BTreeSet::from(expected));
    assert_eq!(of_level(2), BTreeSet::new(), "who calls `check` is `Open` itself");
    let used = Question { depth: 2, min_confidence: Confidence(0), ..Question::calls(Direction::Used) };
    let tree = calls(&view, &[find(&view, "a/main#main")], &used).unwrap();
    let lines: BTreeSet<_> = named(&view, &tree).into_iter().map(|line| (line.0, line.1)).collect();
    let expected =
        [(1, "a/lib#Open"), (1, "external:x#print"), (2, "a/lib#check"), (2, "a/lib#check~2"), (2, "external:x#read")];
    assert_eq!(lines, expected.map(|(depth, name)| (depth, name.to_owned())).into());
}

#[test]
fn what_leads_nowhere_and_what_is_unlikely_is_counted() {
    let view = view(&example().graph(), None);
    // `check` has two definers: each edge has a confidence of 45.
    let (check, question) = (find(&view, "a/lib#check"), Question::calls(Direction::Users));
    assert!(calls(&view, &[check], &question).unwrap().calls.is_empty());
    let counted = summary(&view, &[check], "check", &question).unwrap();
    assert_eq!(counted, Summary { confirmed: 0, possible: 2, unresolved_same_name: 0 });
    let counted = summary(&view, &[check], "nobody", &question).unwrap();
    assert_eq!(counted.unresolved_same_name, 1);
}

#[test]
fn callers_of_namesakes_stand_behind_what_is_more_certain() {
    let view = view(&example().graph(), None);
    let question = Question { min_confidence: Confidence(0), ..Question::calls(Direction::Users) };
    let check = find(&view, "a/lib#check");
    let mut tree = calls(&view, &[check], &question).unwrap();
    let others = ["a/lib#Open", "a/lib#check~2"].map(|id| Namesake { node: find(&view, id), is_same: false });
    add_namesakes(&view, &mut tree, (check, &others), &question).unwrap();
    let line = |call: &Call| {
        let sites: Vec<(u32, u8)> = call.sites.iter().map(|(site, manner)| (*site, manner.confidence.0)).collect();
        (name_of(&view, call.node), call.manner.confidence.0, sites)
    };
    let expected = [
        // What calls it calls its namesake at the same sites, so nothing is told twice.
        ("a/lib#Open", 45, vec![(30, 45), (31, 45)]),
        ("a/lib#check~2", 1, vec![(230, 1)]),
        ("a/main#main", 1, vec![(30, 1)]),
        ("b/test#t", 1, vec![(30, 1)]),
    ];
    let lines: BTreeSet<_> = tree.calls.iter().map(line).collect();
    assert_eq!(lines, expected.map(|(name, sure, sites)| (name.to_owned(), sure, sites)).into());
    assert_eq!(name_of(&view, tree.calls[0].node), "a/lib#Open");
    // Who calls what makes a class calls the class, as surely.
    let same = [Namesake { node: find(&view, "a/lib#check~2"), is_same: true }];
    let mut tree = calls(&view, &[check], &question).unwrap();
    add_namesakes(&view, &mut tree, (check, &same), &question).unwrap();
    assert!(!tree.calls.is_empty() && tree.calls.iter().all(|call| call.manner.confidence > NAMESAKE));
}

fn all_ways(
    view: &View,
    at: NodeId,
    seeds: &[NodeId],
    so_far: f32,
    depth: u32,
    best: &mut BTreeMap<NodeId, (u32, f32)>,
) {
    if depth > 5 {
        return;
    }
    let edges = view.edges_in(at).unwrap().into_iter().map(|edge| (edge.source, edge.manner.role, edge.manner.share()));
    let kin = view.kin(at, true).unwrap().into_iter().map(|kin| (kin.node, Role::Inherit, kin.manner.share()));
    for (node, role, share) in edges.chain(kin) {
        let confidence = so_far * share * 0.9;
        if confidence < 0.1 || seeds.contains(&node) {
            continue;
        }
        let known = best.entry(node).or_insert((depth, confidence));
        *known = (known.0.min(depth), known.1.max(confidence));
        if role != Role::Import || view.node(node).unwrap().symbol.is_some() {
            all_ways(view, node, seeds, confidence, depth + 1, best);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn impact_is_the_best_of_all_ways(program in programs(), nth: prop::sample::Index) {
        let view = view(&program.graph(), None);
        let nodes = nodes(&view);
        prop_assume!(!nodes.is_empty());
        let seed = *nth.get(&nodes);
        let mut best = BTreeMap::new();
        all_ways(&view, seed, &[seed], 1.0, 1, &mut best);
        let found = impact(&view, &[seed], Reach::default()).unwrap();
        let found: BTreeMap<_, _> = found.nodes.iter().map(|one| (one.node, (one.depth, one.confidence))).collect();
        prop_assert_eq!(found.keys().collect::<Vec<_>>(), best.keys().collect::<Vec<_>>());
        for (node, (depth, confidence)) in best {
            prop_assert_eq!(found[&node].0, depth);
            prop_assert!((found[&node].1 - confidence).abs() < 1e-5);
        }
    }

    #[test]
    fn trees_hold_what_is_reached_at_its_distance(program in programs(), nth: prop::sample::Index, used: bool) {
        let view = view(&program.graph(), None);
        let nodes = nodes(&view);
        prop_assume!(!nodes.is_empty());
        let root = *nth.get(&nodes);
        let direction = if used { Direction::Used } else { Direction::Users };
        let question = Question { depth: 3, min_confidence: Confidence(40), ..Question::calls(direction) };
        let tree = calls(&view, &[root], &question).unwrap();
        // The twin relaxes distances over all edges until nothing changes.
        let mut edges = BTreeSet::new();
        for &node in &nodes {
            for edge in view.edges_out(node).unwrap() {
                if edge.manner.role.is_call() && edge.manner.confidence.0 >= 40 {
                    edges.insert(if used { (node, edge.target) } else { (edge.target, node) });
                }
            }
        }
        let mut distances = BTreeMap::from([(root, 0u32)]);
        for _ in 0..3 {
            for (from, to) in &edges {
                if let Some(known) = distances.get(from).copied() {
                    let distance = distances.entry(*to).or_insert(known + 1);
                    *distance = (*distance).min(known + 1);
                }
            }
        }
        distances.retain(|node, distance| *distance <= 3 && *node != root);
        let found: BTreeMap<_, _> = tree.calls.iter().filter(|call| call.node != root).map(|call| (call.node, call.depth)).collect();
        prop_assert_eq!(found, distances);
        let calls_itself = edges.contains(&(root, root));
        prop_assert_eq!(tree.calls.iter().filter(|call| call.node == root).count(), usize::from(calls_itself));
        for (nth, call) in tree.calls.iter().enumerate() {
            let parent = call.parent.map_or(root, |parent| tree.calls[parent].node);
            prop_assert!(call.parent.is_none_or(|parent| parent < nth));
            prop_assert!(edges.contains(&(parent, call.node)));
            prop_assert!(!call.sites.is_empty());
        }
    }

    #[test]
    fn circles_are_those_of_mutual_reach(program in programs(), nth: prop::sample::Index) {
        let view = view(&program.graph(), None);
        let files = view.files_under(b"");
        prop_assume!(!files.is_empty());
        let file = *nth.get(&files);
        let mut reach: BTreeSet<(u32, u32)> = BTreeSet::new();
        for &one in &files {
            reach.extend(view.uses(one).unwrap().iter().map(|how| (one, how.file)));
        }
        let direct = reach.clone();
        for &middle in &files {
            for &from in &files {
                for &to in &files {
                    if reach.contains(&(from, middle)) && reach.contains(&(middle, to)) {
                        reach.insert((from, to));
                    }
                }
            }
        }
        let found = cycles(&view, file, Confidence(0), &[], 100).unwrap();
        let both = |other: &u32| *other == file || reach.contains(&(file, *other)) && reach.contains(&(*other, file));
        let component: Vec<_> = files.iter().copied().filter(both).collect();
        prop_assert_eq!(&found.component, &if component.len() > 1 { component.clone() } else { Vec::new() });
        for cycle in &found.cycles {
            let steps = cycle.iter().zip(cycle.iter().skip(1).chain(cycle.first()));
            prop_assert!(steps.clone().all(|(from, to)| direct.contains(&(*from, *to))), "{:?}", cycle);
        }
        let through = direct.iter().filter(|(from, to)| *from == file && reach.contains(&(*to, file)));
        prop_assert_eq!(found.cycles.len(), through.count());
        let filter = (3, Confidence(0), &[][..], 1000);
        let (tree, truncated) = dependencies(&view, file, Direction::Used, filter).unwrap();
        prop_assert!(!truncated && tree.iter().all(|line| reach.contains(&(file, line.file))));
        let first: BTreeSet<_> = tree.iter().filter(|line| line.depth == 1).map(|line| line.file).collect();
        prop_assert_eq!(first, view.uses(file).unwrap().iter().map(|how: &FileUse| how.file).collect());
    }

    #[test]
    fn a_walk_is_that_of_a_matrix(program in programs(), nth: prop::sample::Index) {
        let view = view(&program.graph(), None);
        let nodes = nodes(&view);
        prop_assume!(!nodes.is_empty());
        let focus = *nth.get(&nodes);
        let mut all = nodes.clone();
        all.extend(view.externals_of("x").unwrap().iter().map(|(id, _)| *id));
        let mut mass: BTreeMap<NodeId, f64> = BTreeMap::from([(focus, 1.0)]);
        for _ in 0..6 {
            let mut next: BTreeMap<NodeId, f64> = BTreeMap::new();
            for &node in &all {
                let here = mass.get(&node).copied().unwrap_or(0.0);
                let edges = if view.is_external(node) { Vec::new() } else { view.edges_out(node).unwrap() };
                let weight = |edge: &crate::graph::OutEdge| f64::from(edge.manner.share()) * (edge.sites.len() as f64).sqrt();
                let total: f64 = edges.iter().map(weight).sum();
                if total > 0.0 {
                    edges.iter().for_each(|edge| *next.entry(edge.target).or_default() += 0.85 * here * weight(edge) / total);
                    *next.entry(focus).or_default() += 0.15 * here;
                } else {
                    *next.entry(focus).or_default() += here;
                }
            }
            mass = next;
        }
        let found = map::walk(&view, &[focus]).unwrap();
        for node in all {
            let (found, expected) = (found.get(&node).copied().unwrap_or(0.0), mass.get(&node).copied().unwrap_or(0.0));
            prop_assert!((f64::from(found) - expected).abs() < 1e-4, "{} {}", found, expected);
        }
    }

    #[test]
    fn a_map_is_the_most_that_fits(lens in prop::collection::vec((0..3u8, 1..60usize), 0..30), budget in 0..900usize) {
        let entry = |(nth, (path, len)): (usize, &(u8, usize))| MapEntry {
            path: format!("src/{path}.rs"),
            line: nth as u32 + 1,
            signature: "f".repeat(*len),
        };
        let entries: Vec<_> = lens.iter().enumerate().map(entry).collect();
        let (text, taken) = render(&entries, budget);
        prop_assert!(text.len() <= budget);
        prop_assert_eq!(text.lines().filter(|line| line.starts_with("  ")).count(), taken);
        if taken < entries.len() {
            let (longer, _) = render(&entries[..=taken], usize::MAX);
            prop_assert!(longer.len() > budget);
        }
    }

    #[test]
    fn any_text_is_a_diff_or_none(text in "(@@ -[0-9]{1,10}(,[0-9]{1,10})? \\+[0-9]{1,3} @@|--- a/x|\\+\\+\\+ b/x|[-+ ].|.|\n){0,20}") {
        let _ = parse_diff(&text);
    }
}

#[test]
fn diffs_tell_which_lines_of_the_old_text_are_touched() {
    let diff = "\
diff --git a/src/a.rs b/src/a.rs
index 1..2 100644
--- a/src/a.rs
+++ b/src/a.rs
@@ -3,4 +3,4 @@ fn f() {
 three
-four
+FOUR
+four and a half
 five
-six
@@ -20,0 +22,1 @@
+between 20 and 21
diff --git a/new.rs b/new.rs
--- /dev/null
+++ b/new.rs
@@ -0,0 +1 @@
+--- not a head
diff --git a/old b/moved
similarity index 90%
rename from old
rename to moved
--- a/old
+++ b/moved
@@ -1 +1 @@
-one
+ONE
\\ No newline at end of file
";
    let change = |before: Option<&str>, after: Option<&str>, lines: &[std::ops::Range<u32>]| Change {
        before: before.map(Into::into),
        after: after.map(Into::into),
        lines: lines.to_vec(),
    };
    let expected = [
        change(Some("src/a.rs"), Some("src/a.rs"), &[4..5, 6..7, 20..22]),
        change(None, Some("new.rs"), std::slice::from_ref(&(1..2))),
        change(Some("old"), Some("moved"), std::slice::from_ref(&(1..2))),
    ];
    assert_eq!(parse_diff(diff).unwrap(), expected);
    assert!(parse_diff("--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-one\n").unwrap_err().contains("ends within a hunk"));
    assert!(parse_diff("--- a/x\n@@ nothing @@\n").unwrap_err().contains("line 2"));
    assert!(parse_diff("@@ -1 +1 @@\n-a\n+b\n").unwrap_err().contains("belongs to no file"));
}

#[test]
fn changed_bytes_touch_the_innermost_symbol() {
    let view = view(&example().graph(), None);
    let lib = view.find_file(b"a/lib").unwrap();
    let touched = |bytes: &[std::ops::Range<u32>]| {
        let found = changed(&view, lib, bytes).unwrap().into_iter();
        found.map(|one| (name_of(&view, one.node), one.signature)).collect::<Vec<_>>()
    };
    assert_eq!(touched(std::slice::from_ref(&(5..6))), [("a/lib#Open".to_owned(), true)]);
    assert_eq!(touched(&[50..51, 60..70]), [("a/lib#Open".to_owned(), false)]);
    assert_eq!(
        touched(std::slice::from_ref(&(90..130))),
        [("a/lib#Open".to_owned(), false), ("a/lib#check".to_owned(), true)]
    );
    assert_eq!(touched(std::slice::from_ref(&(999..1000))), [("a/lib#".to_owned(), false)]);
}

#[test]
fn impact_tells_tests_entries_and_risk() {
    let view = view(&example().graph(), None);
    let found = impact(&view, &[find(&view, "a/lib#check")], Reach::default()).unwrap();
    let names: Vec<_> = found.nodes.iter().map(|one| (one.depth, name_of(&view, one.node))).collect();
    let first = (1, "a/lib#Open".to_owned());
    assert_eq!(names[0], first);
    assert_eq!(
        names[1..].iter().map(|one| one.1.as_str()).collect::<BTreeSet<_>>(),
        ["a/lib#check~2", "a/main#main", "b/test#t"].into()
    );
    assert_eq!((found.direct, found.transitive, found.files, found.public, found.tests), (1, 3, 3, 0, 0));
    assert!((found.score - (0.4 / 20.0 + 0.2 * 3.0 / 20.0 + 0.2)).abs() < 1e-6, "{}", found.score);
    let capped = impact(&view, &[find(&view, "a/lib#check")], Reach { most: 2, ..Reach::default() }).unwrap();
    assert!(capped.truncated && capped.nodes.len() == 2);
}

#[test]
fn a_map_begins_where_the_reader_looks() {
    let mut program = Program::default();
    let uses = |name: &str| vec![name.to_owned()];
    program.0.insert("a".into(), (0..30).map(|n| (format!("F{n}"), uses("Core"))).collect());
    program.0.insert("b".into(), vec![("Core".into(), vec![])]);
    program.0.insert("c".into(), vec![("Near".into(), vec![]), ("start".into(), uses("Near"))]);
    let view = view(&program.graph(), None);
    let order = |focus: &[NodeId], prefix: &[u8]| {
        let found = candidates(&view, focus, prefix, 3).unwrap();
        found.iter().map(|node| name_of(&view, *node)).collect::<Vec<_>>()
    };
    assert_eq!(order(&[], b"")[0], "b#Core");
    assert_eq!(order(&[find(&view, "c#start")], b"")[..2], ["c#start", "c#Near"].map(str::to_owned));
    assert_eq!(order(&[], b"c"), ["c#Near", "c#start"]);
}
