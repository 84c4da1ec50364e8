//! Growing postings of a segment under construction: one list of gaps for each trigram, in little memory.
//!
//! Lists live in slices of a shared pool; a full slice ends with a link to a larger one (as in Lucene's
//! `ByteBlockPool`). A list of one document needs no slice.

use std::fmt;

use super::DocId;
use super::cursor::{Cursor, put_varint};
use super::error::SegmentError;
use crate::text::Trigram;

/// Slices of a list: the first is short, each next twice as long, up to the last of these.
const SLICE_LENS: [usize; 6] = [8, 16, 32, 64, 128, 256];
/// Bytes of a link at the end of a slice.
const LINK: usize = 4;
/// Bytes of the pool allocated at once.
const PAGE: usize = 1 << 20;
/// "No list yet" in the slots.
const EMPTY: u32 = 0;

/// All postings of a segment under construction.
pub(super) struct Accumulator {
    /// By trigram: 1 + index of its list. Zero pages cost no memory.
    slots: Vec<u32>,
    grams: Vec<Trigram>,
    lists: Vec<List>,
    pool: Pool,
    /// Working memory.
    code: Vec<u8>,
}

/// One list; `head`, `tail` and `end` are places in the pool.
#[derive(Clone, Copy)]
struct List {
    count: u32,
    last: DocId,
    head: u32,
    tail: u32,
    end: u32,
    level: u8,
}

impl Accumulator {
    /// Without any list.
    pub(super) fn new() -> Self {
        let pool = Pool { pages: Vec::new(), used: PAGE };
        Self { slots: vec![EMPTY; 1 << 24], grams: Vec::new(), lists: Vec::new(), pool, code: Vec::new() }
    }

    /// Appends `doc`, greater than any before, to the list of each of its trigrams.
    pub(super) fn add(&mut self, doc: DocId, grams: &[Trigram]) -> Result<(), SegmentError> {
        for &gram in grams {
            let slot = &mut self.slots[gram.0 as usize];
            if *slot == EMPTY {
                self.grams.push(gram);
                self.lists.push(List { count: 1, last: doc, head: 0, tail: 0, end: 0, level: 0 });
                *slot = self.lists.len() as u32;
            } else {
                self.pool.append(&mut self.lists[*slot as usize - 1], doc, &mut self.code)?;
            }
        }
        Ok(())
    }

    /// The trigrams that have a list, ascending.
    pub(super) fn sorted_grams(&self) -> Vec<Trigram> {
        let mut grams = self.grams.clone();
        grams.sort_unstable();
        grams
    }

    /// Reads the list of `gram` into `docs`.
    pub(super) fn read(&mut self, gram: Trigram, docs: &mut Vec<DocId>) -> Result<(), SegmentError> {
        docs.clear();
        let Some(list) = (self.slots[gram.0 as usize] as usize).checked_sub(1).map(|i| self.lists[i]) else {
            return Ok(());
        };
        if list.count == 1 {
            docs.push(list.last);
            return Ok(());
        }
        self.code.clear();
        self.pool.read(&list, &mut self.code);
        let mut cursor = Cursor::new("postings", &self.code);
        let mut next = 0;
        while cursor.remaining() > 0 {
            next += cursor.varint()?;
            docs.push(next);
            next += 1;
        }
        Ok(())
    }
}

impl fmt::Debug for Accumulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accumulator").field("lists", &self.lists.len()).finish_non_exhaustive()
    }
}

/// Pages that slices are cut from, front to back.
struct Pool {
    pages: Vec<Box<[u8]>>,
    /// Bytes used of the last page.
    used: usize,
}

impl Pool {
    /// Appends the next document to a list that has at least one.
    fn append(&mut self, list: &mut List, doc: DocId, code: &mut Vec<u8>) -> Result<(), SegmentError> {
        let gap = doc - list.last - 1;
        if gap < 0x80 && list.tail < list.end {
            *self.at(list.tail) = gap as u8;
            list.tail += 1;
        } else {
            code.clear();
            if list.count == 1 {
                list.head = self.slice(SLICE_LENS[0])?;
                (list.tail, list.end) = (list.head, list.head + (SLICE_LENS[0] - LINK) as u32);
                put_varint(code, list.last);
            }
            put_varint(code, gap);
            code.iter().try_for_each(|&byte| self.push(list, byte))?;
        }
        list.count += 1;
        list.last = doc;
        Ok(())
    }

    /// Appends a byte, in a new slice if the last one is full.
    fn push(&mut self, list: &mut List, byte: u8) -> Result<(), SegmentError> {
        if list.tail == list.end {
            list.level = (list.level + 1).min(SLICE_LENS.len() as u8 - 1);
            let len = SLICE_LENS[usize::from(list.level)];
            let next = self.slice(len)?;
            for (i, byte) in (0..).zip(next.to_le_bytes()) {
                *self.at(list.end + i) = byte;
            }
            (list.tail, list.end) = (next, next + (len - LINK) as u32);
        }
        *self.at(list.tail) = byte;
        list.tail += 1;
        Ok(())
    }

    /// Cuts a slice that does not cross pages.
    fn slice(&mut self, len: usize) -> Result<u32, SegmentError> {
        if self.used + len > PAGE {
            self.pages.push(vec![0; PAGE].into_boxed_slice());
            self.used = 0;
        }
        let start = (self.pages.len() - 1) * PAGE + self.used;
        self.used += len;
        u32::try_from(start).map_err(|_| SegmentError::Limit("the postings of one segment are beyond 4 GiB"))
    }

    fn at(&mut self, place: u32) -> &mut u8 {
        &mut self.pages[place as usize / PAGE][place as usize % PAGE]
    }

    /// Bytes from `start` to `end` of one slice.
    fn bytes(&self, start: u32, end: u32) -> &[u8] {
        let within = start as usize % PAGE;
        &self.pages[start as usize / PAGE][within..within + (end - start) as usize]
    }

    /// Joins the slices of a list.
    fn read(&self, list: &List, code: &mut Vec<u8>) {
        let mut start = list.head;
        for level in 0.. {
            let end = start + (SLICE_LENS[level.min(SLICE_LENS.len() - 1)] - LINK) as u32;
            if (start..=end).contains(&list.tail) {
                code.extend_from_slice(self.bytes(start, list.tail));
                return;
            }
            code.extend_from_slice(self.bytes(start, end));
            let link = self.bytes(end, end + LINK as u32);
            start = link.iter().rev().fold(0, |place, &byte| place << 8 | u32::from(byte));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_read_back_as_they_were_added(
            documents in prop::collection::vec((1u32..40_000, prop::collection::btree_set(0u32..12, 0..8)), 0..400)
        ) {
            let (mut accumulator, mut twin, mut doc) = (Accumulator::new(), BTreeMap::<_, Vec<DocId>>::new(), 0);
            for (gap, grams) in documents {
                doc += gap;
                let grams: Vec<_> = grams.into_iter().map(|gram| Trigram(gram * 1_000_003)).collect();
                accumulator.add(doc, &grams).unwrap();
                grams.iter().for_each(|&gram| twin.entry(gram).or_default().push(doc));
            }
            prop_assert_eq!(accumulator.sorted_grams(), twin.keys().copied().collect::<Vec<_>>());
            let mut docs = Vec::new();
            for (gram, expected) in twin {
                accumulator.read(gram, &mut docs).unwrap();
                prop_assert_eq!(&docs, &expected);
            }
            accumulator.read(Trigram(5), &mut docs).unwrap();
            prop_assert!(docs.is_empty());
        }
    }
}
