//! Puts together what the builder collected: numbers, incoming edges, ranks; then all kinds of blocks in their order.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;

use super::builder::{GraphBuilder, each_edge, file_uses, sort_edges};
use super::edge::{Edge, External, Target};
use super::edges::RawEdge;
use super::error::GraphError;
use super::file_edges::FileUse;
use super::index::Kind;
use super::kin::{KinRow, both_ways};
use super::manner::{Manner, Manners};
use super::node::{Node, read_rows};
use super::pagerank::{Incoming, Weights, pagerank, quantised};
use super::writer::{GraphSummary, GraphWriter, Heads, key_of};
use crate::facts::Flags;
use crate::segment::Class;

/// Nodes that are listed as those of highest rank.
const TOP: usize = 4096;
/// What a private name, or one with many definers, counts as a target.
const WEAK: f32 = 0.1;
/// Definers of a name from which on it says little.
const MANY: usize = 6;
/// What a test counts as a source.
const TEST: f32 = 0.3;

/// All that is known once the last file is.
pub(super) struct Assembly {
    builder: GraphBuilder,
    externals: Vec<External>,
    /// The number of each external as edges name it.
    moved: Vec<u32>,
    manners: Manners,
    numbers: HashMap<u32, u32>,
    n_nodes: u32,
}

/// What ranking wants of every node.
#[derive(Default)]
struct Traits {
    names: Vec<u32>,
    targets: Vec<f32>,
    sources: Vec<f32>,
    shown: Vec<u32>,
}

impl Assembly {
    pub(super) fn new(mut builder: GraphBuilder, externals: &[External]) -> Result<Self, GraphError> {
        let first_nodes = builder.numbering.first_nodes();
        builder.files.set_nodes(first_nodes);
        let n_nodes = builder.files.n_nodes();
        let manners = Manners::by_frequency(std::mem::take(&mut builder.manners));
        let (externals, moved) = sorted(externals);
        let moved = moved.into_iter().map(|place| n_nodes + place).collect();
        Ok(Self { numbers: manners.numbers(), builder, externals, moved, manners, n_nodes })
    }

    pub(super) fn write(self, out: impl Write) -> Result<GraphSummary, GraphError> {
        let incoming = self.incoming()?;
        let (ranks, top) = self.ranks(&incoming)?;
        let mut writer = GraphWriter::new(out);
        writer.begin(Kind::Nodes)?;
        self.write_nodes(&mut writer, &ranks)?;
        writer.begin(Kind::Out)?;
        let mut used = self.write_outgoing(&mut writer)?;
        writer.begin(Kind::In)?;
        used.sort_unstable();
        self.write_incoming(&mut writer, incoming, &used)?;
        writer.begin(Kind::FileIn)?;
        for of_one in used.chunk_by(|a, b| a.0 == b.0) {
            let uses: Vec<_> = of_one.iter().map(|(_, one)| *one).collect();
            writer.file(of_one[0].0, &uses)?;
        }
        self.finish(writer, &top)
    }

    fn finish<W: Write>(self, mut writer: GraphWriter<W>, top: &[u32]) -> Result<GraphSummary, GraphError> {
        writer.begin(Kind::Externals)?;
        writer.externals(&self.externals)?;
        writer.begin(Kind::Unclear)?;
        writer.unclear(self.builder.unclear.iter().map(|(name, rows)| (&**name, rows)))?;
        writer.begin(Kind::Top)?;
        writer.top(top)?;
        let [below, above] = both_ways(&self.kin()?);
        writer.kin(Kind::Below, &below)?;
        writer.kin(Kind::Above, &above)?;
        let n_externals = self.externals.len() as u32;
        writer.finish(Heads {
            files: self.builder.files,
            n_externals,
            manners: self.manners,
            base: None,
            rules: self.builder.rules,
        })
    }

    /// Calls `each` with the edges of every file, sorted.
    fn each_file(&self, mut each: impl FnMut(u32, &[RawEdge]) -> Result<(), GraphError>) -> Result<(), GraphError> {
        let (mut file, mut edges) = (0, Vec::new());
        self.builder.edges.read(|record| {
            edges.clear();
            each_edge(record, |edge| {
                edges.push(self.raw(file, &edge)?);
                Ok(())
            })?;
            sort_edges(&mut edges);
            file += 1;
            each(file - 1, &edges)
        })
    }

