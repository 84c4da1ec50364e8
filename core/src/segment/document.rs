//! One document on its way into a segment: the part of the work that needs no order, so that threads share it.

use std::fmt;

use zstd::bulk::Compressor;

use super::error::{SegmentError, corrupt};
use super::{MAX_TEXT_LEN, facts_table, frame, names};
use crate::facts::Facts;
use crate::id::ObjectId;
use crate::text::{Language, Trigram, TrigramSet};

/// One (blob, language) ready to be added: compressed, its trigrams collected. Made in parallel, added in order.
#[derive(Debug)]
pub struct PreparedDocument {
    pub(super) blob: ObjectId,
    pub(super) language: Language,
    pub(super) text_len: u32,
    pub(super) frame: Vec<u8>,
    pub(super) grams: Vec<Trigram>,
    /// Version of the extractor that saw it; 0: none did.
    pub(super) extractor: u32,
    /// The frame of its facts; empty: it has none.
    pub(super) facts: Box<[u8]>,
    /// The rows of its names.
    pub(super) names: Box<[u8]>,
}

impl PreparedDocument {
    /// Compresses the content and collects its trigrams. `scratch` is reused between calls on one thread.
    pub fn new(
        blob: ObjectId,
        language: Language,
        content: &[u8],
        scratch: &mut Scratch,
    ) -> Result<Self, SegmentError> {
        let text_len = u32::try_from(content.len()).ok().filter(|&len| len <= MAX_TEXT_LEN);
        let text_len = text_len.ok_or(SegmentError::Limit("a text is longer than 64 MiB"))?;
        scratch.compress(content)?;
        let grams = scratch.grams.collect(content).to_vec();
        let frame = scratch.frame.clone();
        Ok(Self { blob, language, text_len, frame, grams, extractor: 0, facts: Box::default(), names: Box::default() })
    }

    /// Notes that an extractor of a version above 0 saw the content, and keeps what it found; `None`: it gave up.
    /// Facts that cannot be true of the content are an error, and are not kept.
    pub fn add_facts(
        &mut self,
        extractor: u32,
        facts: Option<&Facts>,
        content: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), SegmentError> {
        self.extractor = extractor;
        let Some(facts) = facts else { return Ok(()) };
        let code = facts.encode(content).map_err(|error| corrupt("facts", error))?;
        if let Some(frame) = facts_table::encode(&code, made(&mut scratch.compressor)?)? {
            self.facts = frame.into();
            self.names = names::of_document(facts, content).into();
        }
        Ok(())
    }

    /// Bytes of memory that it holds, for callers that bound what waits to be added.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.frame.len()
            + self.grams.len() * size_of::<Trigram>()
            + self.facts.len()
            + self.names.len()
    }
}

/// Per-thread working memory of [`PreparedDocument::new`].
#[derive(Default)]
pub struct Scratch {
    compressor: Option<Compressor<'static>>,
    frame: Vec<u8>,
    grams: TrigramSet,
}

impl Scratch {
    /// Compresses a text into `frame`.
    fn compress(&mut self, text: &[u8]) -> Result<(), SegmentError> {
        frame::encode_into(text, made(&mut self.compressor)?, &mut self.frame)
    }
}

/// The compressor, made when it is first asked for.
fn made<'s>(compressor: &'s mut Option<Compressor<'static>>) -> Result<&'s mut Compressor<'static>, SegmentError> {
    match compressor {
        Some(compressor) => Ok(compressor),
        none => Ok(none.insert(Compressor::new(frame::LEVEL)?)),
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}
