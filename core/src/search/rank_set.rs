//! A set of ranks of one snapshot: a bit for each file, so that candidates come out in rank order without sorting.

use std::ops::Range;

/// Ranks below the length that the set was made for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RankSet {
    words: Vec<u64>,
}

impl RankSet {
    /// The empty set, for ranks below `len`.
    pub(super) fn new(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)] }
    }

    /// All ranks below `len`.
    pub(super) fn all(len: usize) -> Self {
        let mut set = Self { words: vec![u64::MAX; len.div_ceil(64)] };
        if let Some(last) = set.words.last_mut().filter(|_| !len.is_multiple_of(64)) {
            *last = (1 << (len % 64)) - 1;
        }
        set
    }

    /// Adds a rank, which must be below the set's length.
    pub(super) fn insert(&mut self, rank: usize) {
        self.words[rank / 64] |= 1 << (rank % 64);
    }

    /// The first rank of the set that is in `within`.
    pub(super) fn first(&self, within: Range<usize>) -> Option<usize> {
        let mut word = within.start / 64;
        let mut bits = self.words.get(word)? & (u64::MAX << (within.start % 64));
        while bits == 0 {
            word += 1;
            if word * 64 >= within.end {
                return None;
            }
            bits = *self.words.get(word)?;
        }
        let rank = word * 64 + bits.trailing_zeros() as usize;
        (rank < within.end).then_some(rank)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_tree_set(len in 0usize..300, picks in prop::collection::vec(0usize..300, 0..40), from in 0usize..320, to in 0usize..320) {
            let picks: BTreeSet<usize> = picks.into_iter().filter(|rank| *rank < len).collect();
            let mut set = RankSet::new(len);
            picks.iter().for_each(|rank| set.insert(*rank));
            prop_assert_eq!(set.first(from..to), picks.iter().copied().find(|rank| (from..to).contains(rank)));
            let mut all = RankSet::new(len);
            (0..len).for_each(|rank| all.insert(rank));
            prop_assert_eq!(all, RankSet::all(len));
        }
    }
}