    fn raw(&self, file: u32, edge: &Edge) -> Result<RawEdge, GraphError> {
        let numbering = &self.builder.numbering;
        let source = match edge.source {
            Some(symbol) => numbering.node(file, symbol)?,
            None => numbering.file_node(file),
        };
        let target = self.target(edge.target)?;
        Ok(RawEdge { source, target, manner: self.numbers[&Manner::of(edge).code()], site: edge.site })
    }

    fn target(&self, target: Target) -> Result<u32, GraphError> {
        Ok(match target {
            Target::Symbol { file, symbol } => self.builder.numbering.node(file, symbol)?,
            Target::File(file) => self.builder.numbering.file_node(file),
            Target::External(number) => self.moved[number as usize],
        })
    }

    /// Who stands below whom: (below, above, what is said of it).
    fn kin(&self) -> Result<Vec<(u32, u32, KinRow)>, GraphError> {
        let row = |(file, one): &(u32, super::edge::Inheritance)| {
            let manner = self.numbers[&Manner::of_kin(one).code()];
            let said = KinRow { node: 0, manner, relation: one.relation, file: *file, site: one.site };
            Ok((self.target(one.below)?, self.target(one.above)?, said))
        };
        self.builder.kin.iter().map(row).collect()
    }

    fn incoming(&self) -> Result<Incoming, GraphError> {
        let n_numbers = self.n_nodes as usize + self.externals.len();
        let mut starts = vec![0u32; n_numbers + 1];
        self.each_file(|_, edges| {
            each_incoming(edges, &self.manners, |target, _, _, _| starts[target as usize + 1] += 1);
            Ok(())
        })?;
        for nth in 1..starts.len() {
            starts[nth] += starts[nth - 1];
        }
        let n_edges = starts.last().copied().unwrap_or(0) as usize;
        let (sources, manners, counts) = (vec![0; n_edges], vec![0; n_edges], vec![0; n_edges]);
        let mut incoming = Incoming { starts, sources, manners, counts };
        let mut next = incoming.starts.clone();
        self.each_file(|_, edges| {
            each_incoming(edges, &self.manners, |target, source, manner, count| {
                let place = next[target as usize] as usize;
                next[target as usize] += 1;
                incoming.sources[place] = source;
                incoming.manners[place] = manner as u16;
                incoming.counts[place] = count.min(255) as u8;
            });
            Ok(())
        })?;
        Ok(incoming)
    }

    /// Every file's nodes, with their numbers.
    fn each_node(&self, mut each: impl FnMut(u32, u32, Node) -> Result<(), GraphError>) -> Result<(), GraphError> {
        let (mut file, mut number) = (0, 0);
        self.builder.symbols.read(|record| {
            each(file, number, Node::file())?;
            number += 1;
            for node in read_rows(record, |nth| nth == 0)? {
                if self.builder.numbering.is_node(file, node.symbol.unwrap_or(0)) {
                    each(file, number, node)?;
                    number += 1;
                }
            }
            file += 1;
            Ok(())
        })
    }

    /// The rank of every node, and the nodes of highest rank.
    fn ranks(&self, incoming: &Incoming) -> Result<(Vec<u8>, Vec<u32>), GraphError> {
        let traits = self.traits()?;
        let manners: Vec<_> = self.manners.0.iter().map(|manner| manner.share()).collect();
        let weights = Weights { manners: &manners, targets: &traits.targets, sources: &traits.sources };
        let ranks = pagerank(incoming, &weights);
        let mut top = traits.shown;
        top.sort_by(|a, b| ranks[*b as usize].total_cmp(&ranks[*a as usize]).then(a.cmp(b)));
        top.truncate(TOP);
        Ok((ranks.iter().map(|rank| quantised(*rank, ranks.len())).collect(), top))
    }

    fn traits(&self) -> Result<Traits, GraphError> {
        let mut traits = Traits::default();
        self.each_node(|file, number, node| {
            let class = self.builder.files.class(file);
            let is_test = class == Class::Test || node.flags.has(Flags::TEST);
            let is_file = node.symbol.is_none();
            traits.names.push(if is_file { number } else { hash(node.name()) });
            traits.targets.push(if is_file || node.flags.has(Flags::EXPORTED) { 1.0 } else { WEAK });
            traits.sources.push(if is_test { TEST } else { 1.0 });
            if class == Class::Source && !is_test && is_shown(&node) {
                traits.shown.push(number);
            }
            Ok(())
        })?;
        let mut names = traits.names.clone();
        names.sort_unstable();
        for (name, weight) in traits.names.iter().zip(&mut traits.targets) {
            let first = names.partition_point(|other| other < name);
            if names.get(first + MANY - 1) == Some(name) {
                *weight = weight.min(WEAK);
            }
        }
        Ok(traits)
    }

