//! From a name to symbols of what was opened.

use std::collections::BTreeSet;

use futures::future;

use super::answer::{NameMatch, SymbolHit, SymbolRequest};
use super::place::Places;
use super::rank;
use super::wanted::Wanted;
use crate::query::Plan;
use crate::search::cache::OpenSegment;
use crate::search::open::Opened;
use crate::search::reader::Reader;
use crate::segment::NameRow;
use crate::store::StoreError;

/// Most blocks read of one segment for a name or its beginning, and again for parts of names.
const MOST_BLOCKS: usize = 32;

/// One look-up.
#[derive(Clone, Debug)]
pub(super) struct Finding<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) request: &'a SymbolRequest,
    pub(super) plan: &'a Plan,
    pub(super) opened: &'a Opened,
    pub(super) wanted: Wanted,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) hits: Vec<SymbolHit>,
    pub(super) hidden: u64,
    /// Whether all blocks were read that may hold the name.
    pub(super) complete: bool,
}

/// Rows of one segment, by its number.
type Rows = (u32, Vec<(NameRow, NameMatch)>);

/// What was read of one segment.
struct Read {
    rows: Rows,
    /// The blocks that were read, by number.
    blocks: BTreeSet<u32>,
    complete: bool,
}

impl Finding<'_> {
    /// By name and beginning; where that is too little, by parts of names, too.
    pub(super) async fn run(&self) -> Result<Found, StoreError> {
        let places = Places::new(self.opened);
        let reads = self.segments().map(|(number, open)| self.by_name(number, open));
        let mut reads = self.reader.wave(future::try_join_all(reads)).await?;
        let mut found = self.show(&places, &reads);
        if found.hits.len() < self.request.limit && !self.wanted.exact && !self.wanted.words.is_empty() {
            let words = self.segments().zip(&reads).map(|((_, open), read)| self.with_words(open, &read.blocks));
            let words = self.reader.wave(future::try_join_all(words)).await?;
            let more = self.segments().zip(words).map(|((number, open), blocks)| self.by_blocks(number, open, blocks));
            reads.extend(self.reader.wave(future::try_join_all(more)).await?);
            found = self.show(&places, &reads);
        }
        found.hits.sort_by(rank::order);
        found.complete &= found.hits.len() <= self.request.limit;
        found.hits.truncate(self.request.limit);
        Ok(found)
    }

    fn segments(&self) -> impl Iterator<Item = (u32, &OpenSegment)> {
        (0..).zip(self.opened.segments.iter().map(|open| &**open))
    }

    async fn by_name(&self, number: u32, open: &OpenSegment) -> Result<Read, StoreError> {
        let blocks = open.segment.names(&self.wanted.folded, !self.wanted.exact);
        let mut blocks = blocks.map_err(|error| self.reader.names_error(open, &[], &error))?;
        let complete = blocks.len() <= MOST_BLOCKS;
        blocks.truncate(MOST_BLOCKS);
        let rows = self.matching(self.reader.names(open, &blocks).await?);
        let blocks = blocks.into_iter().map(|block| block.number).collect();
        Ok(Read { rows: (number, rows), blocks, complete })
    }

    /// The blocks, without those that were read, of names that have all parts of the name.
    async fn with_words(&self, open: &OpenSegment, read: &BTreeSet<u32>) -> Result<BTreeSet<u32>, StoreError> {
        let mut all: Option<BTreeSet<u32>> = None;
        let n_words = self.wanted.words.len();
        for (nth, word) in self.wanted.words.iter().enumerate() {
            let blocks = open.segment.words(word).map_err(|error| self.reader.names_error(open, &[], &error))?;
            let blocks = &blocks[..blocks.len().min(MOST_BLOCKS)];
            let found = self.reader.words(open, blocks).await?;
            let is_one = |found: &str| if nth + 1 == n_words { found.starts_with(word) } else { found == word };
            let found = found.into_iter().filter(|(found, _)| is_one(found)).flat_map(|(_, blocks)| blocks);
            let found: BTreeSet<u32> = found.collect();
            // What a name begins with is in no list, and neither are numbers: those parts rule nothing out.
            let rules_out = nth > 0 && word.chars().nth(1).is_some() && !word.bytes().all(|byte| byte.is_ascii_digit());
            all = match all {
                None if rules_out || n_words == 1 => Some(found),
                Some(all) if rules_out => Some(all.intersection(&found).copied().collect()),
                other => other,
            };
        }
        Ok(all.unwrap_or_default().into_iter().filter(|block| !read.contains(block)).collect())
    }

    async fn by_blocks(&self, number: u32, open: &OpenSegment, numbers: BTreeSet<u32>) -> Result<Read, StoreError> {
        let complete = numbers.len() <= MOST_BLOCKS;
        let blocks = numbers.into_iter().take(MOST_BLOCKS).map(|number| open.segment.names_at(number));
        let blocks = blocks.collect::<Result<Vec<_>, _>>();
        let blocks = blocks.map_err(|error| self.reader.names_error(open, &[], &error))?;
        let rows = self.matching(self.reader.names(open, &blocks).await?);
        Ok(Read { rows: (number, rows), blocks: BTreeSet::new(), complete })
    }

    fn matching(&self, rows: Vec<NameRow>) -> Vec<(NameRow, NameMatch)> {
        rows.into_iter().filter_map(|row| self.wanted.matches(&row).map(|matched| (row, matched))).collect()
    }

    /// The files that the rows are in.
    fn show(&self, places: &Places<'_>, reads: &[Read]) -> Found {
        let mut found = Found { hits: Vec::new(), hidden: 0, complete: reads.iter().all(|read| read.complete) };
        let shown = &self.plan.classes().shown;
        for (segment, rows) in reads.iter().map(|read| &read.rows) {
            for (row, matched) in rows {
                places.each((*segment, row.doc), self.plan, |place| {
                    if shown.contains(&place.class) {
                        found.hits.push(rank::hit(place, row, *matched));
                    } else {
                        found.hidden += 1;
                    }
                });
            }
        }
        found
    }
}
