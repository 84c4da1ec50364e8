//! All that a view says, by names; and the same from the program itself, the slow and obvious way.

use std::collections::{BTreeMap, BTreeSet};

use super::program::Program;
use crate::facts::Role;
use crate::graph::*;

/// Everything that a view says, by names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
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

pub(crate) fn said(view: &View, program: &Program) -> Said {
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
pub(crate) fn twin(program: &Program) -> Said {
    let mut said = Said::default();
    let twin = Twin { program, paths: program.paths(), externals: program.externals() };
    for path in &twin.paths {
        said.nodes.insert(format!("{path}#"));
        for (symbol, (name, _)) in program.0[path].iter().enumerate() {
            if name.starts_with(char::is_uppercase) {
                said.nodes.insert(twin.label(path, symbol as u32));
            }
        }
        let edges = program.edges(path);
        twin.add_edges(path, &edges.edges, &mut said);
        twin.add_files(path, &edges.edges, &mut said);
        for one in edges.inheritance {
            let ends = [one.below, one.above].map(|target| twin.name(target));
            said.kin.insert((ends[0].clone(), ends[1].clone(), path.clone(), one.site));
            said.nodes.extend(ends);
        }
        let mut unclear = BTreeMap::<_, (u32, u32, u32)>::new();
        for one in edges.unresolved {
            let row = unclear.entry(one.name.to_string()).or_insert((0, 0, one.site));
            row.0 += u32::from(one.role.is_call());
            row.1 += u32::from(!one.role.is_call());
        }
        said.unclear.extend(unclear.into_iter().map(|(name, row)| (name, path.clone(), row.0, row.1, row.2)));
    }
    said
}

struct Twin<'a> {
    program: &'a Program,
    paths: Vec<String>,
    externals: Vec<External>,
}

impl Twin<'_> {
    fn label(&self, path: &str, symbol: u32) -> String {
        let symbols = &self.program.0[path];
        let name = &symbols[symbol as usize].0;
        let before = symbols[..symbol as usize].iter().filter(|(other, _)| other == name).count();
        if before == 0 { format!("{path}#{name}") } else { format!("{path}#{name}~{}", before + 1) }
    }

    fn name(&self, target: Target) -> String {
        match target {
            Target::Symbol { file, symbol } => self.label(&self.paths[file as usize], symbol),
            Target::File(file) => format!("{}#", self.paths[file as usize]),
            Target::External(number) => format!("external:x#{}", self.externals[number as usize].name),
        }
    }

    fn file(&self, target: Target) -> Option<&String> {
        match target {
            Target::Symbol { file, .. } | Target::File(file) => Some(&self.paths[file as usize]),
            Target::External(_) => None,
        }
    }

    fn add_edges(&self, path: &str, edges: &[Edge], said: &mut Said) {
        let mut sites = BTreeMap::<_, Vec<u32>>::new();
        for edge in edges {
            let source = edge.source.map_or(format!("{path}#"), |symbol| self.label(path, symbol));
            let target = self.name(edge.target);
            said.nodes.extend(self.file(edge.target).map(|_| target.clone()));
            said.nodes.insert(source.clone());
            let manner = Manner { role: edge.role, tier: edge.tier, confidence: edge.confidence };
            sites.entry((source, target, manner)).or_default().push(edge.site);
        }
        for ((source, target, manner), mut sites) in sites {
            sites.sort_unstable();
            sites.dedup();
            said.out.insert((source.clone(), target.clone(), manner, sites));
            let same = |other: &&(String, String, Manner)| {
                (&other.0, &other.1, other.2.role) == (&target, &source, manner.role)
            };
            let other = said.into.iter().find(same).cloned();
            if other.as_ref().is_none_or(|other| other.2.confidence < manner.confidence) {
                other.map(|other| said.into.remove(&other));
                said.into.insert((target, source, manner));
            }
        }
    }

    fn add_files(&self, path: &String, edges: &[Edge], said: &mut Said) {
        let mut files = BTreeMap::<&String, (u16, u8, u32, bool, u32)>::new();
        for edge in edges {
            let Some(other) = self.file(edge.target).filter(|other| *other != path) else { continue };
            let is_import = edge.role == Role::Import;
            let row = files.entry(other).or_insert((0, 0, 0, is_import, edge.site));
            row.0 |= 1 << edge.role as u16;
            row.1 = row.1.max(edge.confidence.0);
            row.2 += 1;
            if is_import && !row.3 || is_import == row.3 && edge.site < row.4 {
                (row.3, row.4) = (is_import, edge.site);
            }
        }
        for (other, (roles, confidence, count, _, site)) in files {
            said.used.insert((other.clone(), path.clone(), roles, confidence, count));
            said.uses.insert((path.clone(), other.clone(), roles, confidence, count, site));
        }
    }
}
