//! Outgoing edges in blocks: uses, in the order of their sites. All that a site may mean is one *meaning*: pairs of target and
//! manner, several where a name has several definitions. Meanings come again and again, so most uses are told by a byte.

use std::collections::HashMap;
use std::ops::Range;

use super::codec::{Cursor, put_signed, put_varint};
use super::edges::RawEdge;
use super::error::GraphError;
use super::keys::with_columns;
use super::recent::Recent;

/// A target and the manner in which it is used.
type Pair = (u32, u32);

/// All uses of one target by one source in one manner, with their sites.
pub(super) type Group = (Pair, Vec<u32>);

const N_COLUMNS: usize = 12;
/// A page is 64 numbers in a row: what is used near each other is mostly defined near each other.
const PAGE_BITS: u32 = 6;
/// Most edges of a block, so that few bytes do not claim to be many.
const MOST_EDGES: u64 = 1 << 26;
/// In the column of numbers: a new meaning, and one that was not used lately. What is above says how lately.
const FRESH: u8 = 0;
const OLDER: u8 = 1;
const LATELY: u8 = 2;

/// Uses that follow each other in one source.
#[derive(Clone, Copy, Debug)]
struct Run {
    source: u32,
    begin: u32,
    end: u32,
}

/// A use: which meaning, and where.
#[derive(Clone, Copy, Debug)]
struct Use {
    meaning: u32,
    site: u32,
}

/// Outgoing edges of some files, or sources.
#[derive(Debug, Default)]
pub(super) struct UseBlock {
    /// By source.
    runs: Vec<Run>,
    uses: Vec<Use>,
    pairs: Vec<Pair>,
    /// Where the pairs of each meaning end.
    ends: Vec<u32>,
}

impl UseBlock {
    pub(super) fn memory(&self) -> usize {
        size_of_val(&self.runs[..]) + size_of_val(&self.uses[..]) + size_of_val(&self.pairs[..]) + self.ends.len() * 4
    }

    /// The edges of sources, each once, by source, target, manner and site.
    pub(super) fn edges(&self, sources: Range<u32>) -> Vec<RawEdge> {
        self.chosen(sources, |meaning| &self.pairs[self.meaning(meaning)])
    }

    /// What a source uses: by target and manner.
    pub(super) fn groups(&self, source: u32) -> Vec<Group> {
        let edges = self.edges(source..source.saturating_add(1));
        let group = |some: &[RawEdge]| ((some[0].target, some[0].manner), some.iter().map(|edge| edge.site).collect());
        edges.chunk_by(|a, b| (a.target, a.manner) == (b.target, b.manner)).map(group).collect()
    }

    /// The edges of sources that lead to a target, each once, by source, manner and site.
    pub(super) fn users(&self, target: u32, sources: &[Range<u32>]) -> Vec<RawEdge> {
        let leading_of = |nth: u32| {
            let pairs = &self.pairs[self.meaning(nth)];
            let begin = pairs.partition_point(|pair| pair.0 < target);
            &pairs[begin..begin + pairs[begin..].partition_point(|pair| pair.0 == target)]
        };
        let leading: Vec<&[Pair]> = (0..self.ends.len() as u32).map(leading_of).collect();
        let of_range = |range: &Range<u32>| self.chosen(range.clone(), |meaning| leading[meaning as usize]);
        sources.iter().flat_map(of_range).collect()
    }

    fn chosen<'a>(&'a self, sources: Range<u32>, pairs: impl Fn(u32) -> &'a [Pair]) -> Vec<RawEdge> {
        let begin = self.runs.partition_point(|run| run.source < sources.start);
        let mut edges = Vec::new();
        for Run { source, begin, end } in self.runs[begin..].iter().take_while(|run| run.source < sources.end) {
            for Use { meaning, site } in &self.uses[*begin as usize..*end as usize] {
                let edge = |&(target, manner): &Pair| RawEdge { source: *source, target, manner, site: *site };
                edges.extend(pairs(*meaning).iter().map(edge));
            }
        }
        edges.sort_unstable();
        edges
    }

    fn meaning(&self, nth: u32) -> Range<usize> {
        let nth = nth as usize;
        nth.checked_sub(1).map_or(0, |before| self.ends[before] as usize)..self.ends[nth] as usize
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("outgoing edges", raw);
        let mut reader = UseReader::new(cursor.columns()?);
        cursor.finish()?;
        while !reader.columns[0].is_empty() {
            reader.run()?;
        }
        let UseReader { columns, mut block, .. } = reader;
        columns.into_iter().try_for_each(Cursor::finish)?;
        block.runs.sort_by_key(|run| run.source);
        Ok(block)
    }
}

/// Reads a block run by run.
struct UseReader<'a> {
    columns: [Cursor<'a>; N_COLUMNS],
    block: UseBlock,
    recent: Recent,
    source: u32,
    site: u32,
    pages: Pages,
    n_edges: u64,
}

