//! The dictionary: which trigrams a segment has and where the postings of each are.
//!
//! Buckets of 256 entries, coded as gaps; an index of the buckets is parsed at open, a bucket when it is asked.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;

use super::Cursor;
use super::DocId;
use super::error::{SegmentError, corrupt};
use crate::cursor::put_varint;
use crate::text::Trigram;

const SECTION: &str = "dictionary";
const BUCKET: usize = 256;
/// Bytes of one bucket in the index: first trigram, place of its entries, place of its lists.
const INDEX_ENTRY: usize = 4 + 4 + 8;

/// Where one trigram's postings are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListRef {
    /// One document, written in the dictionary itself: nothing to read.
    Inline(DocId),
    /// A list in the postings section.
    Stored {
        /// Bytes in the file.
        range: Range<u64>,
        /// Documents in the list.
        count: u32,
    },
}

impl ListRef {
    /// Documents in the list.
    pub fn count(&self) -> u32 {
        match self {
            Self::Inline(_) => 1,
            Self::Stored { count, .. } => *count,
        }
    }
}

/// Collects the entries of a dictionary in the order of trigrams.
#[derive(Debug, Default)]
pub(super) struct DictionaryEncoder {
    n_grams: usize,
    last: u32,
    /// Bytes of lists so far.
    lists: u64,
    index: Vec<u8>,
    entries: Vec<u8>,
}

impl DictionaryEncoder {
    /// The next trigram, found in one document only.
    pub(super) fn inline(&mut self, gram: Trigram, doc: DocId) {
        self.gram(gram);
        put_varint(&mut self.entries, 1_u32);
        put_varint(&mut self.entries, doc);
    }

    /// The next trigram, whose list of `count` documents is the next `len` bytes of the postings.
    pub(super) fn stored(&mut self, gram: Trigram, count: u32, len: usize) {
        self.gram(gram);
        put_varint(&mut self.entries, count);
        put_varint(&mut self.entries, len as u32);
        self.lists += len as u64;
    }

    /// The section.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut section = Vec::with_capacity(4 + self.index.len() + self.entries.len());
        section.extend((self.n_grams as u32).to_le_bytes());
        section.extend(self.index);
        section.extend(self.entries);
        section
    }

    fn gram(&mut self, gram: Trigram) {
        if self.n_grams.is_multiple_of(BUCKET) {
            self.index.extend(gram.0.to_le_bytes());
            self.index.extend((self.entries.len() as u32).to_le_bytes());
            self.index.extend(self.lists.to_le_bytes());
            self.last = gram.0;
        }
        put_varint(&mut self.entries, gram.0 - self.last);
        self.last = gram.0;
        self.n_grams += 1;
    }
}

/// A dictionary that was read.
#[derive(Debug)]
pub(super) struct Dictionary {
    n_grams: usize,
    index: Vec<Bucket>,
    entries: Bytes,
}

#[derive(Debug)]
struct Bucket {
    first: u32,
    entries: usize,
    lists: u64,
    /// Its entries, once somebody has asked for one: coding them as gaps is for the file.
    rows: OnceLock<Box<[Row]>>,
}

/// A decoded entry.
#[derive(Clone, Copy, Debug)]
struct Row {
    gram: u32,
    count: u32,
    value: u32,
    /// Where its list would start in the postings.
    lists: u64,
}

/// What the rest of the file allows an entry to say.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// The postings section.
    pub(super) postings: Range<u64>,
    /// Documents in the segment.
    pub(super) n_docs: u32,
}

impl Dictionary {
    /// Reads the index of a section.
    pub(super) fn open(section: Bytes) -> Result<Self, SegmentError> {
        let mut cursor = Cursor::new(SECTION, &section);
        let n_grams = cursor.u32()? as usize;
        let n_buckets = n_grams.div_ceil(BUCKET);
        let mut rows = Cursor::new(SECTION, cursor.take(n_buckets * INDEX_ENTRY)?);
        let entries = section.slice(section.len() - cursor.remaining()..);
        let mut index = Vec::with_capacity(n_buckets);
        for _ in 0..n_buckets {
            let (first, at, lists) = (rows.u32()?, rows.u32()? as usize, rows.u64()?);
            let bucket = Bucket { first, entries: at, lists, rows: OnceLock::new() };
            if bucket.entries > entries.len() {
                return Err(rows.error("has a bucket beyond its end"));
            }
            index.push(bucket);
        }
        Ok(Self { n_grams, index, entries })
    }

    /// Distinct trigrams.
    pub(super) fn n_grams(&self) -> usize {
        self.n_grams
    }

    /// Bytes of the index, decoded.
    pub(super) fn decoded_bytes(&self) -> u64 {
        (self.index.len() * size_of::<Bucket>()) as u64
    }

