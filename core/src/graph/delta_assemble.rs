//! Puts together a delta: numbers of its nodes, edges in the numbers of base and delta, then all kinds of blocks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

use super::assemble::sorted;
use super::builder::{file_uses, sort_edges, unclear_of};
use super::delta::{DeltaSources, Own, path_of, unknown};
use super::edge::{Edge, External, Target};
use super::edges::RawEdge;
use super::error::GraphError;
use super::file_edges::FileUse;
use super::files::{Files, State};
use super::index::Kind;
use super::kin::{KinRow, both_ways};
use super::manner::{Manner, Manners};
use super::names::{Unclear, UnclearRows};
use super::node::Node;
use super::pagerank::quantised;
use super::reader::BaseRef;
use super::view::{NodeId, View};
use super::writer::{GraphSummary, GraphWriter, Heads};

/// What a node has that nobody is known to use: the jump of a random walk alone.
const LEAST_RANK: f32 = 0.15;

/// The delta with its numbers.
struct Delta<'a> {
    base: &'a View,
    files: BTreeMap<Vec<u8>, Own>,
    table: Files,
    /// Number and first node of every file that the delta tells of.
    places: HashMap<Vec<u8>, (u32, NodeId)>,
    /// The node of every marked symbol.
    nodes: HashMap<(u32, u32), NodeId>,
    externals: Vec<External>,
    /// The number of each external as edges name it.
    moved: Vec<NodeId>,
    manners: Manners,
}

/// Edges by the numbers of base and delta.
#[derive(Default)]
struct Rows {
    outgoing: BTreeMap<NodeId, Vec<RawEdge>>,
    incoming: BTreeMap<NodeId, BTreeSet<u32>>,
    used: BTreeMap<u32, Vec<FileUse>>,
    unclear: BTreeMap<String, Vec<Unclear>>,
    kin: Vec<(NodeId, NodeId, KinRow)>,
}

/// Writes the delta of `files`, whose symbols are marked.
pub(super) fn write(
    files: BTreeMap<Vec<u8>, Own>,
    removed: Vec<u32>,
    sources: &DeltaSources<'_>,
    out: impl Write,
) -> Result<GraphSummary, GraphError> {
    let mut delta = Delta::number(files, sources.base)?;
    delta.place_externals(sources.externals)?;
    let mut rows = delta.rows(sources)?;
    let unclear = std::mem::take(&mut rows.unclear);
    let [below, above] = both_ways(&rows.kin);
    let mut writer = GraphWriter::new(out);
    writer.begin(Kind::Nodes)?;
    delta.write_nodes(&mut writer)?;
    delta.write_rows(&mut writer, rows)?;
    writer.begin(Kind::Externals)?;
    writer.externals(&delta.externals)?;
    write_unclear(&mut writer, unclear)?;
    writer.kin(Kind::Below, &below)?;
    writer.kin(Kind::Above, &above)?;
    let (n_numbers, n_files) = sources.base.base_counts();
    let aliases = delta.aliases(n_numbers);
    let base = BaseRef { name: sources.base_name, n_numbers, n_files, removed, aliases };
    let n_externals = delta.externals.len() as u32;
    writer.finish(Heads { files: delta.table, n_externals, manners: delta.manners, base: Some(base), rules: 0 })
}

fn write_unclear<W: Write>(
    writer: &mut GraphWriter<W>,
    names: BTreeMap<String, Vec<Unclear>>,
) -> Result<(), GraphError> {
    let encoded = |mut rows: Vec<Unclear>| {
        rows.sort_unstable();
        let mut encoded = UnclearRows::default();
        rows.into_iter().for_each(|row| encoded.push(row));
        encoded
    };
    let names: Vec<_> = names.into_iter().map(|(name, rows)| (name, encoded(rows))).collect();
    writer.begin(Kind::Unclear)?;
    writer.unclear(names.iter().map(|(name, rows)| (&**name, rows)))
}

