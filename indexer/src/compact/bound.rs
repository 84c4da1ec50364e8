//! How many segments a ref touches, and how many it shall touch at most: each is opened by a search, and the large ones
//! take several reads.

use std::collections::BTreeMap;

use kotadb_core::store::{ObjectKey, Root, Tip};

use crate::tips::Tips;

/// Bytes up to which a segment is one GET.
pub const SMALL_BYTES: u64 = 256 << 10;
/// Most segments above that size that a ref shall touch.
pub const MOST_LARGE: usize = 4;
/// Most segments up to that size that a ref shall touch.
pub const MOST_SMALL: usize = 8;

/// The segments that one searchable commit touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Those of more than 256 KiB.
    pub large: usize,
    /// The others.
    pub small: usize,
}

impl Touched {
    /// Of every tip and every commit of the history, by what the root says of sizes.
    pub fn of(root: &Root, tips: &Tips) -> Vec<Self> {
        let bytes: BTreeMap<ObjectKey, u64> = root.segments.iter().map(|entry| (entry.key, entry.bytes)).collect();
        let count = |tip: &Tip| {
            let all = touched(tips, tip);
            let small = all.iter().filter(|key| bytes.get(key).is_some_and(|bytes| *bytes <= SMALL_BYTES)).count();
            Self { large: all.len() - small, small }
        };
        tips.named().map(count).collect()
    }

    /// Whether that is more than it shall be.
    pub fn is_too_many(self) -> bool {
        self.large > MOST_LARGE || self.small > MOST_SMALL
    }
}

/// The segments that a tip touches, ascending, each once.
pub fn touched(tips: &Tips, tip: &Tip) -> Vec<ObjectKey> {
    let of = |key: &ObjectKey| tips.segments.get(key).into_iter().flatten().copied();
    let mut touched: Vec<ObjectKey> = of(&tip.snapshot).chain(tip.base.iter().flat_map(of)).collect();
    touched.sort_unstable();
    touched.dedup();
    touched
}
