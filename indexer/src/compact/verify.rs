//! Compares the outputs of a merge with its inputs, before anybody else sees them: every document with its facts, the number
//! of names, and the postings of a random choice of trigrams.

use std::collections::BTreeSet;

use kotadb_core::crypto;
use kotadb_core::segment::{DocId, ListRef, ReadRange, Segment};
use kotadb_core::text::Trigram;

use super::inputs::{Input, Inputs, LocalFile};
use super::output::OutputFile;
use crate::error::IndexError;
use crate::halt::Halt;

/// Trigrams chosen of each segment.
const SAMPLE: usize = 64;

/// Fails unless the outputs hold what the inputs hold.
pub fn verify(inputs: &Inputs, files: &[OutputFile], halt: &Halt) -> Result<(), IndexError> {
    let held: usize = files.iter().map(|file| file.docs.len()).sum();
    require(held == inputs.order.len(), "documents are missing")?;
    for output in files {
        let file = LocalFile::open(&output.path)?;
        let len = output.summary.bytes;
        let segment = Segment::open(file.read(len.saturating_sub(output.summary.hot_bytes)..len)?, len)?;
        let opened = Opened { segment, file };
        opened.documents(inputs, output, halt)?;
        opened.postings(inputs, output, halt)?;
        opened.names(inputs, output, halt)?;
    }
    Ok(())
}

fn require(holds: bool, what: &'static str) -> Result<(), IndexError> {
    if holds { Ok(()) } else { Err(IndexError::BadMerge(what)) }
}

struct Opened {
    segment: Segment,
    file: LocalFile,
}

impl Opened {
    fn documents(&self, inputs: &Inputs, output: &OutputFile, halt: &Halt) -> Result<(), IndexError> {
        let order = &inputs.order[output.docs.clone()];
        let blobs = self.segment.decode_blobs(&self.file.read(self.segment.blobs_range())?)?;
        require(blobs.len() == order.len(), "the number of documents differs")?;
        for (doc, &(input, old)) in (0..).zip(order) {
            halt.check()?;
            let Input { segment, file, .. } = &inputs.segments[input];
            require(blobs[doc as usize] == inputs.blob((input, old)), "a blob id differs")?;
            require(self.segment.language(doc) == segment.language(old), "a language differs")?;
            require(self.segment.text_len(doc) == segment.text_len(old), "a length differs")?;
            let (new, before) = (self.file.read(self.segment.frame_range(doc))?, file.read(segment.frame_range(old))?);
            // A frame that was copied needs no unpacking; its checksum went with it.
            let same = new == before || self.segment.decode_frame(doc, &new)? == segment.decode_frame(old, &before)?;
            require(same, "a text differs")?;
            require(self.segment.extractor(doc)? == segment.extractor(old)?, "the extractor of a document differs")?;
            let (new, before) = (facts(&self.segment, &self.file, doc)?, facts(segment, file, old)?);
            require(new == before, "the facts of a document differ")?;
        }
        Ok(())
    }

    fn names(&self, inputs: &Inputs, output: &OutputFile, halt: &Halt) -> Result<(), IndexError> {
        let (moved, mut before) = (output.moved(inputs), 0);
        for (input, moved) in inputs.segments.iter().zip(&moved) {
            before += n_names(&input.segment, &input.file, halt, |doc| moved[doc as usize].is_some())?;
        }
        require(n_names(&self.segment, &self.file, halt, |_| true)? == before, "the number of names differs")
    }

    fn postings(&self, inputs: &Inputs, output: &OutputFile, halt: &Halt) -> Result<(), IndexError> {
        let moved = output.moved(inputs);
        let mut grams = sample(&self.segment)?;
        for input in &inputs.segments {
            grams.extend(sample(&input.segment)?);
        }
        for gram in grams {
            halt.check()?;
            let mut expected = Vec::new();
            for (input, moved) in inputs.segments.iter().zip(&moved) {
                let docs = list(&input.segment, &input.file, gram)?;
                expected.extend(docs.into_iter().filter_map(|doc| moved[doc as usize]));
            }
            expected.sort_unstable();
            require(list(&self.segment, &self.file, gram)? == expected, "the postings of a trigram differ")?;
        }
        Ok(())
    }
}

/// The frame of the facts of a document.
fn facts(segment: &Segment, file: &LocalFile, doc: DocId) -> Result<Option<bytes::Bytes>, IndexError> {
    Ok(segment.facts_range(doc)?.map(|range| file.read(range)).transpose()?)
}

/// Names of some documents.
fn n_names(
    segment: &Segment,
    file: &LocalFile,
    halt: &Halt,
    is_one: impl Fn(DocId) -> bool,
) -> Result<usize, IndexError> {
    let mut count = 0;
    for block in segment.all_names()? {
        halt.check()?;
        let rows = segment.decode_names(&block, &file.read(block.range())?)?;
        count += rows.iter().filter(|row| is_one(row.doc)).count();
    }
    Ok(count)
}

/// Trigrams at even distances from a random start.
fn sample(segment: &Segment) -> Result<BTreeSet<Trigram>, IndexError> {
    let step = (segment.n_trigrams() / SAMPLE).max(1);
    let start = u32::from_le_bytes(crypto::random()) as usize % step;
    let mut grams = BTreeSet::new();
    for list in segment.lists().skip(start).step_by(step) {
        grams.insert(list?.0);
    }
    Ok(grams)
}

fn list(segment: &Segment, file: &LocalFile, gram: Trigram) -> Result<Vec<DocId>, IndexError> {
    let Some(list) = segment.list(gram)? else { return Ok(Vec::new()) };
    let bytes = match &list {
        ListRef::Inline(_) => bytes::Bytes::new(),
        ListRef::Stored { range, .. } => file.read(range.clone())?,
    };
    Ok(segment.decode_list(&list, &bytes)?.iter().collect())
}