impl<'a> UseReader<'a> {
    fn new(columns: [Cursor<'a>; N_COLUMNS]) -> Self {
        let (block, recent) =
            (UseBlock { uses: Vec::with_capacity(columns[3].remaining()), ..<_>::default() }, Recent::default());
        Self { columns, block, recent, source: 0, site: 0, pages: Pages::default(), n_edges: 0 }
    }

    fn run(&mut self) -> Result<(), GraphError> {
        self.source = self.columns[0].moved(self.source)?;
        let begin = self.block.uses.len() as u32;
        for nth in 0..=self.columns[1].varint()? {
            self.site = if nth == 0 { self.columns[2].moved(self.site)? } else { self.columns[4].beyond(self.site)? };
            let meaning = self.meaning()?;
            let n_pairs = self.block.meaning(meaning).len() as u64;
            self.n_edges += n_pairs;
            if self.n_edges > MOST_EDGES {
                return Err(self.columns[3].error("has too many edges"));
            }
            self.block.uses.push(Use { meaning, site: self.site });
        }
        self.block.runs.push(Run { source: self.source, begin, end: self.block.uses.len() as u32 });
        Ok(())
    }

    fn meaning(&mut self) -> Result<u32, GraphError> {
        let meaning = match self.columns[3].u8()? {
            FRESH => self.fresh()?,
            OLDER => {
                let back = self.columns[11].varint()?;
                let older = (self.block.ends.len() as u32).checked_sub(back).filter(|_| back > 0);
                older.ok_or_else(|| self.columns[11].error("has a meaning that there is not"))?
            }
            number => {
                let found = self.recent.take(usize::from(number - LATELY));
                return found.ok_or_else(|| self.columns[3].error("has a meaning that there is not"));
            }
        };
        self.recent.put(meaning);
        Ok(meaning)
    }

    fn fresh(&mut self) -> Result<u32, GraphError> {
        let Self { columns: [_, _, _, _, _, counts, manners, places, fresh, lows, further, _], block, pages, .. } =
            self;
        let n_pairs = counts.varint()?;
        let page = match places.u8()? {
            0 => pages.fresh(fresh.moved(pages.last)?),
            place => pages.take(usize::from(place) - 1).ok_or_else(|| places.error("has a page that there is not"))?,
        };
        let mut target = page.checked_mul(1 << PAGE_BITS).ok_or_else(|| fresh.error("has a page out of reach"))?;
        target |= u32::from(lows.u8()?) & ((1 << PAGE_BITS) - 1);
        for nth in 0..=n_pairs {
            target = if nth == 0 { target } else { further.beyond(target)? };
            block.pairs.push((target, manners.varint()?));
        }
        block.ends.push(block.pairs.len() as u32);
        Ok(block.ends.len() as u32 - 1)
    }
}

/// Pages by their last use.
#[derive(Debug, Default)]
struct Pages {
    recent: Recent,
    last: u32,
}

impl Pages {
    fn fresh(&mut self, page: u32) -> u32 {
        self.recent.put(page);
        self.last = page;
        page
    }

    fn take(&mut self, place: usize) -> Option<u32> {
        self.last = self.recent.take(place)?;
        Some(self.last)
    }
}

/// Writes uses.
#[derive(Debug, Default)]
pub(super) struct UseRows {
    columns: [Vec<u8>; N_COLUMNS],
    recent: Recent,
    known: HashMap<Box<[Pair]>, u32>,
    source: u32,
    site: u32,
    pages: Pages,
}

impl UseRows {
    /// Uses so far.
    pub(super) fn len(&self) -> usize {
        self.columns[3].len()
    }

    /// Appends edges, each once, of sources that have none in the block yet.
    pub(super) fn push(&mut self, edges: &[RawEdge]) {
        let mut edges: Vec<_> = edges.iter().map(|edge| (edge.site, edge.source, (edge.target, edge.manner))).collect();
        edges.sort_unstable();
        let mut meaning = Vec::new();
        for run in runs(&edges) {
            let uses = run.chunk_by(|a, b| a.0 == b.0);
            put_signed(&mut self.columns[0], i64::from(run[0].1) - i64::from(self.source));
            self.source = run[0].1;
            put_varint(&mut self.columns[1], uses.clone().count() as u64 - 1);
            for (nth, some) in uses.enumerate() {
                let step = i64::from(some[0].0) - i64::from(self.site);
                self.site = some[0].0;
                if nth == 0 {
                    put_signed(&mut self.columns[2], step)
                } else {
                    put_varint(&mut self.columns[4], step as u64)
                }
                meaning.clear();
                meaning.extend(some.iter().map(|(.., pair)| *pair));
                self.put(&meaning);
            }
        }
    }

    fn put(&mut self, meaning: &[Pair]) {
        let number = self.known.get(meaning).copied();
        let place = number.and_then(|number| self.recent.place_of(number));
        let (sign, number) = match (number, place) {
            (_, Some(place)) => {
                self.columns[3].push(LATELY + place as u8);
                self.recent.take(place);
                return;
            }
            (Some(number), None) => {
                put_varint(&mut self.columns[11], self.known.len() as u64 - u64::from(number));
                (OLDER, number)
            }
            (None, None) => (FRESH, self.put_fresh(meaning)),
        };
        self.columns[3].push(sign);
        self.recent.put(number);
    }