    fn write_nodes<W: Write>(&self, writer: &mut GraphWriter<W>, ranks: &[u8]) -> Result<(), GraphError> {
        self.each_node(|_, number, node| {
            let begins = node.symbol.is_none();
            writer.node(number, Node { rank: ranks[number as usize], ..node }, begins)
        })
    }

    /// Writes outgoing edges; gives what uses each file, with the file.
    fn write_outgoing<W: Write>(&self, writer: &mut GraphWriter<W>) -> Result<Vec<(u32, FileUse)>, GraphError> {
        let mut used = Vec::new();
        self.each_file(|file, edges| {
            if !edges.is_empty() {
                writer.outgoing(self.builder.numbering.file_node(file), edges)?;
            }
            let of = |edge: &RawEdge| (*edge, self.file_of(edge.target), self.manners.0[edge.manner as usize]);
            let uses = file_uses(file, edges, of).into_iter();
            used.extend(uses.map(|one| (one.file, FileUse { file, site: 0, ..one })));
            Ok(())
        })?;
        Ok(used)
    }

    fn write_incoming<W: Write>(
        &self,
        writer: &mut GraphWriter<W>,
        incoming: Incoming,
        used: &[(u32, FileUse)],
    ) -> Result<(), GraphError> {
        let of_file = |file: u32| self.builder.files.nodes(file).map(move |_| file);
        let files_of: Vec<u32> = (0..self.builder.files.len()).flat_map(of_file).collect();
        let (mut files, mut users) = (Vec::new(), &used[..0]);
        for target in 0..incoming.n_nodes() {
            let own = files_of.get(target).copied();
            files.clear();
            files.extend(incoming.edges(target).map(|edge| files_of[incoming.sources[edge] as usize]));
            files.dedup();
            files.retain(|file| own != Some(*file));
            if files.is_empty() {
                continue;
            }
            if let Some(own) = own {
                if users.first().is_none_or(|(of, _)| *of != own) {
                    users = of_key(used, own);
                }
                files.iter_mut().for_each(|file| *file = users.partition_point(|(_, one)| one.file < *file) as u32);
            }
            writer.incoming(target as u32, &files)?;
        }
        Ok(())
    }

    fn file_of(&self, node: u32) -> Option<u32> {
        (node < self.n_nodes).then(|| self.builder.files.of_node(node))
    }
}

/// What uses a file, of what uses all.
fn of_key(used: &[(u32, FileUse)], file: u32) -> &[(u32, FileUse)] {
    let begin = used.partition_point(|(of, _)| *of < file);
    &used[begin..begin + used[begin..].partition_point(|(of, _)| *of == file)]
}

/// What a map may show.
pub(super) fn is_shown(node: &Node) -> bool {
    let kind = node.kind;
    kind.is_type() || matches!(kind, crate::facts::SymbolKind::Function | crate::facts::SymbolKind::Method)
}

/// Calls `each` with target, source, best manner and number of sites, once for each source, target and role. The edges are
/// sorted.
pub(super) fn each_incoming(edges: &[RawEdge], manners: &Manners, mut each: impl FnMut(u32, u32, u32, usize)) {
    let mut of_roles: Vec<(Manner, u32, usize)> = Vec::new();
    for pair in edges.chunk_by(|a, b| (a.source, a.target) == (b.source, b.target)) {
        of_roles.clear();
        for edge in pair {
            let manner = manners.0[edge.manner as usize];
            match of_roles.iter_mut().find(|(one, ..)| one.role == manner.role) {
                None => of_roles.push((manner, edge.manner, 1)),
                Some(one) if one.0.confidence < manner.confidence => *one = (manner, edge.manner, one.2 + 1),
                Some(one) => one.2 += 1,
            }
        }
        of_roles.sort_unstable();
        of_roles.iter().for_each(|(_, manner, count)| each(pair[0].target, pair[0].source, *manner, *count));
    }
}

/// Externals in order, each once, and the place of each one given.
pub(super) fn sorted(externals: &[External]) -> (Vec<External>, Vec<u32>) {
    let mut sorted = externals.to_vec();
    sorted.sort_by_key(key_of);
    sorted.dedup();
    let place = |one: &External| sorted.partition_point(|other| key_of(other) < key_of(one)) as u32;
    let places = externals.iter().map(place).collect();
    (sorted, places)
}

fn hash(name: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish() as u32
}
