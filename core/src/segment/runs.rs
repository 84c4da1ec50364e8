//! Postings of a segment under construction: sorted batches in memory and, beyond a budget, sorted runs elsewhere, merged
//! at the end (a spill-sort). How batches are sorted is the business of `batch`.
//!
//! Everything is worked off by *part*: the trigrams with one first byte. Parts are independent of each other, so threads
//! share them.

use std::ops::Range;

use super::Cursor;
use super::DocId;
use super::batch::{Batch, Key};
use super::error::SegmentError;
use super::lists::EncodedLists;
use super::spill::Spill;
use crate::cursor::put_varint;
use crate::text::Trigram;

/// Parts of the postings: as many as a byte has values.
const PARTS: usize = 256;
/// Trigrams that are counted at once.
const BUCKET: usize = 1 << 12;

/// Postings that still grow.
#[derive(Debug)]
pub(super) struct Runs {
    batches: Vec<Sorted>,
    /// Keys in `batches`.
    buffered: usize,
    /// Keys that may be in `batches` before they are spilled.
    budget: usize,
    spill: Box<dyn Spill>,
    spilled: Vec<Run>,
    /// Bytes in `spill`.
    end: u64,
}

/// The keys of a batch, whose first document is `base`.
#[derive(Debug)]
struct Sorted {
    base: DocId,
    keys: Vec<Key>,
}

/// Lists of consecutive documents in a spill: of each, trigram − previous one of the part, number of documents, and their
/// gaps, all varints. Part `i` is from `places[i]` to `places[i + 1]`.
#[derive(Debug)]
struct Run {
    places: Vec<u64>,
}

impl Runs {
    /// Without postings; `budget` keys (of four bytes) stay in memory, more go to `spill`.
    pub(super) fn new(spill: Box<dyn Spill>, budget: usize) -> Self {
        Self { batches: Vec::new(), buffered: 0, budget, spill, spilled: Vec::new(), end: 0 }
    }

    /// Appends the postings of a batch, whose first document is `base`: greater than any before.
    pub(super) fn append(&mut self, base: DocId, batch: Batch) -> Result<(), SegmentError> {
        let keys = batch.into_keys();
        self.buffered += keys.len();
        self.batches.push(Sorted { base, keys });
        if self.buffered > self.budget { self.spill() } else { Ok(()) }
    }

    /// No more will come. What is in memory joins what was spilled, if anything was.
    pub(super) fn finish(mut self, n_docs: u32) -> Result<Postings, SegmentError> {
        if !self.spilled.is_empty() && self.buffered > 0 {
            self.spill()?;
        }
        Ok(Postings { runs: self, n_docs })
    }

    /// Moves the batches to the spill, as one run.
    fn spill(&mut self) -> Result<(), SegmentError> {
        let mut run = Run { places: Vec::with_capacity(PARTS + 1) };
        let mut code = Vec::new();
        for part in 0..PARTS {
            run.places.push(self.end);
            code.clear();
            let mut last = first_gram(part).0;
            merge_batches(&self.batches, part, |gram, docs| {
                put_varint(&mut code, gram.0 - last);
                last = gram.0;
                put_varint(&mut code, docs.len() as u32);
                put_gaps(&mut code, docs);
            });
            self.spill.append(&code)?;
            self.end += code.len() as u64;
        }
        run.places.push(self.end);
        self.spilled.push(run);
        self.batches.clear();
        self.buffered = 0;
        Ok(())
    }
}

/// All postings of a segment, ready to be encoded part by part, on any number of threads.
#[derive(Debug)]
pub struct Postings {
    runs: Runs,
    n_docs: u32,
}

impl Postings {
    /// The parts: each is to be encoded once, and written in this order.
    pub fn parts(&self) -> Range<usize> {
        0..PARTS
    }

    /// Encodes the lists of one part.
    pub fn encode(&self, part: usize) -> Result<EncodedLists, SegmentError> {
        let mut lists = EncodedLists::new(self.n_docs);
        let Runs { batches, spilled, spill, .. } = &self.runs;
        if spilled.is_empty() {
            merge_batches(batches, part, |gram, docs| lists.push(gram, docs));
        } else {
            merge_runs(spilled, &**spill, part, |gram, docs| lists.push(gram, docs))?;
        }
        Ok(lists)
    }
}

