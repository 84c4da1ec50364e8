//! How much others build upon each node: PageRank (Page and others, 1998) on weighted edges.

/// Chance of following an edge, not jumping to any node.
const DAMPING: f32 = 0.85;
const ROUNDS: usize = 30;

/// Edges by target, as columns.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// Where the edges of each target start, and their number.
    pub(super) starts: Vec<u32>,
    pub(super) sources: Vec<u32>,
    pub(super) manners: Vec<u16>,
    pub(super) counts: Vec<u8>,
}

impl Incoming {
    pub(super) fn n_nodes(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(super) fn edges(&self, target: usize) -> std::ops::Range<usize> {
        self.starts[target] as usize..self.starts[target + 1] as usize
    }
}

/// What weakens edges.
#[derive(Debug)]
pub(super) struct Weights<'a> {
    /// Confidence of each manner, as a share of one.
    pub(super) manners: &'a [f32],
    /// Of each node as a target: private names and those with many definers count less.
    pub(super) targets: &'a [f32],
    /// Of each node as a source: tests count less.
    pub(super) sources: &'a [f32],
}

/// Ranks of the first `targets.len()` nodes; they sum to about one.
pub(super) fn pagerank(incoming: &Incoming, weights: &Weights<'_>) -> Vec<f32> {
    let n_nodes = weights.targets.len();
    let weight = |target: usize, edge: usize| {
        let manner = weights.manners.get(usize::from(incoming.manners[edge])).copied().unwrap_or(0.0);
        let source = weights.sources[incoming.sources[edge] as usize];
        manner * f32::from(incoming.counts[edge]).sqrt() * weights.targets[target] * source
    };
    let mut out = vec![0f32; n_nodes];
    for target in 0..n_nodes {
        incoming.edges(target).for_each(|edge| out[incoming.sources[edge] as usize] += weight(target, edge));
    }
    let mut rank = vec![1.0 / n_nodes.max(1) as f32; n_nodes];
    let mut next = rank.clone();
    for _ in 0..ROUNDS {
        let stuck: f64 = rank.iter().zip(&out).filter(|(_, out)| **out <= 0.0).map(|(rank, _)| f64::from(*rank)).sum();
        let jump = (1.0 - DAMPING + DAMPING * stuck as f32) / n_nodes as f32;
        // What a node gives for each unit of weight.
        rank.iter_mut().zip(&out).for_each(|(rank, out)| *rank = if *out > 0.0 { *rank / out } else { 0.0 });
        for (target, next) in next.iter_mut().enumerate() {
            let given = incoming.edges(target).map(|edge| weight(target, edge) * rank[incoming.sources[edge] as usize]);
            *next = jump + DAMPING * given.sum::<f32>();
        }
        std::mem::swap(&mut rank, &mut next);
    }
    rank
}

/// As [`super::Node::rank`] has it.
pub(super) fn quantised(rank: f32, n_nodes: usize) -> u8 {
    let tenths = 10.0 * (rank * n_nodes as f32).max(f32::MIN_POSITIVE).log2() + 30.0;
    tenths.round().clamp(0.0, 255.0) as u8
}

/// A multiple of the average rank, from what [`quantised`] made of it.
pub(super) fn times_average(quantised: u8) -> f32 {
    ((f32::from(quantised) - 30.0) / 10.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slow, obvious one: a walker's matrix, row by row.
    fn twin(n: usize, edges: &[(usize, usize, f64)]) -> Vec<f64> {
        let mut rank = vec![1.0 / n as f64; n];
        for _ in 0..ROUNDS {
            let mut next = vec![0.15 / n as f64; n];
            for (source, own) in rank.iter().enumerate() {
                let total: f64 = edges.iter().filter(|edge| edge.0 == source).map(|edge| edge.2).sum();
                for (target, next) in next.iter_mut().enumerate() {
                    let direct: f64 =
                        edges.iter().filter(|edge| (edge.0, edge.1) == (source, target)).map(|edge| edge.2).sum();
                    let share = if total > 0.0 { direct / total } else { 1.0 / n as f64 };
                    *next += 0.85 * own * share;
                }
            }
            rank = next;
        }
        rank
    }

    #[test]
    fn ranks_are_those_of_a_random_walk() {
        let edges = [(0, 1, 1.0), (0, 2, 0.5), (1, 2, 1.0), (2, 0, 1.0), (3, 2, 0.5), (4, 3, 1.0)];
        let mut sorted = edges;
        sorted.sort_by_key(|edge| (edge.1, edge.0));
        let mut incoming = Incoming { starts: vec![0], ..<_>::default() };
        for target in 0..6u32 {
            for edge in sorted.iter().filter(|edge| edge.1 == target as usize) {
                incoming.sources.push(edge.0 as u32);
                incoming.manners.push(u16::from(edge.2 < 1.0));
                incoming.counts.push(1);
            }
            incoming.starts.push(incoming.sources.len() as u32);
        }
        let ones = [1.0; 6];
        let found = pagerank(&incoming, &Weights { manners: &[1.0, 0.5], targets: &ones, sources: &ones });
        for (found, expected) in found.iter().zip(twin(6, &edges)) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    #[test]
    fn a_quantised_rank_is_within_four_per_cent() {
        for times in [0.15, 1.0, 7.0, 1e4, 1e6] {
            let read = times_average(quantised(times / 1e6, 1_000_000));
            assert!((read / times - 1.0).abs() < 0.04, "{times} {read}");
        }
    }
}
