//! One document on its way into a segment: the part of the work that needs no order, so that threads share it.

use std::fmt;

use zstd::bulk::Compressor;

use super::error::SegmentError;
use super::{MAX_TEXT_LEN, frame};
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
        Ok(Self { blob, language, text_len, frame: scratch.frame.clone(), grams })
    }

    /// Bytes of memory that it holds, for callers that bound what waits to be added.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.frame.len() + self.grams.len() * size_of::<Trigram>()
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
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(frame::LEVEL)?),
        };
        frame::encode_into(text, compressor, &mut self.frame)
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}