impl<'a> Delta<'a> {
    fn number(files: BTreeMap<Vec<u8>, Own>, base: &'a View) -> Result<Self, GraphError> {
        let (mut table, mut first_nodes) = (Files::default(), vec![0u32]);
        let (n_numbers, _) = base.base_counts();
        let (mut places, mut nodes, mut next) = (HashMap::new(), HashMap::new(), n_numbers);
        for (path, own) in files.iter().filter(|(_, own)| own.is_told()) {
            let file = table.push(path, own.class, own.state)?;
            places.insert(path.clone(), (file, next));
            next += u32::from(own.state == State::Whole);
            for symbol in &own.marks {
                nodes.insert((file, *symbol), next);
                next += 1;
            }
            first_nodes.push(next - n_numbers);
        }
        table.set_nodes(first_nodes);
        let (externals, moved, manners) = <_>::default();
        Ok(Self { base, files, table, places, nodes, externals, moved, manners })
    }

    /// Externals that the base knows go by its numbers, the others by numbers behind the delta's nodes.
    fn place_externals(&mut self, externals: &[External]) -> Result<(), GraphError> {
        let mut known = Vec::new();
        for one in externals {
            let of_package = self.base.externals_of(&one.package)?;
            known.push(of_package.into_iter().find(|(_, other)| other == one).map(|(number, _)| number));
        }
        let fresh = externals.iter().zip(&known).filter(|(_, known)| known.is_none());
        let fresh: Vec<_> = fresh.map(|(one, _)| one.clone()).collect();
        let (sorted, places) = sorted(&fresh);
        let (n_numbers, _) = self.base.base_counts();
        let n_nodes = self.table.n_nodes();
        let mut places = places.into_iter().map(|place| n_numbers + n_nodes + place);
        self.moved = known.into_iter().filter_map(|known| known.or_else(|| places.next())).collect();
        self.externals = sorted;
        Ok(())
    }

    fn rows(&mut self, sources: &DeltaSources<'_>) -> Result<Rows, GraphError> {
        let mut counts = BTreeMap::<u32, u64>::new();
        let edges = self.files.values().flat_map(|own| &own.edges.edges);
        edges.for_each(|edge| *counts.entry(Manner::of(edge).code()).or_default() += 1);
        let kin = self.files.values().flat_map(|own| &own.edges.inheritance);
        kin.for_each(|one| *counts.entry(Manner::of_kin(one).code()).or_default() += 1);
        self.manners = Manners::by_frequency(counts);
        let numbers = self.manners.numbers();
        let mut rows = Rows::default();
        for (path, own) in self.files.iter().filter(|(_, own)| own.tells_edges()) {
            let mut edges = Vec::with_capacity(own.edges.edges.len());
            for edge in &own.edges.edges {
                edges.push(self.raw(path, edge, &numbers, sources)?);
            }
            sort_edges(&mut edges);
            self.put_rows(path, &edges, &mut rows);
            let file = self.view_file(path, own);
            for one in &own.edges.inheritance {
                let manner = numbers[&Manner::of_kin(one).code()];
                let said = KinRow { node: 0, manner, relation: one.relation, file, site: one.site };
                rows.kin.push((self.target(one.below, sources)?, self.target(one.above, sources)?, said));
            }
            for (name, row) in unclear_of(file, &own.edges) {
                rows.unclear.entry(name.to_owned()).or_default().push(row);
            }
        }
        Ok(rows)
    }

    fn put_rows(&self, path: &[u8], edges: &[RawEdge], rows: &mut Rows) {
        for of_source in edges.chunk_by(|a, b| a.source == b.source) {
            rows.outgoing.insert(of_source[0].source, of_source.to_vec());
        }
        let Some(own) = self.files.get(path) else { return };
        let file = self.view_file(path, own);
        for edge in edges.iter().filter(|edge| self.file_of(edge.target) != Some(file)) {
            rows.incoming.entry(edge.target).or_default().insert(file);
        }
        let uses = file_uses(file, edges, |edge| (self.file_of(edge.target), self.manners.0[edge.manner as usize]));
        for one in uses {
            rows.used.entry(one.file).or_default().push(FileUse { file, site: 0, ..one });
        }
    }

    fn raw(
        &self,
        path: &[u8],
        edge: &Edge,
        numbers: &HashMap<u32, u32>,
        sources: &DeltaSources<'_>,
    ) -> Result<RawEdge, GraphError> {
        let target = self.target(edge.target, sources)?;
        let source = self.node(path, edge.source)?;
        Ok(RawEdge { source, target, manner: numbers[&Manner::of(edge).code()], site: edge.site })
    }

