//! The code of one stored postings list: checksum, tag, payload. Where lists lie is `dictionary`'s business.

use super::Cursor;
use super::doc_set::DocSet;
use super::error::{SegmentError, corrupt};
use super::{DocId, pfor};
use crate::cursor::{put_varint, varint_len};

/// Gaps as varints.
const VARINT: u8 = 1;
/// Gaps in PFOR blocks, the rest (fewer than a block) as varints.
const PFOR: u8 = 2;
/// A bit for every document, least significant first.
const BITMAP: u8 = 3;
/// Added to `VARINT` or `PFOR`: the documents that are *not* in the list.
const INVERTED: u8 = 0x10;

const CRC_LEN: usize = 4;
const SECTION: &str = "postings";

/// Encodes lists of one segment; holds the buffers that candidates are tried in.
pub(super) struct Encoder {
    n_docs: u32,
    best: Vec<u8>,
    candidate: Vec<u8>,
    absent: Vec<DocId>,
}

impl Encoder {
    /// For lists over `n_docs` documents.
    pub(super) fn new(n_docs: u32) -> Self {
        Self { n_docs, best: Vec::new(), candidate: Vec::new(), absent: Vec::new() }
    }

    /// The smallest encoding of an ascending list; of equals the one with the lowest tag.
    pub(super) fn encode(&mut self, docs: &[DocId]) -> &[u8] {
        self.best.clear();
        let varints = CRC_LEN + 1 + varints_len(docs);
        if docs.len() >= pfor::BLOCK {
            self.consider(|out| gaps(PFOR, docs, out));
        }
        if self.best.is_empty() || varints <= self.best.len() {
            self.best.clear();
            self.consider(|out| gaps(VARINT, docs, out));
        }
        let n_docs = self.n_docs;
        if (n_docs as usize).div_ceil(8) < self.best.len() {
            self.consider(|out| bitmap(docs, n_docs, out));
        }
        if docs.len() > self.n_docs as usize / 2 {
            let mut absent = std::mem::take(&mut self.absent);
            complement(docs, self.n_docs, &mut absent);
            self.consider(|out| gaps(VARINT | INVERTED, &absent, out));
            self.consider(|out| gaps(PFOR | INVERTED, &absent, out));
            self.absent = absent;
        }
        let crc = crc32c::crc32c(&self.best[CRC_LEN..]);
        self.best[..CRC_LEN].copy_from_slice(&crc.to_le_bytes());
        &self.best
    }

    /// Keeps what `write` writes behind an empty checksum if it is smaller than the best so far.
    fn consider(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.candidate.clear();
        self.candidate.extend([0; CRC_LEN]);
        write(&mut self.candidate);
        if self.best.is_empty() || self.candidate.len() < self.best.len() {
            std::mem::swap(&mut self.best, &mut self.candidate);
        }
    }
}

/// Checks and decodes the list of `count` documents among `n_docs`.
pub(super) fn decode(bytes: &[u8], count: u32, n_docs: u32) -> Result<DocSet, SegmentError> {
    let (crc, rest) = bytes.split_first_chunk::<CRC_LEN>().ok_or_else(|| corrupt(SECTION, "list too short"))?;
    if crc32c::crc32c(rest) != u32::from_le_bytes(*crc) {
        return Err(corrupt(SECTION, "checksum of a list"));
    }
    let absent = n_docs.checked_sub(count).ok_or_else(|| corrupt(SECTION, "more documents than the segment has"))?;
    let mut cursor = Cursor::new(SECTION, rest);
    let tag = cursor.u8()?;
    let docs = match tag & !INVERTED {
        BITMAP => read_bitmap(&mut cursor, n_docs)?,
        VARINT | PFOR => {
            let n = if tag & INVERTED == 0 { count } else { absent };
            read_gaps(&mut cursor, tag & !INVERTED, Bounds { count: n as usize, n_docs })?
        }
        _ => return Err(corrupt(SECTION, "unknown encoding of a list")),
    };
    cursor.finish()?;
    let mut listed = docs;
    if tag & INVERTED != 0 {
        let absent = std::mem::take(&mut listed);
        complement(&absent, n_docs, &mut listed);
    }
    if listed.len() == count as usize {
        Ok(DocSet::ascending(listed))
    } else {
        Err(corrupt(SECTION, "count of a list"))
    }
}

/// What a list must satisfy.
struct Bounds {
    count: usize,
    n_docs: u32,
}

/// Writes the gaps between documents; a gap is the number of documents skipped.
fn gaps(tag: u8, docs: &[DocId], out: &mut Vec<u8>) {
    out.push(tag);
    let mut next = 0;
    let mut gap = |doc: DocId| doc - std::mem::replace(&mut next, doc + 1);
    let mut rest = docs;
    if tag & !INVERTED == PFOR {
        while let Some((block, tail)) = rest.split_first_chunk() {
            pfor::encode(&block.map(&mut gap), out);
            rest = tail;
        }
    }
    for &doc in rest {
        put_varint(out, gap(doc));
    }
}

/// Bytes of the gaps as varints.
fn varints_len(docs: &[DocId]) -> usize {
    let mut next = 0;
    docs.iter().map(|&doc| varint_len(doc - std::mem::replace(&mut next, doc + 1))).sum()
}

