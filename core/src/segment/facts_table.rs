//! Facts of documents: a frame for each document that has some, and which version of which extractor made them. What facts say is
//! the business of [`crate::facts`].

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;
use zstd::bulk::Compressor;

use super::Cursor;
use super::error::{SegmentError, corrupt};
use super::{DocId, frame};
use crate::cursor::put_varint;
use crate::text::Language;

const SECTION: &str = "facts";
/// Longest facts of one document, in bytes; bounds what a reader allocates.
const MAX_FACTS: u32 = 1 << 24;
/// Length of the facts before their frame.
const LEN: usize = 4;

/// The facts of one document, compressed already.
#[derive(Clone, Copy, Debug)]
pub struct FactsFrame<'a> {
    /// Its language.
    pub language: Language,
    /// Version of the extractor that saw it; 0: none did.
    pub extractor: u32,
    /// Its frame, as [`Segment::facts_range`](super::Segment::facts_range) names it; empty: it has no facts.
    pub bytes: &'a [u8],
}

/// Compresses facts; `None`: they are too long to be kept.
pub(super) fn encode(facts: &[u8], compressor: &mut Compressor<'_>) -> Result<Option<Vec<u8>>, SegmentError> {
    let Some(len) = u32::try_from(facts.len()).ok().filter(|len| *len <= MAX_FACTS) else { return Ok(None) };
    let frame = frame::encode(facts, compressor)?;
    Ok(Some([&len.to_le_bytes()[..], &frame].concat()))
}

/// Checks and decompresses a frame.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<u8>, SegmentError> {
    let (len, frame) = bytes.split_first_chunk::<LEN>().ok_or_else(|| corrupt(SECTION, "frame too short"))?;
    let len = Some(u32::from_le_bytes(*len)).filter(|len| *len <= MAX_FACTS);
    frame::decode(frame, len.ok_or_else(|| corrupt(SECTION, "length of a frame"))?)
}

/// Collects what is known of the frames.
#[derive(Debug, Default)]
pub(super) struct FactsEncoder {
    documents: Vec<(Language, u32)>,
    lens: Vec<u8>,
}

impl FactsEncoder {
    pub(super) fn add(&mut self, frame: &FactsFrame<'_>) {
        self.documents.push((frame.language, frame.extractor));
        put_varint(&mut self.lens, frame.bytes.len() as u32);
    }

    /// Documents so far.
    pub(super) fn n_docs(&self) -> u32 {
        self.documents.len() as u32
    }

    /// Latest version by language, for the meta section.
    pub(super) fn extractors(&self) -> Vec<(u16, u32)> {
        let mut latest = BTreeMap::new();
        for (language, extractor) in self.documents.iter().filter(|(_, extractor)| *extractor > 0) {
            let version = latest.entry(language.0).or_insert(*extractor);
            *version = (*version).max(*extractor);
        }
        latest.into_iter().collect()
    }

    /// The section: lengths of the frames, then the documents that another version saw than the latest of their language.
    pub(super) fn finish(&self) -> Vec<u8> {
        let latest: BTreeMap<u16, u32> = self.extractors().into_iter().collect();
        let (mut others, mut n_others, mut next) = (Vec::new(), 0_u32, 0);
        for ((language, extractor), doc) in self.documents.iter().zip(0u32..) {
            if *extractor != latest.get(&language.0).copied().unwrap_or(0) {
                put_varint(&mut others, doc - next);
                put_varint(&mut others, *extractor);
                (n_others, next) = (n_others + 1, doc + 1);
            }
        }
        let mut section = self.lens.clone();
        put_varint(&mut section, n_others);
        section.extend(others);
        section
    }
}

/// What was read of the frames, decoded when it is asked for.
#[derive(Debug)]
pub(super) struct FactsTable {
    n_docs: u32,
    frames: Range<u64>,
    section: Bytes,
    decoded: OnceLock<Option<Decoded>>,
}

#[derive(Debug)]
struct Decoded {
    /// Where each frame ends, from the start of the first.
    ends: Vec<u64>,
    /// Documents that another version saw than the latest of their language.
    others: Vec<(DocId, u32)>,
}

