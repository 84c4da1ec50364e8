//! What segments know of files without their texts: the names of symbols, sorted as look-ups want them, and which texts may
//! have a word, by their trigrams.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use bytes::Bytes;
use kotadb_core::query::Formula;
use kotadb_core::segment::{DocId, DocSet, ListRef, NameBlock, Segment};
use kotadb_core::text::{Trigram, fold_literal, trigrams_of};

use crate::error::IndexError;
use crate::names::NamedSymbols;

/// Blocks of names that are read together.
const BLOCKS: usize = 64;

/// Segments whose ranges can be read.
pub trait Segments {
    /// How many there are.
    fn n_segments(&self) -> usize;

    /// One of them.
    fn segment(&self, nth: usize) -> &Segment;

    /// Ranges of it.
    fn read(&self, nth: usize, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, IndexError>;
}

/// Which files have the documents of segments.
#[derive(Debug)]
pub struct Stored {
    holders: Vec<Holders>,
    /// Lists of names: a segment, and blocks in a row.
    lists: Vec<(usize, Vec<NameBlock>)>,
}

/// The files that have each document of a segment.
#[derive(Debug)]
struct Holders {
    /// Of each document where its files begin, and where the last ones end.
    starts: Vec<u32>,
    files: Vec<u32>,
}

impl Stored {
    /// Of files that are documents: number of the segment, document, number of the file.
    pub fn new(segments: &dyn Segments, files: impl Iterator<Item = (usize, DocId, u32)>) -> Result<Self, IndexError> {
        let mut held: Vec<Vec<(DocId, u32)>> = vec![Vec::new(); segments.n_segments()];
        files.for_each(|(segment, doc, file)| held[segment].push((doc, file)));
        let (mut holders, mut lists) = (Vec::with_capacity(held.len()), Vec::new());
        for (nth, held) in held.iter().enumerate() {
            let segment = segments.segment(nth);
            holders.push(Holders::new(segment.n_docs(), held));
            lists.extend(segment.all_names()?.chunks(BLOCKS).map(|blocks| (nth, blocks.to_vec())));
        }
        Ok(Self { holders, lists })
    }

    /// Lists of names.
    pub fn n_lists(&self) -> usize {
        self.lists.len()
    }

    /// One of them.
    pub fn names(&self, segments: &dyn Segments, nth: usize) -> Result<NamedSymbols, IndexError> {
        let mut named = NamedSymbols::default();
        let before = nth.checked_sub(1).and_then(|before| self.lists.get(before));
        let Some((nth, blocks)) = self.lists.get(nth) else { return Ok(named) };
        named.goes_on = before.is_some_and(|(segment, _)| segment == nth);
        let ranges: Vec<_> = blocks.iter().map(NameBlock::range).collect();
        for (block, bytes) in blocks.iter().zip(segments.read(*nth, &ranges)?) {
            segments.segment(*nth).each_name(block, &bytes, |name, doc, symbol| {
                let files = self.holders[*nth].of(doc);
                files.iter().for_each(|file| named.add(name, *file, symbol));
            })?;
        }
        Ok(named)
    }

    /// Files, ascending, among which are all of these whose text has one of some words; `None`: a word has no trigram.
    pub fn mentioning(&self, segments: &dyn Segments, words: &[&str]) -> Result<Option<Vec<u32>>, IndexError> {
        let formula = Formula::or(words.iter().map(|word| every_trigram(word)));
        let mut found = BTreeSet::new();
        for (nth, holders) in self.holders.iter().enumerate() {
            let sets = sets(segments, nth, &formula)?;
            let Some(docs) = formula.documents(&|gram: Trigram| sets.get(&gram)) else { return Ok(None) };
            found.extend(docs.iter().flat_map(|doc| holders.of(doc)));
        }
        Ok(Some(found.into_iter().collect()))
    }
}

/// The documents of a segment that have each trigram.
fn sets(segments: &dyn Segments, nth: usize, formula: &Formula) -> Result<HashMap<Trigram, DocSet>, IndexError> {
    let segment = segments.segment(nth);
    let (mut sets, mut stored, mut ranges) = (HashMap::new(), Vec::new(), Vec::new());
    for (gram, list) in formula.lists(segment)? {
        match &list {
            ListRef::Inline(_) => drop(sets.insert(gram, segment.decode_list(&list, &[])?)),
            ListRef::Stored { range, .. } => {
                ranges.push(range.clone());
                stored.push((gram, list));
            }
        }
    }
    for ((gram, list), bytes) in stored.iter().zip(segments.read(nth, &ranges)?) {
        sets.insert(*gram, segment.decode_list(list, &bytes)?);
    }
    Ok(sets)
}

/// That a text has all trigrams of a word, whatever their case.
fn every_trigram(word: &str) -> Formula {
    Formula::and(trigrams_of(&fold_literal(word.as_bytes())).into_iter().map(Formula::Gram))
}

impl Holders {
    fn new(n_docs: u32, held: &[(DocId, u32)]) -> Self {
        let mut starts = vec![0; n_docs as usize + 1];
        held.iter().for_each(|(doc, _)| starts[*doc as usize + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        let (mut next, mut files) = (starts.clone(), vec![0; held.len()]);
        for (doc, file) in held {
            files[next[*doc as usize] as usize] = *file;
            next[*doc as usize] += 1;
        }
        Self { starts, files }
    }

    fn of(&self, doc: DocId) -> &[u32] {
        let at = doc as usize;
        let bounds = self.starts.get(at).zip(self.starts.get(at + 1));
        bounds.map_or(&[], |(start, end)| &self.files[*start as usize..*end as usize])
    }
}
