//! Encoded postings lists on their way into a segment: the part of writing postings that needs no order, so that threads
//! share it. What the lists hold is the caller's business.

use std::fmt;

use super::DocId;
use super::dictionary::DictionaryEncoder;
use super::postings::Encoder;
use crate::text::Trigram;

/// The lists of some trigrams in a row, encoded as they will be stored. Made in parallel, written in the order of
/// trigrams by [`PostingsWriter`](super::PostingsWriter).
pub struct EncodedLists {
    encoder: Encoder,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

/// One list: `value` is its only document or, if there are more, the length of its code.
struct Entry {
    gram: Trigram,
    count: u32,
    value: u32,
}

impl EncodedLists {
    /// Without any list; they will be of a segment of `n_docs` documents.
    pub fn new(n_docs: u32) -> Self {
        Self { encoder: Encoder::new(n_docs), entries: Vec::new(), bytes: Vec::new() }
    }

    /// Encodes the next list: a trigram after all before, and its documents, ascending; one without any is left out.
    pub fn push(&mut self, gram: Trigram, docs: &[DocId]) {
        let value = match docs {
            [] => return,
            [doc] => *doc,
            _ => {
                let code = self.encoder.encode(docs);
                self.bytes.extend_from_slice(code);
                code.len() as u32
            }
        };
        self.entries.push(Entry { gram, count: docs.len() as u32, value });
    }

    /// What goes into the postings section.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends the entries to a dictionary that ends before them.
    pub(super) fn enter(&self, dictionary: &mut DictionaryEncoder) {
        for &Entry { gram, count, value } in &self.entries {
            match count {
                1 => dictionary.inline(gram, value),
                _ => dictionary.stored(gram, count, value as usize),
            }
        }
    }
}

impl fmt::Debug for EncodedLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedLists").field("lists", &self.entries.len()).finish_non_exhaustive()
    }
}
