//! Documents that one thread prepared in a row: their frames, and their postings sorted by trigram already. Batches are
//! made in parallel and appended in order; what becomes of their postings is the business of `runs`.

use super::DocId;
use super::document::PreparedDocument;
use super::facts_table::FactsFrame;
use super::writer::Frame;
use crate::id::ObjectId;
use crate::text::{Language, Trigram};

/// Bits of a key that number the document within its batch.
const DOC_BITS: u32 = 8;

/// Up to [`Batch::MAX_DOCS`] documents, ready to be appended to a segment.
#[derive(Debug, Default)]
pub struct Batch {
    documents: Vec<Header>,
    content: Vec<u8>,
    /// Frames of facts.
    facts: Vec<u8>,
    /// Rows of names.
    names: Vec<u8>,
    keys: Vec<Key>,
}

/// A document without its frame.
#[derive(Debug)]
struct Header {
    blob: ObjectId,
    language: Language,
    text_len: u32,
    frame_len: usize,
    extractor: u32,
    facts_len: usize,
    names_len: usize,
}

/// A document without its postings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'b> {
    pub(super) frame: Frame<'b>,
    pub(super) facts: FactsFrame<'b>,
    /// Rows of names.
    pub(super) names: &'b [u8],
}

/// A trigram and, in the low bits, the number within the batch of a document that holds it. The order of keys is that of
/// trigrams, then documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u32);

impl Key {
    /// The least key of a trigram.
    pub(super) fn first(gram: Trigram) -> Self {
        Self(gram.0 << DOC_BITS)
    }

    /// The trigram.
    #[inline]
    pub(super) fn gram(self) -> Trigram {
        Trigram(self.0 >> DOC_BITS)
    }

    /// The document, numbered within the batch.
    #[inline]
    pub(super) fn doc(self) -> DocId {
        self.0 & ((1 << DOC_BITS) - 1)
    }
}

impl Batch {
    /// Most documents of a batch.
    pub const MAX_DOCS: usize = 1 << DOC_BITS;

    /// Adds the next document; one too many is given back.
    pub fn push(&mut self, document: PreparedDocument) -> Result<(), PreparedDocument> {
        let doc = self.documents.len();
        if doc == Self::MAX_DOCS {
            return Err(document);
        }
        let PreparedDocument { blob, language, text_len, frame, grams, extractor, facts, names } = document;
        self.keys.extend(grams.iter().map(|gram| Key(gram.0 << DOC_BITS | doc as u32)));
        self.content.extend_from_slice(&frame);
        self.facts.extend_from_slice(&facts);
        self.names.extend_from_slice(&names);
        let (frame_len, facts_len, names_len) = (frame.len(), facts.len(), names.len());
        self.documents.push(Header { blob, language, text_len, frame_len, extractor, facts_len, names_len });
        Ok(())
    }

    /// Sorts the postings: the part of the work that is worth a thread. Appending does what is left to do.
    pub fn sort(&mut self) {
        sort(&mut self.keys);
    }

    /// Documents.
    pub fn n_docs(&self) -> usize {
        self.documents.len()
    }

    /// The documents, in order.
    pub(super) fn documents(&self) -> impl Iterator<Item = Parts<'_>> {
        let (mut content, mut facts, mut names) = (&self.content[..], &self.facts[..], &self.names[..]);
        self.documents.iter().map(move |header| {
            let &Header { blob, language, text_len, extractor, .. } = header;
            let frame = Frame { blob, language, text_len, bytes: cut(&mut content, header.frame_len) };
            let facts = FactsFrame { language, extractor, bytes: cut(&mut facts, header.facts_len) };
            Parts { frame, facts, names: cut(&mut names, header.names_len) }
        })
    }

    /// The postings, sorted.
    pub(super) fn into_keys(mut self) -> Vec<Key> {
        if !self.keys.is_sorted() {
            self.sort();
        }
        self.keys
    }
}

/// Takes bytes from the front.
fn cut<'b>(bytes: &mut &'b [u8], len: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}

/// Sorts keys that are in the order of documents by their trigrams, one byte after the other (a radix sort, from the
/// least significant byte), and gives back memory they do not need.
fn sort(keys: &mut Vec<Key>) {
    let mut from = std::mem::take(keys);
    let mut to = vec![Key::default(); from.len()];
    for shift in [8, 16, 24] {
        let digit = |key: Key| (key.0 >> shift & 0xFF) as usize;
        let mut places = [0usize; 256];
        from.iter().for_each(|&key| places[digit(key)] += 1);
        let mut start = 0;
        for place in &mut places {
            start += std::mem::replace(place, start);
        }
        for &key in &from {
            let place = &mut places[digit(key)];
            to[*place] = key;
            *place += 1;
        }
        std::mem::swap(&mut from, &mut to);
    }
    from.shrink_to_fit();
    *keys = from;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts_as_the_standard_library_does(grams in prop::collection::vec(0u32..1 << 24, 0..300), few: bool) {
            let grams = grams.into_iter().map(|gram| if few { gram % 7 * 0x10203 } else { gram });
            let mut keys: Vec<_> = grams.zip(0u32..).map(|(gram, i)| Key((gram << DOC_BITS) | (i / 2))).collect();
            let mut twin = keys.clone();
            sort(&mut keys);
            twin.sort_unstable();
            prop_assert_eq!(keys, twin);
        }
    }
}
