//! Where in a segment the documents of a repository are: two ranges at most. Compaction puts the documents that several
//! repositories share first, and those of each one in a row; more than two ranges are worth less than they take.

use std::iter;
use std::ops::Range;

use crate::segment::DocId;

/// Ranges of documents, ascending and apart; documents outside are none of the repository's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocRanges(Vec<Range<DocId>>);

impl DocRanges {
    /// Most ranges.
    pub const MOST: usize = 2;

    /// All documents of a segment.
    pub fn all(n_docs: u32) -> Self {
        Self::closed(iter::once(0..n_docs).collect())
    }

    /// The narrowest ranges around these documents.
    pub fn of(mut docs: Vec<DocId>) -> Self {
        docs.sort_unstable();
        Self::closed(docs.into_iter().map(|doc| doc..doc.saturating_add(1)).collect())
    }

    /// Ranges that begin in ascending order, as they are where they are few, else with the smallest gaps closed.
    pub fn closed(ranges: Vec<Range<DocId>>) -> Self {
        let mut apart: Vec<Range<DocId>> = Vec::new();
        for range in ranges.into_iter().filter(|range| !range.is_empty()) {
            match apart.last_mut().filter(|last| range.start <= last.end) {
                Some(last) => last.end = last.end.max(range.end),
                None => apart.push(range),
            }
        }
        let mut gaps: Vec<(u32, usize)> = apart.windows(2).map(|two| two[1].start - two[0].end).zip(1..).collect();
        gaps.sort_unstable_by(|a, b| b.cmp(a));
        gaps.truncate(Self::MOST - 1);
        let mut starts: Vec<usize> = gaps.into_iter().map(|(_, at)| at).chain([0, apart.len()]).collect();
        starts.sort_unstable();
        let parts = starts.windows(2).filter_map(|two| apart.get(two[0]..two[1]));
        Self(parts.filter_map(|part| Some(part.first()?.start..part.last()?.end)).collect())
    }

    /// The ranges.
    pub fn ranges(&self) -> &[Range<DocId>] {
        &self.0
    }

    /// What is in one of both, and perhaps more.
    pub fn united(&self, other: &Self) -> Self {
        let mut ranges = [self.ranges(), other.ranges()].concat();
        ranges.sort_unstable_by_key(|range| range.start);
        Self::closed(ranges)
    }

    /// Whether any of these documents, which ascend, may be the repository's.
    pub fn meet(&self, docs: &[DocId]) -> bool {
        self.0.iter().any(|range| {
            let first = docs.partition_point(|doc| *doc < range.start);
            docs.get(first).is_some_and(|doc| *doc < range.end)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_hold_what_they_are_made_of(a in prop::collection::vec(0u32..200, 0..20), b in prop::collection::vec(0u32..200, 0..20)) {
            let (one, other) = (DocRanges::of(a.clone()), DocRanges::of(b.clone()));
            let both = one.united(&other);
            for ranges in [&one, &other, &both] {
                prop_assert!(ranges.ranges().len() <= DocRanges::MOST);
                prop_assert!(ranges.ranges().windows(2).all(|two| two[0].end < two[1].start));
                prop_assert_eq!(&DocRanges::closed(ranges.ranges().to_vec()), ranges);
            }
            prop_assert!(a.iter().all(|doc| one.meet(&[*doc]) && both.meet(&[*doc])));
            prop_assert!(b.iter().all(|doc| both.meet(&[*doc])));
            let outside: Vec<u32> = (0..200).filter(|doc| !one.ranges().iter().any(|range| range.contains(doc))).collect();
            prop_assert!(!one.meet(&outside));
        }
    }

    #[test]
    fn the_widest_gap_stays_open() {
        assert_eq!(DocRanges::of(vec![900, 3, 5, 905, 4]).ranges(), [3..6, 900..906]);
        assert_eq!(DocRanges::of(vec![1, 10, 100]).ranges(), [1..11, 100..101]);
        assert!(DocRanges::of(Vec::new()).ranges().is_empty());
        assert_eq!(DocRanges::all(7), DocRanges::of((0..7).collect()));
    }
}