fn first_gram(part: usize) -> Trigram {
    Trigram((part as u32) << 16)
}

/// Shows every trigram of a part and its documents, ascending. Keys are placed by counting them, a bucket of trigrams at
/// a time, so that counts and documents at hand fit a processor's caches.
fn merge_batches(batches: &[Sorted], part: usize, mut show: impl FnMut(Trigram, &[DocId])) {
    let mut slices: Vec<_> = batches.iter().map(|batch| (batch.base, part_of(&batch.keys, part))).collect();
    let mut bucket = Bucket::default();
    loop {
        slices.retain(|(_, keys)| !keys.is_empty());
        let Some(first) = slices.iter().map(|(_, keys)| keys[0].gram()).min() else { return };
        bucket.fill(first.0 as usize / BUCKET, &mut slices);
        bucket.show(&mut show);
    }
}

/// The keys of a part.
fn part_of(keys: &[Key], part: usize) -> &[Key] {
    let start = keys.partition_point(|key| *key < Key::first(first_gram(part)));
    let len = keys[start..].partition_point(|key| key.gram().0 >> 16 == part as u32);
    &keys[start..start + len]
}

/// Lists of at most `BUCKET` trigrams in a row.
struct Bucket {
    first: Trigram,
    /// By trigram: number of its documents, then where its next one goes, then where its documents end.
    places: Vec<u32>,
    /// Trigrams that have documents, by their number in the bucket.
    grams: Vec<u16>,
    docs: Vec<DocId>,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { first: Trigram(0), places: vec![0; BUCKET], grams: Vec::new(), docs: Vec::new() }
    }
}

impl Bucket {
    /// Takes the keys of the bucket with this number from the front of each slice.
    fn fill(&mut self, number: usize, slices: &mut [(DocId, &[Key])]) {
        self.first = Trigram((number * BUCKET) as u32);
        let taken: Vec<_> = slices.iter_mut().map(|(base, keys)| (*base, self.count(number, keys))).collect();
        self.grams.sort_unstable();
        let mut start = 0;
        for &gram in &self.grams {
            start += std::mem::replace(&mut self.places[usize::from(gram)], start);
        }
        self.docs.resize(start as usize, 0);
        for (base, keys) in taken {
            for key in keys {
                let place = &mut self.places[key.gram().0 as usize % BUCKET];
                self.docs[*place as usize] = base + key.doc();
                *place += 1;
            }
        }
    }

    /// Counts and takes the keys of the bucket at the front of `keys`.
    fn count<'k>(&mut self, number: usize, keys: &mut &'k [Key]) -> &'k [Key] {
        let mut n = 0;
        for key in keys.iter().take_while(|key| key.gram().0 as usize / BUCKET == number) {
            let gram = key.gram().0 as usize % BUCKET;
            if self.places[gram] == 0 {
                self.grams.push(gram as u16);
            }
            self.places[gram] += 1;
            n += 1;
        }
        let (taken, rest) = keys.split_at(n);
        *keys = rest;
        taken
    }

    /// Shows the lists and empties the bucket.
    fn show(&mut self, show: &mut impl FnMut(Trigram, &[DocId])) {
        let mut start = 0;
        for gram in self.grams.drain(..) {
            let end = std::mem::take(&mut self.places[usize::from(gram)]) as usize;
            show(Trigram(self.first.0 + u32::from(gram)), &self.docs[start..end]);
            start = end;
        }
    }
}

/// Shows every trigram of a part and its documents, ascending: those of each run follow those of the run before.
fn merge_runs(
    runs: &[Run],
    spill: &dyn Spill,
    part: usize,
    mut show: impl FnMut(Trigram, &[DocId]),
) -> Result<(), SegmentError> {
    let mut codes = Vec::with_capacity(runs.len());
    for run in runs {
        let mut code = vec![0; (run.places[part + 1] - run.places[part]) as usize];
        spill.read_at(run.places[part], &mut code)?;
        codes.push(code);
    }
    let mut heads = Vec::with_capacity(runs.len());
    for code in &codes {
        heads.extend(Head::next(first_gram(part), Cursor::new("spilled postings", code))?);
    }
    let mut docs = Vec::new();
    while let Some(gram) = heads.iter().map(|head| head.gram).min() {
        docs.clear();
        let mut i = 0;
        while i < heads.len() {
            if heads[i].gram != gram {
                i += 1;
                continue;
            }
            heads[i].read(&mut docs)?;
            match Head::next(gram, heads[i].cursor)? {
                Some(next) => {
                    heads[i] = next;
                    i += 1;
                }
                None => _ = heads.remove(i),
            }
        }
        show(gram, &docs);
    }
    Ok(())
}