    fn target(&self, target: Target, sources: &DeltaSources<'_>) -> Result<NodeId, GraphError> {
        match target {
            Target::Symbol { file, symbol } => self.node(&path_of(file, sources)?, Some(symbol)),
            Target::File(file) => self.node(&path_of(file, sources)?, None),
            Target::External(number) => {
                let moved = self.moved.get(number as usize).copied();
                moved.ok_or_else(|| GraphError::Build(format!("there is no external {number}")))
            }
        }
    }

    /// The number of a symbol or of a file as a whole.
    fn node(&self, path: &[u8], symbol: Option<u32>) -> Result<NodeId, GraphError> {
        let own = self.files.get(path).filter(|own| own.state == State::Whole);
        let node = match (own, symbol) {
            (Some(_), None) => self.places.get(path).map(|(_, first)| *first),
            (None, None) => self.base.find_file(path).and_then(|file| self.base.file_node(file)),
            (_, Some(symbol)) => {
                let in_base = self.files.get(path).and_then(|own| own.base_nodes.get(&symbol)).copied();
                in_base.or_else(|| self.nodes.get(&(self.places.get(path)?.0, symbol)).copied())
            }
        };
        node.ok_or_else(|| unknown(path))
    }

    /// The number of a file: the base's, or one behind those.
    fn view_file(&self, path: &[u8], own: &Own) -> u32 {
        let (_, n_files) = self.base.base_counts();
        own.base_file.unwrap_or_else(|| n_files + self.places.get(path).map_or(0, |(file, _)| *file))
    }

    fn file_of(&self, node: NodeId) -> Option<u32> {
        let (n_numbers, _) = self.base.base_counts();
        if node < n_numbers {
            return self.base.file_of(node);
        }
        let own = node - n_numbers;
        let path = (own < self.table.n_nodes()).then(|| self.table.path(self.table.of_node(own)))?;
        self.files.get(path).map(|own| self.view_file(path, own))
    }

    fn write_rows<W: Write>(&self, writer: &mut GraphWriter<W>, mut rows: Rows) -> Result<(), GraphError> {
        rows.used.values_mut().for_each(|uses| uses.sort_unstable());
        writer.begin(Kind::Out)?;
        rows.outgoing.iter().try_for_each(|(source, edges)| writer.outgoing(*source, edges))?;
        writer.begin(Kind::In)?;
        for (target, files) in rows.incoming {
            let users = self.file_of(target).and_then(|file| rows.used.get(&file));
            let place = |file: u32| users.map_or(file, |users| users.partition_point(|one| one.file < file) as u32);
            writer.incoming(target, &files.into_iter().map(place).collect::<Vec<_>>())?;
        }
        writer.begin(Kind::FileIn)?;
        rows.used.iter().try_for_each(|(file, uses)| writer.file(*file, uses))
    }

    fn write_nodes<W: Write>(&self, writer: &mut GraphWriter<W>) -> Result<(), GraphError> {
        let mut number = 0;
        for own in self.files.values().filter(|own| own.is_told()) {
            let mut begins = true;
            if own.state == State::Whole {
                writer.node(number, Node { rank: quantised(LEAST_RANK, 1), ..Node::file() }, true)?;
                (begins, number) = (false, number + 1);
            }
            for symbol in &own.marks {
                let rank = own.ranks.get(symbol).copied().unwrap_or_else(|| quantised(LEAST_RANK, 1));
                writer.node(number, Node { rank, ..own.symbols[*symbol as usize].clone() }, begins)?;
                (begins, number) = (false, number + 1);
            }
        }
        Ok(())
    }

    fn aliases(&self, n_numbers: u32) -> Vec<(u32, u32)> {
        let of_file = |(path, own): (&Vec<u8>, &Own)| {
            let own_number = |symbol: Option<u32>| self.node(path, symbol).ok().map(|node| node - n_numbers);
            let aliases = own.aliases.iter().filter_map(|(old, symbol)| Some((*old, own_number(*symbol)?)));
            aliases.collect::<Vec<_>>()
        };
        let mut aliases: Vec<_> = self.files.iter().flat_map(of_file).collect();
        aliases.sort_unstable();
        aliases
    }
}

impl Own {
    fn is_told(&self) -> bool {
        self.state != State::Nodes || !self.marks.is_empty()
    }

    fn tells_edges(&self) -> bool {
        self.state != State::Nodes
    }
}
