//! From a name to symbols of what was opened.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::future;

use super::answer::SymbolRequest;
use super::best::Best;
use super::place::Places;
use super::wanted::Wanted;
use crate::query::Plan;
use crate::search::cache::{OpenSegment, Part};
use crate::search::open::Opened;
use crate::search::reader::Reader;
use crate::segment::{NameBlock, NameRow};
use crate::store::StoreError;

/// Most blocks read of one segment for a name or its beginning.
const MOST_BLOCKS: usize = 32;
/// The same for parts of names: each has a name with the part, so that they fill a page. It does not follow from the limit, by
/// which pages would not agree.
const MOST_OF_PARTS: usize = 16;

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
    pub(super) best: Best,
    pub(super) hidden: u64,
    /// Whether all blocks were read that may hold the name.
    pub(super) complete: bool,
}

/// What was read of one segment.
struct Read {
    /// The segment's number.
    number: u32,
    blocks: Vec<(NameBlock, Bytes)>,
    /// Those at the front that may hold the name itself, not only what begins with it.
    n_named: usize,
    complete: bool,
}

impl Finding<'_> {
    /// By name and beginning; where that is too little, by parts of names, too.
    pub(super) async fn run(&self) -> Result<Found, StoreError> {
        let places = Places::new(self.opened);
        let reads = self.segments().map(|(number, open)| self.by_name(number, open));
        let mut reads = self.reader.wave(future::try_join_all(reads)).await?;
        let (limit, exact) = (self.request.limit, self.wanted.exact);
        // A name that many symbols have leaves no room for what only begins with it.
        let mut found = self.show(&places, &reads, true)?;
        if found.best.n_met <= limit && !exact {
            found = self.show(&places, &reads, false)?;
        }
        if found.best.n_met < limit && !exact && !self.wanted.words.is_empty() {
            let words = self.segments().zip(&reads).map(|((_, open), read)| self.with_words(open, read));
            let words = self.reader.wave(future::try_join_all(words)).await?;
            let more = self.segments().zip(words).map(|((number, open), blocks)| self.by_blocks(number, open, blocks));
            reads.extend(self.reader.wave(future::try_join_all(more)).await?);
            found = self.show(&places, &reads, false)?;
        }
        found.complete &= found.best.n_met <= limit;
        Ok(found)
    }

    fn segments(&self) -> impl Iterator<Item = (u32, &OpenSegment)> {
        (0..).zip(self.opened.segments.iter().map(|open| &**open))
    }

    async fn by_name(&self, number: u32, open: &OpenSegment) -> Result<Read, StoreError> {
        let holding = |as_prefix| {
            let blocks = open.segment.names(&self.wanted.folded, as_prefix);
            blocks.map_err(|error| self.reader.names_error(open, &[], &error))
        };
        let (blocks, n_named) = (holding(!self.wanted.exact)?, holding(false)?.len());
        let complete = blocks.len() <= MOST_BLOCKS;
        let blocks = self.read(open, blocks).await?;
        Ok(Read { number, n_named: n_named.min(blocks.len()), blocks, complete })
    }

    /// The blocks, without those that were read, of names that have all parts of the name.
    async fn with_words(&self, open: &OpenSegment, read: &Read) -> Result<BTreeSet<u32>, StoreError> {
        let mut all: Option<BTreeSet<u32>> = None;
        let n_words = self.wanted.words.len();
        for (nth, word) in self.wanted.words.iter().enumerate() {
            let blocks = open.segment.words(word).map_err(|error| self.reader.names_error(open, &[], &error))?;
            let blocks = &blocks[..blocks.len().min(MOST_BLOCKS)];
            let is_last = nth + 1 == n_words;
            let is_one = move |found: &str| if is_last { found.starts_with(&**word) } else { found == word };
            let found = self.reader.words(open, blocks, &is_one).await?;
            let found: BTreeSet<u32> = found.into_iter().flat_map(|(_, blocks)| blocks).collect();
            // What a name begins with is in no list, and neither are numbers: those parts rule nothing out.
            let rules_out = nth > 0 && word.chars().nth(1).is_some() && !word.bytes().all(|byte| byte.is_ascii_digit());
            all = match all {
                None if rules_out || n_words == 1 => Some(found),
                Some(all) if rules_out => Some(all.intersection(&found).copied().collect()),
                other => other,
            };
        }
        let was_read = |number: &u32| read.blocks.iter().any(|(block, _)| block.number == *number);
        Ok(all.unwrap_or_default().into_iter().filter(|block| !was_read(block)).collect())
    }

    async fn by_blocks(&self, number: u32, open: &OpenSegment, numbers: BTreeSet<u32>) -> Result<Read, StoreError> {
        let complete = numbers.len() <= MOST_OF_PARTS;
        let blocks = numbers.into_iter().take(MOST_OF_PARTS).map(|number| open.segment.names_at(number));
        let blocks = blocks.collect::<Result<Vec<_>, _>>();
        let blocks = blocks.map_err(|error| self.reader.names_error(open, &[], &error))?;
        Ok(Read { number, blocks: self.read(open, blocks).await?, n_named: 0, complete })
    }

    /// The bytes of the first blocks.
    async fn read(
        &self,
        open: &OpenSegment,
        mut blocks: Vec<NameBlock>,
    ) -> Result<Vec<(NameBlock, Bytes)>, StoreError> {
        blocks.truncate(MOST_BLOCKS);
        let read = self.reader.blocks(open, Part::Names, &blocks).await?;
        Ok(blocks.into_iter().zip(read).collect())
    }

    /// The symbols that match, with the files that they are in. `named`: those of the name itself alone.
    fn show(&self, places: &Places<'_>, reads: &[Read], named: bool) -> Result<Found, StoreError> {
        let best = Best::of(self.request.limit);
        let mut found = Found { best, hidden: 0, complete: reads.iter().all(|read| read.complete) };
        for read in reads {
            let blocks = if named { &read.blocks[..read.n_named] } else { &read.blocks[..] };
            for block in blocks {
                for row in self.rows(read.number, block, named)? {
                    self.show_row(places, (read.number, &row), &mut found);
                }
            }
        }
        Ok(found)
    }

    /// The rows of a block that may match.
    fn rows(&self, number: u32, (block, bytes): &(NameBlock, Bytes), named: bool) -> Result<Vec<NameRow>, StoreError> {
        let open = &self.opened.segments[number as usize];
        let is_wanted = |name: &str| if named { self.wanted.is(name) } else { self.wanted.may_match(name) };
        let rows = open.segment.decode_names_if(block, bytes, &is_wanted);
        rows.map_err(|error| self.reader.names_error(open, std::slice::from_ref(block), &error))
    }

    fn show_row(&self, places: &Places<'_>, (segment, row): (u32, &NameRow), found: &mut Found) {
        let Some(matched) = self.wanted.matches(row) else { return };
        let shown = &self.plan.classes().shown;
        places.each((segment, row.doc), self.plan, |place| {
            if shown.contains(&place.class) {
                found.best.meet(place, row, matched);
            } else {
                found.hidden += 1;
            }
        });
    }
}
