//! Which keys a block of edges has, and how many rows each.

use super::codec::{Cursor, put_bytes, put_varint};
use super::error::GraphError;

/// Which keys a block has, ascending, and how many rows each.
#[derive(Debug, Default)]
pub(super) struct Keys {
    keys: Vec<u32>,
    ends: Vec<u32>,
}

impl Keys {
    pub(super) fn memory(&self) -> usize {
        self.keys.len() * 8
    }

    pub(super) fn range(&self, key: u32) -> std::ops::Range<usize> {
        let Ok(nth) = self.keys.binary_search(&key) else { return 0..0 };
        let begin = nth.checked_sub(1).map_or(0, |before| self.ends[before]);
        begin as usize..self.ends[nth] as usize
    }

    /// Every key with its number of rows.
    pub(super) fn each(&self) -> impl Iterator<Item = (u32, u32)> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        self.keys.iter().zip(begins.zip(&self.ends)).map(|(key, (begin, end))| (*key, end - begin))
    }

    /// Rows are no more than what is left of the block, so that a false count costs nothing.
    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, GraphError> {
        let [mut gaps, mut counts] = cursor.columns()?;
        let most = cursor.remaining();
        let (mut keys, mut ends) = (Vec::with_capacity(gaps.remaining()), Vec::with_capacity(gaps.remaining()));
        let (mut key, mut end) = (0, 0u32);
        while !gaps.is_empty() {
            let gap = gaps.varint()?;
            let step = if keys.is_empty() { Some(gap) } else { gap.checked_add(1) };
            let next = step.and_then(|step| u32::checked_add(key, step));
            key = next.ok_or_else(|| gaps.error("has a key out of reach"))?;
            end = counts.beyond(end)?;
            if end as usize > most {
                return Err(counts.error("counts more than it holds"));
            }
            keys.push(key);
            ends.push(end);
        }
        counts.finish()?;
        Ok(Self { keys, ends })
    }
}

/// Writes the keys of a block.
#[derive(Debug, Default)]
pub(super) struct KeyRows {
    gaps: Vec<u8>,
    counts: Vec<u8>,
    before: Option<u32>,
    n_keys: usize,
}

impl KeyRows {
    pub(super) fn len(&self) -> usize {
        self.n_keys
    }

    pub(super) fn push(&mut self, key: u32, n_rows: usize) {
        put_varint(&mut self.gaps, self.before.map_or(key, |before| key - before - 1));
        put_varint(&mut self.counts, n_rows as u64);
        self.before = Some(key);
        self.n_keys += 1;
    }

    pub(super) fn with_columns(self, columns: &[Vec<u8>]) -> Vec<u8> {
        with_columns([&self.gaps, &self.counts].into_iter().chain(columns))
    }
}

/// Columns, each behind its length.
pub(super) fn with_columns<'c>(columns: impl IntoIterator<Item = &'c Vec<u8>>) -> Vec<u8> {
    let mut raw = Vec::new();
    columns.into_iter().for_each(|column| put_bytes(&mut raw, column));
    raw
}