/// The next list of a run.
struct Head<'c> {
    gram: Trigram,
    count: u32,
    cursor: Cursor<'c>,
}

impl<'c> Head<'c> {
    /// Reads what is before the documents; `None`: there is no further list.
    fn next(last: Trigram, mut cursor: Cursor<'c>) -> Result<Option<Self>, SegmentError> {
        if cursor.remaining() == 0 {
            return Ok(None);
        }
        let gram = Trigram(last.0 + cursor.varint()?);
        Ok(Some(Self { gram, count: cursor.varint()?, cursor }))
    }

    /// Appends the documents.
    fn read(&mut self, docs: &mut Vec<DocId>) -> Result<(), SegmentError> {
        let mut next = 0;
        for _ in 0..self.count {
            next += self.cursor.varint()?;
            docs.push(next);
            next += 1;
        }
        Ok(())
    }
}

/// Appends gaps between documents; a gap is the number of documents skipped.
fn put_gaps(code: &mut Vec<u8>, docs: &[DocId]) {
    let mut next = 0;
    for &doc in docs {
        put_varint(code, doc - next);
        next = doc + 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::id::ObjectId;
    use crate::segment::PreparedDocument;
    use crate::text::Language;

    type Lists = BTreeMap<u32, Vec<DocId>>;

    fn batch(documents: &[Vec<u32>]) -> Batch {
        let mut batch = Batch::default();
        for grams in documents {
            let grams = grams.iter().copied().map(Trigram).collect();
            let document = PreparedDocument {
                blob: ObjectId([0; 20]),
                language: Language::TEXT,
                text_len: 0,
                frame: Vec::new(),
                grams,
                extractor: 0,
                facts: Box::default(),
                names: Box::default(),
            };
            batch.push(document).unwrap();
        }
        batch
    }

    fn lists(runs: &Runs) -> Lists {
        let mut lists = Lists::new();
        for part in 0..PARTS {
            let mut show = |gram: Trigram, docs: &[DocId]| {
                assert!(lists.last_key_value().is_none_or(|(last, _)| *last < gram.0));
                lists.insert(gram.0, docs.to_vec());
            };
            if runs.spilled.is_empty() {
                merge_batches(&runs.batches, part, &mut show);
            } else {
                merge_runs(&runs.spilled, &*runs.spill, part, &mut show).unwrap();
            }
        }
        lists
    }

    proptest! {
        #[test]
        fn lists_come_out_as_they_went_in_whatever_the_budget(
            documents in prop::collection::vec(prop::collection::btree_set(0u32..40, 0..12), 0..80),
            gaps in prop::collection::vec((1usize..9, 0u32..300), 1..20),
            budget in 0usize..300,
        ) {
            // Trigrams of several parts, of several buckets of a part, and next to each other.
            let gram = |n: u32| (n / 9) * 0x05_0000 + (n / 3 % 3) * 0x1000 + n % 3;
            let documents: Vec<Vec<u32>> = documents.into_iter().map(|set| set.into_iter().rev().map(gram).collect()).collect();
            let (mut runs, mut twin, mut rest, mut base) = (Runs::new(Box::<Vec<u8>>::default(), budget), Lists::new(), &documents[..], 0);
            for (len, gap) in gaps.into_iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (these, after) = rest.split_at(len.min(rest.len()));
                rest = after;
                base += gap;
                for (doc, grams) in (base..).zip(these) {
                    grams.iter().for_each(|&gram| twin.entry(gram).or_default().push(doc));
                }
                runs.append(base, batch(these)).unwrap();
                base += these.len() as u32;
            }
            let postings = runs.finish(base).unwrap();
            prop_assert_eq!(lists(&postings.runs), twin);
        }
    }
}