    /// The entry of `gram`.
    pub(super) fn find(&self, gram: Trigram, bounds: &Bounds) -> Result<Option<ListRef>, SegmentError> {
        let Some(number) = self.index.partition_point(|bucket| bucket.first <= gram.0).checked_sub(1) else {
            return Ok(None);
        };
        let rows = self.rows(number)?;
        let Ok(at) = rows.binary_search_by_key(&gram.0, |row| row.gram) else { return Ok(None) };
        let Row { count, value, lists, .. } = rows[at];
        let found = entry(count, value, lists, bounds);
        found.map(Some).ok_or_else(|| corrupt(SECTION, "has an impossible entry"))
    }

    fn rows(&self, number: usize) -> Result<&[Row], SegmentError> {
        let bucket = &self.index[number];
        if let Some(rows) = bucket.rows.get() {
            return Ok(rows);
        }
        let len = BUCKET.min(self.n_grams - number * BUCKET);
        let mut cursor = Cursor::new(SECTION, &self.entries[bucket.entries..]);
        let (mut gram, mut lists) = (bucket.first, bucket.lists);
        let mut rows = Vec::with_capacity(len);
        for _ in 0..len {
            gram = gram.checked_add(cursor.varint()?).ok_or_else(|| cursor.error("has a trigram out of range"))?;
            let (count, value) = (cursor.varint()?, cursor.varint()?);
            rows.push(Row { gram, count, value, lists });
            lists = lists.saturating_add(if count == 1 { 0 } else { u64::from(value) });
        }
        Ok(bucket.rows.get_or_init(|| rows.into()))
    }
}

impl Dictionary {
    /// All entries, in the order of trigrams. An error is the last item.
    pub(super) fn entries<'a>(
        &'a self,
        bounds: &'a Bounds,
    ) -> impl Iterator<Item = Result<(Trigram, ListRef), SegmentError>> + 'a {
        let buckets = self.index.iter().enumerate();
        let mut failed = false;
        let all = buckets.flat_map(move |(number, bucket)| self.bucket(number, bucket, bounds));
        all.take_while(move |item| !std::mem::replace(&mut failed, item.is_err()))
    }

    fn bucket(&self, number: usize, bucket: &Bucket, bounds: &Bounds) -> Vec<Result<(Trigram, ListRef), SegmentError>> {
        let len = BUCKET.min(self.n_grams - number * BUCKET);
        let mut cursor = Cursor::new(SECTION, &self.entries[bucket.entries..]);
        let (mut at, mut lists) = (bucket.first, bucket.lists);
        let mut next = || {
            at = at.checked_add(cursor.varint()?).ok_or_else(|| cursor.error("has a trigram out of range"))?;
            let (count, value) = (cursor.varint()?, cursor.varint()?);
            let list = entry(count, value, lists, bounds);
            lists = lists.saturating_add(if count == 1 { 0 } else { u64::from(value) });
            Ok((Trigram(at), list.ok_or_else(|| cursor.error("has an impossible entry"))?))
        };
        (0..len).map(|_| next()).collect()
    }
}

/// The meaning of an entry, if it can be true. `lists` is where its list would start in the postings.
fn entry(count: u32, value: u32, lists: u64, bounds: &Bounds) -> Option<ListRef> {
    if count == 1 {
        return (value < bounds.n_docs).then_some(ListRef::Inline(value));
    }
    let start = bounds.postings.start.checked_add(lists)?;
    let range = start..start.checked_add(u64::from(value))?;
    let possible = count > 0 && count <= bounds.n_docs && range.end <= bounds.postings.end;
    possible.then_some(ListRef::Stored { range, count })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn bounds() -> Bounds {
        Bounds { postings: 10_000..1 << 40, n_docs: 1 << 20 }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn finds_what_was_written_and_nothing_else(
            entries in prop::collection::btree_map(0u32..2_000, (1u32..5, 0u32..3_000), 0..900)
        ) {
            let mut encoder = DictionaryEncoder::default();
            let mut twin = BTreeMap::new();
            let mut at = 10_000u64;
            for (gram, (count, value)) in entries {
                let list = if count == 1 {
                    encoder.inline(Trigram(gram), value);
                    ListRef::Inline(value)
                } else {
                    encoder.stored(Trigram(gram), count, value as usize);
                    at += u64::from(value);
                    ListRef::Stored { range: at - u64::from(value)..at, count }
                };
                twin.insert(gram, list);
            }
            let dictionary = Dictionary::open(encoder.finish().into()).unwrap();
            prop_assert_eq!(dictionary.n_grams(), twin.len());
            let listed: Result<Vec<_>, _> = dictionary.entries(&bounds()).collect();
            prop_assert_eq!(listed.unwrap(), twin.iter().map(|(gram, list)| (Trigram(*gram), list.clone())).collect::<Vec<_>>());
            for gram in 0..2_001 {
                prop_assert_eq!(dictionary.find(Trigram(gram), &bounds()).unwrap(), twin.get(&gram).cloned());
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), n in 0u8..20, gram in 0u32..1 << 24) {
            let section = [&[n, 0, 0, 0], &bytes[..]].concat();
            if let Ok(dictionary) = Dictionary::open(section.into()) {
                let _ = dictionary.find(Trigram(gram), &bounds());
                let _ = dictionary.entries(&bounds()).count();
            }
        }
    }
}