    fn put_fresh(&mut self, meaning: &[Pair]) -> u32 {
        let Self { columns: [_, _, _, _, _, counts, manners, places, fresh, lows, further, _], pages, .. } = self;
        put_varint(counts, meaning.len() as u64 - 1);
        let page = meaning[0].0 >> PAGE_BITS;
        match pages.recent.place_of(page) {
            Some(place) => {
                places.push(place as u8 + 1);
                pages.take(place);
            }
            None => {
                places.push(0);
                put_signed(fresh, i64::from(page) - i64::from(pages.last));
                pages.fresh(page);
            }
        }
        lows.push((meaning[0].0 & ((1 << PAGE_BITS) - 1)) as u8);
        meaning.windows(2).for_each(|pair| put_varint(further, pair[1].0 - pair[0].0));
        meaning.iter().for_each(|(_, manner)| put_varint(manners, *manner));
        let number = self.known.len() as u32;
        self.known.insert(meaning.into(), number);
        number
    }

    /// The block so far; starts anew.
    pub(super) fn take(&mut self) -> Vec<u8> {
        with_columns(&std::mem::take(self).columns)
    }
}

/// Uses of one source that follow each other.
fn runs(edges: &[(u32, u32, Pair)]) -> impl Iterator<Item = &[(u32, u32, Pair)]> {
    edges.chunk_by(|a, b| a.1 == b.1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edge(source: u32, target: u32, manner: u32, site: u32) -> RawEdge {
        RawEdge { source, target, manner, site }
    }

    proptest! {
        #[test]
        fn edges_come_back_sorted(
            files in prop::collection::vec(prop::collection::btree_set((0..4u32, 0..9u32, 0..3u32, 0..20u32), 0..40), 0..4)
        ) {
            let (mut rows, mut all) = (UseRows::default(), Vec::new());
            for (file, edges) in (0u32..).zip(&files) {
                let edges: Vec<_> = edges.iter().map(|&(s, t, m, site)| edge(file * 4 + s, t, m, site)).collect();
                rows.push(&edges);
                all.extend(edges);
            }
            let block = UseBlock::decode(&rows.take()).unwrap();
            prop_assert_eq!(&block.edges(0..u32::MAX), &all);
            for target in 0..9 {
                let users: Vec<_> = all.iter().filter(|edge| edge.target == target && edge.source >= 4).copied().collect();
                prop_assert_eq!(block.users(target, &[4..9, 9..u32::MAX]), users);
            }
            for source in 0..16 {
                let groups = block.groups(source);
                let again = groups.iter().flat_map(|((t, m), sites)| sites.iter().map(|site| edge(source, *t, *m, *site)));
                prop_assert_eq!(again.collect::<Vec<_>>(), block.edges(source..source + 1));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(raw: Vec<u8>) {
            let _ = UseBlock::decode(&raw);
        }
    }

    #[test]
    fn what_a_site_means_is_told_again_by_a_byte() {
        let all = |site| (0..200).map(move |target| edge(7, target * 3, target % 2, site));
        let mut rows = UseRows::default();
        rows.push(&all(5).collect::<Vec<_>>());
        let once = rows.columns.iter().map(Vec::len).sum::<usize>();
        rows.push(&all(9).map(|one| RawEdge { source: 8, ..one }).collect::<Vec<_>>());
        assert!(rows.columns.iter().map(Vec::len).sum::<usize>() < once + 8);
        assert_eq!(UseBlock::decode(&rows.take()).unwrap().edges(8..9).len(), 200);
    }

    #[test]
    fn what_was_not_used_lately_is_known_all_the_same() {
        let mut rows = UseRows::default();
        let edges: Vec<_> = (0..1_000).map(|site| edge(1, site % 500, 0, site)).collect();
        rows.push(&edges);
        assert_eq!(rows.known.len(), 500);
        let mut sorted = edges.clone();
        sorted.sort_unstable();
        assert_eq!(UseBlock::decode(&rows.take()).unwrap().edges(0..9), sorted);
    }

    #[test]
    fn meanings_that_are_not_there_are_refused() {
        let block = |number: u8, older: &[u8]| {
            let columns: [&[u8]; N_COLUMNS] = [&[2], &[0], &[0], &[number], &[], &[], &[], &[], &[], &[], &[], older];
            let mut raw = Vec::new();
            columns.iter().for_each(|column| super::super::codec::put_bytes(&mut raw, column));
            UseBlock::decode(&raw)
        };
        for (number, older) in [(LATELY, &[][..]), (OLDER, &[1]), (OLDER, &[0]), (FRESH, &[])] {
            assert!(block(number, older).is_err(), "{number}");
        }
    }
}
