//! Sets of documents, as ascending numbers, and the algebra that plans are evaluated with.

use super::DocId;

/// How much longer the longer list must be before searching it beats merging with it.
const GALLOP_RATIO: usize = 16;

/// Ascending document numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocSet(pub Vec<DocId>);

impl DocSet {
    /// All documents of a segment of `n_docs`.
    pub fn all(n_docs: u32) -> Self {
        Self((0..n_docs).collect())
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The documents, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = DocId> + '_ {
        self.0.iter().copied()
    }

    /// Whether `doc` is one of them.
    pub fn contains(&self, doc: DocId) -> bool {
        self.0.binary_search(&doc).is_ok()
    }

    /// Documents in both. Costs the length of the shorter times the logarithm of the ratio when one is much shorter.
    pub fn intersect(&self, other: &Self) -> Self {
        let (short, long) = if self.len() <= other.len() { (&self.0, &other.0) } else { (&other.0, &self.0) };
        if short.len().saturating_mul(GALLOP_RATIO) < long.len() {
            return Self(gallop(short, long).filter_map(|(doc, held)| held.then_some(doc)).collect());
        }
        let mut both = Vec::with_capacity(short.len());
        let (mut i, mut j) = (0, 0);
        while let (Some(&a), Some(&b)) = (short.get(i), long.get(j)) {
            if a == b {
                both.push(a);
            }
            i += usize::from(a <= b);
            j += usize::from(b <= a);
        }
        Self(both)
    }

    /// Documents in either.
    pub fn union(&self, other: &Self) -> Self {
        let mut either = Vec::with_capacity(self.len() + other.len());
        let (mut i, mut j) = (0, 0);
        while let (Some(&a), Some(&b)) = (self.0.get(i), other.0.get(j)) {
            either.push(a.min(b));
            i += usize::from(a <= b);
            j += usize::from(b <= a);
        }
        either.extend_from_slice(&self.0[i..]);
        either.extend_from_slice(&other.0[j..]);
        Self(either)
    }

    /// Documents of this set that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        Self(gallop(&self.0, &other.0).filter_map(|(doc, held)| (!held).then_some(doc)).collect())
    }
}

impl FromIterator<DocId> for DocSet {
    fn from_iter<I: IntoIterator<Item = DocId>>(docs: I) -> Self {
        let mut docs: Vec<DocId> = docs.into_iter().collect();
        docs.sort_unstable();
        docs.dedup();
        Self(docs)
    }
}

/// Each of `docs`, with whether `list` holds it, by exponential search from the last place (Bentley and Yao, 1976).
fn gallop<'a>(docs: &'a [DocId], list: &'a [DocId]) -> impl Iterator<Item = (DocId, bool)> + 'a {
    let mut rest = list;
    docs.iter().map(move |&doc| {
        let mut reach = 1;
        while rest.get(reach - 1).is_some_and(|&held| held < doc) {
            reach *= 2;
        }
        let window = &rest[reach / 2..rest.len().min(reach)];
        rest = &rest[reach / 2 + window.partition_point(|&held| held < doc)..];
        (doc, rest.first() == Some(&doc))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn sets() -> impl Strategy<Value = (BTreeSet<DocId>, BTreeSet<DocId>)> {
        let set = |max_len| prop::collection::btree_set(0u32..400, 0..max_len);
        (set(6), set(300)).prop_flat_map(|(a, b)| {
            any::<bool>().prop_map(move |swap| if swap { (b.clone(), a.clone()) } else { (a.clone(), b.clone()) })
        })
    }

    proptest! {
        #[test]
        fn agrees_with_a_tree_set((a, b) in sets(), c in prop::collection::btree_set(0u32..400, 0..300)) {
            for (a, b) in [(&a, &b), (&a, &c), (&b, &c)] {
                let (x, y): (DocSet, DocSet) = (a.iter().copied().collect(), b.iter().copied().collect());
                prop_assert_eq!(x.intersect(&y).0, a.intersection(b).copied().collect::<Vec<_>>());
                prop_assert_eq!(x.union(&y).0, a.union(b).copied().collect::<Vec<_>>());
                prop_assert_eq!(x.difference(&y).0, a.difference(b).copied().collect::<Vec<_>>());
                prop_assert!(x.iter().eq(a.iter().copied()) && x.len() == a.len() && x.is_empty() == a.is_empty());
                prop_assert!((0..400).all(|doc| x.contains(doc) == a.contains(&doc)));
            }
        }
    }

    #[test]
    fn all_is_the_unit_of_intersection() {
        let set = DocSet(vec![1, 5, 9]);
        assert_eq!(DocSet::all(10).intersect(&set), set);
        assert_eq!(DocSet::all(0), DocSet::default());
        assert_eq!(DocSet::all(3).difference(&DocSet(vec![1])), DocSet(vec![0, 2]));
    }
}
