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

    /// Whether a rank is one of them.
    pub(super) fn contains(&self, rank: usize) -> bool {
        self.words.get(rank / 64).is_some_and(|word| word >> (rank % 64) & 1 == 1)
    }

    /// Number of ranks.
    pub(super) fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Keeps the ranks for which `keep` says yes.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        for (nth, word) in self.words.iter_mut().enumerate() {
            let mut left = *word;
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                if !keep(nth * 64 + bit) {
                    *word &= !(1 << bit);
                }
            }
        }
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
            let mut even = set.clone();
            even.retain(|rank| rank % 2 == 0);
            prop_assert_eq!((set.len(), even.len()), (picks.len(), picks.iter().filter(|rank| *rank % 2 == 0).count()));
            prop_assert!((0..320).all(|rank| set.contains(rank) == picks.contains(&rank)));
            prop_assert!(picks.iter().all(|rank| even.first(*rank..rank + 1).is_some() == (rank % 2 == 0)));
            let mut all = RankSet::new(len);
            (0..len).for_each(|rank| all.insert(rank));
            prop_assert_eq!(all, RankSet::all(len));
        }
    }
}
