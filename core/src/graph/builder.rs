//! Makes the graph of a whole snapshot from the facts and edges of its files, which come once, in path order.
//!
//! What is needed to the end is kept compressed (`tape`): which symbols become nodes is known only when the last edge is.

use std::collections::BTreeMap;
use std::io::Write;

use super::assemble::Assembly;
use super::codec::{Cursor, put_varint};
use super::edge::{Edge, External, FileEdges, Inheritance, Target};
use super::edges::RawEdge;
use super::error::GraphError;
use super::file_edges::FileUse;
use super::files::{Files, State};
use super::manner::Manner;
use super::names::{Unclear, UnclearRows};
use super::node::{NodeRows, nodes_of};
use super::numbering::Numbering;
use super::tape::Tape;
use super::writer::GraphSummary;
use crate::facts::{Facts, Role};
use crate::segment::Class;

/// One file of a snapshot. A file without facts has [`Facts::default`] and [`FileEdges::default`].
#[derive(Clone, Copy, Debug)]
pub struct GraphFile<'a> {
    /// Its path.
    pub path: &'a [u8],
    /// What kind of file it is.
    pub class: Class,
    /// What its text says.
    pub facts: &'a Facts,
    /// Where its references lead.
    pub edges: &'a FileEdges,
}

/// Collects files, and writes the graph.
#[derive(Debug, Default)]
pub struct GraphBuilder {
    pub(super) files: Files,
    pub(super) numbering: Numbering,
    /// A record a file: its symbols as rows of nodes.
    pub(super) symbols: Tape,
    /// A record a file: its edges.
    pub(super) edges: Tape,
    pub(super) unclear: BTreeMap<Box<str>, UnclearRows>,
    /// Inheritance, with the file that says so.
    pub(super) kin: Vec<(u32, Inheritance)>,
    /// How often each manner comes.
    pub(super) manners: BTreeMap<u32, u64>,
    pub(super) rules: u32,
}

impl GraphBuilder {
    /// Says by which version of the rules edges are found, so that no delta by others is laid on them.
    pub fn by_rules(self, rules: u32) -> Self {
        Self { rules, ..self }
    }

    /// Appends a file, in the order of paths. Every file of the snapshot is added: targets name files by their number.
    pub fn add(&mut self, file: &GraphFile<'_>) -> Result<(), GraphError> {
        let number = self.files.push(file.path, file.class, State::Whole)?;
        self.numbering.push_file(file.facts.symbols.len() as u32)?;
        let mut rows = NodeRows::default();
        for node in nodes_of(file.facts) {
            if node.is_offered() {
                self.numbering.mark(number, node.symbol.unwrap_or(0))?;
            }
            let begins = rows.len() == 0;
            rows.push(node, begins);
        }
        self.symbols.push(&rows.take())?;
        let mut record = Vec::new();
        for edge in &file.edges.edges {
            edge.source.map_or(Ok(()), |source| self.numbering.mark(number, source))?;
            *self.manners.entry(Manner::of(edge).code()).or_default() += 1;
            put_edge(&mut record, edge);
        }
        self.edges.push(&record)?;
        for one in &file.edges.inheritance {
            *self.manners.entry(Manner::of_kin(one).code()).or_default() += 1;
            self.kin.push((number, *one));
        }
        for (name, row) in unclear_of(number, file.edges) {
            self.unclear.entry(name.into()).or_default().push(row);
        }
        Ok(())
    }

    /// Writes the graph. `externals` are those that edges name by number; their order does not matter.
    pub fn finish(mut self, externals: &[External], out: impl Write) -> Result<GraphSummary, GraphError> {
        self.mark_targets(externals.len())?;
        Assembly::new(self, externals)?.write(out)
    }

    fn mark_targets(&mut self, n_externals: usize) -> Result<(), GraphError> {
        let Self { edges, numbering, kin, .. } = self;
        let mut mark = |target: Target| match target {
            Target::Symbol { file, symbol } => numbering.mark(file, symbol),
            Target::File(file) if file < numbering.n_files() => Ok(()),
            Target::External(number) if (number as usize) < n_externals => Ok(()),
            target => Err(GraphError::Build(format!("an edge leads to {target:?}, which there is not"))),
        };
        edges.read(|record| each_edge(record, |edge| mark(edge.target)))?;
        kin.iter().try_for_each(|(_, one)| mark(one.below).and_then(|()| mark(one.above)))?;
        numbering.close();
        Ok(())
    }
}

/// Appends an edge to the record of a file.
fn put_edge(record: &mut Vec<u8>, edge: &Edge) {
    put_varint(record, edge.source.map_or(0, |source| u64::from(source) + 1));
    let (tag, a, b) = match edge.target {
        Target::Symbol { file, symbol } => (0, file, symbol),
        Target::File(file) => (1, file, 0),
        Target::External(number) => (2, number, 0),
    };
    [tag, a, b, Manner::of(edge).code(), edge.site].iter().for_each(|number| put_varint(record, *number));
}

/// Calls `each` with every edge of a record.
pub(super) fn each_edge(record: &[u8], mut each: impl FnMut(Edge) -> Result<(), GraphError>) -> Result<(), GraphError> {
    let mut cursor = Cursor::new("record of edges", record);
    while !cursor.is_empty() {
        let source = cursor.varint()?.checked_sub(1);
        let (tag, a, b) = (cursor.varint()?, cursor.varint()?, cursor.varint()?);
        let target = match tag {
            0 => Target::Symbol { file: a, symbol: b },
            1 => Target::File(a),
            _ => Target::External(a),
        };
        let manner = Manner::from_code(cursor.varint()?).ok_or_else(|| cursor.error("has no manner"))?;
        let Manner { role, tier, confidence } = manner;
        each(Edge { source, target, role, tier, confidence, site: cursor.varint()? })?;
    }
    Ok(())
}

/// The unresolved references of a file, name by name.
pub(super) fn unclear_of(file: u32, edges: &FileEdges) -> BTreeMap<&str, Unclear> {
    let mut rows = BTreeMap::<&str, Unclear>::new();
    for one in &edges.unresolved {
        let row = rows.entry(&one.name).or_insert(Unclear { file, calls: 0, others: 0, site: one.site });
        row.calls += u32::from(one.role.is_call());
        row.others += u32::from(!one.role.is_call());
        row.site = row.site.min(one.site);
    }
    rows
}

/// Sorts the edges of a file by source, target, manner and site, each once.
pub(super) fn sort_edges(edges: &mut Vec<RawEdge>) {
    edges.sort_unstable();
    edges.dedup();
}

/// What a file uses of others, by file. `of`: an edge, the file that its target is in, and its manner.
pub(super) fn file_uses<E>(file: u32, edges: &[E], of: impl Fn(&E) -> (RawEdge, Option<u32>, Manner)) -> Vec<FileUse> {
    let mut uses = BTreeMap::<u32, (bool, FileUse)>::new();
    for edge in edges {
        let (edge, Some(target), manner) = of(edge) else { continue };
        if target == file {
            continue;
        }
        let is_import = manner.role == Role::Import;
        let fresh = FileUse { file: target, roles: 0, confidence: 0, count: 0, site: edge.site };
        let (imports, one) = uses.entry(target).or_insert((is_import, fresh));
        one.roles |= 1 << manner.role as u16;
        one.confidence = one.confidence.max(manner.confidence.0);
        one.count += 1;
        if (is_import, std::cmp::Reverse(edge.site)) > (*imports, std::cmp::Reverse(one.site)) {
            (*imports, one.site) = (is_import, edge.site);
        }
    }
    uses.into_values().map(|(_, one)| one).collect()
}
