//! Graphs of tips as HEAD and the refs object hold them: a column beside their tips, which readers that know no graphs skip.

use crate::store::codec::{Damage, Decoder, Encoder};
use crate::store::{Kind, ObjectKey, Tip};

const NO_GRAPH: u64 = 0;
const WHOLE: u64 = 1;
const DELTA: u64 = 2;

/// The graph of a tip: whole, or a delta on another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TipGraph {
    /// The object.
    pub key: ObjectKey,
    /// The whole graph that it is a delta on; `None`: it is whole itself.
    pub base: Option<ObjectKey>,
}

impl TipGraph {
    /// The objects that it needs.
    pub fn objects(self) -> impl Iterator<Item = (Kind, ObjectKey)> {
        std::iter::once(self.key).chain(self.base).map(|key| (Kind::Graph, key))
    }
}

/// One of each row, in their order.
pub(super) fn encode(graphs: impl Iterator<Item = Option<TipGraph>> + Clone) -> Encoder {
    let mut encoder = Encoder::default();
    encoder.runs(graphs.clone().map(|graph| match graph {
        None => NO_GRAPH,
        Some(TipGraph { base: None, .. }) => WHOLE,
        Some(TipGraph { base: Some(_), .. }) => DELTA,
    }));
    let keys = |keys: &mut dyn Iterator<Item = ObjectKey>| keys.map(ObjectKey::to_bytes).collect::<Vec<_>>();
    encoder.transposed(&keys(&mut graphs.clone().flatten().map(|graph| graph.key)));
    encoder.transposed(&keys(&mut graphs.flatten().filter_map(|graph| graph.base)));
    encoder
}

/// Reads them into the tips of the rows.
pub(super) fn decode(bytes: &[u8], mut tips: Vec<Option<&mut Tip>>) -> Result<(), Damage> {
    let mut decoder = Decoder::new(bytes);
    let mut kinds = vec![NO_GRAPH; tips.len()];
    decoder.runs(tips.len(), |run, kind| {
        kinds[run].fill(kind);
        Ok(())
    })?;
    let n_of = |least: u64| kinds.iter().filter(|kind| **kind >= least).count();
    let mut keys = decoder.transposed(n_of(WHOLE))?.into_iter().map(ObjectKey::from_bytes);
    let mut bases = decoder.transposed(n_of(DELTA))?.into_iter().map(ObjectKey::from_bytes);
    for (tip, kind) in tips.iter_mut().zip(&kinds).filter(|(_, kind)| **kind != NO_GRAPH) {
        let base = if *kind == DELTA { bases.next() } else { None };
        let tip =
            tip.as_mut().filter(|_| *kind <= DELTA).ok_or_else(|| Damage::new("graph of a tip that is not there"))?;
        tip.graph = keys.next().map(|key| TipGraph { key, base });
    }
    decoder.finish()
}
