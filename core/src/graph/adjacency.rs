//! Edges in blocks: outgoing ones with their sites, by source; incoming ones without, by target; and the same between
//! files. What is left of an incoming edge (its sites) is read from the source, which is wanted anyway.

use super::codec::{Cursor, put, put_bytes, put_signed};
use super::error::GraphError;

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
        let [mut bases, mut targets, mut manners, mut counts, mut places] = columns(&mut cursor)?;
        let mut block = Self { groups: Vec::with_capacity(keys.len()), sites: Vec::new(), keys: Keys::default() };
        let mut base = 0;
        for (key, n_groups) in keys.each() {
            base = bases.moved(base)?;
            let mut target = key;
            for _ in 0..n_groups {
                target = targets.moved(target)?;
                let mut site = base;
                for _ in 0..=counts.small()? {
                    site = places.beyond(site)?;
                    block.sites.push(site);
                }
                block.groups.push(OutGroup { target, manner: manners.small()?, sites_end: block.sites.len() as u32 });
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
        self.keys.n_keys
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
            put(manners, group[0].manner.into());
            put(counts, group.len() as u64 - 1);
            target = group[0].target;
            let mut site = base;
            for edge in group {
                put(places, (edge.site - site).into());
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
    /// The edges that lead to a target.
    pub(super) fn entries(&self, target: u32) -> &[(u32, u32)] {
        &self.entries[self.keys.range(target)]
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("incoming edges", raw);
        let keys = Keys::decode(&mut cursor)?;
        let [mut sources, mut manners] = columns(&mut cursor)?;
        let mut entries = Vec::with_capacity(manners.remaining());
        for (key, n_entries) in keys.each() {
            let mut source = key;
            for _ in 0..n_entries {
                source = sources.moved(source)?;
                entries.push((source, manners.small()?));
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
        self.keys.n_keys
    }

    /// Appends the edges to one target, by source.
    pub(super) fn push(&mut self, target: u32, entries: impl Iterator<Item = (u32, u32)>) {
        let [sources, manners] = &mut self.columns;
        let (mut before, mut n_entries) = (target, 0);
        for (source, manner) in entries {
            put_signed(sources, i64::from(source) - i64::from(before));
            put(manners, manner.into());
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

/// That a file uses another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileUse {
    /// The other file: the one used, or where it says so the one that uses.
    pub file: u32,
    /// Bits by number of the [`crate::facts::Role`].
    pub roles: u16,
    /// The most certain of the edges, in hundredths.
    pub confidence: u8,
    /// How many edges.
    pub count: u32,
    /// Where the first of them stands, an import before others. 0 in what is read from the file that is used.
    pub site: u32,
}

/// What files some files use, or are used by.
#[derive(Debug, Default)]
pub(super) struct FileBlock {
    keys: Keys,
    uses: Vec<FileUse>,
}

impl FileBlock {
    pub(super) fn uses(&self, file: u32) -> &[FileUse] {
        &self.uses[self.keys.range(file)]
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("edges of files", raw);
        let keys = Keys::decode(&mut cursor)?;
        let [mut files, mut roles, mut confidences, mut counts, mut sites] = columns(&mut cursor)?;
        let mut uses = Vec::with_capacity(confidences.remaining());
        for (key, n_uses) in keys.each() {
            let mut file = key;
            for _ in 0..n_uses {
                file = files.moved(file)?;
                let (roles, confidence) = (roles.small()? as u16, confidences.byte()?.min(100));
                uses.push(FileUse { file, roles, confidence, count: counts.small()?, site: sites.small()? });
            }
        }
        [files, roles, confidences, counts, sites].into_iter().try_for_each(Cursor::finish)?;
        Ok(Self { keys, uses })
    }
}

/// Writes edges of files.
#[derive(Debug, Default)]
pub(super) struct FileRows {
    keys: KeyRows,
    columns: [Vec<u8>; 5],
}

impl FileRows {
    pub(super) fn weight(&self) -> usize {
        self.columns[2].len()
    }

    pub(super) fn n_keys(&self) -> usize {
        self.keys.n_keys
    }

    /// Appends the edges of one file, by the other file.
    pub(super) fn push(&mut self, key: u32, uses: &[FileUse]) {
        let [files, roles, confidences, counts, sites] = &mut self.columns;
        let mut before = key;
        for one in uses {
            put_signed(files, i64::from(one.file) - i64::from(before));
            put(roles, one.roles.into());
            confidences.push(one.confidence);
            put(counts, one.count.into());
            put(sites, one.site.into());
            before = one.file;
        }
        self.keys.push(key, uses.len());
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        let taken = std::mem::take(self);
        taken.keys.with_columns(&taken.columns)
    }
}

/// Which keys a block has, ascending, and how many rows each.
#[derive(Debug, Default)]
struct Keys {
    keys: Vec<u32>,
    ends: Vec<u32>,
}

impl Keys {
    fn len(&self) -> usize {
        self.keys.len()
    }

    fn range(&self, key: u32) -> std::ops::Range<usize> {
        let Ok(nth) = self.keys.binary_search(&key) else { return 0..0 };
        let begin = nth.checked_sub(1).map_or(0, |before| self.ends[before]);
        begin as usize..self.ends[nth] as usize
    }

    /// Every key with its number of rows.
    fn each(&self) -> impl Iterator<Item = (u32, u32)> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        self.keys.iter().zip(begins.zip(&self.ends)).map(|(key, (begin, end))| (*key, end - begin))
    }

    /// Rows are no more than what is left of the block, so that a false count costs nothing.
    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, GraphError> {
        let [mut gaps, mut counts] = columns(cursor)?;
        let most = cursor.remaining();
        let (mut keys, mut ends) = (Vec::with_capacity(gaps.remaining()), Vec::with_capacity(gaps.remaining()));
        let (mut key, mut end) = (0, 0u32);
        while !gaps.is_empty() {
            let gap = gaps.small()?;
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
struct KeyRows {
    gaps: Vec<u8>,
    counts: Vec<u8>,
    before: Option<u32>,
    n_keys: usize,
}

impl KeyRows {
    fn push(&mut self, key: u32, n_rows: usize) {
        put(&mut self.gaps, self.before.map_or(key, |before| key - before - 1).into());
        put(&mut self.counts, n_rows as u64);
        self.before = Some(key);
        self.n_keys += 1;
    }

    fn with_columns(self, columns: &[Vec<u8>]) -> Vec<u8> {
        let mut raw = Vec::new();
        let own = [self.gaps, self.counts];
        own.iter().chain(columns).for_each(|column| put_bytes(&mut raw, column));
        raw
    }
}

fn columns<'a, const N: usize>(cursor: &mut Cursor<'a>) -> Result<[Cursor<'a>; N], GraphError> {
    let mut columns: [Cursor<'a>; N] = std::array::from_fn(|_| cursor.clone());
    for column in &mut columns {
        *column = cursor.column()?;
    }
    Ok(columns)
}
