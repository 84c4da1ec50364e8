//! Puts together a delta: numbers of its nodes, edges in the numbers of base and delta, then all kinds of blocks.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use super::assemble::sorted;
use super::builder::{file_uses, unclear_of};
use super::delta::DeltaSources;
use super::delta_files::{Own, OwnFiles, path_of, unknown};
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
    all: OwnFiles,
    /// Places of the files that the delta tells of, by path.
    order: Vec<usize>,
    table: Files,
    externals: Vec<External>,
    /// The number of each external as edges name it.
    moved: Vec<NodeId>,
    manners: Manners,
    /// Nodes of files as wholes that edges lead to, by the number of the file in the snapshot.
    file_nodes: HashMap<u32, Found>,
}

/// A node, and the file that it is in; an external is in none.
type Found = (NodeId, Option<u32>);
/// An edge, and the file of its target.
type Laid = (RawEdge, Option<u32>);

/// Edges by the numbers of base and delta.
#[derive(Default)]
struct Rows {
    outgoing: Vec<RawEdge>,
    /// A target, its file, and another file that uses it.
    incoming: Vec<(NodeId, Option<u32>, u32)>,
    used: Vec<(u32, FileUse)>,
    unclear: BTreeMap<Box<str>, Vec<Unclear>>,
    kin: Vec<(NodeId, NodeId, KinRow)>,
}

