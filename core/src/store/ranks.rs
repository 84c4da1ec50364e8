//! The rank order of a snapshot's files, and where in it the files of a document stand: made once, asked by every search.
//!
//! Rank is class, then path. Documents of a segment are mostly numbered that way, too, so a list of documents becomes
//! ranks with hardly a jump in memory.

use std::ops::Range;

use bytes::Bytes;

use crate::segment::{Class, DocId};
use crate::store::column::{Column, Row};

/// The rank order of a snapshot's files. A rank is a place in it.
#[derive(Clone, Debug)]
pub struct Ranks {
    /// Entry numbers in rank order.
    order: Column<u32>,
    /// Where each class begins.
    starts: [u32; Class::ALL.len() + 1],
    /// By segment of the snapshot.
    segments: Vec<ByDocument>,
}

/// From documents of one segment to ranks.
#[derive(Clone, Debug, PartialEq)]
enum ByDocument {
    /// By document the rank of its first entry, or none; [`SHARED`] is set where `further` has more of them.
    Dense { first: Column<u32>, further: Column<(DocId, u32)> },
    /// Document and rank, ascending.
    Sorted(Column<(DocId, u32)>),
}

/// Rank of a document that has no entry.
const NONE: u32 = u32::MAX;
/// Set in the rank of a document that has several entries.
const SHARED: u32 = 1 << 31;
/// A dense table has at most this many slots for each entry, so that it costs no more than the sorted pairs twice over.
const SPARSENESS: usize = 4;

impl Ranks {
    /// Bytes of memory for each entry, at most: its place in the order, and the most slots of a table with a further one.
    pub(super) const MOST_BYTES: usize = size_of::<u32>() * (1 + SPARSENESS) + size_of::<(DocId, u32)>();

    /// Ranks of files given in path order by class, segment and document. `n_segments` bounds the segments.
    pub(super) fn new(n_segments: usize, places: impl Iterator<Item = (Class, u32, DocId)> + Clone) -> Self {
        let mut starts = [0; Class::ALL.len() + 1];
        places.clone().for_each(|(class, ..)| starts[class as usize + 1] += 1);
        (1..starts.len()).for_each(|class| starts[class] += starts[class - 1]);
        let mut order = vec![0; starts[Class::ALL.len()] as usize];
        let mut next = starts;
        let mut pairs = vec![Vec::new(); n_segments];
        for (entry, (class, segment, doc)) in (0..).zip(places) {
            let rank = next[class as usize];
            next[class as usize] += 1;
            order[rank as usize] = entry;
            if let Some(pairs) = pairs.get_mut(segment as usize) {
                pairs.push((doc, rank));
            }
        }
        Self { order: Column::Made(order), starts, segments: pairs.into_iter().map(ByDocument::new).collect() }
    }

    /// Files ranked.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number, in path order, of the entry at a rank; panics like an index where there is no such rank.
    pub fn entry(&self, rank: usize) -> usize {
        (self.order.row(rank) as usize).min(self.len() - 1)
    }

    /// The ranks of a class.
    pub fn of_class(&self, class: Class) -> Range<usize> {
        self.starts[class as usize] as usize..self.starts[class as usize + 1] as usize
    }

    /// Calls `found` with the rank of every entry that holds one of `docs` of a segment, in no order.
    pub fn each(&self, segment: usize, docs: impl Iterator<Item = DocId>, mut found: impl FnMut(usize)) {
        let n_ranks = self.len();
        let mut found = |rank: usize| {
            if rank < n_ranks {
                found(rank)
            }
        };
        match self.segments.get(segment) {
            None => {}
            Some(ByDocument::Dense { first, further }) => {
                for doc in docs {
                    match first.get(doc as usize) {
                        None | Some(NONE) => {}
                        Some(rank) if rank & SHARED == 0 => found(rank as usize),
                        Some(rank) => {
                            found((rank & !SHARED) as usize);
                            with_doc(further, doc).for_each(&mut found);
                        }
                    }
                }
            }
            Some(ByDocument::Sorted(pairs)) => docs.for_each(|doc| with_doc(pairs, doc).for_each(&mut found)),
        }
    }

    /// Calls `found` with the rank of every entry of a segment, in no order.
    pub fn all(&self, segment: usize, mut found: impl FnMut(usize)) {
        let n_docs = match self.segments.get(segment) {
            None => 0,
            Some(ByDocument::Dense { first, .. }) => first.len() as DocId,
            Some(ByDocument::Sorted(pairs)) => {
                let ranks = pairs.iter().map(|(_, rank)| rank as usize);
                return ranks.filter(|rank| *rank < self.len()).for_each(&mut found);
            }
        };
        self.each(segment, 0..n_docs, found);
    }
}

impl ByDocument {
    fn new(mut pairs: Vec<(DocId, u32)>) -> Self {
        let slots = pairs.iter().map(|(doc, _)| *doc as usize + 1).max().unwrap_or(0);
        if slots > SPARSENESS * pairs.len() || pairs.len() >= SHARED as usize {
            pairs.sort_unstable();
            return Self::Sorted(Column::Made(pairs));
        }
        let mut first = vec![NONE; slots];
        let mut further = Vec::new();
        for (doc, rank) in pairs {
            let slot = &mut first[doc as usize];
            if *slot == NONE {
                *slot = rank;
            } else {
                *slot |= SHARED;
                further.push((doc, rank));
            }
        }
        further.sort_unstable();
        Self::Dense { first: Column::Made(first), further: Column::Made(further) }
    }
}