fn read_gaps(cursor: &mut Cursor<'_>, tag: u8, bounds: Bounds) -> Result<Vec<DocId>, SegmentError> {
    let mut docs = Vec::with_capacity(bounds.count);
    let mut next = 0u64;
    let mut push = |gap: u32| {
        let doc = next + u64::from(gap);
        next = doc + 1;
        docs.push(doc as DocId);
    };
    let mut left = bounds.count;
    while tag == PFOR && left >= pfor::BLOCK {
        pfor::decode(cursor)?.into_iter().for_each(&mut push);
        left -= pfor::BLOCK;
    }
    for _ in 0..left {
        push(cursor.varint()?);
    }
    if next <= u64::from(bounds.n_docs) { Ok(docs) } else { Err(cursor.error("name a document that is not there")) }
}

fn bitmap(docs: &[DocId], n_docs: u32, out: &mut Vec<u8>) {
    out.push(BITMAP);
    let start = out.len();
    out.resize(start + n_docs.div_ceil(8) as usize, 0);
    for doc in docs {
        out[start + *doc as usize / 8] |= 1 << (doc % 8);
    }
}

fn read_bitmap(cursor: &mut Cursor<'_>, n_docs: u32) -> Result<Vec<DocId>, SegmentError> {
    let bytes = cursor.take(n_docs.div_ceil(8) as usize)?;
    let mut docs = Vec::with_capacity(bytes.iter().map(|byte| byte.count_ones() as usize).sum());
    for (i, &byte) in bytes.iter().enumerate() {
        let mut bits = byte;
        while bits != 0 {
            docs.push(i as DocId * 8 + bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
    let beyond = docs.last().is_some_and(|&doc| doc >= n_docs);
    if beyond { Err(cursor.error("name a document that is not there")) } else { Ok(docs) }
}

/// The documents below `n_docs` that are not in `docs`.
fn complement(docs: &[DocId], n_docs: u32, out: &mut Vec<DocId>) {
    out.clear();
    let mut next = 0;
    for &doc in docs {
        out.extend(next..doc);
        next = doc + 1;
    }
    out.extend(next..n_docs);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn round_trip(docs: &[DocId], n_docs: u32) -> (u8, usize) {
        let mut encoder = Encoder::new(n_docs);
        encoder.encode(&[0]);
        let bytes = encoder.encode(docs).to_vec();
        let decoded = decode(&bytes, docs.len() as u32, n_docs).unwrap();
        assert!(decoded.iter().eq(docs.iter().copied()));
        assert!(decode(&bytes, docs.len() as u32 + 1, n_docs).is_err(), "another count is noticed");
        (bytes[CRC_LEN], bytes.len())
    }

    #[test]
    fn each_shape_of_list_takes_its_own_encoding() {
        let step = |n: u32, step: usize| (0..n).step_by(step).collect::<Vec<_>>();
        assert_eq!(round_trip(&[3, 1_000_000], 1 << 20), (VARINT, CRC_LEN + 1 + 1 + 3));
        assert_eq!(round_trip(&step(100_000, 200), 100_000).0, PFOR);
        let half: Vec<_> = (0..1000u32).filter(|i| i.wrapping_mul(2_654_435_761) >> 15 & 1 == 0).collect();
        assert_eq!(round_trip(&half, 1000).0, BITMAP);
        assert_eq!(round_trip(&(0..1000).collect::<Vec<_>>(), 1000), (VARINT | INVERTED, CRC_LEN + 1));
        let most: Vec<_> = (0..100_000).filter(|doc| doc % 100 != 7).collect();
        assert_eq!(round_trip(&most, 100_000).0, PFOR | INVERTED);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let docs: Vec<_> = (0..5_000).step_by(7).collect();
        let bytes = Encoder::new(5_000).encode(&docs).to_vec();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped, docs.len() as u32, 5_000).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len], docs.len() as u32, 5_000).is_err(), "cut to {len}");
        }
    }

    proptest! {
        #[test]
        fn any_list_round_trips(docs in prop::collection::btree_set(0u32..2_000, 1..600), spare in 0u32..50, invert: bool) {
            let n_docs = docs.last().map_or(0, |last| last + 1 + spare);
            let absent: BTreeSet<_> = (0..n_docs).filter(|doc| !docs.contains(doc)).collect();
            let docs: Vec<_> = if invert && !absent.is_empty() { absent } else { docs }.into_iter().collect();
            round_trip(&docs, n_docs);
        }

        #[test]
        fn a_list_with_a_true_checksum_and_false_content_never_panics(
            payload in prop::collection::vec(any::<u8>(), 0..300), tag in 0u8..0x20, count in 0u32..300, n_docs in 0u32..300
        ) {
            let mut bytes = vec![0; CRC_LEN];
            bytes.push(tag);
            bytes.extend(payload);
            let crc = crc32c::crc32c(&bytes[CRC_LEN..]);
            bytes[..CRC_LEN].copy_from_slice(&crc.to_le_bytes());
            if let Ok(docs) = decode(&bytes, count, n_docs) {
                prop_assert!(docs.iter().is_sorted() && docs.len() == count as usize);
                prop_assert!(docs.iter().all(|doc| doc < n_docs));
            }
        }
    }
}