impl FactsTable {
    /// A table of `n_docs` documents, whose frames are at `frames` in the file.
    pub(super) fn new(n_docs: u32, frames: Range<u64>, section: Bytes) -> Self {
        Self { n_docs, frames, section, decoded: OnceLock::new() }
    }

    /// Where the frame of a document is; `None`: it has none.
    pub(super) fn frame(&self, doc: DocId) -> Result<Option<Range<u64>>, SegmentError> {
        let ends = &self.decoded()?.ends;
        let Some(&end) = ends.get(doc as usize) else { return Ok(None) };
        let start = (doc as usize).checked_sub(1).map_or(0, |before| ends[before]);
        Ok((start < end).then(|| self.frames.start + start..self.frames.start + end))
    }

    /// The version that saw a document, where it is not `latest`.
    pub(super) fn extractor(&self, doc: DocId, latest: u32) -> Result<u32, SegmentError> {
        let others = &self.decoded()?.others;
        Ok(others.binary_search_by_key(&doc, |other| other.0).map_or(latest, |at| others[at].1))
    }

    /// Bytes of the table, once decoded.
    pub(super) fn decoded_bytes(&self) -> u64 {
        u64::from(self.n_docs) * size_of::<u64>() as u64
    }

    fn decoded(&self) -> Result<&Decoded, SegmentError> {
        let decoded = self.decoded.get_or_init(|| self.decode().ok());
        decoded.as_ref().ok_or_else(|| corrupt(SECTION, "the table of frames"))
    }

    fn decode(&self) -> Result<Decoded, SegmentError> {
        let mut cursor = Cursor::new(SECTION, &self.section);
        let (mut ends, mut end) = (Vec::with_capacity((self.n_docs as usize).min(cursor.remaining())), 0);
        for _ in 0..self.n_docs {
            end += u64::from(cursor.varint()?);
            ends.push(end);
        }
        let (n_others, mut next) = (cursor.varint()?, 0u32);
        let mut others = Vec::with_capacity((n_others as usize).min(cursor.remaining()));
        for _ in 0..n_others {
            let doc = next.checked_add(cursor.varint()?).filter(|doc| *doc < self.n_docs);
            let doc = doc.ok_or_else(|| cursor.error("has a document that is not there"))?;
            others.push((doc, cursor.varint()?));
            next = doc + 1;
        }
        if end != self.frames.end - self.frames.start {
            return Err(cursor.error("has frames of another length"));
        }
        cursor.finish()?;
        Ok(Decoded { ends, others })
    }
}

/// Facts that wait for the end of the content.
#[derive(Debug)]
pub(super) struct Waiting {
    spill: Box<dyn super::Spill>,
    documents: Vec<(Language, u32, u32)>,
}

impl Waiting {
    pub(super) fn new(spill: Box<dyn super::Spill>) -> Self {
        Self { spill, documents: Vec::new() }
    }

    pub(super) fn add(&mut self, frame: &FactsFrame<'_>) -> io::Result<()> {
        self.documents.push((frame.language, frame.extractor, frame.bytes.len() as u32));
        if frame.bytes.is_empty() { Ok(()) } else { self.spill.append(frame.bytes) }
    }

    /// Whether an extractor saw any document.
    pub(super) fn has_any(&self) -> bool {
        self.documents.iter().any(|(_, extractor, _)| *extractor > 0)
    }

    /// Shows all frames, in the order of documents.
    pub(super) fn each(
        self,
        mut show: impl FnMut(&FactsFrame<'_>) -> Result<(), SegmentError>,
    ) -> Result<(), SegmentError> {
        let (mut at, mut bytes) = (0, Vec::new());
        for (language, extractor, len) in self.documents {
            bytes.resize(len as usize, 0);
            if len > 0 {
                self.spill.read_at(at, &mut bytes)?;
            }
            at += u64::from(len);
            show(&FactsFrame { language, extractor, bytes: &bytes })?;
        }
        Ok(())
    }
}