/// Numbers that stand before the tables of a segment.
const DENSE: u32 = 0;
const SORTED: u32 = 1;

/// The bytes of a flat file, see `snapshot_flat`: numbers of entries and segments, where classes begin, entry numbers; of
/// each segment which kind of table it has, the lengths of its columns, and these.
impl Ranks {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        [self.order.len(), self.segments.len()].into_iter().for_each(|len| write_len(len, out));
        self.starts.iter().for_each(|start| start.write(out));
        self.order.write(out);
        for segment in &self.segments {
            match segment {
                ByDocument::Dense { first, further } => {
                    DENSE.write(out);
                    [first.len(), further.len()].into_iter().for_each(|len| write_len(len, out));
                    first.write(out);
                    further.write(out);
                }
                ByDocument::Sorted(pairs) => {
                    SORTED.write(out);
                    write_len(pairs.len(), out);
                    pairs.write(out);
                }
            }
        }
    }

    /// Takes them from the front of `rest`; `None`: they are not there.
    pub(super) fn take(rest: &mut Bytes) -> Option<Self> {
        let (n_entries, n_segments) = (take_number(rest)?, take_number(rest)?);
        let mut starts = [0; Class::ALL.len() + 1];
        for start in &mut starts {
            *start = take_number(rest)?;
        }
        let order = Column::take(rest, n_entries as usize)?;
        if !starts.is_sorted() || starts[0] != 0 || starts[Class::ALL.len()] != n_entries {
            return None;
        }
        let segments = (0..n_segments).map(|_| ByDocument::take(rest)).collect::<Option<_>>()?;
        Some(Self { order, starts, segments })
    }
}

impl ByDocument {
    fn take(rest: &mut Bytes) -> Option<Self> {
        match take_number(rest)? {
            DENSE => {
                let (n_first, n_further) = (take_number(rest)?, take_number(rest)?);
                let first = Column::take(rest, n_first as usize)?;
                Some(Self::Dense { first, further: Column::take(rest, n_further as usize)? })
            }
            SORTED => {
                let n_pairs = take_number(rest)?;
                Column::take(rest, n_pairs as usize).map(Self::Sorted)
            }
            _ => None,
        }
    }
}

fn write_len(len: usize, out: &mut Vec<u8>) {
    u32::try_from(len).expect("a snapshot has at most 500,000 files").write(out);
}

fn take_number(rest: &mut Bytes) -> Option<u32> {
    Column::<u32>::take(rest, 1).map(|one| one.row(0))
}

fn with_doc(pairs: &Column<(DocId, u32)>, doc: DocId) -> impl Iterator<Item = usize> {
    let (mut first, mut end) = (0, pairs.len());
    while first < end {
        let middle = first + (end - first) / 2;
        if pairs.row(middle).0 < doc { first = middle + 1 } else { end = middle }
    }
    (first..pairs.len())
        .map(|nth| pairs.row(nth))
        .take_while(move |(other, _)| *other == doc)
        .map(|(_, rank)| rank as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_sort(
            places in prop::collection::vec((0usize..5, 0u32..3, prop_oneof![0u32..40, 1_000_000u32..1_000_009]), 0..60),
            asked in prop::collection::btree_set(prop_oneof![0u32..40, 1_000_000u32..1_000_009], 0..30),
            mapped_ones: bool,
        ) {
            let places: Vec<_> = places.into_iter().map(|(class, segment, doc)| (Class::ALL[class], segment, doc)).collect();
            let made = Ranks::new(3, places.iter().copied());
            let mut bytes = Vec::new();
            made.write(&mut bytes);
            let mut bytes = Bytes::from(bytes);
            let mapped = Ranks::take(&mut bytes).unwrap();
            prop_assert!(bytes.is_empty());
            let ranks = if mapped_ones { mapped } else { made };
            let mut sorted: Vec<usize> = (0..places.len()).collect();
            sorted.sort_by_key(|entry| places[*entry].0);
            prop_assert_eq!((0..ranks.len()).map(|rank| ranks.entry(rank)).collect::<Vec<_>>(), sorted.clone());
            for class in Class::ALL {
                prop_assert!(ranks.of_class(class).all(|rank| places[sorted[rank]].0 == class));
            }
            prop_assert_eq!(Class::ALL.map(|class| ranks.of_class(class).len()).iter().sum::<usize>(), places.len());
            for segment in 0..4 {
                let expected = |held: &dyn Fn(DocId) -> bool| -> Vec<usize> {
                    (0..places.len()).filter(|rank| places[sorted[*rank]].1 as usize == segment && held(places[sorted[*rank]].2)).collect()
                };
                let mut found = Vec::new();
                ranks.each(segment, asked.iter().copied(), |rank| found.push(rank));
                found.sort_unstable();
                prop_assert_eq!(found, expected(&|doc| asked.contains(&doc)));
                let mut all = Vec::new();
                ranks.all(segment, |rank| all.push(rank));
                all.sort_unstable();
                prop_assert_eq!(all, expected(&|_| true));
            }
        }
    }
}
