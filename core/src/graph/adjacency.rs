//! Edges in blocks: outgoing ones with their sites, by source; incoming ones without, by target. What is left of an incoming
//! edge (its sites) is read from the source, which is wanted anyway.

use super::codec::{Cursor, put_signed, put_varint};
use super::error::GraphError;
use super::keys::{KeyRows, Keys};

/// An edge as builders and writers handle it; manners are numbers of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RawEdge {
    pub(super) source: u32,
    pub(super) target: u32,
    pub(super) manner: u32,
    pub(super) site: u32,
}

/// All uses of one target by one source in one manner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutGroup {
    pub(super) target: u32,
    pub(super) manner: u32,
    /// Where its sites end among those of the block.
    pub(super) sites_end: u32,
}

/// Outgoing edges of some sources.
#[derive(Debug, Default)]
pub(super) struct OutBlock {
    keys: Keys,
    groups: Vec<OutGroup>,
    sites: Vec<u32>,
}

impl OutBlock {
    pub(super) fn memory(&self) -> usize {
        self.keys.memory() + size_of_val(&self.groups[..]) + size_of_val(&self.sites[..])
    }

    /// The groups of a source, each with its sites.
    pub(super) fn groups(&self, source: u32) -> impl Iterator<Item = (OutGroup, &[u32])> {
        let range = self.keys.range(source);
        let begin = |nth: usize| nth.checked_sub(1).map_or(0, |before| self.groups[before].sites_end as usize);
        range.map(move |nth| {
            let group = self.groups[nth];
            (group, &self.sites[begin(nth)..group.sites_end as usize])
        })
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("outgoing edges", raw);
        let keys = Keys::decode(&mut cursor)?;
        let [mut bases, mut targets, mut manners, mut counts, mut places] = cursor.columns()?;
        let mut block = Self { groups: Vec::with_capacity(keys.len()), sites: Vec::new(), keys: Keys::default() };
        let mut base = 0;
        for (key, n_groups) in keys.each() {
            base = bases.moved(base)?;
            let mut target = key;
            for _ in 0..n_groups {
                target = targets.moved(target)?;
                let mut site = base;
                for _ in 0..=counts.varint()? {
                    site = places.beyond(site)?;
                    block.sites.push(site);
                }
                block.groups.push(OutGroup { target, manner: manners.varint()?, sites_end: block.sites.len() as u32 });
            }
        }
        [bases, targets, manners, counts, places].into_iter().try_for_each(Cursor::finish)?;
        block.keys = keys;
        Ok(block)
    }
}

/// Writes outgoing edges.
#[derive(Debug, Default)]
pub(super) struct OutRows {
    keys: KeyRows,
    columns: [Vec<u8>; 5],
    base: u32,
}

impl OutRows {
    /// Edges so far, roughly.
    pub(super) fn weight(&self) -> usize {
        self.columns[4].len()
    }

    pub(super) fn n_keys(&self) -> usize {
        self.keys.len()
    }

    /// Appends the edges of one source, sorted by target, manner and site, each once.
    pub(super) fn push(&mut self, source: u32, edges: &[RawEdge]) {
        let [bases, targets, manners, counts, places] = &mut self.columns;
        let base = edges.iter().map(|edge| edge.site).min().unwrap_or(0);
        put_signed(bases, i64::from(base) - i64::from(self.base));
        self.base = base;
        let (mut target, mut n_groups) = (source, 0);
        for group in edges.chunk_by(|a, b| (a.target, a.manner) == (b.target, b.manner)) {
            put_signed(targets, i64::from(group[0].target) - i64::from(target));
            put_varint(manners, group[0].manner);
            put_varint(counts, group.len() as u64 - 1);
            target = group[0].target;
            let mut site = base;
            for edge in group {
                put_varint(places, edge.site - site);
                site = edge.site;
            }
            n_groups += 1;
        }
        self.keys.push(source, n_groups);
    }

    /// The block so far; starts anew.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let taken = std::mem::take(self);
        taken.keys.with_columns(&taken.columns)
    }
}

/// Incoming edges of some targets: (source, manner), the best manner of each role.
#[derive(Debug, Default)]
pub(super) struct InBlock {
    keys: Keys,
    entries: Vec<(u32, u32)>,
}

impl InBlock {
    pub(super) fn memory(&self) -> usize {
        self.keys.memory() + size_of_val(&self.entries[..])
    }

    /// The edges that lead to a target.
    pub(super) fn entries(&self, target: u32) -> &[(u32, u32)] {
        &self.entries[self.keys.range(target)]
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("incoming edges", raw);
        let keys = Keys::decode(&mut cursor)?;
        let [mut sources, mut manners] = cursor.columns()?;
        let mut entries = Vec::with_capacity(manners.remaining());
        for (key, n_entries) in keys.each() {
            let mut source = key;
            for _ in 0..n_entries {
                source = sources.moved(source)?;
                entries.push((source, manners.varint()?));
            }
        }
        [sources, manners].into_iter().try_for_each(Cursor::finish)?;
        Ok(Self { keys, entries })
    }
}

/// Writes incoming edges.
#[derive(Debug, Default)]
pub(super) struct InRows {
    keys: KeyRows,
    columns: [Vec<u8>; 2],
}

impl InRows {
    pub(super) fn weight(&self) -> usize {
        self.columns[1].len()
    }

    pub(super) fn n_keys(&self) -> usize {
        self.keys.len()
    }

    /// Appends the edges to one target, by source.
    pub(super) fn push(&mut self, target: u32, entries: impl Iterator<Item = (u32, u32)>) {
        let [sources, manners] = &mut self.columns;
        let (mut before, mut n_entries) = (target, 0);
        for (source, manner) in entries {
            put_signed(sources, i64::from(source) - i64::from(before));
            put_varint(manners, manner);
            before = source;
            n_entries += 1;
        }
        self.keys.push(target, n_entries);
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        let taken = std::mem::take(self);
        taken.keys.with_columns(&taken.columns)
    }
}