/// Writes the delta of files whose symbols are marked.
pub(super) fn write(
    all: OwnFiles,
    removed: Vec<u32>,
    sources: &DeltaSources<'_>,
    out: impl Write,
) -> Result<GraphSummary, GraphError> {
    let mut delta = Delta::number(all, sources.base)?;
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
    names: BTreeMap<Box<str>, Vec<Unclear>>,
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
    fn number(mut all: OwnFiles, base: &'a View) -> Result<Self, GraphError> {
        let mut order: Vec<_> = (0..all.files.len()).filter(|place| all.files[*place].is_told()).collect();
        order.sort_unstable_by(|a, b| all.files[*a].path.cmp(&all.files[*b].path));
        let (mut table, mut first_nodes) = (Files::default(), vec![0u32]);
        let (n_numbers, _) = base.base_counts();
        let mut next = n_numbers;
        for place in &order {
            let own = &mut all.files[*place];
            own.number = table.push(&own.path, own.class, own.state)?;
            own.first_node = next;
            next += u32::from(own.state == State::Whole);
            own.marks.sort_unstable();
            for nth in 0..own.marks.len() {
                own.set_node(own.marks[nth], next);
                next += 1;
            }
            first_nodes.push(next - n_numbers);
        }
        table.set_nodes(first_nodes);
        let (externals, moved, manners, file_nodes) = <_>::default();
        Ok(Self { base, all, order, table, externals, moved, manners, file_nodes })
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
        self.manners = self.manners();
        let numbers = self.manners.numbers();
        let mut rows = Rows::default();
        for place in 0..self.all.files.len() {
            let edges = std::mem::take(&mut self.all.files[place].edges);
            let mut laid = Vec::with_capacity(edges.edges.len());
            for edge in &edges.edges {
                laid.push(self.laid(place, edge, &numbers, sources)?);
            }
            laid.sort_unstable();
            laid.dedup();
            let file = self.view_file(&self.all.files[place]);
            self.put_rows(file, &laid, &mut rows);
            for one in &edges.inheritance {
                let manner = numbers[&Manner::of_kin(one).code()];
                let said = KinRow { node: 0, manner, relation: one.relation, file, site: one.site };
                rows.kin.push((self.target(one.below, sources)?.0, self.target(one.above, sources)?.0, said));
            }
            for (name, row) in unclear_of(file, &edges) {
                match rows.unclear.get_mut(name) {
                    Some(of_name) => of_name.push(row),
                    None => drop(rows.unclear.insert(name.into(), vec![row])),
                }
            }
        }
        Ok(rows)
    }

    fn manners(&self) -> Manners {
        let mut counts = BTreeMap::<u32, u64>::new();
        for own in &self.all.files {
            let edges = own.edges.edges.iter().map(Manner::of);
            let kin = own.edges.inheritance.iter().map(Manner::of_kin);
            edges.chain(kin).for_each(|manner| *counts.entry(manner.code()).or_default() += 1);
        }
        Manners::by_frequency(counts)
    }

    fn put_rows(&self, file: u32, edges: &[Laid], rows: &mut Rows) {
        rows.outgoing.extend(edges.iter().map(|(edge, _)| *edge));
        let from_outside = edges.iter().filter(|(_, of)| *of != Some(file));
        let mut incoming: Vec<_> = from_outside.map(|(edge, of)| (edge.target, *of, file)).collect();
        incoming.sort_unstable();
        incoming.dedup();
        rows.incoming.extend(incoming);
        let uses = file_uses(file, edges, |(edge, of)| (*edge, *of, self.manners.0[edge.manner as usize]));
        rows.used.extend(uses.into_iter().map(|one| (one.file, FileUse { file, site: 0, ..one })));
    }

    /// An edge of the file at a place, by numbers.
    fn laid(
        &mut self,
        place: usize,
        edge: &Edge,
        numbers: &HashMap<u32, u32>,
        sources: &DeltaSources<'_>,
    ) -> Result<Laid, GraphError> {
        let (target, of) = self.target(edge.target, sources)?;
        let own = &self.all.files[place];
        let source = match edge.source {
            Some(symbol) => own.node(symbol),
            None => self.file_node(own),
        };
        let source = source.ok_or_else(|| unknown(&own.path))?;
        Ok((RawEdge { source, target, manner: numbers[&Manner::of(edge).code()], site: edge.site }, of))
    }

    fn target(&mut self, target: Target, sources: &DeltaSources<'_>) -> Result<Found, GraphError> {
        match target {
            Target::Symbol { file, symbol } => {
                let own = self.all.place(file).map(|place| &self.all.files[place]);
                let node = own.and_then(|own| Some((own.node(symbol)?, Some(self.view_file(own)))));
                node.ok_or_else(|| GraphError::Build(format!("symbol {symbol} of file {file} has no node")))
            }
            Target::File(file) => self.whole_file(file, sources),
            Target::External(number) => {
                let moved = self.moved.get(number as usize).map(|node| (*node, None));
                moved.ok_or_else(|| GraphError::Build(format!("there is no external {number}")))
            }
        }
    }

    /// The node of a file as a whole, and its number.
    fn whole_file(&mut self, number: u32, sources: &DeltaSources<'_>) -> Result<Found, GraphError> {
        if let Some(found) = self.file_nodes.get(&number) {
            return Ok(*found);
        }
        let path = path_of(number, sources)?;
        let found = match self.all.find(&path).map(|place| &self.all.files[place]) {
            Some(own) => self.file_node(own).map(|node| (node, Some(self.view_file(own)))),
            None => self.base.find_file(&path).and_then(|file| Some((self.base.file_node(file)?, Some(file)))),
        };
        let found = found.ok_or_else(|| unknown(&path))?;
        self.file_nodes.insert(number, found);
        Ok(found)
    }

    fn file_node(&self, own: &Own) -> Option<NodeId> {
        match own.state {
            State::Whole => Some(own.first_node),
            _ => own.base_file.and_then(|file| self.base.file_node(file)),
        }
    }

    /// The number of a file: the base's, or one behind those.
    fn view_file(&self, own: &Own) -> u32 {
        let (_, n_files) = self.base.base_counts();
        own.base_file.unwrap_or(n_files + own.number)
    }

    fn write_rows<W: Write>(&self, writer: &mut GraphWriter<W>, mut rows: Rows) -> Result<(), GraphError> {
        writer.begin(Kind::Out)?;
        rows.outgoing.sort_unstable();
        let of_sources = rows.outgoing.chunk_by(|a, b| a.source == b.source);
        of_sources.into_iter().try_for_each(|edges| writer.outgoing(edges[0].source, edges))?;
        writer.begin(Kind::In)?;
        rows.incoming.sort_unstable();
        rows.used.sort_unstable();
        for users in rows.incoming.chunk_by(|a, b| a.0 == b.0) {
            let (target, of, _) = users[0];
            let begin = rows.used.partition_point(|(file, _)| Some(*file) < of);
            let place = |user: u32| match of {
                Some(of) => rows.used[begin..].partition_point(|(file, one)| (*file, one.file) < (of, user)) as u32,
                None => user,
            };
            writer.incoming(target, &users.iter().map(|(_, _, user)| place(*user)).collect::<Vec<_>>())?;
        }
        writer.begin(Kind::FileIn)?;
        for of_file in rows.used.chunk_by(|a, b| a.0 == b.0) {
            let uses: Vec<_> = of_file.iter().map(|(_, one)| *one).collect();
            writer.file(of_file[0].0, &uses)?;
        }
        Ok(())
    }

    fn write_nodes<W: Write>(&self, writer: &mut GraphWriter<W>) -> Result<(), GraphError> {
        let mut number = 0;
        for own in self.order.iter().map(|place| &self.all.files[*place]) {
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
        let of_file = |own: &Own| {
            let node = |symbol: Option<u32>| symbol.map_or(Some(own.first_node), |symbol| own.node(symbol));
            let aliases = own.aliases.iter().filter_map(|(old, symbol)| Some((*old, node(*symbol)? - n_numbers)));
            aliases.collect::<Vec<_>>()
        };
        let mut aliases: Vec<_> = self.all.files.iter().flat_map(of_file).collect();
        aliases.sort_unstable();
        aliases
    }
}
