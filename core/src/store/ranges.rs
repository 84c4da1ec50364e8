//! Reading many ranges of one object with few requests: near ranges are joined, and cut apart again afterwards.

use std::ops::Range;

use bytes::Bytes;

use crate::store::StoreError;

/// Joined reads stay below this, so that a wave of reads stays parallel.
const MAX_JOINED: u64 = 8 << 20;

/// Answer of [`Store::get_ranges`](crate::store::Store::get_ranges).
#[derive(Clone, Debug)]
pub struct Ranges {
    /// One per range asked.
    pub parts: Vec<Bytes>,
    /// Requests that were sent.
    pub gets: u32,
    /// Bytes that were read (with the gaps of joined ranges).
    pub bytes: u64,
}

/// What may be read in vain so that there are fewer requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waste {
    /// Gaps up to this many bytes are always read.
    pub(super) near: u64,
    /// Larger ones, the smallest first, up to so many bytes in all.
    pub(super) spare: u64,
}

impl Waste {
    /// Only ranges that touch are read as one.
    pub(super) const NONE: Self = Self { near: 0, spare: 0 };
}

/// Told of ranges as they arrive, by number; whether they are enough.
pub type Enough<'a> = &'a mut (dyn FnMut(&[(usize, Bytes)]) -> bool + Send);

/// The reads that serve `ranges`: ascending, near ones as one unless together they would be too long.
pub(super) fn join(ranges: &[Range<u64>], waste: Waste) -> Vec<Range<u64>> {
    let mut wanted: Vec<Range<u64>> = ranges.iter().filter(|range| !range.is_empty()).cloned().collect();
    wanted.sort_unstable_by_key(|range| (range.start, range.end));
    let near = widest_gap(&wanted, waste);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in wanted {
        match joined.last_mut() {
            Some(last) if range.end <= last.end => {}
            Some(last) if is_near(last, &range, near) => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

/// A read, and which of the ranges it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) read: Range<u64>,
    pub(super) numbers: Vec<usize>,
}

/// The same reads of those `ranges` that are numbered, with what each is for. Empty ranges are nobody's.
pub(super) fn join_numbered(ranges: &[Range<u64>], numbers: &[usize], waste: Waste) -> Vec<Joined> {
    let chosen: Vec<Range<u64>> = numbers.iter().map(|number| ranges[*number].clone()).collect();
    let reads = join(&chosen, waste).into_iter();
    let mut joined: Vec<Joined> = reads.map(|read| Joined { read, numbers: Vec::new() }).collect();
    for (range, number) in chosen.iter().zip(numbers).filter(|(range, _)| !range.is_empty()) {
        let after = joined.partition_point(|one| one.read.start <= range.start);
        if let Some(one) = after.checked_sub(1).and_then(|at| joined.get_mut(at)) {
            one.numbers.push(*number);
        }
    }
    joined
}

/// The widest gap that is read, of ranges by their start.
fn widest_gap(wanted: &[Range<u64>], waste: Waste) -> u64 {
    let gaps = wanted.windows(2).filter_map(|pair| pair[1].start.checked_sub(pair[0].end));
    let mut wide: Vec<u64> = gaps.filter(|gap| *gap > waste.near).collect();
    wide.sort_unstable();
    let mut spent = 0;
    let affordable = wide.into_iter().take_while(|gap| {
        spent += gap;
        spent <= waste.spare
    });
    affordable.last().unwrap_or(waste.near)
}

/// Overlapping ranges are always read as one: a part is then found in a single read.
fn is_near(last: &Range<u64>, next: &Range<u64>, gap: u64) -> bool {
    next.start < last.end || (next.start - last.end <= gap && next.end - last.start <= MAX_JOINED)
}

/// Cuts the ranges asked for out of the reads that served them.
pub(super) fn cut(object: &str, ranges: &[Range<u64>], reads: Vec<(Range<u64>, Bytes)>) -> Result<Ranges, StoreError> {
    for (range, bytes) in &reads {
        if bytes.len() as u64 != range.end - range.start {
            let what = format!("bytes {range:?} are wanted, and only {} of them are there", bytes.len());
            return Err(StoreError::Corrupt { object: object.to_owned(), what });
        }
    }
    let part = |range: &Range<u64>| {
        let after = reads.partition_point(|(read, _)| read.start <= range.start);
        let Some((read, bytes)) = after.checked_sub(1).map(|nth| &reads[nth]).filter(|_| !range.is_empty()) else {
            return Bytes::new();
        };
        bytes.slice((range.start - read.start) as usize..(range.end - read.start) as usize)
    };
    Ok(Ranges {
        parts: ranges.iter().map(part).collect(),
        gets: reads.len() as u32,
        bytes: reads.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_are_what_slicing_gives(ranges in vec((0u64..200, 0u64..20), 0..30), gap in 0u64..30) {
            let object: Vec<u8> = (0..=220).collect();
            let slice = |range: &Range<u64>| object[range.start as usize..range.end as usize].to_vec();
            let ranges: Vec<Range<u64>> = ranges.into_iter().map(|(start, len)| start..start + len).collect();
            let joined = join(&ranges, Waste { near: gap, spare: 0 });
            prop_assert!(joined.windows(2).all(|pair| pair[0].end + gap < pair[1].start), "{:?}", joined);
            let reads = joined.iter().map(|range| (range.clone(), slice(range).into())).collect();
            let cut = cut("object", &ranges, reads).unwrap();
            prop_assert_eq!(cut.gets as usize, joined.len());
            for (range, part) in ranges.iter().zip(&cut.parts) {
                prop_assert_eq!(part.to_vec(), slice(range));
            }
        }
    }

    #[test]
    fn a_short_read_is_corruption() {
        let error =
            cut("seg/x", std::slice::from_ref(&(0..10)), vec![(0..10, Bytes::from_static(b"short"))]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "object `seg/x` is corrupt: bytes 0..10 are wanted, and only 5 of them are there"
        );
    }

    #[test]
    fn long_reads_are_not_joined() {
        let half = MAX_JOINED / 2;
        assert_eq!(join(&[0..half, half..2 * half], Waste::NONE), vec![0..2 * half]);
        assert_eq!(join(&[0..half, half..2 * half + 1], Waste::NONE), vec![0..half, half..2 * half + 1]);
    }

    #[test]
    fn the_smallest_gaps_are_read_first_and_no_more_than_may_be_wasted() {
        let ranges = [0..10, 15..20, 120..130, 180..190, 400..410];
        let reads = |spare| join(&ranges, Waste { near: 5, spare });
        assert_eq!(reads(0), vec![0..20, 120..130, 180..190, 400..410]);
        assert_eq!(reads(50), vec![0..20, 120..190, 400..410]);
        assert_eq!(reads(149), vec![0..20, 120..190, 400..410]);
        assert_eq!(reads(150), vec![0..190, 400..410]);
    }
}
